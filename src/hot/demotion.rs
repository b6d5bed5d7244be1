//! [`HotDemotion`]: the intent to discard a ready directory.

use super::claim::{HotClaim, hot_handle};
use super::debris::HotDebris;
use crate::domain::{ArtifactKey, ArtifactSet, HotState};
use crate::protocol::sealed::Commit;
use crate::protocol::{Changes, Committed, HotDirectory, Transition};

/// The intent to discard a ready hot directory: a transition that has not been committed.
///
/// **Durable now:** as with [`Ready`](crate::Ready). **Next:** [`Catalog::commit`](crate::Catalog::commit), alone or
/// with others in one batch, which gives a [`HotDebris`]. It is refused unless every kind of the evidence is frozen, or
/// becomes so in the same batch. Dropping it changes nothing.
#[must_use = "nothing is demoted until `Catalog::commit` has written it"]
pub struct HotDemotion {
    pub(super) claim: HotClaim,
    /// The directory was missing when its key was given up.
    pub(super) is_missing: bool,
    /// The kinds of the chunk that must be frozen when this is committed.
    pub(super) required: ArtifactSet,
}

hot_handle!(HotDemotion);

impl Commit for HotDemotion {
    type Output = HotDebris;

    fn gather(&self, changes: &mut Changes<'_>) {
        let (from, next) = (Some(HotState::Ready), Some(HotState::Transient));
        self.claim.push(changes, from, next);
        let chunk = self.claim.chunk;
        for kind in self.required.iter() {
            changes.require_frozen(ArtifactKey { chunk, kind });
        }
    }

    fn advance(self, _: &Committed) -> HotDebris {
        if self.is_missing {
            self.claim.set(Some(HotDirectory::Missing));
        }
        HotDebris::new(self.claim)
    }
}

impl Transition for HotDemotion {
    type Next = HotDebris;
}
