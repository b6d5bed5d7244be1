//! The durable states, and the one table of the protocol's steps.
//!
//! [`STEPS`] is the only place that says what may follow what. The commit asserts that each edge is
//! in it, the documentation prints it, and there is one compile-fail test for each pair of states
//! that it leaves out.

use std::fmt;

/// What the catalog says of a file artifact. A key that is absent has no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArtifactState {
    /// Marked: its files may be missing, partial or whole. Never read.
    Freezing,
    /// Its files and the directory entries that lead to them are whole on stable storage.
    Frozen,
    /// On its way out: its files may be there or gone. No new reader is let in.
    Pruning,
}

impl ArtifactState {
    /// Every state, in the order of an artifact's life.
    pub const ALL: [Self; 3] = [Self::Freezing, Self::Frozen, Self::Pruning];

    /// The stored value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Freezing => "freezing",
            Self::Frozen => "frozen",
            Self::Pruning => "pruning",
        }
    }

    /// The state that a stored value stands for, if it is one.
    #[must_use]
    pub fn from_stored(value: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str().as_bytes() == value)
    }
}

impl fmt::Display for ArtifactState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the catalog says of a chunk's hot directory. A key that is absent has no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HotState {
    /// Being created or being discarded: the directory may be missing, partial or whole.
    Transient,
    /// The directory is durably there, and may be the only copy of its ledgers.
    Ready,
}

impl HotState {
    /// Every state, in the order of a hot directory's life.
    pub const ALL: [Self; 2] = [Self::Transient, Self::Ready];

    /// The stored value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Ready => "ready",
        }
    }

    /// The state that a stored value stands for, if it is one.
    #[must_use]
    pub fn from_stored(value: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str().as_bytes() == value)
    }
}

impl fmt::Display for HotState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One step of the protocol: the handle that it takes, the call, the handle that it gives, and the
/// catalog's value on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The handle that the call consumes; `absent` where there is none.
    pub from: &'static str,
    /// The call.
    pub call: &'static str,
    /// The handle that the call gives; `absent` where there is none.
    pub to: &'static str,
    /// The key's value before the call.
    pub before: &'static str,
    /// The key's value after it.
    pub after: &'static str,
    /// Whether the call writes to the catalog.
    pub commits: bool,
    /// What is on stable storage when the call returns.
    pub durable: &'static str,
}

const fn writes(
    [from, call, to]: [&'static str; 3],
    [before, after]: [&'static str; 2],
    durable: &'static str,
) -> Step {
    Step {
        from,
        call,
        to,
        before,
        after,
        commits: true,
        durable,
    }
}

const fn keeps(
    [from, call, to]: [&'static str; 3],
    value: &'static str,
    durable: &'static str,
) -> Step {
    Step {
        from,
        call,
        to,
        before: value,
        after: value,
        commits: false,
        durable,
    }
}

/// Every step of the protocol. What is not here does not exist.
pub const STEPS: [Step; 17] = [
    writes(
        ["absent", "begin", "Freezing<K>"],
        ["absent", "freezing"],
        "the mark",
    ),
    keeps(
        ["Debris<K>", "rematerialize", "Freezing<K>"],
        "freezing",
        "the mark",
    ),
    writes(
        ["Pruning<K>", "rematerialize", "Freezing<K>"],
        ["pruning", "freezing"],
        "the mark",
    ),
    keeps(
        ["Freezing<K>", "sync", "Synced<K>"],
        "freezing",
        "the files and every entry that leads to them",
    ),
    writes(
        ["Synced<K>", "commit", "Frozen<K>"],
        ["freezing", "frozen"],
        "the flip",
    ),
    writes(
        ["Freezing<K>", "abandon", "absent"],
        ["freezing", "absent"],
        "the files' absence, then the key's",
    ),
    writes(
        ["Frozen<K>", "demote, commit", "Pruning<K>"],
        ["frozen", "pruning"],
        "the demotion",
    ),
    keeps(
        ["Pruning<K>", "unlink", "Unlinked<K>"],
        "pruning",
        "the files' absence",
    ),
    keeps(
        ["Debris<K>", "unlink", "Unlinked<K>"],
        "freezing",
        "the files' absence",
    ),
    writes(
        ["Unlinked<K>", "commit", "absent"],
        ["pruning", "absent"],
        "the key's absence",
    ),
    writes(
        ["Unlinked<K>", "commit", "absent"],
        ["freezing", "absent"],
        "the key's absence",
    ),
    writes(
        ["absent", "create_hot", "Transient"],
        ["absent", "transient"],
        "the mark",
    ),
    keeps(
        ["HotDebris", "recreate", "Transient"],
        "transient",
        "the mark",
    ),
    writes(
        ["Transient", "ready", "Ready"],
        ["transient", "ready"],
        "the directory and its entry, then the flip",
    ),
    writes(
        ["Ready", "discard", "HotDebris"],
        ["ready", "transient"],
        "the demotion",
    ),
    writes(
        ["HotDebris", "remove", "absent"],
        ["transient", "absent"],
        "the directory's absence, then the key's",
    ),
    writes(
        ["Transient", "abandon", "absent"],
        ["transient", "absent"],
        "the directory's absence, then the key's",
    ),
];

/// Whether some step takes a key from one value to the other; `None` is an absent key.
pub(crate) fn is_legal(before: Option<&str>, after: Option<&str>) -> bool {
    let before = before.unwrap_or("absent");
    let after = after.unwrap_or("absent");
    STEPS
        .iter()
        .any(|step| step.commits && step.before == before && step.after == after)
}

/// [`STEPS`] as a Markdown table.
#[must_use]
pub fn steps_table() -> String {
    let mut table = String::from(
        "| from | call | to | key before | key after | durable when it returns |\n|---|---|---|---|---|---|\n",
    );
    for step in &STEPS {
        let Step {
            from,
            call,
            to,
            before,
            after,
            durable,
            ..
        } = step;
        let row =
            format!("| `{from}` | `{call}` | `{to}` | `{before}` | `{after}` | {durable} |\n");
        table.push_str(&row);
    }
    table
}
