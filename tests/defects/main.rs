//! Puts each defect of `defects.toml` back, one at a time, in a copy of the project, and makes sure that its
//! test fails then.
//!
//! Arguments: words that the names of the defects must contain. With `FROSTLINE_CAUGHT_BY=any`, all quick tests
//! are run, and the ones that fail are told.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::panic,
    reason = "this program changes a copy of the project"
)]

mod list;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::Instant;

use list::Defect;

/// What became of a defect.
enum Fate {
    Caught,
    Missed,
    /// The project does not build with it.
    DoesNotBuild(String),
    Skipped(&'static str),
}

/// A copy of the project that is built beside it, with the same dependencies.
struct Copy {
    directory: PathBuf,
}

impl Copy {
    fn new() -> Self {
        let directory = std::env::temp_dir().join("frostline-defects");
        let _not_there = fs::remove_dir_all(&directory);
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        for entry in [
            "Cargo.toml",
            "Cargo.lock",
            "ARCHITECTURE.md",
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
            // A build in seconds. The dependencies have a profile of their own.
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        command
            .output()
            .unwrap_or_else(|error| panic!("cargo: {error}"))
    }

    fn try_it(&self, defect: &Defect) -> Fate {
        let file = self.directory.join(&defect.file);
        let sound = read(&file);
        write(&file, &sound.replacen(&defect.find, &defect.replace, 1));
        let fate = self.run(defect);
        write(&file, &sound);
        fate
    }

    fn run(&self, defect: &Defect) -> Fate {
        let words = defect.caught_by.strip_prefix("torture: ");
        let target = if words.is_some() { "torture" } else { "it" };
        let built = self.cargo(&["--test", target, "--no-run"]);
        if !built.status.success() {
            return Fate::DoesNotBuild(text(&built.stderr));
        }
        let tested = match words {
            None => self.cargo(&["--test", "it", "--", "--exact", &defect.caught_by]),
            Some(words) => {
                let mut arguments = vec!["--test", "torture", "--"];
                arguments.extend(words.split(' '));
                self.cargo(&arguments)
            }
        };
        let said = text(&tested.stdout);
        if said.contains("skipped: ") || said.contains("SKIPPED") {
            return Fate::Skipped(
                "its test needs root, loop devices and the tools of the file systems",
            );
        }
        match tested.status.success() {
            false => Fate::Caught,
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
    fs::create_dir_all(to).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    let entries = fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    for entry in entries.flatten() {
        copy(&entry.path(), &to.join(entry.file_name()));
    }
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
    for defect in &defects {
        let name = &defect.name;
        match copy.try_it(defect) {
            Fate::Caught => {
                caught += 1;
                println!("{name}: caught by {}", defect.caught_by);
            }
            Fate::Skipped(why) => {
                skipped += 1;
                println!("{name}: SKIPPED: {why}");
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
