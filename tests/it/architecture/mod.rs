//! The layers: which folder of `src` may use which, that no two files use each other, how long files and functions
//! may be, and which files alone name the system and the store.

mod language;
mod sealed;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::{Source, Use, is_ident, sources};

/// The layers, from the bottom. A folder may use folders of lower layers only: not those of its own layer, and none
/// above. ARCHITECTURE.md has the same list.
///
/// `sim` is below `fs`, which tells it of every operation.
const LAYERS: [&[&str]; 10] = [
    &["domain"],
    &["failure"],
    &["sim"],
    &["fs"],
    &["store"],
    &["roots"],
    &["protocol"],
    &["artifact", "audit", "hot"],
    &["catalog"],
    &["lib"],
];

const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 70;

fn layer_of(folder: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&folder))
}

/// The folder that a path leads to; a name that is no folder is one that `lib.rs` exports.
fn folder_of(used: &Use) -> &str {
    let first = used.path.first().map_or("lib", String::as_str);
    layer_of(first).map_or("lib", |_| first)
}

/// The uses of folders that are not on a lower layer.
fn upward_uses(source: &Source) -> Vec<String> {
    let folder = source.layer();
    let layer = layer_of(&folder).unwrap_or_else(|| panic!("`{folder}` is on no layer"));
    let uses = source.uses(&BTreeSet::new()).into_iter();
    uses.map(|used| (used.line, folder_of(&used).to_owned()))
        .filter(|(_, used)| *used != folder && layer_of(used) >= Some(layer))
        .map(|(line, used)| {
            let path = &source.path;
            format!("{path}:{line}: `{folder}` uses `{used}`, which is not on a lower layer")
        })
        .collect()
}

/// The children of a folder's `mod.rs`.
fn children(source: &Source, sources: &[Source]) -> BTreeSet<String> {
    let module = source.module();
    let is_child = |other: &Vec<String>| {
        other.len() == module.len() + 1 && other.starts_with(&module) && !module.is_empty()
    };
    let modules = sources.iter().map(Source::module).filter(is_child);
    modules.filter_map(|mut module| module.pop()).collect()
}

/// For each file, the files that it uses. A name that a `mod.rs` exports from a child is the child's, and the `mod.rs`
/// that only exports it does not use it.
fn file_graph(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let files: BTreeMap<Vec<String>, &Source> = sources
        .iter()
        .map(|source| (source.module(), source))
        .collect();
    let file_of = |path: &[String]| {
        let mut prefixes = (0..=path.len()).rev().map(|length| &path[..length]);
        let module = prefixes.find(|prefix| files.contains_key(*prefix))?;
        let source = files[module];
        let exports = source.exports(&children(source, sources));
        let name = path.get(module.len());
        let child = exports.into_iter().find(|(export, _)| Some(export) == name);
        match child {
            Some((_, child)) => {
                let path: Vec<_> = module.iter().cloned().chain([child]).collect();
                files.get(&path).map(|source| source.path.clone())
            }
            None => Some(source.path.clone()),
        }
    };
    let graph = sources.iter().map(|source| {
        let used = source.uses(&children(source, sources)).into_iter();
        let used = used.filter_map(|used| file_of(&used.path));
        (
            source.path.clone(),
            used.filter(|path| *path != source.path).collect(),
        )
    });
    graph.collect()
}

/// The pairs of files that use each other.
fn mutual_uses(sources: &[Source]) -> Vec<String> {
    let graph = file_graph(sources);
    let mut pairs = Vec::new();
    for (from, used) in &graph {
        for to in used {
            if from < to && graph.get(to).is_some_and(|used| used.contains(from)) {
                pairs.push(format!("{from} and {to} use each other"));
            }
        }
    }
    pairs
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_folder_is_on_one_layer() {
    let mut folders: Vec<_> = sources().iter().map(Source::layer).collect();
    folders.sort_unstable();
    folders.dedup();
    let mut planned = LAYERS.concat();
    planned.sort_unstable();
    assert_eq!(folders, planned);
    assert!(folders.len() <= 12, "{}", folders.len());
}

#[test]
fn no_folder_uses_one_above_or_beside_it() {
    let found: Vec<_> = sources().iter().flat_map(upward_uses).collect();
    assert_none(&found);
}

#[test]
fn no_two_files_use_each_other() {
    assert_none(&mutual_uses(&sources()));
}

/// The document's table of layers is this list.
#[test]
fn the_document_has_the_same_layers() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ARCHITECTURE.md");
    let document = std::fs::read_to_string(path).unwrap();
    let table = document
        .lines()
        .skip_while(|line| !line.starts_with("| layer |"));
    let table = table.take_while(|line| line.starts_with('|'));
    let rows = table.filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let layer: usize = cells.next()?.parse().ok()?;
        let names = cells.next()?.split(", ");
        let names: Vec<_> = names.map(|name| name.trim_matches('`')).collect();
        Some((layer, names))
    });
    let planned = (1..).zip(LAYERS.map(<[_]>::to_vec));
    assert_eq!(rows.collect::<Vec<_>>(), planned.collect::<Vec<_>>());
}

#[test]
fn the_public_face_is_small() {
    let sources = sources();
    let root = sources.iter().find(|source| source.path == "src/lib.rs");
    // The documentation and the simulator are for some builds only.
    let names = root.unwrap().public_names().into_iter();
    let names: Vec<_> = names
        .filter(|name| name != "architecture" && name != "sim")
        .collect();
    assert!(names.contains(&"Catalog".to_owned()) && names.contains(&"error".to_owned()));
    assert!(names.len() <= 50, "{}: {names:?}", names.len());
    let library = sources.iter().filter(|source| !source.is_below("src/sim/"));
    let errors: usize = library.map(Source::public_errors).sum();
    assert!((20..=30).contains(&errors), "{errors} error types");
}

#[test]
fn files_and_functions_are_short() {
    let mut found = Vec::new();
    let mut counted = 0;
    for source in sources() {
        if source.lines > LONGEST_FILE {
            found.push(format!("{}: {} lines", source.path, source.lines));
        }
        for (name, line, lines) in source.functions() {
            counted += 1;
            if lines > LONGEST_FUNCTION {
                found.push(format!(
                    "{}:{line}: `{name}` has {lines} lines",
                    source.path
                ));
            }
        }
    }
    assert_none(&found);
    assert!(counted > 300, "{counted} functions were counted");
}

#[test]
fn each_system_is_named_in_its_folder_only() {
    let mut found = Vec::new();
    for source in sources() {
        let path = &source.path;
        let names_std_fs = source.names_path("std", "fs");
        let names_rustix = source.names("rustix");
        if names_std_fs && !source.is_below("src/fs/") {
            found.push(format!("{path} names `std::fs`"));
        }
        if names_rustix && !source.is_below("src/fs/") {
            found.push(format!("{path} names `rustix`"));
        }
        let names_rocksdb = source.names("rocksdb");
        assert_eq!(names_rocksdb, path == "src/store/rocks.rs", "{path}");
        if path == "src/fs/sys.rs" {
            assert!(names_std_fs && names_rustix, "the search finds them");
        }
    }
    assert_none(&found);
}

impl Source {
    /// Whether `first::second` stands in the code, or a group behind `first::` with that name in it.
    fn names_path(&self, first: &str, second: &str) -> bool {
        let mut found = false;
        source::each_group(&self.tokens, &mut |trees| {
            for (at, tree) in trees.iter().enumerate() {
                let next = trees.get(at + 3).map(ToString::to_string);
                let next = next.unwrap_or_default();
                let mut names = next.split(|c: char| !c.is_alphanumeric() && c != '_');
                found |= is_ident(tree, first) && names.any(|name| name == second);
            }
        });
        found
    }
}

/// The complaints about a made-up file.
fn wrong(path: &str, text: &str) -> Vec<String> {
    upward_uses(&Source::new(path, text))
}

#[test]
fn the_check_finds_uses_of_higher_layers() {
    let domain = |text: &str| wrong("src/domain/key.rs", text);
    assert_eq!(
        domain("use std::fmt;\n\nuse crate::catalog::Catalog;\n"),
        ["src/domain/key.rs:3: `domain` uses `catalog`, which is not on a lower layer"]
    );
    for text in [
        "fn f() { crate::protocol::commit(); }",
        "use crate::{failure::Fatal, domain::Key};",
        "use crate::{\n    failure::{Fatal, Poisoned},\n};",
        "use crate :: fs :: Dir;",
        "pub(crate) use crate::hot::Ready;",
        "macro_rules! m { () => { $crate::hot::Ready } }",
        "use super::super::catalog::Catalog;",
        "use super::super::{catalog, domain};",
        // A name that the root exports is the root's.
        "fn f(catalog: &crate::Catalog) {}",
    ] {
        assert!(!domain(text).is_empty(), "{text}");
    }
    // A folder beside is on no lower layer.
    assert!(!wrong("src/artifact/begin.rs", "use crate::hot::Ready;").is_empty());
    assert!(!wrong("src/artifact/mod.rs", "use super::catalog::Catalog;").is_empty());
}

#[test]
fn the_check_lets_pass_uses_of_lower_layers() {
    for (path, text) in [
        ("src/lib.rs", "pub use catalog::Catalog;"),
        ("src/failure/mod.rs", "use crate::domain::{Key, ChunkId};"),
        ("src/domain/key.rs", "// use crate::catalog::Catalog;"),
        (
            "src/domain/key.rs",
            "/// [`Catalog`](crate::Catalog)\nstruct A;",
        ),
        (
            "src/domain/key.rs",
            "const A: &str = \"crate::catalog::Catalog\";",
        ),
        (
            "src/domain/key.rs",
            "pub(crate) fn f() {}\nmod inner { use super::f; use super::super::kind::Kind; }",
        ),
        ("src/artifact/begin.rs", "use super::{Freezing, hot};"),
        ("src/artifact/begin.rs", "use crate::artifact::Freezing;"),
    ] {
        assert_none(&wrong(path, text));
    }
}

#[test]
fn the_check_finds_files_that_use_each_other() {
    let mutual = |files: &[(&str, &str)]| {
        let sources: Vec<_> = files.iter().map(|(p, t)| Source::new(p, t)).collect();
        mutual_uses(&sources)
    };
    let a = ("src/hot/a.rs", "use super::b::B;");
    let b = |text| ("src/hot/b.rs", text);
    assert_eq!(
        mutual(&[a, b("use crate::hot::a::A;")]),
        ["src/hot/a.rs and src/hot/b.rs use each other"]
    );
    assert_none(&mutual(&[a, b("use crate::domain::Key;")]));
    let module = |text| ("src/hot/mod.rs", text);
    let child = ("src/hot/a.rs", "use super::Hot;");
    assert_none(&mutual(&[module("mod a;\npub(crate) use a::A;"), child]));
    assert!(!mutual(&[module("mod a;\nuse a::A;"), child]).is_empty());
    assert!(!mutual(&[module("mod a;\nfn f() { a::f() }"), child]).is_empty());
    // The name that the folder exports is the child's.
    let exports = module("mod a;\nmod b;\npub use a::A;");
    let by_name = [
        exports,
        ("src/hot/a.rs", "use super::b::B;"),
        b("use super::A;"),
    ];
    assert_eq!(mutual(&by_name).len(), 1);
}

#[test]
fn the_check_counts_the_lines_of_functions() {
    let source = Source::new(
        "src/lib.rs",
        "trait A {\n    fn declared(&self, b: [u8; 3]) -> u8;\n}\n\
         const fn one() -> fn(u8) -> u8 { f }\n\
         fn four<T>(\n    a: T,\n) where T: Copy {\n    let b = \"}\"; if b.is_empty() { }\n}\n",
    );
    assert_eq!(
        source.functions(),
        [("one".to_owned(), 4, 1), ("four".to_owned(), 5, 5)]
    );
}
