//! The machinery under the handles: claims, barriers, commits, and the states in memory.

mod barrier;
mod claims;
mod commit;
mod pending;
mod poison;
mod shared;
mod state_index;
mod transition;

pub(crate) use claims::{Claim, ReadClaim};
pub(crate) use commit::{Change, CommitFailure};
pub(crate) use pending::{MadeDurable, Pending};
pub(crate) use shared::Shared;
pub(crate) use state_index::{PackedStates, States};
pub use transition::Transition;
pub(crate) use transition::{Changes, Committed, commit, commit_to, sealed};
