//! An artifact has the files of its own kind.

use frostline::{Events, Freezing, Ledgers};

fn write(freezing: &mut Freezing<Ledgers>) {
    freezing.file(Events::INDEX);
}

fn main() {}
