//! The steps that scenarios are made of.

use crate::fixture::chain;
use frostline::ChunkId;
use std::ffi::OsStr;
use std::io;
use std::io::Write as _;

use frostline::error::{RemovalError, RemovalRefusal};
use frostline::key::FileName;
use frostline::step::Synced;
use frostline::{Artifact, Catalog, Freezing, Frozen, Kind, Lease, Ledgers, Swept};

use crate::crash::content::{content, is_whole, version_of};
use crate::crash::{Failure, Machine};
use crate::fixture::chunk;

/// The length of a file of one sector.
pub const ONE_SECTOR: usize = 400;
/// The length of a file of two sectors, of which the second is not full.
pub const TWO_SECTORS: usize = 700;
/// The length of a file of three sectors.
pub const THREE_SECTORS: usize = 1100;

/// Writes a complete file in two writes.
pub fn write<K: Kind>(
    freezing: &mut Freezing<K>,
    file: FileName<K>,
    version: u32,
    length: usize,
) -> Result<(), Failure> {
    let mut file = freezing.file(file)?;
    let bytes = content(name_of(file.path()), version, length);
    let (one, other) = bytes.split_at(length / 2);
    file.write_all(one)?;
    file.flush()?;
    Ok(file.write_all(other)?)
}

/// Writes the first part of a file, as a crash during the writing may leave it.
pub fn write_part<K: Kind>(
    freezing: &mut Freezing<K>,
    file: FileName<K>,
    version: u32,
) -> Result<(), Failure> {
    let mut file = freezing.file(file)?;
    let bytes = content(name_of(file.path()), version, THREE_SECTORS);
    file.write_all(&bytes[..TWO_SECTORS])?;
    Ok(file.flush()?)
}

pub fn name_of(path: &std::path::Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

/// Begins, writes and syncs a chunk's ledgers.
pub fn prepare(
    machine: &dyn Machine,
    catalog: &Catalog,
    number: u32,
    version: u32,
) -> Result<Synced<Ledgers>, Failure> {
    machine.step("begin");
    let mut freezing = catalog.begin::<Ledgers>(chunk(number))?;
    machine.step("write");
    write(&mut freezing, Ledgers::PACK, version, TWO_SECTORS)?;
    machine.step("sync");
    Ok(freezing.sync()?)
}

/// Freezes a chunk's ledgers.
pub fn freeze(
    machine: &dyn Machine,
    catalog: &Catalog,
    number: u32,
    version: u32,
) -> Result<Frozen<Ledgers>, Failure> {
    let synced = prepare(machine, catalog, number, version)?;
    machine.step("flip");
    Ok(catalog.commit(synced)?)
}

/// Leaves debris: a mark without a writer, and a part of a file.
pub fn leave_debris(catalog: &Catalog, number: u32) -> Result<(), Failure> {
    let mut freezing = catalog.begin::<Ledgers>(chunk(number))?;
    write_part(&mut freezing, Ledgers::PACK, 1)
}

/// Leaves a `pruning` artifact with its file.
pub fn leave_pruning(machine: &dyn Machine, catalog: &Catalog, number: u32) -> Result<(), Failure> {
    let frozen = freeze(machine, catalog, number, 1)?;
    machine.step("demote");
    drop(catalog.commit(frozen.demote())?);
    Ok(())
}

/// Claims an artifact that an earlier part of the scenario has frozen.
pub fn frozen<K: Kind<Id = ChunkId>>(catalog: &Catalog, number: u32) -> Result<Frozen<K>, Failure> {
    match catalog.claim(chunk(number))? {
        Artifact::Frozen(frozen) => Ok(frozen),
        other => panic!("chunk {number} was frozen, and is {other:?}"),
    }
}

/// Demotes, unlinks and deletes, step by step.
pub fn prune(
    machine: &dyn Machine,
    catalog: &Catalog,
    frozen: Frozen<Ledgers>,
) -> Result<(), Failure> {
    machine.step("demote");
    let pruning = catalog.commit(frozen.demote())?;
    machine.step("unlink");
    let unlinked = pruning.unlink()?;
    machine.step("delete");
    Ok(catalog.commit(unlinked)?)
}

/// Checks that no lease held up a sweep. Returns the number of keys that it deleted.
pub fn swept(swept: &Swept) -> Result<usize, Failure> {
    assert!(swept.leased.is_empty(), "nobody reads: {swept:?}");
    match swept.failed.first() {
        Some((_, failure)) => Err(io::Error::other(chain(failure)).into()),
        None => Ok(swept.deleted.len()),
    }
}

/// Reads a frozen file and checks that it is complete and has this version.
pub fn read<K: Kind<Id = ChunkId>>(
    catalog: &Catalog,
    number: u32,
    file: FileName<K>,
    version: u32,
) -> Result<(), Failure> {
    match catalog.lease::<K>(chunk(number))? {
        Some(lease) => read_under(&lease, file, version),
        None => panic!("chunk {number} is frozen and gives out no lease"),
    }
}

/// Returns the handle of a removal that is refused, as it must be, because of a lease or a view.
pub fn still_read<H: std::fmt::Debug, T>(
    removed: Result<T, RemovalError<H>>,
) -> Result<H, Failure> {
    match removed {
        Err(RemovalError::Refused(refused))
            if matches!(refused.cause(), RemovalRefusal::Leased(_)) =>
        {
            Ok(refused.into_handle())
        }
        Err(error) => Err(error.into()),
        Ok(_) => panic!("a file or a directory went while it was being read"),
    }
}

pub fn read_under<K: Kind>(
    lease: &Lease<K>,
    file: FileName<K>,
    version: u32,
) -> Result<(), Failure> {
    let file = lease.open(file)?;
    let mut bytes = vec![0; file.size()? as usize];
    file.read_exact_at(&mut bytes, 0)?;
    let name = name_of(file.path());
    assert!(is_whole(name, &bytes), "`{name}` is frozen and not whole");
    assert_eq!(version_of(&bytes), Some(version), "`{name}`");
    Ok(())
}
