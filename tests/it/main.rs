//! Everything that can be tested without a crash simulator, in one binary.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::case_sensitive_file_extension_comparisons,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests look at the disk behind the library's back, and a failing test panics"
)]

mod barriers;
mod common;
mod faults;
mod full_disk;
mod hot;
mod locks;
mod protocol;
mod roots;
mod store;
mod sweep;
