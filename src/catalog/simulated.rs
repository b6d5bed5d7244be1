//! The calls for tests: a node on a simulated disk, and threads that share a sync.

use super::Catalog;
use crate::audit::{Audit, AuditError, audit_on};
use crate::domain::{RootRole, StorageRoots};
use crate::roots::{LockError, LockedRoots};
use crate::sim::{Keys, SimDisk};
use crate::store;

/// On a simulated disk, under the feature `sim`.
impl StorageRoots {
    /// Locks the roots on a simulated disk; what is opened with them is there, too.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub fn lock_on_simulated(self, disk: &SimDisk) -> Result<LockedRoots, LockError> {
        self.lock_on(&disk.into())
    }

    /// [Audits](crate::audit) what is on a simulated disk.
    ///
    /// # Errors
    ///
    /// [`AuditError`].
    pub fn audit_on_simulated(&self, disk: &SimDisk) -> Result<Audit, AuditError> {
        audit_on(self, &disk.into())
    }

    /// Returns the entries of the catalog on a simulated disk, read from its files as a crash has left them. Nothing is
    /// opened and nothing changes; no catalog is no entries.
    ///
    /// # Errors
    ///
    /// If the files are not those of a catalog.
    pub fn keys_on_simulated(&self, disk: &SimDisk) -> std::io::Result<Keys> {
        store::peek(disk, self.path(RootRole::Catalog))
    }
}

/// For tests of several threads, under the feature `sim`.
impl Catalog {
    /// Has the next commit wait until this many threads commit, so that they share its sync.
    pub fn gather_commits_for_test(&self, threads: usize) {
        self.shared().commits.gather_for_test(threads);
    }

    /// Has the next sync of each open directory wait until this many threads sync it.
    pub fn gather_syncs_for_test(&self, threads: usize) {
        self.shared().barriers.gather_syncs_for_test(threads);
    }

    /// Has the next sync of each whole file system wait until this many threads sync it.
    pub fn gather_whole_syncs_for_test(&self, threads: usize) {
        self.shared().barriers.gather_whole_syncs_for_test(threads);
    }
}
