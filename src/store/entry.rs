//! The entries of a store, as they are stored, and their changes.

use std::borrow::Cow;

use crate::domain::EncodedKey;

/// One change of a batch: a new value, or `None` to delete the key.
#[derive(Debug)]
pub(crate) struct Edit {
    pub(crate) key: EncodedKey,
    pub(crate) value: Option<Cow<'static, str>>,
}

/// A key and its value, as they are stored.
pub(crate) type RawEntry = (Box<[u8]>, Box<[u8]>);
