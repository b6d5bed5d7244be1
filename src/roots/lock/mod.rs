//! Exclusive locks on the roots: one process at a time holds a root.
//!
//! [`StorageRoots::lock`] and its variants `adopt` and `start_over` are the only way to a [`LockedRoots`],
//! and a [`LockedRoots`] is the only way to a catalog. `LockedRoots` holds open directories, and every
//! read and write is relative to them. The directory that is locked is therefore the one that is written.

mod error;

pub use error::LockError;

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, thread};

use crate::domain::{LOCK_FILE, Layout, PerRole, RootRole, StorageRoots};
use crate::failure::IoFailure;
use crate::fs::{Dir, Disk, Holder, LockFile, Resolved, forget_journals, resolve};
use crate::roots::identity::{self, CatalogId, Identity, Intent, Plan, Seen};
use crate::store::{foreign_entry, holds_store};

/// The time that a start which holds the catalog root waits for another start to release its locks.
const GIVE_WAY: Duration = Duration::from_secs(1);

/// The interval between two attempts to take a lock in that time.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The five roots: locked, open, and with their own directory entries durable.
///
/// Dropping it releases the locks. The kernel also releases them when the process exits or is killed.
#[must_use = "dropping the locked roots releases them: open a `Catalog` with them"]
pub struct LockedRoots {
    layout: Layout,
    held: PerRole<LockedRoot>,
    catalog: CatalogId,
    /// Whether the roots' identities must still be marked as founded once the catalog is open.
    is_founding: bool,
    intent: Intent,
}

/// An open and locked root.
struct LockedRoot {
    dir: Arc<Dir>,
    lock: LockFile,
}

impl StorageRoots {
    /// Locks every root, creates missing directories, and makes the directory chain to each root durable.
    ///
    /// The locks are exclusive `flock`s (see `flock(2)`). They are taken without waiting, with one
    /// exception: a start that holds the catalog root waits up to one second for another start to release
    /// its locks. Checks come first: nothing is created unless all existing roots are free, distinct and
    /// writable, and belong to one catalog.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub fn lock(self) -> Result<LockedRoots, LockError> {
        self.lock_on(&Disk::default())
    }

    /// Locks roots that belong together although some of them have no identity. Such a root comes from an
    /// earlier version of the library, or it is an empty replacement for a root that is lost for good.
    ///
    /// These roots get the identity of the catalog. The catalog is accepted as it is, even if it is older
    /// than its last start, such as a catalog that was restored from a copy. A root of another catalog, or
    /// of another role, is refused as by [`lock`](Self::lock).
    ///
    /// Keys whose files are lost stay, and so do files whose keys are lost: run
    /// [`audit`](crate::audit::audit()) to find both.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub fn adopt(self) -> Result<LockedRoots, LockError> {
        self.lock_for(Intent::Adopt, &Disk::default())
    }

    /// Locks roots whose catalog is lost for good, for a new catalog.
    ///
    /// The catalog root must be empty or missing. The other roots get the identity of the new catalog.
    /// Their files stay, without keys: [`audit`](crate::audit::audit()) lists them, and no sweep removes
    /// them. An artifact whose path such a file occupies is refused until the file is moved away.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub fn start_over(self) -> Result<LockedRoots, LockError> {
        self.lock_for(Intent::StartOver, &Disk::default())
    }

    /// Does the same as [`lock`](Self::lock), and announces every operation to the probe.
    #[cfg(feature = "sim")]
    #[doc(hidden)]
    pub fn lock_with_probe(self, probe: crate::sim::Probe) -> Result<LockedRoots, LockError> {
        self.lock_on(&probe.into())
    }

    pub(crate) fn lock_on(self, disk: &Disk) -> Result<LockedRoots, LockError> {
        self.lock_for(Intent::Start, disk)
    }

    fn lock_for(self, intent: Intent, disk: &Disk) -> Result<LockedRoots, LockError> {
        let ways = PerRole::try_new(|role| self.usable(role, resolve(self.path(role), disk)))?;
        check_distinct(&self, &ways)?;
        for (role, way) in ways.iter() {
            self.usable(role, way.check_access(disk))?;
        }
        let held = self.hold_all(&ways, intent, disk)?;
        // The open roots keep their file systems mounted from here on. Earlier answers about journals may
        // be out of date.
        forget_journals();
        let mut synced = HashSet::new();
        for (role, way) in ways.iter() {
            let root = &held.get(role).dir;
            self.usable(role, way.make_durable(root, &mut synced))?;
        }
        let plan = self.compare(intent, |role| Ok(Some(Arc::clone(&held.get(role).dir))))?;
        let catalog = self.identify(plan, &held, disk)?;
        // The holder's name is written last, so that a refusal leaves the lock files unchanged.
        for (_, root) in held.iter() {
            root.lock.name_holder(&format!("{}\n", own_name()));
        }
        Ok(LockedRoots {
            layout: self.layout(),
            held,
            catalog,
            is_founding: plan.is_founding,
            intent,
        })
    }

    /// Compares the identities of the roots that exist.
    fn compare(
        &self,
        intent: Intent,
        open: impl Fn(RootRole) -> Result<Option<Arc<Dir>>, IoFailure>,
    ) -> Result<Plan, LockError> {
        let seen = PerRole::try_new(|role| {
            let Some(root) = self.usable(role, open(role))? else {
                return Ok(Seen::Missing);
            };
            let seen = self.usable(role, Seen::look(&root, role, holds_store))?;
            if role == RootRole::Catalog
                && !seen.holds_data()
                && let Some(found) = self.usable(role, foreign_entry(&root))?
            {
                let path = self.path(role).to_path_buf();
                return Err(LockError::ForeignFile { path, found });
            }
            Ok(seen)
        })?;
        let path = |role| self.path(role).to_path_buf();
        identity::compare(&seen, intent, path).map_err(|(role, problem)| LockError::Identity {
            role,
            path: path(role),
            problem,
        })
    }

    /// Writes the catalog's identity into each root that lacks it. Returns the catalog's id.
    fn identify(
        &self,
        plan: Plan,
        held: &PerRole<LockedRoot>,
        disk: &Disk,
    ) -> Result<CatalogId, LockError> {
        let catalog = match plan.catalog {
            Some(catalog) => catalog,
            None => CatalogId::of_bits(self.usable(RootRole::Catalog, disk.random_bits())?),
        };
        for (role, root) in held.iter() {
            let wanted = Identity::new(catalog, role, false);
            let has = self.usable(role, Identity::read(&root.dir))?;
            if has.is_none_or(|has| has.catalog != catalog) {
                self.usable(role, wanted.write(&root.dir))?;
            }
        }
        Ok(catalog)
    }

    /// Locks the existing roots, then creates and locks the missing ones.
    fn hold_all(
        &self,
        ways: &PerRole<Resolved>,
        intent: Intent,
        disk: &Disk,
    ) -> Result<PerRole<LockedRoot>, LockError> {
        // The rounds go from calls that change nothing to calls that create, so that a root in use is found
        // before the disk is changed. A start that finds no catalog root locks other roots before it, out
        // of order. It may meet a start that locks in order, with the catalog root first. The start that
        // holds the catalog root waits for the other start. The start without it is refused at once and
        // releases its locks. Exactly one of them continues.
        let Ok(mut held) = PerRole::try_new(|_| Ok::<_, Infallible>(None));
        let mut has_catalog = false;
        for may_create_file in [false, true] {
            for (role, way) in ways.iter() {
                let slot = held.get_mut(role);
                if slot.is_none() && way.exists() {
                    *slot = self.hold(role, way, may_create_file, has_catalog, disk)?;
                    has_catalog |= role == RootRole::Catalog && slot.is_some();
                }
            }
            if !may_create_file {
                // The identities are compared before anything is created, and again under all locks.
                self.compare(intent, |role| {
                    let way = ways.get(role);
                    let root = way.exists().then(|| way.open(disk).map(Arc::new));
                    root.transpose()
                })?;
            }
        }
        PerRole::try_new(|role| match held.get_mut(role).take() {
            Some(root) => Ok(root),
            // Roles go in order: for every role after the catalog's, the catalog root is held.
            None => self.create(role, ways.get(role), role != RootRole::Catalog, disk),
        })
    }

    /// Opens and locks a root. Returns `None` if it has no lock file and none may be created.
    fn hold(
        &self,
        role: RootRole,
        way: &Resolved,
        may_create_file: bool,
        may_wait: bool,
        disk: &Disk,
    ) -> Result<Option<LockedRoot>, LockError> {
        let dir = self.usable(role, way.open(disk))?;
        match self.usable(role, dir.open_lock_file(LOCK_FILE, may_create_file))? {
            Some(file) => self.take(role, dir, file, may_wait).map(Some),
            None => Ok(None),
        }
    }

    /// Creates the missing directories of a root, and locks it.
    fn create(
        &self,
        role: RootRole,
        way: &Resolved,
        may_wait: bool,
        disk: &Disk,
    ) -> Result<LockedRoot, LockError> {
        let dir = self.usable(role, way.open(disk))?;
        let file = self.usable(role, dir.create_lock_file(LOCK_FILE))?;
        self.take(role, dir, file, may_wait)
    }

    /// Adds the root's role and path to a failure.
    fn usable<T>(&self, role: RootRole, result: Result<T, IoFailure>) -> Result<T, LockError> {
        result.map_err(|source| LockError::Unusable {
            role,
            path: self.path(role).to_path_buf(),
            source,
        })
    }

    /// Locks the file.
    ///
    /// Only a start that holds the catalog root may wait for another start, so two starts never wait for
    /// each other. No start waits for a holder that has finished its own start.
    fn take(
        &self,
        role: RootRole,
        dir: Dir,
        mut file: LockFile,
        may_wait: bool,
    ) -> Result<LockedRoot, LockError> {
        let begun = Instant::now();
        while let Some(holder) = self.usable(role, file.try_lock())? {
            if may_wait && !holder.is_complete() && begun.elapsed() < GIVE_WAY {
                thread::sleep(LOOK_AGAIN);
                continue;
            }
            let by_this_process = matches!(holder, Holder::ThisProcess { .. });
            return Err(LockError::InUse {
                role,
                path: self.path(role).to_path_buf(),
                holder: match holder {
                    Holder::ThisProcess { .. } => Some(own_name()),
                    Holder::Named(name) => Some(name),
                    Holder::Unknown => None,
                },
                by_this_process,
            });
        }
        Ok(LockedRoot {
            dir: Arc::new(dir),
            lock: file,
        })
    }
}

impl LockedRoots {
    /// Returns the paths of the roots.
    #[must_use]
    pub const fn roots(&self) -> &StorageRoots {
        self.layout.roots()
    }

    /// Returns the id of the catalog that the roots belong to.
    #[must_use]
    pub const fn catalog_id(&self) -> CatalogId {
        self.catalog
    }

    /// Returns whether the caller accepts the roots as they are, by `adopt` or `start_over`.
    pub(crate) fn are_adopted(&self) -> bool {
        self.intent != Intent::Start
    }

    /// Marks the roots as those of an existing catalog: from now on no root is created anew.
    pub(crate) fn found(&mut self) -> Result<(), IoFailure> {
        if self.is_founding {
            for (role, root) in self.held.iter() {
                Identity::new(self.catalog, role, false).found(&root.dir)?;
            }
            self.is_founding = false;
        }
        Ok(())
    }

    pub(crate) const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Returns the open directory of a root.
    pub(crate) const fn dir(&self, role: RootRole) -> &Arc<Dir> {
        &self.held.get(role).dir
    }
}

impl fmt::Debug for LockedRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockedRoots").field(self.roots()).finish()
    }
}

/// Refuses roots that are the same directory or nested. Directories are compared by device and inode, so
/// that spelling, symbolic links and bind mounts make no difference.
fn check_distinct(roots: &StorageRoots, ways: &PerRole<Resolved>) -> Result<(), LockError> {
    let path = |role| roots.path(role).to_path_buf();
    for (index, (first, one)) in ways.iter().enumerate() {
        for (second, other) in ways.iter().skip(index + 1) {
            if one.is_same(other) {
                return Err(LockError::SameDirectory {
                    first,
                    first_path: path(first),
                    second,
                    second_path: path(second),
                });
            }
            let (inner, outer) = if one.is_inside(other) {
                (first, second)
            } else if other.is_inside(one) {
                (second, first)
            } else {
                continue;
            };
            return Err(LockError::Nested {
                inner,
                inner_path: path(inner),
                outer,
                outer_path: path(outer),
            });
        }
    }
    Ok(())
}

/// Returns the content of the lock file: the process and its program.
fn own_name() -> String {
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(std::path::Path::file_name);
    let program = program.map_or_else(|| "unknown".into(), std::ffi::OsStr::to_string_lossy);
    format!("{} ({program})", std::process::id())
}
