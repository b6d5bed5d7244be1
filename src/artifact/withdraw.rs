//! [`Freezing`] → [`Debris`] → nothing: giving up on an artifact that is being written.

use super::debris::Debris;
use super::freezing::Freezing;
use crate::domain::Kind;
use crate::failure::{RemovalError, RemovalRefusal, Retryable, StepError};
use crate::protocol::commit;

impl<K: Kind> Freezing<K> {
    /// Stops writing. The key stays at `freezing`.
    pub fn give_up(self) -> Debris<K> {
        Debris::from_claim(self.into_claim())
    }

    /// Gives up on the artifact: unlinks its files durably and deletes the key.
    ///
    /// # Errors
    ///
    /// [`RemovalError`]. The key stays at `freezing`; after a fatal failure it may be gone.
    pub fn abandon(self) -> Result<(), RemovalError<Self>> {
        if let Err(poisoned) = self.claim().any.shared.poison.check() {
            return Err(StepError::refused(self, RemovalRefusal::from(poisoned)));
        }
        let again = |debris: Debris<K>| Self::new(debris.into_claim(), true);
        let unlinked = self.give_up().unlink().map_err(|error| error.map(again))?;
        let key = unlinked.key().into();
        commit(unlinked).map_err(|error| match error {
            StepError::Refused(refused) => {
                let source = refused.into_parts().1;
                Retryable::Delete { key, source }.into()
            }
            StepError::Failed(failed) => StepError::Failed(failed),
        })
    }
}
