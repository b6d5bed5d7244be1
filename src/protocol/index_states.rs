//! The states of all indexes in memory, as the catalog stores them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::domain::{ArtifactState, IndexKey, ValueError, WindowId};
use crate::failure::ReadError;

/// The values of all index keys. A window has few keys, and a node has few windows.
#[derive(Debug, Clone, Default)]
pub(crate) struct IndexStates {
    /// In the order of the keys, so that the keys of a window are neighbours.
    values: BTreeMap<IndexKey, Value>,
}

#[derive(Debug, Clone)]
enum Value {
    State(ArtifactState),
    /// The stored bytes.
    Unrecognised(Box<[u8]>),
}

impl IndexStates {
    /// Records the stored value of a key.
    pub(super) fn put(&mut self, key: IndexKey, stored: Option<&[u8]>) {
        let Some(stored) = stored else {
            self.values.remove(&key);
            return;
        };
        let value = match ArtifactState::from_stored(stored) {
            Some(state) => Value::State(state),
            None => Value::Unrecognised(stored.into()),
        };
        self.values.insert(key, value);
    }

    /// Returns the stored value of a key, or `None` if the key is absent.
    pub(super) fn stored(&self, key: IndexKey) -> Option<Cow<'_, [u8]>> {
        Some(match self.values.get(&key)? {
            Value::State(state) => Cow::Borrowed(state.as_str().as_bytes()),
            Value::Unrecognised(stored) => Cow::Borrowed(stored),
        })
    }

    /// Returns whether a key is `frozen`.
    pub(super) fn is_frozen(&self, key: IndexKey) -> bool {
        matches!(
            self.values.get(&key),
            Some(Value::State(ArtifactState::Frozen))
        )
    }

    /// Returns the states of all keys that have one.
    pub(super) fn states(&self) -> impl Iterator<Item = ArtifactState> {
        self.values.values().filter_map(|value| match value {
            Value::State(state) => Some(*state),
            Value::Unrecognised(_) => None,
        })
    }

    /// Returns all keys with their states, in byte order.
    pub(crate) fn iter(
        &self,
    ) -> impl Iterator<Item = Result<(IndexKey, ArtifactState), ValueError>> {
        self.values.iter().map(|(key, value)| read(*key, value))
    }

    /// Returns the keys of a window with their states, in byte order.
    pub(crate) fn of_window(
        &self,
        window: WindowId,
    ) -> impl Iterator<Item = Result<(IndexKey, ArtifactState), ValueError>> {
        let [first, last] = IndexKey::all_of(window);
        let keys = self.values.range(first..=last);
        keys.map(|(key, value)| read(*key, value))
    }

    /// Returns the one frozen index of a window, or `None` if no index of it is frozen.
    ///
    /// The protocol never makes two, and an unrecognised value may stand for one: both are errors, because an answer
    /// could be the wrong one.
    pub(crate) fn frozen_of(&self, window: WindowId) -> Result<Option<IndexKey>, ReadError> {
        let mut found = None;
        for entry in self.of_window(window) {
            let (key, state) = entry?;
            if state != ArtifactState::Frozen {
                continue;
            }
            if let Some(first) = found.replace(key) {
                let [first, second] = [first, key].map(Into::into);
                return Err(ReadError::TwoIndexes { first, second });
            }
        }
        Ok(found)
    }
}

fn read(key: IndexKey, value: &Value) -> Result<(IndexKey, ArtifactState), ValueError> {
    match value {
        Value::State(state) => Ok((key, *state)),
        Value::Unrecognised(stored) => Err(ValueError {
            key: key.into(),
            raw: stored.escape_ascii().to_string(),
        }),
    }
}
