//! The caller catches a panic in the middle of a step. The catalog must not report work that was not done.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};

use frostline::error::{FatalCause, ReadError, SyncError};
use frostline::sim::Probe;
use frostline::{ArtifactState, Catalog, HotState, Ledgers, Prunable};

use crate::fixture::{Data, chunk, give_up, state, verb};

/// A countdown that panics before the operation at which it ends. Reads do not count.
#[derive(Clone)]
struct Countdown(Arc<AtomicIsize>);

impl Countdown {
    fn new() -> Self {
        Self(Arc::new(AtomicIsize::new(isize::MAX)))
    }

    fn probe(&self) -> Probe {
        let countdown = self.clone();
        Probe::new(move |operation, path| {
            let is_counted = verb(operation).is_some();
            let is_next = is_counted && countdown.0.fetch_sub(1, Ordering::SeqCst) == 0;
            assert!(!is_next, "planned: {operation} {}", path.display());
            Ok(())
        })
    }

    fn start(&self, operations: isize) {
        self.0.store(operations, Ordering::SeqCst);
    }

    fn has_ended(&self) -> bool {
        self.0.load(Ordering::SeqCst) < 0
    }
}

/// Catches the planned panic of a run.
fn quietly<T>(run: impl FnOnce() -> T) -> std::thread::Result<T> {
    catch_unwind(AssertUnwindSafe(run))
}

fn is_poisoned_by_a_panic(catalog: &Catalog) -> bool {
    let read = catalog.state(chunk(0), frostline::ArtifactKind::Ledgers);
    match read {
        Err(ReadError::Poisoned(poisoned)) => {
            assert!(matches!(poisoned.cause(), FatalCause::Panicked));
            true
        }
        Err(error) => panic!("{error}"),
        Ok(_) => false,
    }
}

/// A group's first round panics in its barrier. The members of that round still need a barrier.
#[test]
fn a_round_that_panics_makes_nothing_durable() {
    let data = Data::new();
    let countdown = Countdown::new();
    let catalog = data.open_probed(countdown.probe());
    let mut group = catalog.sync_group();
    let mut begun = catalog.begin_all::<Ledgers>((0..400).map(chunk)).unwrap();
    let last = begun.pop().unwrap();
    let mut panicked = false;
    for mut freezing in begun {
        let mut file = freezing.file(Ledgers::PACK).unwrap();
        file.write_all(b"ledgers").unwrap();
        if group.len() + 1 == 299 {
            // The member's own write precedes the barrier.
            countdown.start(1);
        }
        panicked = quietly(|| group.add(freezing).unwrap()).is_err();
        countdown.start(isize::MAX);
        if panicked {
            break;
        }
    }
    assert!(panicked, "the group is made durable in rounds");
    assert!(is_poisoned_by_a_panic(&catalog));
    let SyncError::Refused(refused) = group.sync().unwrap_err() else {
        panic!("not refused");
    };
    drop((refused, last));
    drop(catalog);
    // No member was frozen.
    let catalog = data.open();
    let states = catalog.chunk_artifact_keys().unwrap();
    let states: Vec<_> = states.map(|entry| entry.unwrap().1).collect();
    assert_eq!(states, vec![ArtifactState::Freezing; 400]);
}

/// Freezes one artifact and a group, sweeps both, and takes a hot directory through its life.
fn life(catalog: &Catalog) {
    let mut freezing = catalog.begin::<Ledgers>(chunk(1)).unwrap();
    let mut file = freezing.file(Ledgers::PACK).unwrap();
    file.write_all(b"ledgers").unwrap();
    let mut all = vec![freezing.freeze().unwrap()];
    let mut group = catalog.sync_group();
    for number in [2, 1_000] {
        let mut freezing = catalog.begin::<Ledgers>(chunk(number)).unwrap();
        let mut file = freezing.file(Ledgers::PACK).unwrap();
        file.write_all(b"ledgers").unwrap();
        group.add(freezing).unwrap();
    }
    all.extend(catalog.commit(group.sync().unwrap()).unwrap());
    let all = all.into_iter().map(|one| Prunable::from(one.demote()));
    assert_eq!(catalog.sweep_chunk_artifacts(all).unwrap().deleted.len(), 3);
    let ready = catalog.create_hot(chunk(7)).unwrap().ready().unwrap();
    give_up(catalog, ready).remove().unwrap();
}

/// Panics before each operation in turn. The catalog then agrees with the disk, in this process and in the next
/// one. A panic inside a barrier or a commit poisons the catalog.
#[test]
fn a_panic_before_any_operation_leaves_nothing_false() {
    let (mut poisoned, mut others) = (0, 0);
    for nth in 0.. {
        let data = Data::new();
        let countdown = Countdown::new();
        let catalog = data.open_probed(countdown.probe());
        countdown.start(nth);
        let outcome = quietly(|| life(&catalog));
        if !countdown.has_ended() {
            outcome.unwrap();
            break;
        }
        assert!(outcome.is_err(), "operation {nth} panics");
        if is_poisoned_by_a_panic(&catalog) {
            poisoned += 1;
        } else {
            others += 1;
            agrees(&catalog, &data);
        }
        drop(catalog);
        let catalog = data.open();
        agrees(&catalog, &data);
        drop(catalog.recover(frostline::DebrisPolicy::Remove).unwrap());
        life_again(&catalog);
    }
    assert!(poisoned >= 15 && others >= 8, "{poisoned}, {others}");
}

fn life_again(catalog: &Catalog) {
    for number in [1, 2, 1_000] {
        if state(catalog, number).is_some() {
            let key = frostline::ArtifactKey {
                chunk: chunk(number),
                kind: frostline::ArtifactKind::Ledgers,
            };
            let prunable = catalog.claim_for_pruning(key).unwrap();
            drop(catalog.sweep_chunk_artifacts(prunable).unwrap());
        }
    }
    if let frostline::Hot::Ready(ready) = catalog.claim_hot(chunk(7)).unwrap() {
        give_up(catalog, ready).remove().unwrap();
    }
    life(catalog);
}

fn agrees(catalog: &Catalog, data: &Data) {
    for number in [1, 2, 1_000] {
        let pack = data.pack(number);
        match state(catalog, number) {
            Some(ArtifactState::Frozen) => assert_eq!(std::fs::read(pack).unwrap(), b"ledgers"),
            None => assert!(!pack.exists(), "{number} has a file and no key"),
            _ => {}
        }
    }
    let hot = data.path().join("hot/00000007");
    match catalog.hot_state(chunk(7)).unwrap() {
        Some(HotState::Ready) => assert!(hot.is_dir()),
        None => assert!(!hot.exists()),
        Some(HotState::Transient) => {}
    }
}
