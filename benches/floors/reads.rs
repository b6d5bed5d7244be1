//! Reading states; keys; claims.

use std::hint::black_box;
use std::path::Path;

use frostline::{ArtifactKind, ChunkId, Key, Ledgers};

use crate::freeze::open;
use crate::measure::{Table, subject, timed};
use crate::open::{populate, raw_scan};
use crate::raw::{self, Rocks};

const READS: usize = 100_000;

pub fn reads(place: &Path, table: &mut Table) {
    for chunks in [6_000, 429_496] {
        let data = place.join(chunks.to_string());
        populate(&data, chunks);
        let rocks = Rocks::open(&data.join("copy"));
        let all = (0..chunks).flat_map(|chunk| {
            ["events", "ledgers", "txhash"].map(|kind| format!("chunk:{chunk:08}:{kind}"))
        });
        let all: Vec<_> = all.collect();
        for keys in all.chunks(20_000) {
            rocks.all(keys.iter().cloned(), Some("frozen"));
        }
        rocks.db.flush().unwrap();
        rocks.db.compact_range(None::<&[u8]>, None::<&[u8]>);
        let catalog = open(&data);
        // Every so often another one, as queries come.
        let number = |at: usize| u32::try_from(at * 7_919 % chunks).unwrap();
        table.row(
            &format!("state, of {chunks} chunks"),
            15,
            READS,
            vec![
                subject("", |_| {
                    timed(|| {
                        for at in 0..READS {
                            let chunk = ChunkId::new(number(at)).unwrap();
                            black_box(catalog.state(chunk, ArtifactKind::Ledgers).unwrap());
                        }
                    })
                }),
                subject("RocksDB point read", |_| {
                    timed(|| {
                        for at in 0..READS {
                            let chunk = ChunkId::new(number(at)).unwrap();
                            let kind = ArtifactKind::Ledgers;
                            let key = Key::from(frostline::ArtifactKey { chunk, kind }).encode();
                            black_box(rocks.db.get_pinned(key.as_bytes()).unwrap());
                        }
                    })
                }),
            ],
        );
        table.row(
            &format!("scan of all states, {chunks} chunks"),
            9,
            1,
            vec![
                subject("", |_| {
                    timed(|| {
                        let keys = catalog.chunk_artifact_keys().unwrap();
                        assert_eq!(keys.map(Result::unwrap).count(), 3 * chunks);
                    })
                }),
                subject("RocksDB iteration", |_| {
                    timed(|| assert_eq!(raw_scan(&rocks.db), 3 * chunks))
                }),
            ],
        );
    }
    small(&open(&place.join("small")), table);
}

fn small(catalog: &frostline::Catalog, table: &mut Table) {
    let keys: Vec<_> = (0..1_000)
        .map(|number| {
            let chunk = ChunkId::new(number * 429).unwrap();
            Key::from(frostline::ArtifactKey {
                chunk,
                kind: ArtifactKind::TxHash,
            })
        })
        .collect();
    table.row(
        "key: encode and parse",
        15,
        100 * keys.len(),
        vec![
            subject("", |_| {
                timed(|| {
                    for key in keys.iter().cycle().take(100 * keys.len()) {
                        black_box(Key::parse(black_box(key).encode().as_bytes()).unwrap());
                    }
                })
            }),
            subject("format and parse with `std`", |_| {
                timed(|| {
                    for at in 0..100 * keys.len() {
                        let text = raw::key(black_box(at % 429_496));
                        black_box(text[6..14].parse::<u32>().unwrap());
                    }
                })
            }),
        ],
    );
    table.row(
        "claim and let go",
        15,
        READS,
        vec![
            subject("", |_| {
                timed(|| {
                    for _ in 0..READS {
                        drop(black_box(catalog.claim::<Ledgers>(ChunkId::MIN).unwrap()));
                    }
                })
            }),
            subject("a `Mutex`, locked and unlocked", |_| {
                let mutex = std::sync::Mutex::new(0);
                timed(|| {
                    for _ in 0..READS {
                        *black_box(&mutex).lock().unwrap() += 1;
                    }
                })
            }),
        ],
    );
}
