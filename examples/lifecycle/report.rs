//! The output for a person.

#![expect(
    clippy::disallowed_methods,
    reason = "shows what is on disk whatever the catalog says"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use frostline::key::Layout;
use frostline::{Catalog, ChunkId, RootRole};
use indicatif::{ProgressBar, ProgressStyle};

use crate::Outcome;

/// A bar, when a terminal watches.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(crate) fn new(chunk: ChunkId, what: &str, length: usize) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new(length as u64);
        let style = ProgressStyle::with_template("   {prefix}: {bar:40} {pos}/{len} {per_sec}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(format!("{chunk} {what}"));
        Self(Some(bar))
    }

    pub(crate) fn step(&self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }

    pub(crate) fn done(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}

/// An error and everything that led to it.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Each key beside what is on disk for it; then whatever is on disk without a key.
pub(crate) fn side_by_side(catalog: &Catalog) -> Outcome<()> {
    let layout = catalog.layout();
    let mut on_disk = BTreeMap::new();
    for role in [
        RootRole::Ledgers,
        RootRole::Events,
        RootRole::TxHash,
        RootRole::Hot,
    ] {
        walk(
            layout.roots().path(role),
            role == RootRole::Hot,
            &mut on_disk,
        )?;
    }
    if let Some(ledger) = catalog.earliest_ledger()? {
        row("config:earliest_ledger", &ledger.to_string(), "");
    }
    for entry in catalog.chunk_artifact_keys()? {
        let (key, state) = entry?;
        for path in layout.artifact_paths(key) {
            let there = take(&mut on_disk, layout, &path);
            row(&key.to_string(), state.as_str(), &there);
        }
    }
    for entry in catalog.hot_chunk_keys()? {
        let (key, state) = entry?;
        let there = take(&mut on_disk, layout, &layout.hot_path(key.chunk));
        row(&key.to_string(), state.as_str(), &there);
    }
    for path in on_disk.keys() {
        row("(no key)", "", &short(layout, path));
    }
    Ok(())
}

fn row(key: &str, state: &str, path: &str) {
    println!("{}", format!("   {key:26} {state:10} {path}").trim_end());
}

/// Returns the entry at a path as text, and counts it as known.
fn take(on_disk: &mut BTreeMap<PathBuf, u64>, layout: &Layout, path: &Path) -> String {
    match on_disk.remove(path) {
        Some(size) => format!("{} ({size} bytes)", short(layout, path)),
        None => format!("{} (missing)", short(layout, path)),
    }
}

/// The path from its root's parent on.
fn short(layout: &Layout, path: &Path) -> String {
    let mut parents = layout.roots().iter().filter_map(|(_, root)| root.parent());
    let below = parents.find_map(|parent| path.strip_prefix(parent).ok());
    below.unwrap_or(path).display().to_string()
}

/// Every file below a root but the library's own; in the hot root, the directories of the chunks.
fn walk(directory: &Path, hot: bool, found: &mut BTreeMap<PathBuf, u64>) -> Outcome<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if frostline::key::OWN_FILES
            .iter()
            .any(|name| entry.file_name() == *name)
        {
            continue;
        }
        let metadata = entry.metadata()?;
        if metadata.is_dir() && !hot {
            walk(&path, hot, found)?;
        } else {
            found.insert(path, metadata.len());
        }
    }
    Ok(())
}
