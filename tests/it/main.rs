//! Everything that can be tested without a crash simulator, in one binary.
#![allow(missing_docs, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod examples;
mod smoke;
mod snapshot;
