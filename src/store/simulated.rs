//! The model of RocksDB on a simulated disk: its files, and the order in which it writes and syncs them.
//!
//! The entries are in the manifest and in the logs that it names; both are framed as RocksDB's are,
//! so what the library does around the store (creating it aside, mending its pointer, checking its
//! logs) works on this model's files as it does on the real ones. Tables are left out: a flush writes a
//! new manifest that holds all entries, which is what RocksDB does at a start with one table.
//!
//! Numbers are reused after a crash, so that a recovery that is cut off again and again comes back to
//! disks that have been there before.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::sync::{Mutex, PoisonError};

use super::creation::{POINTER, is_manifest};
use super::log_format::{batches, framed, whole_records};
use super::{RawEntry, Source};
use crate::sim::{Batch, DirHandle, FileHandle, Keys};

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// One edit: a key, and its new value or none.
type Edit<'a> = (&'a [u8], Option<&'a [u8]>);

/// How the name ends that a pointer has before it is moved into its place.
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
}

/// The log that batches go to.
struct Log {
    file: FileHandle,
    length: usize,
    /// Whether its entry is durable. It is made so with the first batch.
    has_name: bool,
}

/// What the files say.
struct Found {
    log: u64,
    /// Without the logs' batches.
    of_manifest: Entries,
    entries: Entries,
    /// The newest log with a batch in it.
    newest: Option<u64>,
    /// The next number: above those of all files in use.
    next: u64,
}

fn manifest_name(number: u64) -> String {
    format!("MANIFEST-{number:06}")
}

fn log_name(number: u64) -> String {
    format!("{number:06}.log")
}

/// Creates an empty store.
pub(super) fn create(dir: &DirHandle) -> Result<(), Source> {
    dir.disk().begin_store();
    let created = write_manifest(dir, FIRST_MANIFEST, FIRST_LOG, &Entries::new())
        .and_then(|()| dir.create_file(log_name(FIRST_LOG).as_ref()))
        .and_then(|_log| point_to(dir, FIRST_MANIFEST));
    dir.disk().end_of_store();
    Ok(created?)
}

/// The entries in a store that nobody has open, whatever a crash has left of it: no store has none.
pub(super) fn peek(dir: &DirHandle) -> io::Result<Keys> {
    let pointer = match dir.read_file(POINTER.as_ref()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Keys::new()),
        pointer => pointer?,
    };
    let named = String::from_utf8_lossy(&pointer).trim_end().to_owned();
    // As the library mends it: the newest manifest that is there.
    let manifest = if dir.has(named.as_ref())? {
        named
    } else {
        let mut manifests = names(dir)?.into_iter();
        manifests.rfind(|name| is_manifest(name)).unwrap_or(named)
    };
    Ok(spelled(&read(dir, &manifest)?.entries))
}

/// Every entry of a store that somebody else may have open.
pub(super) fn read_all(dir: &DirHandle) -> Result<Vec<RawEntry>, Source> {
    let pointer = dir.read_file(POINTER.as_ref())?;
    let found = read(dir, String::from_utf8_lossy(&pointer).trim_end())?;
    let entries = found.entries.into_iter();
    Ok(entries
        .map(|(key, value)| (key.into(), value.into()))
        .collect())
}

impl Simulated {
    pub(super) fn open(dir: &DirHandle) -> Result<Self, Source> {
        let pointer = dir.read_file(POINTER.as_ref())?;
        let manifest = String::from_utf8_lossy(&pointer).trim_end().to_owned();
        let found = read(dir, &manifest)?;
        dir.disk().begin_store();
        // RocksDB writes a new manifest at every start and syncs the directory. Without anything to
        // flush, the model does the former at the first start only, or there would be no end to the
        // disks that differ: what follows from it at later starts follows from a flush, too.
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
            }),
        })
    }

    /// Moves everything from the logs to a new manifest, and begins a new log; nothing if the logs in
    /// use are empty.
    pub(super) fn flush(&mut self) -> Result<(), Source> {
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
                write_manifest(dir, manifest, log, &inner.entries)?;
                point_to(dir, manifest)?;
                remove_obsolete(dir, manifest, log)?;
                Ok(new)
            });
        dir.disk().end_of_store();
        inner.log = flushed?;
        Ok(())
    }

    /// Promises what it reads from now on to whoever has opened it.
    pub(super) fn promise(&mut self) {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        let keys = spelled(&inner.entries);
        self.dir.disk().store_opened(keys, self.dir.path());
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
    ) -> Result<(), Source> {
        let edits: Vec<_> = edits.into_iter().collect();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let batch: Batch = edits
            .iter()
            .map(|(key, value)| (text(key), value.map(text)))
            .collect();
        let disk = self.dir.disk();
        disk.batch_begins(batch, self.dir.path());
        inner.log.append(&encode(&edits))?;
        if !inner.log.has_name {
            disk.begin_store();
            let synced = self.dir.sync();
            disk.end_of_store();
            synced?;
            inner.log.has_name = true;
        }
        disk.batch_returns(self.dir.path());
        apply(&mut inner.entries, &edits);
        Ok(())
    }
}

impl Log {
    /// The log of this number, which may have been lost as long as it was empty.
    fn open(dir: &DirHandle, number: u64) -> io::Result<Self> {
        let name = log_name(number);
        let exists = dir.has(name.as_ref())?;
        // What is reserved of it is zeros.
        let length = if exists {
            whole_records(&dir.read_file(name.as_ref())?)
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

fn write_manifest(dir: &DirHandle, number: u64, log: u64, entries: &Entries) -> io::Result<()> {
    let mut bytes = framed(log.to_string().as_bytes(), 0);
    for (key, value) in entries {
        let edit = (key.as_slice(), Some(value.as_slice()));
        let framed = framed(&encode(&[edit]), bytes.len());
        bytes.extend(framed);
    }
    let file = empty_file(dir, &manifest_name(number))?;
    file.append(&bytes)?;
    file.sync()
}

/// Writes what the manifest holds to a new one, and points to it. What is in the logs stays there.
fn renew_manifest(dir: &DirHandle, found: &Found) -> io::Result<()> {
    let manifest = found.next;
    write_manifest(dir, manifest, found.log, &found.of_manifest)?;
    point_to(dir, manifest)?;
    remove_obsolete(dir, manifest, found.log)
}

/// Makes the pointer name a manifest, durably.
fn point_to(dir: &DirHandle, manifest: u64) -> io::Result<()> {
    let name = format!("{manifest:06}{NEW_POINTER}");
    let file = empty_file(dir, &name)?;
    file.append(format!("{}\n", manifest_name(manifest)).as_bytes())?;
    file.sync()?;
    dir.rename(name.as_ref(), dir, POINTER.as_ref(), true)?;
    dir.sync()
}

/// An empty file of this name: what an interrupted start has left under it is truncated.
fn empty_file(dir: &DirHandle, name: &str) -> io::Result<FileHandle> {
    if !dir.has(name.as_ref())? {
        return dir.create_file(name.as_ref());
    }
    let file = dir.open_file(name.as_ref())?;
    file.cut(0)?;
    Ok(file)
}

/// Removes what is older than what is in use. What is newer is of an interrupted start; the next one
/// truncates it.
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

fn manifest_number(name: &str) -> Option<u64> {
    let number = name.rsplit('-').next().filter(|_| is_manifest(name));
    number?.parse().ok()
}

fn log_number(name: &str) -> Option<u64> {
    name.strip_suffix(".log")?.parse().ok()
}

/// Reads a manifest, and the logs that it says are to be replayed.
fn read(dir: &DirHandle, manifest: &str) -> io::Result<Found> {
    let damaged = || io::Error::other(format!("`{manifest}` is not a manifest"));
    let mut records = batches(&dir.read_file(OsStr::new(manifest))?).into_iter();
    let log = records.next().and_then(|bytes| text(&bytes).parse().ok());
    let log: u64 = log.ok_or_else(damaged)?;
    let mut entries = Entries::new();
    for record in records {
        apply(&mut entries, &decode(&record).ok_or_else(damaged)?);
    }
    let of_manifest = entries.clone();
    let used = log.max(manifest_number(manifest).unwrap_or(0));
    let mut newest = None;
    let names = names(dir)?;
    for number in names.iter().filter_map(|name| log_number(name)) {
        if number < log {
            continue;
        }
        for batch in batches(&dir.read_file(log_name(number).as_ref())?) {
            apply(&mut entries, &decode(&batch).ok_or_else(damaged)?);
            newest = Some(number);
        }
    }
    Ok(Found {
        log,
        of_manifest,
        entries,
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

/// What marks an edit that deletes its key, in place of the value's length.
const NO_VALUE: u32 = u32::MAX;

/// For each edit the key and the value, each with its length in front.
fn encode(edits: &[Edit<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in edits {
        let value_length = value.map_or(NO_VALUE, length);
        bytes.extend(length(key).to_le_bytes());
        bytes.extend(value_length.to_le_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value.unwrap_or_default());
    }
    bytes
}

fn length(part: &[u8]) -> u32 {
    u32::try_from(part.len()).unwrap_or(NO_VALUE)
}

fn decode(mut bytes: &[u8]) -> Option<Vec<Edit<'_>>> {
    let mut edits = Vec::new();
    while !bytes.is_empty() {
        let (key_length, rest) = bytes.split_first_chunk()?;
        let (value_length, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*key_length) as usize)?;
        let value_length = u32::from_le_bytes(*value_length);
        if value_length == NO_VALUE {
            edits.push((key, None));
            bytes = rest;
            continue;
        }
        let (value, rest) = rest.split_at_checked(value_length as usize)?;
        edits.push((key, Some(value)));
        bytes = rest;
    }
    Some(edits)
}

fn spelled(entries: &Entries) -> Keys {
    let entries = entries.iter();
    entries
        .map(|(key, value)| (text(key), text(value)))
        .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
