//! One member of a batch has not been synced.

use frostline::{Catalog, Events, Freezing, Ledgers};
use frostline::step::Synced;

fn freeze(catalog: &Catalog, ledgers: Synced<Ledgers>, events: Freezing<Events>) {
    catalog.commit((ledgers, events));
}

fn main() {}
