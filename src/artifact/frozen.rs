//! [`Frozen`]: the artifact can be read; and [`Demotion`], the intent to end that.

use super::claim::{KindClaim, artifact_handle};
use super::lease::{Lease, lease_of};
use super::pruning::Pruning;
use crate::domain::{ArtifactState, Kind, Ledgers};
use crate::protocol::evident::Evident;
use crate::protocol::sealed::Commit;
use crate::protocol::{Changes, Committed, Evidence, Transition, Witnesses};

/// An artifact that is whole on stable storage, owned by this handle.
///
/// **Durable now:** the files, their names, and the key at `frozen`. **A crash here leaves** exactly
/// that. **Next:** [`lease`](Self::lease) to read; drop the handle when there is nothing to change
/// about it; [`demote`](Self::demote) when it has passed the retention floor.
///
/// ```
/// use std::io::Write;
/// use frostline::{Artifact, ChunkId, Ledgers};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// # let chunk = ChunkId::new(7)?;
/// # let mut freezing = catalog.begin::<Ledgers>(chunk)?;
/// # freezing.file(Ledgers::PACK)?.write_all(b"ten thousand ledgers")?;
/// # drop(freezing.freeze()?);
/// // After a restart, a claim finds the artifact.
/// let Artifact::Frozen(frozen) = catalog.claim::<Ledgers>(chunk)? else {
///     panic!("it was frozen");
/// };
/// let lease = frozen.lease();
/// let mut start = [0; 3];
/// lease.open(Ledgers::PACK)?.read_exact_at(&mut start, 0)?;
/// assert_eq!(&start, b"ten");
/// # Ok(())
/// # }
/// ```
#[must_use = "the handle owns the key: drop it explicitly when done, or `demote` it"]
pub struct Frozen<K: Kind> {
    claim: KindClaim<K>,
}

artifact_handle!(Frozen);

impl<K: Kind> Frozen<K> {
    pub(super) const fn from_claim(claim: KindClaim<K>) -> Self {
        Self { claim }
    }

    pub(super) fn witness(&self, witnesses: &mut Witnesses<'_>) {
        witnesses.add(self.key(), &self.claim.any.shared.roots);
    }

    /// The right to read the artifact's files.
    #[must_use = "the files stay only while the lease is held"]
    pub fn lease(&self) -> Lease<K> {
        lease_of(&self.claim)
    }

    /// The intent to prune the artifact, to be committed. Nothing has happened yet.
    pub fn demote(self) -> Demotion<K> {
        Demotion { claim: self.claim }
    }
}

impl Evident for Frozen<Ledgers> {
    fn attest(&self, witnesses: &mut Witnesses<'_>) {
        self.witness(witnesses);
    }
}

impl Evidence for Frozen<Ledgers> {}

/// The intent to prune a frozen artifact: a transition that has not been committed.
///
/// **Durable now:** as with [`Frozen`]. **Next:** [`Catalog::commit`](crate::Catalog::commit), after
/// which no new lease is given out; or hand it to
/// [`Catalog::sweep_chunk_artifacts`](crate::Catalog::sweep_chunk_artifacts) with others.
#[must_use = "nothing is demoted until `Catalog::commit` has written it"]
pub struct Demotion<K: Kind> {
    claim: KindClaim<K>,
}

artifact_handle!(Demotion);

impl<K: Kind> Demotion<K> {
    /// Not to prune it after all.
    pub fn cancel(self) -> Frozen<K> {
        Frozen::from_claim(self.claim)
    }

    pub(super) fn into_claim(self) -> KindClaim<K> {
        self.claim
    }
}

impl<K: Kind> Commit for Demotion<K> {
    type Output = Pruning<K>;

    fn gather(&self, changes: &mut Changes<'_>) {
        let next = Some(ArtifactState::Pruning);
        let change = self.claim.any.change(Some(ArtifactState::Frozen), next);
        changes.push(&self.claim.any.shared, change);
    }

    fn advance(self, _: &Committed) -> Pruning<K> {
        Pruning::from_claim(self.claim)
    }
}

impl<K: Kind> Transition for Demotion<K> {
    type Next = Pruning<K>;
}
