//! Refused texts and their error messages.

use std::fmt::Write as _;

use frostline::error::ConfigError;

use super::{FILE, MINIMAL, refusal, with_streaming};
use crate::snapshot;

/// Asserts that each text is refused, checks that the place is in the message and in the text, and returns the
/// messages under their titles.
fn refusals(cases: &[(&str, String)]) -> String {
    let mut all = String::new();
    for (title, text) in cases {
        let error = refusal(text);
        let ConfigError::Invalid { line, column, .. } = &error else {
            panic!("{title}: {error}");
        };
        let place = format!("`{FILE}`, line {line}, column {column}: ");
        let message = error.to_string();
        assert!(message.starts_with(&place), "{message}");
        assert!(!message.contains('\n'), "{message}");
        let complained = text.split('\n').nth(line - 1).unwrap();
        assert!(*column <= complained.chars().count() + 1, "{message}");
        writeln!(all, "# {title}").unwrap();
        let complained = complained.replace(char::is_control, "\u{fffd}");
        writeln!(all, "  {complained}").unwrap();
        writeln!(all, "  {:>column$}", "^").unwrap();
        writeln!(all, "{message}\n").unwrap();
    }
    all
}

#[test]
fn an_unknown_key_or_section_is_named() {
    let added = |lines: &str| with_streaming(lines);
    let cases = [
        ("unknown section", added("[servce]\nx = 1")),
        ("unknown key at the top", format!("workers = 3\n{MINIMAL}")),
        (
            "unknown key in [service]",
            MINIMAL.replace("[service]", "[service]\ndata_dir = \"/d\""),
        ),
        ("unknown key in [backfill]", added("[backfill]\nworker = 3")),
        (
            "unknown section in [backfill]",
            added("[backfill.bbs]\nnum_workers = 3"),
        ),
        (
            "unknown key in [backfill.bsb]",
            added("[backfill.bsb]\nbuffersize = 3"),
        ),
        (
            "unknown kind",
            added("[immutable_storage.ledger]\npath = \"/l\""),
        ),
        (
            "unknown key in [immutable_storage]",
            added("[immutable_storage]\npath = \"/l\""),
        ),
        (
            "unknown key in [immutable_storage.ledgers]",
            added("[immutable_storage.ledgers]\npaht = \"/l\""),
        ),
        (
            "unknown key in [immutable_storage.events]",
            added("[immutable_storage.events]\nroot = \"/l\""),
        ),
        (
            "unknown key in [immutable_storage.txhash]",
            added("[immutable_storage.txhash]\nPath = \"/l\""),
        ),
        ("unknown key in [catalog]", added("[catalog]\ndir = \"/c\"")),
        ("unknown key in [streaming]", added("retention = 3")),
        (
            "unknown key in [streaming.hot_storage]",
            added("[streaming.hot_storage]\nsize = 3"),
        ),
        (
            "unknown key in [logging]",
            added("[logging]\nlevle = \"info\""),
        ),
    ];
    snapshot::check("config_unknown", &refusals(&cases));
}

#[test]
fn the_error_of_a_wrong_value_lists_the_accepted_ones() {
    let added = |lines: &str| with_streaming(lines);
    let cases = [
        ("misspelled format", added("[logging]\nformat = \"jsn\"")),
        ("misspelled level", added("[logging]\nlevel = \"warning\"")),
        ("upper case level", added("[logging]\nlevel = \"INFO\"")),
        ("empty level", added("[logging]\nlevel = \"\"")),
        ("level as a number", added("[logging]\nlevel = 3")),
        (
            "integer earliest ledger",
            added("earliest_ledger = 10000002"),
        ),
        (
            "earliest ledger with a sign",
            added("earliest_ledger = \"+5\""),
        ),
        ("earliest ledger 0", added("earliest_ledger = \"0\"")),
        ("earliest ledger 1", added("earliest_ledger = \"1\"")),
        (
            "earliest ledger with zeros",
            added("earliest_ledger = \"007\""),
        ),
        (
            "earliest ledger with separators",
            added("earliest_ledger = \"10_000_002\""),
        ),
        (
            "earliest ledger with a space",
            added("earliest_ledger = \" 5\""),
        ),
        (
            "earliest ledger too large",
            added("earliest_ledger = \"4294967296\""),
        ),
        (
            "earliest ledger misspelled",
            added("earliest_ledger = \"Genesis\""),
        ),
        ("earliest ledger empty", added("earliest_ledger = \"\"")),
        ("earliest ledger true", added("earliest_ledger = true")),
        ("workers as a string", added("[backfill]\nworkers = \"3\"")),
        ("workers as a fraction", added("[backfill]\nworkers = 1.5")),
        ("negative workers", added("[backfill]\nworkers = -1")),
        (
            "workers beyond 32 bits",
            added("[backfill]\nworkers = 4294967296"),
        ),
        (
            "workers beyond 64 bits",
            added("[backfill]\nworkers = 18446744073709551616"),
        ),
        ("negative retention", added("retention_chunks = -120")),
        ("negative retries", added("[backfill]\nmax_retries = -1")),
        ("negative buffer", added("[backfill.bsb]\nbuffer_size = -1")),
        (
            "bucket path as a number",
            added("[backfill.bsb]\nbucket_path = 3"),
        ),
        ("empty data directory", MINIMAL.replace("\"/data\"", "\"\"")),
        (
            "data directory as a list",
            MINIMAL.replace("\"/data\"", "[\"/data\"]"),
        ),
        (
            "empty hot path",
            added("[streaming.hot_storage]\npath = \"\""),
        ),
        ("empty catalog path", added("[catalog]\npath = \"\"")),
        (
            "path as a number",
            added("[immutable_storage.ledgers]\npath = 7"),
        ),
        (
            "path with a zero byte",
            added("[catalog]\npath = \"/a\\u0000b\""),
        ),
        (
            "section as a value",
            added("logging = \"info\"").replace("logging", "hot_storage"),
        ),
    ];
    snapshot::check("config_wrong_values", &refusals(&cases));
}

/// Covers values of a wrong type, and every way that TOML spells keys.
#[test]
fn a_value_of_another_type_is_named_in_tomls_words() {
    let added = |lines: &str| with_streaming(lines);
    let cases = [
        ("a date", added("[backfill]\nworkers = 2024-01-01")),
        ("a time", added("[logging]\nlevel = 12:30:00")),
        (
            "a table",
            added("[backfill]\nworkers = { at_least = 3, at_most = 7 }"),
        ),
        (
            "a section in place of a value",
            added("[backfill.workers]\nat_least = 3"),
        ),
        (
            "in an inline table",
            added("[backfill]\nbsb = { num_workers = \"7\" }"),
        ),
        ("by a dotted key", added("hot_storage.path = 3")),
        ("in a quoted section", added("[\"logging\"]\n\"level\" = 3")),
        (
            "a long value",
            added(&format!(
                "[backfill]\nmax_retries = \"{}\"",
                "7".repeat(200)
            )),
        ),
    ];
    snapshot::check("config_wrong_types", &refusals(&cases));
}

#[test]
fn a_section_is_not_a_list() {
    let lists = [
        MINIMAL
            .replace("[service]", "")
            .replace("default_data_dir = \"/data\"", "service = [\"/data\"]"),
        format!("catalog = [\"/elsewhere\"]\n{MINIMAL}"),
        format!("logging = [\"debug\", \"json\"]\n{MINIMAL}"),
        with_streaming("[[logging]]\nlevel = \"info\""),
    ];
    for text in lists {
        let error = refusal(&text);
        assert!(error.to_string().contains("section"), "{error}");
    }
}

#[test]
fn a_file_that_is_no_toml_says_where() {
    let cases = [
        (
            "duplicate key",
            MINIMAL.replace(
                "[streaming]",
                "default_data_dir = \"/other\"\n\n[streaming]",
            ),
        ),
        (
            "duplicate section",
            with_streaming("[service]\ndefault_data_dir = \"/other\""),
        ),
        (
            "duplicate nested section",
            with_streaming("[backfill.bsb]\n[logging]\n[backfill.bsb]"),
        ),
        ("missing quote", MINIMAL.replace("\"/data\"", "\"/data")),
        ("no quotes", MINIMAL.replace("\"/data\"", "/data")),
        ("missing value", MINIMAL.replace("\"/data\"", "")),
        ("missing bracket", MINIMAL.replace("[service]", "[service")),
        (
            "a colon for the equals sign",
            MINIMAL.replace("dir =", "dir:"),
        ),
        ("not TOML at all", "<config>\n</config>\n".to_owned()),
        ("a zero byte", format!("{MINIMAL}\0")),
        (
            "behind characters of several bytes",
            MINIMAL.replace("[service]", "[service]\n\"größe — 大\" = 3"),
        ),
    ];
    snapshot::check("config_no_toml", &refusals(&cases));
}

#[test]
fn a_required_setting_is_asked_for() {
    let streaming = "\n[streaming]\ncaptive_core_config = \"/etc/core.cfg\"\n";
    let cases = [
        ("empty file", String::new()),
        ("only a comment", "# nothing\n".to_owned()),
        ("no [service]", streaming.to_owned()),
        ("empty [service]", format!("[service]\n{streaming}")),
        (
            "no [streaming]",
            "[service]\ndefault_data_dir = \"/data\"\n".to_owned(),
        ),
        (
            "empty [streaming]",
            "[service]\ndefault_data_dir = \"/data\"\n\n[streaming]\n".to_owned(),
        ),
        (
            "[streaming] without captive_core_config",
            "[service]\ndefault_data_dir = \"/data\"\n\n[streaming]\nretention_chunks = 3\n"
                .to_owned(),
        ),
    ];
    snapshot::check("config_missing", &refusals(&cases));
}

/// Tries every key with every type of value that it does not accept. The error names the full key and its place,
/// and describes the value in TOML's terms.
#[test]
fn every_key_and_every_wrong_type_is_named() {
    let keys = [
        ("service", "default_data_dir"),
        ("backfill", "workers"),
        ("backfill", "max_retries"),
        ("backfill.bsb", "bucket_path"),
        ("backfill.bsb", "buffer_size"),
        ("backfill.bsb", "num_workers"),
        ("immutable_storage.ledgers", "path"),
        ("immutable_storage.events", "path"),
        ("immutable_storage.txhash", "path"),
        ("catalog", "path"),
        ("streaming", "retention_chunks"),
        ("streaming", "earliest_ledger"),
        ("streaming", "captive_core_config"),
        ("streaming.hot_storage", "path"),
        ("logging", "level"),
        ("logging", "format"),
    ];
    let values = [
        ("\"-\"", "the string"),
        ("-7", "the integer"),
        ("1.5", "the number"),
        ("true", "the boolean"),
        ("1999-12-31T23:59:59Z", "the date or time"),
        ("[1, 2]", "the array"),
        ("{ a = 1 }", "a table"),
    ];
    let mut refused = 0;
    for (section, key) in keys {
        for (value, word) in values {
            let line = format!("{key} = {value}");
            let text = if MINIMAL.contains(&format!("\n{key} = ")) {
                let from = MINIMAL.find(&format!("\n{key} = ")).unwrap() + 1;
                let old = MINIMAL[from..].lines().next().unwrap();
                MINIMAL.replace(old, &line)
            } else if section == "streaming" {
                with_streaming(&line)
            } else {
                with_streaming(&format!("[{section}]\n{line}"))
            };
            let Err(error) = frostline::Config::parse(&text, FILE) else {
                // A string is also a valid path.
                assert_eq!(word, "the string");
                continue;
            };
            refused += 1;
            let number = text.lines().position(|found| found == line).unwrap() + 1;
            let column = key.len() + 4;
            let expected =
                format!("`{FILE}`, line {number}, column {column}: `{section}.{key}` is {word}");
            let message = error.to_string();
            assert!(message.starts_with(&expected), "{message}");
            assert!(message.contains(", expected "), "{message}");
            for word in ["map", "sequence", "newtype", "struct", "visitor", "i64"] {
                assert!(!message.contains(word), "{message}");
            }
        }
    }
    assert!(refused >= 6 * keys.len(), "{refused}");
}
