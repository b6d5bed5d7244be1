//! The building's plan: which module may use which, how long files and functions may be, and which
//! rooms alone name the system and the store.

mod sealed;
mod source;

use source::{Source, blank, functions, names_in, sources, words};

/// The floors, from the ground up. A module may use modules of lower floors only: not those of its
/// own floor, and none above. The files of a directory module are one module here, and use each
/// other as they like.
///
/// `sim` is below `fs`, which tells it of every operation.
const FLOORS: [&[&str]; 16] = [
    &["geometry", "state"],
    &["kind"],
    &["key"],
    &["error", "layout", "owed", "retention"],
    &["sector", "sim"],
    &["fs"],
    &["claim", "config", "identity", "poison", "store"],
    &["lock"],
    &["durable", "states"],
    &["core"],
    &["transition"],
    &["artifact", "hot", "scan"],
    &["missing_step", "open", "pin", "sweep"],
    &["audit", "catalog"],
    &["recover", "simulated"],
    &[TOP],
];

/// The crate's root: `lib.rs`, and what it exports again.
const TOP: &str = "lib";

const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 70;

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The modules that the file uses, with the line; a name that is no module is the root's.
fn uses(source: &Source) -> Vec<(usize, String)> {
    let mut used = names_in(&source.code, "crate");
    for (_, name) in &mut used {
        if floor_of(name).is_none() {
            TOP.clone_into(name);
        }
    }
    // A way up with `super` as far as the root is the same thing. Modules inside of the file have
    // a longer way, so here only the names of modules count.
    let way_up = vec!["super"; source.depth()].join("::");
    let up = names_in(&source.code, &way_up);
    used.extend(up.into_iter().filter(|(_, name)| floor_of(name).is_some()));
    used
}

/// What the file uses and may not.
fn upward_uses(source: &Source) -> Vec<String> {
    let module = source.module();
    let floor = floor_of(module).unwrap_or_else(|| panic!("`{module}` is on no floor"));
    uses(source)
        .into_iter()
        .filter(|(_, used)| used != module && floor_of(used) >= Some(floor))
        .map(|(line, used)| {
            let path = &source.path;
            format!("{path}:{line}: `{module}` uses `{used}`, which is not on a lower floor")
        })
        .collect()
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_module_is_on_one_floor() {
    let sources = sources();
    let mut modules: Vec<_> = sources.iter().map(Source::module).collect();
    modules.sort_unstable();
    modules.dedup();
    let mut planned = FLOORS.concat();
    planned.sort_unstable();
    assert_eq!(modules, planned);
}

#[test]
fn no_module_uses_one_above_or_beside_it() {
    let found: Vec<_> = sources().iter().flat_map(upward_uses).collect();
    assert_none(&found);
}

#[test]
fn files_and_functions_are_short() {
    let mut found = Vec::new();
    let mut counted = 0;
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > LONGEST_FILE {
            found.push(format!("{}: {lines} lines", source.path));
        }
        for (name, line, lines) in functions(&source.code) {
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
fn each_system_is_named_in_its_room_only() {
    let mut found = Vec::new();
    for source in sources() {
        let names_std_fs = names_in(&source.code, "std").iter().any(|(_, n)| n == "fs");
        let names_rustix = words(&source.code, "rustix").next().is_some();
        let names_rocksdb = words(&source.code, "rocksdb").next().is_some();
        let path = &source.path;
        if names_std_fs && !source.is_below("src/fs/") {
            found.push(format!("{path} names `std::fs`"));
        }
        if names_rustix && !source.is_below("src/fs/") {
            found.push(format!("{path} names `rustix`"));
        }
        assert_eq!(
            names_rocksdb,
            path == "src/store/rocks.rs",
            "{path}, `rocksdb`"
        );
        if path == "src/fs/real.rs" {
            assert!(
                names_std_fs && names_rustix,
                "the search finds what is there"
            );
        }
    }
    assert_none(&found);
}

/// What is wrong with a made-up file.
fn wrong(path: &str, text: &str) -> Vec<String> {
    upward_uses(&Source::new(path, text))
}

#[test]
fn the_check_finds_what_points_up() {
    let geometry = |text: &str| wrong("src/geometry.rs", text);
    assert_eq!(
        geometry("use std::fmt;\n\nuse crate::catalog::Catalog;\n"),
        ["src/geometry.rs:3: `geometry` uses `catalog`, which is not on a lower floor"]
    );
    for text in [
        "fn f() { crate::sweep::sweep(); }",
        "use crate::{state::HotState, key::Key};",
        "use crate::{\n    error::{Fatal, Poisoned},\n};",
        "use crate :: fs :: Dir;",
        "pub(crate) use crate::hot::Ready;",
        "macro_rules! m { () => { $crate::hot::Ready } }",
        "use super::catalog::Catalog;",
        "use super::{catalog, kind};",
        // What the root exports is the root's.
        "fn f(catalog: &crate::Catalog) {}",
        // Beside is not below.
        "use crate::state::STEPS;",
        "const A: &str = \"//\"; use crate::hot::Ready;",
        "const A: char = '\"'; use crate::hot::Ready; // \"",
        "fn f<'a>(a: &'a str) { crate::hot::ready(a) } // '",
        "const A: &str = r#\"\"\"#; use crate::hot::Ready;",
    ] {
        assert!(!geometry(text).is_empty(), "{text}");
    }
    assert_eq!(geometry("use crate::{kind, key};").len(), 2);
    assert!(!wrong("src/artifact/begin.rs", "use crate::hot::Ready;").is_empty());
    assert!(!wrong("src/artifact/begin.rs", "use super::super::hot::Ready;").is_empty());
    assert!(!wrong("src/artifact/mod.rs", "use super::catalog::Catalog;").is_empty());
}

#[test]
fn the_check_lets_pass_what_points_down() {
    for (path, text) in [
        ("src/lib.rs", "pub use crate::catalog::Catalog;"),
        (
            "src/key.rs",
            "use crate::geometry::ChunkId;\nuse crate::{kind, state};",
        ),
        ("src/geometry.rs", "use crate::geometry::ChunkId;"),
        ("src/geometry.rs", "// use crate::catalog::Catalog;"),
        (
            "src/geometry.rs",
            "/// [`Catalog`](crate::Catalog)\nstruct A;",
        ),
        ("src/geometry.rs", "/* crate::catalog */"),
        (
            "src/geometry.rs",
            "const A: &str = \"crate::catalog::Catalog\";",
        ),
        (
            "src/geometry.rs",
            "const A: &str = r#\"\"crate::catalog\"#;",
        ),
        (
            "src/geometry.rs",
            "pub(crate) fn f() {}\nmod inner { use super::f; }",
        ),
        ("src/artifact/begin.rs", "use super::{Freezing, hot};"),
        ("src/artifact/begin.rs", "use crate::artifact::Freezing;"),
    ] {
        assert_none(&wrong(path, text));
    }
}

#[test]
fn the_check_counts_the_lines_of_functions() {
    let code = blank(
        "trait A {\n    fn declared(&self, b: [u8; 3]) -> u8;\n}\n\
         const fn one() -> fn(u8) -> u8 { f }\n\
         fn four<T>(\n    a: T,\n) where T: Copy {\n    let b = \"}\"; if b.is_empty() { }\n}\n",
    );
    assert_eq!(
        functions(&code),
        [("one".to_owned(), 4, 1), ("four".to_owned(), 5, 5)]
    );
}
