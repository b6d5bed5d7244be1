//! Readers: the leases on each artifact, counted without a lock.
//!
//! An artifact has a cell of its own from its first lease on, and its leases are the holders of the cell. Taking a
//! lease therefore writes to one cache line, which at most one other artifact's cell shares. Cells stay until the
//! catalog is closed: 48 bytes for each artifact that has been leased, and 48 KB for each bucket with one.
//!
//! A reader counts itself first and reads the state second. An owner changes the state first and reads the count
//! second. Each puts a sequentially consistent fence in between. One of the two fences is the earlier one, so that
//! the reader sees the changed state, or the owner sees the reader, or both. A lease is never given out on files that
//! an owner removes.

use super::place::{Pages, Place};
use super::sync::{Arc, Counted, OnceLock, Ordering, fence};

/// The readers of all artifacts. Each lease keeps a `T`.
pub(crate) struct Readers<T> {
    cells: Pages<OnceLock<Counted<Arc<T>>>>,
    kept: Arc<T>,
}

/// The right to read the files of an artifact: they stay while a reader exists.
pub(crate) struct Reader<T>(Counted<Arc<T>>);

impl<T> Readers<T> {
    pub(crate) fn new(pages: usize, cells: usize, kept: Arc<T>) -> Self {
        Self {
            cells: Pages::new(pages, cells),
            kept,
        }
    }

    /// Takes a lease for the artifact's owner, who knows that the artifact is frozen.
    pub(crate) fn take(&self, place: Place) -> Reader<T> {
        let cell = self.cells.get_or_make(place, OnceLock::new);
        let counted = cell.get_or_init(|| Counted::new(Arc::clone(&self.kept)));
        Reader::new(counted.clone())
    }

    /// Takes a lease if `is_readable` returns true.
    pub(crate) fn take_if<E>(
        &self,
        place: Place,
        is_readable: impl Fn() -> Result<bool, E>,
    ) -> Result<Option<Reader<T>>, E> {
        // Before the reader is counted, so that an attempt to read an artifact that is being removed does not hold the
        // removal up. Only an attempt that meets the demotion itself is counted for a moment.
        if !is_readable()? {
            return Ok(None);
        }
        let reader = self.take(place);
        // After the reader is counted, and before the state is read.
        fence(Ordering::SeqCst);
        Ok(is_readable()?.then_some(reader))
    }

    /// Returns the number of leases that are out, and of views that can still give one out, which `views` counts. The
    /// caller has changed the state so that no further lease is given out otherwise.
    pub(crate) fn count(&self, place: Place, views: impl FnOnce() -> usize) -> usize {
        // Before the leases: a view that is gone has given out its last lease.
        let views = views();
        // After the change of the state and the count of the views, and before the readers are counted.
        fence(Ordering::SeqCst);
        let cell = self.cells.get(place).and_then(OnceLock::get);
        let readers = cell.map_or(0, Counted::others);
        // The last reads under a view or a lease come before the removal that follows.
        fence(Ordering::Acquire);
        views + readers
    }
}

impl<T> Readers<T> {
    /// Returns the number of all leases that are out. The caller is the only one who can give out another one.
    pub(crate) fn out(&self) -> usize {
        let cells = self.cells.iter().filter_map(OnceLock::get);
        let readers = cells.map(Counted::others).sum();
        // A reader's last use of the roots comes before the caller's next one.
        fence(Ordering::Acquire);
        readers
    }
}

impl<T> Reader<T> {
    pub(super) const fn new(counted: Counted<Arc<T>>) -> Self {
        Self(counted)
    }
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> std::ops::Deref for Reader<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
