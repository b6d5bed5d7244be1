//! Puts each defect of `defects.toml` back into a copy of the project, one at a time, and checks that its test
//! fails.
//!
//! The arguments are words that the names of the defects must contain.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::panic,
    reason = "this program changes a copy of the project"
)]

mod list;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::Instant;

use list::Defect;

/// The outcome of putting a defect back.
enum Fate {
    Caught,
    Missed,
    /// The project does not build with the defect.
    DoesNotBuild(String),
    /// The test cannot run here, and says why.
    Skipped(String),
}

/// A copy of the project that is built beside the original, with the same dependencies.
struct Copy {
    directory: PathBuf,
}

impl Copy {
    fn new() -> Self {
        // The path is the same each time, so that builds of earlier runs are replaced.
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("defects");
        let _not_there = fs::remove_dir_all(&directory);
        create(&directory);
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        for entry in [
            "Cargo.toml",
            "Cargo.lock",
            "ARCHITECTURE.md",
            "docs",
            "README.md",
            "src",
            "tests",
            "examples",
            "benches",
            "snapshots",
        ] {
            copy(&project.join(entry), &directory.join(entry));
        }
        Self { directory }
    }

    fn cargo(&self, arguments: &[&str]) -> Output {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .current_dir(&self.directory)
            .args(["test", "--quiet", "--locked"])
            .args(arguments)
            // The build takes seconds. The dependencies have a profile of their own.
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        command
            .output()
            .unwrap_or_else(|error| panic!("cargo: {error}"))
    }

    /// Returns whether a test passes without any defect, or `None` if it cannot run here.
    fn passes(&self, caught_by: &str) -> Option<bool> {
        match self.run(caught_by) {
            Fate::Missed => Some(true),
            Fate::Skipped(_) => None,
            Fate::Caught | Fate::DoesNotBuild(_) => Some(false),
        }
    }

    fn try_it(&self, defect: &Defect) -> Fate {
        let file = self.directory.join(&defect.file);
        let sound = read(&file);
        write(&file, &sound.replacen(&defect.find, &defect.replace, 1));
        let fate = self.run(&defect.caught_by);
        write(&file, &sound);
        fate
    }

    fn run(&self, caught_by: &str) -> Fate {
        let (target, test) = match caught_by.split_once(": ") {
            Some(("lib", test)) => (vec!["--lib"], vec!["--exact", test]),
            Some(("threads", test)) => (vec!["--test", "threads"], vec!["--exact", test]),
            Some((_, words)) => (vec!["--test", "torture"], words.split(' ').collect()),
            None => (vec!["--test", "it"], vec!["--exact", caught_by]),
        };
        let built = self.cargo(&[&target[..], &["--no-run"]].concat());
        if !built.status.success() {
            return Fate::DoesNotBuild(text(&built.stderr));
        }
        let tested = self.cargo(&[&target[..], &["--"], &test[..]].concat());
        let said = text(&tested.stdout) + &text(&tested.stderr);
        match tested.status.success() {
            false => Fate::Caught,
            true if said.contains("kipped: ") || said.contains("SKIPPED") => Fate::Skipped(said),
            true => Fate::Missed,
        }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ignored = fs::remove_dir_all(&self.directory);
    }
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        return;
    }
    create(to);
    let entries = fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    for entry in entries.flatten() {
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

fn create(directory: &Path) {
    fs::create_dir_all(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words = words.iter().filter(|word| !word.starts_with('-'));
    let words: Vec<_> = words.collect();
    let mut defects = list::read(include_str!("defects.toml"));
    defects.retain(|defect| words.iter().all(|word| defect.name.contains(word.as_str())));
    let begun = Instant::now();
    let copy = Copy::new();
    let (mut caught, mut skipped, mut missed) = (0, 0, 0);
    let tests: BTreeSet<_> = defects.iter().map(|defect| &*defect.caught_by).collect();
    for test in tests {
        if copy.passes(test) == Some(false) {
            println!("defects: {test} FAILS without any of them");
            return ExitCode::FAILURE;
        }
    }
    for defect in &defects {
        let name = &defect.name;
        match copy.try_it(defect) {
            Fate::Caught => {
                caught += 1;
                println!("{name}: caught by {}", defect.caught_by);
            }
            Fate::Skipped(why) => {
                skipped += 1;
                let why = why
                    .lines()
                    .find(|line| line.to_lowercase().contains("skipped"));
                println!("{name}: SKIPPED: {}", why.unwrap_or_default());
            }
            Fate::Missed => {
                missed += 1;
                println!("{name}: MISSED by {}", defect.caught_by);
            }
            Fate::DoesNotBuild(why) => {
                missed += 1;
                println!("{name}: DOES NOT BUILD\n{why}");
            }
        }
    }
    println!(
        "defects: {} put back in {} s: {caught} caught, {skipped} skipped, {missed} MISSED",
        defects.len(),
        begun.elapsed().as_secs()
    );
    match missed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
