//! Pure errors, and errors of locking, opening, reading and pinning.

use frostline::error::Failure as _;
use frostline::error::{
    FatalCause, GeometryError, LockError, OpenError, Operation, PinError, ReadError,
};
use frostline::geometry::{Coverage, Watermark};
use frostline::key::LOCK_FILE;
use frostline::{ArtifactKind, Catalog, ChunkId, Events, Key, Ledgers, RootRole, StorageRoots};

use super::{Bench, Texts, seven};
use crate::fixture::{Data, EACCES, EDQUOT, EIO, ENOSPC, EROFS, Faults, ledger};

#[test]
fn pure_errors() {
    let data = Data::new();
    let mut texts = Texts::default();
    let below = frostline::LedgerSeq::new(1).unwrap_err();
    texts.add_leaf("GeometryError::BelowGenesis", &data, &below);
    let range = ChunkId::new(429_496).unwrap_err();
    texts.add_leaf("GeometryError::ChunkOutOfRange", &data, &range);
    let beyond = ledger(u32::MAX).chunk().unwrap_err();
    assert!(matches!(beyond, GeometryError::BeyondLastChunk(_)));
    texts.add_leaf("GeometryError::BeyondLastChunk", &data, &beyond);
    assert_eq!(Watermark::at_ledger(u32::MAX).chunk(), Some(ChunkId::MAX));

    let reversed = Coverage::new(seven(), ChunkId::MIN).unwrap_err();
    texts.add_leaf("GeometryError::ReversedCoverage", &data, &reversed);
    let beyond = Coverage::new(seven(), ChunkId::MAX).unwrap_err();
    texts.add_leaf("GeometryError::CoverageBeyondWindow", &data, &beyond);

    let spelling = Key::parse(b"chunk:+1234567:ledgers").unwrap_err();
    texts.add_leaf("KeyError", &data, &spelling);
    let spelling = Key::parse(b"chunk:\xff\n").unwrap_err();
    texts.add_leaf("KeyError, not even text", &data, &spelling);

    let roots = StorageRoots::under("/data").unwrap();
    let layout = roots.layout();
    let path = "/data/ledgers/00006/00005350.pack";
    let error = layout.key_of(path.as_ref()).unwrap_err();
    texts.add_leaf("LayoutError", &data, &error);

    let error = StorageRoots::under("").unwrap_err();
    texts.add_leaf("RootPathError::Empty, data directory", &data, &error);
    let error = StorageRoots::under("data").unwrap_err();
    texts.add_leaf("RootPathError::Relative, data directory", &data, &error);
    let error = roots.clone().with(RootRole::Hot, "").unwrap_err();
    texts.add_leaf("RootPathError::Empty", &data, &error);
    let error = roots.with(RootRole::Hot, "ssd/hot").unwrap_err();
    texts.add_leaf("RootPathError::Relative", &data, &error);
    texts.check("errors_pure");
}

#[test]
fn lock_errors_between_processes_and_roots() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, data: &Data, result: Result<_, LockError>| {
        let result: Result<frostline::LockedRoots, _> = result;
        let error = result.unwrap_err();
        texts.add(variant, (error.kind(), error.next()), data, &error);
    };

    let data = Data::new();
    let held = data.roots().lock().unwrap();
    add("InUse", &data, data.roots().lock());
    drop(held);
    let lock = data.root(RootRole::Catalog).join(LOCK_FILE);
    std::fs::write(&lock, "").unwrap();
    let lock = std::fs::File::open(lock).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    add("InUse, no name", &data, data.roots().lock());
    drop(lock);

    let with =
        |data: &Data, role, below: &str| data.roots().with(role, data.path().join(below)).unwrap();
    let same = with(&data, RootRole::Events, "../data/ledgers");
    add("SameDirectory", &data, same.lock());
    let nested = with(&data, RootRole::Hot, "txhash/hot");
    add("Nested", &data, nested.lock());

    let data = Data::new();
    std::fs::create_dir(data.path()).unwrap();
    std::fs::write(data.root(RootRole::Events), "").unwrap();
    add("Unusable, a file", &data, data.roots().lock());

    let data = Data::new();
    std::fs::create_dir(data.path()).unwrap();
    std::os::unix::fs::symlink("nowhere", data.root(RootRole::Events)).unwrap();
    add("Unusable, a link to nothing", &data, data.roots().lock());

    let data = Data::new();
    let through = with(&data, RootRole::Hot, "missing/../hot");
    add("Unusable, through what is missing", &data, through.lock());

    let data = Data::new();
    std::fs::create_dir_all(data.root(RootRole::TxHash).join(LOCK_FILE)).unwrap();
    add(
        "Unusable, a directory for a lock file",
        &data,
        data.roots().lock(),
    );

    let data = Data::new();
    std::fs::write(data.path(), "").unwrap();
    add(
        "Unusable, a file for the data directory",
        &data,
        data.roots().lock(),
    );
    texts.check("errors_lock");
}

#[test]
fn lock_errors_of_the_disk() {
    let mut texts = Texts::default();
    let cases = [
        ("OpenDirectory, EACCES", 0, Operation::OpenDirectory, EACCES),
        ("OpenDirectory, EIO", 7, Operation::OpenDirectory, EIO),
        (
            "CreateDirectory, ENOSPC",
            0,
            Operation::CreateDirectory,
            ENOSPC,
        ),
        (
            "CreateDirectory, EDQUOT",
            2,
            Operation::CreateDirectory,
            EDQUOT,
        ),
        (
            "CreateDirectory, EROFS",
            3,
            Operation::CreateDirectory,
            EROFS,
        ),
        ("LockFile, EIO", 0, Operation::LockFile, EIO),
        ("SyncDirectory, EIO", 0, Operation::SyncDirectory, EIO),
    ];
    for (variant, spared, operation, errno) in cases {
        let data = Data::new();
        let faults = Faults::new();
        faults.fail_after(spared, operation, errno);
        let error = data.roots().lock_with_probe(faults.probe()).unwrap_err();
        assert!(faults.seen().contains(&operation));
        assert!(matches!(error, LockError::Unusable { .. }));
        texts.add(
            &format!("Unusable, {variant}"),
            (error.kind(), error.next()),
            &data,
            &error,
        );
        // After any failure, all locks are released.
        drop(data.open());
    }
    texts.check("errors_lock_disk");
}

/// Damages the first record of the newest log. Sound records follow it.
pub fn damage_log(data: &Data) {
    let directory = data.root(RootRole::Catalog);
    let entries = std::fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut logs: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    let log = logs.pop().unwrap();
    let mut bytes = std::fs::read(&log).unwrap();
    // The first byte behind the first record's header.
    bytes[7] ^= 0xff;
    std::fs::write(&log, bytes).unwrap();
}

#[test]
fn open_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, data: &Data, error: OpenError| {
        texts.add(variant, (error.kind(), error.next()), data, &error);
        // A failed open releases the locks.
        drop(data.roots().lock().unwrap());
    };
    let open = |data: &Data| Catalog::open(data.roots().lock().unwrap()).unwrap_err();

    for (variant, operation, errno) in [
        ("Io, List", Operation::List, EIO),
        ("Io, CreateDirectory", Operation::CreateDirectory, ENOSPC),
        ("Io, SyncFile", Operation::SyncFile, EIO),
        ("Io, RenameFile", Operation::RenameFile, ENOSPC),
        ("Io, SyncDirectory", Operation::SyncDirectory, EIO),
        ("Store, CreateStore", Operation::CreateStore, ENOSPC),
        ("Store, OpenStore", Operation::OpenStore, EIO),
        ("Store, OpenStore", Operation::OpenStore, ENOSPC),
        ("Io, ReserveSpace", Operation::ReserveSpace, ENOSPC),
    ] {
        let data = Data::new();
        let faults = Faults::new();
        let locked = data.roots().lock_with_probe(faults.probe()).unwrap();
        faults.fail(operation, errno);
        let error = Catalog::open(locked).unwrap_err();
        assert!(faults.seen().contains(&operation));
        add(variant, &data, error);
        drop(data.open());
    }

    let data = Data::new();
    drop(data.open());
    std::fs::remove_file(data.root(RootRole::Catalog).join("CURRENT")).unwrap();
    let locked = data.roots().start_over().unwrap();
    let error = Catalog::open(locked).unwrap_err();
    add("NotACatalog", &data, error);

    let data = Data::new();
    let catalog = data.open();
    drop(catalog.begin::<Ledgers>(seven()).unwrap());
    drop(catalog.begin::<Events>(seven()).unwrap());
    drop(catalog);
    damage_log(&data);
    add("Damaged", &data, open(&data));

    let data = Data::new();
    drop(data.open());
    std::fs::write(data.root(RootRole::Catalog).join("CURRENT"), "nonsense").unwrap();
    add("Store, CURRENT is no pointer", &data, open(&data));

    let data = Data::new();
    let locked = data.roots().lock().unwrap();
    let root = data.root(RootRole::Catalog);
    std::fs::rename(&root, root.with_extension("moved")).unwrap();
    std::fs::create_dir(&root).unwrap();
    add("Moved", &data, Catalog::open(locked).unwrap_err());
    texts.check("errors_open");
}

#[test]
fn read_errors() {
    let mut texts = Texts::default();
    let bench = Bench::planted(&[
        (b"chunk:00000007:ledgers", b"frozenn"),
        (b"hot:chunk:00000007", b""),
        (b"config:earliest_ledger", b"+5"),
    ]);
    let read = |bench: &Bench| {
        bench
            .catalog()
            .state(seven(), ArtifactKind::Ledgers)
            .unwrap_err()
    };
    texts.add_leaf("Value, artifact", &bench.data, &read(&bench));
    let hot = bench.catalog().hot_state(seven()).unwrap_err();
    texts.add_leaf("Value, hot directory", &bench.data, &hot);
    let pin = bench.catalog().earliest_ledger().unwrap_err();
    texts.add_leaf("Value, pin", &bench.data, &pin);
    bench.poison();
    let error = read(&bench);
    assert!(matches!(error, ReadError::Poisoned(_)));
    texts.add_leaf("Poisoned by a commit", &bench.data, &error);
    assert!(bench.catalog().chunk_artifact_keys().is_err());
    assert!(bench.catalog().ready_hot_chunk_keys().is_err());

    let bench = Bench::new();
    let written = bench.written();
    bench.faults.fail(Operation::SyncFile, EIO);
    drop(written.sync().unwrap_err());
    let error = read(&bench);
    let ReadError::Poisoned(poisoned) = &error else {
        panic!("{error}");
    };
    assert!(matches!(poisoned.cause(), FatalCause::Sync(_)));
    texts.add_leaf("Poisoned by an fsync", &bench.data, &error);
    texts.check("errors_read");
}

#[test]
fn pin_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench, sequence: u32| {
        let pinned = bench.catalog().pin_earliest_ledger(ledger(sequence));
        let error = pinned.unwrap_err();
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
        error
    };
    let bench = Bench::planted(&[(b"config:earliest_ledger", b"genesis")]);
    add("Value", &bench, 2);

    let bench = Bench::new();
    add("NotChunkStart", &bench, 10_001);
    bench.refuse_commit(0);
    add("Commit, Store", &bench, 2);
    assert_eq!(
        bench.catalog().pin_earliest_ledger(ledger(10_002)).unwrap(),
        frostline::PinOutcome::Pinned
    );
    add("Conflict", &bench, 2);

    let bench = Bench::new();
    bench.faults.fail(Operation::Commit, ENOSPC);
    let error = add("Fatal", &bench, 2);
    assert!(matches!(error, PinError::Fatal(_)));
    add("Commit, Poisoned", &bench, 2);
    texts.check("errors_pin");
}
