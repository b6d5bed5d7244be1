//! The check of the store's files before RocksDB opens them. It distinguishes the results of a power cut from damage.
//!
//! RocksDB's default recovery stops at the first damaged record of its log and drops every record after it,
//! acknowledged or not. RocksDB opens a store whose manifest lost its last edits, or whose log is missing, and does
//! not report the loss. This module reads the files first. It refuses to open the store unless three conditions hold:
//!
//! 1. the bytes behind the last complete batch of each file are such that a power cut can leave them ([`tail`]);
//! 2. the batches of the logs continue the tables and one another without a gap, by their sequence numbers, up to the
//!    last edit that the manifest records;
//! 3. no file is older than the state that the last complete start saw ([`Witnessed`]).
//!
//! Torn ends are then cut off, and RocksDB is opened in its strictest mode. A torn end of the manifest is cut off
//! only under (2) and (3): the lost edit named a table whose records are then still in a log.

use super::failure::{Damage, DamageKind, OpenFailure};
use super::log_format::{BatchHead, Tail, Unsynced, begins_batch, read_batches, tail};
use super::manifest::{Manifest, UnknownEdit};
use super::names::{POINTER, is_manifest, log_name, log_numbers, table_name};
use super::witness::{Testimony, Witness, Witnessed};
use crate::domain::WITNESS_FILE;
use crate::fs::Dir;

/// Whether files are fsynced before their content is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// A sync of each log. Bytes that are read now must not be torn later, when they are no longer the end of the
    /// logs.
    Sync,
    /// No sync, because a read-only caller takes no action based on the content.
    Nothing,
}

/// A file, and the number of its bytes that stay.
type Cut = (String, usize);

/// The manifest and the logs, which are sound except for torn ends.
pub(super) struct Checked {
    cuts: Vec<Cut>,
    /// Whether the logs hold any batch.
    pub(super) has_records: bool,
    /// Whether the pointer names a manifest that is there, and nothing is torn.
    pub(super) is_whole: bool,
}

impl Checked {
    /// Returns whether a torn end of this file is to be cut off.
    pub(super) fn cuts(&self, name: &str) -> bool {
        self.cuts.iter().any(|(cut, _)| cut == name)
    }
}

/// Returns the witness's record, which the store must reach, or `None` if the record is to be forgotten.
pub(super) fn witnessed(witness: &Witness) -> Result<Option<Witnessed>, OpenFailure> {
    if witness.adopts() {
        return Ok(None);
    }
    let path = || witness.root().join(WITNESS_FILE);
    match witness.read()? {
        Testimony::Is(witnessed) => Ok(Some(witnessed)),
        Testimony::None => Err(OpenFailure::NoWitness(path())),
        Testimony::Unreadable => {
            let (path, kind) = (path(), DamageKind::Bytes { offset: 0 });
            Err(OpenFailure::Damaged(Damage { path, kind }))
        }
    }
}

/// Checks the manifest and the logs, then cuts off torn ends. Returns whether the logs hold any batch.
pub(super) fn truncate_torn_ends(
    dir: &Dir,
    witnessed: Option<Witnessed>,
) -> Result<bool, OpenFailure> {
    let checked = check(dir, Before::Sync, witnessed)?;
    for (name, offset) in checked.cuts {
        dir.cut_file(name, offset)?;
    }
    Ok(checked.has_records)
}

/// Checks the manifest and the logs, and changes nothing.
pub(super) fn check(
    dir: &Dir,
    before: Before,
    witnessed: Option<Witnessed>,
) -> Result<Checked, OpenFailure> {
    let pointer = dir.read_file(POINTER)?;
    let named = String::from_utf8_lossy(&pointer).trim_end().to_owned();
    // If the pointer names another file, or no file, RocksDB refuses to open.
    if !is_manifest(&named) || !dir.has(&named)? {
        return Ok(Checked {
            cuts: Vec::new(),
            has_records: false,
            is_whole: false,
        });
    }
    check_as_named(dir, &named, before, witnessed)
}

/// Checks the store that this manifest describes.
pub(super) fn check_as_named(
    dir: &Dir,
    manifest: &str,
    before: Before,
    witnessed: Option<Witnessed>,
) -> Result<Checked, OpenFailure> {
    let mut cuts = Vec::new();
    // The manifest needs no sync, because every start writes its own manifest before it acts on the content.
    let bytes = dir.read_file(manifest)?;
    let damage = |kind| damaged(dir, manifest, kind);
    let read = Manifest::read(&bytes).map_err(|UnknownEdit| damage(DamageKind::UnknownEdit))?;
    if read.complete == 0 {
        // A manifest that the pointer names was whole once, so an empty one is not a torn tail.
        return Err(damage(DamageKind::Bytes { offset: 0 }));
    }
    let torn = classify(
        tail(&bytes, read.complete, Unsynced::Several),
        read.complete,
    );
    if torn.map_err(damage)? {
        cuts.push((manifest.to_owned(), read.complete));
        // RocksDB would find a missing table by itself, but only after the cut.
        for table in read.tables.keys() {
            let name = table_name(*table);
            if !dir.has(&name)? {
                return Err(damaged(dir, &name, DamageKind::Missing));
            }
        }
    }
    let logs = Logs::read(dir, read.min_log_to_keep, before)?;
    cuts.extend(logs.torn.clone());
    logs.check(dir, &read, manifest, witnessed)?;
    Ok(Checked {
        is_whole: cuts.is_empty(),
        cuts,
        has_records: logs.files.iter().any(|log| !log.batches.is_empty()),
    })
}

fn damaged(dir: &Dir, name: &str, kind: DamageKind) -> OpenFailure {
    let path = dir.join(name);
    OpenFailure::Damaged(Damage { path, kind })
}

/// Returns whether the bytes behind this offset are a torn end, or else the kind of their damage.
const fn classify(tail: Tail, offset: usize) -> Result<bool, DamageKind> {
    match tail {
        Tail::Clean => Ok(false),
        Tail::Torn => Ok(true),
        Tail::Damaged => Err(DamageKind::Bytes { offset }),
        Tail::UnknownType(found) => Err(DamageKind::RecordType { offset, found }),
    }
}

/// One log, and the heads of its batches.
struct Log {
    number: u64,
    batches: Vec<BatchHead>,
}

/// The logs that RocksDB reads, oldest first.
struct Logs {
    files: Vec<Log>,
    /// The torn end, which only the last log with batches can have.
    torn: Option<Cut>,
}

impl Logs {
    fn read(dir: &Dir, from: u64, before: Before) -> Result<Self, OpenFailure> {
        let mut logs = Self {
            files: Vec::new(),
            torn: None,
        };
        for number in log_numbers(dir)? {
            if number < from {
                continue;
            }
            let name = log_name(number);
            if before == Before::Sync {
                dir.sync_file(&name)?;
            }
            logs.add(dir, number, name, &dir.read_file(log_name(number))?)?;
        }
        Ok(logs)
    }

    fn add(
        &mut self,
        dir: &Dir,
        number: u64,
        name: String,
        bytes: &[u8],
    ) -> Result<(), OpenFailure> {
        let mut batches = Vec::new();
        let mut has_heads = true;
        let complete = read_batches(bytes, |batch| match BatchHead::of(batch) {
            Some(head) => batches.push(head),
            None => has_heads = false,
        });
        // No batch may follow a torn end, neither in a later log nor behind the torn end in this log.
        let next_batch = match &self.torn {
            Some((earlier, offset)) if begins_batch(bytes, 0) => Some((earlier.clone(), *offset)),
            None if begins_batch(bytes, complete + 1) => Some((name.clone(), complete)),
            _ => None,
        };
        if let Some((name, offset)) = next_batch {
            return Err(damaged(dir, &name, DamageKind::Bytes { offset }));
        }
        if !has_heads {
            let offset = 0;
            return Err(damaged(dir, &name, DamageKind::Bytes { offset }));
        }
        let torn = classify(tail(bytes, complete, Unsynced::One), complete);
        if torn.map_err(|kind| damaged(dir, &name, kind))? {
            self.torn = Some((name, complete));
        }
        self.files.push(Log { number, batches });
        Ok(())
    }

    /// Checks that the logs continue the manifest, and that both reach the state that the last complete start saw.
    fn check(
        &self,
        dir: &Dir,
        manifest: &Manifest,
        manifest_name: &str,
        witnessed: Option<Witnessed>,
    ) -> Result<(), OpenFailure> {
        let live = || {
            let live = self.files.iter();
            live.filter(|log| log.number >= manifest.log_number)
        };
        let mut last = None;
        for log in live() {
            let failed = |kind| damaged(dir, &log_name(log.number), kind);
            for batch in &log.batches {
                check_next(last, *batch, manifest).map_err(failed)?;
                let next = batch.next().and_then(|next| next.checked_sub(1));
                last = Some(next.ok_or_else(|| failed(DamageKind::Bytes { offset: 0 }))?);
            }
        }
        let older = |expected, found| {
            let kind = DamageKind::Older { expected, found };
            Err(damaged(dir, manifest_name, kind))
        };
        let end = last.unwrap_or(manifest.last_sequence);
        if end < manifest.last_sequence {
            return older(manifest.last_sequence, end);
        }
        let Some(witnessed) = witnessed else {
            return Ok(());
        };
        if end < witnessed.sequence {
            return older(witnessed.sequence, end);
        }
        if witnessed == Witnessed::NOTHING {
            return Ok(());
        }
        let log_is_live = witnessed.log >= manifest.log_number;
        let exists = |number| self.files.iter().any(|log| log.number == number);
        let is_missing = !exists(witnessed.log) && (log_is_live || live().next().is_none());
        if is_missing && !dir.has(log_name(witnessed.log))? {
            return Err(damaged(dir, &log_name(witnessed.log), DamageKind::Missing));
        }
        // The manifest records batches after the last start that no table holds.
        if last.is_none() && log_is_live && manifest.last_sequence > witnessed.sequence {
            return older(manifest.last_sequence, witnessed.sequence);
        }
        Ok(())
    }
}

/// Checks that a batch continues the batch before it or, if it is the first, the tables.
fn check_next(last: Option<u64>, batch: BatchHead, manifest: &Manifest) -> Result<(), DamageKind> {
    let found = batch.sequence;
    // The last sequence number of the manifest may belong to a batch in these logs.
    let (newest, expected_after) = match last {
        Some(last) => (last, last),
        None => (manifest.last_in_tables(), manifest.last_sequence),
    };
    if found <= newest {
        return Err(DamageKind::Stale { newest, found });
    }
    if found > expected_after.saturating_add(1) {
        return Err(DamageKind::Gap {
            expected_after,
            found,
        });
    }
    Ok(())
}
