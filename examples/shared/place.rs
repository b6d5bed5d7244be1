//! The location of a node: the part of the command line that `audit` and `recover` have in common.

use std::error::Error;
use std::path::PathBuf;

use frostline::{Config, StorageRoots};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

pub(crate) enum Place {
    Config(PathBuf),
    DataDir(PathBuf),
}

impl Place {
    /// The roots that it names. Reads the configuration, if there is one, and looks at nothing else.
    pub(crate) fn roots(&self) -> Outcome<StorageRoots> {
        Ok(match self {
            Self::Config(file) => Config::load(file)?.storage,
            Self::DataDir(directory) => StorageRoots::under(std::path::absolute(directory)?)?,
        })
    }
}

/// Takes the value of `--config` or `--data-dir`, of which there must be one.
pub(crate) fn take(
    place: &mut Option<Place>,
    make: fn(PathBuf) -> Place,
    arguments: &mut lexopt::Parser,
) -> Result<(), lexopt::Error> {
    let path = PathBuf::from(arguments.value()?);
    if path.as_os_str().is_empty() {
        return Err("the path is empty".into());
    }
    if place.replace(make(path)).is_some() {
        return Err(ONE_PLACE.into());
    }
    Ok(())
}

pub(crate) const ONE_PLACE: &str = "give --config or --data-dir, once";

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
