//! The sources of ledgers: made up, or objects of the public data lake.

#![expect(
    clippy::disallowed_methods,
    reason = "the objects of a lake are no artifacts of this store"
)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use frostline::{ChunkId, LedgerSeq};

use crate::Outcome;
use crate::options::Options;

pub(crate) enum Source {
    /// The number of ledgers at the beginning of every chunk.
    MadeUp { per_chunk: u32 },
    /// The objects of a lake. Their bytes are stored as they are.
    Lake(BTreeMap<LedgerSeq, PathBuf>),
}

impl Source {
    pub(crate) fn open(options: &Options) -> Outcome<Self> {
        match &options.lake {
            None => Ok(Self::MadeUp {
                per_chunk: options.ledgers,
            }),
            Some(directory) => Ok(Self::Lake(list_objects(directory, options.ledgers)?)),
        }
    }

    /// The chunks to ingest, ascending: those of the lake, or so many from the earliest on.
    pub(crate) fn chunks(&self, earliest: ChunkId, count: u32) -> Vec<ChunkId> {
        match self {
            Self::MadeUp { .. } => std::iter::successors(Some(earliest), |chunk| chunk.next())
                .take(count as usize)
                .collect(),
            Self::Lake(objects) => {
                let mut chunks: Vec<_> =
                    objects.keys().filter_map(|seq| seq.chunk().ok()).collect();
                chunks.dedup();
                chunks
            }
        }
    }

    /// The first chunk of a lake.
    pub(crate) fn first_chunk(&self) -> Option<ChunkId> {
        match self {
            Self::MadeUp { .. } => None,
            Self::Lake(objects) => objects.keys().next()?.chunk().ok(),
        }
    }

    /// The ledgers of a chunk that there are, ascending.
    pub(crate) fn ledgers(&self, chunk: ChunkId) -> Vec<LedgerSeq> {
        let (first, last) = (chunk.first_ledger(), chunk.last_ledger());
        match self {
            Self::MadeUp { per_chunk } => (first.get()..=last.get())
                .take(*per_chunk as usize)
                .filter_map(|sequence| LedgerSeq::new(sequence).ok())
                .collect(),
            Self::Lake(objects) => objects.range(first..=last).map(|(seq, _)| *seq).collect(),
        }
    }

    pub(crate) fn bytes(&self, ledger: LedgerSeq) -> Outcome<Vec<u8>> {
        match self {
            Self::MadeUp { .. } => Ok(made_up(ledger)),
            Self::Lake(objects) => {
                let path = objects.get(&ledger).ok_or("the lake has no such ledger")?;
                std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()).into())
            }
        }
    }
}

/// A ledger's made-up bytes: a few hundred, the same in every run.
fn made_up(ledger: LedgerSeq) -> Vec<u8> {
    let mut state = u64::from(ledger.get()) | 1 << 40;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words = 32 + next() % 64;
    (0..words).flat_map(|_| next().to_le_bytes()).collect()
}

fn list_objects(directory: &Path, per_chunk: u32) -> Outcome<BTreeMap<LedgerSeq, PathBuf>> {
    let mut objects = BTreeMap::new();
    let entries = std::fs::read_dir(directory)
        .map_err(|error| format!("{}: {error}", directory.display()))?;
    for entry in entries {
        let entry = entry?;
        if let Some(ledger) = parse_object_name(&entry.file_name())? {
            ledger.chunk()?;
            objects.insert(ledger, entry.path());
        }
    }
    if objects.is_empty() {
        let directory = directory.display();
        return Err(format!("{directory}: no object named HHHHHHHH--SEQ.xdr.zstd").into());
    }
    let mut taken = BTreeMap::<ChunkId, u32>::new();
    objects.retain(|ledger, _| {
        let Ok(chunk) = ledger.chunk() else {
            return false;
        };
        let count = taken.entry(chunk).or_default();
        *count += 1;
        *count <= per_chunk
    });
    Ok(objects)
}

/// The ledger that an object's name says it is, twice: `0xFFFFFFFF - SEQ` in hex, then SEQ. None for
/// a name that is no object's.
fn parse_object_name(name: &OsStr) -> Outcome<Option<LedgerSeq>> {
    let shown = name.to_string_lossy();
    let Some(stem) = shown.strip_suffix(".xdr.zstd") else {
        return Ok(None);
    };
    let contradiction = || format!("{shown}: the name contradicts itself");
    let (reversed, sequence) = stem.split_once("--").ok_or_else(contradiction)?;
    let sequence: u32 = sequence.parse().map_err(|_| contradiction())?;
    if stem != format!("{:08X}--{sequence}", u32::MAX - sequence) {
        let reversed = reversed.to_owned();
        let should = u32::MAX - sequence;
        return Err(format!(
            "{shown}: the name contradicts itself: {reversed} should be {should:08X}"
        )
        .into());
    }
    Ok(Some(LedgerSeq::new(sequence)?))
}
