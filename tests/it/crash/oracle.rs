//! The invariants after every crash, checked by files, directories and keys alone.
//!
//! The oracle does not use the library's own table of paths and states. It has a second copy of the table, written
//! from the specification.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use frostline::key::OWN_FILES;
use frostline::{Catalog, Key, RootRole, StorageRoots};

use super::content::is_whole;
use super::scenarios::{ABSENT, Fate};
use crate::fixture::{chain, tree};

/// The name of the file that every scenario writes into a hot directory before the directory becomes ready.
pub const DATABASE: &str = "database";

/// The content of a disk and of its catalog. Paths are absolute.
#[derive(Debug, Default, Clone)]
pub struct View {
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    pub directories: BTreeSet<PathBuf>,
    pub keys: BTreeMap<String, String>,
}

impl View {
    /// Reads the roots of a real data directory, without the catalog's own root.
    pub fn of_directory(roots: &StorageRoots, catalog: &Catalog) -> Self {
        let mut view = Self {
            keys: keys_of(catalog),
            ..Self::default()
        };
        for (role, root) in roots.iter() {
            if role == RootRole::Catalog {
                continue;
            }
            for (path, bytes) in tree(root) {
                let path = root.join(path);
                if path.is_dir() {
                    view.directories.insert(path);
                } else {
                    view.files.insert(path, bytes);
                }
            }
        }
        view
    }

    fn value(&self, key: &str) -> &str {
        self.keys.get(key).map_or(ABSENT, String::as_str)
    }
}

/// Returns every key of the catalog as text. An unreadable entry becomes a key with its error text.
pub fn keys_of(catalog: &Catalog) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    let mut add = |entry: Result<(Key, &str), _>| match entry {
        Ok((key, value)) => keys.insert(key.to_string(), value.to_owned()),
        Err(error) => keys.insert(chain(&error), "unreadable".to_owned()),
    };
    for entry in catalog.chunk_artifact_keys().unwrap() {
        add(entry.map(|(key, state)| (key.into(), state.as_str())));
    }
    for entry in catalog.index_keys().unwrap() {
        add(entry.map(|(key, state)| (key.into(), state.as_str())));
    }
    for entry in catalog.hot_chunk_keys().unwrap() {
        add(entry.map(|(key, state)| (key.into(), state.as_str())));
    }
    if let Some(ledger) = catalog.earliest_ledger().unwrap() {
        keys.insert("config:earliest_ledger".to_owned(), ledger.to_string());
    }
    keys
}

/// The meaning of a key.
enum Named {
    /// The files of an artifact.
    Files(Vec<PathBuf>),
    HotDirectory(PathBuf),
    Pinned,
}

/// Returns the meaning of a key in the specification's table.
fn named(key: &str, roots: &StorageRoots) -> Option<Named> {
    if key == "config:earliest_ledger" {
        return Some(Named::Pinned);
    }
    if let Some(chunk) = key.strip_prefix("hot:chunk:") {
        let chunk = number(chunk)?;
        let directory = roots.path(RootRole::Hot).join(format!("{chunk:08}"));
        return Some(Named::HotDirectory(directory));
    }
    if let Some(numbers) = key.strip_prefix("index:") {
        let numbers: Vec<_> = numbers.split(':').map(number).collect();
        let [Some(window), Some(lo), Some(hi)] = numbers[..] else {
            return None;
        };
        let path = format!("index/{window:08}/{lo:08}-{hi:08}.idx");
        let is_one = lo <= hi && lo / 1000 == window && hi / 1000 == window;
        return is_one.then(|| Named::Files(vec![roots.path(RootRole::TxHash).join(path)]));
    }
    let (chunk, kind) = key.strip_prefix("chunk:")?.split_once(':')?;
    let chunk = number(chunk)?;
    let bucket = chunk / 1000;
    let (role, below, suffixes): (_, _, &[_]) = match kind {
        "ledgers" => (RootRole::Ledgers, "", &[".pack"]),
        "events" => (
            RootRole::Events,
            "",
            &["-events.pack", "-index.pack", "-index.hash"],
        ),
        "txhash" => (RootRole::TxHash, "raw/", &[".bin"]),
        _ => return None,
    };
    let path = |suffix| format!("{below}{bucket:05}/{chunk:08}{suffix}");
    let files = suffixes
        .iter()
        .map(|suffix| roots.path(role).join(path(suffix)));
    Some(Named::Files(files.collect()))
}

fn number(digits: &str) -> Option<u32> {
    let number = digits.parse().ok()?;
    (format!("{number:08}") == digits).then_some(number)
}

/// Returns the broken invariants, one line with the key or the path for each. The list is empty if all hold.
pub fn broken(view: &View, roots: &StorageRoots) -> Vec<String> {
    let mut lines = Vec::new();
    let mut files = BTreeSet::new();
    let mut hot = BTreeSet::new();
    for (key, value) in &view.keys {
        match (named(key, roots), value.as_str()) {
            (Some(Named::Files(paths)), "freezing" | "frozen" | "pruning") => {
                if value == "frozen" {
                    lines.extend(incomplete(view, key, &paths));
                }
                files.extend(paths);
            }
            (Some(Named::HotDirectory(path)), "transient" | "ready") => {
                if value == "ready" {
                    lines.extend(unusable(view, key, &path));
                }
                hot.insert(path);
            }
            (Some(Named::Pinned), value) if value.parse::<u32>().is_ok() => {}
            (_, value) => lines.push(line(key, "is not known with the value", value)),
        }
    }
    let keyed = |path: &PathBuf| {
        files.contains(path) || is_own_file(path, roots) || within(path, roots, &hot)
    };
    let strays = view.files.keys().filter(|path| !keyed(path));
    lines.extend(strays.map(|path| line("no key", "names the file", path.display())));
    // Buckets have no keys and are kept. Hot directories have keys.
    let hot_root = roots.path(RootRole::Hot);
    let unkeyed = |path: &&PathBuf| path.parent() == Some(hot_root) && !hot.contains(*path);
    // The directory of a window goes with its last index.
    let windows = roots.path(RootRole::TxHash).join("index");
    let is_window = |path: &&PathBuf| path.parent() == Some(windows.as_path());
    let empty = |path: &&PathBuf| !files.iter().any(|file| file.parent() == Some(path));
    let left = view.directories.iter().filter(is_window).filter(empty);
    lines.extend(left.map(|path| line("no index key", "is of the window", path.display())));
    let strays = view.directories.iter().filter(unkeyed);
    lines.extend(strays.map(|path| line("no key", "names the directory", path.display())));
    lines
}

fn line(key: &str, what: &str, detail: impl Display) -> String {
    format!("{key} {what} {detail}")
}

/// Returns the parts that a ready key lacks.
fn unusable(view: &View, key: &str, path: &Path) -> Option<String> {
    if !view.directories.contains(path) {
        return Some(line(key, "is ready without its directory", path.display()));
    }
    match view.files.get(&path.join(DATABASE)) {
        Some(bytes) if is_whole(DATABASE, bytes) => None,
        _ => Some(line(
            key,
            "is ready without the database in",
            path.display(),
        )),
    }
}

/// Returns the files that a frozen key lacks.
fn incomplete(view: &View, key: &str, paths: &[PathBuf]) -> Vec<String> {
    let lacks = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        match view.files.get(path) {
            None => Some(line(key, "is frozen without its file", path.display())),
            Some(bytes) if is_whole(name, bytes) => None,
            Some(_) => Some(line(key, "is frozen with a part of", path.display())),
        }
    };
    paths.iter().filter_map(lacks).collect()
}

/// Returns whether the path is one of the library's own files in a root.
fn is_own_file(path: &Path, roots: &StorageRoots) -> bool {
    let is_own = |root: &Path| OWN_FILES.iter().any(|name| path == root.join(name));
    roots.iter().any(|(_, root)| is_own(root))
}

/// Returns whether the path is inside the catalog or one of the hot directories, which the oracle does not check.
fn within(path: &Path, roots: &StorageRoots, hot: &BTreeSet<PathBuf>) -> bool {
    path.starts_with(roots.path(RootRole::Catalog)) || hot.iter().any(|dir| path.starts_with(dir))
}

/// Returns the unfinished keys, which a finished recovery does not leave.
pub fn unsettled(view: &View) -> Vec<String> {
    let owed = |value: &str| ["freezing", "pruning", "transient"].contains(&value);
    let keys = view.keys.iter().filter(|(_, value)| owed(value));
    keys.map(|(key, value)| line(key, "is still", value))
        .collect()
}

/// Returns the batches that were applied in part.
pub fn torn(view: &View, fates: &[Fate]) -> Vec<String> {
    let values = |fate: &Fate| {
        fate.keys
            .iter()
            .map(|key| view.value(key))
            .collect::<Vec<_>>()
    };
    let is_torn = |fate: &&Fate| !fate.rows.iter().any(|row| *row == values(fate).as_slice());
    let torn = fates.iter().filter(is_torn);
    torn.map(|fate| format!("{:?} read {:?}", fate.keys, values(fate)))
        .collect()
}

/// The self-test of the oracle: a sound view is damaged in one way after the other.
mod self_test {
    use super::{Fate, View, broken, torn, unsettled};
    use crate::crash::content::content;
    use frostline::StorageRoots;
    use std::path::Path;

    fn roots() -> StorageRoots {
        StorageRoots::under("/d").unwrap()
    }

    /// Returns a view with one key of every kind and state, in which all invariants hold.
    fn sound() -> View {
        let mut view = View::default();
        let keys = [
            ("chunk:00005350:ledgers", "frozen"),
            ("chunk:00005350:events", "frozen"),
            ("chunk:00005350:txhash", "frozen"),
            ("index:00000005:00005000:00005350", "frozen"),
            ("chunk:00000001:ledgers", "freezing"),
            ("chunk:00000002:ledgers", "pruning"),
            ("hot:chunk:00000003", "ready"),
            ("hot:chunk:00000004", "transient"),
            ("config:earliest_ledger", "2"),
        ];
        let keys = keys.map(|(key, value)| (key.to_owned(), value.to_owned()));
        view.keys = keys.into_iter().collect();
        for path in [
            "/d/ledgers/00005/00005350.pack",
            "/d/events/00005/00005350-events.pack",
            "/d/events/00005/00005350-index.pack",
            "/d/events/00005/00005350-index.hash",
            "/d/txhash/raw/00005/00005350.bin",
            "/d/txhash/index/00000005/00005000-00005350.idx",
            "/d/hot/00000003/database",
        ] {
            let (_, name) = path.rsplit_once('/').unwrap();
            view.files.insert(path.into(), content(name, 1, 700));
        }
        for path in [
            "/d/ledgers/00000/00000001.pack",
            "/d/hot/00000003/anything",
            "/d/hot/frostline.lock",
            "/d/txhash/frostline.lock",
            "/d/catalog/rocksdb/CURRENT",
        ] {
            view.files.insert(path.into(), b"part".to_vec());
        }
        for path in [
            "/d/hot/00000003",
            "/d/ledgers/00000",
            "/d/txhash/raw",
            "/d/txhash/index/00000005",
        ] {
            view.directories.insert(path.into());
        }
        view
    }

    /// Damages a sound view and returns the one broken invariant.
    #[track_caller]
    fn broken_by(damage: impl FnOnce(&mut View)) -> String {
        let mut view = sound();
        damage(&mut view);
        let lines = broken(&view, &roots());
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.concat()
    }

    #[test]
    fn a_view_in_which_all_is_well_breaks_nothing() {
        assert_eq!(broken(&sound(), &roots()), Vec::<String>::new());
        assert_eq!(broken(&View::default(), &roots()), Vec::<String>::new());
    }

    #[test]
    fn a_file_without_a_key_is_seen() {
        for path in [
            "/d/ledgers/00000/00000007.pack",
            "/d/ledgers/00005/00005350.pack.tmp",
            "/d/ledgers/00001/00005350.pack",
            "/d/txhash/00005/00005350.bin",
            "/d/ledgers/00000/frostline.lock",
            "/d/hot/00000007/CURRENT",
            "/d/hot/ballast",
            "/d/txhash/index/00000005/00005001-00005350.idx",
            "/elsewhere",
        ] {
            let line = broken_by(|view| drop(view.files.insert(path.into(), vec![1])));
            assert_eq!(line, format!("no key names the file {path}"));
        }
        let line = broken_by(|view| assert!(view.directories.insert("/d/hot/00000007".into())));
        assert_eq!(line, "no key names the directory /d/hot/00000007");
        let line = broken_by(|view| {
            let window = "/d/txhash/index/00000006";
            assert!(view.directories.insert(window.into()));
        });
        assert_eq!(
            line,
            "no index key is of the window /d/txhash/index/00000006"
        );
        for key in ["chunk:00000001:ledgers", "hot:chunk:00000003"] {
            let mut view = sound();
            view.keys.remove(key);
            assert!(!broken(&view, &roots()).is_empty(), "`{key}` deleted early");
        }
    }

    #[test]
    fn a_frozen_key_without_all_of_its_bytes_is_seen() {
        let files: Vec<_> = sound().files.into_keys().collect();
        for path in files
            .iter()
            .filter(|path| path.to_str().unwrap().contains("5350"))
        {
            let line = broken_by(|view| drop(view.files.remove(path)));
            assert!(line.contains("is frozen without its file"), "{line}");
            let line = broken_by(|view| view.files.get_mut(path).unwrap().truncate(512));
            assert!(line.contains("is frozen with a part of"), "{line}");
            let line = broken_by(|view| view.files.get_mut(path).unwrap()[512..].fill(0));
            assert!(line.contains(path.to_str().unwrap()), "{line}");
        }
    }

    #[test]
    fn a_ready_key_without_its_directory_is_seen() {
        let line = broken_by(|view| view.directories.retain(|path| !path.starts_with("/d/hot")));
        assert!(
            line.starts_with("hot:chunk:00000003 is ready without"),
            "{line}"
        );
        let line = broken_by(|view| drop(view.files.remove(Path::new("/d/hot/00000003/database"))));
        assert!(line.contains("is ready without the database"), "{line}");
    }

    #[test]
    fn unknown_keys_and_values_are_seen() {
        for (key, value) in [
            ("chunk:00005351:ledgers", "thawed"),
            ("chunk:00005351:ledgers", ""),
            ("chunk:00005351:ledgers", "ready"),
            ("chunk:5351:ledgers", "frozen"),
            ("chunk:00005351:summary", "frozen"),
            ("hot:chunk:00005351", "frozen"),
            ("hot:chunk:+0005351", "transient"),
            ("config:earliest_ledger", "genesis"),
            ("config:latest_ledger", "2"),
        ] {
            let line = broken_by(|view| drop(view.keys.insert(key.into(), value.into())));
            assert_eq!(line, format!("{key} is not known with the value {value}"));
        }
    }

    #[test]
    fn unfinished_work_is_seen() {
        assert_eq!(
            unsettled(&sound()),
            [
                "chunk:00000001:ledgers is still freezing",
                "chunk:00000002:ledgers is still pruning",
                "hot:chunk:00000004 is still transient",
            ]
        );
    }

    #[test]
    fn a_batch_that_was_applied_in_part_is_seen() {
        let one_key_of_two = Fate {
            keys: &["chunk:00000001:ledgers", "chunk:00000009:ledgers"],
            rows: &[&["absent", "absent"], &["freezing", "freezing"]],
        };
        let line = torn(&sound(), &[one_key_of_two]).concat();
        assert!(line.ends_with(r#"read ["freezing", "absent"]"#), "{line}");
        let both = Fate {
            keys: &["chunk:00000001:ledgers", "chunk:00000009:ledgers"],
            rows: &[&["absent", "absent"], &["freezing", "absent"]],
        };
        assert_eq!(torn(&sound(), &[both]), Vec::<String>::new());
    }
}
