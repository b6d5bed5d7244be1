//! The table of steps and the compile-fail tests are the same table.

use std::collections::BTreeSet;
use std::path::Path;

use frostline::step::{STEPS, Step};

const ARTIFACT: [&str; 4] = ["absent", "freezing", "frozen", "pruning"];
const HOT: [&str; 3] = ["absent", "transient", "ready"];

/// Each pair of different states that no step of a handle leads from and to, as the name of its test.
fn illegal(states: &[&str], prefix: &str) -> BTreeSet<String> {
    let legal = |from: &str, to: &str| {
        let of_handles = |step: &&Step| step.commits && step.from != "RecoveryPlan";
        let mut steps = STEPS.iter().filter(of_handles);
        steps.any(|step| {
            let hot = HOT[1..].contains(&step.before) || HOT[1..].contains(&step.after);
            hot == (states.len() == HOT.len()) && step.before == from && step.after == to
        })
    };
    let pairs = states
        .iter()
        .flat_map(|from| states.iter().map(move |to| (from, to)));
    pairs
        .filter(|(from, to)| from != to && !legal(from, to))
        .map(|(from, to)| format!("{prefix}{from}_to_{to}"))
        .collect()
}

#[test]
fn every_illegal_edge_has_its_compile_fail_test_and_no_other_has_one() {
    let mut expected = illegal(&ARTIFACT, "edge_");
    expected.append(&mut illegal(&HOT, "edge_hot_"));
    assert_eq!(expected.len(), 8);

    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let mut found = [BTreeSet::new(), BTreeSet::new()];
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if stem.starts_with("edge_") {
            let answer = path.extension().is_some_and(|end| end == "stderr");
            found[usize::from(answer)].insert(stem);
        }
    }
    let [sources, answers] = found;
    assert_eq!(sources, expected);
    assert_eq!(answers, expected);
}
