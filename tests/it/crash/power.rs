//! Power cuts: the power is cut at every operation of every scenario, and every crash image is checked.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use frostline::error::LockError;
use frostline::sim::{Explored, History, Limits, PowerLoss, SimDisk, SimFile, When};
use frostline::{Catalog, LockedRoots, StorageRoots};

use super::oracle::{View, broken, keys_of, torn, unsettled};
use super::scenarios::{Fate, SCENARIOS, Scenario, settle};
use super::{Failure, Machine};
use crate::fixture::{chain, report};

pub const SEED: u64 = 2_026;

/// The start of the error text for a scenario's own file.
pub const OWN_FILE: &str = "a file of the scenario's own";

/// A machine with a simulated disk.
pub struct SimMachine {
    pub disk: SimDisk,
}

impl Machine for SimMachine {
    /// Returns roots several directories deep, so that the first start must create the directory chain.
    fn roots(&self) -> StorageRoots {
        StorageRoots::under("/srv/node/data").unwrap()
    }

    fn lock(&self) -> Result<LockedRoots, LockError> {
        self.roots().lock_on_simulated(&self.disk)
    }

    fn put_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let put = |file: SimFile| file.append(bytes).and_then(|()| file.sync());
        let put = self.disk.create_file(path).and_then(put);
        put.map_err(|error| io::Error::new(error.kind(), format!("{OWN_FILE}: {error}")))
    }

    fn sync_whole_from(&self, barriers: usize) {
        self.disk.sync_whole_from(barriers);
    }

    fn step(&self, name: &str) {
        self.disk.step(name);
    }
}

impl SimMachine {
    /// Creates a machine on which a scenario's preparations are done and durable.
    pub fn prepared(scenario: &Scenario) -> Self {
        let machine = Self {
            disk: SimDisk::new(),
        };
        if let Err(failure) = (scenario.before)(&machine) {
            panic!("{}, before: {failure}", scenario.name);
        }
        machine.disk.sync_all();
        machine
    }

    pub fn on(disk: &SimDisk) -> Self {
        Self { disk: disk.clone() }
    }

    /// Returns the content of the disk and of the catalog, without opening anything.
    pub fn view(&self) -> View {
        let roots = self.roots();
        let mut view = View {
            keys: roots.keys_on_simulated(&self.disk).unwrap_or_else(|error| {
                // An unknown key counts as broken, and the crash trace names it.
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

/// Returns the events of a scenario on its disk.
pub fn history(scenario: &Scenario) -> History {
    let machine = SimMachine::prepared(scenario);
    if let Err(failure) = (scenario.run)(&machine) {
        panic!("{}: {failure}", scenario.name);
    }
    machine.disk.history()
}

/// Recovers a disk as the next process does: opens the catalog and finishes the interrupted work.
pub fn recover(disk: &SimDisk) -> Result<(), Failure> {
    let machine: &dyn Machine = &SimMachine::on(disk);
    let catalog = machine.open()?;
    agrees(&catalog, disk)?;
    settle(&catalog)?;
    agrees(&catalog, disk)
}

/// Checks that the catalog's memory agrees with the disk.
fn agrees(catalog: &Catalog, disk: &SimDisk) -> Result<(), Failure> {
    let said = keys_of(catalog);
    match SimMachine::on(disk).roots().keys_on_simulated(disk) {
        Ok(keys) if keys == said => Ok(()),
        keys => {
            let text = format!("the catalog says {said:?}, and on the disk is {keys:?}");
            Err(io::Error::other(text).into())
        }
    }
}

/// Returns the broken invariants.
pub fn wrong(fates: &[Fate], disk: &SimDisk, when: When) -> Vec<String> {
    let machine = SimMachine::on(disk);
    let view = machine.view();
    let mut lines = broken(&view, &machine.roots());
    lines.extend(torn(&view, fates));
    match when {
        When::Crashed => {
            let (acknowledged, with_batch) = disk.promised();
            if view.keys != acknowledged && Some(&view.keys) != with_batch.as_ref() {
                lines.push(format!(
                    "the catalog was told to keep {acknowledged:?} and holds {:?}",
                    view.keys
                ));
            }
            // The content of this image is durable: the next process must find it, too.
            disk.promise(view.keys.clone());
        }
        When::Recovered => {
            lines.extend(unsettled(&view));
            // The library's own audit must agree.
            match machine.roots().audit_on_simulated(disk) {
                Ok(audit) if audit.is_clean() && audit.unfinished().is_nothing() => {}
                Ok(audit) => lines.push(audit.to_string()),
                Err(error) => lines.push(chain(&error)),
            }
        }
    }
    lines
}

/// Returns the limits of a scenario. Several pending files or directories have too many outcomes to cut the
/// recovery from each of them.
fn limits(scenario: &Scenario) -> Limits {
    let cut_recoveries = match scenario.name {
        "freeze_three_kinds"
        | "freeze_group_as_a_whole"
        | "first_start"
        | "hot_retire"
        | "owned_writers" => 1 << 10,
        _ => usize::MAX,
    };
    Limits {
        cut_recoveries,
        ..Limits::default()
    }
}

/// Returns an exploration of a scenario's crash images.
pub fn power_loss(scenario: &Scenario) -> PowerLoss<'_> {
    after_power_loss(scenario.fates).with_limits(limits(scenario), SEED)
}

/// Returns an exploration that recovers each crash image and checks all invariants, including these fates.
pub fn after_power_loss(fates: &[Fate]) -> PowerLoss<'_> {
    PowerLoss::new(
        |disk| recover(disk).map_err(|failure| failure.to_string()),
        |disk, when| match wrong(fates, disk, when) {
            lines if lines.is_empty() => Ok(()),
            lines => Err(lines.join("; ")),
        },
    )
}

/// Applies `work` to each item on two threads. Returns the results in the order of the items.
pub fn on_two_threads<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            match items.get(number) {
                Some(item) => done.push((number, work(item))),
                None => return done,
            }
        }
    };
    let mut done = thread::scope(|scope| {
        let workers = [(); 2].map(|()| scope.spawn(worker));
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect::<Vec<_>>()
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The number of finished explorations, and their sum.
static COVERED: Mutex<(usize, Option<Explored>)> = Mutex::new((0, None));

/// Cuts the power at every operation of a scenario. The last of all scenarios reports the sum.
pub fn check(scenario: &Scenario) {
    let explored = match power_loss(scenario).explore(&history(scenario)) {
        Ok(explored) => explored,
        Err(trace) => panic!("{trace}"),
    };
    let mut covered = COVERED.lock().unwrap();
    let (count, sum) = &mut *covered;
    *count += 1;
    let sum = sum.get_or_insert_default();
    sum.add(&explored);
    if *count < SCENARIOS.len() {
        return;
    }
    let Explored {
        instants,
        images,
        distinct,
        recoveries,
        recoveries_cut,
        sampled,
        sampled_from,
    } = *sum;
    report(&format!(
        "crash: {images} images of {instants} power cuts, {distinct} distinct; {recoveries} recoveries, \
         {recoveries_cut} of them cut in turn; {sampled} crash points sampled (seed {SEED}) from \
         {sampled_from} images"
    ));
}
