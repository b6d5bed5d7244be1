//! Removing a ready directory before its demotion is committed.

use frostline::Ready;

fn discard(ready: Ready) {
    ready.remove();
}

fn main() {}
