//! [`PowerLoss`]: every disk that a power cut may leave, recovered, and cut off again.

use std::collections::HashSet;
use std::rc::Rc;

use super::cut::PowerCut;
use super::disk::SimDisk;
use super::history::History;
use super::storyboard::{Scene, Storyboard};
use super::world::World;

/// When a disk is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// After a power cut, before anything has looked at it.
    Crashed,
    /// After it has been recovered.
    Recovered,
}

/// Cuts the power at every operation of a history, in every legal way, recovers, and cuts the power at
/// every operation of the recovery, until no disk appears that has not been seen before.
pub struct PowerLoss<'a> {
    recover: Box<Recover<'a>>,
    check: Box<Check<'a>>,
    limit: usize,
    seed: u64,
    recoveries_are_cut: bool,
}

type Recover<'a> = dyn Fn(&SimDisk) -> Result<(), String> + 'a;
type Check<'a> = dyn Fn(&SimDisk, When) -> Result<(), String> + 'a;

/// What an exploration has covered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Explored {
    /// Instants at which the power was cut, or the process killed.
    pub instants: usize,
    /// Disks that were built.
    pub images: usize,
    /// Disks that differ from one another.
    pub distinct: usize,
    /// Recoveries that were run.
    pub recoveries: usize,
    /// Instants with too many legal disks to build all of them, and how many disks those had.
    pub sampled: usize,
    /// How many disks the sampled instants could have left, before equal ones are found equal.
    pub sampled_from: u128,
}

impl Explored {
    /// Adds what another exploration has covered.
    pub fn add(&mut self, other: &Self) {
        self.instants += other.instants;
        self.images += other.images;
        self.distinct += other.distinct;
        self.recoveries += other.recoveries;
        self.sampled += other.sampled;
        self.sampled_from = self.sampled_from.saturating_add(other.sampled_from);
    }
}

/// One exploration on its way.
struct Exploration<'p, 'a> {
    plan: &'p PowerLoss<'a>,
    seen: HashSet<u128>,
    todo: Vec<(World, Rc<Scene>)>,
    covered: Explored,
}

impl<'a> PowerLoss<'a> {
    /// An exploration that recovers with the one function and checks with the other. What either
    /// returns as an error ends it.
    pub fn new(
        recover: impl Fn(&SimDisk) -> Result<(), String> + 'a,
        check: impl Fn(&SimDisk, When) -> Result<(), String> + 'a,
    ) -> Self {
        Self {
            recover: Box::new(recover),
            check: Box::new(check),
            limit: 1 << 10,
            seed: 0,
            recoveries_are_cut: true,
        }
    }

    /// Builds at most this many disks for one instant; where more are legal, this many of them,
    /// chosen from the seed.
    #[must_use]
    pub fn sampled(mut self, limit: usize, seed: u64) -> Self {
        self.limit = limit;
        self.seed = seed;
        self
    }

    /// Lets every recovery run to its end.
    #[must_use]
    pub fn with_whole_recoveries(mut self) -> Self {
        self.recoveries_are_cut = false;
        self
    }

    /// Explores what may become of a history.
    ///
    /// # Errors
    ///
    /// The storyboard of the first failure.
    pub fn explore(&self, history: &History) -> Result<Explored, Box<Storyboard>> {
        let mut exploration = Exploration {
            plan: self,
            seen: HashSet::new(),
            todo: Vec::new(),
            covered: Explored::default(),
        };
        exploration.cut(history, None)?;
        while let Some((world, scene)) = exploration.todo.pop() {
            exploration.recover(world, &scene)?;
        }
        exploration.kill(history)?;
        while let Some((world, scene)) = exploration.todo.pop() {
            exploration.recover(world, &scene)?;
        }
        Ok(exploration.covered)
    }
}

impl Exploration<'_, '_> {
    /// Cuts the power at every instant of a history.
    fn cut(
        &mut self,
        history: &History,
        before: Option<&Rc<Scene>>,
    ) -> Result<(), Box<Storyboard>> {
        for (position, world) in history.instants() {
            self.covered.instants += 1;
            let cut = PowerCut::new(&world);
            let ways = cut.count();
            if ways > self.plan.limit as u128 {
                self.covered.sampled += 1;
                self.covered.sampled_from = self.covered.sampled_from.saturating_add(ways);
            }
            let mut failed = None;
            let seed = self.plan.seed.wrapping_add(position as u64);
            let visited = cut.outcomes(self.plan.limit, seed, |image| {
                self.covered.images += 1;
                if !self.seen.insert(image.fingerprint()) {
                    return Ok(());
                }
                self.covered.distinct += 1;
                let checked = (self.plan.check)(&SimDisk::of(image.clone()), When::Crashed);
                let scene = || Scene::cut(history, position, &world, &image, before);
                if let Err(broken) = checked {
                    failed = Some(Storyboard::new(scene(), broken));
                    return Err(());
                }
                let scene = Rc::new(scene());
                self.todo.push((image, scene));
                Ok(())
            });
            if let (Err(()), Some(storyboard)) = (visited, failed) {
                return Err(Box::new(storyboard));
            }
        }
        Ok(())
    }

    /// Recovers a disk, and goes on to cut that off at every instant.
    fn recover(&mut self, world: World, scene: &Rc<Scene>) -> Result<(), Box<Storyboard>> {
        let disk = SimDisk::of(world);
        self.covered.recoveries += 1;
        let recovered = (self.plan.recover)(&disk)
            .map_err(|error| format!("the recovery fails: {error}"))
            .and_then(|()| (self.plan.check)(&disk, When::Recovered));
        let history = disk.history();
        if let Err(broken) = recovered {
            let scene = Scene::ran(&history, Some(scene));
            return Err(Box::new(Storyboard::new(scene, broken)));
        }
        if self.plan.recoveries_are_cut {
            self.cut(&history, Some(scene))?;
        }
        Ok(())
    }

    /// Kills the process at every instant: what is pending stays, and the next process reads it.
    fn kill(&mut self, history: &History) -> Result<(), Box<Storyboard>> {
        for (position, world) in history.instants() {
            self.covered.instants += 1;
            let scene = Rc::new(Scene::killed(history, position));
            self.recover(world, &scene)?;
        }
        Ok(())
    }
}
