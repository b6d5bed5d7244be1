//! [`NextStep`]: the act that follows a failure.

/// The act that follows a failure. Each error has one, so a program decides without a match on the error's type.
///
/// ```
/// use frostline::error::{Error, NextStep};
///
/// /// Returns whether the work is worth another attempt now, after `attempts` of them.
/// fn try_again(error: &Error, attempts: u32) -> Result<bool, String> {
///     match error.next() {
///         NextStep::Nothing => Ok(false),
///         NextStep::Later | NextStep::Again if attempts < 5 => Ok(true),
///         NextStep::Reopen => Err(format!("open the catalog again: {error}")),
///         _ => Err(format!("a person is needed: {error}")),
///     }
/// }
/// # let error = Error::from(frostline::ChunkId::new(429_496).unwrap_err());
/// # assert!(try_again(&error, 0).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NextStep {
    /// Continue: the key has the state that the step leads to.
    Nothing,
    /// Wait, then repeat the call: another handle, a reader or another process uses the key or the roots.
    Later,
    /// Repeat the step, from the claim on if the handle is gone. A full disk needs free space first. A step that fails
    /// a few times in the same way needs a person.
    Again,
    /// Let the handles that own a key go, and open the catalog again: with
    /// [`Catalog::reopen`](crate::Catalog::reopen), or, if it was a start that failed, by another start.
    Reopen,
    /// Report the error to a person and leave the key alone: files, values or the program must be put right first.
    Person,
}
