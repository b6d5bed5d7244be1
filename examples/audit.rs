//! The audit: do the catalog and the files agree?
//!
//! It compares both ways and changes nothing. It takes no lock either, so it can be run beside a node
//! at work, and it creates nothing, so a mistyped directory stays what it was.
//!
//! 1. **Read the keys**, as they are on disk, without opening the catalog.
//! 2. **Walk the files**: each has the name of one key, and that key must be there.
//! 3. **Look at what each key names**: `frozen` must have every file, `ready` its directory. Under
//!    `freezing`, `pruning` and `transient` it may be there or not: that is counted as owed to
//!    recovery, and on a running node it is simply work.
//! 4. **Look again** at what disagrees, with the keys read anew: a node does not hold still.
//!
//! The walk goes on whatever it finds, so a report is a report on everything.
//!
//! ```text
//! cargo run --example audit -- --data-dir /tmp/node
//! ```
//!
//! It exits with 0 if the report is clean, 1 if there are findings, and 2 if it cannot be made: a wrong
//! command line, no catalog, a catalog that cannot be read.

#[path = "shared/place.rs"]
mod place;

use std::process::ExitCode;

use lexopt::prelude::*;
use place::{ONE_PLACE, Outcome, Place};

const HELP: &str = "\
Compares the catalog with the files, and changes nothing.

usage: audit (--config FILE | --data-dir DIR) [--json]

  --config FILE    a TOML configuration
  --data-dir DIR   a data directory with the default layout
  --json           print the report as JSON

exit status: 0 clean, 1 findings, 2 no report
";

const FINDINGS: u8 = 1;
const NO_REPORT: u8 = 2;

struct Options {
    place: Place,
    json: bool,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("audit: {error}\n\n{HELP}");
            return ExitCode::from(NO_REPORT);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FINDINGS),
        Err(error) => {
            eprintln!("audit: {}", place::chain(&*error));
            ExitCode::from(NO_REPORT)
        }
    }
}

/// The options of the command line, or `None` for help.
fn options() -> Result<Option<Options>, lexopt::Error> {
    let mut place = None;
    let mut json = false;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("config") => place::take(&mut place, Place::Config, &mut arguments)?,
            Long("data-dir") => place::take(&mut place, Place::DataDir, &mut arguments)?,
            Long("json") => json = true,
            Short('h') | Long("help") => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    let place = place.ok_or(ONE_PLACE)?;
    Ok(Some(Options { place, json }))
}

/// Prints the report; tells whether it is clean.
fn run(options: &Options) -> Outcome<bool> {
    let audit = frostline::audit::audit(&options.place.roots()?)?;
    if options.json {
        println!("{}", audit.to_json());
    } else {
        println!("{audit}");
    }
    Ok(audit.is_clean())
}
