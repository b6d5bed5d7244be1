//! An index is read before it is promoted.

use frostline::index::Promotion;

fn read(promotion: Promotion) {
    let file = promotion.open();
}

fn main() {}
