//! How a step of a scenario fails.

use std::error::Error;
use std::fmt::{self, Debug};
use std::io;

use frostline::{
    AbandonError, BeginError, ClaimError, ClaimHotError, CommitError, CreateHotError, DiscardError,
    FailureKind, FileError, FreezeError, GeometryError, IoFailure, Kind, LockError, OpenError,
    PinError, ReadError, ReadyError, RecoverError, RecreateError, RematerializeError, RemoveError,
    SweepError, SyncError, UnlinkError,
};

use crate::fixture::chain;

/// A step that failed. Whatever handle was inside of the error has been dropped.
#[derive(Debug)]
pub struct Failure {
    pub kind: FailureKind,
    /// The error with all of its causes.
    pub text: String,
}

impl Failure {
    fn new(kind: FailureKind, error: &dyn Error) -> Self {
        let text = chain(error);
        Self { kind, text }
    }

    /// A file or directory that a batch could not remove.
    pub fn rewritable(failure: &IoFailure) -> Self {
        Self::new(FailureKind::Rewritable, failure)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.text)
    }
}

/// `[generics] Error => kind`; without a kind, the error's own.
macro_rules! failures {
    ($([$($generics:tt)*] $error:ty $(=> $kind:ident)?;)+) => {$(
        impl<$($generics)*> From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(failures!(@ error $($kind)?), &error)
            }
        }
    )+};
    (@ $error:ident) => { $error.kind() };
    (@ $error:ident $kind:ident) => { FailureKind::$kind };
}

failures! {
    [] LockError;
    [] OpenError;
    [] PinError;
    [] BeginError;
    [] FileError;
    [] ClaimError;
    [] SweepError;
    [] RecoverError;
    [] CreateHotError;
    [] ClaimHotError;
    [] ReadyError;
    [K: Kind] FreezeError<K>;
    [H: Debug + 'static] SyncError<H>;
    [T: Debug + 'static] CommitError<T>;
    [H: Debug + 'static] UnlinkError<H>;
    [H: Debug + 'static] AbandonError<H>;
    [H: Debug + 'static] RematerializeError<H>;
    [H: Debug + 'static] DiscardError<H>;
    [H: Debug + 'static] RemoveError<H>;
    [H: Debug + 'static] RecreateError<H>;
    [] ReadError => Refused;
    [] GeometryError => Refused;
    // Of a scenario's own calls, only reading under a lease gives this one.
    [] IoFailure => Refused;
    // A write to an artifact's file.
    [] io::Error => Rewritable;
}
