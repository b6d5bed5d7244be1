//! Scenarios with owned writers.

use std::io::Write as _;

use frostline::Events;
use frostline::write::FileWriter;

use super::steps::{ONE_SECTOR, TWO_SECTORS, name_of, read, write};
use super::{Scenario, started};
use crate::crash::content::content;
use crate::crash::{Failure, Machine};
use crate::fixture::chunk;

pub const OWNED: Scenario = Scenario {
    name: "owned_writers",
    about: "events in one pass: one file at offsets with its header last, and one by a moved writer",
    before: started,
    run: owned,
    chunks: &[60],
    fates: &[],
};

fn owned(machine: &dyn Machine) -> Result<(), Failure> {
    let catalog = machine.open()?;
    machine.step("begin");
    let mut events = catalog.begin::<Events>(chunk(60))?;
    machine.step("write");
    write(&mut events, Events::INDEX, 1, ONE_SECTOR)?;
    let log = events.writer(Events::EVENTS)?;
    let hash = events.writer(Events::HASH)?;
    // The threads follow one another, so that the calls of a run come in the same order each time.
    let moved = std::thread::spawn(move || append(log));
    moved.join().expect("a writer does not panic")?;
    write_header_last(&hash)?;
    drop(hash);
    machine.step("sync");
    let synced = events.sync()?;
    machine.step("flip");
    drop(catalog.commit(synced)?);
    read(&catalog, 60, Events::EVENTS, 1)?;
    read(&catalog, 60, Events::INDEX, 1)?;
    read(&catalog, 60, Events::HASH, 1)
}

fn append(mut writer: FileWriter) -> Result<(), Failure> {
    let bytes = content(name_of(writer.path()), 1, ONE_SECTOR);
    // `sync` writes the gathered bytes.
    Ok(writer.write_all(&bytes)?)
}

/// Writes the blocks first, with more bytes than the file keeps, then the header, and truncates.
fn write_header_last(writer: &FileWriter) -> Result<(), Failure> {
    let bytes = content(name_of(writer.path()), 1, TWO_SECTORS);
    let (header, blocks) = bytes.split_at(ONE_SECTOR);
    writer.reserve(TWO_SECTORS as u64 * 2)?;
    let surplus = [blocks, &[1; ONE_SECTOR]].concat();
    writer.write_all_at(&surplus, ONE_SECTOR as u64)?;
    writer.write_all_at(header, 0)?;
    Ok(writer.set_len(TWO_SECTORS as u64)?)
}
