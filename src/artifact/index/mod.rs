//! Indexes of transaction hashes: one file per step, as for the artifacts of a chunk.

mod begin;
mod build;
mod demoted;
mod lease;
mod missing_step;
mod promotion;

pub(crate) use begin::begin;
pub use build::IndexBuild;
pub use lease::IndexLease;
pub use promotion::{Promoted, Promotion};
