//! The index family: building, promoting, reading and removing indexes.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use frostline::error::{
    BeginError, BeginRefusal, Failure as _, NextStep, ReadError, StepError, SyncRefusal,
};
use frostline::index::{Coverage, IndexBuild, IndexKey, IndexLease, Promoted, Promotion};
use frostline::{
    Artifact, ArtifactKind, ArtifactState, Catalog, DebrisPolicy, Key, Prunable, TxHash,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::fixture::{Data, EIO, Faults, chunk};
use frostline::error::Operation;

assert_impl_all!(IndexBuild: Send, Sync);
assert_impl_all!(IndexLease: Clone, Send, Sync);
assert_not_impl_any!(IndexBuild: Clone);
assert_not_impl_any!(Promotion: Clone);

fn coverage(lo: u32, hi: u32) -> Coverage {
    Coverage::new(chunk(lo), chunk(hi)).unwrap()
}

fn key(lo: u32, hi: u32) -> IndexKey {
    IndexKey {
        coverage: coverage(lo, hi),
    }
}

fn freeze_inputs(catalog: &Catalog, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        let mut freezing = catalog.begin::<TxHash>(chunk(number)).unwrap();
        freezing
            .file(TxHash::BIN)
            .unwrap()
            .write_all(b"hash")
            .unwrap();
        drop(freezing.freeze().unwrap());
    }
}

fn written(mut build: IndexBuild, bytes: &[u8]) -> IndexBuild {
    build.file().unwrap().write_all(bytes).unwrap();
    build
}

fn promote(catalog: &Catalog, lo: u32, hi: u32) -> Promoted {
    let build = written(catalog.begin_index(coverage(lo, hi)).unwrap(), b"index");
    catalog.commit(build.sync().unwrap()).unwrap()
}

fn state(catalog: &Catalog, lo: u32, hi: u32) -> Option<ArtifactState> {
    catalog.get(key(lo, hi)).unwrap()
}

fn txhash(catalog: &Catalog, number: u32) -> Option<ArtifactState> {
    catalog.state(chunk(number), ArtifactKind::TxHash).unwrap()
}

fn refusal<H: std::fmt::Debug, R: std::fmt::Debug>(error: StepError<H, R>) -> (H, R) {
    match error {
        StepError::Refused(refused) => refused.into_parts(),
        failed @ StepError::Failed(_) => panic!("{failed:?}"),
    }
}

fn begin_refusal(error: BeginError) -> BeginRefusal {
    refusal(error).1
}

fn covering(catalog: &Catalog, number: u32) -> Option<IndexKey> {
    let lease = catalog.index_of(chunk(number)).unwrap();
    lease.map(|lease| lease.key())
}

#[test]
fn an_index_is_read_once_it_is_promoted() {
    let world = Data::new();
    let catalog = world.open();
    freeze_inputs(&catalog, 5..=7);
    let mut build = catalog.begin_index(coverage(5, 7)).unwrap();
    assert_eq!(state(&catalog, 5, 7), Some(ArtifactState::Freezing));
    let inputs: Vec<_> = build.inputs().map(|input| input.chunk().get()).collect();
    assert_eq!(inputs, [5, 6, 7]);
    let writer = build.writer().unwrap();
    writer.reserve(4096).unwrap();
    writer.write_all_at(b"block", 8).unwrap();
    writer.write_all_at(b"header", 0).unwrap();
    let (build, refused) = refusal(build.sync().unwrap_err());
    assert!(
        matches!(refused, SyncRefusal::WriterOut { .. }),
        "{refused:?}"
    );
    drop(writer);
    assert_eq!(covering(&catalog, 6), None);
    let promotion = build.sync().unwrap();
    assert_eq!(promotion.predecessor(), None);
    assert_eq!(covering(&catalog, 6), None);
    let promoted = catalog.commit(promotion).unwrap();
    assert!(promoted.predecessor.is_none() && promoted.inputs.is_empty());
    assert_eq!(promoted.index.open().unwrap().size().unwrap(), 13);
    assert!(
        promoted
            .index
            .path()
            .ends_with("txhash/index/00000000/00000005-00000007.idx")
    );
    for (number, covered) in [(4, false), (5, true), (7, true), (8, false), (1005, false)] {
        let expected = covered.then(|| key(5, 7));
        assert_eq!(covering(&catalog, number), expected, "{number}");
    }
    // A second process finds it.
    drop((promoted, catalog));
    assert_eq!(covering(&world.open(), 7), Some(key(5, 7)));
}

#[test]
fn a_promotion_replaces_the_index_of_its_window_only() {
    let world = Data::new();
    let catalog = world.open();
    freeze_inputs(&catalog, 0..=3);
    freeze_inputs(&catalog, 1000..=1000);
    drop(promote(&catalog, 1000, 1000));
    drop(promote(&catalog, 0, 1));
    let reader = catalog.index_of(chunk(1)).unwrap().unwrap();
    let promoted = promote(&catalog, 0, 3);
    let predecessor = promoted.predecessor.unwrap();
    assert_eq!(predecessor.key(), key(0, 1));
    assert_eq!(predecessor.state(), ArtifactState::Pruning);
    assert_eq!(state(&catalog, 0, 1), Some(ArtifactState::Pruning));
    assert_eq!(covering(&catalog, 1), Some(key(0, 3)));
    assert_eq!(covering(&catalog, 1000), Some(key(1000, 1000)));

    // The old file stays for its reader.
    let swept = catalog.sweep_chunk_artifacts([predecessor]).unwrap();
    assert_eq!(swept.leased.len(), 1);
    assert_eq!(reader.open().unwrap().size().unwrap(), 5);
    drop(reader);
    let swept = catalog.sweep_chunk_artifacts(swept.leased).unwrap();
    assert_eq!(swept.deleted, [Key::from(key(0, 1))]);
    assert_eq!(state(&catalog, 0, 1), None);
    assert_eq!(promoted.index.open().unwrap().size().unwrap(), 5);
    for number in 0..=3 {
        assert_eq!(txhash(&catalog, number), Some(ArtifactState::Frozen));
    }
}

#[test]
fn a_terminal_promotion_demotes_the_inputs_that_it_covers() {
    let world = Data::new();
    let catalog = world.open();
    freeze_inputs(&catalog, 997..=999);
    freeze_inputs(&catalog, 1000..=1000);
    let promoted = promote(&catalog, 998, 999);
    let inputs = promoted.inputs.iter().map(|input| input.chunk().get());
    assert_eq!(inputs.collect::<Vec<_>>(), [998, 999]);
    for (number, expected) in [
        (997, ArtifactState::Frozen),
        (998, ArtifactState::Pruning),
        (999, ArtifactState::Pruning),
        (1000, ArtifactState::Frozen),
    ] {
        assert_eq!(txhash(&catalog, number), Some(expected), "{number}");
    }
    let swept = catalog.sweep_chunk_artifacts(promoted.inputs).unwrap();
    assert_eq!(swept.deleted.len(), 2);
    assert_eq!(covering(&catalog, 999), Some(key(998, 999)));
    assert_eq!(covering(&catalog, 997), None);
}

#[test]
fn a_build_that_cannot_be_begun_marks_nothing() {
    let world = Data::new();
    let catalog = world.open();
    freeze_inputs(&catalog, 0..=5);
    let begin = |lo, hi| catalog.begin_index(coverage(lo, hi)).unwrap_err();
    let refused = begin_refusal(begin(0, 6));
    assert!(
        matches!(refused, BeginRefusal::InputMissing { input, .. } if input.chunk == chunk(6)),
        "{refused:?}"
    );
    assert_eq!(refused.next(), NextStep::Later);
    assert_eq!(state(&catalog, 0, 6), None);

    drop(promote(&catalog, 0, 4));
    let refused = begin_refusal(begin(0, 4));
    assert!(
        matches!(refused, BeginRefusal::AlreadyFrozen { .. }),
        "{refused:?}"
    );
    for (lo, hi, lost, next) in [
        (0, 3, 4, NextStep::Nothing),
        (1, 4, 0, NextStep::Nothing),
        (1, 5, 0, NextStep::Later),
    ] {
        let refused = begin_refusal(begin(lo, hi));
        assert!(
            matches!(refused, BeginRefusal::Narrower { by, chunk: found, .. }
                if by == key(0, 4) && found == chunk(lost)),
            "{refused:?}"
        );
        assert_eq!(refused.next(), next);
        assert_eq!(state(&catalog, lo, hi), None);
    }
    // Chunk 0 cannot be read any more, so the index loses nothing without it.
    let Artifact::Frozen(frozen) = catalog.claim::<TxHash>(chunk(0)).unwrap() else {
        panic!("it was frozen");
    };
    let swept = catalog.sweep_chunk_artifacts([frozen.demote()]).unwrap();
    assert_eq!(swept.deleted.len(), 1);
    assert_eq!(
        promote(&catalog, 1, 5).predecessor.unwrap().key(),
        key(0, 4)
    );
}

#[test]
fn a_window_has_one_build_at_a_time() {
    let world = Data::new();
    let catalog = world.open();
    freeze_inputs(&catalog, 0..=2);
    freeze_inputs(&catalog, 1000..=1000);
    let build = catalog.begin_index(coverage(0, 1)).unwrap();
    for (lo, hi) in [(0, 1), (0, 2)] {
        let refused = begin_refusal(catalog.begin_index(coverage(lo, hi)).unwrap_err());
        let BeginRefusal::Claimed(claimed) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(claimed.key, key(0, 1));
    }
    let other = catalog.begin_index(coverage(1000, 1000)).unwrap();
    drop(other);
    // From the begin to the commit.
    let promotion = written(build, b"index").sync().unwrap();
    assert!(catalog.begin_index(coverage(0, 2)).is_err());
    let promoted = catalog.commit(promotion).unwrap();
    assert!(catalog.begin_index(coverage(0, 2)).is_ok());
    drop(promoted);
}

#[test]
fn a_promotion_is_refused_while_another_handle_owns_a_key_that_it_demotes() {
    let world = Data::new();
    let catalog = world.open();
    freeze_inputs(&catalog, 997..=999);
    drop(promote(&catalog, 997, 998));
    let build = written(catalog.begin_index(coverage(997, 999)).unwrap(), b"index");

    let owner = catalog.claim_for_pruning(key(997, 998)).unwrap();
    let (build, refused) = refusal(build.sync().unwrap_err());
    assert!(matches!(refused, SyncRefusal::Claimed(claimed) if claimed.key == key(997, 998)));
    drop(owner);
    let owner = catalog.claim::<TxHash>(chunk(998)).unwrap();
    let (build, refused) = refusal(build.sync().unwrap_err());
    assert!(matches!(refused, SyncRefusal::Claimed(claimed) if claimed.key == TxHash::key_of(998)));
    drop(owner);

    // An input that its owner prunes already is not in the way.
    let Artifact::Frozen(frozen) = catalog.claim::<TxHash>(chunk(997)).unwrap() else {
        panic!("it was frozen");
    };
    let pruning = catalog.commit(frozen.demote()).unwrap();
    let promotion = build.sync().unwrap();
    assert_eq!(promotion.predecessor(), Some(key(997, 998)));
    let promoted = catalog.commit(promotion).unwrap();
    let inputs = promoted.inputs.iter().map(|input| input.chunk().get());
    assert_eq!(inputs.collect::<Vec<_>>(), [998, 999]);
    assert!(
        pruning.unlink().is_ok(),
        "the leases of the build have ended"
    );
}

trait KeyOf {
    fn key_of(number: u32) -> Key;
}

impl KeyOf for TxHash {
    fn key_of(number: u32) -> Key {
        <Self as frostline::Kind>::key(chunk(number)).into()
    }
}

#[test]
fn the_inputs_stay_while_the_index_is_built() {
    let world = Data::new();
    let catalog = world.open();
    freeze_inputs(&catalog, 0..=1);
    let build = catalog.begin_index(coverage(0, 1)).unwrap();
    let Artifact::Frozen(frozen) = catalog.claim::<TxHash>(chunk(1)).unwrap() else {
        panic!("it was frozen");
    };
    let swept = catalog.sweep_chunk_artifacts([frozen.demote()]).unwrap();
    assert_eq!(swept.leased.len(), 1);
    for input in build.inputs() {
        assert_eq!(input.open(TxHash::BIN).unwrap().size().unwrap(), 4);
    }
    drop(build);
    let swept = catalog.sweep_chunk_artifacts(swept.leased).unwrap();
    assert_eq!(swept.deleted.len(), 1);
}

#[test]
fn an_index_without_entries_is_legal_and_one_without_a_file_is_not() {
    let world = Data::new();
    let catalog = world.open();
    freeze_inputs(&catalog, 0..=0);
    let build = catalog.begin_index(coverage(0, 0)).unwrap();
    let (mut build, refused) = refusal(build.sync().unwrap_err());
    assert!(
        matches!(refused, SyncRefusal::NotCreated { .. }),
        "{refused:?}"
    );
    build.file().unwrap().flush().unwrap();
    let promoted = catalog.commit(build.sync().unwrap()).unwrap();
    assert_eq!(promoted.index.open().unwrap().size().unwrap(), 0);
}

#[test]
fn a_view_answers_with_the_index_of_its_instant() {
    let world = Data::new();
    let catalog = world.open();
    freeze_inputs(&catalog, 0..=1);
    drop(promote(&catalog, 0, 0));
    let view = catalog.view().unwrap();
    let promoted = promote(&catalog, 0, 1);
    assert_eq!(covering(&catalog, 0), Some(key(0, 1)));
    let predecessor = promoted.predecessor.unwrap();
    let swept = catalog.sweep_chunk_artifacts([predecessor]).unwrap();
    assert_eq!(swept.leased.len(), 1, "the view holds the file");
    let lease = view.index_of(chunk(0)).unwrap().unwrap();
    assert_eq!(lease.key(), key(0, 0));
    assert!(view.index_of(chunk(1)).unwrap().is_none());
    drop(view);
    let swept = catalog.sweep_chunk_artifacts(swept.leased).unwrap();
    assert_eq!(swept.leased.len(), 1, "the lease outlives the view");
    assert_eq!(lease.open().unwrap().size().unwrap(), 5);
    drop(lease);
    let swept = catalog.sweep_chunk_artifacts(swept.leased).unwrap();
    assert_eq!(swept.deleted.len(), 1);
}

#[test]
fn the_last_sweep_of_a_window_removes_its_directory() {
    let world = Data::new();
    let catalog = world.open();
    let window = world.path().join("txhash/index/00000000");
    freeze_inputs(&catalog, 0..=1);
    drop(promote(&catalog, 0, 0));
    let promoted = promote(&catalog, 0, 1);
    let swept = catalog
        .sweep_chunk_artifacts([promoted.predecessor.unwrap()])
        .unwrap();
    assert_eq!(swept.deleted.len(), 1);
    assert!(window.is_dir(), "the new index is in it");
    drop(promoted.index);

    let last: Vec<Prunable> = catalog
        .claim_for_pruning(key(0, 1))
        .unwrap()
        .into_iter()
        .collect();
    let swept = catalog.sweep_chunk_artifacts(last).unwrap();
    assert_eq!(swept.deleted.len(), 1);
    assert!(!window.exists());
    assert!(window.parent().unwrap().is_dir());
    // The window can be built again in the same process.
    assert_eq!(
        promote(&catalog, 0, 1)
            .index
            .open()
            .unwrap()
            .size()
            .unwrap(),
        5
    );
}

#[test]
fn a_sweep_leaves_the_directory_of_a_window_to_its_builder() {
    let world = Data::new();
    let catalog = world.open();
    let window = world.path().join("txhash/index/00000000");
    freeze_inputs(&catalog, 0..=1);
    drop(promote(&catalog, 0, 0));
    let build = catalog.begin_index(coverage(0, 1)).unwrap();
    let old: Vec<_> = catalog
        .claim_for_pruning(key(0, 0))
        .unwrap()
        .into_iter()
        .collect();
    let swept = catalog.sweep_chunk_artifacts(old).unwrap();
    assert_eq!(swept.deleted.len(), 1);
    assert!(window.is_dir());
    let promoted = catalog
        .commit(written(build, b"index").sync().unwrap())
        .unwrap();
    assert!(promoted.predecessor.is_none());
    assert_eq!(promoted.index.open().unwrap().size().unwrap(), 5);

    // A build that is given up leaves the directory to the sweep of its own key.
    freeze_inputs(&catalog, 1000..=1000);
    let build = written(catalog.begin_index(coverage(1000, 1000)).unwrap(), b"part");
    let window = world.path().join("txhash/index/00000001");
    assert!(window.is_dir());
    let swept = catalog.sweep_chunk_artifacts([build.give_up()]).unwrap();
    assert_eq!(swept.deleted.len(), 1);
    assert!(!window.exists());
}

#[test]
fn another_directory_in_the_place_of_a_window_stays() {
    let world = Data::new();
    let catalog = world.open();
    let window = world.path().join("txhash/index/00000000");
    freeze_inputs(&catalog, 0..=0);
    drop(promote(&catalog, 0, 0));
    // Something else is in the directory.
    std::fs::write(window.join("notes"), b"mine").unwrap();
    let last: Vec<_> = catalog
        .claim_for_pruning(key(0, 0))
        .unwrap()
        .into_iter()
        .collect();
    let swept = catalog.sweep_chunk_artifacts(last).unwrap();
    assert_eq!(swept.deleted.len(), 1);
    assert!(window.join("notes").is_file());
    assert_eq!(state(&catalog, 0, 0), None);
}

#[test]
fn recovery_finishes_indexes() {
    let world = Data::new();
    let catalog = world.open();
    freeze_inputs(&catalog, 0..=2);
    freeze_inputs(&catalog, 1000..=1000);
    drop(promote(&catalog, 0, 1));
    drop(promote(&catalog, 0, 2));
    drop(written(
        catalog.begin_index(coverage(1000, 1000)).unwrap(),
        b"part",
    ));
    let unfinished = catalog.unfinished();
    assert_eq!((unfinished.freezing, unfinished.pruning), (1, 1));
    drop(catalog);

    let catalog = world.open();
    assert_eq!(catalog.unfinished(), unfinished);
    let keys: Vec<_> = catalog.index_keys().unwrap().map(Result::unwrap).collect();
    assert_eq!(
        keys,
        [
            (key(0, 1), ArtifactState::Pruning),
            (key(0, 2), ArtifactState::Frozen),
            (key(1000, 1000), ArtifactState::Freezing),
        ]
    );
    let recovered = catalog.recover(DebrisPolicy::Report).unwrap();
    assert_eq!(recovered.pruned, [Key::from(key(0, 1))]);
    assert_eq!(recovered.reported, [Key::from(key(1000, 1000))]);
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert_eq!(recovered.removed, [Key::from(key(1000, 1000))]);
    assert!(catalog.unfinished().is_nothing());
    assert!(!world.path().join("txhash/index/00000001").exists());
    assert_eq!(covering(&catalog, 2), Some(key(0, 2)));
}

#[test]
fn leftovers_are_built_again_in_a_new_file() {
    let world = Data::new();
    let catalog = world.open();
    freeze_inputs(&catalog, 0..=0);
    let mut build = catalog.begin_index(coverage(0, 0)).unwrap();
    let late = build.writer().unwrap();
    late.write_all_at(b"a longer earlier attempt", 0).unwrap();
    drop(build);
    let promoted = promote(&catalog, 0, 0);
    late.write_all_at(b"late", 0).unwrap();
    let mut bytes = [0; 5];
    promoted
        .index
        .open()
        .unwrap()
        .read_exact_at(&mut bytes, 0)
        .unwrap();
    assert_eq!(&bytes, b"index");
}

#[test]
fn two_frozen_indexes_of_a_window_are_an_error_and_a_finding() {
    let world = Data::new();
    let catalog = world.open();
    freeze_inputs(&catalog, 0..=2);
    drop(promote(&catalog, 0, 2));
    let second = key(0, 1).to_string();
    catalog
        .write_raw_for_test(second.as_bytes(), Some(b"frozen"))
        .unwrap();
    let view = catalog.view().unwrap();
    for error in [
        catalog.index_of(chunk(0)).unwrap_err(),
        // Not the answer that the one index gives.
        catalog.index_of(chunk(2)).unwrap_err(),
        view.index_of(chunk(2)).unwrap_err(),
    ] {
        let ReadError::TwoIndexes { first, second } = error else {
            panic!("{error:?}");
        };
        assert_eq!((first, second), (key(0, 1).into(), key(0, 2).into()));
    }
    let refused = begin_refusal(catalog.begin_index(coverage(0, 2)).unwrap_err());
    assert!(matches!(
        refused,
        BeginRefusal::Read(ReadError::TwoIndexes { .. })
    ));
    assert!(catalog.index_of(chunk(1000)).unwrap().is_none());

    // Removing one of them repairs it.
    let one: Vec<_> = catalog
        .claim_for_pruning(key(0, 1))
        .unwrap()
        .into_iter()
        .collect();
    drop(view);
    let swept = catalog.sweep_chunk_artifacts(one).unwrap();
    assert_eq!(swept.deleted.len(), 1);
    assert_eq!(covering(&catalog, 0), Some(key(0, 2)));
}

#[test]
fn an_unrecognised_value_of_a_window_gives_no_wrong_answer() {
    let world = Data::new();
    let catalog = world.open();
    freeze_inputs(&catalog, 0..=0);
    drop(promote(&catalog, 0, 0));
    let odd = key(0, 1).to_string();
    catalog
        .write_raw_for_test(odd.as_bytes(), Some(b"melted"))
        .unwrap();
    let error = catalog.index_of(chunk(0)).unwrap_err();
    assert!(matches!(error, ReadError::Value(_)), "{error:?}");
    assert!(catalog.index_of(chunk(1000)).unwrap().is_none());
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert_eq!(recovered.unreadable.len(), 1);
}

#[test]
fn a_promotion_that_is_refused_can_be_committed_again() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    freeze_inputs(&catalog, 998..=999);
    let build = written(catalog.begin_index(coverage(998, 999)).unwrap(), b"index");
    let promotion = build.sync().unwrap();
    faults.fail(Operation::TakeSpace, crate::fixture::ENOSPC);
    let (promotion, _) = refusal(catalog.commit(promotion).unwrap_err());
    assert_eq!(txhash(&catalog, 998), Some(ArtifactState::Frozen));
    let promoted = catalog.commit(promotion).unwrap();
    assert_eq!(promoted.inputs.len(), 2);
}

#[test]
fn a_fatal_failure_keeps_readers_and_reopening_finds_the_index() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    freeze_inputs(&catalog, 0..=1);
    let promoted = promote(&catalog, 0, 0);
    let build = written(catalog.begin_index(coverage(0, 1)).unwrap(), b"index");
    faults.fail(Operation::SyncFile, EIO);
    drop(build.sync().unwrap_err());
    assert!(catalog.index_of(chunk(0)).is_err());
    assert_eq!(promoted.index.open().unwrap().size().unwrap(), 5);
    catalog.reopen().unwrap();
    assert_eq!(covering(&catalog, 0), Some(key(0, 0)));
    let promoted = promote(&catalog, 0, 1);
    assert_eq!(promoted.predecessor.unwrap().key(), key(0, 0));
}

/// A reader asks for the index of a chunk that every index covers, while indexes are promoted and swept.
#[test]
fn a_covered_chunk_is_never_without_its_index() {
    let world = Data::below("/dev/shm").unwrap_or_else(|_| Data::new());
    let catalog = world.open();
    freeze_inputs(&catalog, 0..=60);
    drop(promote(&catalog, 0, 0));
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0_u64;
            while !is_done.load(Ordering::Relaxed) {
                let lease = catalog.index_of(chunk(0)).unwrap().expect("it is covered");
                assert_eq!(lease.open().unwrap().size().unwrap(), 5);
                reads += 1;
            }
            reads
        });
        let sweeper = scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                drop(catalog.recover(DebrisPolicy::Report).unwrap());
            }
        });
        for hi in 1..=60 {
            let promoted = promote(&catalog, 0, hi);
            drop(promoted.predecessor);
        }
        is_done.store(true, Ordering::Relaxed);
        sweeper.join().unwrap();
        assert!(reader.join().unwrap() > 0);
    });
    drop(catalog.recover(DebrisPolicy::Report).unwrap());
    let keys: Vec<_> = catalog.index_keys().unwrap().map(Result::unwrap).collect();
    assert_eq!(keys, [(key(0, 60), ArtifactState::Frozen)]);
}

/// Sweeps remove the directory of a window while builders create it.
#[test]
fn builders_and_sweeps_of_one_window_do_not_disturb_each_other() {
    let world = Data::below("/dev/shm").unwrap_or_else(|_| Data::new());
    let catalog = world.open();
    freeze_inputs(&catalog, 0..=0);
    freeze_inputs(&catalog, 1..=1);
    std::thread::scope(|scope| {
        for hi in 0..=1 {
            let catalog = &catalog;
            scope.spawn(move || {
                let mut count = 0;
                while count < 40 {
                    let build = match catalog.begin_index(coverage(hi, hi)) {
                        Ok(build) => build,
                        Err(error) => {
                            let refused = begin_refusal(error);
                            assert!(matches!(refused, BeginRefusal::Claimed(_)), "{refused:?}");
                            std::thread::yield_now();
                            continue;
                        }
                    };
                    let build = written(build, b"index");
                    count += 1;
                    let swept = catalog.sweep_chunk_artifacts([build.give_up()]).unwrap();
                    assert_eq!(swept.deleted.len(), 1, "{swept:?}");
                }
            });
        }
    });
    assert!(!world.path().join("txhash/index/00000000").exists());
}

/// Another program puts a directory of its own into the place of the window while the index is swept.
#[test]
fn a_directory_that_has_replaced_a_window_is_not_removed() {
    let world = Data::new();
    let window = world.path().join("txhash/index/00000000");
    let aside = world.path().join("txhash/aside");
    let replace = {
        let (window, aside) = (window.clone(), aside.clone());
        move |operation, path: &std::path::Path| {
            if operation == Operation::UnlinkFile && path.starts_with(&window) && !aside.exists() {
                std::fs::rename(&window, &aside).unwrap();
                std::fs::create_dir(&window).unwrap();
            }
            Ok(())
        }
    };
    let catalog = world.open_probed(frostline::sim::Probe::new(replace));
    freeze_inputs(&catalog, 0..=0);
    drop(promote(&catalog, 0, 0));
    let last = catalog.claim_for_pruning(key(0, 0)).unwrap();
    let swept = catalog.sweep_chunk_artifacts(last).unwrap();
    assert_eq!(swept.deleted.len(), 1);
    assert!(aside.is_dir() && window.is_dir());
    assert!(!aside.join("00000000-00000000.idx").exists());
}
