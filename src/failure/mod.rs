//! The parts that all errors are made of. The public module `error` exports them.

mod begin;
mod busy;
mod create;
mod fatal;
mod io;
mod next;
mod read;
mod refusal;
mod step;
mod umbrella;

pub use begin::BeginRefusal;
pub use busy::{AlreadyClaimed, StillLeased};
pub use create::CreateError;
pub use fatal::{Fatal, FatalCause, Poisoned};
pub(crate) use io::TooManyFiles;
pub use io::{IoFailure, Operation, StoreFailure};
pub use next::NextStep;
pub use read::ReadError;
pub use refusal::{CommitRefusal, RemovalRefusal, SyncRefusal};
pub use step::{
    BeginError, CommitError, Failed, RecoverError, Refused, RemovalError, Retryable, StepError,
    SyncError,
};
pub use umbrella::{Error, Failure, FailureKind, Result};
