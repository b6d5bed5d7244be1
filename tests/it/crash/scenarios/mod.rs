//! The work of a node while it crashes: each scenario is a few protocol steps, in one thread, in the
//! same order in every run.

mod freezing;
mod hot;
mod pruning;
mod starting;
mod steps;

use frostline::{ArtifactKind, ArtifactState, Catalog, Hot, HotState, Ledgers};

use super::{Failure, Machine};
use crate::fixture::chunk;

pub use starting::settle;

/// A part of a scenario.
pub type Act = fn(&dyn Machine) -> Result<(), Failure>;

/// A node's work, to be crashed at every operation.
pub struct Scenario {
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// Runs to its end without a crash; its results are durable, and its catalog is closed.
    pub before: Act,
    /// Runs until the crash.
    pub run: Act,
    /// The chunks that it works on.
    pub chunks: &'static [u32],
    /// Which keys change in one batch.
    pub fates: &'static [Fate],
}

/// Keys that change in one batch: at every instant they read as one of the rows says.
pub struct Fate {
    pub keys: &'static [&'static str],
    /// One value for each key; [`ABSENT`] for none.
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
    sweep_two_buckets => pruning::SWEEP_TWO_BUCKETS,
    prune_by_hand => pruning::BY_HAND,
    prune_with_a_reader => pruning::WITH_A_READER,
    retention_moves_while_freezing => pruning::RETENTION_MOVES,
    hot_create_discard => hot::CREATE_DISCARD,
    hot_create_over_transient => hot::CREATE_OVER_TRANSIENT,
    hot_discard => hot::DISCARD,
    hot_retire => hot::RETIRE,
    recover => starting::RECOVER,
}

/// A node that has been started once.
fn started(machine: &dyn Machine) -> Result<(), Failure> {
    machine.open().map(drop)
}

/// Sweeps what is there of a chunk's ledgers and freezes them anew; readies a missing hot directory.
/// After a crash and [`settle`] this must work, whatever the crash interrupted.
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
