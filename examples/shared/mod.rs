//! The common parts of the examples: a place to work in, and a view of the catalog and of the files.
//!
//! Everything is printed relative to the data directory and in a fixed order, so that an example
//! prints the same text in every run.
#![allow(dead_code, reason = "not every example needs every helper")]
#![expect(
    clippy::disallowed_methods,
    reason = "the examples show what is on disk, and so have to look"
)]

use std::error::Error;
use std::path::{Path, PathBuf};

use frostline::key::{LOCK_FILE, OWN_FILES};
use frostline::{Catalog, ChunkId, Key, RootRole, StorageRoots};
use tempfile::TempDir;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The directory that an example works in, and the data directory inside it.
pub(crate) struct Stage {
    directory: PathBuf,
    data: PathBuf,
    /// Removes the directory at the end, if it is a temporary one.
    _temporary: Option<TempDir>,
}

/// One line of a listing: a path relative to the data directory, and what is there.
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) what: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    Artifacts,
    Everything,
}

impl Stage {
    /// The directory named by the only argument, which must be empty or missing; without an
    /// argument, a temporary one.
    pub(crate) fn set() -> Result<Self> {
        let mut arguments = std::env::args_os().skip(1);
        let given = arguments.next();
        if arguments.next().is_some() {
            return Err("the only argument is a directory".into());
        }
        let (directory, temporary) = if let Some(given) = given {
            let directory = std::path::absolute(given)?;
            if std::fs::read_dir(&directory).is_ok_and(|mut entries| entries.next().is_some()) {
                return Err("the directory is not empty: give one that is empty or missing".into());
            }
            (directory, None)
        } else {
            let temporary = tempfile::tempdir()?;
            (temporary.path().to_path_buf(), Some(temporary))
        };
        Ok(Self {
            data: directory.join("data"),
            directory,
            _temporary: temporary,
        })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Locks the default roots below the data directory, and opens or creates the catalog.
    pub(crate) fn open_catalog(&self) -> Result<Catalog> {
        Ok(Catalog::open(StorageRoots::under(&self.data)?.lock()?)?)
    }

    /// Prints every key that the catalog holds, and every file and empty directory below the
    /// artifact roots.
    pub(crate) fn show(&self, catalog: &Catalog) -> Result<()> {
        show_keys(catalog)?;
        self.show_entries(Show::Artifacts)
    }

    /// The same, with the lock files, and with the catalog's own database as one line.
    pub(crate) fn show_everything(&self, catalog: Option<&Catalog>) -> Result<()> {
        match catalog {
            Some(catalog) => show_keys(catalog)?,
            None => println!("  keys\n    no catalog is open"),
        }
        self.show_entries(Show::Everything)
    }

    /// The files and the empty directories below the artifact roots, in order.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>> {
        self.list(Show::Artifacts)
    }

    /// A path, relative to the data directory.
    pub(crate) fn relative(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.data).unwrap_or(path);
        below.display().to_string()
    }

    /// An error and its causes in one line, with the data directory's path replaced.
    pub(crate) fn text(&self, error: &dyn Error) -> String {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text.replace(&self.data.display().to_string(), "DATA")
    }

    fn show_entries(&self, show: Show) -> Result<()> {
        println!("  files");
        let entries = self.list(show)?;
        if entries.is_empty() {
            println!("    none");
        }
        for Entry { path, what } in entries {
            println!("    {path:<40} {what}");
        }
        Ok(())
    }

    fn list(&self, show: Show) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        if std::fs::metadata(&self.data).is_ok() {
            self.walk(&self.data, show, &mut entries)?;
        }
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(entries)
    }

    fn walk(&self, directory: &Path, show: Show, entries: &mut Vec<Entry>) -> Result<()> {
        let path = self.relative(directory);
        let is_root = RootRole::ALL.map(RootRole::default_below_data);
        let is_root = is_root.contains(&path.as_str());
        if path == RootRole::Catalog.default_below_data() && show == Show::Artifacts {
            return Ok(());
        }
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            inside.push(entry?);
        }
        let is_database = inside.iter().any(|entry| entry.file_name() == "CURRENT");
        if is_database || (inside.is_empty() && !is_root) {
            let what = if is_database { "a database" } else { "empty" };
            entries.push(Entry {
                path: format!("{path}/"),
                what: what.to_owned(),
            });
        }
        for entry in inside {
            let is_lock = entry.file_name() == LOCK_FILE;
            if !is_lock && OWN_FILES.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            let (below, metadata) = (entry.path(), entry.metadata()?);
            if metadata.is_dir() && !is_database {
                self.walk(&below, show, entries)?;
            } else if is_lock && show == Show::Everything {
                entries.push(Entry {
                    path: self.relative(&below),
                    what: "a lock".to_owned(),
                });
            } else if !is_lock && !is_database {
                entries.push(Entry {
                    path: self.relative(&below),
                    what: format!("{} bytes", metadata.len()),
                });
            }
        }
        Ok(())
    }
}

/// Every key that the catalog holds with its value, as the catalog reads them.
pub(crate) fn keys(catalog: &Catalog) -> Result<Vec<(Key, String)>> {
    let mut keys = Vec::new();
    for entry in catalog.chunk_artifact_keys()? {
        let (key, state) = entry?;
        keys.push((key.into(), state.to_string()));
    }
    for entry in catalog.index_keys()? {
        let (key, state) = entry?;
        keys.push((key.into(), state.to_string()));
    }
    for entry in catalog.hot_chunk_keys()? {
        let (key, state) = entry?;
        keys.push((key.into(), state.to_string()));
    }
    if let Some(ledger) = catalog.earliest_ledger()? {
        keys.push((Key::EarliestLedger, ledger.to_string()));
    }
    Ok(keys)
}

fn show_keys(catalog: &Catalog) -> Result<()> {
    println!("  keys");
    let keys = keys(catalog)?;
    if keys.is_empty() {
        println!("    none");
    }
    for (key, value) in keys {
        println!("    {key:<40} {value}");
    }
    Ok(())
}

/// The heading of a step.
pub(crate) fn heading(step: &str) {
    println!("\n{step}");
}

/// Prints the result of a step.
pub(crate) fn note(text: &str) {
    println!("  {text}");
}

/// Stands in for the ledgers of a chunk.
pub(crate) fn sample(chunk: ChunkId) -> String {
    let (first, last) = (chunk.first_ledger(), chunk.last_ledger());
    format!("ledgers {first} to {last}\n")
}
