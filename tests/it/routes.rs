//! Looking for the place of a chunk while it moves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use frostline::geometry::Watermark;
use frostline::read::Route;
use frostline::retention::{Retention, RetentionGate};
use frostline::{Artifact, Catalog, ChunkId, Hot, LedgerSeq, Ledgers};

use crate::fixture::{Data, chunk, freeze, written};

fn seven() -> ChunkId {
    chunk(7)
}

fn gate(last: u32, kept: u32) -> RetentionGate {
    let last = Watermark::Complete(chunk(last));
    RetentionGate::new(last, Retention::from_chunks(kept), LedgerSeq::GENESIS).unwrap()
}

/// Moves chunk 7 from its hot directory to its files and back until `end`. At every instant it is in one of the two.
/// Returns the number of moves.
fn move_about(catalog: &Catalog, end: &AtomicBool) -> usize {
    let mut moves = 0;
    while !end.load(Ordering::Relaxed) {
        let Hot::Ready(ready) = catalog.claim_hot(seven()).unwrap() else {
            panic!("the directory is ready");
        };
        let synced = written(catalog.begin::<Ledgers>(seven()).unwrap())
            .sync()
            .unwrap();
        // The demotion first: in the order of the batch, there is an instant with neither.
        let demotion = ready.retire(&synced).unwrap();
        let (debris, frozen) = catalog.commit((demotion, synced)).unwrap();
        drop(frozen);
        remove(debris);
        drop(catalog.create_hot(seven()).unwrap().ready().unwrap());
        let Artifact::Frozen(frozen) = catalog.claim::<Ledgers>(seven()).unwrap() else {
            panic!("the files are frozen");
        };
        let mut pruning = catalog.commit(frozen.demote()).unwrap();
        loop {
            match pruning.unlink() {
                Ok(unlinked) => break catalog.commit(unlinked).unwrap(),
                // A reader has the files for an instant.
                Err(error) => pruning = handle(error),
            }
        }
        moves += 2;
    }
    moves
}

fn remove(mut debris: frostline::HotDebris) {
    while let Err(error) = debris.remove() {
        debris = handle(error);
    }
}

fn handle<H: std::fmt::Debug>(error: frostline::error::RemovalError<H>) -> H {
    match error {
        frostline::error::StepError::Refused(refused) => refused.into_handle(),
        failed @ frostline::error::StepError::Failed(_) => panic!("{failed:?}"),
    }
}

/// Runs `look` in one thread while another one moves the chunk: for so many times, and until it has moved often enough.
/// Returns the number of looks that found nothing.
fn look_beside(
    queries: u64,
    is_enough: impl Fn(u64) -> bool,
    look: impl Fn(&Catalog) -> bool,
) -> u64 {
    let world = Data::new();
    let catalog = world.open();
    drop(catalog.create_hot(seven()).unwrap().ready().unwrap());
    let end = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mover = scope.spawn(|| move_about(&catalog, &end));
        let started = Instant::now();
        let (mut asked, mut misses) = (0, 0);
        while asked < queries && !is_enough(misses) && started.elapsed() < Duration::from_secs(60) {
            for _ in 0..1_000 {
                misses += u64::from(!look(&catalog));
            }
            asked += 1_000;
        }
        end.store(true, Ordering::Relaxed);
        let moves_done = mover.join().unwrap();
        println!("{asked} looks, {moves_done} moves, {misses} found nothing");
        misses
    })
}

/// The number of looks: one hundred million, as the issue of this call asks for.
const QUERIES: u64 = 100_000_000;

#[test]
fn a_chunk_that_moves_is_always_somewhere() {
    let gate = gate(7, 0);
    let misses = look_beside(
        QUERIES,
        |misses| misses > 0,
        |catalog| match catalog.route::<Ledgers>(seven().first_ledger(), gate) {
            Ok(Route::Cold(_) | Route::Hot(_)) => true,
            Ok(Route::NotAvailable) => false,
            other => panic!("{other:?}"),
        },
    );
    assert_eq!(misses, 0);
}

/// The same in two calls misses the chunk: the test above is able to fail.
#[test]
fn two_calls_miss_a_chunk_that_moves() {
    let misses = look_beside(
        QUERIES,
        |misses| misses > 0,
        |catalog| {
            catalog.lease::<Ledgers>(seven()).unwrap().is_some()
                || catalog.lease_hot(seven()).unwrap().is_some()
        },
    );
    assert!(misses > 0);
}

#[test]
fn a_view_finds_a_chunk_that_moves() {
    let gate = gate(7, 0);
    let misses = look_beside(
        QUERIES / 20,
        |misses| misses > 0,
        |catalog| {
            let view = catalog.view().unwrap();
            let route = view.route::<Ledgers>(seven().first_ledger(), gate);
            matches!(route, Ok(Route::Cold(_) | Route::Hot(_)))
        },
    );
    assert_eq!(misses, 0);
}

#[test]
fn below_the_floor_nothing_is_found() {
    let world = Data::new();
    let catalog = world.open();
    drop(freeze(&catalog, 7, b"ledgers"));
    let route = |gate: RetentionGate| {
        let ledger = seven().last_ledger();
        let view = catalog.view().unwrap();
        let route = catalog.route::<Ledgers>(ledger, gate).unwrap();
        let of_view = view.route::<Ledgers>(ledger, gate).unwrap();
        assert_eq!(format!("{route:?}"), format!("{of_view:?}"));
        route
    };
    assert!(matches!(route(gate(16, 10)), Route::Cold(_)));
    assert!(matches!(route(gate(17, 10)), Route::BelowFloor));
}

#[test]
fn a_ledger_without_a_place_is_not_available() {
    let world = Data::new();
    let catalog = world.open();
    let gate = gate(7, 0);
    let beyond = LedgerSeq::MAX;
    assert!(beyond.chunk().is_err());
    for ledger in [LedgerSeq::GENESIS, seven().first_ledger(), beyond] {
        let route = catalog.route::<Ledgers>(ledger, gate).unwrap();
        assert!(matches!(route, Route::NotAvailable), "{route:?}");
    }
    // A directory that is not ready, or files that are not frozen, are no place.
    let transient = catalog.create_hot(seven()).unwrap();
    let freezing = catalog.begin::<Ledgers>(seven()).unwrap();
    let route = catalog.route::<Ledgers>(seven().first_ledger(), gate);
    assert!(matches!(route, Ok(Route::NotAvailable)), "{route:?}");
    drop((transient, freezing));
}
