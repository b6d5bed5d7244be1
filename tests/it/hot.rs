//! Hot directories.

use frostline::error::{
    BeginError, BeginRefusal, ClaimHotError, Operation, RemovalError, RemovalRefusal, SyncError,
    SyncRefusal,
};
use frostline::key::HotKey;
use frostline::sim::Probe;
use frostline::{DebrisPolicy, Hot, HotState};

use crate::fixture::{Data, ENOSPC, Faults, chunk};

/// Row 12: a ready directory, the only copy, is never wiped.
#[test]
fn creating_over_a_ready_directory_is_refused_and_nothing_changes() {
    let world = Data::new();
    let catalog = world.open();
    let ready = catalog.create_hot(chunk(1)).unwrap().ready().unwrap();
    std::fs::write(ready.path().join("ledgers"), b"the only copy").unwrap();
    let before = world.tree();
    let error = catalog.create_hot(chunk(1)).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(BeginRefusal::Claimed(_))),
        "{error}"
    );
    drop(ready);
    let error = catalog.create_hot(chunk(1)).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(BeginRefusal::AlreadyReady { .. })),
        "{error}"
    );
    assert_eq!(world.tree(), before);
    assert_eq!(catalog.hot_state(chunk(1)).unwrap(), Some(HotState::Ready));
}

/// Row 12: a directory without a key is not ours to wipe either, and no key is marked for it.
#[test]
fn a_directory_without_a_key_is_refused_and_untouched() {
    let world = Data::new();
    let catalog = world.open();
    let path = world.path().join("hot/00000001");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("CURRENT"), b"somebody's").unwrap();
    let before = world.tree();
    let error = catalog.create_hot(chunk(1)).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(BeginRefusal::Stray { .. })),
        "{error}"
    );
    assert_eq!(world.tree(), before);
    assert_eq!(catalog.hot_state(chunk(1)).unwrap(), None);
}

/// Row 11: claiming what is ready never creates it.
#[test]
fn a_ready_directory_that_is_missing_is_for_the_caller_to_decide() {
    let world = Data::new();
    let catalog = world.open();
    let ready = catalog.create_hot(chunk(1)).unwrap().ready().unwrap();
    let path = ready.path();
    drop(ready);
    std::fs::remove_dir(&path).unwrap();
    let error = catalog.claim_hot(chunk(1)).unwrap_err();
    assert!(error.to_string().contains("hot/00000001"), "{error}");
    assert!(!path.exists());
    assert_eq!(catalog.hot_state(chunk(1)).unwrap(), Some(HotState::Ready));
    // Restored, it is claimed as before.
    std::fs::create_dir(&path).unwrap();
    let ClaimHotError::DirectoryMissing(missing) = error else {
        panic!("{error}");
    };
    drop(missing);
    assert!(matches!(
        catalog.claim_hot(chunk(1)).unwrap(),
        Hot::Ready(_)
    ));
    // Or given up for lost.
    std::fs::remove_dir(&path).unwrap();
    let Err(ClaimHotError::DirectoryMissing(missing)) = catalog.claim_hot(chunk(1)) else {
        panic!("not missing");
    };
    missing.discard().unwrap().remove().unwrap();
    assert_eq!(catalog.hot_state(chunk(1)).unwrap(), None);
}

/// A missing directory that is mounted again between any two steps of giving it up: it is not touched.
#[test]
fn a_missing_directory_that_comes_back_is_not_removed() {
    let world = Data::new();
    let catalog = world.open();
    let ready = catalog.create_hot(chunk(1)).unwrap().ready().unwrap();
    let path = ready.path();
    drop(ready);
    std::fs::write(path.join("database"), b"the only copy").unwrap();
    let away = world.outside().join("away");
    let missing = || {
        std::fs::rename(&path, &away).unwrap();
        let missing = match catalog.claim_hot(chunk(1)) {
            Err(ClaimHotError::DirectoryMissing(missing)) => missing,
            other => panic!("{other:?}"),
        };
        std::fs::rename(&away, &path).unwrap();
        missing
    };
    let database = || std::fs::read(path.join("database")).unwrap();

    // Before the discard: the key stays `ready`.
    let RemovalError::Refused(refused) = missing().discard().unwrap_err() else {
        panic!("not refused");
    };
    let refusal = refused.cause();
    assert!(matches!(refusal, RemovalRefusal::NotMissing { .. }));
    drop(refused);
    assert_eq!(catalog.hot_state(chunk(1)).unwrap(), Some(HotState::Ready));
    assert!(matches!(
        catalog.claim_hot(chunk(1)).unwrap(),
        Hot::Ready(_)
    ));

    // Between the discard and the removal, or the creation.
    std::fs::rename(&path, &away).unwrap();
    let Err(ClaimHotError::DirectoryMissing(missing)) = catalog.claim_hot(chunk(1)) else {
        panic!("not missing");
    };
    let debris = missing.discard().unwrap();
    std::fs::rename(&away, &path).unwrap();
    let RemovalError::Refused(refused) = debris.remove().unwrap_err() else {
        panic!("not refused");
    };
    let refusal = refused.cause();
    assert!(matches!(refusal, RemovalRefusal::DirectoryIsBack { .. }));
    let BeginError::Refused(refused) = refused.into_handle().recreate().unwrap_err() else {
        panic!("not refused");
    };
    assert_eq!(database(), b"the only copy");
    // Between the commit of a new beginning and the creation.
    std::fs::rename(&path, &away).unwrap();
    let begin = refused.into_handle().intend().unwrap();
    let mut transient = catalog.commit(begin).unwrap();
    std::fs::rename(&away, &path).unwrap();
    let error = transient.directory().unwrap_err();
    assert!(error.to_string().contains("00000001"), "{error}");
    let RemovalError::Refused(refused) = transient.abandon().unwrap_err() else {
        panic!("not refused");
    };
    assert!(matches!(
        refused.cause(),
        RemovalRefusal::DirectoryIsBack { .. }
    ));
    let debris = refused.into_handle().give_up();
    assert_eq!(database(), b"the only copy");
    // Moved out of the way, it does not stop the removal.
    std::fs::rename(&path, &away).unwrap();
    debris.remove().unwrap();
    assert_eq!(catalog.hot_state(chunk(1)).unwrap(), None);
    assert_eq!(
        std::fs::read(away.join("database")).unwrap(),
        b"the only copy"
    );
}

/// A directory that another program creates after an absent key was looked up is not removed, by any step.
#[test]
fn a_directory_that_appears_before_its_creation_is_not_removed() {
    let world = Data::new();
    let catalog = world.open();
    let path = world.path().join("hot/00000001");
    let begin = catalog.intend_hot(chunk(1)).unwrap();
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("database"), b"the only copy").unwrap();
    let mut transient = catalog.commit(begin).unwrap();
    let error = transient.directory().unwrap_err();
    assert!(error.to_string().contains("00000001"), "{error}");
    let RemovalError::Refused(refused) = transient.abandon().unwrap_err() else {
        panic!("not refused");
    };
    let debris = refused.into_handle().give_up();
    let BeginError::Refused(refused) = debris.recreate().unwrap_err() else {
        panic!("not refused");
    };
    assert!(matches!(
        refused.cause(),
        BeginRefusal::DirectoryIsBack { .. }
    ));
    assert!(refused.into_handle().unlink().is_err());
    assert_eq!(
        std::fs::read(path.join("database")).unwrap(),
        b"the only copy"
    );
}

/// The same after the handle was dropped: neither the next attempt nor the recovery removes the directory.
#[test]
fn a_directory_that_appears_is_not_removed_by_the_next_attempt() {
    let world = Data::new();
    let catalog = world.open();
    let path = world.path().join("hot/00000001");
    let begin = catalog.intend_hot(chunk(1)).unwrap();
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("database"), b"the only copy").unwrap();
    drop(catalog.commit(begin).unwrap());
    let error = catalog.create_hot(chunk(1)).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(BeginRefusal::DirectoryIsBack { .. })),
        "{error}"
    );
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert!(!recovered.is_complete(), "{recovered}");
    assert_eq!(
        std::fs::read(path.join("database")).unwrap(),
        b"the only copy"
    );
    // Moved away, it is in the way of nothing.
    std::fs::rename(&path, world.outside().join("away")).unwrap();
    assert!(catalog.recover(DebrisPolicy::Remove).unwrap().is_complete());
    assert_eq!(catalog.hot_state(chunk(1)).unwrap(), None);
}

/// A directory that replaces one of this process is another program's: no step removes it, whichever handle is left.
#[test]
fn a_directory_that_replaces_the_created_one_is_not_removed() {
    let world = Data::new();
    let catalog = world.open();
    let transient = catalog.create_hot(chunk(1)).unwrap();
    let path = transient.path();
    std::fs::rename(&path, world.outside().join("away")).unwrap();
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("database"), b"the only copy").unwrap();
    let SyncError::Refused(refused) = transient.ready().unwrap_err() else {
        panic!("not refused");
    };
    assert!(matches!(refused.cause(), SyncRefusal::Replaced { .. }));
    let RemovalError::Refused(refused) = refused.into_handle().abandon().unwrap_err() else {
        panic!("not refused");
    };
    let refusal = refused.cause();
    assert!(matches!(refusal, RemovalRefusal::DirectoryIsBack { .. }));
    drop(refused);
    let error = catalog.create_hot(chunk(1)).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(BeginRefusal::DirectoryIsBack { .. })),
        "{error}"
    );
    assert!(!catalog.recover(DebrisPolicy::Remove).unwrap().is_complete());
    assert_eq!(
        std::fs::read(path.join("database")).unwrap(),
        b"the only copy"
    );
}

/// A directory that appears after the removal, and before the key is deleted, is another program's.
#[test]
fn a_directory_that_appears_after_the_removal_is_not_removed() {
    let world = Data::new();
    let catalog = world.open();
    let transient = catalog.create_hot(chunk(1)).unwrap();
    let path = transient.path();
    drop(transient.give_up().unlink().unwrap());
    let begin = catalog.intend_hot(chunk(1)).unwrap();
    let mut transient = catalog.commit(begin).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(transient.directory().is_err());
    drop(transient);
    assert!(!catalog.recover(DebrisPolicy::Remove).unwrap().is_complete());
    assert!(path.exists());
}

/// The same for the short spelling: the mark is taken back, and the directory is as before, without a key.
#[test]
fn a_directory_that_appears_during_its_creation_takes_the_mark_back() {
    let world = Data::new();
    let probe = Probe::new(|operation, path| {
        if operation == Operation::CreateDirectory && path.ends_with("hot/00000001") {
            std::fs::create_dir(path).unwrap();
            std::fs::write(path.join("database"), b"the only copy").unwrap();
        }
        Ok(())
    });
    let catalog = world.open_probed(probe);
    let error = catalog.create_hot(chunk(1)).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(BeginRefusal::Stray { .. })),
        "{error}"
    );
    assert_eq!(catalog.hot_state(chunk(1)).unwrap(), None);
    let database = world.path().join("hot/00000001/database");
    assert_eq!(std::fs::read(database).unwrap(), b"the only copy");
}

/// A creation that fails gives the handle back that knows that the directory was missing.
#[test]
fn a_missing_directory_that_cannot_be_created_is_still_known_as_missing() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    let ready = catalog.create_hot(chunk(1)).unwrap().ready().unwrap();
    let path = ready.path();
    drop(ready);
    std::fs::remove_dir(&path).unwrap();
    let Err(ClaimHotError::DirectoryMissing(missing)) = catalog.claim_hot(chunk(1)) else {
        panic!("not missing");
    };
    let debris = missing.discard().unwrap();
    faults.fail(Operation::CreateDirectory, ENOSPC);
    let BeginError::Refused(refused) = debris.recreate().unwrap_err() else {
        panic!("the handle is gone");
    };
    assert!(matches!(refused.cause(), BeginRefusal::Io(_)));
    std::fs::create_dir(&path).unwrap();
    let BeginError::Refused(refused) = refused.into_handle().recreate().unwrap_err() else {
        panic!("not refused");
    };
    assert!(matches!(
        refused.cause(),
        BeginRefusal::DirectoryIsBack { .. }
    ));
    assert!(path.exists());
}

/// A failed creation from an absent key leaves no key.
#[test]
fn a_directory_that_cannot_be_created_leaves_no_key() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    faults.fail(Operation::CreateDirectory, ENOSPC);
    let error = catalog.create_hot(chunk(1)).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(BeginRefusal::Io(_))),
        "{error}"
    );
    assert_eq!(catalog.hot_state(chunk(1)).unwrap(), None);
    drop(catalog.create_hot(chunk(1)).unwrap());
}

/// An error of the one type for all keeps no handle: the key can be claimed again while the error lives.
#[test]
fn a_kept_error_about_a_missing_directory_holds_no_key() {
    let world = Data::new();
    let catalog = world.open();
    let ready = catalog.create_hot(chunk(1)).unwrap().ready().unwrap();
    let path = ready.path();
    drop(ready);
    std::fs::remove_dir(&path).unwrap();
    let kept: frostline::Error = catalog.claim_hot(chunk(1)).unwrap_err().into();
    assert_eq!(kept.key(), Some(HotKey { chunk: chunk(1) }.into()));
    assert_eq!(kept.path(), Some(path.as_path()));
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(
        catalog.claim_hot(chunk(1)).unwrap(),
        Hot::Ready(_)
    ));
    drop(catalog);
    drop(world.open());
    assert!(kept.to_string().contains("hot/00000001"), "{kept}");
}

/// Row 4: a directory that has gone, or was replaced, is not made ready.
#[test]
fn a_directory_that_is_not_the_one_created_cannot_become_ready() {
    let world = Data::new();
    let catalog = world.open();
    let transient = catalog.create_hot(chunk(1)).unwrap();
    let path = transient.path();
    std::fs::remove_dir(&path).unwrap();
    let SyncError::Refused(refused) = transient.ready().unwrap_err() else {
        panic!("not refused");
    };
    assert!(matches!(refused.cause(), SyncRefusal::Replaced { .. }));
    std::fs::create_dir(&path).unwrap();
    let SyncError::Refused(refused) = refused.into_handle().ready().unwrap_err() else {
        panic!("not refused");
    };
    assert_eq!(
        catalog.hot_state(chunk(1)).unwrap(),
        Some(HotState::Transient)
    );
    drop(refused);
}

#[test]
fn a_transient_directory_after_a_restart_is_wiped_or_removed() {
    let world = Data::new();
    let catalog = world.open();
    for number in [1, 2] {
        let transient = catalog.create_hot(chunk(number)).unwrap();
        let inner = transient.path().join("deep/er");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(inner.join("file"), b"half").unwrap();
    }
    drop(catalog);
    let catalog = world.open();
    let Hot::Debris(debris) = catalog.claim_hot(chunk(1)).unwrap() else {
        panic!("not debris");
    };
    let ready = debris.recreate().unwrap().ready().unwrap();
    assert_eq!(std::fs::read_dir(ready.path()).unwrap().count(), 0);
    let recreated = catalog.create_hot(chunk(2)).unwrap();
    assert_eq!(std::fs::read_dir(recreated.path()).unwrap().count(), 0);
    recreated.abandon().unwrap();
    assert!(!world.path().join("hot/00000002").exists());
    let keys: Vec<_> = catalog
        .hot_chunk_keys()
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(keys, [(HotKey { chunk: chunk(1) }, HotState::Ready)]);
}

#[test]
fn only_ready_directories_are_listed_as_ready() {
    let world = Data::new();
    let catalog = world.open();
    drop(catalog.create_hot(chunk(5)).unwrap());
    for number in [9, 3, 70_000] {
        drop(catalog.create_hot(chunk(number)).unwrap().ready().unwrap());
    }
    let ready: Vec<_> = catalog
        .ready_hot_chunk_keys()
        .unwrap()
        .map(|key| key.unwrap().chunk.get())
        .collect();
    assert_eq!(ready, [3, 9, 70_000]);
    let all = catalog.hot_chunk_keys().unwrap().count();
    assert_eq!(all, 4);
}

/// A symbolic link in place of a hot directory leads nowhere: not followed, and only the link goes.
#[test]
fn a_foreign_link_is_not_followed() {
    let world = Data::new();
    let catalog = world.open();
    drop(catalog.create_hot(chunk(1)).unwrap());
    let path = world.path().join("hot/00000001");
    let elsewhere = world.path().join("precious");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("file"), b"precious").unwrap();
    std::fs::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    let remove = |catalog: &frostline::Catalog| {
        let Hot::Debris(debris) = catalog.claim_hot(chunk(1)).unwrap() else {
            panic!("not debris");
        };
        debris.remove().unwrap_err()
    };
    // It is not the directory that this process created. A later process takes it for a leftover.
    let error = remove(&catalog);
    assert!(
        matches!(
            error.refusal(),
            Some(RemovalRefusal::DirectoryIsBack { .. })
        ),
        "{error}"
    );
    drop(error);
    drop(catalog);
    let error = remove(&world.open());
    assert_eq!(error.kind(), frostline::error::FailureKind::Retryable);
    assert!(elsewhere.join("file").exists());
}
