//! Hot directories: one file per state.
//!
//! A directory may become ready only in the process that has just created it. A directory that a restart finds at
//! `transient`, and one that is being discarded, is [`HotDebris`]: it can be created again or removed, never promoted.

mod begin;
mod claim;
mod debris;
mod demotion;
mod find;
mod lease;
mod missing;
mod missing_step;
mod ready;
mod synced;
mod transient;
mod unlinked;
mod withdraw;

pub use begin::HotBegin;
pub(crate) use begin::{create, intend};
pub use debris::HotDebris;
pub use demotion::HotDemotion;
pub(crate) use find::claim;
pub use find::{ClaimHotError, Hot};
pub use lease::HotLease;
pub use missing::DirectoryMissing;
pub use ready::Ready;
pub use synced::HotSynced;
pub use transient::Transient;
pub use unlinked::HotUnlinked;
