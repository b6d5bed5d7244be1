//! The `lifecycle` example, which runs a small node's storage.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::fixture::{Data, tree};
use crate::{examples, snapshot};

fn lifecycle<'a>(data: &Path, options: impl IntoIterator<Item = &'a str>) -> Output {
    let mut command = Command::new(examples::binary("lifecycle"));
    command.arg("--data-dir").arg(data).args(options);
    command.output().unwrap()
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(errors, "");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn fails(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn its_output_is_stable_and_a_second_run_does_nothing() {
    let world = Data::new();
    let options = ["--chunks", "4", "--ledgers", "5", "--retain", "2"];
    let first = succeeds(&lifecycle(&world.path(), options));
    let before = world.tree();
    let second = succeeds(&lifecycle(&world.path(), options));
    assert_eq!(unlocked(world.tree()), unlocked(before));
    snapshot::check("example_lifecycle", &format!("{first}\n{second}"));
}

/// Returns the tree without the library's own files, because every start writes into them.
fn unlocked(
    mut tree: std::collections::BTreeMap<PathBuf, Vec<u8>>,
) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    tree.retain(|path, _| {
        !frostline::key::OWN_FILES
            .iter()
            .any(|name| path.ends_with(name))
    });
    tree
}

#[test]
fn a_configuration_is_obeyed() {
    let world = Data::new();
    std::fs::create_dir_all(world.path()).unwrap();
    let file = world.path().join("node.toml");
    let text = "[service]\ndefault_data_dir = \"node\"\n\
                [immutable_storage.ledgers]\npath = \"cold storage\"\n\
                [streaming]\ncaptive_core_config = \"core.cfg\"\nretention_chunks = 1\n\
                earliest_ledger = \"10000002\"\n";
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(examples::binary("lifecycle"));
    command.arg("--config").arg(&file);
    let output = command.args(["--chunks", "2", "--ledgers", "1"]).output();
    let text = succeeds(&output.unwrap());
    assert!(text.contains("earliest ledger 10000002"), "{text}");
    let cold: Vec<_> = tree(&world.path().join("cold storage"))
        .into_keys()
        .collect();
    assert!(cold.contains(&"00001/00001001.pack".into()), "{cold:?}");
    assert!(!cold.contains(&"00001/00001000.pack".into()), "{cold:?}");
}

/// Asserts that the pack holds the bytes of a lake's object behind a sequence number and a length.
#[track_caller]
fn assert_packed(world: &Data, chunk: u32, object: &[u8]) {
    let pack = std::fs::read(world.pack(chunk)).unwrap();
    assert_eq!(pack.len(), 8 + object.len());
    assert_eq!(&pack[8..], object);
}

#[test]
fn the_objects_of_a_lake_are_stored_unmodified() {
    let world = Data::new();
    let lake = world.path().join("lake");
    std::fs::create_dir_all(&lake).unwrap();
    // The content does not match the names and is not compressed. The program must store any bytes.
    let object = b"\0\xff any bytes at all";
    std::fs::write(lake.join("FCD285FF--53312000.xdr.zstd"), object).unwrap();
    std::fs::write(lake.join("FFFFFFFD--2.xdr.zstd"), b"genesis").unwrap();
    std::fs::write(lake.join("README"), b"not an object").unwrap();
    let options = ["--retain", "0", "--lake", lake.to_str().unwrap()];
    succeeds(&lifecycle(&world.path(), options));
    assert_packed(&world, 5331, object);
    assert_packed(&world, 0, b"genesis");
}

/// Uses a real object of the public data lake, if one lies beside the checkout.
#[test]
fn a_real_ledger_is_stored_unmodified() {
    let lake = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let Ok(object) = std::fs::read(lake.join("FCD285FF--53312000.xdr.zstd")) else {
        crate::fixture::skipped("no real ledger beside this checkout");
        return;
    };
    let world = Data::new();
    succeeds(&lifecycle(
        &world.path(),
        ["--lake", lake.to_str().unwrap()],
    ));
    assert_packed(&world, 5331, &object);
}

#[test]
fn an_object_whose_name_contradicts_itself_is_refused_before_anything_is_made() {
    for name in [
        "FCD285FE--53312000.xdr.zstd",
        "fcd285ff--53312000.xdr.zstd",
        "FCD285FF--053312000.xdr.zstd",
        "FCD285FF-53312000.xdr.zstd",
        "FFFFFFFE--1.xdr.zstd",
        ".xdr.zstd",
    ] {
        let world = Data::new();
        let lake = world.path().join("lake");
        std::fs::create_dir_all(&lake).unwrap();
        std::fs::write(lake.join(name), b"bytes").unwrap();
        let before = tree(&world.path());
        let error = fails(&lifecycle(
            &world.path(),
            ["--lake", lake.to_str().unwrap()],
        ));
        assert!(error.contains("lifecycle: "), "{error}");
        assert_eq!(tree(&world.path()), before, "{name}");
    }
}

#[test]
fn a_wrong_command_line_is_refused() {
    let world = Data::new();
    for options in [
        ["--ledgers", "10001"],
        ["--chunks", "-1"],
        ["--retain", "many"],
        ["--data-dir", "/twice"],
        ["--config", "/both"],
        ["--unknown", "option"],
    ] {
        let output = lifecycle(&world.path(), options);
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert!(fails(&output).contains("usage: lifecycle"));
    }
    assert!(!world.path().exists());
}

#[test]
fn a_second_node_on_the_same_directory_is_refused() {
    let world = Data::new();
    let catalog = world.open();
    let error = fails(&lifecycle(&world.path(), []));
    assert!(error.contains("catalog root"), "{error}");
    assert!(error.contains(&std::process::id().to_string()), "{error}");
    drop(catalog);
    succeeds(&lifecycle(
        &world.path(),
        ["--chunks", "1", "--ledgers", "1"],
    ));
}
