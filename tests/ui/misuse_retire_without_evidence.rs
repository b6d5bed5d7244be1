//! A hot directory may be the only copy of its ledgers, so it is not discarded without evidence.

use frostline::Ready;

fn discard(ready: Ready) {
    let _debris = ready.discard();
}

fn main() {}
