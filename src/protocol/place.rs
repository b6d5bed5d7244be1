//! Values by place: pages of cells, of which a page is made when one of its cells is first needed.

use super::sync::OnceLock;

/// The content of a cell of states. A kind or a family that does not fit needs a wider one, here and for `AtomicWord`
/// in `sync`; `state_index` checks that all values fit.
pub(crate) type Word = u8;

/// A cell of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) page: usize,
    pub(crate) cell: usize,
}

/// Pages of cells.
pub(crate) struct Pages<T> {
    pages: Box<[OnceLock<Box<[T]>>]>,
    cells: usize,
}

impl<T> Pages<T> {
    pub(crate) fn new(pages: usize, cells: usize) -> Self {
        Self {
            pages: std::iter::repeat_with(OnceLock::new).take(pages).collect(),
            cells,
        }
    }

    /// Returns the cells of all pages that have been made.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let pages = self.pages.iter().filter_map(OnceLock::get);
        pages.flat_map(|page| page.iter())
    }

    /// Returns the cells of a page, if the page has been made.
    pub(crate) fn page(&self, number: usize) -> Option<&[T]> {
        self.pages.get(number)?.get().map(|page| &**page)
    }

    /// Returns a cell, if its page has been made.
    pub(crate) fn get(&self, place: Place) -> Option<&T> {
        self.page(place.page)?.get(place.cell)
    }

    /// Returns a cell. Makes its page of new cells, if it is the first.
    pub(crate) fn get_or_make(&self, place: Place, new: impl FnMut() -> T) -> &T {
        let page = self.pages.get(place.page).map(|page| {
            page.get_or_init(|| std::iter::repeat_with(new).take(self.cells).collect())
        });
        match page.and_then(|page| page.get(place.cell)) {
            Some(cell) => cell,
            None => unreachable!("{place:?} is outside of the pages"),
        }
    }
}
