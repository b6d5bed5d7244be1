//! How much of the possible crash images an exploration builds.

/// How many disks are built for one instant.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// All of them, if there are no more than this.
    pub all: usize,
    /// The size of the sample otherwise.
    pub sample: usize,
    /// How many recoveries are cut off, too. The rest run to their end.
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
