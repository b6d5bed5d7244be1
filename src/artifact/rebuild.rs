//! [`Debris`] or [`Pruning`] → [`Begin`] → [`Freezing`]: writing an artifact again over the leftovers of an earlier
//! attempt.

use super::begin::Begin;
use super::debris::Debris;
use super::freezing::Freezing;
use super::pruning::Pruning;
use crate::domain::{ArtifactState, Kind};
use crate::failure::{BeginError, StepError};
use crate::protocol::commit;

impl<K: Kind> Debris<K> {
    /// The intent to write the artifact again from nothing, to be committed. Nothing has happened yet.
    ///
    /// # Errors
    ///
    /// [`BeginError`], refused with the handle back, while a lease is out.
    pub fn intend(self) -> Result<Begin<K>, BeginError<Self>> {
        Begin::over(self.into_claim(), ArtifactState::Freezing)
            .map_err(|(claim, refusal)| StepError::refused(Self::from_claim(claim), refusal))
    }

    /// [`intend`](Self::intend) and the commit of this one artifact. The old files are removed before the first new
    /// one is created, so that new files are new inodes.
    ///
    /// # Errors
    ///
    /// [`BeginError`]: refused with the handle back, or fatal.
    pub fn rematerialize(self) -> Result<Freezing<K>, BeginError<Self>> {
        let begin = self.intend()?;
        commit(begin).map_err(|error| error.map(|begin| Self::from_claim(begin.into_claim())))
    }
}

impl<K: Kind> Pruning<K> {
    /// The intent to write the artifact again from nothing, to be committed. Nothing has happened yet.
    ///
    /// # Errors
    ///
    /// [`BeginError`], refused with the handle back, while a lease is out.
    pub fn intend(self) -> Result<Begin<K>, BeginError<Self>> {
        Begin::over(self.into_claim(), ArtifactState::Pruning)
            .map_err(|(claim, refusal)| StepError::refused(Self::from_claim(claim), refusal))
    }

    /// [`intend`](Self::intend) and the commit of this one artifact. The old files are removed before the first new
    /// one is created, so that new files are new inodes.
    ///
    /// # Errors
    ///
    /// [`BeginError`]: refused with the handle back, or fatal.
    pub fn rematerialize(self) -> Result<Freezing<K>, BeginError<Self>> {
        let begin = self.intend()?;
        commit(begin).map_err(|error| error.map(|begin| Self::from_claim(begin.into_claim())))
    }
}
