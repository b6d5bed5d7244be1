//! RocksDB. Only this module names it.

#![expect(clippy::disallowed_types, reason = "only this module uses RocksDB")]

use std::io;
use std::path::PathBuf;

use rocksdb::{
    BottommostLevelCompaction, CompactOptions, DB, DBRecoveryMode, InfoLogger, IteratorMode,
    LogLevel, Options, ReadOptions, WriteBatch, WriteOptions,
};

use super::entry::{Edit, RawEntry};
use super::failure::BoxError;
use crate::failure::TooManyFiles;
use crate::fs::Dir;

/// The size of the memtable, in bytes, at which RocksDB would begin a new log by itself. The size is never reached,
/// because [`Store`](super::Store) begins a new log before, when there is space for it. Memory is taken as it is
/// used.
const WRITE_BUFFER: usize = 256 << 20;

/// Bytes of memory that the memtable takes at a time.
const ARENA_BLOCK: usize = 256 << 10;

/// The size of a manifest, in bytes, at which it is rolled.
const MANIFEST: usize = 1 << 20;

/// Bytes that a scan of all entries reads at once.
const SCAN_AHEAD: usize = 1 << 20;

/// The number of tables that starts may leave behind before one of them merges the tables.
const TABLES_KEPT: usize = 4;

pub(super) struct Rocks {
    db: DB,
    write: WriteOptions,
    paths: Paths,
}

/// The two paths of the directory: the path that RocksDB uses, and the path for messages.
struct Paths {
    /// The path that leads to the open directory itself. A directory that is moved away while the store is open keeps
    /// its store, and another directory in its place is not touched.
    descriptor: PathBuf,
    shown: PathBuf,
}

impl Paths {
    fn of(dir: &Dir) -> Result<Self, BoxError> {
        let descriptor = dir
            .descriptor_path()
            .ok_or("`/proc` is not mounted: RocksDB goes through the open directory there")?;
        let shown = dir.path().to_path_buf();
        Ok(Self { descriptor, shown })
    }
}

fn options() -> Result<Options, BoxError> {
    // Recovery does not flush, because a new manifest would name the tables of such a flush before their directory
    // entries are durable.
    //
    // RocksDB takes no space ahead, because on a full disk the log would take the space that the manifest needs. The
    // code around RocksDB reserves the log's space instead.
    let mut options = Options::default().get_options_from_string(
        "avoid_flush_during_recovery=true;stats_persist_period_sec=0;allow_fallocate=false",
    )?;
    // Any damaged record is an error. A torn tail, which is legal, has been cut off before.
    options.set_wal_recovery_mode(DBRecoveryMode::AbsoluteConsistency);
    options.set_write_buffer_size(WRITE_BUFFER);
    options.set_arena_block_size(ARENA_BLOCK);
    options.set_max_manifest_file_size(MANIFEST);
    options.set_stats_dump_period_sec(0);
    // Information logs are off, because they would grow beside a catalog of a few kilobytes.
    options.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Fatal, |_, _| {}));
    // The store has a few tables. By default, sixteen threads are started to open them.
    options.set_max_file_opening_threads(1);
    options.create_if_missing(false);
    Ok(options)
}

impl Rocks {
    /// Opens an existing store. The directory stays open as long as the store is open.
    pub(super) fn open(dir: &Dir) -> Result<Self, BoxError> {
        Self::start(&options()?, dir)
    }

    /// Creates an empty store where there is no store, and closes it again.
    pub(super) fn create(dir: &Dir) -> Result<(), BoxError> {
        let mut options = options()?;
        options.create_if_missing(true);
        options.set_error_if_exists(true);
        Self::start(&options, dir).map(drop)
    }

    /// Returns every entry of an existing store, which another process may have open. Writes nothing: no lock, no log
    /// of its own, no new manifest.
    pub(super) fn read_all(dir: &Dir) -> Result<Vec<RawEntry>, BoxError> {
        let mut options = options()?;
        // Another process may be writing the last record.
        options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
        let paths = Paths::of(dir)?;
        let failed = |error| said(&paths, error);
        let db = DB::open_for_read_only(&options, &paths.descriptor, false).map_err(failed)?;
        let entries = db.iterator(IteratorMode::Start);
        entries.collect::<Result<_, _>>().map_err(failed)
    }

    fn start(options: &Options, dir: &Dir) -> Result<Self, BoxError> {
        let mut write = WriteOptions::default();
        write.set_sync(true);
        let paths = Paths::of(dir)?;
        Ok(Self {
            db: DB::open(options, &paths.descriptor).map_err(|error| said(&paths, error))?,
            write,
            paths,
        })
    }

    fn said(&self, error: rocksdb::Error) -> BoxError {
        said(&self.paths, error)
    }

    /// Moves everything from the logs to a table, so that the logs can be deleted.
    pub(super) fn flush(&self) -> Result<(), BoxError> {
        self.db.flush().map_err(|error| self.said(error))
    }

    /// Merges all tables into one, if there are many and the disk has the space for the copy.
    pub(super) fn merge_tables(&self, may_take: u64) -> Result<(), BoxError> {
        let tables = self.db.live_files().map_err(|error| self.said(error))?;
        let size: usize = tables.iter().map(|table| table.size).sum();
        if tables.len() >= TABLES_KEPT && 2 * size as u64 <= may_take {
            let mut options = CompactOptions::default();
            // This option forces a merge. Otherwise, tables may only be moved to another level as they are.
            options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
            self.db
                .compact_range_opt(None::<&[u8]>, None::<&[u8]>, &options);
        }
        Ok(())
    }

    /// Returns the sequence number of the last edit.
    pub(super) fn last_sequence(&self) -> u64 {
        self.db.latest_sequence_number()
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, BoxError> {
        self.db.get(key).map_err(|error| self.said(error))
    }

    pub(super) fn write(&self, edits: &[Edit]) -> Result<(), BoxError> {
        let mut batch = WriteBatch::default();
        for edit in edits {
            match &edit.value {
                Some(value) => batch.put(edit.key.as_bytes(), value.as_bytes()),
                None => batch.delete(edit.key.as_bytes()),
            }
        }
        let written = self.db.write_opt(batch, &self.write);
        written.map_err(|error| self.said(error))
    }

    #[cfg(feature = "sim")]
    pub(super) fn write_raw_for_test(
        &self,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), BoxError> {
        let planted = match value {
            Some(value) => self.db.put_opt(key, value, &self.write),
            None => self.db.delete_opt(key, &self.write),
        };
        planted.map_err(|error| self.said(error))
    }

    /// Calls `visit` with every entry, in byte order and in place.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&[u8], &[u8])) -> Result<(), BoxError> {
        let mut read = ReadOptions::default();
        // A scan reads each block once, so the cache would not help.
        read.fill_cache(false);
        read.set_readahead_size(SCAN_AHEAD);
        let mut entries = self.db.raw_iterator_opt(read);
        entries.seek_to_first();
        while let Some((key, value)) = entries.item() {
            visit(key, value);
            entries.next();
        }
        entries.status().map_err(|error| self.said(error))
    }
}

/// Converts RocksDB's error into the system's error behind it, because the operator needs other advice than for a
/// damaged store. Only the text of RocksDB's error shows its cause.
fn said(paths: &Paths, error: rocksdb::Error) -> BoxError {
    let descriptor = paths.descriptor.to_string_lossy();
    let text = error.into_string();
    let text = text.replace(&*descriptor, &paths.shown.to_string_lossy());
    system_error(text)
}

/// Returns the system's error that the text describes, or an error with the text alone. The texts of the C library's
/// errors do not depend on the locale unless a program sets one. The other texts are the first words of RocksDB's own
/// lock.
fn system_error(text: String) -> BoxError {
    let kinds = [
        ("No space left on device", io::ErrorKind::StorageFull),
        ("Disk quota exceeded", io::ErrorKind::QuotaExceeded),
        ("While lock file", io::ErrorKind::ResourceBusy),
        ("lock hold by current process", io::ErrorKind::ResourceBusy),
        ("Permission denied", io::ErrorKind::PermissionDenied),
        ("Operation not permitted", io::ErrorKind::PermissionDenied),
        ("Read-only file system", io::ErrorKind::ReadOnlyFilesystem),
    ];
    if text.contains("Too many open files") {
        return io::Error::other(TooManyFiles(text)).into();
    }
    match kinds.into_iter().find(|(part, _)| text.contains(part)) {
        Some((_, kind)) => io::Error::new(kind, text).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Operation, StoreFailure};

    #[test]
    fn each_cause_has_its_own_advice() {
        for (text, advice) in [
            ("IO error: No space left on device: a", "free some space"),
            ("IO error: Disk quota exceeded: a", "free some space"),
            (
                "IO error: While open a file: a: Too many open files",
                "raise the limit",
            ),
            (
                "IO error: While lock file: a: Resource temporarily unavailable",
                "another program",
            ),
            (
                "IO error: While open a file: a: Permission denied",
                "this process's user",
            ),
            (
                "IO error: While open a file: a: Read-only file system",
                "for writing",
            ),
            (
                "Corruption: bad table magic number",
                "restore the catalog from a copy",
            ),
            (
                "IO error: While fdatasync: a: Input/output error",
                "check the disk",
            ),
        ] {
            let source = system_error(text.to_owned());
            let failure = StoreFailure::new(Operation::OpenStore, "/catalog", source);
            let said = failure.to_string();
            assert!(said.contains(advice), "{said}");
            let restores = said.contains("restore");
            assert_eq!(restores, text.starts_with("Corruption"), "{said}");
        }
    }
}
