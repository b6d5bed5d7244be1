//! The integration tests. They share one binary, so that RocksDB is linked only once.
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
    reason = "tests inspect the disk without the library, and a failing test panics"
)]

mod architecture;
mod audit;
mod auto_traits;
mod barriers;
mod child;
mod config;
mod crash;
mod damage;
mod damages;
mod descriptors;
mod edges;
mod errors;
mod evidence;
mod examples;
mod faults;
mod file_systems;
mod fixture;
mod foreign;
mod full_disk;
mod geometry;
mod group;
mod hot;
mod identity;
mod indexes;
mod keys;
mod layout;
mod lifecycle;
mod locks;
mod missing;
mod mounts;
mod named_tests;
mod panics;
mod programs;
mod protocol;
mod recover;
mod reopen;
mod replay;
mod retention;
mod roots;
mod routes;
mod shared;
mod snapshot;
mod state_table;
mod states;
mod store;
mod store_model;
mod surgery;
mod sweep;
mod torn;
mod views;
mod writers;
