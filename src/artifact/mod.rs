//! File artifacts: one file per state.
//!
//! Each state is a struct around a [`KindClaim`](claim::KindClaim), the claim on the artifact's key. Only the function
//! that performs a step constructs the next state.

mod begin;
pub(crate) mod claim;
mod debris;
mod draft;
mod find;
mod freezing;
mod frozen;
mod group;
pub(crate) mod index;
mod lease;
mod missing;
mod missing_step;
mod prunable;
mod pruning;
mod rebuild;
mod set;
mod synced;
mod unlinked;
mod withdraw;
mod writer;

pub use begin::Begin;
pub(crate) use begin::{check as check_begin, intend, intend_all};
pub use debris::Debris;
pub(crate) use draft::sealed::{Internal, Member};
pub use draft::{ArtifactFile, Syncable};
pub(crate) use draft::{Draft, sync_one};
pub use find::{Artifact, ClaimError};
pub(crate) use find::{claim, claim_for_pruning};
pub(crate) use freezing::create_scratch;
pub use freezing::{FreezeError, Freezing};
pub use frozen::{Demotion, Frozen};
pub use group::SyncGroup;
pub use lease::Lease;
pub(crate) use lease::{lease, open_file};
pub use missing::BegunMissing;
pub(crate) use missing::intend_missing;
pub use prunable::{Prunable, Sweepable};
pub use pruning::Pruning;
pub use set::{BeginSet, FreezingSet, FrozenSet, SyncedSet};
pub(crate) use set::{intend_set, intend_sets};
pub use synced::Synced;
pub use unlinked::Unlinked;
pub(crate) use unlinked::check_unlink;
pub use writer::FileWriter;
