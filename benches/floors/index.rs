//! Indexes: a promotion beside the freeze of one artifact, and the question which index covers a chunk.

use std::cell::Cell;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;

use frostline::index::Coverage;
use frostline::{ArtifactKind, ArtifactSet, Catalog, Ledgers, TxHash};

use crate::freeze::{bytes, chunk, open};
use crate::measure::{Table, subject, timed};
use crate::raw::{self, Log};

const SIZE: usize = 64 << 10;
const ROUNDS: usize = 41;
/// The chunks of the first index. Each later one covers one more.
const CHUNKS: u32 = 900;
const LOOKS: usize = 200_000;

fn freeze_inputs(catalog: &Catalog, chunks: std::ops::Range<u32>) {
    let wanted = ArtifactSet::EMPTY.with(ArtifactKind::TxHash);
    let sets = chunks.map(|number| (chunk(number), wanted));
    let mut group = catalog.sync_group();
    for mut set in catalog.begin_sets(sets).unwrap() {
        let txhash = set.txhash.as_mut().unwrap();
        txhash
            .file(TxHash::BIN)
            .unwrap()
            .write_all(b"hashes")
            .unwrap();
        group.add(set).unwrap();
    }
    drop(catalog.commit(group.sync().unwrap()).unwrap());
}

/// Builds and promotes the index of a window again and again, each time with one more chunk.
pub fn indexes(place: &Path, table: &mut Table) {
    let catalog = open(&place.join("ours"));
    let last = CHUNKS + u32::try_from(ROUNDS).unwrap() + 1;
    freeze_inputs(&catalog, 0..last + 1);
    let index = bytes(SIZE);
    let hi = Cell::new(CHUNKS);
    let promote = || {
        let coverage = Coverage::new(chunk(0), chunk(hi.replace(hi.get() + 1))).unwrap();
        let mut build = catalog.begin_index(coverage).unwrap();
        build.file().unwrap().write_all(&index).unwrap();
        catalog.commit(build.sync().unwrap()).unwrap()
    };
    drop(promote());
    let floor = raw::directory(place, "floor/window");
    let mut log = Log::new(place);
    let frozen = Cell::new(0);
    table.row(
        "build and promote an index of 64 KiB and 900 inputs",
        ROUNDS,
        1,
        vec![
            subject("", |_| {
                let mut promoted = None;
                let taken = timed(|| promoted = Some(promote()));
                let predecessor = promoted.unwrap().predecessor;
                drop(catalog.sweep_chunk_artifacts(predecessor).unwrap());
                taken
            }),
            subject("freeze one artifact", |_| {
                timed(|| {
                    frozen.set(frozen.get() + 1);
                    let mut freezing = catalog.begin::<Ledgers>(chunk(frozen.get())).unwrap();
                    let mut file = freezing.file(Ledgers::PACK).unwrap();
                    file.write_all(&index).unwrap();
                    drop(freezing.freeze().unwrap());
                })
            }),
            subject("raw floor", |round| {
                timed(|| raw::freeze_one(&mut log, &floor, round, &index))
            }),
        ],
    );
    looks(&catalog, table);
}

fn looks(catalog: &Catalog, table: &mut Table) {
    let view = catalog.view().unwrap();
    let number = |at: usize| u32::try_from(at * 7_919 % CHUNKS as usize).unwrap();
    table.row(
        "the index of a chunk, leased",
        15,
        LOOKS,
        vec![
            subject("", |_| {
                timed(|| {
                    for at in 0..LOOKS {
                        let index = catalog.index_of(chunk(number(at))).unwrap();
                        drop(black_box(index.unwrap()));
                    }
                })
            }),
            subject("of a view", |_| {
                timed(|| {
                    for at in 0..LOOKS {
                        let index = view.index_of(chunk(number(at))).unwrap();
                        drop(black_box(index.unwrap()));
                    }
                })
            }),
        ],
    );
}
