//! The command line.

use std::path::PathBuf;

use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
The storage of a small node, for real.

usage: lifecycle [--config FILE | --data-dir DIR] [options]

  --config FILE    a TOML configuration
  --data-dir DIR   a data directory with the default layout (a temporary one if neither is given)
  --chunks N       chunks to ingest, from the earliest ledger on (4)
  --ledgers N      ledgers per chunk, at most 10000 (100)
  --retain N       complete chunks to keep, 0 for all (the configuration's; 2 without --config)
  --lake DIR       store these ledger objects, HHHHHHHH--SEQ.xdr.zstd, in place of made-up ledgers
";

const DEFAULT_CHUNKS: u32 = 4;
const DEFAULT_LEDGERS: u32 = 100;
const DEFAULT_RETAIN: u32 = 2;

/// The location of the node.
pub(crate) enum Place {
    Config(PathBuf),
    DataDir(PathBuf),
    Temporary,
}

pub(crate) struct Options {
    pub(crate) place: Place,
    pub(crate) chunks: u32,
    pub(crate) ledgers: u32,
    pub(crate) retain: Option<u32>,
    pub(crate) lake: Option<PathBuf>,
}

/// The options of the command line.
pub(crate) enum Command {
    Run(Options),
    Help,
}

impl Options {
    pub(crate) fn from_command_line() -> Result<Command, lexopt::Error> {
        let mut options = Self {
            place: Place::Temporary,
            chunks: DEFAULT_CHUNKS,
            ledgers: DEFAULT_LEDGERS,
            retain: None,
            lake: None,
        };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long(name @ ("config" | "data-dir")) => {
                    let is_config = name == "config";
                    if !matches!(options.place, Place::Temporary) {
                        return Err("give --config or --data-dir, once".into());
                    }
                    let path = path(&mut arguments)?;
                    options.place = if is_config {
                        Place::Config(path)
                    } else {
                        Place::DataDir(path)
                    };
                }
                Long("chunks") => options.chunks = arguments.value()?.parse()?,
                Long("ledgers") => options.ledgers = arguments.value()?.parse()?,
                Long("retain") => options.retain = Some(arguments.value()?.parse()?),
                Long("lake") => options.lake = Some(path(&mut arguments)?),
                Short('h') | Long("help") => return Ok(Command::Help),
                _ => return Err(argument.unexpected()),
            }
        }
        if options.ledgers > frostline::geometry::LEDGERS_PER_CHUNK {
            return Err("--ledgers: a chunk has 10000 ledgers".into());
        }
        if options.retain.is_none() && !matches!(options.place, Place::Config(_)) {
            options.retain = Some(DEFAULT_RETAIN);
        }
        Ok(Command::Run(options))
    }
}

fn path(arguments: &mut lexopt::Parser) -> Result<PathBuf, lexopt::Error> {
    let path = PathBuf::from(arguments.value()?);
    if path.as_os_str().is_empty() {
        return Err("the path is empty".into());
    }
    Ok(path)
}
