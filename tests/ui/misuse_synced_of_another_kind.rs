//! A claim of one member cannot become the evidence of another.

use frostline::{Events, Freezing, Ledgers};
use frostline::step::{Syncable, Synced};

fn swap<E, L>(events: E::Claim) -> Synced<Ledgers>
where
    E: Syncable<Synced = Synced<Events>>,
    L: Syncable<Synced = Synced<Ledgers>>,
{
    L::synced(events, &Default::default())
}

fn main() {
    let _ = swap::<Freezing<Events>, Freezing<Ledgers>>;
}
