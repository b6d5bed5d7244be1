//! The memory of the states: one word for each chunk, which readers load without a lock.

use super::place::{Pages, Place, Word};
use super::sync::{AtomicWord, Mutex, MutexGuard, Ordering, PoisonError};

pub(crate) struct StatePages {
    pages: Pages<AtomicWord>,
    /// A lock that is held while a commit's changes are applied, and while a reader takes many cells. The
    /// reader therefore takes them from between two commits.
    together: Mutex<()>,
}

impl StatePages {
    pub(crate) fn new(pages: usize, cells: usize) -> Self {
        Self {
            pages: Pages::new(pages, cells),
            together: Mutex::new(()),
        }
    }

    /// Returns a cell, or 0 if it was never written.
    pub(crate) fn load(&self, place: Place) -> Word {
        let cell = self.pages.get(place);
        // Acquire: a thread that sees a state sees everything that came before its commit.
        cell.map_or(0, |cell| cell.load(Ordering::Acquire))
    }

    /// Changes cells. [`read`](Self::read) sees all of these changes or none.
    pub(crate) fn update(
        &self,
        changes: impl IntoIterator<Item = (Place, impl FnOnce(Word) -> Word)>,
    ) {
        let _together = self.lock();
        for (place, change) in changes {
            let cell = self.pages.get_or_make(place, || AtomicWord::new(0));
            // Relaxed: all other changes were made under the lock that this thread holds.
            let next = change(cell.load(Ordering::Relaxed));
            cell.store(next, Ordering::Release);
        }
    }

    /// Returns all cells of these pages, each page with its number, as they are between two calls of
    /// [`update`](Self::update). Pages that were never written are left out.
    pub(crate) fn read(&self, pages: std::ops::RangeInclusive<usize>) -> Vec<(usize, Vec<Word>)> {
        let _together = self.lock();
        let written = pages.filter_map(|number| {
            let page = self.pages.page(number)?;
            // Relaxed: the changes were made under the lock that this thread holds.
            let cells = page.iter().map(|cell| cell.load(Ordering::Relaxed));
            Some((number, cells.collect()))
        });
        written.collect()
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.together.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
