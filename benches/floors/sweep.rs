//! Sweeping.

use std::fs;
use std::path::{Path, PathBuf};

use frostline::{ArtifactKey, ArtifactKind, ChunkId};

use crate::freeze::{freeze_group, open};
use crate::measure::{Table, subject, timed};
use crate::raw::{self, Rocks};

const BYTES: [u8; 4096] = [1; 4096];

pub fn sweeps(place: &Path, table: &mut Table) {
    for (members, buckets) in [(1, 1), (100, 1), (10_000, 10)] {
        let place = place.join(members.to_string());
        fs::create_dir(&place).unwrap();
        let catalog = open(&place.join("ours"));
        let rocks = Rocks::open(&place.join("rocks"));
        let each = members / buckets;
        let floor: Vec<PathBuf> = (0..buckets)
            .map(|bucket| raw::directory(&place, &format!("floor/{bucket}")))
            .collect();
        let number = |at: usize| u32::try_from(at / each * 1_000 + at % each).unwrap();
        table.row(
            &format!("sweep {members} in {buckets}"),
            if members > 1_000 { 7 } else { 15 },
            members,
            vec![
                subject("", |_| {
                    freeze_group(&catalog, (0..members).map(number), &BYTES);
                    let batch: Vec<_> = (0..members)
                        .map(|at| {
                            let chunk = ChunkId::new(number(at)).unwrap();
                            let kind = ArtifactKind::Ledgers;
                            catalog
                                .claim_for_pruning(ArtifactKey { chunk, kind })
                                .unwrap()
                                .unwrap()
                        })
                        .collect();
                    timed(|| {
                        let swept = catalog.sweep_chunk_artifacts(batch).unwrap();
                        assert_eq!(swept.deleted.len(), members);
                    })
                }),
                subject("unlinks and barriers alone", |_| {
                    for (at, directory) in (0..members).map(|at| (at, &floor[at / each])) {
                        drop(raw::create(directory, at, &BYTES));
                    }
                    raw::settle(&place);
                    let keys = || (0..members).map(raw::key);
                    rocks.all(keys(), Some("frozen"));
                    let names: Vec<_> = (0..members).map(raw::file_name).collect();
                    timed(|| {
                        rocks.all(keys(), Some("pruning"));
                        for (bucket, names) in names.chunks(each).enumerate() {
                            let directory = fs::File::open(&floor[bucket]).unwrap();
                            for name in names {
                                let flags = rustix::fs::AtFlags::empty();
                                rustix::fs::unlinkat(&directory, name, flags).unwrap();
                            }
                            directory.sync_all().unwrap();
                        }
                        rocks.all(keys(), None);
                    })
                }),
            ],
        );
        drop(catalog);
    }
}
