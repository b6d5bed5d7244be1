//! The one table of the protocol's steps.
//!
//! [`STEPS`] is the only list of the legal changes. Each commit asserts in debug builds that its changes
//! are in it. The documentation prints it. Each pair of states that it leaves out has a compile-fail test.

/// One step of the protocol: the consumed handle, the call, the returned handle, and the key's value before
/// and after the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The handle that the call consumes, or `absent` if it consumes no handle.
    pub from: &'static str,
    /// The call.
    pub call: &'static str,
    /// The handle that the call returns, or `absent` if it returns no handle.
    pub to: &'static str,
    /// The key's value before the call.
    pub before: &'static str,
    /// The key's value after the call.
    pub after: &'static str,
    /// Whether the call writes to the catalog.
    pub commits: bool,
    /// The content of stable storage that the return of the call guarantees.
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

/// Every step of the protocol. A change that is not in this table does not exist.
///
/// The short spellings take several steps in one call: `begin` is `intend` and `commit`, `freeze` is `sync`
/// and `commit`, `rematerialize` is `intend` and `commit`, `abandon` is `give_up`, `unlink` and `commit`.
/// For a hot directory, `create_hot` and `recreate` are `intend` and `commit`, `ready` is `sync` and
/// `commit`, `discard` is `retire` and `commit`, `remove` is `unlink` and `commit`.
pub const STEPS: [Step; 36] = [
    keeps(["absent", "intend", "Begin<K>"], "absent", "unchanged"),
    keeps(["Debris<K>", "intend", "Begin<K>"], "freezing", "unchanged"),
    keeps(["Pruning<K>", "intend", "Begin<K>"], "pruning", "unchanged"),
    writes(
        ["Begin<K>", "commit", "Freezing<K>"],
        ["absent", "freezing"],
        "the mark",
    ),
    writes(
        ["Begin<K>", "commit", "Freezing<K>"],
        ["pruning", "freezing"],
        "the mark",
    ),
    keeps(
        ["Begin<K>", "commit", "Freezing<K>"],
        "freezing",
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
    keeps(
        ["Frozen<K>", "demote", "Demotion<K>"],
        "frozen",
        "unchanged",
    ),
    writes(
        ["Demotion<K>", "commit", "Pruning<K>"],
        ["frozen", "pruning"],
        "the demotion",
    ),
    keeps(
        ["Freezing<K>", "give_up", "Debris<K>"],
        "freezing",
        "the mark",
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
    keeps(["absent", "intend_hot", "HotBegin"], "absent", "unchanged"),
    keeps(
        ["HotDebris", "intend", "HotBegin"],
        "transient",
        "unchanged",
    ),
    writes(
        ["HotBegin", "commit", "Transient"],
        ["absent", "transient"],
        "the mark",
    ),
    keeps(["HotBegin", "commit", "Transient"], "transient", "the mark"),
    keeps(
        ["Transient", "sync", "HotSynced"],
        "transient",
        "the directory and its entry",
    ),
    writes(
        ["HotSynced", "commit", "Ready"],
        ["transient", "ready"],
        "the flip",
    ),
    keeps(["Ready", "retire", "HotDemotion"], "ready", "unchanged"),
    keeps(
        ["Ready", "give_up_only_copy", "HotDemotion"],
        "ready",
        "unchanged",
    ),
    writes(
        ["HotDemotion", "commit", "HotDebris"],
        ["ready", "transient"],
        "the demotion",
    ),
    keeps(
        ["Transient", "give_up", "HotDebris"],
        "transient",
        "the mark",
    ),
    keeps(
        ["HotDebris", "unlink", "HotUnlinked"],
        "transient",
        "the directory's absence",
    ),
    writes(
        ["HotUnlinked", "commit", "absent"],
        ["transient", "absent"],
        "the key's absence",
    ),
    writes(
        ["absent", "begin_index", "IndexBuild"],
        ["absent", "freezing"],
        "the mark",
    ),
    writes(
        ["absent", "begin_index", "IndexBuild"],
        ["pruning", "freezing"],
        "the mark",
    ),
    keeps(
        ["absent", "begin_index", "IndexBuild"],
        "freezing",
        "the mark",
    ),
    keeps(
        ["IndexBuild", "sync", "Promotion"],
        "freezing",
        "the file and every entry that leads to it",
    ),
    writes(
        ["Promotion", "commit", "Promoted"],
        ["freezing", "frozen"],
        "the flip, and the demotions in the same commit",
    ),
    // Of the predecessor, and of the inputs of a terminal index.
    writes(
        ["Promotion", "commit", "Promoted"],
        ["frozen", "pruning"],
        "the demotion, and the flip in the same commit",
    ),
    keeps(
        ["IndexBuild", "give_up", "Prunable"],
        "freezing",
        "the mark",
    ),
    // The steps of no handle: a person has found the content tainted.
    writes(
        ["RecoveryPlan", "apply_recovery", "absent"],
        ["frozen", "freezing"],
        "the demotions of the whole plan",
    ),
    writes(
        ["RecoveryPlan", "apply_recovery", "absent"],
        ["ready", "transient"],
        "the demotions of the whole plan",
    ),
];

/// Returns whether a step takes a key from one value to the other. `None` is an absent key.
pub(crate) fn is_legal(before: Option<&str>, after: Option<&str>) -> bool {
    let before = before.unwrap_or("absent");
    let after = after.unwrap_or("absent");
    STEPS
        .iter()
        .any(|step| step.commits && step.before == before && step.after == after)
}

/// Returns [`STEPS`] as a Markdown table.
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
