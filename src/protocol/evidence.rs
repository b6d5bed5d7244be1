//! Evidence that a chunk's ledgers are frozen, or become frozen in the same commit.

use std::ptr;

use crate::domain::{ArtifactKey, ArtifactKind, ArtifactSet, ChunkId, Key};
use crate::failure::RemovalRefusal;
use crate::roots::LockedRoots;

/// The artifacts that are the evidence for giving up one hot directory.
pub struct Witnesses<'a> {
    key: Key,
    chunk: ChunkId,
    /// The catalog of the hot directory, which its locks stand for: a lease has nothing else of its catalog.
    roots: &'a LockedRoots,
    kinds: ArtifactSet,
    refusal: Option<RemovalRefusal>,
}

impl Witnesses<'_> {
    /// Adds an artifact of the catalog that has these roots.
    pub(crate) fn add(&mut self, artifact: ArtifactKey, roots: &LockedRoots) {
        let (key, evidence) = (self.key, Key::from(artifact));
        if !ptr::eq(self.roots, roots) {
            self.refusal = Some(RemovalRefusal::ForeignEvidence { key, evidence });
        } else if artifact.chunk != self.chunk {
            self.refusal = Some(RemovalRefusal::OtherChunk { key, evidence });
        }
        self.kinds = self.kinds.with(artifact.kind);
    }
}

pub(crate) mod evident {
    use super::Witnesses;

    /// The call that a retirement makes on its evidence.
    pub trait Evident {
        fn attest(&self, witnesses: &mut Witnesses<'_>);
    }
}

/// Evidence that the ledgers of a chunk are in another place than its hot directory, for
/// [`Ready::retire`](crate::Ready::retire).
///
/// The trait is sealed. A [`Frozen`](crate::Frozen) or a [`Lease`](crate::Lease) of the ledgers is evidence, and a
/// [`FrozenSet`](crate::FrozenSet) with the ledgers in it. A [`Synced`](crate::step::Synced) of the ledgers and a
/// [`SyncedSet`](crate::step::SyncedSet) are evidence for a commit that contains them as well. Every kind that a set
/// contains must be frozen.
///
/// Evidence can be out of date, because another owner may have demoted the artifact. The commit therefore compares the
/// stored values: it is refused unless each key is frozen, or becomes so in the same batch.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no evidence that the ledgers are frozen",
    label = "the hot directory may be the only copy of its ledgers",
    note = "a `Frozen<Ledgers>`, a `Lease<Ledgers>` or a `FrozenSet` with the ledgers in it is evidence",
    note = "a `Synced<Ledgers>` or a `SyncedSet` is evidence for the commit that contains it",
    note = "`.give_up_only_copy()` takes no evidence: the ledgers are lost if they are in no other place"
)]
pub trait Evidence: evident::Evident {}

/// Checks evidence for giving up the hot directory of a key. Returns the kinds that must be frozen at the commit.
pub(crate) fn required<E: Evidence>(
    evidence: &E,
    key: Key,
    chunk: ChunkId,
    roots: &LockedRoots,
) -> Result<ArtifactSet, RemovalRefusal> {
    let mut witnesses = Witnesses {
        key,
        chunk,
        roots,
        kinds: ArtifactSet::EMPTY,
        refusal: None,
    };
    evidence.attest(&mut witnesses);
    match witnesses.refusal {
        Some(refusal) => Err(refusal),
        None if !witnesses.kinds.contains(ArtifactKind::Ledgers) => {
            Err(RemovalRefusal::NoLedgers { key })
        }
        None => Ok(witnesses.kinds),
    }
}
