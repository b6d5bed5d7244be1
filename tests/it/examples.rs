//! Every numbered example prints what it always printed.
#![expect(
    clippy::disallowed_methods,
    reason = "a test may read what Cargo has left beside its programs"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::snapshot;

#[test]
fn ex01_boot() {
    check("ex01_boot");
}

#[test]
fn ex02_freeze_one() {
    check("ex02_freeze_one");
}

#[test]
fn ex03_freeze_set() {
    check("ex03_freeze_set");
}

#[test]
fn ex04_hot_directory() {
    check("ex04_hot_directory");
}

#[test]
fn ex05_prune_with_readers() {
    check("ex05_prune_with_readers");
}

#[test]
fn ex06_restart_over_debris() {
    check("ex06_restart_over_debris");
}

/// Its disk exists in memory only, so it takes no directory.
#[test]
fn ex07_your_own_file() {
    check("ex07_your_own_file");
}

#[test]
fn ex08_freeze_group() {
    check("ex08_freeze_group");
}

#[test]
fn ex09_freeze_stream() {
    check("ex09_freeze_stream");
}

#[test]
fn ex10_process_chunk() {
    check("ex10_process_chunk");
}

#[test]
fn ex11_backfill() {
    check("ex11_backfill");
}

#[test]
fn ex12_route_queries() {
    check("ex12_route_queries");
}

#[test]
fn ex13_index() {
    check("ex13_index");
}

#[test]
fn ex14_lifecycle_tick() {
    check("ex14_lifecycle_tick");
}

#[test]
fn ex15_last_ledger() {
    check("ex15_last_ledger");
}

#[test]
fn ex16_surgical_recovery() {
    check("ex16_surgical_recovery");
}

/// Runs an example in the directory that it is given and in the temporary one that it makes itself:
/// the output is the same, and it is the snapshot.
fn check(example: &str) {
    let directory = tempfile::tempdir().unwrap();
    let output = run(example, Some(directory.path()));
    assert_eq!(output, run(example, None), "the output depends on where");
    let number = example.strip_prefix("ex").unwrap();
    snapshot::check(&format!("example_{number}"), &output);
}

fn run(example: &str, directory: Option<&Path>) -> String {
    let mut command = Command::new(binary(example));
    command.args(directory);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{example} failed: {errors}");
    assert_eq!(errors, "", "{example} has warned");
    String::from_utf8(output.stdout).unwrap()
}

/// The example's program. Cargo puts it into `examples/`, beside the `deps/` that this test is in.
pub fn binary(example: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let name = format!("{example}{}", std::env::consts::EXE_SUFFIX);
    let binary = profile.join("examples").join(name);
    assert!(binary.is_file(), "`{example}` has not been built: {REMEDY}");
    if let Some(source) = newer_source(&binary) {
        panic!("`{example}` is older than `{source}`: {REMEDY}");
    }
    binary
}

const REMEDY: &str =
    "a plain `cargo test` builds the examples; before `--test it`, run `cargo build --examples`";

/// A source that has changed since the program was built, going by the list that Cargo leaves beside
/// it. Without this, `--test it` would test yesterday's example and pass.
fn newer_source(binary: &Path) -> Option<String> {
    let modified = |path: &Path| path.metadata().and_then(|found| found.modified());
    let built = modified(binary).unwrap();
    let list = std::fs::read_to_string(binary.with_extension("d")).unwrap();
    // `PROGRAM: SOURCE SOURCE ...`, where a space inside a path is escaped by a backslash.
    let (_program, sources) = list.split_once(": ").unwrap();
    let sources = sources.trim_end().replace("\\ ", "\0");
    sources
        .split(' ')
        .map(|source| source.replace('\0', " "))
        .find(|source| modified(Path::new(source)).is_ok_and(|changed| changed > built))
}
