//! Locking the roots: one process at a time on each of them.
//!
//! [`StorageRoots::lock`] is the only way to a [`LockedRoots`], and a [`LockedRoots`] the only way
//! to a catalog. It holds open directories, and everything is read and written relative to them: what
//! is locked is what is written.

use std::collections::HashSet;
use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{FailureKind, IoFailure};
use crate::fs::{Dir, Disk, Holder, LockFile, Resolved, resolve};
use crate::layout::{LOCK_FILE, PerRole, RootRole, StorageRoots};

/// Why the roots could not be locked. Every one but a failing disk leaves the disk as it was, and
/// every one releases the locks that had been taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process holds a root.
    #[error(
        "the {role} root `{}` is in use by {}",
        path.display(), HolderText(holder.as_deref(), *by_this_process)
    )]
    Held {
        /// The root's role.
        role: RootRole,
        /// The root's path.
        path: PathBuf,
        /// The holder's process number and program, if the system confirms what the lock file says.
        holder: Option<String>,
        /// Whether the holder is this very process.
        by_this_process: bool,
    },
    /// Two roles share a directory.
    #[error(
        "the {first} root `{}` and the {second} root `{}` are one directory: give each its own",
        first_path.display(), second_path.display()
    )]
    SameDirectory {
        /// One role.
        first: RootRole,
        /// Its path.
        first_path: PathBuf,
        /// The other role.
        second: RootRole,
        /// Its path.
        second_path: PathBuf,
    },
    /// One root lies inside another.
    #[error(
        "the {inner} root `{}` is inside the {outer} root `{}`: move one of them out",
        inner_path.display(), outer_path.display()
    )]
    Nested {
        /// The role of the root that lies inside.
        inner: RootRole,
        /// Its path.
        inner_path: PathBuf,
        /// The role of the root around it.
        outer: RootRole,
        /// Its path.
        outer_path: PathBuf,
    },
    /// A root cannot be reached, read, written, created or synced.
    #[error("the {role} root `{}` cannot be used", path.display())]
    Unusable {
        /// The root's role.
        role: RootRole,
        /// The root's path.
        path: PathBuf,
        /// What went wrong.
        source: IoFailure,
    },
}

impl LockError {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Unusable { source, .. } if source.is_sync() => FailureKind::Fatal,
            _ => FailureKind::Refused,
        }
    }
}

/// How long a start that has the catalog root waits for another start to give way.
const GIVE_WAY: Duration = Duration::from_secs(1);

/// How often it looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The holder of a lock, for a message.
struct HolderText<'a>(Option<&'a str>, bool);

impl fmt::Display for HolderText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            _ if self.1 => {
                f.write_str("this very process: drop the other catalog and its handles first")
            }
            Some(holder) => write!(
                f,
                "process {holder}: stop it, or give this one roots of its own"
            ),
            None => f.write_str(
                "another process, which has just started, belongs to another user or runs in another \
                 container: find it and stop it, or give this one roots of its own",
            ),
        }
    }
}

/// The five roots: locked, open, and with their own entries durable.
///
/// Dropping it releases the locks; so does the end of the process, however it comes.
#[must_use = "dropping the locked roots releases them: open a `Catalog` with them"]
pub struct LockedRoots {
    roots: StorageRoots,
    held: PerRole<HeldRoot>,
}

/// A root, open and locked.
struct HeldRoot {
    dir: Arc<Dir>,
    lock: LockFile,
}

impl StorageRoots {
    /// Locks every root and makes the way to it durable, creating the directories that are missing.
    ///
    /// The locks are exclusive `flock`s (see `flock(2)`), taken without waiting, but for a
    /// moment for another start that has met this one and gives way. Checks come first:
    /// nothing is created unless all roots that exist are free, distinct and writable.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub fn lock(self) -> Result<LockedRoots, LockError> {
        self.lock_on(&Disk::default())
    }

    /// The same, with every operation announced to the probe.
    #[cfg(feature = "sim")]
    #[doc(hidden)]
    pub fn lock_with_probe(self, probe: crate::sim::Probe) -> Result<LockedRoots, LockError> {
        self.lock_on(&probe.into())
    }

    pub(crate) fn lock_on(self, disk: &Disk) -> Result<LockedRoots, LockError> {
        let ways = PerRole::try_new(|role| self.usable(role, resolve(self.path(role), disk)))?;
        check_distinct(&self, &ways)?;
        for (role, way) in ways.iter() {
            self.usable(role, way.check_access(disk))?;
        }
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
        }
        let held = PerRole::try_new(|role| match held.get_mut(role).take() {
            Some(root) => Ok(root),
            // Roles go in order: behind the catalog's, the catalog root is held.
            None => self.create(role, ways.get(role), role != RootRole::Catalog, disk),
        })?;
        let mut synced = HashSet::new();
        for (role, way) in ways.iter() {
            let root = &held.get(role).dir;
            self.usable(role, way.make_durable(root, &mut synced))?;
        }
        // Last, so that a refusal leaves the lock files as they were.
        for (_, root) in held.iter() {
            root.lock.name_holder(&format!("{}\n", own_name()));
        }
        Ok(LockedRoots { roots: self, held })
    }

    /// Opens and locks a root; none if it has no lock file and none may be created.
    fn hold(
        &self,
        role: RootRole,
        way: &Resolved,
        may_create_file: bool,
        may_wait: bool,
        disk: &Disk,
    ) -> Result<Option<HeldRoot>, LockError> {
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
    ) -> Result<HeldRoot, LockError> {
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
    ) -> Result<HeldRoot, LockError> {
        let begun = Instant::now();
        while let Some(holder) = self.usable(role, file.try_lock())? {
            if may_wait && !holder.is_settled() && begun.elapsed() < GIVE_WAY {
                thread::sleep(LOOK_AGAIN);
                continue;
            }
            let by_this_process = matches!(holder, Holder::ThisProcess { .. });
            return Err(LockError::Held {
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
        Ok(HeldRoot {
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
