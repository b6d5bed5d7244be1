//! Barriers: the record of the directories that this process has made durable, and the calls that make the
//! other directories and the files durable.
//!
//! An existing directory may not be durable, because its entry in its parent may still be lost. Only an
//! fsync of the parent, in this process, proves that the entry is durable.
//!
//! Every barrier ends with a check of the file system ([`check_file_systems`]), because fsync does not
//! report every failure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::open_dirs::{OpenDirs, SharedDir};
use super::pending::{Dirs, MadeDurable, Pending};
use super::poison::Poison;
use super::rounds::Rounds;
use crate::domain::{ArtifactLocation, DirPath, PerRole};
use crate::failure::{Fatal, IoFailure};
use crate::fs::{Device, Dir, DirChain, DirMark, NewFile};
use crate::roots::LockedRoots;

/// The directories below the roots whose own entry is durable. (The entries of locked roots are durable.)
pub(crate) struct Barriers {
    /// The durable entries. Each has the mark of the directory that had the name, because another directory
    /// under the same name is not durable.
    entries: Mutex<HashMap<DirPath, DirMark>>,
    /// The open directories that hold artifacts' files.
    dirs: OpenDirs,
    /// Each root's file system, if it can be synced as a whole.
    file_systems: PerRole<Option<Arc<Whole>>>,
    /// A lock for syncs through a root's descriptor, which the threads share. The kernel reports a failure
    /// to a descriptor once, so another thread's sync may succeed right after. The lock is therefore held
    /// until a failure has poisoned the catalog.
    through_roots: Mutex<()>,
}

/// A file system on which one sync does all that an fsync of each file and directory would do. Roots on one file system
/// share it.
struct Whole {
    device: Device,
    /// The number of files and directories from which one sync is cheaper.
    from: usize,
    /// The syncs that threads share.
    syncs: Rounds,
    /// The number of files and directories that threads are making durable at this time.
    under_way: AtomicUsize,
}

/// The file systems that a barrier covers, each with a directory on it.
type FileSystems<'a> = BTreeMap<Device, (&'a Whole, &'a SharedDir)>;

/// A directory with entries that are not durable yet, and those entries.
type Parent<'a> = (&'a Dir, Vec<(DirPath, DirMark)>);

/// Such directories, by path and mark; a root has no mark. A directory that was replaced meanwhile is another one.
type Parents<'a> = BTreeMap<(DirPath, Option<DirMark>), Parent<'a>>;

impl Barriers {
    /// Inspects the file systems of these roots. No directory below the roots has been made durable yet.
    pub(crate) fn new(roots: &LockedRoots) -> Result<Self, IoFailure> {
        let mut known: HashMap<Device, Arc<Whole>> = HashMap::new();
        let file_systems = PerRole::try_new(|role| {
            let root = roots.dir(role);
            let Some(from) = root.sync_whole_from()? else {
                return Ok(None);
            };
            let device = root.mark()?.device();
            let whole = known.entry(device).or_insert_with(|| {
                Arc::new(Whole {
                    device,
                    from,
                    syncs: Rounds::default(),
                    under_way: AtomicUsize::new(0),
                })
            });
            Ok(Some(Arc::clone(whole)))
        })?;
        Ok(Self {
            entries: Mutex::default(),
            dirs: OpenDirs::default(),
            file_systems,
            through_roots: Mutex::default(),
        })
    }

    /// Opens the directory of a location, and creates the missing directories of its path.
    pub(crate) fn open_dir(
        &self,
        root: &Arc<Dir>,
        location: &ArtifactLocation,
    ) -> Result<Arc<SharedDir>, IoFailure> {
        if let Some(dir) = self.dirs.find(location)? {
            return Ok(dir);
        }
        let chain = DirChain::create(root, location, |parent, name, below| {
            self.create_dir(parent, name, &below)
        })?;
        Ok(self.dirs.keep(location, chain))
    }

    /// Creates a directory, and removes the record that a directory of this name was durable.
    fn create_dir(&self, parent: &Dir, name: &str, below: &DirPath) -> Result<Dir, IoFailure> {
        // The lock is held during the creation, so that another thread cannot find the new directory and
        // still read the record of the old one.
        let mut durable = self.durable();
        let inside = format!("{}/", below.path);
        durable.retain(|other, _| {
            other.role != below.role
                || (other.path != below.path && !other.path.starts_with(&inside))
        });
        parent.ensure_dir(name)
    }

    /// Makes files durable, and every entry that leads to them.
    ///
    /// Each file is fsynced through the descriptor that wrote it, by its own thread. The directories that hold the
    /// files follow, unless another thread has fsynced them since the files were created. Then come the directories
    /// above that hold an entry which this process has not yet made durable. If the fsyncs of all threads are many, one
    /// sync of the file system replaces them where it is known to do as much, and threads share that sync.
    ///
    /// A failure poisons the catalog, and so does a panic.
    pub(crate) fn make_durable(
        &self,
        pending: Pending,
        poison: &Poison,
    ) -> Result<MadeDurable, Fatal> {
        poison.if_it_panics(|| {
            let Pending {
                files,
                dirs,
                roots_suffice,
            } = pending;
            let parents = self.parents(&dirs);
            let barriers = files.len() + dirs.len() + parents.len();
            let file_systems = roots_suffice.then(|| self.whole_file_systems(&dirs));
            let file_systems = file_systems.flatten().unwrap_or_default();
            let wholes = file_systems.values().map(|(whole, _)| *whole);
            let under_way: Vec<_> = wholes.map(|whole| UnderWay::add(whole, barriers)).collect();
            if !under_way.is_empty() && under_way.iter().all(|count| count.are_many) {
                self.sync_whole(files, &file_systems, poison)?;
                self.mark_durable(parents.into_values().flat_map(|(_, entries)| entries));
            } else {
                drop(parents);
                self.sync_each(files, &dirs, poison)?;
            }
            Ok(MadeDurable::new())
        })
    }

    /// Fsyncs each file, then each directory that holds them, then the directories above with entries that are not
    /// durable.
    fn sync_each(
        &self,
        mut files: Vec<NewFile>,
        dirs: &Dirs,
        poison: &Poison,
    ) -> Result<(), Fatal> {
        let failed = |failure| poison.sync_failed(failure);
        // Before the files' fsyncs: another thread may sync the directories in the meantime.
        let marks: Vec<_> = dirs.values().map(|dir| dir.syncs.mark()).collect();
        if files.len() > 1 {
            // Starting all writes first keeps the disk busy during the first file's fsync.
            files.iter_mut().for_each(NewFile::start_writing);
        }
        for file in files {
            file.sync().map_err(failed)?;
        }
        for (dir, since) in dirs.values().zip(marks) {
            dir.sync(since, poison)?;
        }
        if !self.parents(dirs).is_empty() {
            let _one_at_a_time = self.one_at_a_time(poison)?;
            // Another thread may have made some of them durable in the meantime.
            self.sync_parents(self.parents(dirs)).map_err(failed)?;
        }
        check_file_systems(dirs.values().map(|dir| &dir.chain)).map_err(failed)
    }

    /// Syncs whole file systems, through one root on each. Threads that call this during a sync share the next one.
    ///
    /// `syncfs` alone is not enough, so the fsync of a directory and the checks follow it, as measured on Linux 6.18:
    ///
    /// - On btrfs that went read-only by itself, `syncfs` returns 0, but an fsync fails.
    /// - On ext4 whose delayed allocation failed, the bytes are dropped and `syncfs` returns 0. The check of
    ///   each file finds the loss.
    fn sync_whole(
        &self,
        files: Vec<NewFile>,
        file_systems: &FileSystems<'_>,
        poison: &Poison,
    ) -> Result<(), Fatal> {
        let mut files = Some(files);
        for (whole, dir) in file_systems.values() {
            let syncs = &whole.syncs;
            let synced = syncs.join(syncs.mark(), poison, || {
                let _one_at_a_time = self.one_at_a_time(poison)?;
                let whole = dir.chain.root.sync_file_system();
                whole.map_err(|failure| {
                    let own = first_failure(files.take().unwrap_or_default());
                    poison.sync_failed(own.unwrap_or(failure))
                })
            });
            if let Err(fatal) = synced {
                // A thread that did not lead asks its own files.
                let own = files.and_then(first_failure);
                return Err(own.map_or(fatal, |failure| poison.sync_failed(failure)));
            }
            dir.sync(dir.syncs.mark(), poison)?;
        }
        let mut files = files.into_iter().flatten();
        let checked = files.try_for_each(|mut file| file.check());
        let chains = file_systems.values().map(|(_, dir)| &dir.chain);
        checked
            .and_then(|()| check_file_systems(chains))
            .map_err(|failure| poison.sync_failed(failure))
    }

    /// Makes the entries of the directory `inside` durable, if there is one, and then the entries of its
    /// root. A failure poisons the catalog.
    pub(crate) fn sync_root(
        &self,
        root: &Dir,
        inside: Option<&Dir>,
        poison: &Poison,
    ) -> Result<(), Fatal> {
        poison.if_it_panics(|| {
            let _one_at_a_time = self.one_at_a_time(poison)?;
            let mut directories = inside.into_iter().chain([root]);
            let synced = directories
                .try_for_each(Dir::sync)
                .and_then(|()| root.check_file_system());
            synced.map_err(|failure| poison.sync_failed(failure))
        })
    }

    /// Forgets a directory that was removed.
    pub(super) fn forget_dir(&self, path: &DirPath) {
        self.durable().remove(path);
        self.dirs.forget_dir(path);
    }

    /// Forgets the directories that are known to be durable, and closes the open ones, as at the start of a process.
    pub(crate) fn forget(&self) {
        self.dirs.forget();
        self.durable().clear();
        self.through_roots.clear_poison();
    }

    #[cfg(feature = "sim")]
    pub(crate) fn gather_syncs_for_test(&self, threads: usize) {
        self.dirs.gather_for_test(threads);
    }

    #[cfg(feature = "sim")]
    pub(crate) fn gather_whole_syncs_for_test(&self, threads: usize) {
        for whole in self
            .file_systems
            .iter()
            .filter_map(|(_, whole)| whole.as_ref())
        {
            whole.syncs.gather_for_test(threads);
        }
    }

    /// Takes the lock for syncs through the roots, unless one of them has failed.
    pub(super) fn one_at_a_time(&self, poison: &Poison) -> Result<MutexGuard<'_, ()>, Fatal> {
        match self.through_roots.lock() {
            Ok(locked) => poison.check_sync().map(|()| locked),
            // A thread has panicked in such a sync, and has perhaps not poisoned the catalog yet.
            Err(_panicked) => Err(poison.panicked()),
        }
    }

    fn durable(&self) -> MutexGuard<'_, HashMap<DirPath, DirMark>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sync_parents(&self, parents: Parents<'_>) -> Result<(), IoFailure> {
        // The deepest directories come first: their paths below a root are the longest.
        let mut parents: Vec<_> = parents.into_iter().collect();
        parents.sort_by_key(|((directory, _), _)| std::cmp::Reverse(directory.path.len()));
        for (_, (directory, entries)) in parents {
            directory.sync()?;
            self.mark_durable(entries);
        }
        Ok(())
    }

    /// Returns the directories above these that hold entries which are not durable yet, by path.
    fn parents<'a>(&self, dirs: &'a Dirs) -> Parents<'a> {
        let durable = self.durable();
        let mut parents = Parents::new();
        for chain in dirs.values().map(|dir| &dir.chain) {
            let holders = std::iter::once(&*chain.root).chain(&chain.below);
            let paths = std::iter::once("").chain(chain.names.iter().map(String::as_str));
            let marks = std::iter::once(None).chain(chain.marks.iter().copied().map(Some));
            let children = chain.names.iter().zip(&chain.marks);
            for (((holder, path), own), (name, mark)) in holders.zip(paths).zip(marks).zip(children)
            {
                let role = chain.role;
                let path = path.to_owned();
                let entry = DirPath {
                    role,
                    path: name.clone(),
                };
                if durable.get(&entry) != Some(mark) {
                    let parent = parents.entry((DirPath { role, path }, own));
                    let (_, entries) = parent.or_insert((holder, Vec::new()));
                    entries.push((entry, *mark));
                }
            }
        }
        parents
    }

    fn mark_durable(&self, entries: impl IntoIterator<Item = (DirPath, DirMark)>) {
        self.durable().extend(entries);
    }

    /// Returns one directory on each file system of these directories. Returns `None` if a file system cannot be
    /// synced as a whole.
    fn whole_file_systems<'a>(&'a self, dirs: &'a Dirs) -> Option<FileSystems<'a>> {
        let mut file_systems = BTreeMap::new();
        for dir in dirs.values() {
            let whole = self.file_systems.get(dir.chain.role).as_deref()?;
            file_systems.entry(whole.device).or_insert((whole, &**dir));
        }
        Some(file_systems)
    }
}

/// The files and directories that one thread is making durable on a file system.
struct UnderWay<'a> {
    whole: &'a Whole,
    own: usize,
    /// Whether all threads together have so many that one sync of the file system is cheaper.
    are_many: bool,
}

impl<'a> UnderWay<'a> {
    fn add(whole: &'a Whole, own: usize) -> Self {
        // Relaxed: the number only decides which of two equally safe ways is taken.
        let of_all = whole.under_way.fetch_add(own, Ordering::Relaxed) + own;
        let are_many = of_all >= whole.from;
        Self {
            whole,
            own,
            are_many,
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.whole.under_way.fetch_sub(self.own, Ordering::Relaxed);
    }
}

/// Asks each file system of these chains whether it still writes changes.
///
/// The check is the last step of a barrier. A file system that fails stays failed until it is mounted
/// again, so an answer after the last sync covers all syncs. The syncs alone do not report every failure,
/// as measured on Linux 6.18. After its journal was aborted in the background, ext4 returns 0 from the next
/// fsync and `syncfs`. After a shutdown, XFS returns 0 from an fsync of a directory.
pub(super) fn check_file_systems<'a>(
    chains: impl Iterator<Item = &'a DirChain>,
) -> Result<(), IoFailure> {
    one_of_each_file_system(chains, Dir::check_file_system)
}

/// Calls `call` with the last directory of the first chain on each file system.
fn one_of_each_file_system<'a>(
    chains: impl Iterator<Item = &'a DirChain>,
    call: impl Fn(&Dir) -> Result<(), IoFailure>,
) -> Result<(), IoFailure> {
    let mut seen = HashSet::new();
    let mut first = chains.filter(|chain| seen.insert(chain.device()));
    first.try_for_each(|chain| call(chain.last()))
}

/// Finds the file whose data was lost in a failed `syncfs`, by fsyncing each file through its own descriptor. These
/// fsyncs are not retries, because the barrier fails in any case.
fn first_failure(files: Vec<NewFile>) -> Option<IoFailure> {
    let mut own = files.into_iter().filter_map(|file| file.sync().err());
    own.next()
}
