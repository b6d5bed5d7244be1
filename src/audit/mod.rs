//! The audit: a read-only, two-way check of the catalog against the files.
//!
//! It takes no lock, so it may run beside a node at work. A node changes keys and files between the
//! moment that a key is read and the moment that a file is looked at, so what disagrees is looked at
//! again, with the keys read anew each time, and only what disagrees every time is a finding.

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
use crate::failure::{Failure, FailureKind, IoFailure, StoreFailure};
use crate::fs::Disk;
#[cfg(feature = "sim")]
use crate::sim::Probe;
use crate::store::DamageKind;

/// How often what disagrees is looked at. The protocol moves a key one way, so in a node's life the
/// second look is enough; the others are for one that makes and removes the same artifact over and
/// over.
const LOOKS: usize = 8;

/// The report of a walk that was finished.
///
/// There is one only if everything was walked, so an audit that could not look says so and not
/// "clean". [`Display`](fmt::Display) is the report for people, [`to_json`](Self::to_json) the one
/// for programs.
#[derive(Debug, Clone)]
#[must_use = "the findings are inside"]
pub struct Audit {
    catalog: PathBuf,
    counts: AuditCounts,
    findings: Vec<Finding>,
}

/// What an audit has seen.
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
    /// Entries whose key or value this library does not know.
    pub unrecognised: usize,
    /// Files that have an artifact's name.
    pub files: usize,
    /// Directories that were walked, hot directories included, into which the audit does not look.
    pub directories: usize,
}

impl Audit {
    /// What was found, the files first and then the keys.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// What was counted.
    #[must_use]
    pub const fn counts(&self) -> &AuditCounts {
        &self.counts
    }

    /// The keys whose files may be there or not: no findings. On a node that runs it is work under
    /// way; after a crash [`Catalog::recover`](crate::Catalog::recover) settles it.
    pub const fn unfinished(&self) -> Unfinished {
        Unfinished {
            freezing: self.counts.freezing,
            pruning: self.counts.pruning,
            transient: self.counts.transient,
        }
    }
}

/// Why there is no catalog to audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Absence {
    /// The catalog root does not exist.
    NoDirectory,
    /// The catalog root has no `CURRENT`.
    NoStore,
    /// The catalog was being created: it has its directory aside, and no `CURRENT` yet.
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

/// Why there is no report. Nothing on disk was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// There is no catalog.
    #[error("there is no catalog in `{}`, and none was created: {absence}", path.display())]
    NoCatalog {
        /// The catalog root.
        path: PathBuf,
        /// What is there instead.
        absence: Absence,
    },
    /// The catalog's directory could not be read.
    #[error("the catalog root `{}` cannot be read, so nothing was audited", path.display())]
    Io {
        /// The catalog root.
        path: PathBuf,
        /// What went wrong.
        source: IoFailure,
    },
    /// The store refused.
    #[error(transparent)]
    Store(StoreFailure),
    /// A crash has left the catalog in need of mending.
    #[error(
        "the catalog in `{}` cannot be read as it is: open it, which mends what a crash can leave, then \
         audit again", path.display()
    )]
    Torn {
        /// The catalog root.
        path: PathBuf,
        /// What the store said.
        source: StoreFailure,
    },
    /// A file of the catalog is damaged or missing: acknowledged batches are lost, or may be.
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

/// Compares the catalog with the files below the roots, both ways, and changes nothing.
///
/// It takes no lock and needs no open catalog, so it may run beside a node. It reads the catalog as
/// it is on disk, creates nothing, also where there is no catalog, and finishes its walk whatever it
/// finds. What is inside of a hot directory or of the catalog root is not looked at, and neither are
/// the bytes of a file. No symbolic link is followed below a root.
///
/// Under `freezing` and `pruning` a file may be there or not, and so may the directory under
/// `transient`: that is counted ([`Audit::unfinished`]) and no finding.
///
/// What seems to disagree is looked at again, up to eight times with the keys read anew: a finding
/// has held every time.
///
/// # Errors
///
/// [`AuditError`] if the catalog cannot be read. Files and directories that cannot be read are
/// findings, not errors.
pub fn audit(roots: &StorageRoots) -> Result<Audit, AuditError> {
    audit_on(roots, &Disk::default())
}

/// The same, with every operation announced to the probe.
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
        // Several keys may be behind one directory that cannot be opened.
        findings: findings
            .chain(keys.findings)
            .filter(|finding| known.insert(finding.clone()))
            .collect(),
    })
}

/// The keys that the catalog holds and those that something on disk has the name of, in byte order.
fn every_key(keys: &Keys, walked: &Walked) -> Vec<Key> {
    let stored = keys.iter().map(|(key, _)| key);
    let every: HashSet<_> = stored.chain(walked.named.iter().copied()).collect();
    let mut every: Vec<_> = every.into_iter().collect();
    every.sort_by(|one, other| one.encode().as_bytes().cmp(other.encode().as_bytes()));
    every
}

/// Drops what does not disagree any more.
fn look_again(suspects: &mut Vec<(Key, Vec<Finding>)>, tree: &Tree, keys: &Keys) {
    for (key, found) in &mut *suspects {
        let again = tree.look(*key, keys.get(*key));
        if is_blind(found) {
            // Something may be wrong that could not be seen before.
            *found = again;
        } else if !is_blind(&again) {
            found.retain(|finding| again.contains(finding));
        }
        // Else: a look that failed says nothing against what was seen before.
    }
    suspects.retain(|(_, found)| !found.is_empty());
}

/// Whether a part of this look failed.
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
        unrecognised: keys.findings.len(),
        files: walked.files,
        directories: walked.directories,
    }
}

impl Failure for AuditError {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }
}
