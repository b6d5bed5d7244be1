//! Reading the file, and saying where it is wrong.

use std::path::{Path, PathBuf};

use super::Config;
use super::schema::File;
use crate::error::{FailureKind, IoFailure, Operation};
use crate::fs::read_config;
use crate::layout::RootPathError;

/// Bytes that a configuration may have.
const LIMIT: u64 = 1 << 20;

/// Why a configuration was rejected. Nothing has been created or locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error("the configuration cannot be loaded")]
    Read(#[source] IoFailure),
    /// The file is larger than any configuration.
    #[error("`{}` has more than {limit} bytes: it is not a configuration", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes that a configuration may have.
        limit: u64,
    },
    /// The file is not text.
    #[error("`{}`, line {line}, column {column}: it is not UTF-8 from there on", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line of the first bad byte, from 1.
        line: usize,
        /// Its column in characters, from 1.
        column: usize,
    },
    /// The file is not TOML, or not this configuration.
    #[error("`{}`, line {line}, column {column}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong, and what is accepted.
        message: String,
    },
    /// A root's path cannot be one.
    #[error(transparent)]
    Root(#[from] RootPathError),
}

impl ConfigError {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }
}

impl Config {
    /// Reads and parses a file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let absolute = std::path::absolute(path)
            .map_err(|error| ConfigError::Read(IoFailure::new(Operation::ReadFile, path, error)))?;
        let bytes = read_config(&absolute, LIMIT).map_err(ConfigError::Read)?;
        Self::parse_bytes(&bytes, &absolute)
    }

    /// Parses the text of a configuration as if it were the file at this path, which is not read.
    /// Relative paths in it are taken from that file's directory.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn parse(text: &str, path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::parse_bytes(text.as_bytes(), path.as_ref())
    }

    fn parse_bytes(bytes: &[u8], path: &Path) -> Result<Self, ConfigError> {
        if bytes.len() as u64 > LIMIT {
            let path = path.to_path_buf();
            return Err(ConfigError::TooLarge { path, limit: LIMIT });
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let (line, column) = position(&String::from_utf8_lossy(valid));
            ConfigError::NotUtf8 {
                path: path.to_path_buf(),
                line,
                column,
            }
        })?;
        let file: File = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let (line, column) = position(text.get(..start).unwrap_or(text));
            ConfigError::Invalid {
                path: path.to_path_buf(),
                line,
                column,
                message: error.message().replace('\n', "; "),
            }
        })?;
        let directory = path.parent().unwrap_or(path);
        Ok(file.resolve(directory)?)
    }
}

/// The line and the column, from 1, of what follows this text.
fn position(before: &str) -> (usize, usize) {
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    (line, last.chars().count() + 1)
}
