//! absent, debris or pruning → [`Begin`] → [`Freezing`]: the key is marked before any I/O.

use std::sync::Arc;

use super::claim::{ArtifactClaim, KindClaim, artifact_handle};
use super::freezing::Freezing;
use crate::domain::{ArtifactState, Kind};
use crate::failure::{BeginRefusal, ReadError};
use crate::fs::DirChains;
use crate::protocol::sealed::Commit;
use crate::protocol::{Changes, Committed, Shared, Transition};

/// The intent to write an artifact: a transition that has not been committed.
///
/// **Durable now:** the key as it was, absent or left by an interrupted freeze or prune. **A crash here leaves** the
/// same. **Next:** [`Catalog::commit`](crate::Catalog::commit), alone or with others in one batch, which marks the key
/// with `freezing` and gives a [`Freezing`].
///
/// A stream of artifacts pays for one commit each, because the flip of one and the mark of the next go together:
///
/// ```
/// use std::io::Write;
/// use frostline::{ChunkId, Ledgers};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// let mut freezing = catalog.begin::<Ledgers>(ChunkId::new(0)?)?;
/// for number in 1..4 {
///     freezing.file(Ledgers::PACK)?.write_all(b"ten thousand ledgers")?;
///     let next = catalog.intend::<Ledgers>(ChunkId::new(number)?)?;
///     let (_frozen, begun) = catalog.commit((freezing.sync()?, next))?;
///     freezing = begun;
/// }
/// freezing.abandon()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "the key is not marked until `Catalog::commit` has written it"]
pub struct Begin<K: Kind> {
    claim: KindClaim<K>,
    found: Option<ArtifactState>,
}

artifact_handle!(Begin);

impl<K: Kind> Begin<K> {
    /// Claims the key and checks that the artifact may be written from nothing.
    #[track_caller]
    pub(super) fn find(
        shared: &Arc<Shared>,
        id: K::Id,
        chains: &mut DirChains,
    ) -> Result<Self, BeginRefusal> {
        let claim = KindClaim::new(shared, id)?;
        let found = shared.get(K::key(id))?;
        check(&claim.any, found, chains)?;
        Ok(Self { claim, found })
    }

    /// The same for a claim on the leftovers of an earlier attempt.
    pub(super) fn over(
        claim: KindClaim<K>,
        found: ArtifactState,
    ) -> Result<Self, (KindClaim<K>, BeginRefusal)> {
        if let Err(poisoned) = claim.any.shared.poison.check() {
            return Err((claim, ReadError::from(poisoned).into()));
        }
        let found = Some(found);
        match check(&claim.any, found, &mut DirChains::default()) {
            Ok(()) => Ok(Self { claim, found }),
            Err(refusal) => Err((claim, refusal)),
        }
    }

    pub(super) fn into_claim(self) -> KindClaim<K> {
        self.claim
    }
}

/// Whether the artifact may be written from nothing.
pub(crate) fn check(
    claim: &ArtifactClaim,
    found: Option<ArtifactState>,
    chains: &mut DirChains,
) -> Result<(), BeginRefusal> {
    let key = claim.key();
    match found {
        Some(ArtifactState::Frozen) => Err(BeginRefusal::AlreadyFrozen { key }),
        Some(ArtifactState::Freezing | ArtifactState::Pruning) => {
            Ok(claim.shared.check_unread(key)?)
        }
        None => match claim.find_file(chains)? {
            Some(path) => Err(BeginRefusal::Stray { key, path }),
            None => Ok(()),
        },
    }
}

impl<K: Kind> Commit for Begin<K> {
    type Output = Freezing<K>;

    fn gather(&self, changes: &mut Changes<'_>) {
        let next = Some(ArtifactState::Freezing);
        let change = self.claim.any.change(self.found, next);
        changes.push(&self.claim.any.shared, change);
    }

    fn advance(self, _: &Committed) -> Freezing<K> {
        Freezing::new(self.claim, self.found.is_some())
    }
}

impl<K: Kind> Transition for Begin<K> {
    type Next = Freezing<K>;
}

/// The intent to write one artifact.
#[track_caller]
pub(crate) fn intend<K: Kind>(shared: &Arc<Shared>, id: K::Id) -> Result<Begin<K>, BeginRefusal> {
    shared.poison.check().map_err(ReadError::from)?;
    Begin::find(shared, id, &mut DirChains::default())
}

/// The intent to write several artifacts of one kind.
#[track_caller]
pub(crate) fn intend_all<K: Kind>(
    shared: &Arc<Shared>,
    ids: impl IntoIterator<Item = K::Id>,
) -> Result<Vec<Begin<K>>, BeginRefusal> {
    shared.poison.check().map_err(ReadError::from)?;
    let mut chains = DirChains::default();
    let mut begun = Vec::new();
    for id in ids {
        chains.close_if_many();
        begun.push(Begin::find(shared, id, &mut chains)?);
    }
    Ok(begun)
}
