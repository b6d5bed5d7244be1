//! A hot directory is not demoted as an artifact is: it is retired with evidence.

use frostline::Ready;

fn demote(ready: Ready) {
    ready.demote();
}

fn main() {}
