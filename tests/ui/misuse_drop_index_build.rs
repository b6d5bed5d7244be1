//! An index is begun, and the build is not used.

#![deny(unused_must_use)]

use frostline::Catalog;
use frostline::error::BeginError;
use frostline::index::Coverage;

fn build(catalog: &Catalog, coverage: Coverage) -> Result<(), BeginError> {
    catalog.begin_index(coverage)?;
    Ok(())
}

fn main() {}
