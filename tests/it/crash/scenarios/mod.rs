//! The scenarios of the crash tests: each one is a few protocol steps, in the same order in every run. Those in
//! `threads` take some of them in two threads at once.

mod freezing;
mod hot;
mod index;
mod pruning;
mod starting;
mod steps;
mod surgery;
mod threads;
mod writing;

use frostline::{ArtifactKind, ArtifactState, Catalog, Hot, HotState, Ledgers};

use super::{Failure, Machine};
use crate::fixture::chunk;

pub use starting::settle;

/// A part of a scenario.
pub type Act = fn(&dyn Machine) -> Result<(), Failure>;

/// The work of a node that is crashed at every operation.
pub struct Scenario {
    pub name: &'static str,
    /// A description in one line.
    pub about: &'static str,
    /// The preparation, which runs to its end without a crash. Its results are durable, and its catalog is closed.
    pub before: Act,
    /// The work, which runs until the crash.
    pub run: Act,
    /// The chunks of the work.
    pub chunks: &'static [u32],
    /// The keys that change in one batch.
    pub fates: &'static [Fate],
}

/// Keys that change in one batch: at every crash point their values are one of the rows.
pub struct Fate {
    pub keys: &'static [&'static str],
    /// One value for each key, or [`ABSENT`] if the key does not exist.
    pub rows: &'static [&'static [&'static str]],
}

pub const ABSENT: &str = "absent";

/// The list of all scenarios, and a test for each: the power is cut at every operation.
macro_rules! scenarios {
    ($($name:ident => $scenario:expr,)+) => {
        pub const SCENARIOS: &[Scenario] = &[$($scenario),+];

        /// `cargo test --test it power_cut::freeze_one` runs one of them.
        mod power_cut {
            use super::*;

            $(
                #[test]
                fn $name() {
                    assert_eq!(stringify!($name), $scenario.name);
                    crate::crash::power::check(&$scenario);
                }
            )+
        }
    };
}

scenarios! {
    first_start => starting::FIRST_START,
    freeze_one => freezing::ONE,
    freeze_three_kinds => freezing::THREE_KINDS,
    freeze_group_one_by_one => freezing::GROUP_ONE_BY_ONE,
    freeze_group_as_a_whole => freezing::GROUP_AS_A_WHOLE,
    freeze_new_bucket_out_of_order => freezing::NEW_BUCKET_OUT_OF_ORDER,
    rematerialize_over_debris => freezing::OVER_DEBRIS,
    abandon => freezing::ABANDON,
    two_chunks_interleaved => freezing::INTERLEAVED,
    flip_one_demote_another => freezing::FLIP_ONE_DEMOTE_ANOTHER,
    freeze_stream => freezing::STREAM,
    owned_writers => writing::OWNED,
    sweep_two_buckets => pruning::SWEEP_TWO_BUCKETS,
    prune_by_hand => pruning::BY_HAND,
    prune_with_a_reader => pruning::WITH_A_READER,
    retention_moves_while_freezing => pruning::RETENTION_MOVES,
    hot_create_discard => hot::CREATE_DISCARD,
    hot_create_over_transient => hot::CREATE_OVER_TRANSIENT,
    hot_discard => hot::DISCARD,
    hot_retire => hot::RETIRE,
    hot_read_beside_retire => hot::READ_BESIDE,
    retire_with_evidence => hot::RETIRE_WITH_EVIDENCE,
    index_promotion => index::PROMOTION,
    index_sweep => index::SWEEP,
    recover => starting::RECOVER,
    surgical_recovery => surgery::RECOVERY,
    two_threads_share_syncs => threads::COMMITS_AND_SYNCS,
    two_threads_share_a_whole_sync => threads::WHOLE_SYNCS,
}

/// Starts a node once.
fn started(machine: &dyn Machine) -> Result<(), Failure> {
    machine.open().map(drop)
}

/// Sweeps a chunk's frozen ledgers, freezes them anew, and readies a missing hot directory. This must succeed
/// after every crash and [`settle`].
pub fn once_more(machine: &dyn Machine, catalog: &Catalog, number: u32) -> Result<(), Failure> {
    let chunk = chunk(number);
    if catalog.state(chunk, ArtifactKind::Ledgers)? == Some(ArtifactState::Frozen) {
        let frozen = steps::frozen::<Ledgers>(catalog, number)?;
        steps::swept(&catalog.sweep_chunk_artifacts([frozen.demote()])?)?;
    }
    drop(steps::freeze(machine, catalog, number, 9)?);
    steps::read::<Ledgers>(catalog, number, Ledgers::PACK, 9)?;
    if catalog.hot_state(chunk)? != Some(HotState::Ready) {
        drop(hot::make_ready(machine, catalog, number)?);
    }
    let hot = catalog.claim_hot(chunk)?;
    assert!(matches!(hot, Hot::Ready(_)), "{hot:?}");
    Ok(())
}

#[test]
fn the_scenarios_are_told_apart_by_their_names() {
    let mut names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), SCENARIOS.len());
    for Scenario {
        name, about, fates, ..
    } in SCENARIOS
    {
        assert!(
            !about.contains('\n') && about.len() < 100,
            "{name}: {about}"
        );
        let square = |fate: &Fate| fate.rows.iter().all(|row| row.len() == fate.keys.len());
        assert!(fates.iter().all(square), "{name}: one value for each key");
    }
}
