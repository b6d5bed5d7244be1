//! Locking the roots: one process at a time on each of them.
//!
//! [`StorageRoots::lock`] is the only way to a [`LockedRoots`], and a [`LockedRoots`] the only way
//! to a catalog. It holds open directories, and everything is read and written relative to them: what
//! is locked is what is written.

mod error;

pub use error::LockError;

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, thread};

use crate::domain::{LOCK_FILE, PerRole, RootRole, StorageRoots};
use crate::failure::IoFailure;
use crate::fs::{Dir, Disk, Holder, LockFile, Resolved, forget_journals, resolve};
use crate::roots::identity::{self, CatalogId, Identity, Intent, Plan, Seen};
use crate::store::{foreign_entry, holds_store};

/// How long a start that has the catalog root waits for another start to give way.
const GIVE_WAY: Duration = Duration::from_secs(1);

/// How often it looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The five roots: locked, open, and with their own entries durable.
///
/// Dropping it releases the locks; so does the end of the process, however it comes.
#[must_use = "dropping the locked roots releases them: open a `Catalog` with them"]
pub struct LockedRoots {
    roots: StorageRoots,
    held: PerRole<LockedRoot>,
    catalog: CatalogId,
    /// The roots' identities are to be marked as founded once the catalog is open.
    is_founding: bool,
    intent: Intent,
}

/// A root, open and locked.
struct LockedRoot {
    dir: Arc<Dir>,
    lock: LockFile,
}

impl StorageRoots {
    /// Locks every root and makes the way to it durable, creating the directories that are missing.
    ///
    /// The locks are exclusive `flock`s (see `flock(2)`), taken without waiting, but for a
    /// moment for another start that has met this one and gives way. Checks come first:
    /// nothing is created unless all roots that exist are free, distinct and writable, and belong
    /// to one catalog.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub fn lock(self) -> Result<LockedRoots, LockError> {
        self.lock_on(&Disk::default())
    }

    /// Locks roots that belong together although some of them have no identity: those of an earlier
    /// version of the library, or with an empty root in place of one that is lost for good.
    ///
    /// They get the identity of the catalog. The catalog that is opened with them is accepted as it is,
    /// also if it is older than its last start, such as one that was restored from a copy. A root of
    /// another catalog, or of another role, is refused as by [`lock`](Self::lock).
    ///
    /// Keys whose files are lost, and files whose keys are, stay: let [`audit`](crate::audit::audit()) find
    /// them.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub fn adopt(self) -> Result<LockedRoots, LockError> {
        self.lock_for(Intent::Adopt, &Disk::default())
    }

    /// Locks roots whose catalog is lost for good, for a new one.
    ///
    /// The catalog root must be empty or missing. The other roots get the identity of the new catalog.
    /// The files in them stay, without keys: [`audit`](crate::audit::audit()) lists them, no sweep removes
    /// them, and an artifact in the place of such a file is refused until it is moved away.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub fn start_over(self) -> Result<LockedRoots, LockError> {
        self.lock_for(Intent::StartOver, &Disk::default())
    }

    /// The same, with every operation announced to the probe.
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
        // From here on the roots are open, and their file systems stay mounted.
        forget_journals();
        let mut synced = HashSet::new();
        for (role, way) in ways.iter() {
            let root = &held.get(role).dir;
            self.usable(role, way.make_durable(root, &mut synced))?;
        }
        let plan = self.compare(intent, |role| Ok(Some(Arc::clone(&held.get(role).dir))))?;
        let catalog = self.identify(plan, &held, disk)?;
        // Last, so that a refusal leaves the lock files as they were.
        for (_, root) in held.iter() {
            root.lock.name_holder(&format!("{}\n", own_name()));
        }
        Ok(LockedRoots {
            roots: self,
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

    /// Gives each root that lacks it the identity of the catalog. Returns the catalog's id.
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

    /// Locks the roots that exist, then creates and locks those that are missing.
    fn hold_all(
        &self,
        ways: &PerRole<Resolved>,
        intent: Intent,
        disk: &Disk,
    ) -> Result<PerRole<LockedRoot>, LockError> {
        // Rounds, from what cannot change anything to what creates: a root that is in use is found
        // before the disk is touched. So a start that finds no catalog root locks other roots before it,
        // out of order, and may meet one that goes in order, with the catalog root first. The catalog
        // root decides: who has it waits a little, and who does not is refused at once and lets go of
        // what it holds. Of the starts that meet, exactly one gets in.
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
                // Before anything is created; and again under all locks.
                self.compare(intent, |role| {
                    let way = ways.get(role);
                    let root = way.exists().then(|| way.open(disk).map(Arc::new));
                    root.transpose()
                })?;
            }
        }
        PerRole::try_new(|role| match held.get_mut(role).take() {
            Some(root) => Ok(root),
            // Roles go in order: behind the catalog's, the catalog root is held.
            None => self.create(role, ways.get(role), role != RootRole::Catalog, disk),
        })
    }

    /// Opens and locks a root; none if it has no lock file and none may be created.
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

    /// Creates what is missing of a root, and locks it.
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

    /// Names the root in a failure.
    fn usable<T>(&self, role: RootRole, result: Result<T, IoFailure>) -> Result<T, LockError> {
        result.map_err(|source| LockError::Unusable {
            role,
            path: self.path(role).to_path_buf(),
            source,
        })
    }

    /// Locks the file. Only who has the catalog root may wait for another start to give way, so no two
    /// starts wait for one another; nobody waits for a holder that has finished its start.
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
    /// The paths of the roots.
    #[must_use]
    pub const fn roots(&self) -> &StorageRoots {
        &self.roots
    }

    /// The id of the catalog that the roots belong to.
    #[must_use]
    pub const fn catalog_id(&self) -> CatalogId {
        self.catalog
    }

    /// Whether the caller has taken the roots in as they are.
    pub(crate) fn are_adopted(&self) -> bool {
        self.intent != Intent::Start
    }

    /// Marks the roots as those of a catalog that exists: from now on none of them is created anew.
    pub(crate) fn found(&mut self) -> Result<(), IoFailure> {
        if self.is_founding {
            for (role, root) in self.held.iter() {
                Identity::new(self.catalog, role, false).found(&root.dir)?;
            }
            self.is_founding = false;
        }
        Ok(())
    }

    /// The open directory of a root.
    pub(crate) const fn dir(&self, role: RootRole) -> &Arc<Dir> {
        &self.held.get(role).dir
    }
}

impl fmt::Debug for LockedRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockedRoots").field(&self.roots).finish()
    }
}

/// By device and inode, so that spelling, symbolic links and bind mounts make no difference.
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

/// What goes into the lock file: the process and its program.
fn own_name() -> String {
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(std::path::Path::file_name);
    let program = program.map_or_else(|| "unknown".into(), std::ffi::OsStr::to_string_lossy);
    format!("{} ({program})", std::process::id())
}
