//! Telling a torn tail, which a power cut may leave, from damage, which it may not.
//!
//! RocksDB's default recovery stops at the first damaged record of its log and drops every record
//! after it, acknowledged or not. Here the log is read first. Every batch is synced before the next
//! is written, so a power cut can tear one batch only, the last. If anything that begins a batch
//! follows the damage, acknowledged records were damaged, and opening is refused. If nothing does,
//! the torn end is cut off, and RocksDB is opened in its strictest mode.
//!
//! The same holds for the manifest, whose records are synced one by one.

use std::path::PathBuf;

use super::OpenFailure;
use super::creation::{POINTER, is_manifest};
use super::log_format::{begins_batch, whole_records};
use crate::error::IoFailure;
use crate::fs::Dir;

/// A damaged record that is not the last of the logs.
#[derive(Debug)]
pub(crate) struct LogDamage {
    pub(crate) path: PathBuf,
    /// Bytes from the file's beginning to the damage.
    pub(crate) offset: usize,
}

/// What is done to a file before anything in it is believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// It is fsynced.
    Sync,
    /// Nothing: whoever only reads acts on nothing that it finds.
    Nothing,
}

/// A file, and how many of its bytes are to stay.
type Cut = (String, usize);

/// What the manifest and the logs look like: sound, but for torn ends.
pub(super) struct Checked {
    cuts: Vec<Cut>,
    /// Whether the logs hold any record.
    pub(super) has_records: bool,
    /// Whether the pointer names a manifest that is there, and nothing is torn.
    pub(super) is_whole: bool,
}

/// Checks the manifest and the logs, then cuts off torn ends. Tells whether the logs hold any record.
pub(super) fn settle(dir: &Dir) -> Result<bool, OpenFailure> {
    let checked = check(dir, Before::Sync)?;
    for (name, offset) in checked.cuts {
        dir.cut_file(name, offset)?;
    }
    Ok(checked.has_records)
}

/// Checks the manifest and the logs, and changes nothing.
pub(super) fn check(dir: &Dir, before: Before) -> Result<Checked, OpenFailure> {
    let mut cuts = Vec::new();
    let pointer = dir.read_file(POINTER)?;
    let manifest = String::from_utf8_lossy(&pointer).trim_end().to_owned();
    // Where the pointer names something else, or nothing, opening says so.
    let has_manifest = is_manifest(&manifest) && dir.has(&manifest)?;
    if has_manifest {
        // Needs no sync: every start writes a manifest of its own before it acts on anything.
        let (cut, _) = check_stream(dir, std::slice::from_ref(&manifest), Before::Nothing)?;
        // A manifest that the pointer names was whole once: an empty one is no torn tail.
        if let Some((_, 0)) = cut {
            let path = dir.join(&manifest);
            return Err(OpenFailure::Damaged(LogDamage { path, offset: 0 }));
        }
        cuts.extend(cut);
    }
    let logs = log_names(dir)?;
    let (cut, has_records) = check_stream(dir, &logs, before)?;
    cuts.extend(cut);
    Ok(Checked {
        is_whole: has_manifest && cuts.is_empty(),
        cuts,
        has_records,
    })
}

/// Checks files that continue one another; finds where the torn end is, if there is one, and whether
/// they hold any record.
fn check_stream(
    dir: &Dir,
    names: &[String],
    before: Before,
) -> Result<(Option<Cut>, bool), OpenFailure> {
    let mut torn: Option<(&String, usize)> = None;
    let mut has_records = false;
    for name in names {
        if before == Before::Sync {
            // A killed process leaves records that a power cut would still tear. What is read now
            // must not be torn later, when it is no longer the end: that could not be told from
            // damage.
            dir.sync_file(name)?;
        }
        let bytes = dir.read_file(name)?;
        let whole = whole_records(&bytes);
        has_records |= whole > 0;
        // Zeros at the end are space that was reserved and not used.
        let used = bytes.iter().rposition(|byte| *byte != 0);
        let used = used.map_or(0, |last| last + 1);
        // After damage in an earlier file any batch is one too many; in this one, any after its own.
        let from = if torn.is_some() { 0 } else { whole + 1 };
        if begins_batch(&bytes, from..used) {
            let (name, offset) = torn.unwrap_or((name, whole));
            let path = dir.join(name);
            return Err(OpenFailure::Damaged(LogDamage { path, offset }));
        }
        if torn.is_none() && whole < used {
            torn = Some((name, whole));
        }
    }
    let cut = torn.map(|(name, offset)| (name.clone(), offset));
    Ok((cut, has_records))
}

/// The logs, oldest first.
pub(super) fn log_names(dir: &Dir) -> Result<Vec<String>, IoFailure> {
    let entries = dir.list()?;
    let numbered = entries.iter().filter_map(|entry| {
        let name = entry.name.to_str()?;
        let number: u64 = name.strip_suffix(".log")?.parse().ok()?;
        Some((number, name.to_owned()))
    });
    let mut numbered: Vec<_> = numbered.collect();
    numbered.sort_unstable();
    Ok(numbered.into_iter().map(|(_, name)| name).collect())
}
