//! Compiler messages for calls that skip a step, as in the other families.

use super::build::IndexBuild;
use super::promotion::Promotion;

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "an `IndexBuild` cannot be read: its file is not complete",
    label = "a step is missing before this",
    note = "`Catalog::commit` of the result of `.sync()` gives a `Promoted`, whose `index` can be read"
)]
pub trait ReadIndexBuild<Never> {}

impl IndexBuild {
    #[doc(hidden)]
    pub fn open<Never>(&self)
    where
        Self: ReadIndexBuild<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Promotion` cannot be read: it is not committed",
    label = "a step is missing before this",
    note = "`Catalog::commit` gives a `Promoted`, whose `index` can be read"
)]
pub trait ReadPromotion<Never> {}

impl Promotion {
    #[doc(hidden)]
    pub fn open<Never>(&self)
    where
        Self: ReadPromotion<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Promotion` cannot be made by hand",
    label = "the steps before it are missing",
    note = "`Catalog::begin_index` marks the key, and `.sync()` makes the file durable and finds the predecessor and the inputs from the coverage"
)]
pub trait PromotionByHand<Never> {}

impl Promotion {
    #[doc(hidden)]
    #[expect(clippy::new_ret_no_self, reason = "it cannot be called")]
    pub fn new<Never, From>(_: From)
    where
        Self: PromotionByHand<Never>,
    {
    }
}
