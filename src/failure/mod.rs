//! The parts that all errors are made of. The public module `error` exports them.

mod create;
mod fatal;
mod io;
mod refusal;
mod step;
mod umbrella;

pub use create::CreateError;
pub use fatal::{Fatal, FatalCause, Poisoned};
pub(crate) use io::TooManyFiles;
pub use io::{IoFailure, Operation, StoreFailure};
pub use refusal::{
    AlreadyClaimed, BeginRefusal, CommitRefusal, ReadError, RemovalRefusal, StillLeased,
    SyncRefusal,
};
pub use step::{
    BeginError, CommitError, Failed, RecoverError, Refused, RemovalError, Retryable, StepError,
    SyncError,
};
pub use umbrella::{Error, Failure, FailureKind, Result};
