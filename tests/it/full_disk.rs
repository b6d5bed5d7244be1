//! A real file system that is full: a small one of the test's own, where it may mount one.

use frostline::error::Failure as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};

use frostline::error::FailureKind;
use frostline::error::{OpenError, Operation, SweepError};
use frostline::sim::Probe;
use frostline::{
    ArtifactKey, ArtifactKind, ArtifactState, Catalog, ChunkId, DebrisPolicy, Ledgers, Prunable,
    RootRole, StorageRoots,
};

use crate::fixture::{
    Data, EDQUOT, EIO, ENOSPC, Faults, chain, chunk, freeze, state, tree, verb, written,
};
use crate::mounts::Mount;

/// A sync that fails while the log's space is reserved is not issued again by the next commit.
#[test]
fn a_failed_sync_of_the_ballast_is_fatal() {
    let world = Data::new();
    let is_on = Arc::new(AtomicBool::new(false));
    let syncs = Arc::new(AtomicIsize::new(0));
    let (fails, counted) = (Arc::clone(&is_on), Arc::clone(&syncs));
    let catalog = world.open_probed(Probe::new(move |operation, path| {
        let is_ballast = path.ends_with("frostline.reserve");
        match operation {
            _ if !fails.load(Ordering::Relaxed) => Ok(()),
            Operation::ReserveSpace if !is_ballast => Err(ENOSPC),
            Operation::SyncFile if is_ballast => {
                counted.fetch_add(1, Ordering::Relaxed);
                Err(EIO)
            }
            _ => Ok(()),
        }
        .map_err(std::io::Error::from_raw_os_error)
    }));
    is_on.store(true, Ordering::Relaxed);
    // More than the space that the log has in advance.
    let error = catalog
        .begin_all::<Ledgers>(numbers(0..20_000))
        .unwrap_err();
    assert_eq!(error.kind(), FailureKind::Fatal, "{error}");
    assert!(chain(&error).contains("sync"), "{}", chain(&error));
    let error = catalog
        .begin_all::<Ledgers>(numbers(0..20_000))
        .unwrap_err();
    assert_eq!(error.kind(), FailureKind::Refused, "{error}");
    assert_eq!(syncs.load(Ordering::Relaxed), 1);
}

/// Takes every byte that is left.
fn fill(disk: &Path) {
    let mut ballast = std::fs::File::create(disk.join("ballast")).unwrap();
    for size in [1 << 20, 4096, 1] {
        while ballast.write_all(&vec![0; size]).is_ok() {}
    }
}

fn numbers(range: std::ops::Range<u32>) -> impl Iterator<Item = ChunkId> {
    range.map(chunk)
}

/// Rows 14 and 31: on a full disk a freeze fails and is rewritable, the sweep still frees space, and
/// then the same work succeeds, in the same process and after a restart.
#[test]
fn a_full_disk_can_free_itself() {
    let world = Data::new();
    let disk = world.path();
    let Some(_mounted) = Mount::small(&disk, 16) else {
        return;
    };
    let roots = StorageRoots::under(&disk).unwrap();
    let catalog = Catalog::open(roots.clone().lock().unwrap()).unwrap();
    let old = freeze(&catalog, 1, &vec![1; 1 << 20]);
    fill(&disk);

    let mut freezing = catalog.begin::<Ledgers>(chunk(2)).unwrap();
    let failed = match freezing.file(Ledgers::PACK) {
        Ok(mut file) => file.write_all(&vec![2; 1 << 20]).is_err(),
        Err(_) => true,
    };
    assert!(failed, "the disk is full");
    let error = freezing.sync().unwrap_err();
    assert_ne!(error.kind(), FailureKind::Fatal, "{error}");
    drop(error);
    assert!(catalog.lease::<Ledgers>(chunk(2)).unwrap().is_none());

    let swept = catalog
        .sweep_chunk_artifacts([Prunable::from(old.demote())])
        .unwrap();
    assert_eq!(swept.deleted.len(), 1);
    drop(freeze(&catalog, 2, &vec![2; 1 << 19]));
    drop(catalog);

    let catalog = Catalog::open(roots.lock().unwrap()).unwrap();
    assert_eq!(state(&catalog, 2), Some(ArtifactState::Frozen));
    assert_eq!(state(&catalog, 1), None);
}

/// Rows 14 and 31: also where the disk is full before this process's first commit, with nothing and with
/// something in the log of the process before.
#[test]
fn a_disk_that_is_full_before_the_first_commit_can_free_itself() {
    for starts_between in [0, 1] {
        let world = Data::new();
        let disk = world.path();
        let Some(_mounted) = Mount::small(&disk, 16) else {
            return;
        };
        drop(freeze(&world.open(), 1, &vec![1; 1 << 20]));
        for _ in 0..starts_between {
            drop(world.open());
        }
        let catalog = world.open();
        fill(&disk);
        let key = ArtifactKey {
            chunk: chunk(1),
            kind: ArtifactKind::Ledgers,
        };
        let old = catalog.claim_for_pruning(key).unwrap();
        let swept = catalog.sweep_chunk_artifacts(old);
        let swept = swept.map_err(|error| chain(&error)).unwrap();
        assert_eq!(swept.deleted.len(), 1);
        drop(freeze(&catalog, 2, &vec![2; 1 << 19]));
    }
}

/// A catalog of a few kilobytes does not need megabytes to start.
#[test]
fn a_small_disk_is_large_enough() {
    let world = Data::new();
    let disk = world.path();
    let Some(_mounted) = Mount::small(&disk, 6) else {
        return;
    };
    for number in 1..10 {
        let catalog = world.open();
        drop(freeze(&catalog, number, &[1; 1 << 10]));
    }
}

/// The ballast's file, which holds the space that a start needs.
fn reserve(data: &Data) -> PathBuf {
    data.root(RootRole::Catalog).join("frostline.reserve")
}

/// However full the disk is, a start succeeds, because the catalog holds the space for it.
#[test]
fn a_catalog_on_a_full_disk_can_be_opened() {
    for left in (0..=1_200).step_by(200) {
        let world = Data::new();
        let disk = world.path();
        let Some(_mounted) = Mount::small(&disk, 16) else {
            return;
        };
        drop(freeze(&world.open(), 1, &vec![1; 1 << 20]));
        fill(&disk);
        let ballast = std::fs::File::options()
            .write(true)
            .open(disk.join("ballast"));
        let ballast = ballast.unwrap();
        let size = ballast.metadata().unwrap().len();
        ballast.set_len(size - left * 1024).unwrap();
        // An open file keeps its space when it is removed.
        drop(ballast);
        for _ in 0..3 {
            let catalog = Catalog::open(world.roots().lock().unwrap());
            let catalog = catalog.map_err(|error| chain(&error)).unwrap();
            assert_eq!(state(&catalog, 1), Some(ArtifactState::Frozen));
            drop(catalog);
            fill(&disk);
        }
        std::fs::remove_file(disk.join("ballast")).unwrap();
        assert_eq!(state(&world.open(), 1), Some(ArtifactState::Frozen));
    }
}

/// Without that space a start says how much it needs, and nothing is hurt: with space it succeeds.
#[test]
fn a_start_on_a_full_disk_asks_for_space() {
    let world = Data::new();
    let disk = world.path();
    let Some(_mounted) = Mount::small(&disk, 16) else {
        return;
    };
    drop(freeze(&world.open(), 1, &vec![1; 1 << 20]));
    std::fs::remove_file(reserve(&world)).unwrap();
    fill(&disk);
    for _ in 0..3 {
        let error = Catalog::open(world.roots().lock().unwrap()).unwrap_err();
        let text = chain(&error);
        assert!(matches!(error, OpenError::DiskFull { .. }), "{text}");
        assert!(text.contains("free some space"), "{text}");
        assert!(text.contains("KiB are free"), "{text}");
        assert!(!text.contains("restore"), "{text}");
    }
    std::fs::remove_file(disk.join("ballast")).unwrap();
    assert_eq!(state(&world.open(), 1), Some(ArtifactState::Frozen));
}

fn logs(data: &Data) -> usize {
    let names = tree(&data.root(RootRole::Catalog)).into_keys();
    let is_log = |name: &PathBuf| name.extension().is_some_and(|end| end == "log");
    names.filter(is_log).count()
}

/// A quota does not show in the free space: a start that fails because of it is tried again with the ballast's
/// space, if there is any.
#[test]
fn a_start_that_meets_a_quota_takes_the_ballast() {
    let world = Data::new();
    drop(freeze(&world.open(), 1, b"ledgers"));
    for has_ballast in [true, false] {
        if !has_ballast {
            std::fs::remove_file(reserve(&world)).unwrap();
        }
        let faults = Faults::new();
        faults.fail(Operation::ReserveSpace, EDQUOT);
        let roots = world.roots().lock_with_probe(faults.probe());
        match Catalog::open(roots.unwrap()) {
            Ok(catalog) => {
                assert!(has_ballast);
                assert_eq!(state(&catalog, 1), Some(ArtifactState::Frozen));
            }
            Err(error) => {
                assert!(!has_ballast, "{}", chain(&error));
                assert!(
                    matches!(error, OpenError::DiskFull { .. }),
                    "{}",
                    chain(&error)
                );
            }
        }
        assert!(faults.has_fired());
    }
}

/// Each start on a full disk begins a log. They do not add up.
#[test]
fn starts_on_a_full_disk_leave_no_logs_behind() {
    let world = Data::new();
    let disk = world.path();
    let Some(_mounted) = Mount::small(&disk, 16) else {
        return;
    };
    drop(freeze(&world.open(), 1, &vec![1; 1 << 20]));
    for with_reserve in [true, false] {
        if !with_reserve {
            std::fs::remove_file(reserve(&world)).unwrap();
        }
        for restart in 0..25 {
            fill(&disk);
            let opened = Catalog::open(world.roots().lock().unwrap());
            assert!(opened.is_ok() || !with_reserve);
            drop(opened);
            assert!(logs(&world) <= 3, "{} at restart {restart}", logs(&world));
        }
    }
    std::fs::remove_file(disk.join("ballast")).unwrap();
    assert_eq!(state(&world.open(), 1), Some(ArtifactState::Frozen));
}

/// The same for starts that end between RocksDB's beginning of a log and the flush of the old one.
#[test]
fn starts_that_end_early_leave_no_logs_behind() {
    let world = Data::new();
    drop(freeze(&world.open(), 1, b"ledgers"));
    for restart in 0..12 {
        let has_begun = AtomicBool::new(false);
        let ends_early = Probe::new(move |operation, path| {
            if operation == Operation::OpenStore {
                has_begun.store(true, Ordering::SeqCst);
            } else if has_begun.load(Ordering::SeqCst) {
                assert!(
                    path.ends_with("rocksdb"),
                    "{operation:?}, {}",
                    path.display()
                );
                return Err(std::io::Error::from_raw_os_error(EIO));
            }
            Ok(())
        });
        let roots = world.roots().lock_with_probe(ends_early);
        drop(Catalog::open(roots.unwrap()).unwrap_err());
        assert!(logs(&world) <= 3, "{} at restart {restart}", logs(&world));
    }
    assert_eq!(state(&world.open(), 1), Some(ArtifactState::Frozen));
}

/// A large sweep, beginning near the end of a log, on a disk that is full: its commits have their space
/// before the first one, or it is refused before anything was demoted.
#[test]
fn a_large_sweep_on_a_full_disk_finds_its_space() {
    let world = Data::new();
    let disk = world.path();
    let Some(_mounted) = Mount::small(&disk, 64) else {
        return;
    };
    let catalog = world.open();
    // Some 2 MiB of the log.
    for batch in 1..3 {
        let chunks = numbers(batch * 10_000..(batch + 1) * 10_000);
        drop(catalog.begin_all::<Ledgers>(chunks).unwrap());
    }
    let mut group = catalog.sync_group();
    for number in 0..6_000 {
        group
            .add(written(catalog.begin(chunk(number)).unwrap()))
            .unwrap();
    }
    let frozen = catalog.commit(group.sync().unwrap()).unwrap();
    fill(&disk);
    let batch = frozen
        .into_iter()
        .map(|frozen| Prunable::from(frozen.demote()));
    let swept = catalog.sweep_chunk_artifacts(batch);
    let swept = swept.map_err(|error| chain(&error)).unwrap();
    assert_eq!(swept.deleted.len(), 6_000);
    // The disk is full again, and the next one sweeps what is left.
    fill(&disk);
    drop(catalog);
    let catalog = world.open();
    assert_eq!(catalog.chunk_artifact_keys().unwrap().count(), 20_000);
    let recovered = catalog.recover(DebrisPolicy::Remove);
    drop(recovered.map_err(|error| chain(&error)).unwrap());
    assert_eq!(catalog.chunk_artifact_keys().unwrap().count(), 0);
}

/// Both commits of a sweep have their space before the first one: otherwise nothing is demoted. The disk is
/// full whenever space is asked for, also the space that the sweep itself has freed.
#[test]
fn a_sweep_without_space_for_both_commits_is_refused_at_once() {
    let world = Data::new();
    let disk = world.path();
    let Some(_mounted) = Mount::small(&disk, 64) else {
        return;
    };
    let is_filled = Arc::new(AtomicBool::new(false));
    let (fills, full) = (Arc::clone(&is_filled), disk.clone());
    let catalog = world.open_probed(Probe::new(move |operation, _| {
        if operation == Operation::ReserveSpace && fills.load(Ordering::SeqCst) {
            fill(&full);
        }
        Ok(())
    }));
    let mut group = catalog.sync_group();
    for freezing in catalog.begin_all(numbers(0..6_000)).unwrap() {
        group.add(written(freezing)).unwrap();
    }
    let mut frozen = catalog.commit(group.sync().unwrap()).unwrap();
    // The log keeps the space that it has, and gets no more.
    std::fs::remove_file(reserve(&world)).unwrap();
    is_filled.store(true, Ordering::SeqCst);
    let (mut size, mut refused) = (400, 0);
    while size > 0 {
        let batch = frozen.split_off(frozen.len().checked_sub(size).expect("more artifacts"));
        let keys: Vec<_> = batch.iter().map(frostline::Frozen::chunk).collect();
        let batch = batch.into_iter().map(frostline::Frozen::demote);
        match catalog.sweep_chunk_artifacts(batch) {
            Ok(swept) => assert_eq!(swept.deleted.len(), size),
            Err(error) => {
                assert!(matches!(error, SweepError::Refused(_)), "{}", chain(&error));
                for chunk in keys {
                    let state = catalog.state(chunk, ArtifactKind::Ledgers).unwrap();
                    assert_eq!(state, Some(ArtifactState::Frozen));
                    assert!(world.pack(chunk.get()).exists());
                }
                refused += 1;
                size /= 2;
            }
        }
    }
    assert!(refused > 5, "{refused}");
}

/// Fills the disk before the operation that the countdown ends at; reads do not count.
fn filler(countdown: &Arc<AtomicIsize>, disk: &Path) -> Probe {
    let (countdown, disk) = (Arc::clone(countdown), disk.to_path_buf());
    Probe::new(move |operation, _| {
        if verb(operation).is_some() && countdown.fetch_sub(1, Ordering::SeqCst) == 0 {
            fill(&disk);
        }
        Ok(())
    })
}

static LEDGERS: [u8; 300_000] = [2; 300_000];

fn try_freeze(catalog: &Catalog, number: u32) -> Result<(), FailureKind> {
    let begun = catalog.begin::<Ledgers>(chunk(number));
    let mut freezing = begun.map_err(|error| error.kind())?;
    let mut file = freezing.file(Ledgers::PACK).map_err(|error| error.kind())?;
    file.write_all(&LEDGERS)
        .map_err(|_| FailureKind::Retryable)?;
    let frozen = freezing.freeze().map_err(|error| error.kind())?;
    drop(frozen);
    Ok(())
}

/// Rows 14 and 31, for a disk that fills up at any step of a freeze: the sweep frees space in the same
/// process, and the same work succeeds; so does a start on the full disk.
#[test]
fn a_disk_that_fills_up_at_any_step_can_free_itself() {
    let mut failures = 0;
    for nth in 0.. {
        let world = Data::new();
        let disk = world.path();
        let Some(_mounted) = Mount::small(&disk, 16) else {
            return;
        };
        let countdown = Arc::new(AtomicIsize::new(isize::MAX));
        let catalog = world.open_probed(filler(&countdown, &disk));
        let old = freeze(&catalog, 1, &vec![1; 1 << 20]);

        countdown.store(nth, Ordering::SeqCst);
        let outcome = try_freeze(&catalog, 2);
        if countdown.load(Ordering::SeqCst) >= 0 {
            assert!(nth > 5, "a freeze is more than {nth} operations");
            break;
        }
        assert_ne!(outcome, Err(FailureKind::Fatal), "filled before step {nth}");
        failures += usize::from(outcome.is_err());
        let swept = catalog.sweep_chunk_artifacts([old.demote()]).unwrap();
        assert_eq!(swept.deleted.len(), 1, "filled before step {nth}");
        let number = if outcome.is_ok() { 3 } else { 2 };
        assert_eq!(try_freeze(&catalog, number), Ok(()));
        drop(catalog);

        fill(&disk);
        drop(world.open());
        std::fs::remove_file(disk.join("ballast")).unwrap();
        let catalog = world.open();
        assert_eq!(state(&catalog, number), Some(ArtifactState::Frozen));
        assert_eq!(std::fs::read(world.pack(number)).unwrap(), LEDGERS);
        assert_eq!(try_freeze(&catalog, 4), Ok(()));
    }
    assert!(failures > 0, "a freeze never needed space");
}
