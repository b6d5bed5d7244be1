//! However much it is given, an operation keeps a bounded number of descriptors open.

use std::process::Command;

use frostline::{ArtifactKey, ArtifactKind, ArtifactSet, Catalog, ChunkId, FreezingSet, Prunable};

use crate::child::{child, is_child};
use crate::fixture::{Data, chunk, write_set};

/// A process that may open so many has room for what the catalog itself keeps open, and for little more
/// than one round.
const LIMIT: u32 = 400;

/// One chunk in each, three kinds: if all were open at once, these would be 800 directories.
const BUCKETS: u32 = 200;

fn sets() -> impl Iterator<Item = (ChunkId, ArtifactSet)> {
    (0..BUCKETS).map(|bucket| (chunk(bucket * 1_000), ArtifactSet::ALL))
}

/// Everything of every bucket, frozen or not.
fn batch(catalog: &Catalog) -> Vec<Prunable> {
    let keys = sets().flat_map(|(chunk, _)| {
        let kinds = ArtifactKind::ALL.into_iter();
        kinds.map(move |kind| ArtifactKey { chunk, kind })
    });
    keys.filter_map(|key| catalog.claim_for_pruning(key).unwrap())
        .collect()
}

fn freeze(catalog: &Catalog, begun: Vec<FreezingSet>) {
    let mut group = catalog.sync_group();
    for mut set in begun {
        write_set(&mut set);
        group.add(set).unwrap();
    }
    drop(catalog.commit(group.sync().unwrap()).unwrap());
}

#[test]
fn the_process_with_few_descriptors() {
    if !is_child() {
        return;
    }
    let world = Data::new();
    let catalog = world.open();
    freeze(&catalog, catalog.begin_sets(sets()).unwrap());
    let all = 3 * BUCKETS as usize;
    let swept = catalog.sweep_chunk_artifacts(batch(&catalog)).unwrap();
    assert_eq!(swept.deleted.len(), all);
    // Now the directories are there, which the next one looks through for strays.
    drop(catalog.begin_sets(sets()).unwrap());
    // And here are leftovers, whose removal is finished first.
    freeze(&catalog, catalog.begin_sets(sets()).unwrap());
    assert_eq!(batch(&catalog).len(), all);
}

#[test]
fn descriptors_do_not_grow_with_the_work() {
    let name = "descriptors::the_process_with_few_descriptors";
    let child = child(name);
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -n {LIMIT} && exec \"$0\" \"$@\"")])
        .arg(child.get_program())
        .args(child.get_args())
        .envs(
            child
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}
