//! Recovery: settle whatever a crash has left, then prove that all is well.
//!
//! It may be run on a directory in any state that a crash can leave, one in the middle of the very
//! first start and one in the middle of a recovery included. A node does the same in its own process,
//! right after opening the catalog.
//!
//! 1. **Lock** every root. If a node is at work there, this ends: it settles its own affairs.
//! 2. **Open the catalog**, which finishes its own creation or mends its own files, and says what is
//!    unfinished: `freezing`, `pruning` and `transient` keys, which no layer may rely on.
//! 3. **Recover**: what was being pruned is removed, then what was being frozen, files first, then the
//!    keys; then the hot directories that were being created or discarded. *A crash here leaves* fewer
//!    keys of the same sort, and the next recovery goes on.
//! 4. **Close and audit**: every file has its key, and every key its files.
//!
//! If no root exists, there is nothing to recover, and nothing is created.
//!
//! ```text
//! cargo run --example recover -- --data-dir /tmp/node
//! ```
//!
//! It exits with 0 if the audit is clean at the end, 1 if it is not or the recovery stopped, and 2 if
//! it could not begin: a wrong command line, another process at work, a catalog that does not open.

#[path = "shared/place.rs"]
mod place;

use std::path::Path;
use std::process::ExitCode;

use frostline::{Catalog, DebrisPolicy, StorageRoots};
use lexopt::prelude::*;
use place::{ONE_PLACE, Outcome, Place};

const HELP: &str = "\
Settles whatever a crash has left, then audits.

usage: recover (--config FILE | --data-dir DIR) [--debris report|remove]

  --config FILE     a TOML configuration
  --data-dir DIR    a data directory with the default layout
  --debris report   leave what was being frozen for the node to begin again
  --debris remove   remove it (the default)

exit status: 0 all is well, 1 it is not, 2 could not begin
";

const NOT_WELL: u8 = 1;
const NOT_BEGUN: u8 = 2;

struct Options {
    place: Place,
    debris: DebrisPolicy,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("recover: {error}\n\n{HELP}");
            return ExitCode::from(NOT_BEGUN);
        }
    };
    let (result, failure) = match begin(&options.place) {
        Ok(Some((catalog, roots))) => (settle(catalog, &roots, options.debris), NOT_WELL),
        Ok(None) => {
            println!("none of the roots exists: there is nothing to recover");
            (Ok(true), NOT_WELL)
        }
        Err(error) => (Err(error), NOT_BEGUN),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(NOT_WELL),
        Err(error) => {
            eprintln!("recover: {}", place::chain(&*error));
            ExitCode::from(failure)
        }
    }
}

/// The options of the command line, or `None` for help.
fn options() -> Result<Option<Options>, lexopt::Error> {
    let mut place = None;
    let mut debris = DebrisPolicy::Remove;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("config") => place::take(&mut place, Place::Config, &mut arguments)?,
            Long("data-dir") => place::take(&mut place, Place::DataDir, &mut arguments)?,
            Long("debris") => {
                debris = match arguments.value()?.to_str() {
                    Some("report") => DebrisPolicy::Report,
                    Some("remove") => DebrisPolicy::Remove,
                    _ => return Err("--debris: say report or remove".into()),
                };
            }
            Short('h') | Long("help") => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    let place = place.ok_or(ONE_PLACE)?;
    Ok(Some(Options { place, debris }))
}

/// Locks and opens; none, and nothing is created, if there are no roots.
fn begin(place: &Place) -> Outcome<Option<(Catalog, StorageRoots)>> {
    let roots = place.roots()?;
    // Locking says what is wrong with a root that cannot be looked at, or that is a link to nothing.
    let may_exist = |root: &Path| root.is_symlink() || root.try_exists().unwrap_or(true);
    if !roots.iter().any(|(_, root)| may_exist(root)) {
        return Ok(None);
    }
    let catalog = Catalog::open(roots.clone().lock()?)?;
    Ok(Some((catalog, roots)))
}

/// Recovers and audits; tells whether all is well.
fn settle(catalog: Catalog, roots: &StorageRoots, debris: DebrisPolicy) -> Outcome<bool> {
    println!("1. unfinished: {}", catalog.unfinished());
    println!("2. recover\n{}", catalog.recover(debris)?);
    // The audit reads what is on disk, so let go of it.
    drop(catalog);
    let audit = frostline::audit::audit(roots)?;
    println!("3. {audit}");
    Ok(audit.is_clean())
}
