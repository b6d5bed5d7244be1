//! The memory of the states: one word for each chunk, which readers load without a lock.

use super::place::{Place, Word};
use super::sync::{AtomicWord, Mutex, MutexGuard, OnceLock, Ordering, PoisonError};

pub(crate) struct StatePages {
    /// A page is absent until one of its cells has been written.
    pages: Box<[OnceLock<Box<[AtomicWord]>>]>,
    cells: usize,
    /// A lock that is held while a commit's changes are applied, and while a reader takes many cells. The
    /// reader therefore takes them from between two commits.
    together: Mutex<()>,
}

impl StatePages {
    pub(crate) fn new(pages: usize, cells: usize) -> Self {
        Self {
            pages: std::iter::repeat_with(OnceLock::new).take(pages).collect(),
            cells,
            together: Mutex::new(()),
        }
    }

    /// Returns a cell, or 0 if it was never written.
    pub(crate) fn load(&self, place: Place) -> Word {
        let page = self.pages.get(place.page).and_then(OnceLock::get);
        let cell = page.and_then(|page| page.get(place.cell));
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
            let cell = self.cell(place);
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
            let page = self.pages.get(number)?.get()?;
            // Relaxed: the changes were made under the lock that this thread holds.
            let cells = page.iter().map(|cell| cell.load(Ordering::Relaxed));
            Some((number, cells.collect()))
        });
        written.collect()
    }

    fn cell(&self, place: Place) -> &AtomicWord {
        let page = self.pages.get(place.page).map(|page| {
            page.get_or_init(|| {
                let cells = std::iter::repeat_with(|| AtomicWord::new(0)).take(self.cells);
                cells.collect()
            })
        });
        match page.and_then(|page| page.get(place.cell)) {
            Some(cell) => cell,
            None => unreachable!("{place:?} is outside of the pages"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.together.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
