//! The five storage roots of a node: from its configuration file to locked directories of one catalog.

pub(crate) mod config;
mod identity;
mod lock;

pub use config::Config;
pub use identity::{CatalogId, IdentityProblem};
pub use lock::{LockError, LockedRoots};
