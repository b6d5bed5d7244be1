//! A demotion is no handle to read with.

use frostline::step::Demotion;
use frostline::Ledgers;

fn read(demotion: Demotion<Ledgers>) {
    demotion.lease();
}

fn main() {}
