//! [`Probe`]: a function that is called before every operation.

use std::path::Path;
use std::sync::Arc;
use std::{fmt, io};

use crate::failure::Operation;

type Watcher = dyn Fn(Operation, &Path) -> io::Result<()> + Send + Sync;

/// A function that is called before every operation, on the real file system or a simulated one.
///
/// It may record the operation, make it fail, or end the process.
#[derive(Clone)]
pub struct Probe {
    watcher: Arc<Watcher>,
}

impl Probe {
    /// Creates a probe that calls `watcher`. If it returns an error, the operation fails with that error and does
    /// not happen.
    pub fn new(
        watcher: impl Fn(Operation, &Path) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            watcher: Arc::new(watcher),
        }
    }

    pub(crate) fn before(&self, operation: Operation, path: &Path) -> io::Result<()> {
        (self.watcher)(operation, path)
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}
