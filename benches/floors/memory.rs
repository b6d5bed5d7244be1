//! The memory of the states.

use std::path::Path;

use crate::freeze::open;
use crate::measure::Table;
use crate::open::populate;

pub fn memory(place: &Path, table: &mut Table) {
    let data = place.join("memory");
    populate(&data, 429_496);
    // The memory of RocksDB is allocated in C++ and not counted here.
    let mut catalog = None;
    let counted = allocation_counter::measure(|| catalog = Some(open(&data)));
    table.fact(
        "memory of an open catalog, 429496 chunks",
        &format!("{} KB", counted.bytes_current / 1_000),
        "RocksDB's own left out",
    );
}
