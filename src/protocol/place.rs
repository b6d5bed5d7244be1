//! The place of a value in memory: pages of cells, of which a page is made when it is first written.

/// The content of a cell of states. A kind or a family that does not fit needs a wider one, here and for `AtomicWord`
/// in `sync`; `state_index` checks that all values fit.
pub(crate) type Word = u8;

/// A cell of a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) page: usize,
    pub(crate) cell: usize,
}
