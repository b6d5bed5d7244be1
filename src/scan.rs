//! Typed scans over the catalog.

use crate::error::{Operation, ReadError, StoreFailure};
use crate::key::{ARTIFACT_PREFIX, ArtifactKey, HOT_PREFIX, HotKey, Key, TypedKey, decode_value};
use crate::owed::Owed;
use crate::state::{ArtifactState, HotState};
use crate::store::{Scan, Store};

/// Every artifact key with its state; see
/// [`Catalog::chunk_artifact_keys`](crate::Catalog::chunk_artifact_keys).
pub struct ArtifactKeys<'a> {
    store: &'a Store,
    scan: Scan<'a>,
}

/// Every hot key with its state; see [`Catalog::hot_chunk_keys`](crate::Catalog::hot_chunk_keys).
pub struct HotKeys<'a> {
    store: &'a Store,
    scan: Scan<'a>,
}

/// Every hot key that is ready; see
/// [`Catalog::ready_hot_chunk_keys`](crate::Catalog::ready_hot_chunk_keys).
pub struct ReadyHotKeys<'a> {
    keys: HotKeys<'a>,
}

impl<'a> ArtifactKeys<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        let scan = store.scan(ARTIFACT_PREFIX);
        Self { store, scan }
    }
}

impl<'a> HotKeys<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        let scan = store.scan(HOT_PREFIX);
        Self { store, scan }
    }
}

impl<'a> ReadyHotKeys<'a> {
    pub(crate) fn new(keys: HotKeys<'a>) -> Self {
        Self { keys }
    }
}

/// Counts what a crash has left. A value that is no state is owed to a person, and is passed over.
pub(crate) fn owed(store: &Store) -> Result<Owed, StoreFailure> {
    let mut owed = Owed::default();
    for entry in ArtifactKeys::new(store) {
        match entry {
            Ok((_, state)) => owed.count_artifact(state),
            Err(ReadError::Store(failure)) => return Err(failure),
            Err(_) => {}
        }
    }
    for entry in HotKeys::new(store) {
        match entry {
            Ok((_, state)) => owed.count_hot(state),
            Err(ReadError::Store(failure)) => return Err(failure),
            Err(_) => {}
        }
    }
    Ok(owed)
}

/// The next entry whose key is of the wanted family.
fn next_entry<T: TypedKey>(
    store: &Store,
    scan: &mut Scan<'_>,
    family: impl Fn(Key) -> Option<T>,
) -> Option<Result<(T, T::Value), ReadError>> {
    loop {
        let (key, value) = match scan.next()? {
            Ok(entry) => entry,
            Err(error) => return Some(Err(store.failure(Operation::ReadStore, error).into())),
        };
        // What is not the canonical spelling of a key is not ours: the audit reports it.
        let Some(key) = Key::parse(&key).ok().and_then(&family) else {
            continue;
        };
        let value = decode_value(key, &value);
        return Some(value.map(|value| (key, value)).map_err(ReadError::from));
    }
}

impl Iterator for ArtifactKeys<'_> {
    type Item = Result<(ArtifactKey, ArtifactState), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        next_entry(self.store, &mut self.scan, |key| match key {
            Key::Artifact(key) => Some(key),
            _ => None,
        })
    }
}

impl Iterator for HotKeys<'_> {
    type Item = Result<(HotKey, HotState), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        next_entry(self.store, &mut self.scan, |key| match key {
            Key::Hot(key) => Some(key),
            _ => None,
        })
    }
}

impl Iterator for ReadyHotKeys<'_> {
    type Item = Result<HotKey, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.keys.next()? {
                Ok((key, HotState::Ready)) => return Some(Ok(key)),
                Ok((_, HotState::Transient)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
