//! The audit: a read-only, two-way check of the catalog against the files.
//!
//! The audit takes no lock, so it may run beside a working node. A node changes keys and files between the
//! read of a key and the look at its files. Each mismatch is therefore checked again, with the keys read
//! anew each time. Only a mismatch that persists in every check is a finding.

mod finding;
mod keys;
mod report;
mod tree;

pub use finding::Finding;

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;

use self::keys::{Keys, Source, Value};
use self::tree::{Tree, Walked};
use crate::domain::{ArtifactState, HotState, Key, RootRole, StorageRoots, Unfinished};
use crate::failure::{Failure, FailureKind, IoFailure, NextStep, StoreFailure};
use crate::fs::Disk;
#[cfg(feature = "sim")]
use crate::sim::Probe;
use crate::store::DamageKind;

/// The number of times that a mismatch is checked. The protocol moves a key one way, so in a node's life
/// the second check is enough. The other checks are for a node that makes and removes the same artifact
/// repeatedly.
const LOOKS: usize = 8;

/// The report of a complete walk.
///
/// A report exists only if everything was walked, so an audit that could not look never reports "clean".
/// [`Display`](fmt::Display) is the report for people, and [`to_json`](Self::to_json) the report for
/// programs.
#[derive(Debug, Clone)]
#[must_use = "the findings are inside"]
pub struct Audit {
    catalog: PathBuf,
    counts: AuditCounts,
    findings: Vec<Finding>,
}

/// The numbers of keys, files and directories that an audit has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditCounts {
    /// Keys at `freezing`.
    pub freezing: usize,
    /// Keys at `frozen`.
    pub frozen: usize,
    /// Keys at `pruning`.
    pub pruning: usize,
    /// Keys at `transient`.
    pub transient: usize,
    /// Keys at `ready`.
    pub ready: usize,
    /// Pins: 1 if the earliest ledger is pinned.
    pub pins: usize,
    /// Entries with a key or a value that this library does not know.
    pub unrecognised: usize,
    /// Files that have an artifact's name.
    pub files: usize,
    /// Directories that were walked. Hot directories are included, although the audit does not look into
    /// them.
    pub directories: usize,
}

impl Audit {
    /// Returns the findings, first those of the files and then those of the keys.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns whether the report has no findings.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Returns the counts of keys, files and directories.
    #[must_use]
    pub const fn counts(&self) -> &AuditCounts {
        &self.counts
    }

    /// Returns the numbers of keys whose files may be present or absent. Such keys are counted as
    /// unfinished, not reported as findings. On a running node they are work in progress. After a crash
    /// [`Catalog::recover`](crate::Catalog::recover) handles them.
    pub const fn unfinished(&self) -> Unfinished {
        Unfinished {
            freezing: self.counts.freezing,
            pruning: self.counts.pruning,
            transient: self.counts.transient,
        }
    }
}

/// The reason why there is no catalog to audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Absence {
    /// The catalog root does not exist.
    NoDirectory,
    /// The catalog root has no `CURRENT`.
    NoStore,
    /// The catalog was being created: its staging directory exists, and it has no `CURRENT` yet.
    BeingCreated,
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDirectory => "the directory does not exist; name the right one",
            Self::NoStore => "the directory has no `CURRENT`; name the right one",
            Self::BeingCreated => {
                "its creation is under way or was interrupted, which opening it finishes"
            }
        })
    }
}

/// The reason why there is no report. The audit changed nothing on disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// There is no catalog.
    #[error("there is no catalog in `{}`, and none was created: {absence}", path.display())]
    NoCatalog {
        /// The catalog root.
        path: PathBuf,
        /// The reason why the catalog is absent.
        absence: Absence,
    },
    /// The catalog's directory could not be read.
    #[error("the catalog root `{}` cannot be read, so nothing was audited", path.display())]
    Io {
        /// The catalog root.
        path: PathBuf,
        /// The underlying failure.
        source: IoFailure,
    },
    /// The store refused the read.
    #[error(transparent)]
    Store(StoreFailure),
    /// A crash has left the catalog in need of repair.
    #[error(
        "the catalog in `{}` was left incomplete by a crash: open it once to repair it, then audit again",
        path.display()
    )]
    Torn {
        /// The catalog root.
        path: PathBuf,
        /// The failure of the store.
        source: StoreFailure,
    },
    /// A file of the catalog is damaged or missing: acknowledged batches are lost or may be lost.
    #[error(
        "the catalog's file `{}` cannot be relied upon: {kind}; nothing was audited; put the right file \
         back, or restore the catalog's directory from a copy", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The problem.
        kind: DamageKind,
    },
    /// Another directory took the catalog's place.
    #[error("`{}` became another directory during the audit: audit again", path.display())]
    Moved {
        /// The catalog root.
        path: PathBuf,
    },
}

/// Compares the catalog with the files below the roots, in both directions, and changes nothing.
///
/// The audit takes no lock and needs no open catalog, so it may run beside a node. It reads the catalog as
/// it is on disk. It creates nothing, even without a catalog, and finishes its walk regardless of its
/// findings. It does not look inside a hot directory or the catalog root, and does not read the bytes of a
/// file. It follows no symbolic link below a root.
///
/// A file may be present or absent under `freezing` and `pruning`, and so may the directory under
/// `transient`. Such keys are counted ([`Audit::unfinished`]), not reported as findings.
///
/// A mismatch is checked up to eight times, with the keys read anew each time. A finding has persisted in
/// every check.
///
/// # Errors
///
/// [`AuditError`] if the catalog cannot be read. Files and directories that cannot be read are
/// findings, not errors.
pub fn audit(roots: &StorageRoots) -> Result<Audit, AuditError> {
    audit_on(roots, &Disk::default())
}

/// Does the same as `audit`, and announces every operation to the probe.
///
/// # Errors
///
/// [`AuditError`].
#[cfg(feature = "sim")]
#[doc(hidden)]
pub fn audit_with_probe(roots: &StorageRoots, probe: Probe) -> Result<Audit, AuditError> {
    audit_on(roots, &probe.into())
}

pub(crate) fn audit_on(roots: &StorageRoots, disk: &Disk) -> Result<Audit, AuditError> {
    let source = Source::open(roots, disk)?;
    let keys = source.read()?;
    let mut walked = Walked::default();
    let tree = Tree::open(roots, disk, &mut walked);
    tree.walk(&mut walked);
    let mut suspects: Vec<_> = every_key(&keys, &walked)
        .into_iter()
        .map(|key| (key, tree.look(key, keys.get(key))))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    for _ in 1..LOOKS {
        if suspects.is_empty() {
            break;
        }
        look_again(&mut suspects, &tree, &source.read()?);
    }
    let counts = count(&keys, &walked);
    let related = suspects.into_iter().flat_map(|(_, found)| found);
    let findings = walked.findings.into_iter().chain(related);
    let mut known = HashSet::new();
    Ok(Audit {
        catalog: roots.path(RootRole::Catalog).to_path_buf(),
        counts,
        // Several keys may share one directory that cannot be opened.
        findings: findings
            .chain(keys.findings)
            .filter(|finding| known.insert(finding.clone()))
            .collect(),
    })
}

/// Returns the keys of the catalog and the keys that name an entry on disk, in byte order.
fn every_key(keys: &Keys, walked: &Walked) -> Vec<Key> {
    let stored = keys.iter().map(|(key, _)| key);
    let every: HashSet<_> = stored.chain(walked.named.iter().copied()).collect();
    let mut every: Vec<_> = every.into_iter().collect();
    every.sort_unstable();
    every
}

/// Drops each mismatch that no longer exists.
fn look_again(suspects: &mut Vec<(Key, Vec<Finding>)>, tree: &Tree, keys: &Keys) {
    for (key, found) in &mut *suspects {
        let again = tree.look(*key, keys.get(*key));
        if is_blind(found) {
            // The earlier look failed, so this look may find a mismatch for the first time.
            *found = again;
        } else if !is_blind(&again) {
            found.retain(|finding| again.contains(finding));
        }
        // Otherwise this look failed, which does not disprove the earlier findings.
    }
    suspects.retain(|(_, found)| !found.is_empty());
}

/// Returns whether a part of this look failed.
fn is_blind(look: &[Finding]) -> bool {
    let failed = |finding: &Finding| matches!(finding, Finding::Unreadable { .. });
    look.iter().any(failed)
}

fn count(keys: &Keys, walked: &Walked) -> AuditCounts {
    let of = |value| keys.iter().filter(|(_, found)| *found == value).count();
    AuditCounts {
        freezing: of(Value::Artifact(ArtifactState::Freezing)),
        frozen: of(Value::Artifact(ArtifactState::Frozen)),
        pruning: of(Value::Artifact(ArtifactState::Pruning)),
        transient: of(Value::Hot(HotState::Transient)),
        ready: of(Value::Hot(HotState::Ready)),
        pins: of(Value::Pinned),
        unrecognised: keys.unrecognised(),
        files: walked.files,
        directories: walked.directories,
    }
}

impl Failure for AuditError {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        match self {
            // Opening the catalog finishes its creation, or repairs it.
            Self::NoCatalog {
                absence: Absence::BeingCreated,
                ..
            }
            | Self::Torn { .. } => NextStep::Reopen,
            Self::NoCatalog { .. } | Self::Damaged { .. } => NextStep::Person,
            Self::Io { source, .. } => source.next(),
            Self::Store(failure) => failure.next(),
            Self::Moved { .. } => NextStep::Again,
        }
    }
}
