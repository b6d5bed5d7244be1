//! Views and routes.

use std::cell::RefCell;
use std::hint::black_box;
use std::path::Path;

use frostline::geometry::Watermark;
use frostline::read::Route;
use frostline::retention::{Retention, RetentionGate};
use frostline::{ArtifactKind, Catalog, LedgerSeq, Ledgers};

use crate::freeze::{bytes, chunk, freeze_group, open};
use crate::measure::{Table, subject, timed};
use crate::open::populate;
use crate::threads::{in_threads, lock};

const LOOKS: usize = 200_000;
const CHUNKS: u32 = 1_000;
const ALL: usize = 429_496;

/// A request's view, its answers, and the place of a ledger.
pub fn views(place: &Path, table: &mut Table) {
    let catalog = open(&place.join("ours"));
    freeze_group(&catalog, 0..CHUNKS, &bytes(64));
    // Every so often another one, as queries come.
    let number = |at: usize| u32::try_from(at * 7_919 % CHUNKS as usize).unwrap();
    let take = |_thread: usize| {
        for _ in 0..LOOKS {
            drop(black_box(catalog.view().unwrap()));
        }
    };
    table.row(
        "take a view and drop it",
        15,
        LOOKS,
        vec![
            subject("", |_| in_threads(1, take)),
            subject("a `Mutex`, locked and unlocked", |_| lock(LOOKS)),
        ],
    );
    table.row(
        "the same in 2 threads, each view",
        15,
        LOOKS,
        vec![
            subject("", |_| in_threads(2, take) / 2),
            subject("1 thread", |_| in_threads(1, take)),
        ],
    );
    let view = catalog.view().unwrap();
    table.row(
        "state, of a view",
        15,
        LOOKS,
        vec![
            subject("", |_| {
                timed(|| {
                    for at in 0..LOOKS {
                        let state = view.state(chunk(number(at)), ArtifactKind::Ledgers);
                        black_box(state.unwrap());
                    }
                })
            }),
            subject("of the catalog", |_| {
                timed(|| {
                    for at in 0..LOOKS {
                        let state = catalog.state(chunk(number(at)), ArtifactKind::Ledgers);
                        black_box(state.unwrap());
                    }
                })
            }),
        ],
    );
    routes(&catalog, table, number);
    after_a_commit(place, table);
}

/// The place of a ledger, beside the lease that it contains.
fn routes(catalog: &Catalog, table: &mut Table, number: impl Fn(usize) -> u32) {
    let last = Watermark::Complete(chunk(CHUNKS - 1));
    let gate = RetentionGate::new(last, Retention::KeepAll, LedgerSeq::GENESIS).unwrap();
    let view = catalog.view().unwrap();
    let lease = || {
        timed(|| {
            for at in 0..LOOKS {
                let lease = catalog.lease::<Ledgers>(chunk(number(at)));
                drop(black_box(lease.unwrap().unwrap()));
            }
        })
    };
    let look = |route: &dyn Fn(LedgerSeq) -> Route<Ledgers>| {
        timed(|| {
            for at in 0..LOOKS {
                let route = route(chunk(number(at)).first_ledger());
                assert!(matches!(black_box(route), Route::Cold(_)));
            }
        })
    };
    let of_catalog = |ledger| catalog.route(ledger, gate).unwrap();
    let of_view = |ledger| view.route(ledger, gate).unwrap();
    table.row(
        "route a ledger to its files",
        15,
        LOOKS,
        vec![
            subject("", |_| look(&of_catalog)),
            subject("its lease", |_| lease()),
        ],
    );
    table.row(
        "the same of a view",
        15,
        LOOKS,
        vec![
            subject("", |_| look(&of_view)),
            subject("its lease", |_| lease()),
        ],
    );
}

/// The first view after a commit copies the pages that the commit has changed.
fn after_a_commit(place: &Path, table: &mut Table) {
    let data = place.join("all");
    populate(&data, ALL);
    let catalog = open(&data);
    drop(catalog.view().unwrap());
    let marked = RefCell::new(Vec::new());
    let first = |is_held: bool| {
        let held = is_held.then(|| catalog.view().unwrap());
        let number = u32::try_from(marked.borrow().len()).unwrap() * 4_000;
        marked
            .borrow_mut()
            .push(catalog.create_hot(chunk(number)).unwrap());
        let taken = timed(|| drop(black_box(catalog.view().unwrap())));
        drop(held);
        taken
    };
    table.row(
        "the first view after a commit, of all chunks",
        45,
        1,
        vec![
            subject("", |_| first(false)),
            subject("with a view from before it", |_| first(true)),
        ],
    );
}
