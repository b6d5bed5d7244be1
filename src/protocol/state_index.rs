//! The states of every chunk in memory: one byte for each chunk, equal to the durable catalog.
//!
//! A `u32` of ledgers has at most 429,496 chunks. A chunk has three artifacts of four states and a hot
//! directory of three states, which fit eight bits. The whole index therefore fits in 440 KB, and a lookup
//! costs no read. A [`Snapshot`] has a copy of each page that has changed since the snapshot before it.
//!
//! The few values that do not fit a byte are kept as they are stored, in [`Rest`]. No read of a state therefore asks
//! the store.
//!
//! The index cannot disagree with the catalog. It is filled from the catalog at the start. Only the
//! function that commits changes it, after the synced write has returned and before the commit returns. A
//! commit whose outcome is unknown poisons the catalog, and a poisoned catalog refuses all reads.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::index_states::IndexStates;
use super::packed::{PackedStates, Value};
use super::place::{Place, Word};
use super::state_pages::{self, StatePages, Update};
use crate::domain::{
    ArtifactKey, ArtifactKind, ArtifactState, BucketId, CHUNKS_PER_BUCKET, ChunkId, HotKey,
    HotState, IndexKey, Key, TypedKey, Unfinished, ValueError, WindowId, decode_value,
};
use crate::failure::{ReadError, StoreFailure};
use crate::store::Store;

pub(super) const BUCKETS: usize = ChunkId::MAX.bucket().get() as usize + 1;
pub(super) const CHUNKS: usize = CHUNKS_PER_BUCKET as usize;

/// The stored values that do not fit the words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rest {
    /// The pin, and every key of each chunk with an unrecognised value.
    as_stored: HashMap<Key, Box<[u8]>>,
    indexes: IndexStates,
}

/// The states between two commits.
pub(crate) type Snapshot = state_pages::Snapshot<Rest>;

/// The states between two commits, with their holders counted.
pub(crate) type Pinned = state_pages::Pinned<Rest>;

/// The states of all chunks.
pub(crate) struct States {
    /// A page for each bucket.
    pages: StatePages<Rest>,
}

impl States {
    /// Reads the whole catalog.
    pub(crate) fn load(store: &Store) -> Result<Self, StoreFailure> {
        let states = Self {
            pages: StatePages::new(BUCKETS, CHUNKS),
        };
        states.load_again(store)?;
        Ok(states)
    }

    /// Reads the whole catalog again. A snapshot has all of it or nothing.
    pub(super) fn load_again(&self, store: &Store) -> Result<(), StoreFailure> {
        let mut loaded = Loaded {
            pages: vec![Vec::new(); BUCKETS],
            rest: Rest::default(),
        };
        store.for_each(|key, stored| {
            // An entry without the canonical spelling of a key is skipped: the audit reports it.
            if let Some(key) = Key::recognize(key) {
                put(&mut loaded, key, Some(stored));
            }
        })?;
        self.pages.replace(&loaded.pages, loaded.rest);
        Ok(())
    }

    /// Counts the unfinished keys. An unrecognised value is not counted, because a person must repair it.
    pub(crate) fn unfinished(&self) -> Unfinished {
        let states = self.snapshot();
        let mut unfinished = Unfinished::default();
        for word in states.words().filter(|word| *word != 0) {
            let states = PackedStates(word);
            if states.is_unrecognised() {
                continue;
            }
            let artifacts = ArtifactKind::ALL.into_iter();
            let artifacts = artifacts.filter_map(|kind| states.artifact(kind));
            artifacts.for_each(|state| unfinished.count_artifact(state));
            states
                .hot()
                .into_iter()
                .for_each(|state| unfinished.count_hot(state));
        }
        for (key, stored) in &states.rest().as_stored {
            match Value::decode(*key, Some(stored)) {
                Some((_, Value::Artifact(_, Some(state)))) => unfinished.count_artifact(state),
                Some((_, Value::Hot(Some(state)))) => unfinished.count_hot(state),
                _ => {}
            }
        }
        let indexes = states.indexes().states();
        indexes.for_each(|state| unfinished.count_artifact(state));
        unfinished
    }

    /// Returns the states of one chunk.
    pub(crate) fn of(&self, chunk: ChunkId) -> PackedStates {
        PackedStates(self.pages.load(place(chunk)))
    }

    /// Returns the place where an artifact of a chunk can be read.
    pub(crate) fn source(&self, key: ArtifactKey) -> Result<Option<Source<()>>, ValueError> {
        match self.of(key.chunk) {
            unrecognised if unrecognised.is_unrecognised() => self.snapshot().source(key),
            states => Ok(source(states.artifact(key.kind), states.hot())),
        }
    }

    /// Returns the value that the store holds under a key, or `None` if the key is absent.
    pub(crate) fn stored(&self, key: Key) -> Option<Cow<'static, [u8]>> {
        let states = match key {
            Key::Artifact(ArtifactKey { chunk, .. }) | Key::Hot(HotKey { chunk }) => self.of(chunk),
            Key::EarliestLedger | Key::Index(_) => PackedStates::NOTHING,
        };
        match known(states, key) {
            Known::Is(value) => value.map(|value| Cow::Borrowed(value.as_bytes())),
            Known::AsStored => {
                let rest = self.pages.rest();
                let stored = rest.stored(key);
                stored.map(|stored| Cow::Owned(stored.into_owned()))
            }
        }
    }

    /// Returns the typed value of a key, or `None` if the key is absent.
    pub(crate) fn get<T: TypedKey>(&self, key: T) -> Result<Option<T::Value>, ValueError> {
        let stored = self.stored(key.into());
        stored.map(|stored| decode_value(key, &stored)).transpose()
    }

    /// Returns the one frozen index of a window, or `None` if no index of it is frozen.
    pub(super) fn frozen_index(&self, window: WindowId) -> Result<Option<IndexKey>, ReadError> {
        self.pages.rest().indexes.frozen_of(window)
    }

    /// Returns the states between two commits.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.pages.snapshot()
    }

    /// Returns the states between two commits, and counts their holder.
    pub(crate) fn pin(&self) -> Pinned {
        self.pages.pin()
    }

    /// Returns the number of holders of earlier states in which the files of this key may be read.
    pub(crate) fn pins(&self, key: Key) -> usize {
        self.pages.pins(|snapshot| snapshot.is_readable(key))
    }

    /// Applies the committed changes of one write. Only one caller at a time may call this.
    pub(crate) fn apply<'a>(&self, changes: impl IntoIterator<Item = (Key, Option<&'a str>)>) {
        self.pages.update(|update| {
            for (key, stored) in changes {
                put(update, key, stored.map(str::as_bytes));
            }
        });
    }

    /// Records a write to the store that bypassed the protocol.
    #[cfg(feature = "sim")]
    pub(crate) fn planted(&self, key: &[u8], stored: Option<&[u8]>) {
        if let Some(key) = Key::recognize(key) {
            self.pages.update(|update| put(update, key, stored));
        }
    }
}

impl Snapshot {
    /// Returns the states of one chunk.
    pub(crate) fn of(&self, chunk: ChunkId) -> PackedStates {
        PackedStates(self.load(place(chunk)))
    }

    /// Returns the value that the store held under a key, or `None` if the key was absent.
    fn stored(&self, key: Key) -> Option<Cow<'_, [u8]>> {
        let states = match key {
            Key::Artifact(ArtifactKey { chunk, .. }) | Key::Hot(HotKey { chunk }) => self.of(chunk),
            Key::EarliestLedger | Key::Index(_) => PackedStates::NOTHING,
        };
        match known(states, key) {
            Known::Is(value) => value.map(|value| Cow::Borrowed(value.as_bytes())),
            Known::AsStored => self.rest().stored(key),
        }
    }

    /// Returns whether the store held this value under a key.
    pub(crate) fn holds(&self, key: Key, value: &str) -> bool {
        self.stored(key).as_deref() == Some(value.as_bytes())
    }

    /// Returns the typed value of a key, or `None` if the key was absent.
    pub(crate) fn get<T: TypedKey>(&self, key: T) -> Result<Option<T::Value>, ValueError> {
        let stored = self.stored(key.into());
        stored.map(|stored| decode_value(key, &stored)).transpose()
    }

    /// Returns the state of an artifact, or `None` if its key was absent.
    pub(crate) fn artifact(&self, key: ArtifactKey) -> Result<Option<ArtifactState>, ValueError> {
        match self.of(key.chunk) {
            unrecognised if unrecognised.is_unrecognised() => self.get(key),
            states => Ok(states.artifact(key.kind)),
        }
    }

    /// Returns the state of a hot directory, or `None` if its key was absent.
    pub(crate) fn hot(&self, key: HotKey) -> Result<Option<HotState>, ValueError> {
        match self.of(key.chunk) {
            unrecognised if unrecognised.is_unrecognised() => self.get(key),
            states => Ok(states.hot()),
        }
    }

    /// Returns the place where an artifact of a chunk could be read.
    pub(crate) fn source(&self, key: ArtifactKey) -> Result<Option<Source<()>>, ValueError> {
        let artifact = self.artifact(key)?;
        if artifact == Some(ArtifactState::Frozen) {
            return Ok(Some(Source::Files(())));
        }
        Ok(source(artifact, self.hot(HotKey { chunk: key.chunk })?))
    }

    /// Returns whether a reader may read the files or the directory of this key.
    fn is_readable(&self, key: Key) -> bool {
        match key {
            Key::Artifact(key) => matches!(self.artifact(key), Ok(Some(ArtifactState::Frozen))),
            Key::Hot(key) => matches!(self.hot(key), Ok(Some(HotState::Ready))),
            Key::Index(key) => self.indexes().is_frozen(key),
            Key::EarliestLedger => false,
        }
    }

    /// Returns the states of all indexes.
    pub(crate) fn indexes(&self) -> &IndexStates {
        &self.rest().indexes
    }

    /// Returns the states of the chunks of a bucket; nothing if no chunk of it ever had a key.
    pub(crate) fn bucket(&self, bucket: BucketId) -> impl Iterator<Item = PackedStates> {
        let words = self.page(bucket.get() as usize).iter();
        words.copied().map(PackedStates)
    }
}

/// The place where an artifact of a chunk can be read. `T` is the right to read there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source<T> {
    Files(T),
    HotDirectory(T),
}

/// Returns the place that these states allow to read: the files before the hot directory, because the latter goes
/// once the chunk is frozen.
fn source(artifact: Option<ArtifactState>, hot: Option<HotState>) -> Option<Source<()>> {
    match (artifact, hot) {
        (Some(ArtifactState::Frozen), _) => Some(Source::Files(())),
        (_, Some(HotState::Ready)) => Some(Source::HotDirectory(())),
        _ => None,
    }
}

/// The knowledge of a key's value that the word of its chunk has.
enum Known {
    /// The value, or `None` if the key is absent.
    Is(Option<&'static str>),
    /// The value is kept as it is stored.
    AsStored,
}

/// Returns the knowledge of a key's value that the word of its chunk has.
fn known(states: PackedStates, key: Key) -> Known {
    match key {
        _ if states.is_unrecognised() => Known::AsStored,
        Key::Artifact(key) => Known::Is(states.artifact(key.kind).map(ArtifactState::as_str)),
        Key::Hot(_) => Known::Is(states.hot().map(HotState::as_str)),
        Key::EarliestLedger | Key::Index(_) => Known::AsStored,
    }
}

/// The memory that the value of a key is recorded in.
trait Memory {
    fn word(&mut self, place: Place) -> &mut Word;
    fn rest(&mut self) -> &mut Rest;
}

impl Memory for Update<'_, Rest> {
    fn word(&mut self, place: Place) -> &mut Word {
        self.word(place)
    }

    fn rest(&mut self) -> &mut Rest {
        self.rest()
    }
}

/// The whole catalog while it is read. A page without a key is empty.
struct Loaded {
    pages: Vec<Vec<Word>>,
    rest: Rest,
}

impl Memory for Loaded {
    fn word(&mut self, Place { page, cell }: Place) -> &mut Word {
        let page = self.pages.get_mut(page);
        let word = page.and_then(|page| {
            page.resize(CHUNKS, 0);
            page.get_mut(cell)
        });
        match word {
            Some(word) => word,
            None => unreachable!("each chunk has a place"),
        }
    }

    fn rest(&mut self) -> &mut Rest {
        &mut self.rest
    }
}

/// Records the value of a key.
fn put(memory: &mut impl Memory, key: Key, stored: Option<&[u8]>) {
    let Some((chunk, value)) = Value::decode(key, stored) else {
        memory.rest().put(key, stored);
        return;
    };
    let word = memory.word(place(chunk));
    let before = PackedStates(*word);
    let after = before.with(value);
    *word = after.0;
    if !after.is_unrecognised() {
        return;
    }
    let rest = memory.rest();
    if !before.is_unrecognised() {
        for (other, value) in before.stored(chunk) {
            rest.put(other, Some(value.as_bytes()));
        }
    }
    rest.put(key, stored);
}

impl Rest {
    fn stored(&self, key: Key) -> Option<Cow<'_, [u8]>> {
        match key {
            Key::Index(key) => self.indexes.stored(key),
            key => self
                .as_stored
                .get(&key)
                .map(|stored| Cow::Borrowed(&**stored)),
        }
    }

    fn put(&mut self, key: Key, stored: Option<&[u8]>) {
        if let Key::Index(key) = key {
            self.indexes.put(key, stored);
            return;
        }
        match stored {
            Some(value) => self.as_stored.insert(key, value.into()),
            None => self.as_stored.remove(&key),
        };
    }
}

/// Returns the place of a chunk's states.
pub(super) const fn place(chunk: ChunkId) -> Place {
    Place {
        page: chunk.bucket().get() as usize,
        cell: (chunk.get() % CHUNKS_PER_BUCKET) as usize,
    }
}
