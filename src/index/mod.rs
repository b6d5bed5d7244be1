//! Indexes of transaction hashes: one for each window of 1,000 chunks.
//!
//! An index is one file, which covers consecutive chunks of one window. A node builds an index again whenever more chunks
//! of the window are frozen, and a window never has two frozen ones. The *promotion* of a new index is one commit:
//!
//! - the new index becomes `frozen`;
//! - the window's frozen index, its *predecessor*, becomes `pruning`;
//! - if the coverage is terminal, which means that it ends with the window's last chunk, the transaction hashes of the
//!   chunks that it covers become `pruning`, because no later build of the window reads them.
//!
//! Predecessor and inputs follow from the coverage, and no call takes them as arguments.
//!
//! | handle | call | next | stable storage |
//! |---|---|---|---|
//! | none | [`Catalog::begin_index`](crate::Catalog::begin_index) | [`IndexBuild`] | the mark |
//! | [`IndexBuild`] | [`sync`](IndexBuild::sync) | [`Promotion`] | the file, and every entry that leads to it |
//! | [`Promotion`] | [`Catalog::commit`](crate::Catalog::commit) | [`Promoted`] | the whole promotion |
//!
//! Readers ask [`Catalog::index_of`](crate::Catalog::index_of) or [`View::index_of`](crate::read::View::index_of), which
//! answer with an [`IndexLease`]. An index is pruned like an artifact of a chunk, by
//! [`Catalog::sweep_chunk_artifacts`](crate::Catalog::sweep_chunk_artifacts). The sweep also removes the emptied directory
//! of a window.

mod begin;
mod build;
mod lease;
mod missing_step;
mod promotion;

pub(crate) use begin::begin;
pub use build::IndexBuild;
pub use lease::IndexLease;
pub use promotion::{Promoted, Promotion};

pub use crate::domain::{CHUNKS_PER_WINDOW, Coverage, IndexKey, WindowId};
