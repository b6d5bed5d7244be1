//! The names in a store's directory: RocksDB's names, and the names that frostline adds.

use crate::failure::IoFailure;
use crate::fs::Dir;

/// The pointer file, which holds the name of the manifest in use.
pub(super) const POINTER: &str = "CURRENT";
/// The pointer's name while it is being written.
pub(super) const NEW_POINTER: &str = "CURRENT.new";
/// RocksDB's own lock.
pub(super) const STORE_LOCK: &str = "LOCK";
/// The ballast: a file that holds space for a start, and for a flush, on a full disk.
pub(super) const BALLAST: &str = "frostline.reserve";

const MANIFEST: &str = "MANIFEST-";
pub(super) const OPTIONS: &str = "OPTIONS-";

pub(super) fn log_name(number: u64) -> String {
    format!("{number:06}.log")
}

pub(super) fn table_name(number: u64) -> String {
    format!("{number:06}.sst")
}

/// Returns whether this is the name of a manifest. A pointer with any other content is left as it is.
pub(super) fn is_manifest(name: &str) -> bool {
    manifest_number(name).is_some()
}

pub(super) fn manifest_number(name: &str) -> Option<u64> {
    number(name.strip_prefix(MANIFEST)?)
}

/// Parses a number. Only digits are accepted, because RocksDB writes no sign.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// Returns whether RocksDB makes files of this name.
pub(super) fn is_rocksdbs(name: &str) -> bool {
    let numbered = |suffix| name.strip_suffix(suffix).and_then(number).is_some();
    let options = name.strip_prefix(OPTIONS);
    let options = options.map(|rest| rest.strip_suffix(".dbtmp").unwrap_or(rest));
    matches!(name, POINTER | NEW_POINTER | STORE_LOCK | "IDENTITY")
        || is_manifest(name)
        || options.and_then(number).is_some()
        || [".log", ".sst", ".dbtmp"].into_iter().any(numbered)
}

/// Returns the numbers of the logs, oldest first.
pub(super) fn log_numbers(dir: &Dir) -> Result<Vec<u64>, IoFailure> {
    numbers(dir, |name| number(name.strip_suffix(".log")?))
}

/// Returns the numbers of the manifests, oldest first.
pub(super) fn manifest_numbers(dir: &Dir) -> Result<Vec<u64>, IoFailure> {
    numbers(dir, manifest_number)
}

pub(super) fn manifest_name(number: u64) -> String {
    format!("{MANIFEST}{number:06}")
}

fn numbers(dir: &Dir, number_of: impl Fn(&str) -> Option<u64>) -> Result<Vec<u64>, IoFailure> {
    let entries = dir.list()?;
    let names = entries.iter().filter_map(|entry| entry.name.to_str());
    let mut numbers: Vec<_> = names.filter_map(number_of).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_rocksdb_makes_are_rocksdbs() {
        let made = [
            "CURRENT",
            "CURRENT.new",
            "LOCK",
            "IDENTITY",
            "MANIFEST-000001",
            "OPTIONS-000007",
            "OPTIONS-000007.dbtmp",
            "000004.log",
            "1000000.sst",
            "000009.dbtmp",
        ];
        for name in made {
            assert!(is_rocksdbs(name), "{name}");
        }
        let others = [
            "",
            "creating",
            "photos",
            "thesis.tex",
            "MANIFEST-",
            "MANIFEST-1x",
            "OPTIONS",
            "+00004.log",
            "diary.log",
            ".log",
            "backup.sst",
            "current",
        ];
        for name in others {
            assert!(!is_rocksdbs(name), "{name}");
        }
    }
}
