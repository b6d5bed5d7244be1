//! The list of defects.

use serde::Deserialize;

/// A defect, and how to put it back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    pub name: String,
    pub file: String,
    /// A text that the file has once.
    pub find: String,
    pub replace: String,
    /// A test of tests/it; after "lib: ", of src; after "torture: ", words of cases of `make torture`.
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
