//! Recovery: every state that a crash can leave, the entries that it leaves alone, and its failures.

mod program;

use std::io::Write as _;

use frostline::audit::audit;
use frostline::error::FailureKind;
use frostline::error::{Operation, RecoverError};
use frostline::{
    ArtifactState, Catalog, DebrisPolicy, Events, Hot, HotState, Key, Ledgers, TxHash, Unfinished,
};

use crate::fixture::{Data, EIO, Faults, Trace, chunk, freeze, state};
use crate::snapshot;

/// Creates keys in every state, with files where the state allows them.
fn wreck(catalog: &Catalog) {
    drop(freeze(catalog, 1, b"frozen"));
    // Debris: right after the mark, with a part of a file, and of a kind with several files.
    drop(catalog.begin::<Ledgers>(chunk(2)).unwrap());
    let mut freezing = catalog.begin::<Ledgers>(chunk(3)).unwrap();
    let mut file = freezing.file(Ledgers::PACK).unwrap();
    file.write_all(b"a part").unwrap();
    file.flush().unwrap();
    drop(freezing);
    let mut freezing = catalog.begin::<Events>(chunk(3)).unwrap();
    write!(freezing.file(Events::INDEX).unwrap(), "never flushed").unwrap();
    drop(freezing);
    // Pruning: with its file, and without.
    for number in [4, 5] {
        let pruning = catalog.commit(freeze(catalog, number, b"going").demote());
        drop(pruning.unwrap());
    }
    let layout = catalog.layout();
    let key = frostline::ArtifactKey {
        chunk: chunk(5),
        kind: frostline::ArtifactKind::Ledgers,
    };
    std::fs::remove_file(&layout.artifact_paths(key)[0]).unwrap();
    // Hot: ready, half created with files in it, and half removed without a directory.
    drop(catalog.create_hot(chunk(6)).unwrap().ready().unwrap());
    drop(catalog.create_hot(chunk(7)).unwrap());
    std::fs::create_dir(layout.hot_path(chunk(7)).join("inside")).unwrap();
    std::fs::write(layout.hot_path(chunk(7)).join("inside/000004.sst"), b"x").unwrap();
    drop(catalog.create_hot(chunk(8)).unwrap());
    std::fs::remove_dir(layout.hot_path(chunk(8))).unwrap();
}

fn counts(owed: Unfinished) -> (usize, usize, usize) {
    (owed.freezing, owed.pruning, owed.transient)
}

#[test]
fn every_state_that_a_crash_leaves_is_settled_and_a_second_call_does_nothing() {
    let data = Data::new();
    let catalog = data.open();
    wreck(&catalog);
    drop(catalog);

    let trace = Trace::default();
    let catalog = data.open_probed(trace.probe(&data));
    assert_eq!(counts(catalog.unfinished()), (3, 2, 2));
    trace.take();
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert!(recovered.is_complete() && !recovered.is_nothing());
    let text = format!("{recovered}\n\n{}\n", trace.take().join("\n"));
    snapshot::check("recover_all", &text);
    assert_eq!(state(&catalog, 1), Some(ArtifactState::Frozen));
    assert_eq!(catalog.hot_state(chunk(6)).unwrap(), Some(HotState::Ready));
    assert_eq!(catalog.chunk_artifact_keys().unwrap().count(), 1);
    assert_eq!(catalog.hot_chunk_keys().unwrap().count(), 1);

    let before = data.tree();
    let again = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert!(again.is_nothing() && again.is_complete());
    assert_eq!(again.to_string(), "nothing was unfinished");
    assert_eq!(trace.take(), Vec::<String>::new());
    assert_eq!(data.tree(), before);
    assert!(catalog.unfinished().is_nothing());
    drop(catalog);
    assert!(data.open().unfinished().is_nothing());
    let report = audit(&data.roots()).unwrap();
    assert!(
        report.is_clean() && report.unfinished().is_nothing(),
        "{report}"
    );
}

#[test]
fn debris_can_be_left_to_be_begun_again() {
    let data = Data::new();
    let catalog = data.open();
    wreck(&catalog);
    drop(catalog);
    let catalog = data.open();
    let debris = data.path().join("ledgers/00000/00000003.pack");
    let recovered = catalog.recover(DebrisPolicy::Report).unwrap();
    assert_eq!(recovered.reported.len(), 3);
    assert_eq!(recovered.pruned.len(), 2);
    assert_eq!(recovered.discarded.len(), 2);
    assert!(recovered.removed.is_empty());
    assert_eq!(std::fs::read(&debris).unwrap(), b"a part");
    assert_eq!(state(&catalog, 3), Some(ArtifactState::Freezing));
    // The recovery claimed the debris only for a moment.
    drop(freeze(&catalog, 3, b"made again"));
    assert_eq!(std::fs::read(&debris).unwrap(), b"made again");
    let recovered = catalog.recover(DebrisPolicy::Report).unwrap();
    assert_eq!(recovered.reported.len(), 2);
    assert!(!recovered.is_nothing() && recovered.is_complete());
}

/// A claim that is refused during a recovery names the line that called `recover`.
#[test]
fn the_claims_of_a_recovery_are_its_callers() {
    let data = Data::new();
    let holder = std::sync::Arc::new(std::sync::Mutex::new(None));
    let found = std::sync::Arc::clone(&holder);
    let shared = std::sync::Arc::new(std::sync::OnceLock::<Catalog>::new());
    let weak = std::sync::Arc::downgrade(&shared);
    let probe = frostline::sim::Probe::new(move |operation, _| {
        let catalog = weak.upgrade();
        let catalog = catalog.as_ref().and_then(|catalog| catalog.get());
        if let (Operation::UnlinkFile, Some(catalog)) = (operation, catalog) {
            let claimed = catalog.claim::<Ledgers>(chunk(7)).unwrap_err();
            *found.lock().unwrap() = Some(claimed.to_string());
        }
        Ok(())
    });
    let catalog = data.open_probed(probe);
    let mut freezing = catalog.begin::<Ledgers>(chunk(7)).unwrap();
    freezing.file(Ledgers::PACK).unwrap().flush().unwrap();
    drop(freezing);
    let catalog = shared.get_or_init(|| catalog);
    let line = line!() + 1;
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert_eq!(recovered.removed.len(), 1);
    let text = holder.lock().unwrap().take().unwrap();
    assert!(
        text.contains(&format!("tests/it/recover/mod.rs:{line}:")),
        "{text}"
    );
}

#[test]
fn a_new_catalog_owes_nothing() {
    let data = Data::new();
    let catalog = data.open();
    assert!(catalog.unfinished().is_nothing());
    assert_eq!(catalog.unfinished().to_string(), "nothing");
    assert!(catalog.recover(DebrisPolicy::Remove).unwrap().is_nothing());
}

#[test]
fn live_handles_and_readers_are_left_alone() {
    let data = Data::new();
    let catalog = data.open();
    let freezing = catalog.begin::<TxHash>(chunk(1)).unwrap();
    let transient = catalog.create_hot(chunk(1)).unwrap();
    let frozen = freeze(&catalog, 2, b"read");
    let lease = frozen.lease();
    let pruning = catalog.commit(frozen.demote()).unwrap();
    let before = data.tree();
    for policy in [DebrisPolicy::Report, DebrisPolicy::Remove] {
        let recovered = catalog.recover(policy).unwrap();
        let claimed: Vec<_> = recovered.claimed.iter().map(|claim| claim.key).collect();
        let keys = [
            freezing.key().into(),
            pruning.key().into(),
            transient.key().into(),
        ];
        assert_eq!(claimed, keys.map(|key: Key| key));
        assert!(!recovered.is_complete());
    }
    let key = pruning.key();
    drop(pruning);
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert_eq!(recovered.leased, [key]);
    assert_eq!(data.tree(), before);
    snapshot::check("recover_left_alone", &recovered.to_string());
    drop(lease);
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert_eq!(recovered.pruned, [key]);
    drop((freezing, transient));
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert_eq!((recovered.removed.len(), recovered.discarded.len()), (1, 1));
}

#[test]
fn unrecognised_entries_neither_stop_the_opening_nor_the_recovery_and_stay() {
    let data = Data::new();
    let catalog = data.open();
    wreck(&catalog);
    drop(catalog);
    let odd: [(&[u8], &[u8]); 4] = [
        (b"chunk:00000000:ledgers", b"frozenn"),
        (b"chunk:+1234567:ledgers", b"freezing"),
        (b"hot:chunk:00000000", b"gone"),
        (b"index:00000005", b"pruning"),
    ];
    data.write_raw_for_test(&odd);
    let catalog = data.open();
    assert_eq!(counts(catalog.unfinished()), (3, 2, 2));
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert_eq!(recovered.unreadable.len(), 2);
    assert_eq!(recovered.pruned.len() + recovered.removed.len(), 5);
    assert_eq!(recovered.discarded.len(), 2);
    drop(catalog);
    let stored = data.stored();
    assert_eq!(stored.len(), 6);
    for (key, value) in odd {
        let key = key.escape_ascii().to_string();
        assert_eq!(stored[&key], value.escape_ascii().to_string());
    }
}

#[test]
fn an_undeletable_entry_does_not_stop_the_others() {
    let data = Data::new();
    let catalog = data.open();
    wreck(&catalog);
    // A directory stands in place of the file, and a file in place of the directory.
    let (pack, hot) = (data.pack(4), data.path().join("hot/00000007"));
    std::fs::remove_file(&pack).unwrap();
    std::fs::create_dir(&pack).unwrap();
    std::fs::remove_dir_all(&hot).unwrap();
    std::fs::write(&hot, b"").unwrap();
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert_eq!(recovered.failed.len(), 2);
    assert_eq!((recovered.pruned.len(), recovered.removed.len()), (1, 3));
    assert_eq!(recovered.discarded.len(), 1);
    snapshot::check("recover_failed", &data.redact(&recovered.to_string()));
    assert_eq!(state(&catalog, 4), Some(ArtifactState::Pruning));
    std::fs::remove_dir(&pack).unwrap();
    std::fs::remove_file(&hot).unwrap();
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert!(recovered.is_complete());
    assert_eq!((recovered.pruned.len(), recovered.discarded.len()), (1, 1));
}

/// After a failure of any operation, every frozen or ready entry stays, and the next recovery completes.
#[test]
fn every_operation_of_a_recovery_may_fail_and_the_next_one_converges() {
    for spared in 0.. {
        let data = Data::new();
        let catalog = data.open();
        wreck(&catalog);
        drop(catalog);
        let left = std::sync::Mutex::new(None);
        let left = std::sync::Arc::new(left);
        let counter = std::sync::Arc::clone(&left);
        let probe = frostline::sim::Probe::new(move |_, _| {
            let mut left = counter.lock().unwrap();
            match left.as_mut() {
                Some(0) => {
                    *left = None;
                    Err(std::io::Error::from_raw_os_error(EIO))
                }
                Some(count) => {
                    *count -= 1;
                    Ok(())
                }
                None => Ok(()),
            }
        });
        let catalog = data.open_probed(probe);
        *left.lock().unwrap() = Some(spared);
        let result = catalog.recover(DebrisPolicy::Remove);
        let fired = left.lock().unwrap().take().is_none();
        if let Err(error) = &result {
            let refused = catalog.recover(DebrisPolicy::Remove).is_err();
            assert_eq!(refused, error.kind() == FailureKind::Fatal, "{error}");
        }
        drop((result, catalog));
        let report = audit(&data.roots()).unwrap();
        assert!(report.is_clean(), "{spared}: {report}");
        let catalog = data.open();
        assert!(catalog.recover(DebrisPolicy::Remove).unwrap().is_complete());
        assert_eq!(state(&catalog, 1), Some(ArtifactState::Frozen));
        assert!(matches!(
            catalog.claim_hot(chunk(6)).unwrap(),
            Hot::Ready(_)
        ));
        drop(catalog);
        let report = audit(&data.roots()).unwrap();
        assert!(
            report.is_clean() && report.unfinished().is_nothing(),
            "{report}"
        );
        if !fired {
            assert!(spared > 20, "{spared} operations");
            return;
        }
    }
}

#[test]
fn a_fatal_failure_stops_it_and_poisons_the_catalog() {
    for (operation, spared) in [
        (Operation::SyncDirectory, 0),
        (Operation::Commit, 0),
        // The commit of the hot directories comes last.
        (Operation::Commit, 1),
    ] {
        let data = Data::new();
        let faults = Faults::new();
        let catalog = data.open_with(&faults);
        wreck(&catalog);
        faults.arm(operation, spared, EIO);
        let error = catalog.recover(DebrisPolicy::Remove).unwrap_err();
        assert!(faults.has_fired());
        assert_eq!(error.kind(), FailureKind::Fatal, "{error}");
        let again = catalog.recover(DebrisPolicy::Remove).unwrap_err();
        assert!(matches!(again, RecoverError::Refused(_)), "{again}");
        assert_eq!(again.kind(), FailureKind::Refused);
    }
}
