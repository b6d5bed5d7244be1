//! Instruments for crash and fault tests, under the feature `sim`.
//!
mod content;
mod cut;
mod disk;
mod entries;
mod event;
mod explore;
mod handle;
mod history;
mod probe;
mod state;
mod storyboard;
mod world;

pub use disk::{SimDisk, SimFile};
pub use event::{Batch, Keys};
pub use explore::{Explored, Limits, PowerLoss, When};
pub(crate) use handle::{DirHandle, FileHandle, LockHandle};
pub use history::{History, Mutant, Mutation};
pub use probe::Probe;
pub use storyboard::Storyboard;
