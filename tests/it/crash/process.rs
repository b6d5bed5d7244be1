//! Real processes that are killed, on a real file system, with the real RocksDB.
//!
//! A killed process loses nothing that it has handed to the kernel. The tests therefore check the order of the
//! steps and the recovery by the next process. The simulated disk covers the losses of a power cut.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use frostline::error::LockError;
use frostline::sim::Probe;
use frostline::{LockedRoots, StorageRoots};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::Machine;
use super::oracle::{View, broken, torn, unsettled};
use super::scenarios::{SCENARIOS, Scenario, once_more, settle};
use crate::child::{child, is_child};
use crate::fixture::{Trace, copy_tree, report, verb};

const SCENARIO: &str = "FROSTLINE_TEST_SCENARIO";
const DATA: &str = "FROSTLINE_TEST_DATA";
const DIES_AT: &str = "FROSTLINE_TEST_DIES_AT";
const DIES_AFTER: &str = "FROSTLINE_TEST_DIES_AFTER";

const SIGABRT: i32 = 6;

/// The number of concurrent deaths. They wait for the disk, not for the processor.
const WORKERS: usize = 8;

/// A machine on which only the process is killed.
struct RealMachine {
    directory: PathBuf,
    probe: Option<Probe>,
}

impl RealMachine {
    fn new(directory: &Path, probe: Option<Probe>) -> Self {
        let directory = directory.to_path_buf();
        Self { directory, probe }
    }
}

impl Machine for RealMachine {
    /// Returns roots several directories deep, so that the first start must create the directory chain.
    fn roots(&self) -> StorageRoots {
        StorageRoots::under(self.directory.join("srv/node/data")).unwrap()
    }

    fn put_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        std::fs::write(path, bytes)?;
        std::fs::File::open(path)?.sync_all()
    }

    fn lock(&self) -> Result<LockedRoots, LockError> {
        match &self.probe {
            Some(probe) => self.roots().lock_with_probe(probe.clone()),
            None => self.roots().lock(),
        }
    }
}

/// Runs a scenario in the child process until it is killed.
#[test]
fn the_process_that_dies() {
    if !is_child() {
        return;
    }
    let value = |name| std::env::var(name).expect("started by another test");
    let name = value(SCENARIO);
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
    let no_core = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, no_core).unwrap();
    let after = value(DIES_AFTER).parse().unwrap();
    let probe = dies_at(
        value(DIES_AT).parse().unwrap(),
        Duration::from_micros(after),
    );
    let machine = RealMachine::new(Path::new(&value(DATA)), Some(probe));
    if let Err(failure) = (scenario.unwrap().run)(&machine) {
        panic!("{failure}");
    }
}

/// Returns a probe that aborts before the nth changing operation, or `after` the given time, during it.
fn dies_at(nth: usize, after: Duration) -> Probe {
    let seen = AtomicUsize::new(0);
    Probe::new(move |operation, _| {
        if verb(operation).is_none() || seen.fetch_add(1, Ordering::SeqCst) != nth {
            return Ok(());
        }
        if after.is_zero() {
            std::process::abort();
        }
        thread::spawn(move || {
            thread::sleep(after);
            std::process::abort();
        });
        Ok(())
    })
}

/// One process to kill.
struct Death<'a> {
    scenario: &'a Scenario,
    /// The directory that the scenario's `before` leaves.
    template: &'a Path,
    nth: usize,
    /// The nth operation, or `None` past the end.
    operation: Option<&'a str>,
    after: Duration,
}

impl Death<'_> {
    /// Starts the process on a copy of the template, and checks the recovery by the next process. Returns whether
    /// the process was killed.
    fn die(&self) -> bool {
        let directory = tempfile::tempdir().unwrap();
        copy_tree(self.template, directory.path());
        let status = self.start(directory.path());
        let killed = status.signal() == Some(SIGABRT);
        let must_die = self.operation.is_some() && self.after.is_zero();
        let may_live = !must_die && status.success();
        assert!(killed || may_live, "{self}: {status}");
        self.check(directory.path());
        killed
    }

    fn start(&self, directory: &Path) -> ExitStatus {
        let output = child("crash::process::the_process_that_dies")
            .env(SCENARIO, self.scenario.name)
            .env(DATA, directory)
            .env(DIES_AT, self.nth.to_string())
            .env(DIES_AFTER, self.after.as_micros().to_string())
            .output()
            .unwrap();
        let failed = output.status.code().is_some_and(|code| code != 0);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!failed, "{self}: {said}");
        output.status
    }

    /// Checks the next process: the invariants hold, unfinished work can be finished, and the work can be redone.
    fn check(&self, directory: &Path) {
        let machine: &dyn Machine = &RealMachine::new(directory, None);
        let roots = machine.roots();
        let fail = |when: &str, lines: Vec<String>| {
            assert!(lines.is_empty(), "{self}, {when}:\n{}", lines.join("\n"));
        };
        let ok = |when: &str, result: Result<(), super::Failure>| {
            result.unwrap_or_else(|failure| panic!("{self}, {when}: {failure}"));
        };
        let catalog = match machine.open() {
            Ok(catalog) => catalog,
            Err(failure) => panic!("{self}, opening again: {failure}"),
        };
        let view = View::of_directory(&roots, &catalog);
        fail("after the crash", broken(&view, &roots));
        fail("after the crash", torn(&view, self.scenario.fates));
        ok("settling", settle(&catalog));
        let view = View::of_directory(&roots, &catalog);
        fail("after settling", broken(&view, &roots));
        fail("after settling", unsettled(&view));
        for number in self.scenario.chunks {
            ok("once more", once_more(machine, &catalog, *number));
        }
        let view = View::of_directory(&roots, &catalog);
        fail("at the end", broken(&view, &roots));
        fail("at the end", unsettled(&view));
    }
}

impl std::fmt::Display for Death<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { scenario, nth, .. } = self;
        let operation = self.operation.unwrap_or("past the end");
        write!(f, "{}, killed at {nth} ({operation})", scenario.name)?;
        if self.after.is_zero() {
            return Ok(());
        }
        write!(f, " after {:?}", self.after)
    }
}

/// A scenario, the directory that its `before` leaves, and the operations of its `run`.
struct Rehearsed {
    scenario: &'static Scenario,
    template: tempfile::TempDir,
    operations: Vec<String>,
}

impl Rehearsed {
    fn new(scenario: &'static Scenario) -> Self {
        let template = tempfile::tempdir().unwrap();
        let machine = RealMachine::new(template.path(), None);
        if let Err(failure) = (scenario.before)(&machine) {
            panic!("{}, before: {failure}", scenario.name);
        }
        let [once, again] = [(); 2].map(|()| operations(scenario, template.path()));
        // Two threads may come in either order.
        let sorted = |operations: &[String]| {
            let mut operations = operations.to_vec();
            operations.sort();
            operations
        };
        assert_eq!(
            sorted(&once),
            sorted(&again),
            "{}: the operations differ",
            scenario.name
        );
        Self {
            scenario,
            template,
            operations: once,
        }
    }

    /// Returns a death before every operation, past the last one, and at some moments inside the store's operations.
    fn deaths(&self) -> Vec<Death<'_>> {
        let death = |nth, after| Death {
            scenario: self.scenario,
            template: self.template.path(),
            nth,
            operation: self.operations.get(nth).map(String::as_str),
            after: Duration::from_micros(after),
        };
        let every = 0..=self.operations.len();
        let of_the_store = |nth: &usize| {
            let operation = self.operations.get(*nth).map_or("", String::as_str);
            let stores = ["commit ", "open-store ", "create-store "];
            stores.iter().any(|prefix| operation.starts_with(prefix))
        };
        let amid = every.clone().filter(of_the_store);
        let moments = amid.flat_map(|nth| [20, 80, 320, 1280, 5120].map(|after| death(nth, after)));
        every.map(|nth| death(nth, 0)).chain(moments).collect()
    }
}

/// Returns the operations of a scenario's `run` on a copy of the template.
fn operations(scenario: &Scenario, template: &Path) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    copy_tree(template, directory.path());
    let trace = Trace::default();
    let probe = trace.probe_below(directory.path());
    if let Err(failure) = (scenario.run)(&RealMachine::new(directory.path(), Some(probe))) {
        panic!("{}: {failure}", scenario.name);
    }
    trace.take()
}

/// Kills every scenario before each of its operations, and checks the recovery by the next process.
#[test]
fn a_process_may_die_before_any_operation() {
    let rehearsed: Vec<_> = SCENARIOS.iter().map(Rehearsed::new).collect();
    let deaths: Vec<_> = rehearsed.iter().flat_map(Rehearsed::deaths).collect();
    let (next, killed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(death) = deaths.get(next.fetch_add(1, Ordering::SeqCst)) {
                    killed.fetch_add(usize::from(death.die()), Ordering::SeqCst);
                }
            });
        }
    });
    let (killed, scenarios) = (killed.into_inner(), SCENARIOS.len());
    let required = deaths
        .iter()
        .filter(|death| death.operation.is_some() && death.after.is_zero());
    assert!(killed >= required.count(), "only {killed} processes died");
    report(&format!(
        "crash: {killed} processes aborted over {scenarios} scenarios"
    ));
}
