//! The engine that keeps the entries: RocksDB or, under the feature `sim`, its model on a simulated disk.

use super::entry::{Edit, RawEntry};
use super::failure::BoxError;
use super::rocks;
use crate::fs::Dir;

pub(super) enum Engine {
    Rocks(rocks::Rocks),
    #[cfg(feature = "sim")]
    Simulated(super::model::Simulated),
}

impl Engine {
    /// Opens an existing store.
    pub(super) fn open(dir: &Dir) -> Result<Self, BoxError> {
        #[cfg(feature = "sim")]
        if let Some(dir) = dir.simulated() {
            return super::model::Simulated::open(dir).map(Self::Simulated);
        }
        rocks::Rocks::open(dir).map(Self::Rocks)
    }

    /// Creates an empty store where there is no store.
    pub(super) fn create(dir: &Dir) -> Result<(), BoxError> {
        #[cfg(feature = "sim")]
        if let Some(dir) = dir.simulated() {
            return super::model::create(dir);
        }
        rocks::Rocks::create(dir)
    }

    /// Returns every entry of a store that another process may have open. Writes nothing.
    pub(super) fn read_all(dir: &Dir) -> Result<Vec<RawEntry>, BoxError> {
        #[cfg(feature = "sim")]
        if let Some(dir) = dir.simulated() {
            return super::model::read_all(dir);
        }
        rocks::Rocks::read_all(dir)
    }

    /// Moves everything from the logs to a table. Occasionally merges all tables into one, within `may_take` bytes of
    /// space, because a process may not live long enough for a merge in the background.
    pub(super) fn flush(&mut self, may_take: u64) -> Result<(), BoxError> {
        match self {
            Self::Rocks(rocks) => {
                rocks.flush()?;
                rocks.merge_tables(may_take)
            }
            #[cfg(feature = "sim")]
            Self::Simulated(store) => store.flush(),
        }
    }

    /// Moves everything from the log to a table while the store is in use. The model does nothing, because its logs
    /// never become that long.
    pub(super) fn flush_memory(&self) -> Result<(), BoxError> {
        match self {
            Self::Rocks(rocks) => rocks.flush(),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => Ok(()),
        }
    }

    /// Returns the sequence number of the last edit.
    pub(super) fn last_sequence(&self) -> u64 {
        match self {
            Self::Rocks(rocks) => rocks.last_sequence(),
            #[cfg(feature = "sim")]
            Self::Simulated(store) => store.last_sequence(),
        }
    }

    /// Tells a simulated disk that the process that opened the store relies on its entries from now on.
    #[cfg(feature = "sim")]
    pub(super) fn promise(&mut self) {
        if let Self::Simulated(store) = self {
            store.promise();
        }
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, BoxError> {
        match self {
            Self::Rocks(rocks) => rocks.get(key),
            #[cfg(feature = "sim")]
            Self::Simulated(store) => Ok(store.get(key)),
        }
    }

    pub(super) fn write(&self, edits: &[Edit]) -> Result<(), BoxError> {
        match self {
            Self::Rocks(rocks) => rocks.write(edits),
            #[cfg(feature = "sim")]
            Self::Simulated(store) => store.write(edits.iter().map(|edit| {
                (
                    edit.key.as_bytes(),
                    edit.value.as_ref().map(|v| v.as_bytes()),
                )
            })),
        }
    }

    #[cfg(feature = "sim")]
    pub(super) fn write_raw_for_test(
        &self,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), BoxError> {
        match self {
            Self::Rocks(rocks) => rocks.write_raw_for_test(key, value),
            Self::Simulated(store) => store.write([(key, value)]),
        }
    }

    pub(super) fn for_each(&self, visit: impl FnMut(&[u8], &[u8])) -> Result<(), BoxError> {
        match self {
            Self::Rocks(rocks) => rocks.for_each(visit),
            #[cfg(feature = "sim")]
            Self::Simulated(store) => {
                store.for_each(visit);
                Ok(())
            }
        }
    }
}
