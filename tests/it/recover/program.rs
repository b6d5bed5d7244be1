//! The `recover` example.

use std::path::Path;
use std::process::{Command, Output};

use frostline::RootRole;
use frostline::key::LOCK_FILE;

use super::wreck;
use crate::fixture::{Data, freeze, tree};
use crate::{examples, snapshot};

fn program(arguments: &[&str], data: &Path) -> Output {
    let mut command = Command::new(examples::binary("recover"));
    command.arg("--data-dir").arg(data).args(arguments);
    command.output().unwrap()
}

#[track_caller]
fn succeeds(data: &Data, arguments: &[&str]) -> String {
    let output = program(arguments, &data.path());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""));
    data.redact(&String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_program_settles_and_audits() {
    let data = Data::new();
    let catalog = data.open();
    wreck(&catalog);
    drop(catalog);
    let report = succeeds(&data, &["--debris", "report"]);
    let first = succeeds(&data, &[]);
    let second = succeeds(&data, &[]);
    snapshot::check("example_recover", &format!("{report}\n{first}\n{second}"));
}

#[test]
fn where_there_is_nothing_the_program_creates_nothing() {
    let data = Data::new();
    assert!(succeeds(&data, &[]).contains("nothing to recover"));
    assert!(!data.path().exists());
    std::fs::create_dir(data.path()).unwrap();
    succeeds(&data, &[]);
    std::fs::write(data.path().join("holiday photo.jpg"), b"").unwrap();
    succeeds(&data, &[]);
    assert_eq!(tree(&data.path()).len(), 1);
}

/// The leftovers of a crash in the very first start: some roots, some lock files, half a catalog.
#[test]
fn the_program_finishes_an_interrupted_first_start() {
    for entries in [
        &["catalog/rocksdb/"][..],
        &["catalog/rocksdb/", "ledgers/"],
        &["hot/", "events/"],
        &["catalog/rocksdb/", "catalog/rocksdb/frostline.creating/"],
        &[
            "catalog/rocksdb/frostline.creating/",
            "catalog/rocksdb/MANIFEST-000001",
        ],
    ] {
        let data = Data::new();
        for entry in entries {
            let path = data.path().join(entry);
            if entry.ends_with('/') {
                std::fs::create_dir_all(path).unwrap();
            } else {
                std::fs::write(path, b"").unwrap();
            }
        }
        let text = succeeds(&data, &[]);
        assert!(text.contains("clean: "), "{entries:?}: {text}");
        assert!(data.root(RootRole::Hot).join(LOCK_FILE).exists());
    }
}

#[test]
fn the_exit_code_of_the_program_tells_the_outcome() {
    let data = Data::new();
    let catalog = data.open();
    drop(freeze(&catalog, 7, b"here"));
    let locked = program(&[], &data.path());
    assert_eq!(locked.status.code(), Some(2));
    let text = String::from_utf8(locked.stderr).unwrap();
    assert!(text.contains("is in use by process"), "{text}");
    drop(catalog);
    std::fs::remove_file(data.pack(7)).unwrap();
    let found = program(&[], &data.path());
    assert_eq!(found.status.code(), Some(1));
    let text = String::from_utf8(found.stdout).unwrap();
    assert!(text.contains("is missing"), "{text}");
    for arguments in [
        &["--debris", "keep"][..],
        &["--debris"],
        &["--config", "/both"],
        &["--unknown"],
    ] {
        let output = program(arguments, &data.path());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains("usage: recover"), "{errors}");
    }
    let file = data.outside().join("a file");
    std::fs::write(&file, b"").unwrap();
    assert_eq!(program(&[], &file).status.code(), Some(2));
}
