//! Groups: many artifacts become durable together, and each fails for itself.

use std::io::Write as _;

use frostline::error::FailureKind;
use frostline::error::{BeginRefusal, Operation, SyncError, SyncRefusal};
use frostline::sim::{Probe, SimDisk};
use frostline::{
    Artifact, ArtifactKind, ArtifactSet, ArtifactState, Catalog, ChunkId, Freezing, Ledgers,
    StorageRoots, SyncGroup, TxHash,
};

use crate::fixture::{
    Data, EIO, ENOSPC, Faults, Trace, chain, chunk, freeze, state, write_set, written,
};
use crate::mounts::data_synced_whole;

fn chunks(numbers: impl IntoIterator<Item = u32>) -> impl Iterator<Item = ChunkId> {
    numbers.into_iter().map(chunk)
}

/// Begins, writes and adds these chunks.
fn group_of(
    catalog: &Catalog,
    numbers: impl IntoIterator<Item = u32>,
) -> SyncGroup<Freezing<Ledgers>> {
    let mut group = catalog.sync_group();
    for freezing in catalog.begin_all(chunks(numbers)).unwrap() {
        group.add(written(freezing)).unwrap();
    }
    group
}

/// Freezes the ledgers of these chunks as a group.
fn freeze_group(catalog: &Catalog, numbers: impl IntoIterator<Item = u32>) {
    let group = group_of(catalog, numbers);
    drop(catalog.commit(group.sync().unwrap()).unwrap());
}

fn states(catalog: &Catalog, numbers: impl IntoIterator<Item = u32>) -> Vec<Option<ArtifactState>> {
    let numbers = numbers.into_iter();
    numbers.map(|number| state(catalog, number)).collect()
}

fn count(trace: &[String], what: &str) -> usize {
    let verb = |line: &&String| line.split(' ').next() == Some(what);
    trace.iter().filter(verb).count()
}

/// Row 1, for many: each file, each directory and each new entry once, all between two commits.
#[test]
fn a_small_group_syncs_each_file_and_each_directory_once() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    freeze_group(&catalog, [1, 2, 1_003]);
    let trace = trace.take();
    let barriers: Vec<_> = trace
        .iter()
        .filter(|line| line.starts_with("sync") || line.starts_with("commit"))
        .collect();
    assert_eq!(
        barriers,
        [
            "commit catalog/rocksdb",
            "sync ledgers/00000/00000001.pack",
            "sync ledgers/00000/00000002.pack",
            "sync ledgers/00001/00001003.pack",
            "syncdir ledgers/00000",
            "syncdir ledgers/00001",
            "syncdir ledgers",
            "commit catalog/rocksdb",
        ]
    );
    assert_eq!(count(&trace, "write"), 3);
}

/// The number of barriers of a large group is constant; the last is after the last write.
#[test]
fn a_large_group_syncs_the_file_system_once() {
    let Some(world) = data_synced_whole() else {
        return;
    };
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    freeze_group(&catalog, 0..100);
    let trace = trace.take();
    assert_eq!(
        (count(&trace, "commit"), count(&trace, "syncfs")),
        (2, 1),
        "{trace:#?}"
    );
    assert_eq!((count(&trace, "sync"), count(&trace, "syncdir")), (0, 1));
    let last: Vec<_> = trace.iter().rev().take(4).collect();
    assert!(last[0].starts_with("commit "), "{last:?}");
    assert!(last[1].starts_with("syncdir "), "{last:?}");
    assert!(last[2].starts_with("syncfs "), "{last:?}");
    assert!(last[3].starts_with("write "), "{last:?}");
    assert!(
        states(&catalog, 0..100)
            .iter()
            .all(|state| *state == Some(ArtifactState::Frozen))
    );
}

/// The file system is synced whole from as many barriers on as it replaces: of files, of their directories and
/// of the directories above.
#[test]
fn a_file_system_is_synced_whole_from_a_number_of_barriers_on() {
    let syncs = |from: usize| {
        let disk = SimDisk::new();
        disk.sync_whole_from(from);
        let roots = StorageRoots::under("/data").unwrap();
        let catalog = Catalog::open(roots.lock_on_simulated(&disk).unwrap()).unwrap();
        let mut group = catalog.sync_group();
        assert!(group.is_empty());
        for number in [1, 2, 3, 1_001, 1_002] {
            group
                .add(written(catalog.begin(chunk(number)).unwrap()))
                .unwrap();
        }
        assert!(!group.is_empty());
        disk.sync_all();
        drop(group.sync().unwrap());
        let history = disk.history();
        let lines = history.lines().map(str::to_owned).collect::<Vec<_>>();
        let of = |words: &str| lines.iter().filter(|line| line.contains(words)).count();
        (of("sync"), of("file system"))
    };
    let (one_by_one, whole) = syncs(usize::MAX);
    println!("{one_by_one} {whole}");
    // Five files, two buckets and the root.
    assert_eq!((one_by_one, whole), (8, 0));
    assert_eq!(syncs(one_by_one + 1), (8, 0));
    assert_eq!(syncs(one_by_one).1, 1);
}

/// Directories that a `syncfs` has made durable are not synced again.
#[test]
fn after_a_large_group_a_bucket_is_durable() {
    let Some(world) = data_synced_whole() else {
        return;
    };
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    freeze_group(&catalog, 0..100);
    trace.take();
    drop(freeze(&catalog, 100, b"ledgers"));
    let trace = trace.take();
    assert!(trace.contains(&"syncdir ledgers/00000".to_owned()));
    assert!(!trace.contains(&"syncdir ledgers".to_owned()), "{trace:#?}");
}

/// The files that are open at a time do not grow with the group.
#[test]
fn a_group_is_made_durable_in_rounds() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    freeze_group(&catalog, 0..1_500);
    let trace = trace.take();
    let (mut open, mut most) = (0, 0);
    for line in &trace {
        match line.split(' ').next() {
            Some("create") => open += 1,
            Some("sync") => open -= 1,
            Some("syncfs") => open = 0,
            _ => {}
        }
        most = most.max(open);
    }
    assert!(most <= 300, "{most} files are open at a time");
    assert_eq!(count(&trace, "commit"), 2);
    assert_eq!(open, 0, "the last round comes after the last file");
}

#[test]
fn several_kinds_of_several_chunks_are_marked_and_flipped_at_once() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    let sets = [
        (chunk(1), ArtifactSet::ALL),
        (chunk(2), ArtifactSet::EMPTY.with(ArtifactKind::TxHash)),
    ];
    let mut begun = catalog.begin_sets(sets).unwrap();
    assert!(begun[1].ledgers.is_none() && begun[1].events.is_none());
    write_set(&mut begun[0]);
    let hashes = begun[1].txhash.as_mut().unwrap();
    hashes.file(TxHash::BIN).unwrap().write_all(b"2").unwrap();
    let mut group = catalog.sync_group();
    for set in begun {
        group.add(set).unwrap();
    }
    assert_eq!(group.len(), 2);
    let frozen = catalog.commit(group.sync().unwrap()).unwrap();
    let trace = trace.take();
    assert_eq!(count(&trace, "commit"), 2, "{trace:#?}");
    assert_eq!(count(&trace, "sync"), 6);
    assert!(frozen[1].ledgers.is_none());
    let key = |set: usize| frozen[set].txhash.as_ref().unwrap().key().chunk;
    assert_eq!((key(0), key(1)), (chunk(1), chunk(2)));
    drop(frozen);
    let keys: Vec<_> = catalog.chunk_artifact_keys().unwrap().collect();
    assert_eq!(keys.len(), 4);
    assert!(
        keys.iter()
            .all(|key| matches!(key, Ok((_, ArtifactState::Frozen))))
    );
}

/// Nothing is marked if one of them cannot be begun, and what was claimed for it is let go.
#[test]
fn beginning_many_is_refused_as_a_whole() {
    let world = Data::new();
    let catalog = world.open();
    drop(freeze(&catalog, 2, b"ledgers"));
    let before = world.tree();
    let error = catalog.begin_all::<Ledgers>(chunks([1, 2, 3])).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(BeginRefusal::AlreadyFrozen { key }) if key.to_string().contains("00000002")),
        "{error}"
    );
    // The same key twice is two owners of one artifact.
    let error = catalog.begin_all::<Ledgers>(chunks([1, 1])).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(BeginRefusal::Claimed(_))),
        "{error}"
    );
    assert_eq!(states(&catalog, [1, 3]), [None, None]);
    assert_eq!(world.tree(), before);
    drop(catalog.begin_all::<Ledgers>(chunks([1, 3])).unwrap());
}

/// A member that is refused comes back, and the group does not know of it.
#[test]
fn a_refused_member_comes_back() {
    let world = Data::new();
    let catalog = world.open();
    let mut group = catalog.sync_group();
    group
        .add(written(catalog.begin(chunk(1)).unwrap()))
        .unwrap();
    let error = group.add(catalog.begin(chunk(2)).unwrap()).unwrap_err();
    let SyncError::Refused(refused) = error else {
        panic!("{error}");
    };
    assert!(matches!(refused.cause(), SyncRefusal::NotCreated { .. }));
    assert_eq!(group.len(), 1);
    group.add(written(refused.into_handle())).unwrap();
    drop(catalog.commit(group.sync().unwrap()).unwrap());
    assert_eq!(states(&catalog, [1, 2]), [Some(ArtifactState::Frozen); 2]);
}

/// A handle's failure would have to poison another catalog than its own.
#[test]
fn a_member_of_another_catalog_is_refused() {
    let (world, other) = (Data::new(), Data::new());
    let (catalog, stranger) = (world.open(), other.open());
    let mut group = catalog.sync_group();
    let error = group
        .add(written(stranger.begin(chunk(1)).unwrap()))
        .unwrap_err();
    assert_eq!(error.kind(), FailureKind::Refused);
    let SyncError::Refused(refused) = error else {
        panic!("{error}");
    };
    assert!(matches!(
        refused.cause(),
        SyncRefusal::ForeignHandle { key } if key.to_string() == "chunk:00000001:ledgers"
    ));
    assert!(group.is_empty());
    // At home it can go on.
    drop(refused.into_handle().freeze().unwrap());
}

/// A write that fails is the failure of its own member: the others are frozen.
#[test]
fn a_member_whose_write_failed_does_not_hold_up_the_others() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    let mut group = catalog.sync_group();
    let begun = catalog.begin_all(chunks([1, 2, 3])).unwrap();
    for (nth, freezing) in begun.into_iter().enumerate() {
        let freezing = written(freezing);
        if nth == 1 {
            // Its bytes have only been gathered by now.
            faults.fail(Operation::WriteFile, ENOSPC);
            let error = group.add(freezing).unwrap_err();
            assert_eq!(error.kind(), FailureKind::Retryable);
            assert!(chain(&error).contains("00000002.pack"), "{error}");
        } else {
            group.add(freezing).unwrap();
        }
    }
    drop(catalog.commit(group.sync().unwrap()).unwrap());
    assert_eq!(
        states(&catalog, 1..=3),
        [
            Some(ArtifactState::Frozen),
            Some(ArtifactState::Freezing),
            Some(ArtifactState::Frozen)
        ]
    );
    // Its claim went with it: it can be begun again.
    drop(written(catalog.begin(chunk(2)).unwrap()).freeze().unwrap());
}

/// Nothing is flipped if another program has moved a bucket while its files were written: they are at no path.
#[test]
fn a_bucket_that_was_moved_is_not_frozen() {
    let world = Data::new();
    let catalog = world.open();
    drop(freeze(&catalog, 9, b"the bucket is durable now"));
    let mut group = catalog.sync_group();
    group
        .add(written(catalog.begin(chunk(1)).unwrap()))
        .unwrap();
    let single = written(catalog.begin(chunk(2)).unwrap());
    let bucket = world.path().join("ledgers/00000");
    std::fs::rename(&bucket, world.outside().join("away")).unwrap();
    group
        .add(written(catalog.begin(chunk(3)).unwrap()))
        .unwrap();
    let SyncError::Refused(refused) = group.sync().unwrap_err() else {
        panic!("not refused");
    };
    assert!(matches!(refused.cause(), SyncRefusal::Replaced { path } if *path == bucket));
    drop(refused);
    let SyncError::Refused(refused) = single.sync().unwrap_err() else {
        panic!("not refused");
    };
    assert!(matches!(refused.cause(), SyncRefusal::Replaced { path } if *path == bucket));
    drop(refused);
    assert_eq!(states(&catalog, 1..=3), [Some(ArtifactState::Freezing); 3]);
    // Begun again, they are written into the new bucket.
    for number in 1..=3 {
        drop(
            written(catalog.begin(chunk(number)).unwrap())
                .freeze()
                .unwrap(),
        );
    }
}

/// The files of a set that could not be added are not among those of the group.
#[test]
fn a_set_that_failed_leaves_no_file_in_the_group() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    let begun = catalog.begin_sets((1..=2).map(|number| (chunk(number), ArtifactSet::ALL)));
    let mut group = catalog.sync_group();
    for (nth, mut set) in begun.unwrap().into_iter().enumerate() {
        write_set(&mut set);
        if nth == 1 {
            // After the ledgers: the events' bytes have only been gathered by now.
            faults.fail_after(1, Operation::WriteFile, ENOSPC);
            let error = group.add(set).unwrap_err();
            assert!(chain(&error).contains("events"), "{error}");
        } else {
            group.add(set).unwrap();
        }
    }
    drop(faults.seen());
    drop(catalog.commit(group.sync().unwrap()).unwrap());
    let seen = faults.seen();
    let files = seen.iter().filter(|seen| **seen == Operation::SyncFile);
    assert_eq!(files.count(), 5, "{seen:?}");
}

/// Row 19: which bytes a failed barrier has lost nobody knows, so nothing is flipped.
#[test]
fn a_failed_barrier_poisons_and_flips_nothing() {
    for (members, operation) in [
        (3, Operation::SyncFile),
        (3, Operation::SyncDirectory),
        (100, Operation::SyncFileSystem),
    ] {
        let is_whole = operation == Operation::SyncFileSystem;
        let Some(world) = (if is_whole {
            data_synced_whole()
        } else {
            Some(Data::new())
        }) else {
            continue;
        };
        let faults = Faults::new();
        let catalog = world.open_with(&faults);
        let group = group_of(&catalog, 0..members);
        let begun = faults.count(Operation::Commit);
        faults.fail(operation, EIO);
        let error = group.sync().unwrap_err();
        assert_eq!(error.kind(), FailureKind::Fatal, "{operation:?}: {error}");
        assert!(faults.has_fired());
        assert_eq!(faults.count(Operation::Commit), begun, "nothing is flipped");
        assert!(catalog.state(chunk(0), ArtifactKind::Ledgers).is_err());
        drop(catalog);
        let catalog = world.open();
        assert_eq!(catalog.unfinished().freezing, members as usize);
        let Artifact::<Ledgers>::Debris(debris) = catalog.claim(chunk(0)).unwrap() else {
            panic!("it is still at `freezing`");
        };
        drop(written(debris.rematerialize().unwrap()).freeze().unwrap());
    }
}

/// If the file system as a whole has failed, each file's own descriptor still tells of its own bytes.
#[test]
fn a_failed_file_system_sync_is_traced_to_a_file() {
    let Some(world) = data_synced_whole() else {
        return;
    };
    let failing = Probe::new(|operation, path| {
        let lost = operation == Operation::SyncFile && path.ends_with("00000041.pack");
        if lost || operation == Operation::SyncFileSystem {
            return Err(std::io::Error::from_raw_os_error(EIO));
        }
        Ok(())
    });
    let catalog = world.open_probed(failing);
    let error = group_of(&catalog, 0..100).sync().unwrap_err();
    assert_eq!(error.kind(), FailureKind::Fatal);
    assert!(chain(&error).contains("00000041.pack"), "{}", chain(&error));
    let later = catalog.state(chunk(0), ArtifactKind::Ledgers).unwrap_err();
    assert!(chain(&later).contains("00000041.pack"), "{}", chain(&later));
}

/// A barrier of a round can fail while members are still being added: these are lost with the others.
#[test]
fn a_round_that_fails_ends_the_group() {
    let Some(world) = data_synced_whole() else {
        return;
    };
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    faults.fail(Operation::SyncFileSystem, EIO);
    let mut group = catalog.sync_group();
    let mut begun = catalog.begin_all(chunks(0..400)).unwrap().into_iter();
    let error = begun
        .by_ref()
        .find_map(|freezing| group.add(written(freezing)).err());
    assert_eq!(error.unwrap().kind(), FailureKind::Fatal);
    let next = begun.next().unwrap();
    let error = group.add(next).unwrap_err();
    assert!(
        matches!(&error, SyncError::Refused(refused)
        if matches!(refused.cause(), SyncRefusal::Poisoned(_))),
        "{error}"
    );
    let error = group.sync().unwrap_err();
    let SyncError::Refused(refused) = error else {
        panic!("{error}");
    };
    assert!(refused.into_handle().sync().is_err());
}

/// A group that is dropped leaves what a power cut leaves, and lets go of its claims.
#[test]
fn a_dropped_group_leaves_debris() {
    let world = Data::new();
    let catalog = world.open();
    drop(group_of(&catalog, [1, 2]));
    assert_eq!(states(&catalog, [1, 2]), [Some(ArtifactState::Freezing); 2]);
    freeze_group(&catalog, [1, 2]);
}
