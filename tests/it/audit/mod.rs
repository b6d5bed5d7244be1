//! The audit: it reports every finding, and changes nothing on disk.

mod program;
mod resistance;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use frostline::audit::{Audit, audit};
use frostline::error::AuditError;
use frostline::key::FileName;
use frostline::key::LOCK_FILE;
use frostline::{
    ArtifactKind, ArtifactSet, Catalog, Events, Freezing, Key, Kind, Ledgers, RootRole, TxHash,
};

use crate::fixture::{Data, chunk, freeze, ledger, tree};
use crate::snapshot;

/// Returns the directory's entries with all attributes that a writer would change.
pub fn fingerprint(root: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u64, i64, i64)> {
    let mut found = tree(root);
    found.insert(PathBuf::new(), Vec::new());
    let entries = found.into_iter().map(|(path, bytes)| {
        let about = root.join(&path).symlink_metadata().unwrap();
        let times = (about.mtime(), about.mtime_nsec());
        (path, (bytes, about.ino(), times.0, times.1))
    });
    entries.collect()
}

fn write_file<K: Kind>(freezing: &mut Freezing<K>, file: FileName<K>) {
    let mut file = freezing.file(file).unwrap();
    file.write_all(b"bytes").unwrap();
    file.flush().unwrap();
}

/// Freezes all three kinds of chunk 0, makes chunk 1 hot, and writes a pin.
fn normal_life(catalog: &Catalog) {
    let mut set = catalog.begin_set(chunk(0), ArtifactSet::ALL).unwrap();
    write_file(set.ledgers.as_mut().unwrap(), Ledgers::PACK);
    for file in [Events::EVENTS, Events::INDEX, Events::HASH] {
        write_file(set.events.as_mut().unwrap(), file);
    }
    write_file(set.txhash.as_mut().unwrap(), TxHash::BIN);
    drop(catalog.commit(set.sync().unwrap()).unwrap());
    drop(catalog.create_hot(chunk(1)).unwrap().ready().unwrap());
    let _first = catalog.pin_earliest_ledger(ledger(2)).unwrap();
}

/// Audits, and asserts that the whole tree is unchanged.
fn audit_unchanged(data: &Data) -> Audit {
    let before = fingerprint(data.outside());
    let report = audit(&data.roots()).unwrap();
    assert_eq!(fingerprint(data.outside()), before);
    report
}

fn texts(data: &Data, report: &Audit) -> Vec<String> {
    let findings = report.findings().iter();
    findings
        .map(|finding| data.redact(&finding.to_string()))
        .collect()
}

#[test]
fn a_normal_life_is_clean_open_or_closed() {
    let data = Data::new();
    drop(data.open());
    assert!(audit_unchanged(&data).is_clean(), "nothing yet");
    let catalog = data.open();
    normal_life(&catalog);
    // A swept artifact leaves an empty bucket.
    let frozen = freeze(&catalog, 5_000, b"gone again");
    let swept = catalog.sweep_chunk_artifacts([frozen.demote()]).unwrap();
    assert_eq!(swept.deleted.len(), 1);
    std::fs::create_dir(data.path().join("hot/lost+found")).unwrap();
    let open = audit_unchanged(&data);
    assert!(open.is_clean(), "{open}");
    drop(catalog);
    let closed = audit_unchanged(&data);
    assert_eq!(closed.to_string(), open.to_string());
    assert_eq!(closed.counts(), open.counts());
    assert_eq!((open.counts().frozen, open.counts().files), (3, 5));
    assert!(closed.unfinished().is_nothing());
    let text = format!("{closed}\n\n{}\n", closed.to_json());
    snapshot::check("audit_clean", &data.redact(&text));
}

#[test]
fn unfinished_work_is_counted_and_no_finding() {
    let data = Data::new();
    let catalog = data.open();
    // The crashes come right after the mark, after one of three files, and after the demotion.
    drop(catalog.begin::<Ledgers>(chunk(1)).unwrap());
    let mut events = catalog.begin::<Events>(chunk(1)).unwrap();
    write_file(&mut events, Events::EVENTS);
    drop(events);
    let frozen = freeze(&catalog, 2, b"on its way out");
    drop(catalog.commit(frozen.demote()).unwrap());
    drop(catalog.create_hot(chunk(3)).unwrap());
    drop(catalog.create_hot(chunk(4)).unwrap());
    std::fs::remove_dir(data.path().join("hot/00000004")).unwrap();
    let report = audit_unchanged(&data);
    assert!(report.is_clean(), "{report}");
    let owed = report.unfinished();
    assert_eq!((owed.freezing, owed.pruning, owed.transient), (2, 1, 2));
    std::fs::remove_file(data.pack(2)).unwrap();
    assert!(audit_unchanged(&data).is_clean());
}

/// The keys and the files of indexes are compared in both directions.
#[test]
fn indexes_are_audited_like_artifacts() {
    let data = Data::new();
    let catalog = data.open();
    let below = |path: &str| data.path().join("txhash/index").join(path);
    let write = |path: &str| std::fs::write(below(path), b"index").unwrap();
    let put = |key: &[u8], value: &[u8]| catalog.write_raw_for_test(key, Some(value)).unwrap();
    std::fs::create_dir_all(below("00000005")).unwrap();
    put(b"index:00000005:00005000:00005350", b"frozen");
    write("00000005/00005000-00005350.idx");
    put(b"index:00000005:00005000:00005351", b"freezing");
    put(b"index:00000005:00005000:00005349", b"pruning");
    write("00000005/00005000-00005349.idx");
    let report = audit_unchanged(&data);
    assert!(report.is_clean(), "{report}");
    let counts = report.counts();
    assert_eq!((counts.freezing, counts.frozen, counts.pruning), (1, 1, 1));

    put(b"index:00000000:00000000:00000007", b"frozen");
    put(b"index:00000006:00006000:00006000", b"ready");
    put(b"index:00000006:00006000:00006001", b"frozen");
    std::fs::create_dir_all(below("00000006/00006000-00006001.idx")).unwrap();
    write("00000005/00005000-00005999.idx");
    write("00000005/00005000-00006000.idx");
    std::fs::create_dir(below("00005")).unwrap();
    let report = audit_unchanged(&data);
    let mut texts: Vec<_> = report
        .findings()
        .iter()
        .map(|finding| data.redact(&finding.to_string()))
        .collect();
    texts.sort();
    snapshot::check("audit_indexes", &texts.join("\n"));
}

/// Puts a tree into every state that the audit reports as a finding.
fn every_finding(data: &Data) {
    let catalog = data.open();
    normal_life(&catalog);
    let below = |path: &str| data.path().join(path);
    let write = |path: &str| std::fs::write(below(path), b"stray").unwrap();
    let put = |key: &[u8], value: &[u8]| catalog.write_raw_for_test(key, Some(value)).unwrap();
    // Files without keys, one of them a link, and a directory.
    write("ledgers/00000/00000077.pack");
    symlink("00000077.pack", below("ledgers/00000/00000078.pack")).unwrap();
    write("events/00000/00000077-index.hash");
    write("txhash/raw/00000/00000077.bin");
    std::fs::create_dir(below("hot/00000077")).unwrap();
    // Keys without their files.
    put(b"chunk:00000010:ledgers", b"frozen");
    put(b"chunk:00429495:txhash", b"frozen");
    std::fs::remove_file(below("events/00000/00000000-index.pack")).unwrap();
    put(b"hot:chunk:00000010", b"ready");
    // Entries of another type in place of artifacts.
    put(b"chunk:00000011:ledgers", b"frozen");
    std::fs::create_dir(below("ledgers/00000/00000011.pack")).unwrap();
    put(b"chunk:00000012:ledgers", b"pruning");
    symlink("nowhere", below("ledgers/00000/00000012.pack")).unwrap();
    put(b"hot:chunk:00000011", b"ready");
    write("hot/00000011");
    put(b"hot:chunk:00000012", b"transient");
    symlink("../ledgers", below("hot/00000012")).unwrap();
    // Unrecognised entries. The file under an unrecognised value has its key.
    put(b"chunk:00000013:ledgers", b"frozenn");
    write("ledgers/00000/00000013.pack");
    put(b"hot:chunk:00000013", b"");
    put(b"config:earliest_ledger", b"+5");
    put(b"chunk:+1234567:ledgers", b"frozen");
    put(b"index:00000005:\xff", b"frozen");
    // Entries that no key could name.
    write("ledgers/README");
    write("ledgers/00000/00000000.pack.tmp");
    write("ledgers/00000/00001000.pack");
    write("events/00000/00000000.pack");
    write("txhash/raw/notes");
    write("hot/7");
    symlink("00000", below("ledgers/00007")).unwrap();
    for directory in [
        "ledgers/0",
        "ledgers/00430",
        "ledgers/+0001",
        "ledgers/raw",
        "ledgers/00000/more",
        "txhash/00000",
        "txhash/raw/raw",
        "hot/7000",
        "ledgers/frostline.lockers",
        "events/lost+found+",
    ] {
        std::fs::create_dir(below(directory)).unwrap();
        std::fs::write(below(directory).join("00000077.pack"), b"").unwrap();
    }
}

#[test]
fn every_finding_is_found_in_one_walk() {
    let data = Data::new();
    every_finding(&data);
    let report = audit_unchanged(&data);
    assert!(!report.is_clean());
    let text = format!("{report}\n\n{}\n", report.to_json());
    snapshot::check("audit_findings", &data.redact(&text));
    let distinct: BTreeSet<_> = report
        .findings()
        .iter()
        .map(|finding| format!("{finding:?}").split(' ').next().unwrap().to_owned())
        .collect();
    // This is every finding except `Unreadable`, which has a test of its own.
    assert_eq!(distinct.len(), 10, "{distinct:?}");
}

#[test]
fn the_json_report_holds_the_same_findings() {
    let data = Data::new();
    every_finding(&data);
    let report = audit(&data.roots()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    let found = json["findings"].as_array().unwrap();
    assert_eq!(json["clean"], false);
    assert_eq!(found.len(), report.findings().len());
    for (found, finding) in found.iter().zip(report.findings()) {
        assert_eq!(found["text"], finding.to_string());
        let key = finding.key().map(|key| key.to_string());
        assert_eq!(found["key"].as_str(), key.as_deref());
        let path = finding.path().map(|path| path.to_str().unwrap());
        assert_eq!(found["path"].as_str(), path);
        assert_eq!(found["breaks"].as_str(), finding.breaks());
    }
}

/// The audit of a missing catalog is an error and creates nothing.
#[test]
fn no_catalog_is_said_and_none_is_created() {
    let refuse = |data: &Data| {
        let before = fingerprint(data.outside());
        let error = audit(&data.roots()).unwrap_err();
        assert_eq!(fingerprint(data.outside()), before);
        assert!(matches!(error, AuditError::NoCatalog { .. }), "{error}");
        error.to_string()
    };
    let data = Data::new();
    assert!(
        refuse(&data).contains("does not exist"),
        "no data directory"
    );
    std::fs::create_dir(data.path()).unwrap();
    assert!(refuse(&data).contains("does not exist"), "an empty one");
    std::fs::create_dir_all(data.root(RootRole::Catalog)).unwrap();
    assert!(refuse(&data).contains("no `CURRENT`"), "an empty root");
    std::fs::write(data.root(RootRole::Catalog).join(LOCK_FILE), "").unwrap();
    assert!(refuse(&data).contains("no `CURRENT`"), "a lock file");
    std::fs::create_dir(data.root(RootRole::Catalog).join("frostline.creating")).unwrap();
    assert!(refuse(&data).contains("interrupted"), "half created");
}

#[test]
fn a_missing_root_is_fine_unless_a_key_needs_it() {
    let data = Data::new();
    drop(data.open());
    for role in [RootRole::Ledgers, RootRole::Events, RootRole::TxHash] {
        std::fs::remove_dir_all(data.root(role)).unwrap();
    }
    std::fs::remove_dir_all(data.root(RootRole::Hot)).unwrap();
    assert!(audit_unchanged(&data).is_clean());
    data.write_raw_for_test(&[
        (b"chunk:00000001:events", b"freezing"),
        (b"chunk:00000001:ledgers", b"frozen"),
        (b"hot:chunk:00000001", b"ready"),
    ]);
    let report = audit_unchanged(&data);
    assert_eq!(report.findings().len(), 2, "{report}");
}

#[test]
fn a_torn_log_is_read_and_stays_torn() {
    let data = Data::new();
    let catalog = data.open();
    drop(freeze(&catalog, 7, b"here"));
    drop(catalog);
    let logs = tree(&data.root(RootRole::Catalog));
    let log = logs
        .keys()
        .rfind(|path| path.extension().is_some_and(|extension| extension == "log"))
        .unwrap();
    let log = data.root(RootRole::Catalog).join(log);
    let mut bytes = std::fs::read(&log).unwrap();
    let torn = bytes.len() / 4;
    bytes.extend_from_within(..torn);
    std::fs::write(&log, &bytes).unwrap();
    // The log then ends in the beginning of an incomplete batch, which is not a sound record.
    bytes.truncate(bytes.len() - 3);
    let end = bytes.len();
    bytes[end - torn + 4] ^= 0xff;
    std::fs::write(&log, &bytes).unwrap();
    let report = audit_unchanged(&data);
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.counts().frozen, 1);
}

#[test]
fn a_finding_says_which_key_it_is_about() {
    let data = Data::new();
    drop(data.open());
    data.write_raw_for_test(&[(b"chunk:00000001:ledgers", b"frozen")]);
    let report = audit(&data.roots()).unwrap();
    let [finding] = report.findings() else {
        panic!("{report}");
    };
    let key = frostline::ArtifactKey {
        chunk: chunk(1),
        kind: ArtifactKind::Ledgers,
    };
    assert_eq!(finding.key(), Some(Key::from(key)));
    assert_eq!(finding.path(), Some(data.pack(1).as_path()));
    assert_eq!(finding.breaks(), Some("frozen is durable and complete"));
}
