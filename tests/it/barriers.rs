//! The order of operations: nothing is relied upon before it is durable.

use std::io::Write as _;

use frostline::{ArtifactSet, Events, Ledgers, TxHash};

use crate::fixture::{Data, Trace, chunk, freeze};

/// Where a line stands in a trace, which must have it exactly once from `after` on.
#[track_caller]
fn position(trace: &[String], line: &str) -> usize {
    let found: Vec<_> = (0..trace.len()).filter(|at| trace[*at] == line).collect();
    assert!(!found.is_empty(), "no `{line}` in {trace:#?}");
    found[0]
}

/// Row 1: the first chunk of a bucket need not be its lowest. Any first chunk makes the bucket durable.
#[test]
fn freezing_syncs_file_directory_and_every_new_parent_before_the_flip() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    drop(freeze(&catalog, 5_350, b"ledgers"));
    assert_eq!(
        trace.take(),
        [
            "commit catalog/rocksdb",
            "mkdir ledgers/00005",
            "create ledgers/00005/00005350.pack",
            "write ledgers/00005/00005350.pack",
            "sync ledgers/00005/00005350.pack",
            "syncdir ledgers/00005",
            "syncdir ledgers",
            "commit catalog/rocksdb",
        ]
    );
    // The bucket is durable now; a second chunk pays for its own directory only.
    drop(freeze(&catalog, 5_000, b"ledgers"));
    assert_eq!(
        trace.take(),
        [
            "commit catalog/rocksdb",
            "create ledgers/00005/00005000.pack",
            "write ledgers/00005/00005000.pack",
            "sync ledgers/00005/00005000.pack",
            "syncdir ledgers/00005",
            "commit catalog/rocksdb",
        ]
    );
}

/// Row 2: a directory that another process left is not thereby durable.
#[test]
fn a_bucket_that_exists_is_synced_again_after_a_restart() {
    let world = Data::new();
    drop(freeze(&world.open(), 1, b"one"));
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    drop(freeze(&catalog, 2, b"two"));
    let trace = trace.take();
    assert!(!trace.iter().any(|line| line.starts_with("mkdir")));
    let parent = position(&trace, "syncdir ledgers");
    assert!(parent < trace.len() - 1, "before the flip: {trace:#?}");
}

/// Row 2, below a subdirectory: `raw` and the bucket are two entries, each in its own parent.
#[test]
fn every_directory_between_root_and_file_is_synced() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    let mut freezing = catalog.begin::<TxHash>(chunk(7)).unwrap();
    freezing
        .file(TxHash::BIN)
        .unwrap()
        .write_all(b"hash")
        .unwrap();
    drop(freezing.freeze().unwrap());
    let trace = trace.take();
    let ordered = [
        "sync txhash/raw/00000/00000007.bin",
        "syncdir txhash/raw/00000",
        "syncdir txhash/raw",
        "syncdir txhash",
    ];
    let positions = ordered.map(|line| position(&trace, line));
    assert!(positions.is_sorted(), "{trace:#?}");
    assert_eq!(trace.last().unwrap(), "commit catalog/rocksdb");
}

/// Row 3: the way to a fresh root is durable before the store is opened, on the second start too.
#[test]
fn every_entry_on_the_way_to_the_roots_is_durable_before_anything_is_opened() {
    let world = Data::new();
    for start in ["first", "second"] {
        let trace = Trace::default();
        drop(world.open_probed(trace.probe(&world)));
        let trace = trace.take();
        // The data directory's own entry, then those of the roots and of the catalog's parent.
        let parent = format!("syncdir {}", world.path().parent().unwrap().display());
        for line in [parent.as_str(), "syncdir", "syncdir catalog"] {
            let open = position(&trace, "open-store catalog/rocksdb");
            assert!(
                position(&trace, line) < open,
                "`{line}` at the {start} start: {trace:#?}"
            );
        }
    }
}

#[test]
fn a_set_is_marked_and_flipped_in_one_batch_each() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    let mut set = catalog.begin_set(chunk(3), ArtifactSet::ALL).unwrap();
    set.ledgers
        .as_mut()
        .unwrap()
        .file(Ledgers::PACK)
        .unwrap()
        .write_all(b"l")
        .unwrap();
    for file in [Events::EVENTS, Events::INDEX, Events::HASH] {
        let events = set.events.as_mut().unwrap();
        events.file(file).unwrap().write_all(b"e").unwrap();
    }
    set.txhash
        .as_mut()
        .unwrap()
        .file(TxHash::BIN)
        .unwrap()
        .write_all(b"t")
        .unwrap();
    let frozen = catalog.commit(set.sync().unwrap()).unwrap();
    let trace = trace.take();
    let commits: Vec<_> = (0..trace.len())
        .filter(|at| trace[*at] == "commit catalog/rocksdb")
        .collect();
    assert_eq!(commits, [0, trace.len() - 1], "{trace:#?}");
    let syncs = trace
        .iter()
        .filter(|line| line.starts_with("sync "))
        .count();
    assert_eq!(syncs, 5);
    drop(frozen);
}

#[test]
fn a_hot_directory_and_its_entry_are_durable_before_it_is_ready() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    let ready = catalog.create_hot(chunk(9)).unwrap().ready().unwrap();
    assert_eq!(
        trace.take(),
        [
            "commit catalog/rocksdb",
            "mkdir hot/00000009",
            "syncdir hot/00000009",
            "syncdir hot",
            "commit catalog/rocksdb",
        ]
    );
    ready.discard().unwrap().remove().unwrap();
    assert_eq!(
        trace.take(),
        [
            "commit catalog/rocksdb",
            "rmdir hot/00000009",
            "syncdir hot",
            "commit catalog/rocksdb",
        ]
    );
}

#[test]
fn abandoning_removes_the_files_durably_before_the_key() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    let mut freezing = catalog.begin::<Ledgers>(chunk(4)).unwrap();
    freezing
        .file(Ledgers::PACK)
        .unwrap()
        .write_all(b"half")
        .unwrap();
    trace.take();
    freezing.abandon().unwrap();
    assert_eq!(
        trace.take(),
        [
            "unlink ledgers/00000/00000004.pack",
            "syncdir ledgers/00000",
            "commit catalog/rocksdb",
        ]
    );
}
