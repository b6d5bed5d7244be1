//! Runs random programs of the public API on a simulated disk, and compares them with a model of the catalog.
//!
//! A program that differs from the model is shrunk and printed with its seed. `FROSTLINE_PROGRAMS` sets the number
//! of programs; `FROSTLINE_SEED` chooses them.

mod model;

use std::cell::RefCell;
use std::io::Write as _;

use frostline::sim::{Limits, PowerLoss, SimDisk, When};
use frostline::step::{Synced, Unlinked};
use frostline::{
    Artifact, ArtifactKind, ArtifactState, Catalog, Debris, DebrisPolicy, Freezing, Frozen, Hot,
    HotDebris, HotState, Lease, Ledgers, Prunable, Pruning, Ready, StorageRoots, Transient,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRunner};

use crate::fixture::{EIO, chain, chunk, report};
use model::{CHUNKS, COLD, HOT, Model};

/// One step of a program.
#[derive(Debug, Clone, Copy)]
enum Op {
    Begin(usize),
    Claim(usize),
    Lease(usize),
    CreateHot(usize),
    ClaimHot(usize),
    /// Selects a live handle by the first number, and takes its step of the second number.
    Step(usize, usize),
    /// Makes all written artifacts durable as a group, and flips them in one commit.
    Group,
    /// Ends the process, perhaps with a power cut. The next process may recover.
    Restart {
        cut: Option<u64>,
        recovers: bool,
    },
    /// Makes the call after this many more calls fail.
    Fault(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let chunk = 0..CHUNKS.len();
    prop_oneof![
        4 => chunk.clone().prop_map(Op::Begin),
        3 => chunk.clone().prop_map(Op::Claim),
        2 => chunk.clone().prop_map(Op::Lease),
        2 => chunk.clone().prop_map(Op::CreateHot),
        2 => chunk.prop_map(Op::ClaimHot),
        14 => (0..8_usize, 0..6_usize).prop_map(|(handle, step)| Op::Step(handle, step)),
        1 => Just(Op::Group),
        2 => (proptest::option::of(0..1_000_u64), any::<bool>())
            .prop_map(|(cut, recovers)| Op::Restart { cut, recovers }),
        1 => (0..40_usize).prop_map(Op::Fault),
    ]
}

/// A live handle.
enum Handle {
    Freezing(Freezing<Ledgers>, Option<u8>),
    Synced(Synced<Ledgers>, u8),
    Frozen(Frozen<Ledgers>),
    Pruning(Pruning<Ledgers>),
    Debris(Debris<Ledgers>),
    Unlinked(Unlinked<Ledgers>),
    Lease(Lease<Ledgers>, u8),
    Transient(Transient),
    Ready(Ready),
    HotDebris(HotDebris),
}

impl Handle {
    fn claim(&self, chunk: u32) -> Option<model::Claim> {
        match self {
            Self::Lease(..) => None,
            Self::Transient(_) | Self::Ready(_) | Self::HotDebris(_) => Some((HOT, chunk)),
            _ => Some((COLD, chunk)),
        }
    }
}

/// The text of an error in a program.
type Wrong = String;

fn content(version: u8) -> Vec<u8> {
    vec![version | 1; 700]
}

struct Run {
    disk: SimDisk,
    // Dropped before the next process opens the disk.
    catalog: Option<Catalog>,
    handles: Vec<(u32, Handle)>,
    model: Model,
    version: u8,
    /// Whether a call is to fail. The state after the failure is read, not predicted.
    is_faulty: bool,
}

fn roots() -> StorageRoots {
    StorageRoots::under("/data").unwrap()
}

impl Run {
    fn new() -> Self {
        let disk = SimDisk::new();
        let catalog = Catalog::open(roots().lock_on_simulated(&disk).unwrap()).unwrap();
        Self {
            disk,
            catalog: Some(catalog),
            handles: Vec::new(),
            model: Model::default(),
            version: 0,
            is_faulty: false,
        }
    }

    fn catalog(&self) -> &Catalog {
        self.catalog.as_ref().unwrap()
    }

    /// Runs one step. A step that the model allows must not fail, unless a call was to fail.
    fn run(&mut self, op: Op) -> Result<(), Wrong> {
        let before = self.model.clone();
        let done = self.apply(op);
        if self.is_faulty && self.disk.failed_call().is_some() {
            self.handles.clear();
            self.model = before;
            return self.look_up_after_a_fault();
        }
        done?;
        self.check()
    }

    /// Reads the state after a failed call. Each key has its earlier value or the next one, and every invariant holds.
    fn look_up_after_a_fault(&mut self) -> Result<(), Wrong> {
        self.is_faulty = false;
        let frozen_before = self.model.clone();
        self.reopen(None)?;
        self.model.restart();
        let catalog = self.catalog.as_ref().unwrap();
        for number in CHUNKS {
            match catalog.state(chunk(number), ArtifactKind::Ledgers).unwrap() {
                Some(ArtifactState::Frozen) => {
                    let bytes = self.disk.read(pack(number));
                    let bytes = bytes.map_err(|_| format!("{number} is frozen without a file"))?;
                    let version = bytes.first().copied().unwrap_or_default();
                    if *bytes != *content(version) {
                        return Err(format!("{number} is frozen and not whole"));
                    }
                    self.model.freeze(number, version);
                }
                Some(state) => drop(self.model.cold.insert(number, state)),
                None => drop(self.model.cold.remove(&number)),
            }
            match catalog.hot_state(chunk(number)).unwrap() {
                Some(state) => drop(self.model.hot.insert(number, state)),
                None => drop(self.model.hot.remove(&number)),
            }
            let (was, is) = (
                frozen_before.cold.get(&number),
                self.model.cold.get(&number),
            );
            if was.is_none() && is == Some(&ArtifactState::Pruning) {
                return Err(format!("{number} went from nothing to pruning"));
            }
        }
        self.check()
    }

    fn apply(&mut self, op: Op) -> Result<(), Wrong> {
        match op {
            Op::Begin(at) => {
                let number = CHUNKS[at];
                let begun = self.catalog().begin::<Ledgers>(chunk(number));
                let may = self.model.begin(number);
                agrees("begin", may, begun.as_ref().err())?;
                if let Ok(freezing) = begun {
                    self.handles
                        .push((number, Handle::Freezing(freezing, None)));
                }
            }
            Op::Claim(at) => self.claim(CHUNKS[at])?,
            Op::ClaimHot(at) => self.claim_hot(CHUNKS[at])?,
            Op::Lease(at) => {
                let number = CHUNKS[at];
                let lease = self.catalog().lease::<Ledgers>(chunk(number));
                let lease = lease.map_err(|error| chain(&error))?;
                let may = self.model.cold.get(&number) == Some(&ArtifactState::Frozen);
                if lease.is_some() != may {
                    return Err(format!("lease of {number}: {}", lease.is_some()));
                }
                if let Some(lease) = lease {
                    *self.model.leases.entry(number).or_default() += 1;
                    let version = self.model.versions[&number];
                    self.handles.push((number, Handle::Lease(lease, version)));
                }
            }
            Op::CreateHot(at) => {
                let number = CHUNKS[at];
                let created = self.catalog().create_hot(chunk(number));
                let may = self.model.create_hot(number);
                agrees("create_hot", may, created.as_ref().err())?;
                if let Ok(transient) = created {
                    self.handles.push((number, Handle::Transient(transient)));
                }
            }
            Op::Step(at, step) => {
                if self.handles.is_empty() {
                    return Ok(());
                }
                let (number, handle) = self.handles.swap_remove(at % self.handles.len());
                self.step(number, handle, step)?;
            }
            Op::Group => self.group()?,
            Op::Restart { cut, recovers } => {
                self.handles.clear();
                self.reopen(cut)?;
                self.model.restart();
                if recovers {
                    let recovered = self.catalog().recover(DebrisPolicy::Remove);
                    let recovered = recovered.map_err(|error| chain(&error))?;
                    if !recovered.is_complete() {
                        return Err(format!("not settled: {recovered}"));
                    }
                    self.model.recover();
                }
            }
            Op::Fault(after) => {
                self.disk.fail_after(after, EIO);
                self.is_faulty = true;
            }
        }
        Ok(())
    }

    fn claim(&mut self, number: u32) -> Result<(), Wrong> {
        let claimed = self.catalog().claim::<Ledgers>(chunk(number));
        let may = !self.model.claims.contains(&(COLD, number));
        agrees("claim", may, claimed.as_ref().err())?;
        let Ok(artifact) = claimed else {
            return Ok(());
        };
        let (state, handle) = match artifact {
            Artifact::Absent => (None, None),
            Artifact::Debris(debris) => {
                (Some(ArtifactState::Freezing), Some(Handle::Debris(debris)))
            }
            Artifact::Frozen(frozen) => (Some(ArtifactState::Frozen), Some(Handle::Frozen(frozen))),
            Artifact::Pruning(pruning) => {
                (Some(ArtifactState::Pruning), Some(Handle::Pruning(pruning)))
            }
        };
        if state != self.model.cold.get(&number).copied() {
            return Err(format!("claimed {number} as {state:?}"));
        }
        if let Some(handle) = handle {
            self.model.claims.insert((COLD, number));
            self.handles.push((number, handle));
        }
        Ok(())
    }

    fn claim_hot(&mut self, number: u32) -> Result<(), Wrong> {
        let claimed = self.catalog().claim_hot(chunk(number));
        let may = !self.model.claims.contains(&(HOT, number));
        agrees("claim_hot", may, claimed.as_ref().err())?;
        let Ok(hot) = claimed else {
            return Ok(());
        };
        let (state, handle) = match hot {
            Hot::Absent => (None, None),
            Hot::Debris(debris) => (Some(HotState::Transient), Some(Handle::HotDebris(debris))),
            Hot::Ready(ready) => (Some(HotState::Ready), Some(Handle::Ready(ready))),
        };
        if state != self.model.hot.get(&number).copied() {
            return Err(format!("claimed hot {number} as {state:?}"));
        }
        if let Some(handle) = handle {
            self.model.claims.insert((HOT, number));
            self.handles.push((number, handle));
        }
        Ok(())
    }

    /// Takes one step of a handle. The last step of each handle drops it.
    fn step(&mut self, number: u32, handle: Handle, step: usize) -> Result<(), Wrong> {
        let claim = handle.claim(number);
        let next = self.advance(number, handle, step)?;
        match next {
            Some(handle) => self.handles.push((number, handle)),
            // A dropped handle releases its claim; the key keeps its value.
            None => {
                if let Some(claim) = claim {
                    self.model.claims.remove(&claim);
                }
            }
        }
        Ok(())
    }

    fn advance(
        &mut self,
        number: u32,
        handle: Handle,
        step: usize,
    ) -> Result<Option<Handle>, Wrong> {
        match handle {
            Handle::Freezing(..) | Handle::Synced(..) => self.write(number, handle, step),
            Handle::Transient(_) | Handle::Ready(_) | Handle::HotDebris(_) => {
                self.advance_hot(number, handle, step)
            }
            Handle::Lease(..) => self.read(number, handle, step),
            _ => self.prune(number, handle, step),
        }
    }

    /// Takes a step towards a frozen artifact, or abandons one that is being written.
    fn write(&mut self, number: u32, handle: Handle, step: usize) -> Result<Option<Handle>, Wrong> {
        Ok(match (handle, step) {
            (Handle::Freezing(mut freezing, written), 0) => {
                if written.is_some() {
                    return Ok(Some(Handle::Freezing(freezing, written)));
                }
                self.version = self.version.wrapping_add(2) | 1;
                let mut file = freezing.file(Ledgers::PACK).map_err(|e| chain(&e))?;
                let bytes = content(self.version);
                file.write_all(&bytes).map_err(|error| error.to_string())?;
                Some(Handle::Freezing(freezing, Some(self.version)))
            }
            (Handle::Freezing(freezing, written), 1 | 2) => {
                let synced = freezing.sync();
                agrees("sync", written.is_some(), synced.as_ref().err())?;
                match (synced, written) {
                    (Ok(synced), Some(version)) if step == 2 => {
                        let frozen = self.catalog().commit(synced).map_err(|e| chain(&e))?;
                        self.model.freeze(number, version);
                        Some(Handle::Frozen(frozen))
                    }
                    (Ok(synced), Some(version)) => Some(Handle::Synced(synced, version)),
                    _ => None,
                }
            }
            (Handle::Freezing(freezing, _), 3) => {
                freezing.abandon().map_err(|error| chain(&error))?;
                self.model.delete((COLD, number));
                None
            }
            (Handle::Synced(synced, version), 0..=4) => {
                let frozen = self.catalog().commit(synced).map_err(|e| chain(&e))?;
                self.model.freeze(number, version);
                Some(Handle::Frozen(frozen))
            }
            _ => None,
        })
    }

    /// Takes a step of a frozen artifact or of its leftovers.
    fn prune(&mut self, number: u32, handle: Handle, step: usize) -> Result<Option<Handle>, Wrong> {
        let leased = self.model.is_leased(number);
        Ok(match (handle, step) {
            (Handle::Frozen(frozen), 0) => {
                let pruning = self
                    .catalog()
                    .commit(frozen.demote())
                    .map_err(|e| chain(&e))?;
                self.model.demote(number);
                Some(Handle::Pruning(pruning))
            }
            (Handle::Frozen(frozen), 1 | 2) => {
                let batch = [Prunable::from(frozen.demote())];
                let swept = self.catalog().sweep_chunk_artifacts(batch);
                let swept = swept.map_err(|error| chain(&error))?;
                self.model.demote(number);
                if swept.leased.is_empty() == leased {
                    return Err(format!("swept {number}, and leased is {leased}"));
                }
                if !leased {
                    self.model.delete((COLD, number));
                }
                None
            }
            (Handle::Pruning(pruning), 0 | 1) => {
                let unlinked = pruning.unlink();
                agrees("unlink", !leased, unlinked.as_ref().err())?;
                unlinked.ok().map(Handle::Unlinked)
            }
            (Handle::Debris(debris), 0 | 1) => {
                let unlinked = debris.unlink();
                agrees("unlink", !leased, unlinked.as_ref().err())?;
                unlinked.ok().map(Handle::Unlinked)
            }
            (Handle::Pruning(pruning), 2 | 3) => {
                let begun = pruning.rematerialize();
                agrees("rematerialize", !leased, begun.as_ref().err())?;
                if begun.is_ok() {
                    self.model.cold.insert(number, ArtifactState::Freezing);
                }
                begun.ok().map(|freezing| Handle::Freezing(freezing, None))
            }
            (Handle::Debris(debris), 2 | 3) => {
                let begun = debris.rematerialize();
                agrees("rematerialize", !leased, begun.as_ref().err())?;
                begun.ok().map(|freezing| Handle::Freezing(freezing, None))
            }
            (Handle::Unlinked(unlinked), 0..=3) => {
                self.catalog().commit(unlinked).map_err(|e| chain(&e))?;
                self.model.delete((COLD, number));
                None
            }
            _ => None,
        })
    }

    /// Takes a step of a hot directory.
    fn advance_hot(
        &mut self,
        number: u32,
        handle: Handle,
        step: usize,
    ) -> Result<Option<Handle>, Wrong> {
        Ok(match (handle, step) {
            (Handle::Transient(transient), 0 | 1) => {
                let ready = transient.ready().map_err(|error| chain(&error))?;
                self.model.hot.insert(number, HotState::Ready);
                Some(Handle::Ready(ready))
            }
            (Handle::Transient(transient), 2) => {
                transient.abandon().map_err(|error| chain(&error))?;
                self.model.delete((HOT, number));
                None
            }
            (Handle::Ready(ready), 0..=2) => {
                let demotion = ready.give_up_only_copy();
                let debris = self.catalog().commit(demotion).map_err(|e| chain(&e))?;
                self.model.hot.insert(number, HotState::Transient);
                Some(Handle::HotDebris(debris))
            }
            (Handle::HotDebris(debris), 0 | 1) => {
                debris.remove().map_err(|error| chain(&error))?;
                self.model.delete((HOT, number));
                None
            }
            (Handle::HotDebris(debris), 2) => {
                let transient = debris.recreate().map_err(|error| chain(&error))?;
                Some(Handle::Transient(transient))
            }
            _ => None,
        })
    }

    /// Reads under a lease, or drops the lease.
    fn read(&mut self, number: u32, handle: Handle, step: usize) -> Result<Option<Handle>, Wrong> {
        Ok(match (handle, step) {
            (Handle::Lease(lease, version), 0..=2) => {
                let file = lease.open(Ledgers::PACK).map_err(|error| chain(&error))?;
                let mut bytes = vec![0; 700];
                let read = file.read_exact_at(&mut bytes, 0);
                read.map_err(|error| chain(&error))?;
                if bytes != content(version) {
                    return Err(format!("{number} is read as {}", bytes[0]));
                }
                Some(Handle::Lease(lease, version))
            }
            (Handle::Lease(..), _) => {
                *self.model.leases.entry(number).or_default() -= 1;
                None
            }
            _ => None,
        })
    }

    /// Puts all written artifacts into one group and one commit.
    fn group(&mut self) -> Result<(), Wrong> {
        let catalog = self.catalog.as_ref().unwrap();
        let mut group = catalog.sync_group();
        let mut members = Vec::new();
        for (number, handle) in std::mem::take(&mut self.handles) {
            match handle {
                Handle::Freezing(freezing, Some(version)) => {
                    group.add(freezing).map_err(|error| chain(&error))?;
                    members.push((number, version));
                }
                other => self.handles.push((number, other)),
            }
        }
        let synced = group.sync().map_err(|error| chain(&error))?;
        let frozen = catalog.commit(synced).map_err(|error| chain(&error))?;
        for ((number, version), frozen) in members.into_iter().zip(frozen) {
            self.model.freeze(number, version);
            self.handles.push((number, Handle::Frozen(frozen)));
        }
        Ok(())
    }

    /// Opens the catalog as another process does, on this disk or on a crash image of it.
    fn reopen(&mut self, cut: Option<u64>) -> Result<(), Wrong> {
        self.catalog = None;
        self.disk = match cut {
            Some(seed) => after_a_power_cut(&self.disk, seed),
            None => self.disk.fork(),
        };
        let locked = roots().lock_on_simulated(&self.disk);
        let locked = locked.map_err(|error| chain(&error))?;
        self.catalog = Some(Catalog::open(locked).map_err(|error| chain(&error))?);
        Ok(())
    }

    /// Checks that the catalog and the disk agree with the model.
    fn check(&self) -> Result<(), Wrong> {
        if self.is_faulty {
            return Ok(());
        }
        for number in CHUNKS {
            let state = self.catalog().state(chunk(number), ArtifactKind::Ledgers);
            let state = state.map_err(|error| chain(&error))?;
            if state.as_ref() != self.model.cold.get(&number) {
                return Err(format!("{number} is {state:?}"));
            }
            let bytes = self.disk.read(pack(number)).ok();
            match (state, bytes) {
                (Some(ArtifactState::Frozen), bytes) => {
                    let expected = content(self.model.versions[&number]);
                    if bytes.as_deref() != Some(&*expected) {
                        return Err(format!("{number} is frozen, and its file is not whole"));
                    }
                }
                (None, Some(_)) => return Err(format!("{number} has a file and no key")),
                _ => {}
            }
            let hot = self.catalog().hot_state(chunk(number));
            let hot = hot.map_err(|error| chain(&error))?;
            if hot.as_ref() != self.model.hot.get(&number) {
                return Err(format!("hot {number} is {hot:?}"));
            }
        }
        Ok(())
    }
}

fn pack(number: u32) -> String {
    let chunk = chunk(number);
    format!("/data/ledgers/{}/{chunk}.pack", chunk.bucket())
}

/// Checks that a step succeeds if the model allows it, and is refused otherwise.
fn agrees<E: std::error::Error>(step: &str, may: bool, error: Option<&E>) -> Result<(), Wrong> {
    match (may, error) {
        (true, Some(error)) => Err(format!("{step} failed: {}", chain(error))),
        (false, None) => Err(format!("{step} was not refused")),
        _ => Ok(()),
    }
}

/// Returns a crash image of this disk, in which all, some or no pending changes are lost.
fn after_a_power_cut(disk: &SimDisk, seed: u64) -> SimDisk {
    let left = RefCell::new(Vec::new());
    let limits = Limits {
        all: 0,
        sample: 6,
        cut_recoveries: 0,
    };
    let explored = PowerLoss::new(
        |_| Ok(()),
        |image, when| {
            if when == When::Crashed {
                left.borrow_mut().push(image.fork());
            }
            Ok(())
        },
    )
    .with_limits(limits, seed)
    .explore(&disk.fork().history());
    assert!(explored.is_ok());
    let mut left = left.into_inner();
    let chosen = usize::try_from(seed).unwrap() % left.len();
    left.swap_remove(chosen)
}

fn run(program: &[Op]) -> Result<(), (usize, Wrong)> {
    let mut run = Run::new();
    for (at, op) in program.iter().enumerate() {
        run.run(*op).map_err(|wrong| (at, wrong))?;
    }
    Ok(())
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn random_programs_do_as_the_model_says() {
    let programs = number_from("FROSTLINE_PROGRAMS").unwrap_or(400);
    let seed = number_from("FROSTLINE_SEED").unwrap_or(2_026);
    let config = Config {
        cases: u32::try_from(programs).unwrap(),
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Config::default()
    };
    let program = proptest::collection::vec(op(), 1..60);
    let outcome = TestRunner::new(config).run(&program, |program| {
        run(&program).map_err(|(at, wrong)| {
            TestCaseError::fail(format!("step {at}, {:?}: {wrong}", program[at]))
        })
    });
    if let Err(failure) = outcome {
        panic!("seed {seed}: {failure}");
    }
    report(&format!("programs: {programs} random ones (seed {seed})"));
}
