//! How many barriers everything costs, counted where they are made.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use frostline::error::Operation;
use frostline::sim::Probe;
use frostline::{ArtifactKey, ArtifactKind, ArtifactSet, Catalog, StorageRoots};

use crate::freeze::{chunk, freeze_group, freeze_one};
use crate::measure::Table;

/// Barriers so far, by operation.
#[derive(Clone, Default)]
struct Barriers(Arc<Mutex<BTreeMap<&'static str, usize>>>);

impl Barriers {
    fn probe(&self) -> Probe {
        let barriers = self.clone();
        Probe::new(move |operation, _| {
            let name = match operation {
                Operation::Commit => "commit",
                Operation::SyncFile => "file",
                Operation::SyncDirectory => "directory",
                Operation::SyncFileSystem => "file system",
                _ => return Ok(()),
            };
            *barriers.0.lock().unwrap().entry(name).or_default() += 1;
            Ok(())
        })
    }

    /// Those since the last call, in words.
    fn take(&self) -> String {
        let barriers = std::mem::take(&mut *self.0.lock().unwrap());
        let words = barriers
            .iter()
            .map(|(name, count)| format!("{count} {name}"));
        words.collect::<Vec<_>>().join(" + ")
    }
}

pub fn counts(place: &Path, table: &mut Table) {
    for (members, buckets) in [(1, 1), (16, 1), (256, 1), (256, 16), (1_000, 1)] {
        let place = place.join(format!("{members}-{buckets}"));
        let barriers = Barriers::default();
        let roots = StorageRoots::under(&place).unwrap();
        let catalog = Catalog::open(roots.lock_with_probe(barriers.probe()).unwrap()).unwrap();
        barriers.take();
        let numbers = || (0..members).map(|number| number % buckets * 1_000 + number / buckets);
        if members == 1 {
            freeze_one(&catalog, 0, b"bytes");
        } else {
            freeze_group(&catalog, numbers(), b"bytes");
        }
        let known = members * 5;
        table.fact(
            &format!("barriers: freeze {members} in {buckets} new"),
            &barriers.take(),
            &format!("known order: {known}"),
        );
        let batch = numbers().map(|number| {
            let (chunk, kind) = (chunk(number), ArtifactKind::Ledgers);
            catalog
                .claim_for_pruning(ArtifactKey { chunk, kind })
                .unwrap()
                .unwrap()
        });
        let swept = catalog.sweep_chunk_artifacts(batch.collect::<Vec<_>>());
        assert_eq!(swept.unwrap().deleted.len(), members as usize);
        table.fact(
            &format!("barriers: sweep {members} in {buckets}"),
            &barriers.take(),
            &format!("floor: {buckets} + 2"),
        );
    }
    set(place, table);
}

fn set(place: &Path, table: &mut Table) {
    use frostline::{Events, Ledgers, TxHash};
    let barriers = Barriers::default();
    let roots = StorageRoots::under(place.join("set")).unwrap();
    let catalog = Catalog::open(roots.lock_with_probe(barriers.probe()).unwrap()).unwrap();
    let freeze = |number| {
        let mut set = catalog.begin_set(chunk(number), ArtifactSet::ALL).unwrap();
        let ledgers = set.ledgers.as_mut().unwrap();
        ledgers.file(Ledgers::PACK).unwrap().flush().unwrap();
        let events = set.events.as_mut().unwrap();
        for file in [Events::EVENTS, Events::INDEX, Events::HASH] {
            events.file(file).unwrap().flush().unwrap();
        }
        let hashes = set.txhash.as_mut().unwrap();
        hashes.file(TxHash::BIN).unwrap().flush().unwrap();
        drop(catalog.commit(set.sync().unwrap()).unwrap());
    };
    freeze(0);
    barriers.take();
    freeze(1);
    table.fact(
        "barriers: freeze the three kinds of a chunk",
        &barriers.take(),
        "5 files in 3 directories",
    );
}
