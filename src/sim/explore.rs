//! [`PowerLoss`]: builds every crash image, recovers it, and cuts the power again during the recovery.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::crash_trace::{CrashTrace, End, Scene};
use super::cut::PowerCut;
use super::disk::SimDisk;
use super::history::History;
use super::limits::Limits;
use super::world::{Promise, World};

/// The time at which an image is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// After a power cut, before any process has read it.
    Crashed,
    /// After it has been recovered.
    Recovered,
}

/// An exploration of power cuts: cuts the power at every operation of a history and recovers each crash image.
///
/// It then cuts the power at every operation of the recovery, until no new crash image appears.
pub struct PowerLoss<'a> {
    recover: Box<Recover<'a>>,
    check: Box<Check<'a>>,
    limits: Limits,
    seed: u64,
}

type Recover<'a> = dyn Fn(&SimDisk) -> Result<(), String> + 'a;
type Check<'a> = dyn Fn(&SimDisk, When) -> Result<(), String> + 'a;

/// The coverage of an exploration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Explored {
    /// Crash points: the power was cut there, or the process was killed.
    pub instants: usize,
    /// Crash images that were built.
    pub images: usize,
    /// Crash images that differ from one another.
    pub distinct: usize,
    /// Recoveries that were run.
    pub recoveries: usize,
    /// Recoveries that were themselves cut at every operation.
    pub recoveries_cut: usize,
    /// Crash points that were sampled, because they have more crash images than the limit.
    pub sampled: usize,
    /// Crash images of the sampled crash points, counted before equal images are merged.
    pub sampled_from: u128,
}

impl Explored {
    /// Adds the coverage of another exploration.
    pub fn add(&mut self, other: &Self) {
        self.instants += other.instants;
        self.images += other.images;
        self.distinct += other.distinct;
        self.recoveries += other.recoveries;
        self.recoveries_cut += other.recoveries_cut;
        self.sampled += other.sampled;
        self.sampled_from = self.sampled_from.saturating_add(other.sampled_from);
    }
}

/// A running exploration.
struct Exploration<'p, 'a> {
    plan: &'p PowerLoss<'a>,
    /// Crash images that have been checked, each with the batches that it must contain.
    checked: HashSet<(u64, Promise)>,
    /// Crash images that have been recovered or are queued for it.
    known: HashSet<u64>,
    todo: VecDeque<(World, Arc<Scene>)>,
    covered: Explored,
}

impl<'a> PowerLoss<'a> {
    /// Creates an exploration that recovers each image with `recover` and checks it with `check`. An error of
    /// either function ends the exploration.
    pub fn new(
        recover: impl Fn(&SimDisk) -> Result<(), String> + 'a,
        check: impl Fn(&SimDisk, When) -> Result<(), String> + 'a,
    ) -> Self {
        Self {
            recover: Box::new(recover),
            check: Box::new(check),
            limits: Limits::default(),
            seed: 0,
        }
    }

    /// Sets the limits, and the seed of the samples. A crash point with more images than the limit is sampled.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits, seed: u64) -> Self {
        self.limits = limits;
        self.seed = seed;
        self
    }

    /// Explores the crash images of a history.
    ///
    /// # Errors
    ///
    /// Returns the crash trace of the first failure.
    pub fn explore(&self, history: &History) -> Result<Explored, Box<CrashTrace>> {
        let history = Arc::new(history.clone());
        let mut exploration = Exploration {
            plan: self,
            checked: HashSet::new(),
            known: HashSet::new(),
            todo: VecDeque::new(),
            covered: Explored::default(),
        };
        exploration.cut(&history, None)?;
        while let Some((world, scene)) = exploration.todo.pop_front() {
            exploration.recover(&world, &scene)?;
        }
        exploration.kill(&history)?;
        while let Some((world, scene)) = exploration.todo.pop_front() {
            exploration.recover(&world, &scene)?;
        }
        Ok(exploration.covered)
    }
}

impl Exploration<'_, '_> {
    /// Cuts the power at every crash point of a history.
    ///
    /// Unsynced changes can always be lost: the crash images after a change include all images before it. A sync
    /// only removes images. Exploring the end of a run of unsynced changes therefore covers the whole run. If
    /// the end is sampled, the earlier crash points of the run are explored, too.
    fn cut(
        &mut self,
        history: &Arc<History>,
        before: Option<&Arc<Scene>>,
    ) -> Result<(), Box<CrashTrace>> {
        let mut run = Vec::new();
        for (position, world) in history.instants() {
            self.covered.instants += 1;
            let ends_run = history.log.get(position).is_none_or(|next| {
                let event = &next.event;
                event.is_barrier() || event.is_promise()
            });
            run.push((position, world));
            if !ends_run {
                continue;
            }
            while let Some((position, world)) = run.pop() {
                let all = self.cut_at(history, position, &world, before)?;
                if all {
                    run.clear();
                }
            }
        }
        Ok(())
    }

    /// Cuts the power at one crash point. Returns whether all of its crash images were built.
    fn cut_at(
        &mut self,
        history: &Arc<History>,
        position: usize,
        world: &World,
        before: Option<&Arc<Scene>>,
    ) -> Result<bool, Box<CrashTrace>> {
        let cut = PowerCut::new(world);
        let ways = cut.count();
        let limits = self.plan.limits;
        let all = ways <= limits.all as u128;
        if !all {
            self.covered.sampled += 1;
            self.covered.sampled_from = self.covered.sampled_from.saturating_add(ways);
        }
        let mut failed = None;
        let seed = self.plan.seed.wrapping_add(position as u64);
        let visited = cut.outcomes(limits, seed, |image| {
            self.covered.images += 1;
            let fingerprint = image.fingerprint();
            if !self.checked.insert((fingerprint, image.promise.clone())) {
                return Ok(());
            }
            let disk = SimDisk::of(image);
            let checked = (self.plan.check)(&disk, When::Crashed);
            let image = disk.into_world();
            let end = End::Cut {
                world: world.clone(),
                image: image.clone(),
            };
            let scene = Scene::new(history, position, end, before);
            if let Err(broken) = checked {
                failed = Some(CrashTrace::new(scene, broken));
                return Err(());
            }
            if self.known.insert(fingerprint) {
                self.covered.distinct += 1;
                self.todo.push_back((image, Arc::new(scene)));
            }
            Ok(())
        });
        match (visited, failed) {
            (Err(()), Some(storyboard)) => Err(Box::new(storyboard)),
            _ => Ok(all),
        }
    }

    /// Recovers an image, and then cuts the power at every crash point of the recovery.
    fn recover(&mut self, world: &World, scene: &Arc<Scene>) -> Result<(), Box<CrashTrace>> {
        let disk = SimDisk::of(world.clone());
        self.covered.recoveries += 1;
        let recovered = (self.plan.recover)(&disk)
            .map_err(|error| format!("the recovery fails: {error}"))
            .and_then(|()| (self.plan.check)(&disk, When::Recovered));
        let history = Arc::new(disk.history());
        if let Err(broken) = recovered {
            let scene = Scene::new(&history, history.log.len(), End::Finished, Some(scene));
            return Err(Box::new(CrashTrace::new(scene, broken)));
        }
        if self.covered.recoveries <= self.plan.limits.cut_recoveries {
            self.covered.recoveries_cut += 1;
            self.cut(&history, Some(scene))?;
        }
        Ok(())
    }

    /// Kills the process at every crash point: pending changes stay, and the next process reads them.
    fn kill(&mut self, history: &Arc<History>) -> Result<(), Box<CrashTrace>> {
        for (position, world) in history.instants() {
            self.covered.instants += 1;
            let scene = Arc::new(Scene::new(history, position, End::Killed, None));
            self.recover(&world, &scene)?;
        }
        Ok(())
    }
}
