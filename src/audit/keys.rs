//! The catalog's entries, read without opening the catalog.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Absence, AuditError, Finding};
use crate::domain::{
    ArtifactState, EarliestLedgerKey, HotState, Key, RootRole, StorageRoots, TypedKey, decode_value,
};
use crate::fs::{Dir, Disk, Resolved, resolve};
use crate::store::{Damage, NotACatalog, OpenFailure, RawEntry, Reading, Witness, read_only};

/// The value of a key, as far as it concerns the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Artifact(ArtifactState),
    Hot(HotState),
    Pinned,
    /// An unrecognised value. Only the presence of the key is known.
    Unrecognised,
}

/// The entries of the catalog.
#[derive(Default)]
pub(super) struct Keys {
    values: HashMap<Key, Value>,
    /// The keys that cannot be parsed and the unrecognised values, in byte order; then the windows with two indexes.
    pub(super) findings: Vec<Finding>,
}

impl Keys {
    pub(super) fn get(&self, key: Key) -> Option<Value> {
        self.values.get(&key).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, Value)> {
        self.values.iter().map(|(key, value)| (*key, *value))
    }

    fn new(entries: &[RawEntry]) -> Self {
        let mut keys = Self::default();
        for (key, raw) in entries {
            let Ok(key) = Key::parse(key) else {
                let spelling = key.escape_ascii().to_string();
                keys.findings.push(Finding::UnknownKey { spelling });
                continue;
            };
            let value = decode(key, raw).unwrap_or_else(|| {
                let raw = raw.escape_ascii().to_string();
                keys.findings.push(Finding::UnrecognisedValue { key, raw });
                Value::Unrecognised
            });
            keys.values.insert(key, value);
        }
        keys.find_two_indexes();
        keys
    }
}

impl Keys {
    /// Returns the number of entries whose key or value this library does not know.
    pub(super) fn unrecognised(&self) -> usize {
        let is_unrecognised = |finding: &&Finding| !matches!(finding, Finding::TwoIndexes { .. });
        self.findings.iter().filter(is_unrecognised).count()
    }

    /// Finds the windows with more than one frozen index.
    fn find_two_indexes(&mut self) {
        let frozen = self.values.iter().filter_map(|(key, value)| match key {
            Key::Index(key) if *value == Value::Artifact(ArtifactState::Frozen) => Some(*key),
            _ => None,
        });
        let mut frozen: Vec<_> = frozen.collect();
        frozen.sort_unstable();
        let neighbours = frozen.iter().zip(frozen.iter().skip(1));
        for (first, second) in neighbours {
            if first.coverage.window() == second.coverage.window() {
                let (first, second) = (*first, *second);
                self.findings.push(Finding::TwoIndexes { first, second });
            }
        }
    }
}

fn decode(key: Key, raw: &[u8]) -> Option<Value> {
    fn value<T: TypedKey>(key: T, raw: &[u8]) -> Option<T::Value> {
        decode_value(key, raw).ok()
    }
    match key {
        Key::Artifact(key) => value(key, raw).map(Value::Artifact),
        Key::Index(key) => value(key, raw).map(Value::Artifact),
        Key::Hot(key) => value(key, raw).map(Value::Hot),
        Key::EarliestLedger => value(EarliestLedgerKey, raw).map(|_| Value::Pinned),
    }
}

/// The catalog's directory, open for reading.
pub(super) struct Source {
    dir: Dir,
    /// Absent if the ledgers root is missing or cannot be opened.
    witness: Option<Witness>,
}

impl Source {
    /// Opens the catalog root, which must exist.
    pub(super) fn open(roots: &StorageRoots, disk: &Disk) -> Result<Self, AuditError> {
        let path = roots.path(RootRole::Catalog);
        let failed = |source| AuditError::Io {
            path: path.to_path_buf(),
            source,
        };
        let way = resolve(path, disk).map_err(failed)?;
        if !way.exists() {
            return Err(AuditError::NoCatalog {
                path: path.to_path_buf(),
                absence: Absence::NoDirectory,
            });
        }
        let dir = way.open(disk).map_err(failed)?;
        // The walk reports a ledgers root that cannot be opened.
        let ledgers = resolve(roots.path(RootRole::Ledgers), disk).ok();
        let ledgers = ledgers.filter(Resolved::exists);
        let ledgers = ledgers.and_then(|way| way.open(disk).ok());
        let witness = ledgers.map(|root| Witness::new(Arc::new(root), false));
        Ok(Self { dir, witness })
    }

    /// Reads every current entry.
    pub(super) fn read(&self) -> Result<Keys, AuditError> {
        let path = || self.dir.path().to_path_buf();
        let absent = |absence| AuditError::NoCatalog {
            path: path(),
            absence,
        };
        match read_only(&self.dir, self.witness.as_ref()) {
            Ok(Reading::Entries(entries)) => Ok(Keys::new(&entries)),
            Ok(Reading::Torn(source)) => Err(AuditError::Torn {
                path: path(),
                source,
            }),
            Ok(Reading::None {
                is_being_created: true,
            }) => Err(absent(Absence::BeingCreated)),
            Ok(Reading::None { .. }) | Err(OpenFailure::NotACatalog(NotACatalog { .. })) => {
                Err(absent(Absence::NoStore))
            }
            Err(OpenFailure::Io(source)) => Err(AuditError::Io {
                path: path(),
                source,
            }),
            Err(OpenFailure::Store(failure)) => Err(AuditError::Store(failure)),
            Err(OpenFailure::Damaged(Damage { path, kind })) => {
                Err(AuditError::Damaged { path, kind })
            }
            Err(OpenFailure::NoWitness(_) | OpenFailure::Full(_)) => Err(absent(Absence::NoStore)),
            Err(OpenFailure::Moved) => Err(AuditError::Moved { path: path() }),
        }
    }
}
