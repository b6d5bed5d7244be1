//! The machinery under the handles: claims, barriers, commits, and the states in memory.

mod barrier;
mod change;
mod claims;
mod combiner;
mod commit;
mod evidence;
mod leases;
mod open_dirs;
mod packed;
mod pending;
mod place;
mod poison;
mod readers;
mod reopen;
mod rounds;
mod shared;
mod state_index;
mod state_pages;
mod sync;
mod transition;

pub(crate) use change::{Change, CommitFailure};
pub(crate) use claims::Claim;
pub use evidence::Evidence;
pub(crate) use evidence::{Witnesses, evident, required};
pub(crate) use leases::{Leases, Reader};
pub(crate) use open_dirs::SharedDir;
pub(crate) use packed::PackedStates;
pub(crate) use pending::{MadeDurable, Pending};
pub(crate) use shared::{HotDirectory, Shared};
pub(crate) use state_index::{Pinned, Snapshot, Source, States};
pub use transition::Transition;
pub(crate) use transition::{Changes, Committed, commit, commit_to, sealed};
