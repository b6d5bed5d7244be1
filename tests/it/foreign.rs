//! Files and directories that are not the library's, in places where it looks: they are named and stay.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use frostline::error::FailureKind;
use frostline::error::OpenError;
use frostline::{Catalog, Ledgers, RootRole};

use crate::child::{child, is_child};
use crate::fixture::{Data, chain, chunk, freeze, tree};

/// A directory of another program, given as the catalog root: nothing in it is removed, whatever its
/// entries are called.
#[test]
fn a_directory_of_another_program_is_untouched() {
    for marker in ["creating", "frostline.creating"] {
        for is_directory in [true, false] {
            let data = Data::new();
            let root = data.root(RootRole::Catalog);
            std::fs::create_dir_all(root.join("photos")).unwrap();
            std::fs::write(root.join("photos/1.jpg"), "a photo").unwrap();
            std::fs::write(root.join("thesis.tex"), "a thesis").unwrap();
            if is_directory {
                std::fs::create_dir(root.join(marker)).unwrap();
                std::fs::write(root.join(marker).join("draft.tex"), "a draft").unwrap();
            } else {
                std::fs::write(root.join(marker), "a file").unwrap();
            }
            let before = tree(&root);
            if let Ok(locked) = data.roots().lock() {
                Catalog::open(locked).unwrap_err();
            }
            let mut after = tree(&root);
            after.remove(Path::new(frostline::key::LOCK_FILE));
            assert_eq!(after, before, "{marker}");
        }
    }
}

/// The same where the library's own creation was interrupted, or its staging directory has come back: only
/// regular files with names that RocksDB makes are removed.
#[test]
fn an_interrupted_creation_with_other_files_is_untouched() {
    const STAGING: &str = "frostline.creating";
    let others: [(&str, bool); 3] = [
        ("frostline.creating/thesis.tex", false),
        ("frostline.creating/000007.log", true),
        ("000007.log", true),
    ];
    for (other, is_directory) in others {
        for is_complete in [false, true] {
            let data = Data::new();
            let root = data.root(RootRole::Catalog);
            if is_complete {
                drop(freeze(&data.open(), 1, b"ledgers"));
            }
            std::fs::create_dir_all(root.join(STAGING)).unwrap();
            let path = root.join(other);
            if is_directory {
                let _there = std::fs::remove_file(&path);
                std::fs::create_dir(&path).unwrap();
                std::fs::write(path.join("draft.tex"), "a draft").unwrap();
            } else {
                std::fs::write(&path, "a thesis").unwrap();
            }
            let before = tree(&root);
            let error = Catalog::open(data.roots().lock().unwrap()).unwrap_err();
            let is_named = chain(&error).contains(other.rsplit('/').next().unwrap());
            assert!(is_named, "{other}: {}", chain(&error));
            let mut after = tree(&root);
            for own in [frostline::key::LOCK_FILE, "frostline.identity"] {
                if !before.contains_key(Path::new(own)) {
                    after.remove(Path::new(own));
                }
            }
            assert_eq!(after, before, "{other}, {is_complete}");
        }
    }
}

/// Opens in a thread of its own, because a pipe that is opened waits for its other end.
fn open_in_time(data: &Data) -> Result<(), OpenError> {
    let (sender, receiver) = mpsc::channel();
    let locked = data.roots().lock().unwrap();
    thread::spawn(move || sender.send(Catalog::open(locked).map(drop)));
    let opened = receiver.recv_timeout(Duration::from_secs(20));
    opened.expect("opening waits for a pipe")
}

/// A pipe under a name of the store's own files, or of the witness.
#[test]
fn a_pipe_among_the_stores_files_is_named() {
    let names = [
        "CURRENT",
        "IDENTITY",
        "LOCK",
        "MANIFEST-000099",
        "OPTIONS-000099",
        "000099.log",
        "000099.sst",
        "frostline.reserve",
        "../../ledgers/frostline.witness",
    ];
    for name in names {
        let data = Data::new();
        drop(freeze(&data.open(), 1, b"bytes"));
        let path = data.root(RootRole::Catalog).join(name);
        if path.exists() {
            std::fs::remove_file(&path).unwrap();
        }
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let error = open_in_time(&data).expect_err(name);
        let text = chain(&error);
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(text.contains(name), "{text}");
        assert!(text.contains("not a regular file"), "{text}");
        std::fs::remove_file(&path).unwrap();
    }
}

/// The catalog's directory is moved away while it is open, and another node creates a catalog in its
/// place. RocksDB goes by path: without care the first one's flush would write into the second one's
/// directory.
#[test]
fn a_moved_catalog_does_not_write_into_its_successor() {
    let first = Data::new();
    let root = first.root(RootRole::Catalog);
    let moved = root.with_extension("moved");
    let catalog = first.open();
    std::fs::rename(&root, &moved).unwrap();

    let second = Data::new();
    let roots = second.roots().with(RootRole::Catalog, &root).unwrap();
    let successor = Catalog::open(roots.clone().lock().unwrap()).unwrap();
    drop(freeze(&successor, 7, b"the second one's"));
    let before = tree(&root);

    // More than the longest log: the first one flushes, and begins another log.
    for batch in 0..80 {
        let chunks = (batch * 1_000..(batch + 1) * 1_000).map(chunk);
        drop(catalog.begin_all::<Ledgers>(chunks).unwrap());
    }
    let tables = |directory: &Path| {
        let files = tree(directory).into_keys();
        files
            .filter(|file| file.extension().is_some_and(|end| end == "sst"))
            .count()
    };
    assert!(tables(&moved) > 0, "the first one has flushed");
    assert!(tree(&root) == before, "the second one's directory changed");
    drop(catalog);
    assert!(tree(&root) == before, "the second one's directory changed");

    drop(successor);
    let successor = Catalog::open(roots.lock().unwrap()).unwrap();
    assert_eq!(successor.chunk_artifact_keys().unwrap().count(), 1);
    drop(successor);
    std::fs::rename(&root, root.with_extension("second")).unwrap();
    std::fs::rename(&moved, &root).unwrap();
    assert_eq!(first.open().chunk_artifact_keys().unwrap().count(), 80_000);
}

/// A process that may open few files, wherever it meets its limit: it is told of the limit, and not to
/// restore anything; and with a higher limit all is there.
#[test]
fn a_limit_of_open_files_is_named_in_the_error() {
    let data = Data::new();
    drop(freeze(&data.open(), 1, b"bytes"));
    let program = crate::examples::binary("recover");
    let mut refused = 0;
    for limit in 4..60 {
        let command = format!("ulimit -n {limit}; exec \"$0\" --data-dir \"$1\"");
        let output = Command::new("sh")
            .args(["-c", &command])
            .arg(&program)
            .arg(data.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        if output.status.success() || text.contains("shared libraries") {
            continue;
        }
        refused += 1;
        assert!(text.contains("limit of open files"), "{limit}: {text}");
        assert!(!text.contains("restore"), "{limit}: {text}");
    }
    assert!(refused > 10, "only {refused} were refused");
    assert_eq!(data.open().chunk_artifact_keys().unwrap().count(), 1);
}

/// The variable with the path of the store that the program below opens.
const STORE: &str = "FROSTLINE_STORE";

#[test]
fn the_program_that_has_the_store_open() {
    if !is_child() {
        return;
    }
    let store = rocksdb::DB::open(&rocksdb::Options::default(), std::env::var(STORE).unwrap());
    println!("\nopen: {}", store.is_ok());
    // Until the test has seen what it wanted.
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

/// RocksDB's own lock, held by a program that knows nothing of frostline's.
#[test]
fn a_store_that_another_program_has_open_is_told_as_that() {
    let data = Data::new();
    drop(freeze(&data.open(), 1, b"bytes"));
    let mut other = child("foreign::the_program_that_has_the_store_open")
        .env(STORE, data.root(RootRole::Catalog))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(other.stdout.take().unwrap());
    let mut said = said.lines().map(Result::unwrap);
    assert!(said.any(|line| line == "open: true"));
    let text = chain(&Catalog::open(data.roots().lock().unwrap()).unwrap_err());
    assert!(text.contains("another program has it open"), "{text}");
    assert!(!text.contains("restore"), "{text}");
    other.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(other.wait().unwrap().success());
}

/// An error of opening says by what was done whether anything may be in doubt.
#[test]
fn a_sync_that_fails_while_opening_is_fatal() {
    use crate::fixture::{EIO, Faults};
    use frostline::error::Operation;
    for (operation, kind) in [
        (Operation::SyncFile, FailureKind::Fatal),
        (Operation::SyncDirectory, FailureKind::Fatal),
        (Operation::OpenStore, FailureKind::Fatal),
        (Operation::ReserveSpace, FailureKind::Retryable),
        (Operation::WriteFile, FailureKind::Retryable),
    ] {
        let mut failed = 0;
        for nth in 0.. {
            let data = Data::new();
            drop(freeze(&data.open(), 1, b"bytes"));
            let faults = Faults::new();
            let locked = data.roots().lock_with_probe(faults.probe()).unwrap();
            faults.arm(operation, nth, EIO);
            let opened = Catalog::open(locked);
            if !faults.has_fired() {
                break;
            }
            failed += 1;
            let error = opened.expect_err("a failed operation");
            assert_eq!(error.kind(), kind, "{operation} {nth}: {}", chain(&error));
        }
        assert!(failed > 0, "an opening never does {operation}");
    }
}
