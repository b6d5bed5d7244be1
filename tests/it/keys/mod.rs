//! Keys and their canonical spelling.

mod stored;

use frostline::geometry::Coverage;
use frostline::key::{EarliestLedgerKey, HotKey, IndexKey};
use frostline::{ArtifactKey, ArtifactKind, ChunkId, Key};
use proptest::prelude::*;

use crate::fixture::chunk;
use crate::snapshot;

fn artifact(number: u32, kind: ArtifactKind) -> ArtifactKey {
    let chunk = chunk(number);
    ArtifactKey { chunk, kind }
}

fn index(lo: u32, hi: u32) -> IndexKey {
    let coverage = Coverage::new(chunk(lo), chunk(hi)).unwrap();
    IndexKey { coverage }
}

/// Returns the index of `chunks` chunks, or fewer at the end of a window.
fn index_of(lo: ChunkId, chunks: u32) -> IndexKey {
    let last = lo.window().last().get();
    index(lo.get(), last.min(lo.get() + chunks - 1))
}

fn any_key() -> impl Strategy<Value = Key> {
    let any_chunk = || (0..=429_495_u32).prop_map(chunk);
    prop_oneof![
        6 => (any_chunk(), prop::sample::select(ArtifactKind::ALL.to_vec()))
            .prop_map(|(chunk, kind)| ArtifactKey { chunk, kind }.into()),
        3 => any_chunk().prop_map(|chunk| HotKey { chunk }.into()),
        3 => (any_chunk(), 1..=1_000_u32).prop_map(|(lo, chunks)| index_of(lo, chunks).into()),
        1 => Just(Key::EarliestLedger),
    ]
}

/// Returns whether the bytes are a key, by a definition that is independent of the library's.
fn is_key(bytes: &[u8]) -> bool {
    let Ok(spelling) = std::str::from_utf8(bytes) else {
        return false;
    };
    let is_chunk = |digits: &str| {
        digits.len() == 8
            && digits.chars().all(|digit| "0123456789".contains(digit))
            && digits.parse::<u32>().unwrap() <= 429_495
    };
    match spelling.split(':').collect::<Vec<_>>()[..] {
        ["chunk", digits, "ledgers" | "events" | "txhash"] | ["hot", "chunk", digits] => {
            is_chunk(digits)
        }
        ["index", window, lo, hi] => {
            let windows = [lo, hi].map(|digits| format!("000{}", digits.get(..5).unwrap_or("")));
            is_chunk(lo) && is_chunk(hi) && lo <= hi && windows.iter().all(|other| window == other)
        }
        ["config", "earliest_ledger"] => true,
        _ => false,
    }
}

#[test]
fn the_keys_of_the_specification() {
    let cases: [(&str, Key); 8] = [
        (
            "chunk:00005350:ledgers",
            artifact(5350, ArtifactKind::Ledgers).into(),
        ),
        (
            "chunk:00005350:events",
            artifact(5350, ArtifactKind::Events).into(),
        ),
        (
            "chunk:00005350:txhash",
            artifact(5350, ArtifactKind::TxHash).into(),
        ),
        ("hot:chunk:00005350", HotKey { chunk: chunk(5350) }.into()),
        ("index:00000005:00005000:00005350", index(5000, 5350).into()),
        ("index:00000000:00000007:00000007", index(7, 7).into()),
        (
            "index:00000429:00429000:00429495",
            index(429_000, 429_495).into(),
        ),
        ("config:earliest_ledger", EarliestLedgerKey.into()),
    ];
    for (spelling, key) in cases {
        assert_eq!(key.to_string(), spelling);
        assert_eq!(Key::parse(spelling.as_bytes()), Ok(key));
        assert_eq!(spelling.parse(), Ok(key));
    }
}

#[test]
fn printing_and_parsing_undo_each_other_for_a_sample_of_all_keys() {
    let edges = [0, 1, 999, 1000, 5350, 99_999, 100_000, 429_494, 429_495];
    let chunks = (0..=429_495).step_by(37).chain(edges);
    for number in chunks {
        let chunk = chunk(number);
        let artifacts = ArtifactKind::ALL.map(|kind| Key::from(ArtifactKey { chunk, kind }));
        let others = [
            HotKey { chunk }.into(),
            index_of(chunk, number % 1000 + 1).into(),
        ];
        for key in artifacts.into_iter().chain(others) {
            let printed = key.to_string();
            assert_eq!(Key::parse(printed.as_bytes()), Ok(key));
            assert!(is_key(printed.as_bytes()), "{printed}");
        }
    }
}

#[test]
fn keys_sort_by_family_then_chunk_then_the_name_of_the_kind() {
    let mut keys: [Key; 9] = [
        index(1000, 1001).into(),
        index(7, 7).into(),
        index(7, 10).into(),
        HotKey { chunk: chunk(0) }.into(),
        EarliestLedgerKey.into(),
        artifact(1, ArtifactKind::Ledgers).into(),
        artifact(1, ArtifactKind::TxHash).into(),
        artifact(0, ArtifactKind::TxHash).into(),
        artifact(1, ArtifactKind::Events).into(),
    ];
    keys.sort();
    let spelled: Vec<_> = keys.iter().map(Key::to_string).collect();
    let sorted = [
        "chunk:00000000:txhash",
        "chunk:00000001:events",
        "chunk:00000001:ledgers",
        "chunk:00000001:txhash",
        "config:earliest_ledger",
        "hot:chunk:00000000",
        "index:00000000:00000007:00000007",
        "index:00000000:00000007:00000010",
        "index:00000001:00001000:00001001",
    ];
    assert_eq!(spelled, sorted);
}

#[test]
fn near_misses_are_not_keys() {
    let near_misses: [&[u8]; 62] = [
        // Numbers that are not eight ASCII digits, or out of range.
        b"chunk:+1234567:ledgers",
        b"chunk:-1234567:ledgers",
        b"chunk:+0005350:ledgers",
        b"chunk:0005350:ledgers",
        b"chunk:000005350:ledgers",
        b"chunk:5350:ledgers",
        b"chunk: 0005350:ledgers",
        b"chunk:0000535 :ledgers",
        b"chunk:0x001234:ledgers",
        b"chunk:0_005350:ledgers",
        b"chunk::ledgers",
        b"chunk:00429496:ledgers",
        b"chunk:99999999:ledgers",
        "chunk:\u{0660}\u{0660}\u{0660}\u{0660}:ledgers".as_bytes(),
        "chunk:\u{0660}\u{0660}\u{0660}\u{0660}\u{0660}\u{0660}\u{0660}\u{0661}:ledgers".as_bytes(),
        "chunk:\u{ff10}0005350:ledgers".as_bytes(),
        b"hot:chunk:+1234567",
        b"hot:chunk:0005350",
        b"hot:chunk:000005350",
        b"hot:chunk:00429496",
        b"hot:chunk:",
        // Unknown or missing kinds.
        b"chunk:00005350:novel",
        b"chunk:00005350:",
        b"chunk:00005350",
        b"chunk:00005350:ledger",
        b"chunk:00005350:LEDGERS",
        b"chunk:00005350:Ledgers",
        b"chunk:00005350:ledgers:events",
        // Extra or missing bytes before, between or after the parts.
        b" chunk:00005350:ledgers",
        b"chunk:00005350:ledgers ",
        b"chunk:00005350:ledgers\n",
        b"chunk:00005350:ledgers\0",
        b"chunk:00005350::ledgers",
        b"chunk:00005350ledgers",
        b"xchunk:00005350:ledgers",
        b"hot:chunk:00005350:ledgers",
        b"hot:chunk:00005350\0",
        b"hot:hot:chunk:00005350",
        // Indexes of other windows, of two windows, reversed, out of range, or with other numbers.
        b"index:00000006:00005000:00005350",
        b"index:00000004:00005000:00005350",
        b"index:00000005:00005000:00006000",
        b"index:00000005:00004999:00005350",
        b"index:00000005:00005351:00005350",
        b"index:00000429:00429000:00429496",
        b"index:99999999:00005000:00005350",
        b"index:+0000005:00005000:00005350",
        b"index:00000005:+0005000:00005350",
        b"index:00000005:00005000:+0005350",
        b"index:5:5000:5350",
        b"index:00000005:00005000",
        b"index:00000005:00005000:00005350:",
        b"index:0000000500005000:00005350",
        b"index:00000005:0000500000005350",
        // Upper case, and other families.
        b"CHUNK:00005350:ledgers",
        b"Hot:chunk:00005350",
        b"config:earliest_ledgers",
        b"config:earliest_ledger ",
        b"config:",
        // Not valid UTF-8, or empty.
        b"chunk:0000535\xff:ledgers",
        b"chunk:00005350:ledgers\xff",
        b"\xff\xfe",
        b"",
    ];
    let mut texts = String::new();
    for bytes in near_misses {
        let error = Key::parse(bytes).unwrap_err();
        assert_eq!(error.spelling, bytes.escape_ascii().to_string());
        if let Ok(spelling) = std::str::from_utf8(bytes) {
            assert_eq!(spelling.parse::<Key>(), Err(error.clone()));
        }
        assert!(!is_key(bytes), "{}", bytes.escape_ascii());
        texts.push_str(&error.spelling);
        texts.push('\n');
    }
    snapshot::check("keys_near_misses", &texts);
}

#[test]
fn encoded_keys_print_like_their_keys() {
    let key: Key = artifact(5350, ArtifactKind::Ledgers).into();
    let encoded = key.encode();
    assert_eq!(encoded.as_str(), "chunk:00005350:ledgers");
    assert_eq!(encoded.as_bytes(), b"chunk:00005350:ledgers");
    assert_eq!(format!("{encoded:?}"), "\"chunk:00005350:ledgers\"");
    assert_eq!(format!("{key:>24}|"), "  chunk:00005350:ledgers|");
    let typed = artifact(5350, ArtifactKind::Ledgers);
    assert_eq!(format!("{typed:<24}|"), "chunk:00005350:ledgers  |");
    let hot = HotKey { chunk: chunk(7) };
    assert_eq!(hot.to_string(), "hot:chunk:00000007");
    assert_eq!(index(7, 8).to_string(), "index:00000000:00000007:00000008");
    assert_eq!(Key::from(index(7, 8)), index(7, 8));
    assert_eq!(EarliestLedgerKey.to_string(), "config:earliest_ledger");
}

/// Changes, inserts or deletes one byte.
fn mutate(key: Key, position: usize, byte: u8, how: u8) -> Vec<u8> {
    let mut bytes = key.encode().as_bytes().to_vec();
    let position = position % bytes.len();
    match how % 3 {
        0 => bytes[position] = byte,
        1 => bytes.insert(position, byte),
        _ => {
            bytes.remove(position);
        }
    }
    bytes
}

proptest! {
    #[test]
    fn parsing_undoes_printing(key in any_key()) {
        let printed = key.to_string();
        let encoded = key.encode();
        prop_assert_eq!(encoded.as_bytes(), printed.as_bytes());
        prop_assert_eq!(Key::parse(printed.as_bytes()), Ok(key));
        prop_assert!(is_key(printed.as_bytes()));
    }

    #[test]
    fn keys_are_in_the_order_of_their_bytes(one in any_key(), far in any_key(), near in any_key()) {
        // Two keys of random chunks seldom share one, so the kinds are compared within the same chunk, too.
        let near = match (one, near) {
            (Key::Artifact(one), Key::Artifact(near)) => artifact(one.chunk.get(), near.kind).into(),
            (Key::Index(one), Key::Index(near)) => {
                let chunks = near.coverage.chunks().len();
                index_of(one.coverage.lo(), u32::try_from(chunks).unwrap()).into()
            }
            (_, near) => near,
        };
        for other in [far, near] {
            let by_bytes = one.encode().as_bytes().cmp(other.encode().as_bytes());
            prop_assert_eq!(one.cmp(&other), by_bytes, "{} and {}", one, other);
            prop_assert_eq!(one.partial_cmp(&other), Some(by_bytes));
            if let (Key::Artifact(one), Key::Artifact(other)) = (one, other) {
                prop_assert_eq!(one.cmp(&other), by_bytes);
            }
            if let (Key::Index(one), Key::Index(other)) = (one, other) {
                prop_assert_eq!(one.cmp(&other), by_bytes);
            }
            if let (Key::Hot(one), Key::Hot(other)) = (one, other) {
                prop_assert_eq!(one.cmp(&other), by_bytes);
            }
        }
    }

    #[test]
    fn printing_undoes_parsing(bytes: Vec<u8>) {
        prop_assert_eq!(Key::parse(&bytes).is_ok(), is_key(&bytes));
    }

    #[test]
    fn a_near_miss_is_rejected_or_another_key(
        key in any_key(),
        position: usize,
        byte in prop_oneof![any::<u8>(), b'0'..=b'9', b'a'..=b'z', Just(b':'), Just(b'+')],
        how: u8,
    ) {
        let bytes = mutate(key, position, byte, how);
        prop_assert_eq!(Key::parse(&bytes).is_ok(), is_key(&bytes));
        match Key::parse(&bytes) {
            Ok(other) => {
                let (encoded, original) = (other.encode(), key.encode());
                prop_assert_eq!(encoded.as_bytes(), &bytes[..]);
                prop_assert_eq!(other == key, bytes == original.as_bytes());
            }
            Err(error) => prop_assert_eq!(error.spelling, bytes.escape_ascii().to_string()),
        }
    }

    #[test]
    fn different_keys_are_spelled_differently(one in any_key(), other in any_key()) {
        prop_assert_eq!(one == other, one.to_string() == other.to_string());
    }
}
