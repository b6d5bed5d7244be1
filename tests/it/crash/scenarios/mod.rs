//! What a node does while it crashes: each scenario is a few protocol steps, in one thread, in the
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

pub const SCENARIOS: &[Scenario] = &[
    starting::FIRST_START,
    freezing::ONE,
    freezing::THREE_KINDS,
    freezing::GROUP_ONE_BY_ONE,
    freezing::GROUP_AS_A_WHOLE,
    freezing::NEW_BUCKET_OUT_OF_ORDER,
    freezing::OVER_DEBRIS,
    freezing::ABANDON,
    freezing::INTERLEAVED,
    freezing::FLIP_ONE_DEMOTE_ANOTHER,
    freezing::STREAM,
    pruning::SWEEP_TWO_BUCKETS,
    pruning::BY_HAND,
    pruning::WITH_A_READER,
    pruning::RETENTION_MOVES,
    hot::CREATE_DISCARD,
    hot::CREATE_OVER_TRANSIENT,
    hot::DISCARD,
    hot::RETIRE,
    starting::RECOVER,
];

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
