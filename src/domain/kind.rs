//! The kinds of artifact, as types and as values.
//!
//! The associated constants of the three markers are the single table of key segments, directories and file
//! names. Keys, paths, parsing and tests all derive from it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use super::geometry::ChunkId;

/// A kind of artifact, at run time. The canonical order is ledgers, events, txhash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArtifactKind {
    /// The chunk's ledgers.
    Ledgers,
    /// The chunk's events and their index.
    Events,
    /// The chunk's transaction hashes.
    TxHash,
}

impl ArtifactKind {
    /// Every kind, in canonical order.
    pub const ALL: [Self; 3] = [Self::Ledgers, Self::Events, Self::TxHash];

    /// Returns the kind's segment of a key: `ledgers`, `events` or `txhash`.
    #[must_use]
    pub const fn segment(self) -> &'static str {
        self.spec().segment
    }

    pub(crate) const fn spec(self) -> &'static KindSpec {
        match self {
            Self::Ledgers => &<Ledgers as sealed::Sealed>::SPEC,
            Self::Events => &<Events as sealed::Sealed>::SPEC,
            Self::TxHash => &<TxHash as sealed::Sealed>::SPEC,
        }
    }

    /// Returns the kind that a key's segment names.
    pub(crate) fn from_segment(segment: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.segment().as_bytes() == segment)
    }
}

impl fmt::Display for ArtifactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.segment())
    }
}

/// The key of one file artifact, `chunk:{chunk:08d}:{kind}`; its value is an [`ArtifactState`](crate::ArtifactState).
///
/// Keys are ordered like the bytes of their spelling: by chunk, then events, ledgers, txhash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArtifactKey {
    /// The artifact's chunk.
    pub chunk: ChunkId,
    /// The artifact's kind.
    pub kind: ArtifactKind,
}

impl Ord for ArtifactKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let spelled = |key: &Self| (key.chunk, key.kind.segment());
        spelled(self).cmp(&spelled(other))
    }
}

impl PartialOrd for ArtifactKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The names of one kind, in keys and on disk.
#[derive(Debug)]
pub struct KindSpec {
    /// The last segment of a key.
    pub(crate) segment: &'static str,
    /// The directory between the kind's root and its buckets, if there is one.
    pub(crate) subdirectory: Option<&'static str>,
    pub(crate) files: FileSuffixes,
}

/// The suffixes of an artifact's files: the part of each name after the chunk's eight digits.
///
/// The list is never empty, because an artifact whose files the sweep cannot name would be orphaned.
#[derive(Debug)]
pub(crate) struct FileSuffixes {
    first: &'static str,
    rest: &'static [&'static str],
}

impl FileSuffixes {
    pub(super) const fn new(first: &'static str, rest: &'static [&'static str]) -> Self {
        Self { first, rest }
    }

    pub(crate) const fn count(&self) -> usize {
        1 + self.rest.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }
}

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be made a kind of artifact",
        label = "not one of `Ledgers`, `Events` and `TxHash`",
        note = "the set of kinds is closed, because the sweep must be able to name every file"
    )]
    pub trait Sealed {
        #[doc(hidden)]
        const SPEC: super::KindSpec;
    }
}

/// A kind of artifact, as a type: [`Ledgers`], [`Events`] or [`TxHash`].
///
/// The trait is sealed, because the set of kinds is part of the catalog's format: a foreign kind would make
/// files that the sweep cannot name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind of artifact",
    label = "not a kind",
    note = "the kinds are `Ledgers`, `Events` and `TxHash`; the set is closed because the sweep must be able to name every file"
)]
pub trait Kind: sealed::Sealed + fmt::Debug + Send + Sync + 'static {
    /// The identifier of an artifact within its kind: the chunk, for each of the three kinds.
    type Id: Copy + Eq + Hash + fmt::Debug + Send + Sync + 'static;

    /// The same kind, as a value.
    const KIND: ArtifactKind;

    /// Returns the key of an artifact.
    fn key(id: Self::Id) -> ArtifactKey;
}

/// One file of an artifact of kind `K`, such as [`Events::INDEX`].
///
/// Only the kind's own constants have this type, so a file of another kind does not compile.
pub struct FileName<K> {
    position: usize,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> FileName<K> {
    const fn new(position: usize) -> Self {
        assert!(
            position < K::SPEC.files.count(),
            "the kind has no such file"
        );
        Self {
            position,
            kind: PhantomData,
        }
    }

    /// Iterates over the kind's files, in the order in which they are made durable.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..K::SPEC.files.count()).map(|position| Self {
            position,
            kind: PhantomData,
        })
    }

    /// Returns the file's position in the list of the kind's files.
    pub(crate) const fn position(self) -> usize {
        self.position
    }

    /// Returns the part of the file's name after the chunk's eight digits.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        K::SPEC.files.iter().nth(self.position).unwrap_or_default()
    }
}

impl<K> Clone for FileName<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for FileName<K> {}

impl<K: Kind> fmt::Debug for FileName<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileName({})", self.suffix())
    }
}

/// The marker of the ledgers: one file, `{chunk}.pack`.
#[derive(Debug)]
pub enum Ledgers {}

/// The marker of the events: three files, `{chunk}-events.pack`, `{chunk}-index.pack` and
/// `{chunk}-index.hash`.
#[derive(Debug)]
pub enum Events {}

/// The marker of the transaction hashes: one file, `raw/…/{chunk}.bin`.
#[derive(Debug)]
pub enum TxHash {}

impl sealed::Sealed for Ledgers {
    const SPEC: KindSpec = KindSpec {
        segment: "ledgers",
        subdirectory: None,
        files: FileSuffixes::new(".pack", &[]),
    };
}

impl sealed::Sealed for Events {
    const SPEC: KindSpec = KindSpec {
        segment: "events",
        subdirectory: None,
        files: FileSuffixes::new("-events.pack", &["-index.pack", "-index.hash"]),
    };
}

impl sealed::Sealed for TxHash {
    const SPEC: KindSpec = KindSpec {
        segment: "txhash",
        subdirectory: Some("raw"),
        files: FileSuffixes::new(".bin", &[]),
    };
}

impl Kind for Ledgers {
    type Id = ChunkId;

    const KIND: ArtifactKind = ArtifactKind::Ledgers;

    fn key(chunk: ChunkId) -> ArtifactKey {
        ArtifactKey {
            chunk,
            kind: Self::KIND,
        }
    }
}

impl Kind for Events {
    type Id = ChunkId;

    const KIND: ArtifactKind = ArtifactKind::Events;

    fn key(chunk: ChunkId) -> ArtifactKey {
        ArtifactKey {
            chunk,
            kind: Self::KIND,
        }
    }
}

impl Kind for TxHash {
    type Id = ChunkId;

    const KIND: ArtifactKind = ArtifactKind::TxHash;

    fn key(chunk: ChunkId) -> ArtifactKey {
        ArtifactKey {
            chunk,
            kind: Self::KIND,
        }
    }
}

impl Ledgers {
    /// The ledgers themselves, `{chunk}.pack`.
    pub const PACK: FileName<Self> = FileName::new(0);
}

impl Events {
    /// The events themselves, `{chunk}-events.pack`.
    pub const EVENTS: FileName<Self> = FileName::new(0);
    /// The index, `{chunk}-index.pack`.
    pub const INDEX: FileName<Self> = FileName::new(1);
    /// The index's hash table, `{chunk}-index.hash`.
    pub const HASH: FileName<Self> = FileName::new(2);
}

impl TxHash {
    /// The hashes themselves, `{chunk}.bin`.
    pub const BIN: FileName<Self> = FileName::new(0);
}

/// A set of kinds, iterated in canonical order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ArtifactSet(u8);

impl ArtifactSet {
    /// The set without any kind.
    pub const EMPTY: Self = Self(0);

    /// The set of every kind.
    pub const ALL: Self = Self(0b111);

    const fn bit(kind: ArtifactKind) -> u8 {
        1 << kind as u8
    }

    /// Returns this set with the kind added.
    #[must_use]
    pub const fn with(self, kind: ArtifactKind) -> Self {
        Self(self.0 | Self::bit(kind))
    }

    /// Returns this set with the kind removed.
    #[must_use]
    pub const fn without(self, kind: ArtifactKind) -> Self {
        Self(self.0 & !Self::bit(kind))
    }

    /// Returns whether the kind is in the set.
    #[must_use]
    pub const fn contains(self, kind: ArtifactKind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    /// Returns whether no kind is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the number of kinds in the set.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Iterates over the set's kinds, in canonical order.
    pub fn iter(self) -> impl Iterator<Item = ArtifactKind> {
        ArtifactKind::ALL
            .into_iter()
            .filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<ArtifactKind> for ArtifactSet {
    fn from_iter<I: IntoIterator<Item = ArtifactKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for ArtifactSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl fmt::Display for ArtifactSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(ArtifactKind::segment).collect();
        write!(f, "{{{}}}", names.join(", "))
    }
}
