//! [`HotUnlinked`]: the directory is durably gone, and the key may go.

use super::claim::{HotClaim, hot_handle};
use crate::domain::HotState;
use crate::protocol::sealed::Commit;
use crate::protocol::{Changes, Committed, Transition};

/// Evidence that a hot directory is gone from stable storage.
///
/// **Durable now:** the directory's absence; the key is still at `transient`. **A crash here leaves** a key without a
/// directory, which removing it again finishes. **Next:** [`Catalog::commit`](crate::Catalog::commit), alone or with
/// others in one batch.
#[must_use = "the directory is gone but its key stays until `Catalog::commit` deletes it"]
pub struct HotUnlinked {
    claim: HotClaim,
}

hot_handle!(HotUnlinked);

impl HotUnlinked {
    pub(super) const fn new(claim: HotClaim) -> Self {
        Self { claim }
    }
}

impl Commit for HotUnlinked {
    type Output = ();

    fn gather(&self, changes: &mut Changes<'_>) {
        self.claim.push(changes, Some(HotState::Transient), None);
    }

    fn advance(self, _: &Committed) {
        self.claim.set(None);
    }
}

impl Transition for HotUnlinked {
    type Next = ();
}
