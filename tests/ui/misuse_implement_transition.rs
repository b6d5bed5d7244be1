//! A foreign step would not be in the table.

use frostline::step::Transition;

struct Skip;

impl Transition for Skip {
    type Next = ();
}

fn main() {}
