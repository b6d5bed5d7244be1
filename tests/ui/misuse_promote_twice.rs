//! A promotion is committed twice.

use frostline::Catalog;
use frostline::index::Promotion;

fn promote(catalog: &Catalog, promotion: Promotion) {
    let promoted = catalog.commit(promotion);
    let again = catalog.commit(promotion);
}

fn main() {}
