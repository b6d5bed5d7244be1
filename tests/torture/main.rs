//! `make torture`: runs the library on failing file systems, and checks them after a repair and a new mount.
//!
//! It needs root, loop devices and the programs of e2fsprogs, xfsprogs and btrfs-progs. It reports the skipped
//! cases. The arguments are words that the names of the cases must contain.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this program reads the disk without the library"
)]

#[path = "../it/replay/cut.rs"]
mod cut;
mod record;
#[path = "../it/replay/trace.rs"]
mod trace;
mod volume;
mod work;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use volume::{Failure, Kind, Volume, run};
use work::{Place, Work};

/// A combination of one file system, one failure and one kind of work.
#[derive(Clone, Copy, Debug)]
struct Case {
    kind: Kind,
    failure: Failure,
    work: Work,
    /// The files are written before the failure.
    late: bool,
    /// The catalog is on another disk.
    elsewhere: bool,
}

impl Case {
    fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for kind in Kind::ALL {
            for failure in kind.failures() {
                for work in Work::ALL {
                    for (late, elsewhere) in
                        [(false, true), (true, true), (false, false), (true, false)]
                    {
                        let has_no_files = work.writes_nothing();
                        let is_bare = work.is_bare();
                        if late && has_no_files || is_bare && !elsewhere {
                            continue;
                        }
                        cases.push(Self {
                            kind,
                            failure: *failure,
                            work,
                            late,
                            elsewhere,
                        });
                    }
                }
            }
        }
        cases
    }

    fn name(&self) -> String {
        let when = if self.late {
            "between write and sync"
        } else {
            "before"
        };
        let place = if self.elsewhere {
            "elsewhere"
        } else {
            "same disk"
        };
        format!(
            "{} {:?}, {when}, {:?}, catalog: {place}",
            self.kind.name(),
            self.failure,
            self.work
        )
    }
}

/// The outcome of a case.
enum Fate {
    /// The work was done, and all of its results are there.
    Done,
    /// The work was refused or failed, and the catalog is correct.
    Refused(String),
    /// The catalog is wrong about the files.
    Wrong(Vec<String>),
    /// The catalog cannot be read, because its disk lost it.
    Unreadable(String),
    /// The case could not be set up or checked.
    Failed(String),
    Skipped(String),
}

fn place(directory: &Path, elsewhere: bool) -> Place {
    let data = directory.join("volume/mount");
    let catalog = match elsewhere {
        true => directory.join("catalog"),
        false => data.join("node/catalog"),
    };
    Place {
        data,
        catalog,
        notes: directory.join("notes"),
    }
}

fn child(verb: &str, directory: &Path, case: &Case) -> Command {
    let program = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
    let mut command = Command::new(program);
    command
        .arg("--child")
        .arg(verb)
        .arg(directory)
        .arg(format!("{:?}", case.work))
        .arg(case.late.to_string())
        .arg(case.elsewhere.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the work in the child process, and prints the error if it fails.
fn be_the_child(arguments: &[String]) -> ExitCode {
    let [verb, directory, work, late, elsewhere] = arguments else {
        return ExitCode::FAILURE;
    };
    let place = place(Path::new(directory), elsewhere == "true");
    let Some(work) = Work::of(work) else {
        return ExitCode::FAILURE;
    };
    let outcome = match verb.as_str() {
        "prepare" => work::prepare(&place, work),
        _ => work::work(&place, work, late == "true"),
    };
    ended(outcome)
}

fn ended(outcome: Result<(), Box<dyn std::error::Error>>) -> ExitCode {
    let Err(error) = outcome else {
        return ExitCode::SUCCESS;
    };
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    eprintln!("{text}");
    ExitCode::FAILURE
}

fn try_case(case: &Case, directory: &Path) -> Result<Fate, String> {
    fs::create_dir_all(directory).map_err(|error| error.to_string())?;
    let volume = Volume::new(&directory.join("volume"), case.kind, case.failure)?;
    let prepared = child("prepare", directory, case).output();
    let prepared = prepared.map_err(|error| error.to_string())?;
    if !prepared.status.success() {
        return Err(format!(
            "preparing: {}",
            String::from_utf8_lossy(&prepared.stderr)
        ));
    }
    volume.prepare()?;
    let mut running = child("work", directory, case)
        .spawn()
        .map_err(|error| error.to_string())?;
    let (mut to, from) = (running.stdin.take(), running.stdout.take());
    let mut line = String::new();
    if let Some(from) = from {
        let read = BufReader::new(from).read_line(&mut line);
        read.map_err(|error| error.to_string())?;
    }
    if line == "ready\n" {
        volume.fail()?;
        if let Some(to) = &mut to {
            to.write_all(b"\n").map_err(|error| error.to_string())?;
        }
    }
    drop(to);
    let status = running.wait().map_err(|error| error.to_string())?;
    let mut said = String::new();
    if let Some(mut errors) = running.stderr.take() {
        let read = errors.read_to_string(&mut said);
        read.map_err(|error| error.to_string())?;
    }
    volume.heal()?;
    Ok(
        match work::judge(&place(directory, case.elsewhere), case.work) {
            Err(error) => Fate::Unreadable(error),
            Ok(wrong) if !wrong.is_empty() => Fate::Wrong(wrong),
            Ok(_) if status.success() => Fate::Done,
            Ok(_) => Fate::Refused(said.trim().to_owned()),
        },
    )
}

/// Records a process with the real store, cuts the power at each of its calls, and opens each crash image with
/// the real store. Returns `false` after printing a failure.
fn lose_power() -> bool {
    if run(&["which", "strace"]).is_err() {
        println!("the real store: SKIPPED: `strace` is not installed");
        return true;
    }
    let begun = Instant::now();
    let program = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
    let directory = std::env::temp_dir().join(format!("frostline-record-{}", std::process::id()));
    let recorded = record::record(&program, &directory);
    let _ignored = fs::remove_dir_all(&directory);
    let calls = match recorded {
        Ok(calls) => calls,
        Err(why) => {
            println!("the real store: FAILED, no recording: {why}");
            return false;
        }
    };
    if let Some(path) = std::env::var_os("FROSTLINE_RECORD") {
        let lines = calls.iter().map(|call| call.line() + "\n");
        let text = format!(
            "# Recorded by `make torture`.\n{}",
            lines.collect::<String>()
        );
        if let Err(error) = fs::write(path, text) {
            println!("the real store: {error}");
            return false;
        }
    }
    let seed = std::env::var("FROSTLINE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(2_026);
    let limits = frostline::sim::Limits {
        all: 1 << 9,
        sample: 1 << 6,
        cut_recoveries: 0,
    };
    let explored = match cut::cut_everywhere(&calls, limits, seed) {
        Ok(explored) => explored,
        Err(storyboard) => {
            println!("the real store, seed {seed}: WRONG\n{storyboard}");
            return false;
        }
    };
    println!(
        "the real store: {} calls cut at {} instants, {} disks opened, {} instants sampled (seed {seed}), \
         in {} s: nothing lost",
        calls.len(),
        explored.instants,
        explored.distinct,
        explored.sampled,
        begun.elapsed().as_secs()
    );
    true
}

fn missing_programs(kind: Kind) -> Option<String> {
    let programs: &[&str] = match kind {
        Kind::Ext4 | Kind::Ext2 => &["mkfs.ext4", "debugfs", "dumpe2fs", "e2fsck", "xfs_io"],
        Kind::Xfs => &["mkfs.xfs", "xfs_io"],
        Kind::Btrfs => &["mkfs.btrfs"],
    };
    let missing = programs
        .iter()
        .find(|program| run(&["which", program]).is_err());
    missing.map(|program| format!("`{program}` is not installed"))
}

/// Returns the reason why no case can run on this system, if there is one.
fn obstacle() -> Option<String> {
    let root = run(&["id", "-u"]).is_ok_and(|id| id.trim() == "0");
    if !root {
        return Some("it needs root, to mount".to_owned());
    }
    run(&["losetup", "-f"]).err()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("--child", rest)) = arguments.split_first().map(|(a, b)| (a.as_str(), b)) {
        return match rest {
            [verb, data] if verb == "store" => ended(record::work(Path::new(data))),
            _ => be_the_child(rest),
        };
    }
    let words: Vec<_> = arguments
        .iter()
        .filter(|word| !word.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| words.iter().all(|word| name.contains(word.as_str()));
    if is_wanted("the real store") && !lose_power() {
        return ExitCode::FAILURE;
    }
    if let Some(why) = obstacle() {
        println!("torture: skipped: {why}");
        return ExitCode::SUCCESS;
    }
    let words: Vec<_> = arguments
        .iter()
        .filter(|word| !word.starts_with('-'))
        .collect();
    let mut cases = Case::all();
    cases.retain(|case| words.iter().all(|word| case.name().contains(word.as_str())));
    let begun = Instant::now();
    let directory = std::env::temp_dir().join(format!("frostline-torture-{}", std::process::id()));
    let next = AtomicUsize::new(0);
    let fates = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(number) else {
                        return;
                    };
                    let own: PathBuf = directory.join(number.to_string());
                    let fate = match missing_programs(case.kind) {
                        Some(why) => Fate::Skipped(why),
                        None => try_case(case, &own).unwrap_or_else(Fate::Failed),
                    };
                    let _ignored = fs::remove_dir_all(&own);
                    println!("{}: {}", case.name(), describe(&fate));
                    let mut fates = fates.lock().unwrap_or_else(|error| panic!("{error}"));
                    fates.insert(number, fate);
                }
            });
        }
    });
    let _ignored = fs::remove_dir_all(&directory);
    let fates = fates.into_inner().unwrap_or_else(|error| panic!("{error}"));
    summarize(&cases, &fates, begun)
}

fn describe(fate: &Fate) -> String {
    match fate {
        Fate::Done => "done, and all of it is there".to_owned(),
        Fate::Refused(why) => format!("refused: {why}"),
        Fate::Wrong(wrong) => format!("WRONG: {}", wrong.join("; ")),
        Fate::Unreadable(why) => format!("the catalog is lost: {why}"),
        Fate::Failed(why) => format!("FAILED, not judged: {why}"),
        Fate::Skipped(why) => format!("SKIPPED: {why}"),
    }
}

/// The fates of some cases, counted.
#[derive(Default)]
struct Counts {
    done: usize,
    refused: usize,
    unreadable: usize,
    skipped: usize,
    failed: usize,
    wrong: usize,
}

impl Counts {
    fn add(&mut self, fate: &Fate) {
        match fate {
            Fate::Done => self.done += 1,
            Fate::Refused(_) => self.refused += 1,
            Fate::Wrong(_) => self.wrong += 1,
            Fate::Unreadable(_) => self.unreadable += 1,
            Fate::Failed(_) => self.failed += 1,
            Fate::Skipped(_) => self.skipped += 1,
        }
    }

    fn of<'a>(fates: impl IntoIterator<Item = &'a Fate>) -> Self {
        let mut counts = Self::default();
        fates.into_iter().for_each(|fate| counts.add(fate));
        counts
    }
}

/// Prints a table of the failures. The bare calls show the kernel's reports and are not counted as the library's
/// work.
fn summarize(cases: &[Case], fates: &BTreeMap<usize, Fate>, begun: Instant) -> ExitCode {
    let judged = || {
        let numbered = cases.iter().enumerate();
        numbered.filter_map(|(number, case)| Some((case, fates.get(&number)?)))
    };
    println!(
        "{:<16} {:>6} {:>8} {:>6}   bare fsyncs that returned 0, and of these over lost files",
        "torture", "done", "refused", "wrong"
    );
    for kind in Kind::ALL {
        for failure in kind.failures() {
            let of_it =
                || judged().filter(|(case, _)| (case.kind, case.failure) == (kind, *failure));
            let own = of_it().filter(|(case, _)| !case.work.is_bare());
            let own = Counts::of(own.map(|(_, fate)| fate));
            let bare = of_it().filter(|(case, _)| case.work.is_bare());
            let bare = Counts::of(bare.map(|(_, fate)| fate));
            if own.done + own.refused + own.wrong > 0 {
                println!(
                    "{:<16} {:>6} {:>8} {:>6}   {} and {}",
                    format!("{} {failure:?}", kind.name()),
                    own.done,
                    own.refused,
                    own.wrong,
                    bare.done + bare.wrong,
                    bare.wrong
                );
            }
        }
    }
    let own = judged().filter(|(case, _)| !case.work.is_bare());
    let own = Counts::of(own.map(|(_, fate)| fate));
    let failed = Counts::of(fates.values()).failed;
    println!(
        "torture: {} cases in {} s: {} done, {} refused, {} with a lost catalog, {} skipped, {failed} not \
         judged, {} WRONG",
        cases.len(),
        begun.elapsed().as_secs(),
        own.done,
        own.refused,
        own.unreadable,
        own.skipped,
        own.wrong
    );
    if own.wrong + failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
