//! The configuration: its parsed values and its refusals.

mod loading;
mod refusals;

use frostline::error::Failure as _;
use std::fmt::Write as _;
use std::path::Path;

use frostline::config::{EarliestLedger, LogFormat, LogLevel};
use frostline::error::ConfigError;
use frostline::error::FailureKind;
use frostline::retention::Retention;
use frostline::{Config, RootRole};
use proptest::prelude::*;

use crate::fixture::{Data, ledger};
use crate::snapshot;

/// The path that the texts pretend to come from. No file is there.
const FILE: &str = "/etc/frostline/frostline.toml";

const MINIMAL: &str = r#"
[service]
default_data_dir = "/data"

[streaming]
captive_core_config = "/etc/core.cfg"
"#;

const FULL: &str = r#"
[service]
default_data_dir = "/data"

[backfill]
workers = 7
max_retries = 11

[backfill.bsb]
bucket_path = "lake/ledgers/pubnet"
buffer_size = 500
num_workers = 10

[immutable_storage.ledgers]
path = "/cold/ledgers of the network"

[immutable_storage.events]
path = "/cold/events"

[immutable_storage.txhash]
path = "/cold/txhash"

[catalog]
path = "/fast/catalog"

[streaming]
retention_chunks = 120
earliest_ledger = "10000002"
captive_core_config = "/etc/core.cfg"

[streaming.hot_storage]
path = "/fast/hot"

[logging]
level = "debug"
format = "json"
"#;

const RELATIVE: &str = r#"
[service]
default_data_dir = "the data"

[catalog]
path = "../shared/catalog"

[immutable_storage.events]
path = "/cold/all events"

[streaming]
captive_core_config = "core.cfg"

[streaming.hot_storage]
path = "./hot"
"#;

fn parse(text: &str) -> Config {
    Config::parse(text, FILE).unwrap()
}

/// Returns the error of a text.
fn refusal(text: &str) -> ConfigError {
    let error = Config::parse(text, FILE).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Refused);
    error
}

/// Loads these bytes from a file, and asserts that loading changes nothing on disk.
fn load(data: &Data, bytes: &[u8]) -> Result<Config, ConfigError> {
    let path = data.outside().join("frostline.toml");
    std::fs::write(&path, bytes).unwrap();
    let before = data.listing();
    let loaded = Config::load(&path);
    assert_eq!(data.listing(), before, "loading changes nothing on disk");
    loaded
}

/// Returns the minimal configuration with lines added to `[streaming]` or to sections of their own.
fn with_streaming(lines: &str) -> String {
    format!("{MINIMAL}{lines}\n")
}

#[test]
fn the_minimal_configuration_takes_every_default() {
    let config = parse(MINIMAL);
    let cpus = std::thread::available_parallelism().unwrap().get();
    assert_eq!(config.backfill.workers as usize, cpus);
    assert_eq!(config.streaming.retention(), Retention::KeepAll);
    let text = format!("{config:#?}\n");
    let workers = format!("workers: {cpus},\n        max_retries");
    let text = text.replace(&workers, "workers: {number of CPUs},\n        max_retries");
    assert!(text.contains("{number of CPUs}"));
    snapshot::check("config_minimal", &text);
}

#[test]
fn a_full_configuration_overrides_every_default() {
    let (full, minimal) = (parse(FULL), parse(MINIMAL));
    snapshot::check("config_full", &format!("{full:#?}\n"));
    assert_ne!(full.backfill.max_retries, minimal.backfill.max_retries);
    assert_ne!(
        full.backfill.bsb.bucket_path,
        minimal.backfill.bsb.bucket_path
    );
    assert_ne!(
        full.backfill.bsb.buffer_size,
        minimal.backfill.bsb.buffer_size
    );
    assert_ne!(
        full.backfill.bsb.num_workers,
        minimal.backfill.bsb.num_workers
    );
    assert_ne!(
        full.streaming.earliest_ledger,
        minimal.streaming.earliest_ledger
    );
    assert_ne!(
        full.streaming.retention_chunks,
        minimal.streaming.retention_chunks
    );
    assert_ne!(full.logging.level, minimal.logging.level);
    assert_ne!(full.logging.format, minimal.logging.format);
    for role in RootRole::ALL {
        assert_ne!(
            full.storage.path(role),
            minimal.storage.path(role),
            "{role}"
        );
    }
}

#[test]
fn relative_paths_are_taken_from_the_directory_of_the_file() {
    let mut text = String::new();
    for file in [FILE, "/home/of the node/frostline.toml", "/frostline.toml"] {
        let config = Config::parse(RELATIVE, file).unwrap();
        let core = config.streaming.captive_core_config.display().to_string();
        let data = config.service.default_data_dir.display().to_string();
        writeln!(text, "{file}\n  data    {data}\n  core    {core}").unwrap();
        for (role, path) in config.storage.iter() {
            assert!(path.is_absolute());
            let role = role.to_string();
            writeln!(text, "  {role:<7} {}", path.display()).unwrap();
        }
    }
    snapshot::check("config_roots", &text);
}

#[test]
fn a_data_directory_of_the_whole_disk_is_not_special() {
    let config = parse(&MINIMAL.replace("\"/data\"", "\"/\""));
    assert_eq!(config.storage.path(RootRole::Hot), Path::new("/hot"));
    let config = parse(&MINIMAL.replace("\"/data\"", "\".\""));
    let data = &config.service.default_data_dir;
    assert_eq!(data, Path::new("/etc/frostline/."));
}

#[test]
fn explicit_zeros_are_kept() {
    let text = with_streaming(
        "retention_chunks = 0\n\
         [backfill]\nworkers = 0\nmax_retries = 0\n\
         [backfill.bsb]\nbuffer_size = 0\nnum_workers = 0\nbucket_path = \"\"",
    );
    let config = parse(&text);
    assert_eq!(config.backfill.workers, 0);
    assert_eq!(config.backfill.max_retries, 0);
    assert_eq!(config.backfill.bsb.buffer_size, 0);
    assert_eq!(config.backfill.bsb.num_workers, 0);
    assert_eq!(config.backfill.bsb.bucket_path.as_deref(), Some(""));
    assert_eq!(config.streaming.retention_chunks, 0);
}

#[test]
fn the_earliest_ledger_is_genesis_now_or_a_ledger() {
    let cases = [
        ("genesis", EarliestLedger::Genesis),
        ("now", EarliestLedger::Now),
        ("2", EarliestLedger::Ledger(ledger(2))),
        // The pin, not the parser, checks whether a ledger starts a chunk.
        ("3", EarliestLedger::Ledger(ledger(3))),
        ("10000002", EarliestLedger::Ledger(ledger(10_000_002))),
        ("4294967295", EarliestLedger::Ledger(ledger(u32::MAX))),
    ];
    for (given, expected) in cases {
        let config = parse(&with_streaming(&format!("earliest_ledger = \"{given}\"")));
        assert_eq!(config.streaming.earliest_ledger, expected);
    }
}

#[test]
fn each_level_and_format_has_one_spelling() {
    let logging = |line: &str| parse(&with_streaming(&format!("[logging]\n{line}"))).logging;
    let levels = [
        ("debug", LogLevel::Debug),
        ("info", LogLevel::Info),
        ("warn", LogLevel::Warn),
        ("error", LogLevel::Error),
    ];
    for (given, expected) in levels {
        assert_eq!(logging(&format!("level = \"{given}\"")).level, expected);
    }
    for (given, expected) in [("text", LogFormat::Text), ("json", LogFormat::Json)] {
        assert_eq!(logging(&format!("format = \"{given}\"")).format, expected);
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|\n|\\[|\\]|=|\"){0,200}") {
        let _parsed = Config::parse(&text, FILE);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let data = Data::new();
        let _loaded = load(&data, &bytes);
    }

    /// A full configuration with one character replaced is loaded, or refused with a place.
    #[test]
    fn a_mistyped_file_is_loaded_or_refused_with_a_place(
        position in 0..FULL.len(),
        replacement in "\\PC|\n",
    ) {
        let mut text = FULL.to_owned();
        text.replace_range(position..=position, &replacement);
        if let Err(error) = Config::parse(&text, FILE) {
            let ConfigError::Invalid { line, column, .. } = error else {
                panic!("{error}");
            };
            let complained = text.split('\n').nth(line - 1);
            let length = complained.map(|line| line.chars().count());
            prop_assert!(length.is_some_and(|length| column <= length + 1), "{}", error);
        }
    }

    #[test]
    fn numbers_are_kept_as_given(
        workers: u32, max_retries: u32, buffer_size: u32, num_workers: u32, chunks: u32,
        earliest in 2..=u32::MAX,
    ) {
        let config = parse(&with_streaming(&format!(
            "retention_chunks = {chunks}\nearliest_ledger = \"{earliest}\"\n\
             [backfill]\nworkers = {workers}\nmax_retries = {max_retries}\n\
             [backfill.bsb]\nbuffer_size = {buffer_size}\nnum_workers = {num_workers}"
        )));
        prop_assert_eq!(config.backfill.workers, workers);
        prop_assert_eq!(config.backfill.max_retries, max_retries);
        prop_assert_eq!(config.backfill.bsb.buffer_size, buffer_size);
        prop_assert_eq!(config.backfill.bsb.num_workers, num_workers);
        prop_assert_eq!(config.streaming.retention_chunks, chunks);
        let expected = EarliestLedger::Ledger(ledger(earliest));
        prop_assert_eq!(config.streaming.earliest_ledger, expected);
    }
}
