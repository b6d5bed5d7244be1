//! The state of a simulated disk: every inode with its durable and pending changes, and the batches that the
//! store has acknowledged.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::content::Content;
use super::entries::Entries;
use super::event::{Batch, Event, InodeId, Keys};

pub(super) const ROOT: InodeId = InodeId(0);

#[derive(Clone)]
pub(super) enum Inode {
    File(Content),
    Directory(Entries),
}

/// The obligations of a store: the acknowledged batches, and the batch that is being written.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Promise {
    pub(super) acknowledged: Arc<Keys>,
    pub(super) in_flight: Option<Arc<Batch>>,
}

/// A disk at one crash point. Clones are cheap, because they share the inodes.
#[derive(Clone)]
pub(super) struct World {
    pub(super) inodes: Vec<Arc<Inode>>,
    pub(super) promise: Promise,
    /// The number of barriers from which on one sync of the file system replaces them, or `None` for the number
    /// of a real disk.
    pub(super) whole_from: Option<usize>,
    /// Whether a recreated directory has the inode number of its predecessor.
    pub(super) reuses_numbers: bool,
}

impl World {
    /// Creates a disk with an empty root directory.
    pub(super) fn new() -> Self {
        Self {
            inodes: vec![Arc::new(Inode::Directory(Entries::default()))],
            promise: Promise::default(),
            whole_from: None,
            reuses_numbers: false,
        }
    }

    pub(super) fn next_inode(&self) -> InodeId {
        InodeId(self.inodes.len())
    }

    pub(super) fn file(&self, id: InodeId) -> Option<&Content> {
        match self.inodes.get(id.0)?.as_ref() {
            Inode::File(content) => Some(content),
            Inode::Directory(_) => None,
        }
    }

    pub(super) fn directory(&self, id: InodeId) -> Option<&Entries> {
        match self.inodes.get(id.0)?.as_ref() {
            Inode::Directory(entries) => Some(entries),
            Inode::File(_) => None,
        }
    }

    fn change_file(&mut self, id: InodeId, change: impl FnOnce(&mut Content)) {
        if let Some(Inode::File(content)) = self.inodes.get_mut(id.0).map(Arc::make_mut) {
            change(content);
        }
    }

    fn change_directory(&mut self, id: InodeId, change: impl FnOnce(&mut Entries)) {
        if let Some(Inode::Directory(entries)) = self.inodes.get_mut(id.0).map(Arc::make_mut) {
            change(entries);
        }
    }

    /// Stores an inode under its number. Fills gaps, because a mutated log may leave out an earlier inode.
    fn add(&mut self, id: InodeId, inode: Inode) {
        let hole = Arc::new(Inode::File(Content::new()));
        while self.inodes.len() <= id.0 {
            self.inodes.push(Arc::clone(&hole));
        }
        if let Some(slot) = self.inodes.get_mut(id.0) {
            *slot = Arc::new(inode);
        }
    }

    /// Returns the files with bytes that are not durable.
    pub(super) fn pending_files(&self) -> impl Iterator<Item = InodeId> + '_ {
        let numbers = (0..self.inodes.len()).map(InodeId);
        numbers.filter(|id| self.file(*id).is_some_and(Content::is_pending))
    }

    /// Applies an event to the disk.
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::CreateFile {
                parent,
                name,
                inode,
            } => {
                self.add(*inode, Inode::File(Content::new()));
                self.change_directory(*parent, |entries| entries.set(name, Some(*inode)));
            }
            Event::CreateDirectory {
                parent,
                name,
                inode,
            } => {
                self.add(*inode, Inode::Directory(Entries::default()));
                self.change_directory(*parent, |entries| entries.set(name, Some(*inode)));
            }
            Event::Write { inode, at, bytes } => {
                self.change_file(*inode, |content| content.write(*at, bytes));
            }
            Event::Cut { inode, length } => {
                self.change_file(*inode, |content| content.cut(*length));
            }
            Event::SyncFile { inode } => self.change_file(*inode, Content::sync),
            Event::SyncDirectory { inode } => self.change_directory(*inode, Entries::sync),
            Event::LoseSync { inode } => self.change_file(*inode, Content::fail_sync),
            Event::SyncAll => {
                for id in (0..self.inodes.len()).map(InodeId) {
                    self.change_file(id, Content::sync);
                    self.change_directory(id, Entries::sync);
                }
            }
            Event::Unlink { parent, name } | Event::RemoveDirectory { parent, name } => {
                self.change_directory(*parent, |entries| entries.set(name, None));
            }
            Event::Rename {
                from,
                name,
                to,
                new_name,
            } => {
                let target = self.directory(*from).and_then(|entries| entries.get(name));
                self.change_directory(*from, |entries| entries.set(name, None));
                self.change_directory(*to, |entries| entries.set(new_name, target));
            }
            Event::StoreOpened(_) | Event::BatchBegins(_) | Event::BatchReturns | Event::Step => {
                self.record(event);
            }
        }
    }

    /// Updates the batches that the store has acknowledged or has in flight.
    fn record(&mut self, event: &Event) {
        match event {
            Event::StoreOpened(keys) => {
                self.promise = Promise {
                    acknowledged: Arc::clone(keys),
                    in_flight: None,
                };
            }
            Event::BatchBegins(batch) => self.promise.in_flight = Some(Arc::clone(batch)),
            Event::BatchReturns => {
                if let Some(batch) = self.promise.in_flight.take() {
                    apply_batch(Arc::make_mut(&mut self.promise.acknowledged), &batch);
                }
            }
            _ => {}
        }
    }

    /// Returns the current inode of an absolute path, or `None` if the path does not exist.
    pub(super) fn find(&self, path: &Path) -> Option<InodeId> {
        let mut here = ROOT;
        for component in path.components() {
            if let std::path::Component::Normal(name) = component {
                here = self.directory(here)?.get(name)?;
            }
        }
        Some(here)
    }

    /// Calls `visit` with every current path, and with the bytes of each file.
    pub(super) fn walk(&self, visit: &mut impl FnMut(&Path, Option<&[u8]>)) {
        self.walk_below(ROOT, &PathBuf::from("/"), visit);
    }

    fn walk_below(&self, id: InodeId, path: &Path, visit: &mut impl FnMut(&Path, Option<&[u8]>)) {
        let Some(entries) = self.directory(id) else {
            return;
        };
        for (name, inode) in entries.current() {
            let path = path.join(name);
            if let Some(content) = self.file(inode) {
                visit(&path, Some(&content.current()));
            } else {
                visit(&path, None);
                self.walk_below(inode, &path, visit);
            }
        }
    }

    /// Returns a hash of the current tree.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash_below(ROOT, &mut hasher, &mut BTreeSet::new());
        hasher.finish()
    }

    fn hash_below(&self, id: InodeId, hasher: &mut DefaultHasher, seen: &mut BTreeSet<InodeId>) {
        match self.inodes.get(id.0).map(Arc::as_ref) {
            Some(Inode::File(content)) => {
                // Two names of one file differ from two files with the same bytes.
                seen.insert(id).hash(hasher);
                content.current().hash(hasher);
            }
            Some(Inode::Directory(entries)) => {
                for (name, inode) in entries.current() {
                    name.hash(hasher);
                    self.hash_below(inode, hasher, seen);
                }
                usize::MAX.hash(hasher);
            }
            None => {}
        }
    }

    /// Returns one current path of an inode, for a message.
    pub(super) fn path_of(&self, id: InodeId) -> Option<PathBuf> {
        self.path_below(ROOT, PathBuf::from("/"), id)
    }

    fn path_below(&self, here: InodeId, path: PathBuf, id: InodeId) -> Option<PathBuf> {
        if here == id {
            return Some(path);
        }
        let entries = self.directory(here)?;
        entries
            .current()
            .find_map(|(name, inode)| self.path_below(inode, path.join(name), id))
    }
}

/// Applies the edits of a batch to `keys`.
pub(super) fn apply_batch(keys: &mut Keys, batch: &Batch) {
    for (key, value) in batch {
        match value {
            Some(value) => keys.insert(key.clone(), value.clone()),
            None => keys.remove(key),
        };
    }
}
