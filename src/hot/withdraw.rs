//! [`Transient`] → [`HotDebris`] → nothing: giving up on a directory that is being created.

use super::debris::HotDebris;
use super::transient::Transient;
use crate::failure::{RemovalError, RemovalRefusal, StepError};

impl Transient {
    /// Stops creating. The key stays at `transient`.
    pub fn give_up(self) -> HotDebris {
        HotDebris::new(self.into_claim())
    }

    /// Gives up on the directory: removes it durably and deletes the key.
    ///
    /// # Errors
    ///
    /// [`RemovalError`].
    pub fn abandon(self) -> Result<(), RemovalError<Self>> {
        if let Err(poisoned) = self.claim().shared.poison.check() {
            return Err(StepError::refused(self, RemovalRefusal::from(poisoned)));
        }
        let again = |debris: HotDebris| Self::new(debris.into_claim());
        self.give_up().remove().map_err(|error| error.map(again))
    }
}
