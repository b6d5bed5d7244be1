//! An artifact that is being written is no evidence.

use frostline::{Freezing, Ledgers, Ready};

fn retire(ready: Ready, freezing: &Freezing<Ledgers>) {
    let _demotion = ready.retire(freezing);
}

fn main() {}
