//! Locks between real processes.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Barrier, Mutex, Once};

use frostline::error::{LockError, Operation};
use frostline::key::LOCK_FILE;
use frostline::sim::Probe;
use frostline::{ArtifactState, Catalog, RootRole, StorageRoots};

use crate::child::{child, is_child};
use crate::fixture::{Data, chain, freeze, state, tree};

const DATA: &str = "FROSTLINE_TEST_DATA";
const SHARED_ROOT: &str = "FROSTLINE_TEST_SHARED_ROOT";
const SHARED_PATH: &str = "FROSTLINE_TEST_SHARED_PATH";
const WAITS: &str = "FROSTLINE_TEST_WAITS";

/// Runs as the other process: locks its roots, opens the catalog, prints the outcome, and stays until its
/// standard input ends. If the variable [`WAITS`] is set, it first waits for a line of its input.
#[test]
fn other_process() {
    if !is_child() {
        return;
    }
    let data = std::env::var_os(DATA).expect("started by another test");
    let roots = roots_of_the_other(Path::new(&data));
    let mut orders = std::io::stdin().lines();
    if std::env::var_os(WAITS).is_some() {
        say("waiting");
        orders.next();
    }
    let outcome = roots.lock().map(Catalog::open);
    match &outcome {
        Ok(Ok(_)) => say("held"),
        Ok(Err(error)) => say(&format!("held, but not opened: {}", chain(error))),
        Err(error) => say(&format!("refused: {}", chain(error))),
    }
    orders.for_each(drop);
}

fn say(text: &str) {
    println!("\n{text}");
    std::io::stdout().flush().unwrap();
}

fn roots_of_the_other(data: &Path) -> StorageRoots {
    let roots = StorageRoots::under(data).unwrap();
    let Ok(shared) = std::env::var(SHARED_ROOT) else {
        return roots;
    };
    let role = RootRole::ALL
        .into_iter()
        .find(|role| role.to_string() == shared)
        .unwrap();
    roots
        .with(role, std::env::var_os(SHARED_PATH).unwrap())
        .unwrap()
}

/// A running other process and the line that it printed last. Dropping it kills the process.
struct Other {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: String,
}

impl Other {
    fn start(data: &Path, shared: Option<(RootRole, &Path)>) -> Self {
        let mut command = Self::command(data);
        if let Some((role, path)) = shared {
            command.env(SHARED_ROOT, role.to_string());
            command.env(SHARED_PATH, path);
        }
        Self::spawn(command)
    }

    /// Starts a process that waits for [`Other::go`].
    fn waiting(data: &Path) -> Self {
        let mut command = Self::command(data);
        command.env(WAITS, "yes");
        Self::spawn(command)
    }

    fn command(data: &Path) -> Command {
        let mut command = child("locks::other_process");
        command
            .env(DATA, data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = String::new();
        let mut other = Self { child, lines, said };
        other.hear();
        other
    }

    fn go(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    fn hear(&mut self) {
        let is_said = |line: &String| {
            let words = ["held", "refused", "waiting"];
            words.iter().any(|word| line.starts_with(word))
        };
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        self.said = lines
            .find(is_said)
            .expect("the other process says something");
    }

    fn kill(&mut self) {
        // SIGKILL: no code of the process runs after it.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
fn a_second_process_is_refused_until_the_first_is_killed() {
    let world = Data::new();
    let mut other = Other::start(&world.path(), None);
    assert_eq!(other.said, "held");
    let before = tree(&world.path());
    let error = world.roots().lock().unwrap_err();
    let LockError::InUse { role, holder, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*role, RootRole::Catalog);
    let pid = other.child.id().to_string();
    assert!(holder.as_ref().unwrap().starts_with(&pid), "{error}");
    assert!(error.to_string().contains("catalog/rocksdb"), "{error}");
    assert_eq!(tree(&world.path()), before, "a refusal changes nothing");
    other.kill();
    drop(world.open());
}

/// One shared root of any role is enough, and the error names it.
#[test]
fn one_shared_root_is_enough_to_be_refused() {
    for role in RootRole::ALL {
        let (world, elsewhere) = (Data::new(), Data::new());
        let catalog = world.open();
        let shared = world.roots().path(role).to_path_buf();
        let other = Other::start(&elsewhere.path(), Some((role, &shared)));
        let expected = format!("the {role} root `{}` is in use by", shared.display());
        assert!(other.said.contains(&expected), "{}", other.said);
        let pid = std::process::id().to_string();
        assert!(other.said.contains(&pid), "{}", other.said);
        assert!(!elsewhere.path().exists(), "a refusal creates nothing");
        drop(catalog);
    }
}

/// Of two processes that start at the same time, one gets the locks and the other is refused. The tree stays
/// intact, whether it already exists or both processes would create it.
#[test]
fn of_two_processes_that_start_at_once_one_gets_in() {
    for round in 0..20 {
        let world = Data::new();
        let first_start = round % 2 == 0;
        if !first_start {
            drop(freeze(&world.open(), 1, b"ledgers"));
        }
        let mut pair = [(); 2].map(|()| Other::waiting(&world.path()));
        pair.iter_mut().for_each(Other::go);
        pair.iter_mut().for_each(Other::hear);
        let said = pair.each_ref().map(|other| other.said.as_str());
        let held = said.iter().filter(|said| **said == "held").count();
        let in_use = said.iter().filter(|said| said.contains(" is in use by "));
        assert_eq!((held, in_use.count()), (1, 1), "round {round}: {said:#?}");
        drop(pair);
        let catalog = world.open();
        let before = (!first_start).then_some(ArtifactState::Frozen);
        assert_eq!(state(&catalog, 1), before);
        drop(freeze(&catalog, 2, b"more ledgers"));
    }
}

/// Pitfall 35: a refused start releases the locks that it has already taken.
#[test]
fn a_failure_part_way_releases_the_locks() {
    let (world, elsewhere) = (Data::new(), Data::new());
    let catalog = world.open();
    drop(elsewhere.open());
    // The hot root comes last, so four locks have been taken when it is refused.
    let hot = world.roots().path(RootRole::Hot).to_path_buf();
    let mixed = elsewhere.roots().with(RootRole::Hot, hot).unwrap();
    for (_, root) in elsewhere.roots().iter() {
        std::fs::write(root.join(LOCK_FILE), "as it was").unwrap();
    }
    let before = tree(&elsewhere.path());
    let error = mixed.lock().unwrap_err();
    assert_eq!(tree(&elsewhere.path()), before, "a refusal changes nothing");
    assert!(matches!(
        error,
        LockError::InUse {
            role: RootRole::Hot,
            ..
        }
    ));
    drop(elsewhere.open());
    drop(catalog);
}

/// Pitfall 35: a catalog that cannot be opened releases its locks.
#[test]
fn a_catalog_that_does_not_open_releases_its_locks() {
    let world = Data::new();
    drop(world.open());
    let current = world.path().join("catalog/rocksdb/CURRENT");
    let saved = std::fs::read(&current).unwrap();
    std::fs::remove_file(&current).unwrap();
    std::fs::write(&current, "nonsense").unwrap();
    for _ in 0..2 {
        let locked = world.roots().lock().unwrap();
        Catalog::open(locked).unwrap_err();
    }
    std::fs::write(&current, saved).unwrap();
    drop(world.open());
}

/// A forked child shares the lock's descriptor until it executes its program. A copy of the descriptor in a
/// child that stays has the same effect. Dropping the roots must release the lock at once.
#[test]
fn a_child_that_inherited_the_descriptor_does_not_keep_the_lock() {
    let world = Data::new();
    let catalog = world.open();
    let lock = world.path().join("hot").join(LOCK_FILE);
    let held = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|fd| std::fs::read_link(fd).is_ok_and(|file| file == lock))
        .expect("the lock file is open");
    let number = held.file_name().unwrap().to_str().unwrap();
    // A copy of the descriptor shares its lock. The copy becomes the standard input of a child.
    let number: i32 = number.parse().unwrap();
    let copy = rustix::process::pidfd_open(
        rustix::process::getpid(),
        rustix::process::PidfdFlags::empty(),
    )
    .and_then(|own| {
        rustix::process::pidfd_getfd(own, number, rustix::process::PidfdGetfdFlags::empty())
    });
    let Ok(copy) = copy else {
        crate::fixture::skipped("this kernel gives out no copies of descriptors");
        return;
    };
    let mut child = Command::new("sleep").arg("60").stdin(copy).spawn().unwrap();
    drop(catalog);
    let again = world.roots().lock();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(again.unwrap());
}

#[test]
fn the_same_process_is_refused_too() {
    let world = Data::new();
    let catalog = world.open();
    let error = world.roots().lock().unwrap_err();
    assert!(error.to_string().contains("this very process"), "{error}");
    drop(catalog);
    drop(world.roots().lock().unwrap());
}

/// The name in a lock file may belong to an earlier holder, which may be dead, alive, or this very process. In
/// containers, every program may be process 1. The error names only the current holder.
#[test]
fn a_refusal_names_no_process_without_the_lock() {
    let world = Data::new();
    let other = Other::start(&world.path(), None);
    let lock = world.path().join("catalog/rocksdb").join(LOCK_FILE);
    let own = std::process::id();
    // A lock file without a name still locks. This process has the file open but not locked, like a start that is
    // being refused.
    let _open = std::fs::File::open(&lock).unwrap();
    let written = std::fs::read_to_string(&lock).unwrap();
    for stale in [
        "4194305 (dead)",
        "1 (init)",
        &format!("{own} (it)"),
        "?",
        "",
    ] {
        std::fs::write(&lock, format!("{stale}\n")).unwrap();
        let error = world.roots().lock().unwrap_err();
        assert!(error.to_string().contains("another process, "), "{error}");
        let LockError::InUse {
            holder,
            by_this_process,
            ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!((holder, by_this_process), (None, false));
    }
    std::fs::write(&lock, &written).unwrap();
    let error = world.roots().lock().unwrap_err();
    assert!(error.to_string().contains(written.trim()), "{error}");
    drop(other);
}

/// A start in progress has not written its name yet. The lock file still names an earlier process, which is not
/// the holder.
#[test]
fn a_holder_that_is_still_starting_is_not_taken_for_the_one_before() {
    let world = Data::new();
    drop(world.open());
    let lock = world.path().join("catalog/rocksdb").join(LOCK_FILE);
    std::fs::write(&lock, "1 (before)\n").unwrap();
    let refused = Arc::new(Mutex::new(String::new()));
    let (roots, says, once) = (world.roots(), Arc::clone(&refused), Once::new());
    let probe = Probe::new(move |operation, _| {
        if operation == Operation::SyncDirectory {
            once.call_once(|| {
                *says.lock().unwrap() = roots.clone().lock().unwrap_err().to_string();
            });
        }
        Ok(())
    });
    drop(world.roots().lock_with_probe(probe).unwrap());
    let text = refused.lock().unwrap().clone();
    assert!(text.contains("this very process"), "{text}");
}

/// One start found no catalog root and holds the ledgers root. The other start found the catalog root and holds
/// it. The start that holds the catalog root gets all locks, and the other is refused.
#[test]
fn of_two_starts_that_lock_in_different_orders_one_gets_in() {
    let world = Data::new();
    let (catalog, ledgers) = (world.path().join("catalog"), world.path().join("ledgers"));
    // The first start holds the catalog root and is about to lock the ledgers root, which exists for both by then.
    let [resolves, has_catalog, has_ledgers] = [(); 3].map(|()| Arc::new(Barrier::new(2)));
    let in_order = {
        let (has_catalog, has_ledgers) = (Arc::clone(&has_catalog), Arc::clone(&has_ledgers));
        let (resolves, ledgers) = (Arc::clone(&resolves), ledgers.clone());
        let [resolve, lock] = [(); 2].map(|()| Once::new());
        Probe::new(move |operation, path| {
            if operation == Operation::OpenDirectory && path == ledgers {
                resolve.call_once(|| {
                    resolves.wait();
                });
            }
            if operation == Operation::LockFile && path.starts_with(&ledgers) {
                lock.call_once(|| {
                    has_catalog.wait();
                    has_ledgers.wait();
                });
            }
            Ok(())
        })
    };
    let [resolve, lock] = [(); 2].map(|()| Once::new());
    let out_of_order = Probe::new(move |operation, path| {
        if operation == Operation::OpenDirectory && path == ledgers {
            // This start has found the catalog root missing.
            resolve.call_once(|| {
                resolves.wait();
                has_catalog.wait();
            });
        }
        if operation == Operation::LockFile && path.starts_with(&catalog) {
            lock.call_once(|| {
                has_ledgers.wait();
                std::thread::sleep(std::time::Duration::from_millis(100));
            });
        }
        Ok(())
    });
    let (one, two) = (world.roots(), world.roots());
    let one = std::thread::spawn(move || one.lock_with_probe(in_order));
    let refused = two.lock_with_probe(out_of_order).unwrap_err();
    assert!(refused.to_string().contains("catalog root"), "{refused}");
    drop(one.join().unwrap().unwrap());
}
