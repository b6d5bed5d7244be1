//! The reader of the file, and the errors with the position of a mistake.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Config;
use super::locate::{Located, below, locate, section_before};
use super::schema::File;
use crate::domain::RootPathError;
use crate::failure::{Failure, FailureKind, NextStep};
use crate::fs::read_config;

/// The largest size of a configuration, in bytes.
const LIMIT: u64 = 1 << 20;

/// The reason why a configuration was rejected. Nothing was created or locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error(
        "the configuration `{}` cannot be read: name a file that exists and that this process's user \
         may read", path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is larger than any configuration.
    #[error("`{}` has more than {limit} bytes: it is not a configuration", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The largest size of a configuration, in bytes.
        limit: u64,
    },
    /// The file is not UTF-8 text.
    #[error("`{}`, line {line}, column {column}: it is not UTF-8 from there on", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line of the first bad byte, from 1.
        line: usize,
        /// The byte's column in characters, from 1.
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
        /// The problem, and the accepted values.
        message: String,
    },
    /// The path of a root is not valid.
    #[error(transparent)]
    Root(#[from] RootPathError),
}

impl Failure for ConfigError {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        NextStep::Person
    }
}

impl Config {
    /// Reads and parses a file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = absolute(path.as_ref())?;
        let bytes = read_config(&path, LIMIT).map_err(|failure| ConfigError::Read {
            path: path.clone(),
            source: failure.source,
        })?;
        Self::parse_bytes(&bytes, &path)
    }

    /// Parses the text of a configuration as if it were the file at `path`, which is not read. Relative
    /// paths in the text start at that file's directory.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn parse(text: &str, path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::parse_bytes(text.as_bytes(), &absolute(path.as_ref())?)
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
            let span = error.span().unwrap_or_default();
            let (line, column) = position(text.get(..span.start).unwrap_or(text));
            ConfigError::Invalid {
                path: path.to_path_buf(),
                line,
                column,
                message: reword(error.message(), text, &span),
            }
        })?;
        let directory = path.parent().unwrap_or(path);
        Ok(file.resolve(directory)?)
    }
}

fn absolute(path: &Path) -> Result<PathBuf, ConfigError> {
    std::path::absolute(path).map_err(|source| ConfigError::Read {
        path: path.to_path_buf(),
        source,
    })
}

/// Rewords the parser's message for a person who writes a configuration: with the full key, on one line,
/// and without characters that would control a terminal.
fn reword(message: &str, text: &str, span: &Range<usize>) -> String {
    let message = about_a_key(message, text, span).unwrap_or_else(|| message.to_owned());
    let mut words = String::with_capacity(message.len());
    for letter in message.chars() {
        match letter {
            '\n' => words.push_str("; "),
            letter if letter.is_control() => words.extend(letter.escape_default()),
            letter => words.push(letter),
        }
    }
    words
}

/// Returns the message with the full key that it is about, or `None` if it is about no key.
fn about_a_key(message: &str, text: &str, span: &Range<usize>) -> Option<String> {
    if message == "duplicate key" {
        let before = text.get(..span.start)?;
        let name = text.get(span.clone())?;
        let line = before.rsplit('\n').next()?.trim_start();
        let key = match line.strip_prefix('[') {
            // The header of a section: the enclosing sections stand before its name.
            Some(around) => format!("{}{name}", around.trim_start_matches('[')),
            None => below(&section_before(before), name),
        };
        return Some(format!("duplicate key `{key}`: give it once"));
    }
    let Located { key, value } = locate(text, span)?;
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (_name, accepted) = rest.split_once('`')?;
        return Some(format!("unknown key or section `{key}`{accepted}"));
    }
    if let Some(rest) = message.strip_prefix("missing field `") {
        let (name, _) = rest.split_once('`')?;
        return Some(format!("missing key or section `{}`", below(&key, name)));
    }
    let (_found, accepted) = message.split_once(", expected ")?;
    Some(format!("`{key}` is {}, expected {accepted}", value?))
}

/// Returns the line and the column, from 1, of the character that follows this text.
fn position(before: &str) -> (usize, usize) {
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    (line, last.chars().count() + 1)
}
