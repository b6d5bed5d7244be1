//! Roots: which directories are accepted, and how the library uses them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use frostline::error::LockError;
use frostline::key::LOCK_FILE;
use frostline::{Catalog, RootRole, StorageRoots};

use crate::fixture::{Data, freeze, state, tree};
use crate::mounts::Mount;

/// Locks the default roots with some overridden, and returns the text of the refusal. The refusal must change
/// nothing on disk.
#[track_caller]
fn refusal(world: &Data, overrides: &[(RootRole, PathBuf)]) -> String {
    let mut roots = world.roots();
    for (role, path) in overrides {
        roots = roots.with(*role, path).unwrap();
    }
    let around = world.path().parent().unwrap().to_path_buf();
    let before = tree(&around);
    let error = roots.lock().expect_err("these roots are refused");
    assert_eq!(tree(&around), before, "a refusal changes nothing: {error}");
    crate::fixture::chain(&error)
}

/// Pitfall 16: two spellings of one directory name the same root.
#[test]
fn two_roles_on_one_directory_are_refused_however_it_is_spelled() {
    let world = Data::new();
    let data = world.path();
    std::fs::create_dir_all(data.join("ledgers")).unwrap();
    symlink(data.join("ledgers"), data.join("link")).unwrap();
    for spelling in ["ledgers", "link", "ledgers/../ledgers", "./ledgers/."] {
        let text = refusal(&world, &[(RootRole::Events, data.join(spelling))]);
        assert!(text.contains("are one directory"), "{text}");
        assert!(
            text.contains("ledgers root") && text.contains("events root"),
            "{text}"
        );
    }
    // The same holds for a root that does not exist yet.
    let text = refusal(
        &world,
        &[
            (RootRole::Events, data.join("new/x")),
            (RootRole::Hot, data.join("link/../new/x")),
        ],
    );
    assert!(text.contains("are one directory"), "{text}");
}

/// Pitfall 16: a root that is reached through a link does not conflict with itself.
#[test]
fn a_root_behind_a_link_locks_and_writes_one_directory() {
    let world = Data::new();
    let real = world.path().join("volume/real");
    std::fs::create_dir_all(&real).unwrap();
    symlink(&real, world.path().join("link")).unwrap();
    let link = world.path().join("link");
    let roots = world.roots().with(RootRole::Ledgers, link).unwrap();
    let catalog = Catalog::open(roots.lock().unwrap()).unwrap();
    drop(freeze(&catalog, 1, b"bytes"));
    assert!(real.join("00000/00000001.pack").exists());
    assert!(real.join(LOCK_FILE).exists());
    let other = StorageRoots::under(world.path().join("other")).unwrap();
    let other = other.with(RootRole::Ledgers, real).unwrap();
    assert!(matches!(other.lock(), Err(LockError::InUse { .. })));
}

/// Pitfall 16, through a bind mount, if this test may make one.
#[test]
fn a_bind_mount_is_the_directory_that_it_shows() {
    let world = Data::new();
    let data = world.path();
    let (ledgers, mirror) = (data.join("ledgers"), data.join("mirror"));
    std::fs::create_dir_all(ledgers.join("inner")).unwrap();
    let Some(_mount) = Mount::bind(&ledgers, &mirror) else {
        return;
    };
    let text = refusal(&world, &[(RootRole::Events, mirror.clone())]);
    assert!(text.contains("are one directory"), "{text}");
    let text = refusal(&world, &[(RootRole::Events, mirror.join("inner"))]);
    assert!(text.contains("is inside the ledgers root"), "{text}");
}

/// Pitfall 17: nesting is refused in both directions, for existing and missing directories, and with `/` as the
/// outer root.
#[test]
fn nested_roots_are_refused() {
    let world = Data::new();
    let data = world.path();
    for (role, path) in [
        (RootRole::Events, data.join("ledgers/events")),
        (RootRole::Hot, data.join("ledgers")),
        (RootRole::Hot, data.clone()),
        (RootRole::Hot, "/".into()),
        (RootRole::Catalog, data.join("hot/deep/er")),
    ] {
        let mut paths = vec![(role, path)];
        if paths[0].1 == data.join("ledgers") {
            paths.push((RootRole::Ledgers, data.join("ledgers/below")));
        }
        let text = refusal(&world, &paths);
        assert!(text.contains(" is inside the "), "{text}");
    }
    std::fs::create_dir_all(data.join("ledgers/events")).unwrap();
    let text = refusal(&world, &[(RootRole::Events, data.join("ledgers/events"))]);
    assert!(
        text.contains("events root") && text.contains("inside the ledgers root"),
        "{text}"
    );
}

/// Pitfall 17: `/data/store` is not inside `/data/storefront`, nor the other way round.
#[test]
fn a_common_prefix_of_names_is_not_nesting() {
    let world = Data::new();
    let roots = world
        .roots()
        .with(RootRole::Ledgers, world.path().join("store"))
        .and_then(|roots| roots.with(RootRole::Events, world.path().join("storefront")))
        .unwrap();
    // The roots are accepted before and after they exist.
    drop(roots.clone().lock().unwrap());
    drop(roots.lock().unwrap());
}

/// Pitfalls 15 and 27: the locked directory is the written directory.
#[test]
fn overridden_roots_are_locked_and_used() {
    let world = Data::new();
    let elsewhere = world.path().join("a path with spaces/ledgers");
    let roots = world.roots().with(RootRole::Ledgers, &elsewhere).unwrap();
    let catalog = Catalog::open(roots.lock().unwrap()).unwrap();
    let frozen = freeze(&catalog, 5_350, b"bytes");
    let pack = elsewhere.join("00005/00005350.pack");
    assert_eq!(frozen.lease().path(frostline::Ledgers::PACK), pack);
    assert_eq!(std::fs::read(pack).unwrap(), b"bytes");
    assert!(elsewhere.join(LOCK_FILE).exists());
    assert!(!world.path().join("ledgers").exists());
}

#[test]
fn a_path_that_is_not_utf8_works() {
    let world = Data::new();
    let data = world
        .path()
        .join(OsString::from_vec(b"\xff\xfe data".to_vec()));
    let roots = StorageRoots::under(&data).unwrap();
    let catalog = Catalog::open(roots.clone().lock().unwrap()).unwrap();
    drop(freeze(&catalog, 1, b"bytes"));
    drop(catalog);
    let catalog = Catalog::open(roots.lock().unwrap()).unwrap();
    assert!(state(&catalog, 1).is_some());
    let path = data.join("ledgers/00000/00000001.pack");
    assert!(path.exists());
    assert!(catalog.layout().key_of(&path).is_ok());
}

#[test]
fn a_file_where_a_root_should_be_is_refused() {
    let world = Data::new();
    std::fs::create_dir_all(world.path()).unwrap();
    std::fs::write(world.path().join("ledgers"), b"a file").unwrap();
    let text = refusal(&world, &[]);
    assert!(text.contains("ledgers root"), "{text}");
    assert!(text.contains("not a directory"), "{text}");
    let through = world.path().join("ledgers/below");
    let text = refusal(&world, &[(RootRole::Ledgers, through)]);
    assert!(text.contains("not a directory"), "{text}");
}

#[test]
fn a_dangling_link_is_refused() {
    let world = Data::new();
    std::fs::create_dir_all(world.path()).unwrap();
    symlink("/nowhere/at/all", world.path().join("ledgers")).unwrap();
    let text = refusal(&world, &[]);
    assert!(text.contains("symbolic link to nothing"), "{text}");
}

/// A root that another process creates between two look-ups is not reported as a link to nothing. That text
/// would make an operator remove a live root.
#[test]
fn a_root_that_comes_and_goes_is_not_taken_for_a_link() {
    let world = Data::new();
    let ledgers = world.path().join("ledgers");
    std::fs::create_dir_all(world.path()).unwrap();
    // This file makes each lock fail before anything is created, so that a round is a few look-ups.
    std::fs::write(world.path().join("hot"), b"a file").unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                std::fs::create_dir(&ledgers).unwrap();
                std::fs::remove_dir(&ledgers).unwrap();
            }
        });
        let begun = Instant::now();
        let mut links = 0;
        while begun.elapsed() < Duration::from_millis(800) {
            let error = world.roots().lock().unwrap_err();
            links += usize::from(crate::fixture::chain(&error).contains("symbolic link"));
        }
        done.store(true, Ordering::Relaxed);
        assert_eq!(links, 0);
    });
}

/// The obstacle is a file in place of a bucket, or a directory in place of an artifact's file.
#[test]
fn an_obstacle_to_an_artifact_is_named() {
    let world = Data::new();
    let catalog = world.open();
    std::fs::write(world.path().join("ledgers/00000"), b"a file").unwrap();
    let error = catalog
        .begin::<frostline::Ledgers>(crate::fixture::chunk(1))
        .unwrap_err();
    let text = crate::fixture::chain(&error);
    assert!(text.contains("ledgers/00000`"), "{text}");
    assert_eq!(state(&catalog, 1), None);
    std::fs::create_dir_all(world.pack(1_001)).unwrap();
    let error = catalog
        .begin::<frostline::Ledgers>(crate::fixture::chunk(1_001))
        .unwrap_err();
    assert!(error.to_string().contains("00001001.pack"), "{error}");
    assert_eq!(state(&catalog, 1_001), None);
}

/// The root is on a read-only file system, or would be created there. The test needs the right to mount.
#[test]
fn a_root_that_cannot_be_written_is_refused() {
    let world = Data::new();
    let read_only = world.path().join("read-only");
    let Some(_mount) = Mount::read_only(&read_only) else {
        return;
    };
    for path in [read_only.clone(), read_only.join("below")] {
        let text = refusal(&world, &[(RootRole::Ledgers, path)]);
        assert!(text.contains("ledgers root"), "{text}");
        assert!(text.contains("Read-only file system"), "{text}");
    }
}

/// The roots are writable, and mounted below a read-only mount of the same disk. A service whose other
/// directories are protected has such roots.
#[test]
fn roots_below_a_read_only_mount_of_their_disk_can_be_used() {
    let world = Data::new();
    let (outer, inner) = (world.outside().join("outer"), world.outside().join("inner"));
    std::fs::create_dir_all(outer.join("data")).unwrap();
    std::fs::create_dir(&inner).unwrap();
    let at = world.outside().join("protected");
    let Some(_protected) = Mount::bind_read_only(&outer, &at) else {
        return;
    };
    let Some(_data) = Mount::bind(&inner, &at.join("data")) else {
        return;
    };
    let roots = || StorageRoots::under(at.join("data")).unwrap();
    let catalog = Catalog::open(roots().lock().unwrap()).unwrap();
    drop(freeze(&catalog, 1, b"ledgers"));
    drop(catalog);
    let catalog = Catalog::open(roots().lock().unwrap()).unwrap();
    assert_eq!(state(&catalog, 1), Some(frostline::ArtifactState::Frozen));
}
