//! A claim of one member cannot become the evidence of another.

use frostline::{Events, Freezing, Ledgers, Syncable, Synced};

fn swap<E, L>(events: E::Held) -> Synced<Ledgers>
where
    E: Syncable<Synced = Synced<Events>>,
    L: Syncable<Synced = Synced<Ledgers>>,
{
    L::synced(events, &Default::default())
}

fn main() {
    let _ = swap::<Freezing<Events>, Freezing<Ledgers>>;
}
