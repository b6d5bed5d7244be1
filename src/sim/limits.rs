//! [`Limits`]: the number of crash images that an exploration builds.

/// The limits of an exploration.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest number of crash images of one crash point that are all built.
    pub all: usize,
    /// The number of crash images that are built of a crash point with more.
    pub sample: usize,
    /// The number of recoveries that are cut at every operation. The other recoveries run to their end.
    pub cut_recoveries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            all: 1 << 10,
            sample: 1 << 5,
            cut_recoveries: usize::MAX,
        }
    }
}
