//! A promotion is made by hand, with a predecessor and inputs that the caller chose.

use frostline::index::Promotion;
use frostline::{Prunable, Pruning, TxHash};

fn promote(predecessor: Prunable, inputs: Vec<Pruning<TxHash>>) -> Promotion {
    Promotion::new((predecessor, inputs))
}

fn main() {}
