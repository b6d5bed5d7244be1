//! The plan of a backfill: the kinds that chunks lack, and their begin.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Catalog;
use super::scan::ChunkState;
use crate::artifact::{BegunMissing, intend_missing};
use crate::domain::{ArtifactKind, ArtifactSet, ArtifactState, ChunkId};
use crate::failure::{BeginError, ReadError};
use crate::protocol::{Snapshot, commit_to};

/// The chunks of a range that lack a kind; see [`Catalog::missing`].
pub struct Missing {
    states: Arc<Snapshot>,
    /// The numbers of the chunks to come.
    numbers: RangeInclusive<u32>,
    wanted: ArtifactSet,
}

impl Iterator for Missing {
    type Item = Result<(ChunkId, ArtifactSet), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let chunk = ChunkId::new(self.numbers.next()?).ok()?;
            let missing = match ChunkState::at(&self.states, chunk) {
                Ok(state) => state.missing(self.wanted),
                Err(error) => return Some(Err(error.into())),
            };
            if !missing.is_empty() {
                return Some(Ok((chunk, missing)));
            }
        }
    }
}

impl ChunkState {
    /// The states of a chunk without any key.
    #[must_use]
    pub const fn absent(chunk: ChunkId) -> Self {
        Self {
            chunk,
            ledgers: None,
            events: None,
            txhash: None,
            hot: None,
        }
    }

    /// Returns the state of a kind, or `None` if its key is absent.
    #[must_use]
    pub const fn artifact(&self, kind: ArtifactKind) -> Option<ArtifactState> {
        match kind {
            ArtifactKind::Ledgers => self.ledgers,
            ArtifactKind::Events => self.events,
            ArtifactKind::TxHash => self.txhash,
        }
    }

    /// Returns the kinds that are frozen.
    #[must_use]
    pub fn frozen(&self) -> ArtifactSet {
        let frozen = |kind: &ArtifactKind| self.artifact(*kind) == Some(ArtifactState::Frozen);
        ArtifactSet::ALL.iter().filter(frozen).collect()
    }

    /// Returns the kinds of `wanted` that are not frozen.
    #[must_use]
    pub fn missing(&self, wanted: ArtifactSet) -> ArtifactSet {
        self.frozen().iter().fold(wanted, ArtifactSet::without)
    }
}

/// # Begin what is missing
impl Catalog {
    /// Returns the states of one chunk, as of one commit. A chunk without any key has a state, too.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn chunk_state(&self, chunk: ChunkId) -> Result<ChunkState, ReadError> {
        Ok(ChunkState::at(&*self.shared().snapshot()?, chunk)?)
    }

    /// Returns the chunks of a range that lack a kind of `wanted`, ascending, each with the kinds that are not frozen.
    /// Chunks without any key are included. The iterator is a snapshot: every state is as of one commit. The items
    /// can be given to [`begin_sets`](Self::begin_sets).
    ///
    /// A chunk with an unrecognised value is an error of its own entry, and the iterator continues.
    ///
    /// ```
    /// use std::io::Write;
    /// use frostline::{ArtifactKind, ArtifactSet, ChunkId, Ledgers};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
    /// let wanted = ArtifactSet::EMPTY.with(ArtifactKind::Ledgers);
    /// let range = ChunkId::new(7)?..=ChunkId::new(9)?;
    /// for entry in catalog.missing(range.clone(), wanted)? {
    ///     let (chunk, kinds) = entry?;
    ///     let mut begun = catalog.begin_missing(chunk, kinds)?;
    ///     if let Some(ledgers) = &mut begun.set.ledgers {
    ///         ledgers.file(Ledgers::PACK)?.write_all(b"ten thousand ledgers")?;
    ///     }
    ///     catalog.commit(begun.set.sync()?)?;
    /// }
    /// assert_eq!(catalog.missing(range, wanted)?.count(), 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn missing(
        &self,
        range: RangeInclusive<ChunkId>,
        wanted: ArtifactSet,
    ) -> Result<Missing, ReadError> {
        let numbers = range.start().get()..=range.end().get();
        Ok(Missing {
            states: self.shared().snapshot()?,
            numbers,
            wanted,
        })
    }

    /// Begins the kinds of `wanted` that are not frozen: one synced batch marks all of their keys.
    ///
    /// A frozen kind is left out. A key that is claimed, has readers, a file without its key or an unrecognised value
    /// is listed in [`refused`](BegunMissing::refused), and the other kinds are begun.
    ///
    /// # Errors
    ///
    /// [`BeginError`]: refused as a whole if the catalog is poisoned, the store or a directory cannot be read, or the
    /// commit is refused; or fatal.
    #[track_caller]
    pub fn begin_missing(
        &self,
        chunk: ChunkId,
        wanted: ArtifactSet,
    ) -> Result<BegunMissing, BeginError> {
        let intended = intend_missing(self.shared(), chunk, wanted);
        let (intent, refused) = intended.map_err(|refusal| BeginError::refused((), refusal))?;
        let begun = commit_to(self.shared(), intent);
        let set = begun.map_err(|error| error.map(|_intent| ()))?;
        Ok(BegunMissing { set, refused })
    }
}
