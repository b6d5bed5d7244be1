//! Reading everything in an existing store, which a running process may have open.
//!
//! The reader takes no lock and writes nothing. A process that starts or flushes replaces files during the read. A
//! read that fails is therefore repeated a few times before its failure is reported.

use super::create::{STAGING, check_not_moved, check_regular};
use super::engine::Engine;
use super::entry::RawEntry;
use super::failure::OpenFailure;
use super::log_check::{self, Before};
use super::names::POINTER;
use super::witness::Witness;
use crate::failure::{Operation, StoreFailure};
use crate::fs::Dir;

/// The number of attempts before the failure of a read is reported.
const ATTEMPTS: usize = 5;

/// The content of a directory that should hold a store.
#[derive(Debug)]
pub(crate) enum Reading {
    /// A store, with these entries, in byte order.
    Entries(Vec<RawEntry>),
    /// A store that a crash has left torn, and that cannot be read before it has been opened.
    Torn(StoreFailure),
    /// A directory without a store, and whether a store is being created.
    None { is_being_created: bool },
}

/// Returns every entry of the store in this directory, including unknown keys. A store behind its witness is damaged.
/// Without a witness, this is not checked.
pub(crate) fn read_only(dir: &Dir, witness: Option<&Witness>) -> Result<Reading, OpenFailure> {
    if !dir.has(POINTER)? {
        let is_being_created = dir.has(STAGING)?;
        return Ok(Reading::None { is_being_created });
    }
    let mut reading = read(dir, witness);
    for _ in 1..ATTEMPTS {
        if matches!(reading, Ok(Reading::Entries(_))) {
            break;
        }
        reading = read(dir, witness);
    }
    reading
}

fn read(dir: &Dir, witness: Option<&Witness>) -> Result<Reading, OpenFailure> {
    check_not_moved(dir)?;
    check_regular(dir)?;
    // The witness is read first, because a running store is ahead of it, never behind.
    let witnessed = match witness.map(log_check::witnessed) {
        Some(Err(OpenFailure::NoWitness(_))) | None => None,
        Some(witnessed) => witnessed?,
    };
    let checked = log_check::check(dir, Before::Nothing, witnessed)?;
    let failed = |operation, source| StoreFailure::new(operation, dir.path(), source);
    for operation in [Operation::OpenStore, Operation::ReadStore] {
        let announced = dir.disk().announce(operation, dir.path());
        announced.map_err(|error| failed(operation, error.into()))?;
    }
    match Engine::read_all(dir) {
        Ok(entries) => Ok(Reading::Entries(entries)),
        Err(source) => {
            let failure = failed(Operation::OpenStore, source);
            if checked.is_whole {
                return Err(failure.into());
            }
            Ok(Reading::Torn(failure))
        }
    }
}
