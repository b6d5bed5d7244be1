//! Catalog keys and their canonical spelling.
//!
//! [`Key::parse`] accepts exactly the strings that printing a key gives, so that `parse(print(k)) == k` and
//! `print(parse(s)) == s`. A string that is not the canonical spelling of a key is not a key: the scans
//! skip it, and no step deletes it.

use std::fmt;

use super::coverage::Coverage;
use super::geometry::{ChunkId, LedgerSeq, WindowId};
use super::kind::{ArtifactKey, ArtifactKind};
use super::state::{ArtifactState, HotState};

pub(crate) const ARTIFACT_PREFIX: &str = "chunk:";
pub(crate) const HOT_PREFIX: &str = "hot:chunk:";
const INDEX_PREFIX: &str = "index:";
const EARLIEST_LEDGER: &str = "config:earliest_ledger";

/// The length of the longest key of the scheme, one of the index family.
const KEY_CAPACITY: usize = 32;

/// The digits of each number in a key: of a chunk, and of a window.
const DIGITS: usize = 8;

/// The key of one hot directory, `hot:chunk:{chunk:08d}`; its value is a [`HotState`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HotKey {
    /// The directory's chunk.
    pub chunk: ChunkId,
}

/// The key of the pinned earliest ledger, `config:earliest_ledger`; its value is a [`LedgerSeq`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EarliestLedgerKey;

/// The key of one index of transaction hashes, `index:{window:08d}:{lo:08d}:{hi:08d}`; its value is an
/// [`ArtifactState`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexKey {
    /// The chunks that the index covers.
    pub coverage: Coverage,
}

impl IndexKey {
    /// Returns the first and the last of all keys of a window, in their order.
    pub(crate) fn all_of(window: WindowId) -> [Self; 2] {
        Coverage::ends_of(window).map(|coverage| Self { coverage })
    }
}

/// Any key of the catalog. Keys are ordered like the bytes of their spelling.
// The derived order is that order because the families are declared in the order of their first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Key {
    /// A file artifact.
    Artifact(ArtifactKey),
    /// The pinned earliest ledger.
    EarliestLedger,
    /// A hot directory.
    Hot(HotKey),
    /// An index of transaction hashes.
    Index(IndexKey),
}

impl PartialEq<ArtifactKey> for Key {
    fn eq(&self, other: &ArtifactKey) -> bool {
        *self == Self::Artifact(*other)
    }
}

impl PartialEq<HotKey> for Key {
    fn eq(&self, other: &HotKey) -> bool {
        *self == Self::Hot(*other)
    }
}

impl PartialEq<IndexKey> for Key {
    fn eq(&self, other: &IndexKey) -> bool {
        *self == Self::Index(*other)
    }
}

/// A string that is not the canonical spelling of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{spelling}` is not a key of this catalog: keys are `chunk:NNNNNNNN:ledgers|events|txhash`, \
     `hot:chunk:NNNNNNNN`, `index:WWWWWWWW:NNNNNNNN:NNNNNNNN` and `config:earliest_ledger`, with eight digits up to \
     00429495; an index key has a window, and its first and last chunk within it"
)]
pub struct KeyError {
    /// The string, with bytes outside of printable ASCII escaped.
    pub spelling: String,
}

impl KeyError {
    fn new(bytes: &[u8]) -> Self {
        Self {
            spelling: bytes.escape_ascii().to_string(),
        }
    }
}

impl Key {
    /// Returns the key that these bytes spell.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the bytes are not the canonical spelling of a key.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::recognize(bytes).ok_or_else(|| KeyError::new(bytes))
    }

    /// Does the same as [`parse`](Self::parse), but returns `None` instead of an error.
    pub(crate) fn recognize(bytes: &[u8]) -> Option<Self> {
        if let Some(rest) = bytes.strip_prefix(ARTIFACT_PREFIX.as_bytes()) {
            let (digits, rest) = rest.split_at_checked(DIGITS)?;
            let kind = ArtifactKind::from_segment(rest.strip_prefix(b":")?)?;
            let chunk = parse_chunk(digits)?;
            return Some(Self::Artifact(ArtifactKey { chunk, kind }));
        }
        if let Some(digits) = bytes.strip_prefix(HOT_PREFIX.as_bytes()) {
            let chunk = parse_chunk(digits)?;
            return Some(Self::Hot(HotKey { chunk }));
        }
        if let Some(numbers) = bytes.strip_prefix(INDEX_PREFIX.as_bytes()) {
            return parse_index(numbers).map(Self::Index);
        }
        (bytes == EARLIEST_LEDGER.as_bytes()).then_some(Self::EarliestLedger)
    }

    /// Returns the key's spelling, without allocating.
    #[must_use]
    pub fn encode(self) -> EncodedKey {
        let mut encoded = EncodedKey {
            bytes: [0; KEY_CAPACITY],
            length: 0,
        };
        match self {
            Self::Artifact(key) => {
                encoded.push(ARTIFACT_PREFIX.as_bytes());
                encoded.push_number(key.chunk.get());
                encoded.push(b":");
                encoded.push(key.kind.segment().as_bytes());
            }
            Self::Hot(key) => {
                encoded.push(HOT_PREFIX.as_bytes());
                encoded.push_number(key.chunk.get());
            }
            Self::Index(IndexKey { coverage }) => {
                encoded.push(INDEX_PREFIX.as_bytes());
                encoded.push_number(coverage.window().get());
                encoded.push(b":");
                encoded.push_number(coverage.lo().get());
                encoded.push(b":");
                encoded.push_number(coverage.hi().get());
            }
            Self::EarliestLedger => encoded.push(EARLIEST_LEDGER.as_bytes()),
        }
        encoded
    }
}

/// Parses exactly eight ASCII digits into a chunk within range.
pub(crate) fn parse_chunk(digits: &[u8]) -> Option<ChunkId> {
    ChunkId::new(parse_number(digits)?).ok()
}

/// Parses exactly eight ASCII digits.
fn parse_number(digits: &[u8]) -> Option<u32> {
    if digits.len() != DIGITS {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + u32::from(byte - b'0'))
    })
}

/// Parses the window and the two chunks of an index key. The window must be that of the chunks.
fn parse_index(numbers: &[u8]) -> Option<IndexKey> {
    let (window, chunks) = numbers.split_at_checked(DIGITS)?;
    let (lo, hi) = chunks.strip_prefix(b":")?.split_at_checked(DIGITS)?;
    let hi = parse_chunk(hi.strip_prefix(b":")?)?;
    let coverage = Coverage::new(parse_chunk(lo)?, hi).ok()?;
    (parse_number(window)? == coverage.window().get()).then_some(IndexKey { coverage })
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.encode().as_str())
    }
}

impl std::str::FromStr for Key {
    type Err = KeyError;

    fn from_str(spelling: &str) -> Result<Self, KeyError> {
        Self::parse(spelling.as_bytes())
    }
}

impl From<ArtifactKey> for Key {
    fn from(key: ArtifactKey) -> Self {
        Self::Artifact(key)
    }
}

impl From<HotKey> for Key {
    fn from(key: HotKey) -> Self {
        Self::Hot(key)
    }
}

impl From<IndexKey> for Key {
    fn from(key: IndexKey) -> Self {
        Self::Index(key)
    }
}

impl From<EarliestLedgerKey> for Key {
    fn from(EarliestLedgerKey: EarliestLedgerKey) -> Self {
        Self::EarliestLedger
    }
}

impl fmt::Display for ArtifactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Key::from(*self).fmt(f)
    }
}

impl fmt::Display for HotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Key::from(*self).fmt(f)
    }
}

impl fmt::Display for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Key::from(*self).fmt(f)
    }
}

impl fmt::Display for EarliestLedgerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Key::from(*self).fmt(f)
    }
}

/// A key's spelling, stored inline.
#[derive(Clone, Copy)]
pub struct EncodedKey {
    bytes: [u8; KEY_CAPACITY],
    length: usize,
}

impl EncodedKey {
    fn push(&mut self, part: &[u8]) {
        let room = self.bytes.iter_mut().skip(self.length);
        for (slot, byte) in room.zip(part) {
            *slot = *byte;
        }
        self.length += part.len();
        debug_assert!(self.length <= KEY_CAPACITY, "KEY_CAPACITY holds every key");
    }

    fn push_number(&mut self, number: u32) {
        let mut digits = [b'0'; DIGITS];
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.push(&digits);
    }

    /// Returns the key's bytes, as they are stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }

    /// Returns the key's spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Debug for EncodedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// A stored value that its key does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the catalog holds `{raw}` under `{key}`, where only {} may stand: nothing was changed; restore \
     the catalog from a copy, or put a right value there by hand", legal_values(*key)
)]
#[non_exhaustive]
pub struct ValueError {
    /// The key.
    pub key: Key,
    /// The stored value, with bytes outside of printable ASCII escaped.
    pub raw: String,
}

const fn legal_values(key: Key) -> &'static str {
    match key {
        Key::Artifact(_) | Key::Index(_) => "`freezing`, `frozen` or `pruning`",
        Key::Hot(_) => "`transient` or `ready`",
        Key::EarliestLedger => "the first ledger of a chunk, in decimal,",
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A key whose values have a type of their own, for the low-level reads.
pub trait TypedKey: Into<Key> + Copy + sealed::Sealed {
    /// The type of the values stored under such a key.
    type Value;

    /// Decodes a stored value, or returns `None` if the bytes are not such a value.
    #[doc(hidden)]
    fn decode(bytes: &[u8]) -> Option<Self::Value>;
}

impl sealed::Sealed for ArtifactKey {}
impl sealed::Sealed for HotKey {}
impl sealed::Sealed for IndexKey {}
impl sealed::Sealed for EarliestLedgerKey {}

impl TypedKey for ArtifactKey {
    type Value = ArtifactState;

    fn decode(bytes: &[u8]) -> Option<ArtifactState> {
        ArtifactState::from_stored(bytes)
    }
}

impl TypedKey for HotKey {
    type Value = HotState;

    fn decode(bytes: &[u8]) -> Option<HotState> {
        HotState::from_stored(bytes)
    }
}

impl TypedKey for IndexKey {
    type Value = ArtifactState;

    fn decode(bytes: &[u8]) -> Option<ArtifactState> {
        ArtifactState::from_stored(bytes)
    }
}

impl TypedKey for EarliestLedgerKey {
    type Value = LedgerSeq;

    fn decode(bytes: &[u8]) -> Option<LedgerSeq> {
        parse_pin(bytes)
    }
}

/// Parses a pin: the unpadded decimal number of a ledger that starts a chunk.
fn parse_pin(bytes: &[u8]) -> Option<LedgerSeq> {
    let number: u32 = std::str::from_utf8(bytes).ok()?.parse().ok()?;
    let ledger = LedgerSeq::new(number).ok()?;
    let canonical = ledger.to_string().as_bytes() == bytes && ledger.starts_chunk();
    canonical.then_some(ledger)
}

pub(crate) fn decode_value<T: TypedKey>(key: T, bytes: &[u8]) -> Result<T::Value, ValueError> {
    T::decode(bytes).ok_or_else(|| ValueError {
        key: key.into(),
        raw: bytes.escape_ascii().to_string(),
    })
}
