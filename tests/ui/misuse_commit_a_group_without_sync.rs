//! A group that is committed before it is durable.

use frostline::{Catalog, Freezing, Ledgers, SyncGroup};

fn freeze(catalog: &Catalog, group: SyncGroup<Freezing<Ledgers>>) {
    catalog.commit(group).unwrap();
}

fn main() {}
