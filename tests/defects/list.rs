//! The list of defects.

use serde::Deserialize;

/// A defect and the change that puts it back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    pub name: String,
    pub file: String,
    /// The text to replace, which occurs once in the file.
    pub find: String,
    pub replace: String,
    /// The test that must fail: in tests/it; in src after "lib: "; in tests/threads after "threads: ". After "torture:
    /// ", the words that select cases of `make torture`.
    pub caught_by: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    defect: Vec<Defect>,
}

pub fn read(text: &str) -> Vec<Defect> {
    let list: List = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    list.defect
}
