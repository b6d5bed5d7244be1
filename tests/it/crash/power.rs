//! Power cuts: every scenario, cut off at every operation, in every way that a disk may come out of it.

use std::collections::BTreeMap;
use std::time::Instant;

use frostline::sim::{Explored, History, Limits, PowerLoss, SimDisk, When};
use frostline::{LockError, LockedRoots, StorageRoots};

use super::oracle::{View, broken, torn, unsettled};
use super::scenarios::{SCENARIOS, Scenario, settle};
use super::{Failure, Machine};
use crate::fixture::report;

const SEED: u64 = 2_026;

/// A machine whose disk exists in memory.
pub struct SimMachine {
    pub disk: SimDisk,
}

impl Machine for SimMachine {
    /// Several directories deep, so that the first start has a way to create.
    fn roots(&self) -> StorageRoots {
        StorageRoots::under("/srv/node/data").unwrap()
    }

    fn lock(&self) -> Result<LockedRoots, LockError> {
        self.roots().lock_on_simulated(&self.disk)
    }

    fn step(&self, name: &str) {
        self.disk.step(name);
    }
}

impl SimMachine {
    /// A machine on which a scenario's preparations have been made, and are durable.
    pub fn prepared(scenario: &Scenario) -> Self {
        let machine = Self {
            disk: SimDisk::new(),
        };
        if let Err(failure) = (scenario.before)(&machine) {
            panic!("{}, before: {failure}", scenario.name);
        }
        machine.disk.settle();
        machine
    }

    pub fn on(disk: &SimDisk) -> Self {
        Self { disk: disk.clone() }
    }

    /// What is on the disk and in the catalog, without opening anything.
    pub fn view(&self) -> View {
        let roots = self.roots();
        let mut view = View {
            keys: roots.keys_on_simulated(&self.disk).unwrap_or_else(|error| {
                // A key that nothing knows: broken, and named in the storyboard.
                BTreeMap::from([(error.to_string(), String::new())])
            }),
            ..View::default()
        };
        self.disk.walk(|path, bytes| match bytes {
            Some(bytes) => drop(view.files.insert(path.to_path_buf(), bytes.to_vec())),
            None => drop(view.directories.insert(path.to_path_buf())),
        });
        view
    }
}

/// What a scenario does to its disk.
pub fn history(scenario: &Scenario) -> History {
    let machine = SimMachine::prepared(scenario);
    if let Err(failure) = (scenario.run)(&machine) {
        panic!("{}: {failure}", scenario.name);
    }
    machine.disk.history()
}

/// Opens and settles: what the next process does.
pub fn recover(disk: &SimDisk) -> Result<(), Failure> {
    let machine: &dyn Machine = &SimMachine::on(disk);
    let catalog = machine.open()?;
    settle(&catalog)
}

/// The sentences that do not hold.
pub fn wrong(scenario: &Scenario, disk: &SimDisk, when: When) -> Vec<String> {
    let machine = SimMachine::on(disk);
    let view = machine.view();
    let mut lines = broken(&view, &machine.roots());
    lines.extend(torn(&view, scenario.fates));
    match when {
        When::Crashed => {
            let (acknowledged, with_batch) = disk.promised();
            if view.keys != acknowledged && Some(&view.keys) != with_batch.as_ref() {
                lines.push(format!(
                    "the catalog was told to keep {acknowledged:?} and holds {:?}",
                    view.keys
                ));
            }
        }
        When::Recovered => lines.extend(unsettled(&view)),
    }
    lines
}

/// Five files at once may be lost, kept and torn in too many ways to recover from each of them.
fn limits(scenario: &Scenario) -> Limits {
    if scenario.name == "freeze_three_kinds" {
        return Limits {
            all: 1 << 7,
            sample: 1 << 4,
            cut_recoveries: 1 << 9,
        };
    }
    Limits::default()
}

/// An exploration of what may become of a scenario.
pub fn power_loss(scenario: &Scenario) -> PowerLoss<'_> {
    PowerLoss::new(
        |disk| recover(disk).map_err(|failure| failure.to_string()),
        |disk, when| match wrong(scenario, disk, when) {
            lines if lines.is_empty() => Ok(()),
            lines => Err(lines.join("; ")),
        },
    )
    .with_limits(limits(scenario), SEED)
}

#[test]
fn no_power_cut_breaks_a_sentence() {
    let mut all = Explored::default();
    for scenario in SCENARIOS {
        let started = Instant::now();
        let history = history(scenario);
        let explored = power_loss(scenario)
            .explore(&history)
            .unwrap_or_else(|storyboard| panic!("{}\n{storyboard}", scenario.name));
        println!(
            "{} {} {:?} {:?}",
            scenario.name,
            history.len(),
            explored,
            started.elapsed()
        );
        all.add(&explored);
    }
    report(&format!("power: {all:?}"));
}
