//! Mismatched or missing roots are refused before anything is created.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use frostline::error::{Failure, IdentityProblem, LockError, NextStep, OpenError};
use frostline::{ArtifactState, Catalog, Ledgers, RootRole};

use crate::fixture::{Data, chain, chunk, copy_tree, freeze, state, tree};

const IDENTITY: &str = "frostline.identity";

/// Returns every file except the lock files, which name the process that tried to start.
fn all_but_locks(data: &Data) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = tree(data.outside());
    files.retain(|path, _| !path.ends_with(frostline::key::LOCK_FILE));
    files
}

/// Creates a tree with one frozen artifact.
fn used() -> Data {
    let data = Data::new();
    drop(freeze(&data.open(), 1, b"ledgers"));
    data
}

#[track_caller]
fn problem(result: Result<frostline::LockedRoots, LockError>) -> (RootRole, IdentityProblem) {
    match result.unwrap_err() {
        LockError::Identity { role, problem, .. } => (role, problem),
        other => panic!("{}", chain(&other)),
    }
}

/// Asserts that the start is refused and neither changes nor creates anything; returns the problem.
#[track_caller]
fn refused(data: &Data) -> (RootRole, IdentityProblem) {
    let before = all_but_locks(data);
    let found = problem(data.roots().lock());
    assert!(all_but_locks(data) == before, "a refusal changed the disk");
    found
}

/// Moves a root away, as if its volume were not mounted. With `leaves`, an empty mount point stays.
fn unmount(data: &Data, role: RootRole, leaves: bool) -> PathBuf {
    let root = data.root(role);
    let away = data.outside().join(format!("{role}.away"));
    std::fs::rename(&root, &away).unwrap();
    if leaves {
        std::fs::create_dir(&root).unwrap();
    }
    away
}

/// The root's volume is not mounted. Without the check, the start would create a new root, and the recovery
/// would delete the keys of files that exist.
#[test]
fn a_root_that_is_not_mounted_is_refused() {
    for role in RootRole::ALL {
        for leaves in [false, true] {
            let data = used();
            let away = unmount(&data, role, leaves);
            let (refused_role, found) = refused(&data);
            assert_eq!(refused_role, role);
            match role {
                RootRole::Catalog => {
                    assert!(matches!(found, IdentityProblem::NoCatalog { .. }));
                }
                _ => assert!(matches!(found, IdentityProblem::Missing { .. })),
            }
            // After the volume is mounted again, the artifact is still frozen.
            if leaves {
                std::fs::remove_dir(data.root(role)).unwrap();
            }
            std::fs::rename(away, data.root(role)).unwrap();
            assert_eq!(state(&data.open(), 1), Some(ArtifactState::Frozen));
        }
    }
}

#[test]
fn swapped_volumes_are_refused() {
    let data = used();
    let (ledgers, events) = (data.root(RootRole::Ledgers), data.root(RootRole::Events));
    let between = data.outside().join("between");
    std::fs::rename(&ledgers, &between).unwrap();
    std::fs::rename(&events, &ledgers).unwrap();
    std::fs::rename(&between, &events).unwrap();
    let (_, found) = refused(&data);
    assert!(
        matches!(found, IdentityProblem::OtherRole { .. }),
        "{found}"
    );
    // `adopt` refuses them too.
    problem(data.roots().adopt());
}

#[test]
fn a_root_of_another_catalog_is_refused() {
    let (data, other) = (used(), used());
    assert_ne!(data.open().id(), other.open().id());
    for role in RootRole::ALL {
        let mixed = data.roots().with(role, other.root(role)).unwrap();
        let before = (all_but_locks(&data), all_but_locks(&other));
        let (_, found) = problem(mixed.clone().lock());
        assert!(
            matches!(found, IdentityProblem::OtherCatalog { .. }),
            "{found}"
        );
        problem(mixed.adopt());
        assert!((all_but_locks(&data), all_but_locks(&other)) == before);
    }
}

#[test]
fn a_damaged_or_newer_identity_is_refused() {
    for role in RootRole::ALL {
        let data = used();
        let path = data.root(role).join(IDENTITY);
        let whole = std::fs::read(&path).unwrap();
        for at in [0, 20, 60, 100] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(refused(&data), (role, IdentityProblem::Damaged));
        }
        std::fs::write(&path, "").unwrap();
        assert_eq!(refused(&data), (role, IdentityProblem::Damaged));
        let text = String::from_utf8(whole).unwrap();
        let line = text.trim_end_matches('\0').trim_end();
        let line = line.rsplit_once(" crc32c ").unwrap().0;
        let newer = line.replace("layout 1", "layout 2");
        let mut bytes = format!("{newer} crc32c {:08x}\n", crc32c::crc32c(newer.as_bytes()));
        bytes.push_str(&"\0".repeat(512 - bytes.len()));
        std::fs::write(&path, bytes).unwrap();
        let newer = IdentityProblem::NewerLayout { found: 2 };
        assert_eq!(refused(&data), (role, newer));
    }
}

/// An earlier version of the library made this tree.
#[test]
fn a_tree_without_identities_is_taken_in_by_an_explicit_call() {
    let data = used();
    for role in RootRole::ALL {
        std::fs::remove_file(data.root(role).join(IDENTITY)).unwrap();
    }
    std::fs::remove_file(data.root(RootRole::Ledgers).join("frostline.witness")).unwrap();
    let (_, found) = refused(&data);
    assert_eq!(found, IdentityProblem::Unidentified);
    let catalog = Catalog::open(data.roots().adopt().unwrap()).unwrap();
    assert_eq!(state(&catalog, 1), Some(ArtifactState::Frozen));
    let id = catalog.id();
    drop(catalog);
    assert_eq!(data.open().id(), id);
}

/// One root is lost for good, and the catalog is restored from an older copy.
#[test]
fn a_lost_root_and_an_older_catalog_are_taken_in_by_an_explicit_call() {
    let data = used();
    let id = data.open().id();
    let older = Data::new();
    copy_tree(&data.root(RootRole::Catalog), &older.path());
    drop(freeze(&data.open(), 2, b"ledgers"));
    drop(data.open());
    std::fs::remove_dir_all(data.root(RootRole::Events)).unwrap();
    std::fs::remove_dir_all(data.root(RootRole::Catalog)).unwrap();
    copy_tree(&older.path(), &data.root(RootRole::Catalog));
    refused(&data);
    let catalog = Catalog::open(data.roots().adopt().unwrap()).unwrap();
    assert_eq!((catalog.id(), state(&catalog, 2)), (id, None));
    drop(catalog);
    assert_eq!(data.open().id(), id);

    // Without `adopt`, an older copy of the catalog alone is refused, because the witness in the ledgers root
    // records the newer one.
    drop(freeze(&data.open(), 3, b"ledgers"));
    drop(data.open());
    std::fs::remove_dir_all(data.root(RootRole::Catalog)).unwrap();
    copy_tree(&older.path(), &data.root(RootRole::Catalog));
    let error = Catalog::open(data.roots().lock().unwrap()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

/// The newer catalog's record may be in either slot of the witness, and must not come back.
#[test]
fn an_older_catalog_is_taken_in_after_any_number_of_starts() {
    for starts in 1..4 {
        let data = used();
        let older = Data::new();
        copy_tree(&data.root(RootRole::Catalog), &older.path());
        for number in 2..2 + starts {
            drop(freeze(&data.open(), number, b"ledgers"));
        }
        std::fs::remove_dir_all(data.root(RootRole::Catalog)).unwrap();
        copy_tree(&older.path(), &data.root(RootRole::Catalog));
        drop(Catalog::open(data.roots().adopt().unwrap()).unwrap());
        assert_eq!(state(&data.open(), 2), None);
        assert_eq!(state(&data.open(), 1), Some(ArtifactState::Frozen));
    }
}

/// A new catalog starts over the files of a lost one. The files stay and are not overwritten.
#[test]
fn starting_over_keeps_the_files() {
    let data = used();
    let id = data.open().id();
    let (_, found) = problem(data.roots().start_over());
    assert_eq!(found, IdentityProblem::HoldsCatalog);
    std::fs::remove_dir_all(data.root(RootRole::Catalog)).unwrap();
    refused(&data);
    problem(data.roots().adopt());
    let catalog = Catalog::open(data.roots().start_over().unwrap()).unwrap();
    assert_ne!(catalog.id(), id);
    assert_eq!(state(&catalog, 1), None);
    let error = catalog.begin::<Ledgers>(chunk(1)).unwrap_err();
    assert!(error.to_string().contains("00000001.pack"), "{error}");
    assert_eq!(std::fs::read(data.pack(1)).unwrap(), b"ledgers");
    drop(freeze(&catalog, 2, b"ledgers"));
    drop(catalog);
    assert_eq!(state(&data.open(), 2), Some(ArtifactState::Frozen));
}

/// The first start was interrupted. Roots that hold nothing yet may be created again.
#[test]
fn an_interrupted_first_start_goes_on() {
    let data = Data::new();
    let locked = data.roots().lock().unwrap();
    let id = locked.catalog_id();
    drop(locked);
    for role in RootRole::ALL {
        std::fs::remove_dir_all(data.root(role)).unwrap();
        let locked = data.roots().lock().unwrap();
        assert_eq!(locked.catalog_id(), id);
    }
    assert_eq!(data.open().id(), id);
    std::fs::remove_dir_all(data.root(RootRole::Hot)).unwrap();
    refused(&data);
}

/// The catalog root is another program's directory, and the other roots do not exist.
#[test]
fn a_foreign_directory_is_refused_before_anything_is_created() {
    let data = Data::new();
    let foreign = data.outside().join("home");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.tex"), "a thesis").unwrap();
    let before = tree(data.outside());
    let roots = data.roots().with(RootRole::Catalog, &foreign).unwrap();
    for roots in [
        roots.clone().lock(),
        roots.clone().adopt(),
        roots.start_over(),
    ] {
        let error = roots.unwrap_err();
        assert!(matches!(error, LockError::ForeignFile { .. }), "{error}");
        assert!(error.to_string().contains("thesis.tex"), "{error}");
    }
    assert!(tree(data.outside()) == before);
}

/// An operator deletes the lock files of a running node as "stale". The directories are locked too.
#[test]
fn deleted_lock_files_let_no_other_process_in() {
    let data = used();
    let catalog = data.open();
    for role in RootRole::ALL {
        std::fs::remove_file(data.root(role).join(frostline::key::LOCK_FILE)).unwrap();
    }
    for _ in 0..2 {
        let error = data.roots().lock().unwrap_err();
        assert!(matches!(
            error,
            LockError::InUse {
                role: RootRole::Catalog,
                by_this_process: true,
                ..
            }
        ));
    }
    drop(catalog);
    assert_eq!(state(&data.open(), 1), Some(ArtifactState::Frozen));
}

/// Opening a pipe would wait for its other end.
#[test]
fn a_pipe_in_place_of_a_lock_file_is_named() {
    let data = used();
    let lock = data.root(RootRole::Events).join(frostline::key::LOCK_FILE);
    std::fs::remove_file(&lock).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&lock).status();
    assert!(made.unwrap().success());
    let error = chain(&data.roots().lock().unwrap_err());
    assert!(error.contains("not a regular file"), "{error}");
    assert!(error.contains(lock.to_str().unwrap()), "{error}");
}

/// The identities are complete on disk before the first start ends.
#[test]
fn every_root_has_its_identity() {
    let data = used();
    let id = data.open().id().to_string();
    assert_eq!(id.len(), 32);
    for role in RootRole::ALL {
        let text = std::fs::read_to_string(data.root(role).join(IDENTITY)).unwrap();
        let expected = format!("frostline root catalog {id} role {role} layout 1 state founded ");
        assert!(text.starts_with(&expected), "{text}");
        assert!(
            !Path::new(&data.root(role))
                .join("frostline.identity.new")
                .exists()
        );
    }
}

/// Checks the texts that an operator reads.
#[test]
fn the_texts_of_the_problems() {
    let data = used();
    let catalog = data.open().id();
    let problems = [
        IdentityProblem::Missing { catalog },
        IdentityProblem::NoCatalog { catalog },
        IdentityProblem::OtherRole {
            found: RootRole::Hot,
            catalog,
        },
        IdentityProblem::OtherCatalog {
            found: catalog,
            catalog,
            of: "/data/catalog/rocksdb".into(),
        },
        IdentityProblem::NewerLayout { found: 2 },
        IdentityProblem::Damaged,
        IdentityProblem::Unidentified,
        IdentityProblem::HoldsCatalog,
    ];
    let mut text = String::new();
    for problem in problems {
        let error = LockError::Identity {
            role: RootRole::Ledgers,
            path: "/data/ledgers".into(),
            problem,
        };
        assert_eq!(Failure::next(&error), NextStep::Person);
        text = format!("{text}{:?}\n  {error}\n", error.kind());
    }
    let foreign = LockError::ForeignFile {
        path: "/home".into(),
        found: "thesis.tex".to_owned(),
    };
    assert_eq!(Failure::next(&foreign), NextStep::Person);
    text = format!("{text}{:?}\n  {foreign}\n", foreign.kind());
    crate::snapshot::check(
        "errors_identity",
        &text.replace(&catalog.to_string(), "{id}"),
    );
}
