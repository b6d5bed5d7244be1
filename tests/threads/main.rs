//! The parts of the library that threads share, under a model checker: every order in which their steps can come, and
//! every value that the memory model allows a load to return.
//!
//! The files of `src/protocol` are included as they are. `protocol::sync` has the model checker's primitives in the
//! place of the standard library's, and `domain` and `failure` have just as much as the files need.
//!
//! `cargo test` bounds the number of preemptions. `FROSTLINE_THREADS=all`, as `make torture` has it, takes every order
//! of two threads, and a larger bound for three.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arc_with_non_send_sync,
    reason = "the included files are a part of the library, which has more uses for them"
)]

mod domain;
mod failure;
mod protocol;

mod claims;
mod combiner;
mod commits;
mod keyed;
mod readers;
mod rounds;
mod states;

/// Checks a model: with at most `quick` preemptions in each run, or, if `FROSTLINE_THREADS` is `all`, with at most
/// `full`, or as many as there can be.
fn check(quick: usize, full: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    let is_full = std::env::var("FROSTLINE_THREADS").is_ok_and(|which| which == "all");
    builder.preemption_bound = if is_full { full } else { Some(quick) };
    builder.check(model);
}
