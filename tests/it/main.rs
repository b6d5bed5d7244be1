//! Everything that can be tested without a crash simulator, in one binary.
#![allow(missing_docs, unreachable_pub, reason = "tests")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test looks at the disk by itself, and stops where something is not as it should be"
)]

mod architecture;
mod config;
mod errors;
mod fixture;
mod geometry;
mod keys;
mod layout;
mod retention;
mod smoke;
mod snapshot;
mod state_table;
