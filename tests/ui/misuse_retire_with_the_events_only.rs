//! The frozen events of a chunk are no evidence that its ledgers are frozen.

use frostline::{Events, Frozen, Ready};

fn retire(ready: Ready, events: &Frozen<Events>) {
    let _demotion = ready.retire(events);
}

fn main() {}
