//! A recording of the system calls of a process that works with the real RocksDB: one line for each call
//! that changes the tree, and one line for each list of acknowledged keys.
//!
//! The lines are `mkdir P`, `create P`, `write P OFFSET BYTES`, `cut P LENGTH`, `sync P`, `syncdir P`,
//! `rename P P`, `unlink P`, `rmdir P`, and `ack KEY=VALUE …`. Paths are below the data directory. Bytes are
//! hexadecimal, and `00*N,` stands for N zeros.

#![allow(
    dead_code,
    reason = "`make torture` writes recordings, and the tests read one"
)]

use std::fmt::Write as _;

/// One line of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Mkdir(String),
    Create(String),
    Write(String, usize, Vec<u8>),
    Cut(String, usize),
    Sync(String),
    SyncDir(String),
    Rename(String, String),
    Unlink(String),
    Rmdir(String),
    Ack(Vec<(String, String)>),
}

/// The number of zeros from which on a run is written as `00*N,`.
const MANY: usize = 16;

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let zeros = rest.iter().take_while(|byte| **byte == 0).count();
        if zeros >= MANY {
            write!(text, "00*{zeros},").unwrap_or_default();
            rest = &rest[zeros..];
        } else {
            write!(text, "{first:02x}").unwrap_or_default();
            rest = &rest[1..];
        }
    }
    text
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(many) = rest.strip_prefix("00*") {
            let (count, after) = many.split_once(',')?;
            bytes.resize(bytes.len() + count.parse::<usize>().ok()?, 0);
            rest = after;
        } else {
            let (digits, after) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        }
    }
    Some(bytes)
}

impl Call {
    pub fn line(&self) -> String {
        match self {
            Self::Mkdir(path) => format!("mkdir {path}"),
            Self::Create(path) => format!("create {path}"),
            Self::Write(path, at, bytes) => format!("write {path} {at} {}", hexadecimal(bytes)),
            Self::Cut(path, length) => format!("cut {path} {length}"),
            Self::Sync(path) => format!("sync {path}"),
            Self::SyncDir(path) => format!("syncdir {path}"),
            Self::Rename(from, to) => format!("rename {from} {to}"),
            Self::Unlink(path) => format!("unlink {path}"),
            Self::Rmdir(path) => format!("rmdir {path}"),
            Self::Ack(keys) => {
                let keys = keys.iter().map(|(key, value)| format!(" {key}={value}"));
                format!("ack{}", keys.collect::<String>())
            }
        }
    }

    pub fn parse(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split(' ').collect();
        let path = |at: usize| words.get(at).map(|word| (*word).to_owned());
        Some(match *words.first()? {
            "mkdir" => Self::Mkdir(path(1)?),
            "create" => Self::Create(path(1)?),
            "write" => Self::Write(path(1)?, path(2)?.parse().ok()?, bytes(words.get(3)?)?),
            "cut" => Self::Cut(path(1)?, path(2)?.parse().ok()?),
            "sync" => Self::Sync(path(1)?),
            "syncdir" => Self::SyncDir(path(1)?),
            "rename" => Self::Rename(path(1)?, path(2)?),
            "unlink" => Self::Unlink(path(1)?),
            "rmdir" => Self::Rmdir(path(1)?),
            "ack" => {
                let pairs = words[1..].iter().map(|word| word.split_once('='));
                let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
                Self::Ack(pairs.map(|pair| pair.map(owned)).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }
}

/// Parses a whole recording.
pub fn parse(text: &str) -> Vec<Call> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| Call::parse(line).unwrap_or_else(|| panic!("not a call: {line}")))
        .collect()
}
