//! The place of a value in memory: pages of cells, of which a page is made when it is first written.

/// A cell of a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) page: usize,
    pub(crate) cell: usize,
}
