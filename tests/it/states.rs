//! The catalog's memory: it always agrees with the store, costs no read and little memory.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use allocation_counter::measure;
use frostline::error::{Operation, ReadError};
use frostline::key::HotKey;
use frostline::scan::ChunkState;
use frostline::sim::Probe;
use frostline::{ArtifactKey, ArtifactKind, ArtifactState, Catalog, ChunkId, HotState, Key};
use proptest::prelude::*;

use crate::fixture::{Data, Faults, chunk, freeze};

fn range(from: u32, to: u32) -> RangeInclusive<ChunkId> {
    chunk(from)..=chunk(to)
}

fn numbers(catalog: &Catalog, range: RangeInclusive<ChunkId>) -> Vec<u32> {
    let states = catalog.chunk_states(range).unwrap();
    states.map(|state| state.unwrap().chunk.get()).collect()
}

#[test]
fn a_range_holds_its_own_chunks_and_no_empty_ones() {
    let world = Data::new();
    drop(world.open());
    let edges = [0, 1, 999, 1_000, 1_001, 5_999, 429_000, 429_495];
    let keys: Vec<_> = edges
        .iter()
        .map(|number| format!("hot:chunk:{number:08}"))
        .collect();
    let entries: Vec<_> = keys
        .iter()
        .map(|key| (key.as_bytes(), b"ready".as_slice()))
        .collect();
    world.write_raw_for_test(&entries);
    let catalog = world.open();
    assert_eq!(numbers(&catalog, ChunkId::MIN..=ChunkId::MAX), edges);
    assert_eq!(numbers(&catalog, range(1, 1_000)), [1, 999, 1_000]);
    assert_eq!(numbers(&catalog, range(2, 998)), [0_u32; 0]);
    assert_eq!(numbers(&catalog, range(1_001, 1_001)), [1_001]);
    assert_eq!(numbers(&catalog, range(6_000, 428_999)), [0_u32; 0]);
    assert_eq!(numbers(&catalog, range(429_001, 429_495)), [429_495]);
    // A reversed range is empty.
    assert_eq!(numbers(&catalog, range(1_000, 1)), [0_u32; 0]);
    assert_eq!(numbers(&catalog, range(5_000, 1)), [0_u32; 0]);
}

#[test]
fn a_chunk_state_agrees_with_its_keys() {
    let world = Data::new();
    drop(world.open());
    world.write_raw_for_test(&[
        (b"chunk:00000007:ledgers", b"frozen"),
        (b"chunk:00000007:events", b"freezing"),
        (b"chunk:00000007:txhash", b"pruning"),
        (b"hot:chunk:00000008", b"transient"),
    ]);
    let catalog = world.open();
    let states = catalog.chunk_states(range(0, 10)).unwrap();
    let states: Vec<ChunkState> = states.map(Result::unwrap).collect();
    let [seven, eight] = states.as_slice() else {
        panic!("{states:?}");
    };
    assert_eq!(seven.chunk, chunk(7));
    assert_eq!(seven.ledgers, Some(ArtifactState::Frozen));
    assert_eq!(seven.events, Some(ArtifactState::Freezing));
    assert_eq!(seven.txhash, Some(ArtifactState::Pruning));
    assert_eq!(seven.hot, None);
    assert_eq!((eight.chunk, eight.ledgers), (chunk(8), None));
    assert_eq!(eight.hot, Some(HotState::Transient));
}

/// An unreadable value hides neither itself nor the values beside it.
#[test]
fn an_unreadable_value_hides_nothing() {
    let world = Data::new();
    drop(world.open());
    world.write_raw_for_test(&[
        (b"chunk:00000006:ledgers", b"frozen"),
        (b"chunk:00000007:ledgers", b"frozen"),
        (b"chunk:00000007:events", b"FROZEN"),
        (b"hot:chunk:00000007", b"ready"),
        (b"hot:chunk:00000008", b""),
    ]);
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    let opening = faults.count(Operation::ReadStore);
    let states: Vec<_> = catalog.chunk_states(range(0, 100)).unwrap().collect();
    assert_eq!(states.len(), 3);
    assert!(states[0].is_ok());
    for (state, key) in states[1..]
        .iter()
        .zip(["chunk:00000007:events", "hot:chunk:00000008"])
    {
        let error = state.as_ref().unwrap_err();
        assert!(matches!(error, ReadError::Value(_)), "{error}");
        assert!(error.to_string().contains(key), "{error}");
    }
    let ledgers = catalog.state(chunk(7), ArtifactKind::Ledgers).unwrap();
    assert_eq!(ledgers, Some(ArtifactState::Frozen));
    assert_eq!(catalog.hot_state(chunk(7)).unwrap(), Some(HotState::Ready));
    assert_eq!(catalog.hot_chunk_keys().unwrap().count(), 2);
    let keys: Vec<_> = catalog.chunk_artifact_keys().unwrap().collect();
    assert_eq!(keys.iter().filter(|key| key.is_err()).count(), 1);
    assert_eq!(keys.iter().filter(|key| key.is_ok()).count(), 2);
    assert_eq!(
        faults.count(Operation::ReadStore),
        opening,
        "reads of the store"
    );
}

#[test]
fn asking_costs_no_read() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    let opening = faults.count(Operation::ReadStore);
    drop(freeze(&catalog, 7, b"ledgers"));
    for number in [7, 8, 429_495] {
        for kind in ArtifactKind::ALL {
            catalog.state(chunk(number), kind).unwrap();
            let key = ArtifactKey {
                chunk: chunk(number),
                kind,
            };
            catalog.has(key).unwrap();
        }
        catalog.hot_state(chunk(number)).unwrap();
        catalog
            .has(HotKey {
                chunk: chunk(number),
            })
            .unwrap();
    }
    assert_eq!(catalog.chunk_artifact_keys().unwrap().count(), 1);
    assert_eq!(catalog.hot_chunk_keys().unwrap().count(), 0);
    assert_eq!(numbers(&catalog, ChunkId::MIN..=ChunkId::MAX), [7]);
    catalog.earliest_ledger().unwrap();
    assert_eq!(faults.count(Operation::ReadStore), opening);
}

/// Measures the most memory that a catalog can need: a key in every bucket that a `u32` of ledgers can have.
#[test]
fn all_states_fit_in_half_a_megabyte() {
    let world = Data::new();
    drop(world.open());
    let keys: Vec<_> = (0..430)
        .map(|bucket| format!("chunk:{:08}:ledgers", bucket * 1_000))
        .collect();
    let entries: Vec<_> = keys
        .iter()
        .map(|key| (key.as_bytes(), b"frozen".as_slice()))
        .collect();
    world.write_raw_for_test(&entries);
    let mut catalog = None;
    let counted = measure(|| catalog = Some(world.open()));
    // Apart from the paths, locks and directories of the catalog itself, this is one byte for each chunk, and a place
    // for each page of a snapshot.
    let bytes = counted.bytes_current;
    assert!((430_000..500_000).contains(&bytes), "{bytes} bytes");
    let empty = Data::new();
    let mut other = None;
    let counted = measure(|| other = Some(empty.open()));
    let bytes = counted.bytes_current;
    assert!(bytes < 50_000, "without a chunk {bytes} bytes");
    assert_eq!(
        numbers(&catalog.unwrap(), ChunkId::MIN..=ChunkId::MAX).len(),
        430
    );
}

#[test]
fn spelling_and_reading_a_key_does_not_allocate() {
    let keys = [
        Key::from(ArtifactKey {
            chunk: chunk(1),
            kind: ArtifactKind::TxHash,
        }),
        Key::from(HotKey {
            chunk: ChunkId::MAX,
        }),
        Key::EarliestLedger,
    ];
    let counted = measure(|| {
        for key in keys {
            let encoded = black_box(key).encode();
            assert_eq!(Key::parse(black_box(encoded.as_bytes())), Ok(key));
        }
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn asking_for_a_state_does_not_allocate() {
    let world = Data::new();
    let catalog = world.open();
    drop(freeze(&catalog, 7, b"ledgers"));
    let counted = measure(|| {
        for number in [7, 8] {
            black_box(catalog.state(chunk(number), ArtifactKind::Ledgers).unwrap());
            black_box(catalog.hot_state(chunk(number)).unwrap());
        }
    });
    assert_eq!(counted.count_total, 0);
}

/// While a batch is being committed, reads return the states that were durable before.
#[test]
fn nothing_is_answered_before_it_is_durable() {
    let world = Data::new();
    let (asked, answers) = (Arc::new(OnceLock::<Weak<Catalog>>::new()), Arc::default());
    let probe = {
        let (asked, answers) = (Arc::clone(&asked), Arc::clone(&answers));
        Probe::new(move |operation, _| {
            let catalog = asked.get().and_then(Weak::upgrade);
            if let (Operation::Commit, Some(catalog)) = (operation, catalog) {
                let answers: &Mutex<Vec<_>> = &answers;
                let state = catalog.state(chunk(1), ArtifactKind::Ledgers).unwrap();
                answers.lock().unwrap().push(state);
            }
            Ok(())
        })
    };
    let catalog = Arc::new(world.open_probed(probe));
    asked.set(Arc::downgrade(&catalog)).unwrap();
    let frozen = freeze(&catalog, 1, b"one");
    drop(catalog.sweep_chunk_artifacts([frozen.demote()]).unwrap());
    let before = [
        None,
        Some(ArtifactState::Freezing),
        Some(ArtifactState::Frozen),
    ];
    let answers = answers.lock().unwrap();
    assert_eq!(answers[..3], before);
    assert_eq!(answers[3..], [Some(ArtifactState::Pruning)]);
}

/// A scan is a snapshot: it does not include commits that happen while it runs.
#[test]
fn a_scan_does_not_see_later_changes() {
    let world = Data::new();
    let catalog = world.open();
    drop(freeze(&catalog, 1, b"one"));
    let scan = catalog.chunk_artifact_keys().unwrap();
    drop(freeze(&catalog, 0, b"zero"));
    drop(freeze(&catalog, 2, b"two"));
    let seen: Vec<_> = scan.map(|key| key.unwrap().0.chunk).collect();
    assert_eq!(seen, [chunk(1)]);
    assert_eq!(numbers(&catalog, range(0, 2)), [0, 1, 2]);
}

/// A guard that tells a watcher to stop, even when an assertion has failed.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A scan that runs during a commit sees the whole batch or no part of it.
#[test]
fn a_scan_sees_all_of_a_batch_or_nothing() {
    let world = Data::new();
    let catalog = world.open();
    let all: Vec<_> = (0..3).map(|bucket| chunk(bucket * 1_000)).collect();
    let done = AtomicBool::new(false);
    let kinds = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let ended = Ended(&done);
        let watcher = scope.spawn(|| {
            let mut seen = BTreeMap::new();
            while !done.load(Ordering::Relaxed) {
                kinds.store(seen.len(), Ordering::Relaxed);
                let keys = catalog.chunk_artifact_keys().unwrap();
                let states: Vec<_> = keys.map(|key| key.unwrap().1).collect();
                let same = states.windows(2).all(|pair| pair[0] == pair[1]);
                assert!(same && [0, all.len()].contains(&states.len()), "{states:?}");
                *seen
                    .entry(states.first().copied().map(ArtifactState::as_str))
                    .or_insert(0) += 1;
            }
            seen
        });
        // On a busy machine, the watcher may not run for a while.
        for _ in (0..100_000).take_while(|round| *round < 200 || kinds.load(Ordering::Relaxed) < 2)
        {
            let begun = catalog
                .begin_all::<frostline::Ledgers>(all.clone())
                .unwrap();
            drop(begun);
            let keys = all.iter().map(|chunk| ArtifactKey {
                chunk: *chunk,
                kind: ArtifactKind::Ledgers,
            });
            let batch: Vec<_> = keys
                .map(|key| catalog.claim_for_pruning(key).unwrap().unwrap())
                .collect();
            let swept = catalog.sweep_chunk_artifacts(batch).unwrap();
            assert_eq!(swept.deleted.len(), all.len());
        }
        drop(ended);
        let seen = watcher.join().unwrap();
        assert!(seen.len() > 1, "the watcher saw one state only: {seen:?}");
    });
}

/// Generates an entry that a store may hold. Most entries are valid.
fn entry() -> impl Strategy<Value = (String, String)> {
    let number = prop_oneof![0_u32..6, 998_u32..1_002, 429_490_u32..429_500];
    let kind = prop_oneof!["ledgers", "events", "txhash", "index"].prop_map(String::from);
    let artifact =
        (number.clone(), kind).prop_map(|(number, kind)| format!("chunk:{number:08}:{kind}"));
    let hot = number.prop_map(|number| format!("hot:chunk:{number:08}"));
    let value = "freezing|frozen|pruning|transient|ready|odd|";
    (prop_oneof![3 => artifact, 1 => hot], value)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// For any content of the store, memory and a read of the store agree on each key.
    #[test]
    fn memory_agrees_with_the_store(all in prop::collection::vec(entry(), 0..40)) {
        let world = Data::new();
        drop(world.open());
        let stored: BTreeMap<_, _> = all.into_iter().collect();
        let planted: Vec<_> = stored.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes())).collect();
        world.write_raw_for_test(&planted);
        let catalog = world.open();
        for (key, value) in &stored {
            match Key::parse(key.as_bytes()) {
                Ok(Key::Artifact(ArtifactKey { chunk, kind })) => {
                    let said = catalog.state(chunk, kind).ok();
                    let meant = ArtifactState::ALL.into_iter().find(|state| state.as_str() == value);
                    prop_assert_eq!(said, meant.map(Some), "{} = {}", key, value);
                }
                Ok(Key::Hot(HotKey { chunk })) => {
                    let said = catalog.hot_state(chunk).ok();
                    let meant = HotState::ALL.into_iter().find(|state| state.as_str() == value);
                    prop_assert_eq!(said, meant.map(Some), "{} = {}", key, value);
                }
                _ => {}
            }
        }
        let scanned = catalog.chunk_artifact_keys().unwrap();
        let said: Vec<_> = scanned.flatten().map(|(key, state)| (key.to_string(), state.as_str().to_owned())).collect();
        let meant: Vec<_> = stored
            .iter()
            .filter(|(key, value)| {
                matches!(Key::parse(key.as_bytes()), Ok(Key::Artifact(_)))
                    && ArtifactState::ALL.iter().any(|state| state.as_str() == *value)
            })
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        prop_assert_eq!(said, meant);
    }
}
