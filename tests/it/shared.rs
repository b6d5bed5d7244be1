//! Threads that share a sync: of the catalog's log, of a directory, of a file system.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use frostline::error::FailureKind;
use frostline::error::{CommitRefusal, LockError, Operation};
use frostline::sim::Probe;
use frostline::{ArtifactState, Catalog, Freezing, Ledgers, SyncGroup};

use crate::fixture::{Data, EIO, ENOSPC, Faults, Trace, chain, chunk, freeze, state, written};
use crate::mounts::data_synced_whole;

/// Runs a step in two threads at once.
fn both<A: Send, B: Send>(of: [A; 2], step: impl Fn(A) -> B + Sync) -> [B; 2] {
    let [first, second] = of;
    let step = &step;
    std::thread::scope(|scope| {
        let second = scope.spawn(move || step(second));
        [step(first), second.join().unwrap()]
    })
}

fn begin(catalog: &Catalog, number: u32) -> Freezing<Ledgers> {
    written(catalog.begin(chunk(number)).unwrap())
}

fn states(catalog: &Catalog) -> [Option<ArtifactState>; 2] {
    [state(catalog, 1), state(catalog, 2)]
}

fn count(trace: &[String], line: &str) -> usize {
    trace.iter().filter(|found| *found == line).count()
}

#[test]
fn commits_and_directory_syncs_of_two_threads_are_one() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    drop(freeze(&catalog, 9, b"the bucket is durable now"));
    trace.take();

    catalog.gather_commits_for_test(2);
    let begun = both([1, 2], |number| begin(&catalog, number));
    assert_eq!(count(&trace.take(), "commit catalog/rocksdb"), 1);

    catalog.gather_syncs_for_test(2);
    let synced = both(begun, |freezing| freezing.sync().unwrap());
    let synced_calls = trace.take();
    for (line, times) in [
        ("sync ledgers/00000/00000001.pack", 1),
        ("sync ledgers/00000/00000002.pack", 1),
        ("syncdir ledgers/00000", 1),
    ] {
        assert_eq!(count(&synced_calls, line), times, "{synced_calls:#?}");
    }
    assert_eq!(synced_calls.last().unwrap(), "syncdir ledgers/00000");

    catalog.gather_commits_for_test(2);
    drop(both(synced, |synced| catalog.commit(synced).unwrap()));
    assert_eq!(count(&trace.take(), "commit catalog/rocksdb"), 1);
    assert_eq!(states(&catalog), [Some(ArtifactState::Frozen); 2]);
}

#[test]
fn whole_syncs_of_two_threads_are_one() {
    let Some(world) = data_synced_whole() else {
        return;
    };
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    let groups = [100, 200].map(|first| {
        let mut group = catalog.sync_group();
        for number in first..first + 40 {
            group.add(begin(&catalog, number)).unwrap();
        }
        group
    });
    trace.take();
    catalog.gather_whole_syncs_for_test(2);
    let synced = both(groups, |group| group.sync().unwrap());
    let calls = trace.take();
    let whole = calls.iter().filter(|line| line.starts_with("syncfs"));
    assert_eq!(whole.count(), 1, "{calls:#?}");
    assert!(
        !calls.iter().any(|line| line.starts_with("sync ")),
        "{calls:#?}"
    );
    for synced in synced {
        assert_eq!(catalog.commit(synced).unwrap().len(), 40);
    }
}

/// A shared sync that fails is seen by every thread that took part, and by every later one.
#[test]
fn a_shared_commit_that_fails_is_fatal_for_both() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    let synced = [1, 2].map(|number| begin(&catalog, number).sync().unwrap());
    faults.fail(Operation::Commit, EIO);
    catalog.gather_commits_for_test(2);
    for outcome in both(synced, |synced| catalog.commit(synced)) {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), FailureKind::Fatal, "{error}");
        assert!(chain(&error).contains("catalog/rocksdb"), "{error}");
    }
    assert!(catalog.begin::<Ledgers>(chunk(3)).is_err());
    drop(catalog);
    assert_eq!(states(&world.open()), [Some(ArtifactState::Freezing); 2]);
}

#[test]
fn a_shared_directory_sync_that_fails_is_fatal_for_both() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    drop(freeze(&catalog, 9, b"the bucket is durable now"));
    let begun = [1, 2].map(|number| begin(&catalog, number));
    faults.fail(Operation::SyncDirectory, EIO);
    catalog.gather_syncs_for_test(2);
    for outcome in both(begun, Freezing::sync) {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), FailureKind::Fatal, "{error}");
        assert!(chain(&error).contains("ledgers/00000"), "{error}");
    }
    assert!(catalog.begin::<Ledgers>(chunk(3)).is_err());
}

#[test]
fn a_shared_whole_sync_that_fails_is_fatal_for_both() {
    let Some(world) = data_synced_whole() else {
        return;
    };
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    let groups = [100, 200].map(|first| {
        let mut group = catalog.sync_group();
        for number in first..first + 40 {
            group.add(begin(&catalog, number)).unwrap();
        }
        group
    });
    faults.fail(Operation::SyncFileSystem, EIO);
    catalog.gather_whole_syncs_for_test(2);
    for outcome in both(groups, SyncGroup::sync) {
        assert_eq!(outcome.unwrap_err().kind(), FailureKind::Fatal);
    }
}

/// The directories above are synced by one thread at a time, through the root's descriptor. After a failure, the other
/// thread does not sync through it again.
#[test]
fn a_failed_sync_of_a_root_is_not_issued_by_another_thread() {
    let world = Data::new();
    let root = world.path().join("ledgers");
    let syncs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&syncs);
    let is_on = Arc::new(AtomicBool::new(false));
    let fails = Arc::clone(&is_on);
    let catalog = world.open_probed(Probe::new(move |operation, path| {
        let is_root = operation == Operation::SyncDirectory && path == root;
        if is_root && fails.load(Ordering::Relaxed) {
            counted.fetch_add(1, Ordering::Relaxed);
            // The other thread comes to the root in the meantime.
            std::thread::sleep(Duration::from_millis(300));
            return Err(std::io::Error::from_raw_os_error(EIO));
        }
        Ok(())
    }));
    let begun = [1, 2].map(|number| begin(&catalog, number));
    is_on.store(true, Ordering::Relaxed);
    catalog.gather_syncs_for_test(2);
    for outcome in both(begun, Freezing::sync) {
        assert_eq!(outcome.unwrap_err().kind(), FailureKind::Fatal);
    }
    assert_eq!(syncs.load(Ordering::Relaxed), 1);
}

/// Another program has written over one of two keys that are committed together.
#[test]
fn a_refused_batch_does_not_keep_the_others() {
    let world = Data::new();
    let catalog = world.open();
    let synced = [1, 2].map(|number| begin(&catalog, number).sync().unwrap());
    let key = b"chunk:00000002:ledgers";
    catalog.write_raw_for_test(key, Some(b"pruning")).unwrap();
    catalog.gather_commits_for_test(2);
    let [first, second] = both(synced, |synced| catalog.commit(synced));
    drop(first.unwrap());
    let error = second.unwrap_err();
    assert!(
        matches!(error.refusal(), Some(CommitRefusal::Changed { .. })),
        "{error}"
    );
    assert_eq!(
        states(&catalog),
        [Some(ArtifactState::Frozen), Some(ArtifactState::Pruning)]
    );
}

/// Together, two batches find no space. Alone, each of them does.
#[test]
fn batches_that_find_no_space_together_are_tried_alone() {
    let world = Data::new();
    // The log's space is asked for twice: the second time after the ballast has been given back.
    let full = Arc::new(AtomicUsize::new(0));
    let commits = Arc::new(AtomicUsize::new(0));
    let (left, counted) = (Arc::clone(&full), Arc::clone(&commits));
    let catalog = world.open_probed(Probe::new(move |operation, path| {
        let is_log = path.extension().is_some_and(|extension| extension == "log");
        let spent = |left: usize| left.checked_sub(1);
        let order = Ordering::Relaxed;
        if operation == Operation::ReserveSpace
            && is_log
            && left.fetch_update(order, order, spent).is_ok()
        {
            return Err(std::io::Error::from_raw_os_error(ENOSPC));
        }
        counted.fetch_add(usize::from(operation == Operation::Commit), order);
        Ok(())
    }));
    // Most of the space that a log has in advance is used. Two batches of this size go into one write.
    let chunks = |from: u32, count: u32| (from..from + count).map(chunk);
    let before = catalog.begin_all::<Ledgers>(chunks(100_000, 13_000));
    assert_eq!(before.unwrap().len(), 13_000);
    commits.store(0, Ordering::Relaxed);
    full.store(2, Ordering::Relaxed);
    catalog.gather_commits_for_test(2);
    let begun = both([1, 50_000], |from| {
        catalog.begin_all::<Ledgers>(chunks(from, 2_000))
    });
    for begun in begun {
        assert_eq!(begun.unwrap().len(), 2_000);
    }
    assert_eq!(full.load(Ordering::Relaxed), 0);
    assert_eq!(commits.load(Ordering::Relaxed), 2);
}

/// A lease outlives its catalog. Until it is dropped, no other catalog can be opened on the roots and remove the file.
#[test]
fn a_lease_keeps_the_roots_locked() {
    let world = Data::new();
    let catalog = world.open();
    drop(freeze(&catalog, 1, b"ledgers"));
    let lease = catalog.lease::<Ledgers>(chunk(1)).unwrap().unwrap();
    let copy = lease.clone();
    drop(catalog);
    drop(lease);
    let refused = world.roots().lock().unwrap_err();
    assert!(matches!(refused, LockError::InUse { .. }), "{refused}");
    assert_eq!(copy.open(Ledgers::PACK).unwrap().size().unwrap(), 7);
    drop(copy);
    drop(world.open());
}
