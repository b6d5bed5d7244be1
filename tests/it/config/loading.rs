//! Files that can be loaded, and files that cannot.

use frostline::error::Failure as _;
use std::fmt::Write as _;

use frostline::Config;
use frostline::error::ConfigError;
use frostline::error::FailureKind;

use super::{FILE, MINIMAL, load, parse, refusal};
use crate::fixture::Data;
use crate::snapshot;

/// Returns the error with its causes, with the directory replaced.
fn chain(data: &Data, error: &ConfigError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        write!(text, "\n  because: {error}").unwrap();
        cause = error.source();
    }
    data.redact(&text)
}

#[test]
fn a_file_that_cannot_be_loaded_says_why() {
    let data = Data::new();
    let mut texts = String::new();
    let mut add = |title: &str, error: ConfigError| {
        assert_eq!(error.kind(), FailureKind::Refused);
        write!(texts, "# {title}\n{}\n\n", chain(&data, &error)).unwrap();
    };

    add("empty", load(&data, b"").unwrap_err());
    add("not UTF-8", {
        load(
            &data,
            b"[service]\ndefault_data_dir = \"/d\xc3\xa4ta\xff\"\n",
        )
        .unwrap_err()
    });
    add("UTF-16", load(&data, b"\xff\xfe[\0s\0").unwrap_err());
    add(
        "cut inside a character",
        load(&data, b"# \xe2\x82").unwrap_err(),
    );

    let mut huge = MINIMAL.as_bytes().to_vec();
    huge.resize((1 << 20) + 1, b'\n');
    add("one byte more than a MiB", load(&data, &huge).unwrap_err());
    huge.resize(100 << 20, b'\n');
    add("huge", load(&data, &huge).unwrap_err());

    add("a directory", Config::load(data.outside()).unwrap_err());
    let missing = data.outside().join("missing.toml");
    add("a missing file", Config::load(missing).unwrap_err());
    let inside = data.outside().join("frostline.toml/frostline.toml");
    add("a file inside of a file", Config::load(inside).unwrap_err());
    add(
        "a device without end",
        Config::load("/dev/zero").unwrap_err(),
    );
    add("the empty path", Config::load("").unwrap_err());
    snapshot::check("config_load", &texts);
}

/// Every path is absolute, even when the text comes from a relative file.
#[test]
fn a_text_from_a_relative_file_is_taken_from_the_current_directory() {
    let config = Config::parse(&MINIMAL.replace("/data", "data"), "frostline.toml").unwrap();
    let here = std::env::current_dir().unwrap();
    assert_eq!(config.service.default_data_dir, here.join("data"));
}

#[test]
fn a_file_of_just_a_mebibyte_is_loaded() {
    let data = Data::new();
    let mut bytes = MINIMAL.as_bytes().to_vec();
    bytes.resize(1 << 20, b'\n');
    assert_eq!(load(&data, &bytes).unwrap(), parse(MINIMAL));
}

#[test]
fn text_is_limited_like_files() {
    let mut text = MINIMAL.to_owned();
    text.extend(std::iter::repeat_n('\n', 1 << 20));
    let error = Config::parse(&text, FILE).unwrap_err();
    assert!(matches!(error, ConfigError::TooLarge { .. }), "{error}");
}

#[test]
fn a_file_without_permission_says_so() {
    use std::os::unix::fs::PermissionsExt as _;

    if rustix::process::geteuid().is_root() {
        crate::fixture::skipped("root may read every file");
        return;
    }
    let data = Data::new();
    let path = data.outside().join("frostline.toml");
    std::fs::write(&path, MINIMAL).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let error = Config::load(&path).unwrap_err();
    let text = chain(&data, &error);
    assert!(text.contains("let this process's user read"), "{text}");
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let data = Data::new();
    let bytes = [b"\xef\xbb\xbf", MINIMAL.as_bytes()].concat();
    assert_eq!(load(&data, &bytes).unwrap(), parse(MINIMAL));
}

#[test]
fn line_ends_of_windows_are_read() {
    let text = MINIMAL.replace('\n', "\r\n");
    assert_eq!(parse(&text), parse(MINIMAL));
    let error = refusal(&text.replace("[service]", "[service]\r\nx = 1"));
    let ConfigError::Invalid { line, column, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((line, column), (3, 1));
}

#[test]
fn loading_creates_nothing() {
    let data = Data::new();
    let text = MINIMAL
        .replace("/data", "data")
        .replace("/etc/core.cfg", "core.cfg");
    let config = load(&data, text.as_bytes()).unwrap();
    assert_eq!(config.service.default_data_dir, data.path());
    assert!(!data.path().try_exists().unwrap());
    assert_eq!(data.listing().len(), 1);
}

#[test]
fn a_relative_path_of_the_file_is_taken_from_the_current_directory() {
    let here = std::env::current_dir().unwrap();
    match Config::load("no such directory/frostline.toml").unwrap_err() {
        ConfigError::Read { path, .. } => {
            assert_eq!(path, here.join("no such directory/frostline.toml"));
        }
        other => panic!("{other}"),
    }
}
