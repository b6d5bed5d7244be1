//! The next step of every error that the other tests of this folder provoke, in one table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::snapshot;

/// A heading of a snapshot: the variant, its failure kind and its next step.
struct Heading {
    variant: String,
    kind: String,
    next: String,
}

/// Returns the headings of each snapshot of errors, by the snapshot's name. The other tests of this folder compare these
/// headings with the errors themselves.
fn headings() -> BTreeMap<String, Vec<Heading>> {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // The problems of identities are all of one variant, whose test asserts the next step.
        let others = ["errors_next_steps", "errors_identity"];
        let is_blessed = path.extension().is_some_and(|end| end == "snap");
        if !is_blessed || !name.starts_with("errors_") || others.contains(&&*name) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let headings = text.lines().filter_map(heading).collect();
        found.insert(name, headings);
    }
    found
}

fn heading(line: &str) -> Option<Heading> {
    let (variant, rest) = line.strip_prefix("# ")?.split_once(" [")?;
    let (kind, next) = rest.strip_suffix(']')?.split_once(", ")?;
    Some(Heading {
        variant: variant.to_owned(),
        kind: kind.to_owned(),
        next: next.to_owned(),
    })
}

#[test]
fn the_next_step_of_every_error() {
    let headings = headings();
    let mut table = String::new();
    for (name, rows) in &headings {
        assert!(!rows.is_empty(), "{name} has no error");
        writeln!(table, "{name}").unwrap();
        for Heading {
            variant,
            kind,
            next,
        } in rows
        {
            writeln!(table, "  {kind:<10}{next:<9}{variant}").unwrap();
        }
    }
    snapshot::check("errors_next_steps", &table);
    let steps: Vec<_> = headings.values().flatten().map(|row| &*row.next).collect();
    for step in ["Nothing", "Later", "Again", "Reopen", "Person"] {
        assert!(steps.contains(&step), "no error has the next step {step}");
    }
}
