//! Several writers, several readers, and a stream.

use std::fs::{self, File};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use frostline::{Catalog, Ledgers};

use crate::freeze::{MEDIUM, SMALL, Size, bytes, chunk, clear, freeze_group, freeze_one, open};
use crate::measure::{Subject, Table, subject, timed};
use crate::raw::{self, Rocks};

/// Runs `work` in so many threads, each with its number.
pub fn in_threads(threads: usize, work: impl Fn(usize) + Sync) -> Duration {
    timed(|| {
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let work = &work;
                scope.spawn(move || work(thread));
            }
        });
    })
}

/// Threads that freeze artifacts of one bucket: one by one, and in streams.
pub fn writers(place: &Path, table: &mut Table) {
    for (size, threads, each, rounds) in [
        (SMALL, 2, 32, 15),
        (SMALL, 4, 32, 15),
        (SMALL, 8, 16, 15),
        (SMALL, 16, 16, 15),
        (MEDIUM, 2, 8, 9),
        (MEDIUM, 4, 8, 9),
        (MEDIUM, 8, 4, 9),
        (MEDIUM, 16, 4, 9),
    ] {
        let place = place.join(format!("{threads} of {}", size.1));
        fs::create_dir(&place).unwrap();
        write(&place, table, size, (threads, each), rounds);
        write_streams(&place, table, size, (threads, each), rounds);
        clear(&place, size.0);
    }
}

fn write(
    place: &Path,
    table: &mut Table,
    (size, name): Size,
    (threads, each): (usize, usize),
    rounds: usize,
) {
    let bytes = bytes(size);
    let catalog = open(&place.join("ours"));
    let rocks = Rocks::open(&place.join("rocks"));
    table.row(
        &format!("freeze {name}, {threads} threads"),
        rounds,
        threads * each,
        vec![
            subject("", |round| {
                let first = bucket(&catalog, place, round);
                let number = |at: usize| first + u32::try_from(at).unwrap();
                in_threads(threads, |thread| {
                    for at in 0..each {
                        freeze_one(&catalog, number(thread * each + at), &bytes);
                    }
                })
            }),
            known_order(place, "known", &rocks, (threads, each), &bytes),
            subject("creating and fsyncing the files alone", |round| {
                let directory = raw::directory(place, &format!("files/{round}"));
                raw::settle(place);
                in_threads(threads, |thread| {
                    for at in 0..each {
                        let file = raw::create(&directory, thread * each + at, &bytes);
                        file.sync_all().unwrap();
                    }
                })
            }),
        ],
    );
}

/// The same with the flip of one artifact and the mark of the next in a commit.
fn write_streams(
    place: &Path,
    table: &mut Table,
    (size, name): Size,
    (threads, each): (usize, usize),
    rounds: usize,
) {
    let bytes = bytes(size);
    let catalog = open(&place.join("ours in streams"));
    let rocks = Rocks::open(&place.join("rocks beside streams"));
    table.row(
        &format!("freeze {name} in {threads} streams"),
        rounds,
        threads * each,
        vec![
            subject("", |round| {
                let first = bucket(&catalog, place, round);
                in_threads(threads, |thread| {
                    let first = first + u32::try_from(thread * each).unwrap();
                    let numbers = first..first + u32::try_from(each).unwrap();
                    freeze_stream(&catalog, numbers, &bytes);
                })
            }),
            known_order(
                place,
                "known beside streams",
                &rocks,
                (threads, each),
                &bytes,
            ),
        ],
    );
}

fn known_order<'a>(
    place: &'a Path,
    name: &'a str,
    rocks: &'a Rocks,
    (threads, each): (usize, usize),
    bytes: &'a [u8],
) -> Subject<'a> {
    subject("known order, as many threads", move |round| {
        let directory = raw::directory(place, &format!("{name}/{round}"));
        raw::settle(place);
        in_threads(threads, |thread| {
            for at in 0..each {
                rocks.freeze_known(&directory, thread * each + at, bytes);
            }
        })
    })
}

/// Makes a round's bucket durable. Returns its second chunk.
fn bucket(catalog: &Catalog, place: &Path, round: usize) -> u32 {
    let first = u32::try_from(round * 1_000).unwrap();
    freeze_one(catalog, first, b"first");
    raw::settle(place);
    first + 1
}

/// One thread that freezes artifacts one after another, with the flip of one and the mark of the next in a commit.
pub fn stream(place: &Path, table: &mut Table) {
    const LENGTH: u32 = 32;
    let bytes = bytes(SMALL.0);
    let catalog = open(&place.join("stream"));
    let single = open(&place.join("one by one"));
    table.row(
        "freeze 4 KiB in a stream",
        31,
        LENGTH as usize,
        vec![
            subject("", |round| {
                let first = bucket(&catalog, place, round);
                timed(|| freeze_stream(&catalog, first..first + LENGTH, &bytes))
            }),
            subject("one by one", |round| {
                let first = bucket(&single, place, round);
                timed(|| {
                    for number in first..first + LENGTH {
                        freeze_one(&single, number, &bytes);
                    }
                })
            }),
        ],
    );
}

fn freeze_stream(catalog: &Catalog, numbers: impl Iterator<Item = u32>, bytes: &[u8]) {
    let mut written = None;
    for number in numbers {
        let next = catalog.intend::<Ledgers>(chunk(number)).unwrap();
        let (_frozen, mut freezing) = catalog.commit((written, next)).unwrap();
        let mut file = freezing.file(Ledgers::PACK).unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        written = Some(freezing.sync().unwrap());
    }
    drop(catalog.commit(written).unwrap());
}

const LEASES: usize = 200_000;
const READS: usize = 20_000;
const FILES: u32 = 1_000;

/// Locks and unlocks a `Mutex` so many times.
pub fn lock(times: usize) -> Duration {
    let mutex = std::sync::Mutex::new(0);
    timed(|| {
        for _ in 0..times {
            *black_box(&mutex).lock().unwrap() += 1;
        }
    })
}

/// Threads that read frozen artifacts.
pub fn readers(place: &Path, table: &mut Table) {
    let catalog = open(&place.join("ours"));
    let bytes = bytes(SMALL.0);
    freeze_group(&catalog, 0..FILES, &bytes);
    // Every so often another one, as queries come.
    let number = |at: usize| u32::try_from(at * 7_919 % FILES as usize).unwrap();
    let lease = |thread: usize| {
        for at in 0..LEASES {
            let lease = catalog.lease::<Ledgers>(chunk(number(at + 500 * thread)));
            drop(black_box(lease.unwrap().unwrap()));
        }
    };
    table.row(
        "take a lease and drop it",
        15,
        LEASES,
        vec![
            subject("", |_| timed(|| lease(0))),
            subject("a `Mutex`, locked and unlocked", |_| lock(LEASES)),
        ],
    );
    table.row(
        "the same in 2 threads, each lease",
        15,
        LEASES,
        vec![
            subject("", |_| in_threads(2, lease) / 2),
            subject("1 thread", |_| in_threads(1, lease)),
        ],
    );
    let paths: Vec<_> = (0..FILES)
        .map(|number| {
            let lease = catalog.lease::<Ledgers>(chunk(number)).unwrap().unwrap();
            lease.path(Ledgers::PACK)
        })
        .collect();
    let under_lease = |thread: usize| {
        let mut buffer = [0; SMALL.0];
        for at in 0..READS {
            let lease = catalog.lease::<Ledgers>(chunk(number(at + 500 * thread)));
            let file = lease.unwrap().unwrap().open(Ledgers::PACK).unwrap();
            file.read_exact_at(black_box(&mut buffer), 0).unwrap();
        }
    };
    let by_path = |thread: usize| {
        let mut buffer = [0; SMALL.0];
        for at in 0..READS {
            let file = File::open(&paths[number(at + 500 * thread) as usize]).unwrap();
            file.read_exact_at(black_box(&mut buffer), 0).unwrap();
        }
    };
    for threads in [1, 2] {
        table.row(
            &format!("lease, open, read 4 KiB, {threads} threads"),
            15,
            READS,
            vec![
                subject("", |_| in_threads(threads, under_lease)),
                subject("open by path and read", |_| in_threads(threads, by_path)),
            ],
        );
    }
}
