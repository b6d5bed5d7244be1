//! The failures that the included files make.

use std::panic::Location;
use std::sync::Arc;

use crate::domain::Key;

#[derive(Debug)]
pub struct IoFailure;

#[derive(Debug)]
pub struct StoreFailure;

#[derive(Debug)]
pub enum FatalCause {
    Sync(IoFailure),
    Commit(StoreFailure),
    Panicked,
}

#[derive(Debug, Clone)]
pub struct Fatal {
    cause: Arc<FatalCause>,
}

impl Fatal {
    pub fn new(cause: FatalCause) -> Self {
        Self {
            cause: Arc::new(cause),
        }
    }
}

#[derive(Debug)]
pub struct Poisoned;

impl Poisoned {
    pub fn new(_first: &Fatal) -> Self {
        Self
    }
}

#[derive(Debug)]
pub struct AlreadyClaimed {
    pub key: Key,
    pub holder: &'static Location<'static>,
}
