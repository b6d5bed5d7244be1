//! A file is written only after the commit of the mark.

use frostline::step::Begin;
use frostline::Ledgers;

fn write(mut begin: Begin<Ledgers>) {
    begin.file(Ledgers::PACK);
}

fn main() {}
