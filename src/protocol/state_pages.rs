//! The memory of the states: one word for each chunk, which readers load without a lock, and snapshots of all words.
//!
//! A [`Snapshot`] is of an instant between two updates. It is made when it is first asked for, and then shared until
//! the next update, so that taking it costs a lock and a counter. Two snapshots share the pages that no update between
//! them has changed.
//!
//! A [`Pinned`] snapshot is counted: [`StatePages::pins`] returns the number of holders whose snapshot has a property.
//! An owner of files asks it after a change of their state. A snapshot is taken under the lock that the change was
//! made under, so it is either counted or of a later instant.

use std::collections::{BTreeMap, BTreeSet};

use super::place::{Pages, Place, Word};
use super::sync::{Arc, AtomicWord, Counted, Mutex, MutexGuard, Ordering, PoisonError};

/// The words of all chunks, and a value of type `R` that changes together with them.
pub(crate) struct StatePages<R> {
    pages: Pages<AtomicWord>,
    /// A lock that is held while a commit's changes are applied, and while a snapshot is taken.
    together: Mutex<Together<R>>,
}

struct Together<R> {
    rest: Arc<R>,
    /// The snapshot that was made last.
    made: Arc<Snapshot<R>>,
    /// The pages that have changed since.
    dirty: BTreeSet<usize>,
    /// Whether anything has changed since.
    is_stale: bool,
    /// The last snapshot, counted, if it was pinned and nothing has changed since.
    current: Option<Pinned<R>>,
    /// Earlier snapshots that still have holders.
    earlier: Vec<Pinned<R>>,
}

/// The words of all chunks between two updates, and the value of type `R` at that instant.
#[derive(Debug)]
pub(crate) struct Snapshot<R> {
    pages: Vec<Option<Arc<[Word]>>>,
    rest: Arc<R>,
}

/// A snapshot whose holders are counted.
pub(crate) struct Pinned<R>(Counted<Arc<Snapshot<R>>>);

/// An update that is being made.
pub(crate) struct Update<'a, R> {
    pages: &'a Pages<AtomicWord>,
    words: BTreeMap<Place, Word>,
    rest: &'a mut Arc<R>,
    rest_changes: bool,
}

impl<R: Clone + Default> StatePages<R> {
    pub(crate) fn new(pages: usize, cells: usize) -> Self {
        let rest = Arc::<R>::default();
        let made = Arc::new(Snapshot {
            pages: vec![None; pages],
            rest: Arc::clone(&rest),
        });
        Self {
            pages: Pages::new(pages, cells),
            together: Mutex::new(Together {
                rest,
                made,
                dirty: BTreeSet::new(),
                is_stale: false,
                current: None,
                earlier: Vec::new(),
            }),
        }
    }

    /// Returns a word, or 0 if it was never written.
    pub(crate) fn load(&self, place: Place) -> Word {
        let cell = self.pages.get(place);
        // Acquire: a thread that sees a state sees everything that came before its commit.
        cell.map_or(0, |cell| cell.load(Ordering::Acquire))
    }

    /// Makes several changes, of which every snapshot has all or none.
    ///
    /// Each word is stored once, so that [`load`](Self::load) sees all changes of a word or none.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Update<'_, R>) -> T) -> T {
        let together = &mut *self.lock();
        let mut update = Update {
            pages: &self.pages,
            words: BTreeMap::new(),
            rest: &mut together.rest,
            rest_changes: false,
        };
        let changed = change(&mut update);
        if update.words.is_empty() && !update.rest_changes {
            return changed;
        }
        for (place, word) in update.words {
            let cell = self.pages.get_or_make(place, || AtomicWord::new(0));
            publish(cell, word);
            together.dirty.insert(place.page);
        }
        together.end_instant();
        changed
    }

    /// Replaces all words and the rest. An empty page has zeros.
    pub(crate) fn replace(&self, pages: &[Vec<Word>], rest: R) {
        let together = &mut *self.lock();
        for (page, words) in pages.iter().enumerate() {
            if words.is_empty() && self.pages.page(page).is_none() {
                continue;
            }
            let first = Place { page, cell: 0 };
            self.pages.get_or_make(first, || AtomicWord::new(0));
            let cells = self.pages.page(page).unwrap_or_default();
            let words = words.iter().copied().chain(std::iter::repeat(0));
            for (cell, word) in cells.iter().zip(words) {
                publish(cell, word);
            }
            together.dirty.insert(page);
        }
        together.rest = Arc::new(rest);
        together.end_instant();
    }

    /// Returns the states as they are between two updates. Holding them does not count.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot<R>> {
        Arc::clone(self.refresh(&mut self.lock()))
    }

    /// Returns the states as they are between two updates, and counts their holder.
    pub(crate) fn pin(&self) -> Pinned<R> {
        let mut together = self.lock();
        if let Some(current) = &together.current {
            return current.clone();
        }
        let made = Arc::clone(self.refresh(&mut together));
        together.current.insert(Pinned(Counted::new(made))).clone()
    }

    /// Returns the number of holders of pinned snapshots for which `sees` returns true. The caller puts a fence behind
    /// it, so that the last reads of a holder that has let go come before the removal that follows.
    pub(crate) fn pins(&self, sees: impl Fn(&Snapshot<R>) -> bool) -> usize {
        let mut together = self.lock();
        together.forget_released();
        let pinned = together.earlier.iter().chain(&together.current);
        let holders = pinned.filter(|pinned| sees(pinned)).map(Pinned::others);
        holders.sum()
    }

    /// Returns the value that changes together with the words.
    pub(crate) fn rest(&self) -> Arc<R> {
        Arc::clone(&self.lock().rest)
    }

    /// Makes the last snapshot again, if anything has changed since.
    fn refresh<'a>(&self, together: &'a mut Together<R>) -> &'a Arc<Snapshot<R>> {
        if together.is_stale {
            // In place, if it has no holder.
            let made = Arc::make_mut(&mut together.made);
            made.rest = Arc::clone(&together.rest);
            for number in std::mem::take(&mut together.dirty) {
                let cells = self.pages.page(number).unwrap_or_default();
                // Relaxed: the words were stored under the lock that this thread holds.
                let words = cells.iter().map(|cell| cell.load(Ordering::Relaxed));
                if let Some(page) = made.pages.get_mut(number) {
                    *page = Some(words.collect());
                }
            }
            together.is_stale = false;
        }
        &together.made
    }

    fn lock(&self) -> MutexGuard<'_, Together<R>> {
        self.together.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> Together<R> {
    /// Makes the last snapshot one of an earlier instant.
    fn end_instant(&mut self) {
        self.is_stale = true;
        let current = self.current.take();
        self.earlier.extend(current);
        self.forget_released();
    }

    /// Frees the earlier snapshots without a holder. A new holder comes from another one only, because none of these
    /// is given out any more.
    fn forget_released(&mut self) {
        self.earlier.retain(|earlier| earlier.others() > 0);
    }
}

impl<R: Clone> Update<'_, R> {
    /// Returns a word, to be changed.
    pub(crate) fn word(&mut self, place: Place) -> &mut Word {
        // Relaxed: the word was stored under the lock that this thread holds.
        let stored = self.pages.get(place);
        let stored = stored.map_or(0, |cell| cell.load(Ordering::Relaxed));
        self.words.entry(place).or_insert(stored)
    }

    /// Returns the value that changes together with the words, to be changed.
    pub(crate) fn rest(&mut self) -> &mut R {
        self.rest_changes = true;
        Arc::make_mut(self.rest)
    }
}

impl<R> Snapshot<R> {
    /// Returns a word, or 0 if it was never written.
    pub(crate) fn load(&self, place: Place) -> Word {
        let page = self.page(place.page);
        page.get(place.cell).copied().unwrap_or(0)
    }

    /// Returns the words of a page; none if it was never written.
    pub(crate) fn page(&self, number: usize) -> &[Word] {
        let page = self.pages.get(number).and_then(Option::as_ref);
        page.map_or(&[], |page| page)
    }

    /// Returns all words that were ever written.
    pub(crate) fn words(&self) -> impl Iterator<Item = Word> {
        let pages = self.pages.iter().flatten();
        pages.flat_map(|page| page.iter().copied())
    }

    /// Returns the value that changes together with the words.
    pub(crate) fn rest(&self) -> &R {
        &self.rest
    }
}

impl<R> Clone for Snapshot<R> {
    /// Shares the pages.
    fn clone(&self) -> Self {
        Self {
            pages: self.pages.clone(),
            rest: Arc::clone(&self.rest),
        }
    }
}

impl<R> Pinned<R> {
    fn others(&self) -> usize {
        self.0.others()
    }

    /// Returns the snapshot, which may be held without being counted.
    pub(crate) fn snapshot(&self) -> &Arc<Snapshot<R>> {
        &self.0
    }
}

impl<R> Clone for Pinned<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R> std::ops::Deref for Pinned<R> {
    type Target = Snapshot<R>;

    fn deref(&self) -> &Snapshot<R> {
        &self.0
    }
}

/// Stores a word. Release: a thread that sees the word sees everything that came before its commit.
fn publish(cell: &AtomicWord, word: Word) {
    cell.store(word, Ordering::Release);
}
