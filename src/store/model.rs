//! The model of RocksDB on a simulated disk: its files, and the order in which it writes and syncs them.
//!
//! The entries are in the manifest and in the logs that it names. Both are framed like RocksDB's files. The manifest
//! begins with an edit in RocksDB's format, and each batch begins with its sequence number and count. All work of the
//! library around the store (creating it in a staging directory, repairing its pointer, checking its logs) therefore
//! treats this model's files like the real ones. The model has no tables. A flush writes a new manifest that holds
//! all entries, as RocksDB does at a start with one table.
//!
//! Numbers are reused after a crash, so that a recovery that is interrupted again and again comes back to earlier
//! crash images.

mod encoding;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::sync::{Mutex, PoisonError};

use self::encoding::{batches, decode, encode, length, spelled, text, with_head, without_head};
use super::entry::RawEntry;
use super::failure::BoxError;
use super::framing::framed;
use super::log_format::{BatchHead, read_batches};
use super::manifest::{self, Manifest, content_of, ignored_edit};
use super::names::{POINTER, is_manifest, log_name, manifest_name, manifest_number};
use crate::sim::{Batch, DirHandle, FileHandle, Keys};

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// One edit: a key, and its new value, or `None` to delete the key.
type Edit<'a> = (&'a [u8], Option<&'a [u8]>);

/// The end of a pointer's name before the pointer is moved into its place.
const NEW_POINTER: &str = ".dbtmp";

const FIRST_MANIFEST: u64 = 1;
const FIRST_LOG: u64 = 2;

/// An open store.
pub(super) struct Simulated {
    dir: DirHandle,
    inner: Mutex<Inner>,
}

struct Inner {
    entries: Entries,
    log: Log,
    /// The sequence number of the last edit.
    sequence: u64,
}

/// The log to which batches are appended.
struct Log {
    file: FileHandle,
    length: usize,
    /// Whether the log's directory entry is durable. The first batch makes it durable.
    has_name: bool,
}

/// The content of the files.
struct Found {
    log: u64,
    /// The entries without the logs' batches.
    of_manifest: Entries,
    entries: Entries,
    sequence: u64,
    /// The newest log with a batch in it.
    newest: Option<u64>,
    /// The next file number, above the numbers of all files in use.
    next: u64,
}

/// Creates an empty store.
pub(super) fn create(dir: &DirHandle) -> Result<(), BoxError> {
    dir.disk().begin_store();
    let created = write_manifest(dir, FIRST_MANIFEST, (FIRST_LOG, 0), &Entries::new())
        .and_then(|()| dir.create_file(log_name(FIRST_LOG).as_ref()))
        .and_then(|_log| point_to(dir, FIRST_MANIFEST));
    dir.disk().end_of_store();
    Ok(created?)
}

/// Returns the entries of a store that no process has open, in any state that a crash leaves. A missing store has no
/// entries.
pub(super) fn peek(dir: &DirHandle) -> io::Result<Keys> {
    let pointer = match dir.read_file(POINTER.as_ref()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Keys::new()),
        pointer => pointer?,
    };
    let named = String::from_utf8_lossy(&pointer).trim_end().to_owned();
    // Like the library's repair, this takes the newest manifest that exists.
    let manifest = if dir.has(named.as_ref())? {
        named
    } else {
        let mut manifests = names(dir)?.into_iter();
        manifests.rfind(|name| is_manifest(name)).unwrap_or(named)
    };
    Ok(spelled(&read(dir, &manifest)?.entries))
}

/// Returns every entry of a store that another process may have open.
pub(super) fn read_all(dir: &DirHandle) -> Result<Vec<RawEntry>, BoxError> {
    let pointer = dir.read_file(POINTER.as_ref())?;
    let found = read(dir, String::from_utf8_lossy(&pointer).trim_end())?;
    let entries = found.entries.into_iter();
    Ok(entries
        .map(|(key, value)| (key.into(), value.into()))
        .collect())
}

impl Simulated {
    pub(super) fn open(dir: &DirHandle) -> Result<Self, BoxError> {
        let pointer = dir.read_file(POINTER.as_ref())?;
        let manifest = String::from_utf8_lossy(&pointer).trim_end().to_owned();
        let found = read(dir, &manifest)?;
        dir.disk().begin_store();
        // RocksDB writes a new manifest at every start and syncs the directory. If there is nothing to flush, the
        // model writes a new manifest at the first start only. Otherwise the number of different crash images would
        // be unlimited. At later starts, the effects of a new manifest are also those of a flush.
        let renewed = if manifest == manifest_name(FIRST_MANIFEST) {
            renew_manifest(dir, &found)
        } else {
            dir.sync()
        };
        let opened = renewed.and_then(|()| Log::open(dir, found.log));
        dir.disk().end_of_store();
        Ok(Self {
            dir: dir.reopen()?,
            inner: Mutex::new(Inner {
                entries: found.entries,
                log: opened?,
                sequence: found.sequence,
            }),
        })
    }

    /// Moves everything from the logs to a new manifest, and begins a new log. Does nothing if the logs in use are
    /// empty.
    pub(super) fn flush(&mut self) -> Result<(), BoxError> {
        let dir = &self.dir;
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        let pointer = dir.read_file(POINTER.as_ref())?;
        let found = read(dir, String::from_utf8_lossy(&pointer).trim_end())?;
        if found.newest.is_none() {
            return Ok(());
        }
        let manifest = found.next;
        let log = manifest + 1;
        dir.disk().begin_store();
        let flushed = empty_file(dir, &log_name(log))
            .and_then(|_empty| Log::open(dir, log))
            .and_then(|new| {
                write_manifest(dir, manifest, (log, inner.sequence), &inner.entries)?;
                point_to(dir, manifest)?;
                remove_obsolete(dir, manifest, log)?;
                Ok(new)
            });
        dir.disk().end_of_store();
        inner.log = flushed?;
        Ok(())
    }

    /// Tells the disk that the process that opened the store relies on its entries from now on.
    pub(super) fn promise(&mut self) {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        let keys = spelled(&inner.entries);
        self.dir.disk().store_opened(keys, self.dir.path());
    }

    /// Returns the sequence number of the last edit.
    pub(super) fn last_sequence(&self) -> u64 {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.sequence
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.entries.get(key).cloned()
    }

    pub(super) fn for_each(&self, mut visit: impl FnMut(&[u8], &[u8])) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in &inner.entries {
            visit(key, value);
        }
    }

    /// Appends a batch to the log and syncs it.
    pub(super) fn write<'a>(
        &self,
        edits: impl IntoIterator<Item = Edit<'a>>,
    ) -> Result<(), BoxError> {
        let edits: Vec<_> = edits.into_iter().collect();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let batch: Batch = edits
            .iter()
            .map(|(key, value)| (text(key), value.map(text)))
            .collect();
        let disk = self.dir.disk();
        disk.batch_begins(batch, self.dir.path());
        let head = BatchHead {
            sequence: inner.sequence + 1,
            count: length(&edits),
        };
        inner.log.append(&with_head(head, &encode(&edits)))?;
        if !inner.log.has_name {
            disk.begin_store();
            let synced = self.dir.sync();
            disk.end_of_store();
            synced?;
            inner.log.has_name = true;
        }
        disk.batch_returns(self.dir.path());
        inner.sequence += u64::from(head.count);
        apply(&mut inner.entries, &edits);
        Ok(())
    }
}

impl Log {
    /// Opens the log of this number, or creates it again: an empty log may have been lost.
    fn open(dir: &DirHandle, number: u64) -> io::Result<Self> {
        let name = log_name(number);
        let exists = dir.has(name.as_ref())?;
        // The reserved part of the log holds zeros, and does not count.
        let length = if exists {
            read_batches(&dir.read_file(name.as_ref())?, |_| {})
        } else {
            0
        };
        Ok(Self {
            file: if exists {
                dir.open_file(name.as_ref())?
            } else {
                dir.create_file(name.as_ref())?
            },
            length,
            has_name: false,
        })
    }

    fn append(&mut self, batch: &[u8]) -> io::Result<()> {
        let bytes = framed(batch, self.length);
        // A log has its space from the beginning, so a full disk does not stop it.
        self.file.write_preallocated(self.length, &bytes)?;
        self.file.sync()?;
        self.length += bytes.len();
        Ok(())
    }
}

/// Writes a manifest with all entries up to the sequence number. The log continues from there.
fn write_manifest(
    dir: &DirHandle,
    number: u64,
    (log, sequence): (u64, u64),
    entries: &Entries,
) -> io::Result<()> {
    let mut bytes = framed(&manifest::edit(log, sequence), 0);
    for (key, value) in entries {
        let edit = (key.as_slice(), Some(value.as_slice()));
        let framed = framed(&ignored_edit(&encode(&[edit])), bytes.len());
        bytes.extend(framed);
    }
    let file = empty_file(dir, &manifest_name(number))?;
    file.append(&bytes)?;
    file.sync()
}

/// Writes the manifest's entries to a new manifest, and points to it. The entries in the logs stay there.
fn renew_manifest(dir: &DirHandle, found: &Found) -> io::Result<()> {
    let manifest = found.next;
    // As in RocksDB, the new manifest's last sequence number includes the edits in the logs.
    let begins = (found.log, found.sequence);
    write_manifest(dir, manifest, begins, &found.of_manifest)?;
    point_to(dir, manifest)?;
    remove_obsolete(dir, manifest, found.log)
}

/// Durably makes the pointer name a manifest.
fn point_to(dir: &DirHandle, manifest: u64) -> io::Result<()> {
    let name = format!("{manifest:06}{NEW_POINTER}");
    let file = empty_file(dir, &name)?;
    file.append(format!("{}\n", manifest_name(manifest)).as_bytes())?;
    file.sync()?;
    dir.rename(name.as_ref(), dir, POINTER.as_ref(), true)?;
    dir.sync()
}

/// Returns an empty file of this name. A file that an interrupted start has left under it is truncated.
fn empty_file(dir: &DirHandle, name: &str) -> io::Result<FileHandle> {
    if !dir.has(name.as_ref())? {
        return dir.create_file(name.as_ref());
    }
    let file = dir.open_file(name.as_ref())?;
    file.cut(0)?;
    Ok(file)
}

/// Removes the files that are older than the files in use. Newer files are those of an interrupted start; the next
/// start truncates them.
fn remove_obsolete(dir: &DirHandle, manifest: u64, log: u64) -> io::Result<()> {
    for name in names(dir)? {
        let is_old_log = log_number(&name).is_some_and(|number| number < log);
        let is_old_manifest = manifest_number(&name).is_some_and(|number| number < manifest);
        if is_old_log || is_old_manifest || name.ends_with(NEW_POINTER) {
            dir.unlink(name.as_ref())?;
        }
    }
    Ok(())
}

fn names(dir: &DirHandle) -> io::Result<Vec<String>> {
    let entries = dir.list()?.into_iter();
    Ok(entries
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect())
}

fn log_number(name: &str) -> Option<u64> {
    name.strip_suffix(".log")?.parse().ok()
}

/// Reads a manifest, and the logs that it names for the replay.
fn read(dir: &DirHandle, manifest: &str) -> io::Result<Found> {
    let damaged = || io::Error::other(format!("`{manifest}` is not a manifest"));
    let bytes = dir.read_file(OsStr::new(manifest))?;
    let read = Manifest::read(&bytes).map_err(|_unknown| damaged())?;
    let log = read.log_number;
    let mut entries = Entries::new();
    for record in batches(&bytes).iter().skip(1) {
        let edits = content_of(record).and_then(decode);
        apply(&mut entries, &edits.ok_or_else(damaged)?);
    }
    let of_manifest = entries.clone();
    let used = log.max(manifest_number(manifest).unwrap_or(0));
    let mut newest = None;
    let mut sequence = read.last_sequence;
    let names = names(dir)?;
    for number in names.iter().filter_map(|name| log_number(name)) {
        if number < log {
            continue;
        }
        for batch in batches(&dir.read_file(log_name(number).as_ref())?) {
            let (head, edits) = without_head(&batch).ok_or_else(damaged)?;
            apply(&mut entries, &decode(edits).ok_or_else(damaged)?);
            sequence = sequence.max(head.sequence + u64::from(head.count) - 1);
            newest = Some(number);
        }
    }
    Ok(Found {
        log,
        of_manifest,
        entries,
        sequence,
        newest,
        next: used.max(newest.unwrap_or(0)) + 1,
    })
}

fn apply(entries: &mut Entries, edits: &[Edit<'_>]) {
    for (key, value) in edits {
        match value {
            Some(value) => entries.insert(key.to_vec(), value.to_vec()),
            None => entries.remove(*key),
        };
    }
}
