//! The catalog's treatment of unrecognised keys and values.

use frostline::error::BeginRefusal;
use frostline::error::{BeginError, ClaimError, ClaimHotError, PinError, ReadError, ValueError};
use frostline::key::EarliestLedgerKey;
use frostline::key::HotKey;
use frostline::{
    ArtifactKind, ArtifactState, Catalog, ChunkId, HotState, Key, Ledgers, PinOutcome,
};

use super::artifact;
use crate::fixture::{Data, chunk, ledger};
use crate::snapshot;

/// Returns the entries of a scan, one line for each.
fn lines<K: ToString, V: ToString>(
    scan: impl Iterator<Item = Result<(K, V), ReadError>>,
) -> Vec<String> {
    scan.map(|entry| match entry {
        Ok((key, value)) => format!("{} -> {}", key.to_string(), value.to_string()),
        Err(error) => format!("error: {error}"),
    })
    .collect()
}

/// Creates a catalog with these raw entries, as if another program had written them.
fn planted(entries: &[(&[u8], &[u8])]) -> Data {
    let data = Data::new();
    drop(data.open());
    data.write_raw_for_test(entries);
    data
}

#[test]
fn scans_come_in_byte_order() {
    let data = planted(&[
        (b"chunk:00429495:ledgers", b"frozen"),
        (b"chunk:00000002:events", b"pruning"),
        (b"chunk:00000001:txhash", b"freezing"),
        (b"chunk:00000001:ledgers", b"frozen"),
        (b"chunk:00000001:events", b"pruning"),
        (b"hot:chunk:00000010", b"ready"),
        (b"hot:chunk:00000009", b"transient"),
        (b"hot:chunk:00000011", b"ready"),
        (b"config:earliest_ledger", b"10002"),
    ]);
    let catalog = data.open();
    assert_eq!(
        lines(catalog.chunk_artifact_keys().unwrap()),
        [
            "chunk:00000001:events -> pruning",
            "chunk:00000001:ledgers -> frozen",
            "chunk:00000001:txhash -> freezing",
            "chunk:00000002:events -> pruning",
            "chunk:00429495:ledgers -> frozen",
        ]
    );
    assert_eq!(
        lines(catalog.hot_chunk_keys().unwrap()),
        [
            "hot:chunk:00000009 -> transient",
            "hot:chunk:00000010 -> ready",
            "hot:chunk:00000011 -> ready",
        ]
    );
    let ready: Vec<_> = catalog.ready_hot_chunk_keys().unwrap().collect();
    let ready: Vec<_> = ready.into_iter().map(Result::unwrap).collect();
    assert_eq!(ready, [10, 11].map(|n| HotKey { chunk: chunk(n) }));
    assert_eq!(catalog.earliest_ledger().unwrap(), Some(ledger(10_002)));
}

#[test]
fn typed_reads_agree_with_the_named_ones() {
    let data = planted(&[
        (b"chunk:00000001:ledgers", b"frozen"),
        (b"hot:chunk:00000009", b"transient"),
        (b"index:00000005:00005000:00005350", b"frozen"),
        (b"index:00000005:00005000:00005999", b"ready"),
    ]);
    let catalog = data.open();
    let key = artifact(1, ArtifactKind::Ledgers);
    let hot = HotKey { chunk: chunk(9) };
    assert_eq!(catalog.get(key).unwrap(), Some(ArtifactState::Frozen));
    assert_eq!(
        catalog.state(key.chunk, key.kind).unwrap(),
        Some(ArtifactState::Frozen)
    );
    assert_eq!(catalog.get(hot).unwrap(), Some(HotState::Transient));
    assert_eq!(catalog.get(EarliestLedgerKey).unwrap(), None);
    let index = |hi| super::index(5000, hi);
    assert_eq!(
        catalog.get(index(5350)).unwrap(),
        Some(ArtifactState::Frozen)
    );
    assert_eq!(catalog.get(index(5351)).unwrap(), None);
    let error = catalog.get(index(5999)).unwrap_err();
    assert_eq!(value_error(error).key, index(5999));
    assert!(catalog.has(index(5999)).unwrap());
    assert!(!catalog.has(index(5351)).unwrap());
    assert!(catalog.has(key).unwrap());
    assert!(catalog.has(hot).unwrap());
    assert!(!catalog.has(EarliestLedgerKey).unwrap());
    assert!(!catalog.has(artifact(1, ArtifactKind::Events)).unwrap());
}

/// Malformed keys and values beside sound ones. The first key is of a family without a scan.
const ODD: [(&[u8], &[u8]); 15] = [
    (b"index:00000005:00005000:00005999", b"frozen"),
    (b"chunk:00000001:events", b"frozen"),
    (b"chunk:00000001:ledgers", b"frozenn"),
    (b"chunk:00000001:txhash", b"pruning"),
    (b"chunk:00000002:ledgers", b""),
    (b"chunk:00000003:ledgers", b"frozen"),
    (b"chunk:00000007:novel", b"frozen"),
    (b"chunk:00429496:ledgers", b"frozen"),
    (b"chunk:+1234567:ledgers", b"frozen"),
    (b"chunk:\xff\xfe", b"\xff"),
    (b"hot:chunk:00000001", b"ready"),
    (b"hot:chunk:00000002", b"READY"),
    (b"hot:chunk:00000003", b"\x00\xff"),
    (b"hot:chunk:00000004:more", b"ready"),
    (b"hot:chunk:00000005", b"transient"),
];

#[test]
fn an_unrecognised_entry_is_an_error_of_its_own_and_breaks_no_scan() {
    let data = planted(&ODD);
    let before = data.stored();
    assert_eq!(before.len(), ODD.len());
    let catalog = data.open();
    let ready = catalog.ready_hot_chunk_keys().unwrap();
    let text = format!(
        "chunk_artifact_keys:\n{}\n\nhot_chunk_keys:\n{}\n\nready_hot_chunk_keys:\n{}\n",
        lines(catalog.chunk_artifact_keys().unwrap()).join("\n"),
        lines(catalog.hot_chunk_keys().unwrap()).join("\n"),
        lines(ready.map(|entry| entry.map(|key| (key, HotState::Ready)))).join("\n"),
    );
    snapshot::check("keys_unrecognised_entries", &text);
    drop(catalog);
    assert_eq!(data.stored(), before);
}

fn value_error(error: ReadError) -> ValueError {
    match error {
        ReadError::Value(error) => error,
        other => panic!("{other}"),
    }
}

fn assert_refuses_artifact(catalog: &Catalog, number: u32, raw: &str) {
    let key = artifact(number, ArtifactKind::Ledgers);
    let expect = |error: ReadError| {
        let error = value_error(error);
        assert_eq!(error.key, key);
        assert_eq!(error.raw, raw);
        assert!(error.to_string().contains(&key.to_string()), "{error}");
        assert!(error.to_string().contains(&format!("`{raw}`")), "{error}");
    };
    expect(catalog.state(key.chunk, key.kind).unwrap_err());
    expect(catalog.get(key).unwrap_err());
    expect(catalog.lease::<Ledgers>(key.chunk).unwrap_err());
    assert!(catalog.has(key).unwrap());
    // The second round would reveal a claim that the first round left behind.
    for _ in 0..2 {
        match catalog.begin::<Ledgers>(key.chunk).unwrap_err() {
            BeginError::Refused(refused) => match refused.into_parts().1 {
                BeginRefusal::Read(error) => expect(error),
                other => panic!("{other}"),
            },
            other @ BeginError::Failed(_) => panic!("{other}"),
        }
        match catalog.claim::<Ledgers>(key.chunk).unwrap_err() {
            ClaimError::Read(error) => expect(error),
            other => panic!("{other}"),
        }
        match catalog.claim_for_pruning(key).unwrap_err() {
            ClaimError::Read(error) => expect(error),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn an_artifact_with_an_unrecognised_value_is_left_alone() {
    for (value, raw) in [
        (&b"frozenn"[..], "frozenn"),
        (b"", ""),
        (b"FROZEN", "FROZEN"),
        (b" frozen", " frozen"),
        (b"frozen\n", "frozen\\n"),
        (b"ready", "ready"),
        (b"absent", "absent"),
        (b"\xff\x00", "\\xff\\x00"),
    ] {
        let data = planted(&[(b"chunk:00000001:ledgers", value)]);
        let (stored, disk) = (data.stored(), artifact_files(&data));
        let catalog = data.open();
        assert_refuses_artifact(&catalog, 1, raw);
        // Its neighbours are not affected.
        drop(catalog.begin::<Ledgers>(chunk(2)).unwrap());
        drop(catalog);
        let mut after = data.stored();
        let neighbour = after.remove("chunk:00000002:ledgers");
        assert_eq!(neighbour.as_deref(), Some("freezing"));
        assert_eq!(after, stored);
        assert_eq!(artifact_files(&data), disk);
    }
}

#[test]
fn a_hot_directory_with_an_unrecognised_value_is_left_alone() {
    for (value, raw) in [
        (&b"readyy"[..], "readyy"),
        (b"", ""),
        (b"frozen", "frozen"),
        (b"Ready", "Ready"),
    ] {
        let data = planted(&[(b"hot:chunk:00000001", value)]);
        let (stored, disk) = (data.stored(), artifact_files(&data));
        let catalog = data.open();
        let key = HotKey { chunk: chunk(1) };
        let expect = |error: ReadError| {
            let error = value_error(error);
            assert_eq!(error.key, key);
            assert_eq!(error.raw, raw);
        };
        expect(catalog.hot_state(key.chunk).unwrap_err());
        expect(catalog.get(key).unwrap_err());
        for _ in 0..2 {
            match catalog.create_hot(key.chunk).unwrap_err() {
                BeginError::Refused(refused) => match refused.into_parts().1 {
                    BeginRefusal::Read(error) => expect(error),
                    other => panic!("{other}"),
                },
                other @ BeginError::Failed(_) => panic!("{other}"),
            }
            match catalog.claim_hot(key.chunk).unwrap_err() {
                ClaimHotError::Read(error) => expect(error),
                other => panic!("{other}"),
            }
        }
        drop(catalog);
        assert_eq!(data.stored(), stored);
        assert_eq!(artifact_files(&data), disk);
    }
}

#[test]
fn an_unrecognised_pin_is_left_alone() {
    let odd: [&[u8]; 11] = [
        b"",
        b"genesis",
        b"+2",
        b"02",
        b"0",
        b"1",
        b"3",
        b" 2",
        b"2\n",
        b"4294967296",
        b"\xff",
    ];
    for value in odd {
        let data = planted(&[(b"config:earliest_ledger", value)]);
        let stored = data.stored();
        let catalog = data.open();
        let raw = value.escape_ascii().to_string();
        let error = value_error(catalog.earliest_ledger().unwrap_err());
        assert_eq!(error.key, Key::EarliestLedger);
        assert_eq!(error.raw, raw);
        match catalog.pin_earliest_ledger(ledger(2)).unwrap_err() {
            PinError::Value(error) => assert_eq!(error.raw, raw),
            other => panic!("{other}"),
        }
        drop(catalog);
        assert_eq!(data.stored(), stored, "`{raw}`");
    }
}

#[test]
fn a_pin_is_written_once() {
    let data = Data::new();
    let catalog = data.open();
    let pinned = ledger(10_002);
    assert_eq!(catalog.earliest_ledger().unwrap(), None);
    assert_eq!(
        catalog.pin_earliest_ledger(pinned).unwrap(),
        PinOutcome::Pinned
    );
    let again = catalog.pin_earliest_ledger(pinned).unwrap();
    assert_eq!(again, PinOutcome::AlreadyPinned);
    match catalog.pin_earliest_ledger(ledger(2)).unwrap_err() {
        PinError::Conflict { pinned, wanted } => {
            assert_eq!((pinned, wanted), (ledger(10_002), ledger(2)));
        }
        other => panic!("{other}"),
    }
    for middle in [3, 10_001, 10_003, u32::MAX] {
        match catalog.pin_earliest_ledger(ledger(middle)).unwrap_err() {
            PinError::NotChunkStart(ledger) => assert_eq!(ledger.get(), middle),
            other => panic!("{other}"),
        }
    }
    drop(catalog);
    let stored: Vec<_> = data.stored().into_iter().collect();
    let expected = ("config:earliest_ledger".to_owned(), "10002".to_owned());
    assert_eq!(stored, [expected]);
    let reopened = data.open();
    assert_eq!(reopened.earliest_ledger().unwrap(), Some(pinned));
    let again = reopened.pin_earliest_ledger(pinned).unwrap();
    assert_eq!(again, PinOutcome::AlreadyPinned);
}

#[test]
fn the_largest_chunk_can_be_pinned_and_stored() {
    let data = Data::new();
    let catalog = data.open();
    let first = ChunkId::MAX.first_ledger();
    assert_eq!(
        catalog.pin_earliest_ledger(first).unwrap(),
        PinOutcome::Pinned
    );
    drop(catalog.begin::<Ledgers>(ChunkId::MAX).unwrap());
    drop(catalog);
    let stored = data.stored();
    assert_eq!(stored["config:earliest_ledger"], "4294950002");
    assert_eq!(stored["chunk:00429495:ledgers"], "freezing");
}

/// Returns the content of the disk outside of the catalog root, whose files belong to the store.
fn artifact_files(data: &Data) -> Vec<String> {
    let mut entries = data.listing();
    entries.retain(|entry| !entry.contains("/catalog/") && !entry.contains("frostline.lock"));
    entries
}
