//! The catalog: the calls of a user, in headed blocks.

// In the order of the documentation.
mod start;

mod read;
mod route;
mod view;

mod begin;

mod missing;

mod index;

mod write;

mod below;
mod recover;
mod surgery;

mod open;
mod pin;
mod plan;
mod scan;
#[cfg(feature = "sim")]
mod simulated;
mod sweep;

pub use below::BelowFloor;
pub use missing::Missing;
pub use open::{InUse, OpenError};
pub use pin::{PinError, PinOutcome};
pub use plan::{PlanError, RecoveryPlan, Tainted};
pub use recover::{DebrisPolicy, Recovered};
pub use route::Route;
pub use scan::{ArtifactKeys, ChunkState, ChunkStates, HotKeys, IndexKeys, ReadyHotKeys};
pub use surgery::{ApplyError, ApplyRefusal};
pub use sweep::{SweepError, Swept};
pub use view::View;

use std::fmt;
use std::sync::Arc;

use crate::domain::RootRole;
#[cfg(feature = "sim")]
use crate::failure::StoreFailure;
use crate::protocol::Shared;

/// The record of all files and their states.
///
/// Its calls, in the order in which a node makes them:
///
/// 1. **Start**: [`open`](Self::open), then [`recover`](Self::recover) if [`unfinished`](Self::unfinished) is not
///    nothing, and [`pin_earliest_ledger`](Self::pin_earliest_ledger).
/// 2. **Read**: [`route`](Self::route) for a ledger; a [`view`](Self::view) for a request; [`state`](Self::state),
///    [`hot_state`](Self::hot_state) and the scans; [`lease`](Self::lease) and [`lease_hot`](Self::lease_hot).
/// 3. **Begin**: [`begin`](Self::begin) and its forms for many artifacts, [`create_hot`](Self::create_hot); or
///    [`intend`](Self::intend) and [`intend_hot`](Self::intend_hot), to be committed with other steps.
/// 4. **Claim**: [`claim`](Self::claim), [`claim_hot`](Self::claim_hot) and
///    [`claim_for_pruning`](Self::claim_for_pruning), for existing keys.
/// 5. **Commit**: [`commit`](Self::commit), the only call that writes transitions.
/// 6. **Prune**: [`sweep_chunk_artifacts`](Self::sweep_chunk_artifacts).
///
/// Every write is synced before the call returns, and a commit of several keys is one atomic batch. After a
/// [`Fatal`](crate::error::Fatal) failure the catalog refuses everything, reads too, until [`reopen`](Self::reopen) has
/// opened it again; a lease, a [`View`] and a [`Frozen`](crate::Frozen) from before stay readable.
///
/// Each handle keeps the open catalog and the locks alive, and a lease keeps the locks: the roots are released when the
/// last of them has gone.
pub struct Catalog {
    shared: Arc<Shared>,
}

impl Catalog {
    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

#[cfg(feature = "sim")]
impl Catalog {
    /// Writes to the store as another program would: puts a value under a key, or deletes the key.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`].
    #[doc(hidden)]
    pub fn write_raw_for_test(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), StoreFailure> {
        self.shared.write_raw_for_test(key, value)
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.shared.roots.roots().path(RootRole::Catalog);
        f.debug_tuple("Catalog").field(&path).finish()
    }
}
