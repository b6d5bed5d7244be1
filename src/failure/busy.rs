//! Refusals that end without an act: a handle owns the key, or readers hold its files.

use std::panic::Location;

use super::next::NextStep;
use super::umbrella::{Failure, FailureKind};
use crate::domain::Key;

/// A handle of this process owns the key already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{key}` is claimed already, since {holder}: let that handle finish or drop it, then try again"
)]
#[non_exhaustive]
pub struct AlreadyClaimed {
    /// The key.
    pub key: Key,
    /// The place in the program at which the live handle claimed it.
    pub holder: &'static Location<'static>,
}

/// Readers hold leases on the files of the key, so the files must stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is being read, leases and views out: {readers}; drop them, then try again")]
#[non_exhaustive]
pub struct StillLeased {
    /// The key.
    pub key: Key,
    /// The number of leases and views that are out.
    pub readers: usize,
}

impl Failure for AlreadyClaimed {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        NextStep::Later
    }

    fn key(&self) -> Option<Key> {
        Some(self.key)
    }
}

impl Failure for StillLeased {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        NextStep::Later
    }

    fn key(&self) -> Option<Key> {
        Some(self.key)
    }
}
