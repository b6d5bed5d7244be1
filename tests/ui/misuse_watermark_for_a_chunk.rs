//! "Nothing yet", which others write as chunk -1, is not a chunk.

use frostline::{Catalog, Ledgers};
use frostline::geometry::Watermark;

fn begin(catalog: &Catalog, last: Watermark) {
    catalog.begin::<Ledgers>(last);
}

fn main() {}
