//! The two-way mapping between keys and paths, as a table and as properties.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use frostline::error::RootPathError;
use frostline::geometry::Coverage;
use frostline::key::{FileName, HotKey, IndexKey, Layout};
use frostline::{
    ArtifactKey, ArtifactKind, ChunkId, Events, Key, Kind, Ledgers, RootRole, StorageRoots, TxHash,
};
use proptest::prelude::*;

use crate::fixture::chunk;
use crate::snapshot;

const EDGES: [u32; 6] = [0, 999, 1000, 5350, 99_999, 429_495];

fn default_layout() -> Layout {
    StorageRoots::under("/data").unwrap().layout()
}

fn overridden_layout() -> Layout {
    StorageRoots::under("/data")
        .and_then(|roots| roots.with(RootRole::Catalog, "/fast/the catalog"))
        .and_then(|roots| roots.with(RootRole::Ledgers, "/cold/one/ledgers of the network"))
        .and_then(|roots| roots.with(RootRole::Events, "/cold/two"))
        .and_then(|roots| roots.with(RootRole::TxHash, "/cold/three/"))
        .and_then(|roots| roots.with(RootRole::Hot, "/fast/hot"))
        .unwrap()
        .layout()
}

/// Returns the key of the index from the window's first chunk to this one.
fn index_to(chunk: ChunkId) -> IndexKey {
    let coverage = Coverage::new(chunk.window().first(), chunk).unwrap();
    IndexKey { coverage }
}

/// Returns each key of a chunk with all of its paths.
fn keys_of(layout: &Layout, chunk: ChunkId) -> Vec<(Key, Vec<PathBuf>)> {
    let artifact = |kind| {
        let key = ArtifactKey { chunk, kind };
        (key.into(), layout.artifact_paths(key))
    };
    let hot = (HotKey { chunk }.into(), vec![layout.hot_path(chunk)]);
    let index = index_to(chunk);
    let index = (index.into(), vec![layout.index_path(index)]);
    ArtifactKind::ALL
        .map(artifact)
        .into_iter()
        .chain([hot, index])
        .collect()
}

fn table(layout: &Layout) -> String {
    let mut text = String::new();
    for (role, path) in layout.roots().iter() {
        let name = format!("{role} root");
        writeln!(text, "{name:<22} {}", path.display()).unwrap();
    }
    for number in EDGES {
        text.push('\n');
        for (key, paths) in keys_of(layout, chunk(number)) {
            for path in paths {
                assert_eq!(layout.key_of(&path), Ok(key));
                writeln!(text, "{key:<22} {}", path.display()).unwrap();
            }
        }
    }
    text
}

#[test]
fn the_table_with_default_roots() {
    snapshot::check("layout_default", &table(&default_layout()));
}

#[test]
fn the_table_with_roots_elsewhere() {
    snapshot::check("layout_overridden", &table(&overridden_layout()));
}

#[test]
fn the_paths_of_the_specification() {
    let layout = default_layout();
    let chunk = chunk(5350);
    let paths = |kind| layout.artifact_paths(ArtifactKey { chunk, kind });
    assert_eq!(
        paths(ArtifactKind::Ledgers),
        [Path::new("/data/ledgers/00005/00005350.pack")]
    );
    assert_eq!(
        paths(ArtifactKind::Events),
        [
            Path::new("/data/events/00005/00005350-events.pack"),
            Path::new("/data/events/00005/00005350-index.pack"),
            Path::new("/data/events/00005/00005350-index.hash"),
        ]
    );
    assert_eq!(
        paths(ArtifactKind::TxHash),
        [Path::new("/data/txhash/raw/00005/00005350.bin")]
    );
    assert_eq!(layout.hot_path(chunk), Path::new("/data/hot/00005350"));
    assert_eq!(
        layout.index_path(index_to(chunk)),
        Path::new("/data/txhash/index/00000005/00005000-00005350.idx")
    );
    assert_eq!(
        layout.roots().path(RootRole::Catalog),
        Path::new("/data/catalog/rocksdb")
    );
}

#[test]
fn a_file_of_a_kind_has_the_path_of_the_list() {
    fn compare<K: Kind<Id = ChunkId>>(layout: &Layout, named: &[FileName<K>]) {
        let chunk = chunk(5350);
        let kind = K::KIND;
        let all = layout.artifact_paths(ArtifactKey { chunk, kind });
        let by_name = |name: &FileName<K>| layout.artifact_path(chunk, *name);
        assert_eq!(named.iter().map(by_name).collect::<Vec<_>>(), all);
        let listed: Vec<_> = FileName::<K>::all().map(|name| by_name(&name)).collect();
        assert_eq!(listed, all);
        let directory = layout.artifact_directory(ArtifactKey { chunk, kind });
        assert!(all.iter().all(|path| path.parent() == Some(&directory)));
    }
    for layout in [default_layout(), overridden_layout()] {
        compare(&layout, &[Ledgers::PACK]);
        compare(&layout, &[Events::EVENTS, Events::INDEX, Events::HASH]);
        compare(&layout, &[TxHash::BIN]);
    }
}

#[test]
fn every_path_is_of_one_key_only() {
    for layout in [default_layout(), overridden_layout()] {
        let mut owners: HashMap<PathBuf, Key> = HashMap::new();
        for number in (0..3000).chain((0..=429_495).step_by(503)).chain(EDGES) {
            for (key, paths) in keys_of(&layout, chunk(number)) {
                for path in paths {
                    let other = *owners.entry(path).or_insert(key);
                    assert_eq!(other, key);
                }
            }
        }
        // Each chunk has seven paths, and no path occurs twice.
        assert_eq!(owners.len() % 7, 0);
        assert!(owners.len() > 7 * 3800);
    }
}

#[test]
fn other_paths_are_of_no_key() {
    let layout = default_layout();
    let rejected: [&[u8]; 52] = [
        // Wrong bucket, or wrong number of digits.
        b"/data/ledgers/00006/00005350.pack",
        b"/data/ledgers/5/00005350.pack",
        b"/data/ledgers/000005/00005350.pack",
        b"/data/ledgers/00005350.pack",
        b"/data/ledgers/00005/5350.pack",
        b"/data/ledgers/00005/000005350.pack",
        b"/data/ledgers/00005/+0005350.pack",
        b"/data/ledgers/00429/00429496.pack",
        b"/data/ledgers/00430/00430000.pack",
        b"/data/hot/00429496",
        b"/data/hot/5350",
        // Other spellings of a valid path.
        b"/data//ledgers/00005/00005350.pack",
        b"/data/ledgers//00005/00005350.pack",
        b"/data/ledgers/00005/00005350.pack/",
        b"/data/ledgers/00005/./00005350.pack",
        b"/data/ledgers/00005/../00005/00005350.pack",
        b"//data/ledgers/00005/00005350.pack",
        b"/data/hot/00005350/",
        b"/data/hot/../hot/00005350",
        b"data/ledgers/00005/00005350.pack",
        b"/DATA/ledgers/00005/00005350.pack",
        // Wrong suffix, or the suffix of another kind.
        b"/data/ledgers/00005/00005350",
        b"/data/ledgers/00005/00005350.bin",
        b"/data/ledgers/00005/00005350.pack.tmp",
        b"/data/ledgers/00005/00005350-events.pack",
        b"/data/events/00005/00005350.pack",
        b"/data/txhash/00005/00005350.bin",
        b"/data/txhash/raw/00005350.bin",
        b"/data/hot/00005350.pack",
        b"/data/hot/00005/00005350",
        // Indexes of another window, of two windows, reversed, out of range, or in another place.
        b"/data/txhash/index/00000006/00005000-00005350.idx",
        b"/data/txhash/index/00005/00005000-00005350.idx",
        b"/data/txhash/index/00005000-00005350.idx",
        b"/data/txhash/raw/00000005/00005000-00005350.idx",
        b"/data/txhash/00000005/00005000-00005350.idx",
        b"/data/ledgers/index/00000005/00005000-00005350.idx",
        b"/data/txhash/index/00000005/00005000-00006000.idx",
        b"/data/txhash/index/00000005/00005351-00005350.idx",
        b"/data/txhash/index/00000429/00429000-00429496.idx",
        b"/data/txhash/index/00000005/00005000-5350.idx",
        b"/data/txhash/index/00000005/00005000-+0005350.idx",
        b"/data/txhash/index/00000005/00005000-00005350",
        b"/data/txhash/index/00000005/00005000-00005350.idx.tmp",
        b"/data/txhash/index/00000005",
        // Roots, buckets, and paths outside the roots.
        b"/data/ledgers",
        b"/data/ledgers/00005",
        b"/data",
        b"/",
        b"",
        b"/other/ledgers/00005/00005350.pack",
        // Not valid UTF-8.
        b"/data/ledgers/00005/0000535\xff.pack",
        b"/data/ledgers/00005/00005350.pack\xff",
    ];
    for bytes in rejected {
        let path = Path::new(OsStr::from_bytes(bytes));
        let error = layout.key_of(path).unwrap_err();
        assert_eq!(error.path, path);
        assert_eq!(error.path.as_os_str().as_bytes(), bytes);
    }
    let below = Path::new("/data/hot/00005350/CURRENT");
    assert!(layout.key_of(below).is_err());
}

#[test]
fn a_path_of_one_layout_is_of_no_key_in_another() {
    let (default, overridden) = (default_layout(), overridden_layout());
    for (_, paths) in keys_of(&default, chunk(5350)) {
        for path in paths {
            assert!(overridden.key_of(&path).is_err(), "{}", path.display());
        }
    }
}

#[test]
fn roots_are_absolute_and_not_empty() {
    let empty = Path::new("");
    assert!(matches!(
        StorageRoots::under(empty),
        Err(RootPathError::Empty { .. })
    ));
    for relative in ["data", "./data", "../data", "."] {
        match StorageRoots::under(relative).unwrap_err() {
            RootPathError::Relative { path, .. } => assert_eq!(path, Path::new(relative)),
            other => panic!("{other}"),
        }
    }
    let roots = StorageRoots::under("/data").unwrap();
    for role in RootRole::ALL {
        let error = roots.clone().with(role, "").unwrap_err();
        let what = format!("{role} root");
        assert_eq!(error, RootPathError::Empty { what: what.clone() });
        let error = roots.clone().with(role, "here/hot").unwrap_err();
        let path = PathBuf::from("here/hot");
        assert_eq!(error, RootPathError::Relative { what, path });
    }
}

#[test]
fn overriding_one_root_leaves_the_others() {
    let roots = StorageRoots::under("/data").unwrap();
    for role in RootRole::ALL {
        let moved = roots.clone().with(role, "/elsewhere").unwrap();
        for (other, path) in moved.iter() {
            let expected = if other == role {
                Path::new("/elsewhere")
            } else {
                roots.path(other)
            };
            assert_eq!(path, expected);
            assert_eq!(moved.path(other), expected);
        }
    }
}

#[test]
fn roots_may_hold_spaces_and_bytes_that_are_no_text() {
    let odd = OsString::from_vec(b"/data of \xff\xfe the node ".to_vec());
    let layout = StorageRoots::under(&odd).unwrap().layout();
    for (key, paths) in keys_of(&layout, chunk(5350)) {
        for path in paths {
            assert!(path.as_os_str().as_bytes().starts_with(odd.as_bytes()));
            assert_eq!(layout.key_of(&path), Ok(key));
        }
    }
}

fn any_layout() -> impl Strategy<Value = Layout> {
    prop_oneof![
        Just(default_layout()),
        Just(overridden_layout()),
        // One root holds every kind of artifact. The mapping is one to one there too.
        Just(
            RootRole::ALL
                .into_iter()
                .try_fold(StorageRoots::under("/data").unwrap(), |roots, role| {
                    roots.with(role, "/all")
                })
                .unwrap()
                .layout()
        ),
    ]
}

proptest! {
    #[test]
    fn each_path_leads_back_to_its_key(layout in any_layout(), number in 0..=429_495_u32) {
        for (key, paths) in keys_of(&layout, chunk(number)) {
            for path in paths {
                prop_assert_eq!(layout.key_of(&path), Ok(key));
            }
        }
    }

    /// Builds valid and invalid paths from the mapping's own parts.
    #[test]
    fn a_recognised_path_is_spelled_like_the_path_of_its_key(
        layout in any_layout(),
        role in prop::sample::select(RootRole::ALL.to_vec()),
        raw: bool,
        bucket in prop_oneof![Just(None), (0..3_u32).prop_map(Some)],
        number in 0..2500_u32,
        suffix in prop::sample::select(vec![
            "", ".pack", ".bin", "-events.pack", "-index.pack", "-index.hash", "-index", ".hash",
        ]),
    ) {
        let mut path = layout.roots().path(role).to_path_buf();
        if raw {
            path.push("raw");
        }
        if let Some(bucket) = bucket {
            path.push(format!("{bucket:05}"));
        }
        path.push(format!("{number:08}{suffix}"));
        if let Ok(key) = layout.key_of(&path) {
            let all = keys_of(&layout, chunk(number));
            let (_, paths) = all.into_iter().find(|(one, _)| *one == key).unwrap();
            prop_assert!(paths.contains(&path));
        } else {
            for (_, paths) in keys_of(&layout, chunk(number)) {
                prop_assert!(!paths.contains(&path));
            }
        }
    }

    /// Builds valid and invalid paths of indexes from their own parts.
    #[test]
    fn the_path_of_an_index_is_of_its_window(
        layout in any_layout(),
        window in 0..3_u32,
        lo in 0..2500_u32,
        hi in 0..2500_u32,
    ) {
        let mut path = layout.roots().path(RootRole::TxHash).join("index");
        path.push(format!("{window:08}"));
        path.push(format!("{lo:08}-{hi:08}.idx"));
        let coverage = Coverage::new(chunk(lo), chunk(hi)).ok();
        let key = coverage.map(|coverage| IndexKey { coverage });
        let key = key.filter(|_| lo / 1000 == window);
        prop_assert_eq!(layout.key_of(&path).ok(), key.map(Key::from));
        if let Some(key) = key {
            prop_assert_eq!(layout.index_path(key), path);
        }
    }

    /// Changes one byte of a valid path. The result is the path of another key or of no key.
    #[test]
    fn a_near_miss_is_of_no_key_or_of_another(
        number in 0..=429_495_u32,
        which in 0..7_usize,
        position: usize,
        byte in prop_oneof![any::<u8>(), b'0'..=b'9', Just(b'/'), Just(b'.')],
    ) {
        let layout = default_layout();
        let all = keys_of(&layout, chunk(number));
        let (key, path) = all
            .iter()
            .flat_map(|(key, paths)| paths.iter().map(move |path| (*key, path)))
            .nth(which)
            .unwrap();
        let mut bytes = path.as_os_str().as_bytes().to_vec();
        let position = position % bytes.len();
        bytes[position] = byte;
        let near = PathBuf::from(OsString::from_vec(bytes));
        if near.as_os_str() == path.as_os_str() {
            prop_assert_eq!(layout.key_of(&near), Ok(key));
        } else if let Ok(other) = layout.key_of(&near) {
            prop_assert_ne!(other, key);
        }
    }
}
