//! Groups on real file systems: which of them are synced whole.

use frostline::{ArtifactSet, Catalog, RootRole};

use crate::fixture::{Data, Trace, chunk, write_set};
use crate::mounts::{Mount, is_synced_whole};

/// More than enough to be synced whole, wherever that is known to do.
const SETS: u32 = 40;

/// The barriers for many sets of all kinds: synced files, directories and file systems.
fn barriers(world: &Data) -> [Vec<String>; 3] {
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(world));
    trace.take();
    freeze_sets(&catalog);
    let trace = trace.take();
    ["sync ", "syncdir ", "syncfs "].map(|verb| {
        let paths = trace.iter().filter_map(|line| line.strip_prefix(verb));
        paths.map(str::to_owned).collect()
    })
}

fn freeze_sets(catalog: &Catalog) {
    let sets = (0..SETS).map(|number| (chunk(number), ArtifactSet::ALL));
    let mut group = catalog.sync_group();
    for mut set in catalog.begin_sets(sets).unwrap() {
        write_set(&mut set);
        group.add(set).unwrap();
    }
    drop(catalog.commit(group.sync().unwrap()).unwrap());
}

#[track_caller]
fn assert_each_is_synced(world: &Data) {
    let [files, directories, file_systems] = barriers(world);
    assert_eq!(files.len(), 5 * SETS as usize);
    let last = ["events/00000", "ledgers/00000", "txhash/raw/00000"];
    assert!(
        last.iter()
            .all(|path| directories.iter().any(|synced| synced == path))
    );
    assert_eq!(file_systems, [""; 0]);
}

/// On a file system without the guarantee of `syncfs`, a group of any size syncs each file.
#[test]
fn a_file_system_without_the_guarantee_is_not_synced_whole() {
    let world = Data::new();
    let Some(_mount) = Mount::without_promises(&world.path()) else {
        return;
    };
    assert_each_is_synced(&world);
}

/// A group that needs one of these syncs each file on the others, too.
#[test]
fn one_root_without_the_guarantee_is_enough() {
    let world = Data::new();
    let Some(_mount) = Mount::without_promises(&world.root(RootRole::TxHash)) else {
        return;
    };
    assert_each_is_synced(&world);
}

/// A bucket on a disk of its own is not on the file system that is synced for its root, however good
/// that disk is.
#[test]
fn one_within_a_root_is_not_overlooked() {
    let world = Data::new();
    drop(world.open());
    let Some(_mount) = Mount::small(&world.path().join("ledgers/00000"), 16) else {
        return;
    };
    assert_each_is_synced(&world);
}

/// Roots on several file systems: each of these is synced, and none twice.
#[test]
fn each_is_synced_once() {
    let world = Data::new();
    let Some(_all) = Mount::small(&world.path(), 64) else {
        return;
    };
    let _events = Mount::small(&world.root(RootRole::Events), 16).unwrap();
    if !is_synced_whole(&world.path()) {
        return;
    }
    let [files, mut directories, mut file_systems] = barriers(&world);
    assert_eq!(files.len(), 0);
    file_systems.sort();
    directories.sort();
    assert_eq!(file_systems, ["events", "ledgers"]);
    // Then one directory on each, because `syncfs` alone is not enough.
    assert_eq!(directories, ["events/00000", "ledgers/00000"]);
}
