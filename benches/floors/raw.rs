//! The floors: system calls, and RocksDB used directly.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use rocksdb::{DB, Options, WriteBatch, WriteOptions};

/// About what a mark or a flip adds to a log.
const RECORD: [u8; 64] = [7; 64];

pub fn file_name(number: usize) -> String {
    format!("{number:08}.pack")
}

/// A directory on its way to be filled, durable with its parents below the place.
pub fn directory(place: &Path, name: &str) -> PathBuf {
    let path = place.join(name);
    fs::create_dir_all(&path).unwrap();
    sync(&path);
    sync(place);
    path
}

pub fn sync(path: &Path) {
    File::open(path).unwrap().sync_all().unwrap();
}

/// Has the file system finish what it has been told, such as to remove the files of the round before.
pub fn settle(place: &Path) {
    rustix::fs::syncfs(File::open(place).unwrap()).unwrap();
}

/// A log that records are appended to.
pub struct Log(File);

impl Log {
    pub fn new(place: &Path) -> Self {
        let path = place.join("log");
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.unwrap();
        file.sync_all().unwrap();
        sync(place);
        Self(file)
    }

    pub fn append(&mut self) {
        self.0.write_all(&RECORD).unwrap();
        self.0.sync_data().unwrap();
    }

    pub fn append_for(&mut self, members: usize) {
        self.0.write_all(&RECORD.repeat(members)).unwrap();
        self.0.sync_data().unwrap();
    }
}

pub fn create(directory: &Path, number: usize, bytes: &[u8]) -> File {
    let path = directory.join(file_name(number));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// The floor of freezing one artifact.
pub fn freeze_one(log: &mut Log, directory: &Path, number: usize, bytes: &[u8]) {
    log.append();
    create(directory, number, bytes).sync_all().unwrap();
    sync(directory);
    log.append();
}

/// The floor of freezing a group with the same calls as ours: one mark, one barrier, one flip. The barrier is a sync
/// of the whole file system, or of each file and their directory.
pub fn freeze_group(
    log: &mut Log,
    directory: &Path,
    members: usize,
    bytes: &[u8],
    as_a_whole: bool,
) {
    log.append_for(members);
    let files: Vec<_> = (0..members)
        .map(|number| create(directory, number, bytes))
        .collect();
    if as_a_whole {
        rustix::fs::syncfs(File::open(directory).unwrap()).unwrap();
    } else {
        for file in &files {
            file.sync_all().unwrap();
        }
    }
    sync(directory);
    drop(files);
    log.append_for(members);
}

/// RocksDB with its log synced at each write.
pub struct Rocks {
    pub db: DB,
    pub write: WriteOptions,
}

impl Rocks {
    pub fn open(path: &Path) -> Self {
        let mut options = Options::default();
        options.create_if_missing(true);
        let mut write = WriteOptions::default();
        write.set_sync(true);
        Self {
            db: DB::open(&options, path).unwrap(),
            write,
        }
    }

    pub fn put(&self, key: &str, value: &str) {
        self.db.put_opt(key, value, &self.write).unwrap();
    }

    /// One synced batch.
    pub fn all(&self, keys: impl Iterator<Item = String>, value: Option<&str>) {
        let mut batch = WriteBatch::default();
        for key in keys {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        self.db.write_opt(batch, &self.write).unwrap();
    }

    /// The order of the known implementation, for one artifact.
    pub fn freeze_known(&self, directory: &Path, number: usize, bytes: &[u8]) {
        let key = key(number);
        self.put(&key, "freezing");
        drop(create(directory, number, bytes));
        sync(&directory.join(file_name(number)));
        sync(directory);
        sync(directory.parent().unwrap());
        self.put(&key, "frozen");
    }
}

pub fn key(number: usize) -> String {
    format!("chunk:{number:08}:ledgers")
}
