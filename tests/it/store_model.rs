//! Compares the model of the store with the real store. The same program leaves the same kinds of files, numbers
//! and records in both, except for the differences listed here.

use std::collections::{BTreeMap, BTreeSet};

use frostline::sim::SimDisk;
use frostline::{Catalog, Ledgers, RootRole, StorageRoots};

use crate::fixture::{Data, chunk};

/// The kinds of files that the model leaves out. The model's manifest holds the entries of a table, and a
/// simulated disk has space.
const ONLY_REAL: [&str; 5] = ["IDENTITY", "LOCK", "OPTIONS", "frostline.reserve", "sst"];

/// The step after which the real store has a new manifest and a new log, and the model does not. New files at each
/// start would make the number of different crash images unbounded. A start with records does the same in both.
const NOT_RENEWED: &str = "a start without records";

/// The kinds of files that both stores have.
const BOTH: [&str; 5] = [
    "CURRENT",
    "MANIFEST",
    "frostline.identity",
    "frostline.lock",
    "log",
];

/// The catalog's directory after a step.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    kinds: BTreeSet<String>,
    /// The sequence number and the count of edits of each batch of the logs, oldest first.
    batches: Vec<(u64, u32)>,
    logs_with_batches: usize,
    logs: usize,
    manifests: usize,
    names_a_manifest_that_is_there: bool,
    /// Whether the log that commits go to has a larger number than at the step before.
    has_a_new_log: bool,
    has_a_new_manifest: bool,
}

/// A real or simulated disk.
enum World {
    Real(Data),
    Simulated(SimDisk),
}

impl World {
    fn open(&self) -> Catalog {
        match self {
            Self::Real(data) => data.open(),
            Self::Simulated(disk) => {
                // Releases the locks of the previous process.
                disk.restart();
                let roots = StorageRoots::under("/data").unwrap();
                Catalog::open(roots.lock_on_simulated(disk).unwrap()).unwrap()
            }
        }
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        match self {
            Self::Real(data) => {
                for entry in std::fs::read_dir(data.root(RootRole::Catalog)).unwrap() {
                    let entry = entry.unwrap();
                    let name = entry.file_name().into_string().unwrap();
                    files.insert(name, std::fs::read(entry.path()).unwrap());
                }
            }
            Self::Simulated(disk) => disk.walk(|path, bytes| {
                let roots = StorageRoots::under("/data").unwrap();
                if let (Ok(name), Some(bytes)) =
                    (path.strip_prefix(roots.path(RootRole::Catalog)), bytes)
                {
                    files.insert(name.to_str().unwrap().to_owned(), bytes.to_vec());
                }
            }),
        }
        files
    }
}

fn kind_of(name: &str) -> String {
    let kinds = BOTH.iter().chain(&ONLY_REAL);
    let mut kinds = kinds.filter(|kind| name.starts_with(**kind) || name.ends_with(**kind));
    kinds.next().map_or(name, |kind| kind).to_owned()
}

/// Returns the payloads of a log's records. Each payload is one batch, because no batch here is as long as a
/// block.
fn records(bytes: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    let mut rest = bytes;
    while let [_, _, _, _, low, high, kind, payload @ ..] = rest {
        if *kind == 0 {
            break;
        }
        assert_eq!(*kind, 1, "a whole record");
        let (record, behind) = payload.split_at(usize::from(u16::from_le_bytes([*low, *high])));
        records.push(record);
        rest = behind;
    }
    records
}

fn number(name: &str) -> u64 {
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// Returns the largest number of a file of this kind.
fn newest(files: &BTreeMap<String, Vec<u8>>, kind: &str) -> u64 {
    let names = files.keys().filter(|name| kind_of(name) == kind);
    names.map(|name| number(name)).max().unwrap_or(0)
}

fn shape(files: &BTreeMap<String, Vec<u8>>, before: &BTreeMap<String, Vec<u8>>) -> Shape {
    let logs: BTreeMap<_, _> = files
        .iter()
        .filter(|(name, _)| kind_of(name) == "log")
        .map(|(name, bytes)| (number(name), records(bytes)))
        .collect();
    let head = |record: &[u8]| {
        let sequence = record[..8].try_into().unwrap();
        let count = record[8..12].try_into().unwrap();
        (u64::from_le_bytes(sequence), u32::from_le_bytes(count))
    };
    let named = String::from_utf8(files["CURRENT"].clone()).unwrap();
    let of_kind = |kind: &str| files.keys().filter(|name| kind_of(name) == kind).count();
    Shape {
        kinds: files.keys().map(|name| kind_of(name)).collect(),
        batches: logs.values().flatten().map(|record| head(record)).collect(),
        logs_with_batches: logs.values().filter(|records| !records.is_empty()).count(),
        logs: logs.len(),
        manifests: of_kind("MANIFEST"),
        names_a_manifest_that_is_there: files.contains_key(named.trim_end()),
        has_a_new_log: newest(files, "log") > newest(before, "log"),
        has_a_new_manifest: newest(files, "MANIFEST") > newest(before, "MANIFEST"),
    }
}

fn begin(catalog: &Catalog, numbers: std::ops::Range<u32>) {
    for number in numbers {
        drop(catalog.begin::<Ledgers>(chunk(number)).unwrap());
    }
}

/// Commits several changes in one batch.
fn freeze_together(catalog: &Catalog, numbers: std::ops::Range<u32>) {
    let synced: Vec<_> = numbers
        .map(|number| {
            let mut freezing = catalog.begin::<Ledgers>(chunk(number)).unwrap();
            freezing.file(Ledgers::PACK).unwrap();
            freezing.sync().unwrap()
        })
        .collect();
    drop(catalog.commit(synced).unwrap());
}

/// Commits a batch that deletes.
fn abandon(catalog: &Catalog) {
    let freezing = catalog.begin::<Ledgers>(chunk(30)).unwrap();
    freezing.abandon().unwrap();
}

/// Runs the steps of each process, and returns the shape of the catalog's directory after each step.
fn run(world: &World) -> Vec<(&'static str, Shape)> {
    type Step = (&'static str, fn(&Catalog));
    let processes: [&[Step]; 4] = [
        &[
            ("the first start", |_| {}),
            ("three batches", |catalog| begin(catalog, 0..3)),
            ("a batch of two", |catalog| freeze_together(catalog, 10..12)),
        ],
        &[
            ("a start with records", |_| {}),
            ("more batches", |catalog| begin(catalog, 20..22)),
            ("a batch that deletes", abandon),
        ],
        &[("another start with records", |_| {})],
        &[("a start without records", |_| {})],
    ];
    let mut before = BTreeMap::new();
    let mut shapes = Vec::new();
    for steps in processes {
        let catalog = world.open();
        for (name, step) in steps {
            step(&catalog);
            let files = world.files();
            shapes.push((*name, shape(&files, &before)));
            before = files;
        }
    }
    shapes
}

#[test]
fn the_model_of_the_store_leaves_the_files_of_the_real_one() {
    let real = run(&World::Real(Data::new()));
    let model = run(&World::Simulated(SimDisk::new()));
    assert_eq!(real.len(), model.len());
    for ((step, mut real), (_, mut model)) in real.into_iter().zip(model) {
        real.kinds.retain(|kind| !ONLY_REAL.contains(&&**kind));
        if step == NOT_RENEWED {
            for has_a_new in [&mut real.has_a_new_log, &mut real.has_a_new_manifest] {
                assert!(std::mem::take(has_a_new), "{step}");
            }
        }
        assert_eq!(real, model, "after {step}");
        assert!(model.names_a_manifest_that_is_there);
        // Every kind of file must be in one of the two lists.
        model.kinds.retain(|kind| !BOTH.contains(&&**kind));
        assert!(model.kinds.is_empty(), "{:?}", model.kinds);
    }
}
