//! The compile-fail tests: what must not compile, and what a person is told.
//!
//! Each file of `tests/ui/` makes one mistake; the `.stderr` beside it is the compiler's answer.
//!
//! The files are compiled in a target directory of their own, where RocksDB's C++ would be built again,
//! a quarter of an hour each time. Its build script takes a finished library instead, if it is told
//! where one is: so this program finds the one that it was itself linked with, and starts itself again
//! with that in its environment.
//!
//! Compilers change the words of their messages in nearly every release. The answers are therefore compared with one
//! compiler; with any other the files are left out, the last line of `make test` says so, and CI fails.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "a test program, which fails by panicking"
)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::SystemTime;

const COMPILER: &str = "rustc 1.95.";
const LIBRARY: &str = "librocksdb.a";
const LIBRARY_DIR: &str = "ROCKSDB_LIB_DIR";

fn main() -> ExitCode {
    if env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let compiler = compiler_version();
    if !compiler.starts_with(COMPILER) {
        println!("compile-fail tests: SKIPPED, written for {COMPILER}x and not for {compiler}");
        return ExitCode::SUCCESS;
    }
    if env::var_os(LIBRARY_DIR).is_some() {
        trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
        return ExitCode::SUCCESS;
    }
    let own = env::current_exe().expect("a running program has a path");
    let library = built_library(&own).unwrap_or_else(|| {
        let own = own.display();
        panic!("no build/librocksdb-sys-*/out/{LIBRARY} beside {own}: run `cargo test` as a whole")
    });
    let status = Command::new(own)
        .env(LIBRARY_DIR, library)
        .env("ROCKSDB_STATIC", "1")
        .status()
        .expect("this program can be started again");
    if !status.success() {
        return ExitCode::FAILURE;
    }
    let count = cases(Path::new("tests/ui"));
    println!("\ntest result: ok. {count} passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
    ExitCode::SUCCESS
}

fn compiler_version() -> String {
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(compiler).arg("--version").output();
    let output = output.expect("the compiler that built this can be asked for its version");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The newest directory with a built library, from `{profile}/deps/{own}` to
/// `{profile}/build/librocksdb-sys-{hash}/out`.
fn built_library(own: &Path) -> Option<PathBuf> {
    let profile = own.parent()?.parent()?;
    let entries = std::fs::read_dir(profile.join("build")).ok()?;
    let built = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name();
        let ours = name.to_string_lossy().starts_with("librocksdb-sys-");
        let out = entry.path().join("out");
        let age: SystemTime = out.join(LIBRARY).metadata().ok()?.modified().ok()?;
        ours.then_some((age, out))
    });
    let (_, newest) = built.max()?;
    Some(newest)
}

fn cases(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).expect("the cases are there");
    let sources = entries.filter(|entry| {
        let path = entry.as_ref().map(std::fs::DirEntry::path);
        path.is_ok_and(|path| path.extension().is_some_and(|end| end == "rs"))
    });
    sources.count()
}
