//! Simulated power cuts, killed processes and failing calls, for tests: under the feature `sim`.
//!
//! A [`SimDisk`] is a disk in memory that records which changes are durable. A node is started on it with
//! [`StorageRoots::lock_on_simulated`](crate::StorageRoots::lock_on_simulated) and runs the same code as on
//! a real disk. A program that has files of its own writes them with the disk's methods.
//!
//! A [`History`] holds the operations on a disk, and [`PowerLoss`] explores their crash images. It cuts the
//! power at every operation, builds every possible crash image, and has each image checked and recovered. It
//! cuts the recoveries in the same way, until no new crash image appears. A [`CrashTrace`] reports the first
//! failure. [`History::mutants`] leaves out syncs and batches and swaps ordered operations: a test that
//! explores the mutants shows that it detects these defects.
//!
//! A [`Probe`] sees every operation on a real file system. It can make an operation fail, or end the process
//! before it.
//!
//! The example `ex07_your_own_file` shows the test of a later layer.
//!
//! # Effects of a power cut
//!
//! | rule | source |
//! |---|---|
//! | Bytes that were not synced are lost, kept or torn, each sector of 512 bytes on its own. | POSIX guarantees nothing before `fsync`; disks write a sector completely or not at all, and the papers below found writes torn at sector boundaries |
//! | A file that grew may have its new length, or a part of it, and read as zeros. | delayed allocation: `ext4(5)`, and XFS's questions and answers, on files of zeros after a crash |
//! | Entries that were not synced are lost or kept, each name on its own, in any order. | POSIX; Pillai and others, "All File Systems Are Not Created Equal", OSDI 2014 |
//! | `fsync` of a file makes its bytes and length durable, but not its name. | `fsync(2)`, notes |
//! | `fsync` of a directory makes its own entries durable: not those below, and not its own name. | as above, read strictly; ext4 and XFS do more |
//! | If the entry of a directory is lost, everything below it is lost, too. | paths below it cannot be reached |
//! | A rename is a change of two names, each lost or kept on its own; the new name is the old file or the new one. | harsher than `rename(2)` on ext4 and XFS, which keep or lose it as a whole |
//! | An unlinked file or removed directory may come back as long as its parent is not synced. | as any other entry |
//! | After a failed `fsync` of a file the pending bytes can be lost for good, though a later `fsync` succeeds. | `fsync(2)`, errors; Rebello and others, "Can Applications Recover from fsync Failures?", ATC 2020 |
//! | A failed write into reserved space leaves a part that ends at a sector boundary; any other failed write leaves half of its bytes. | Linux copies a buffered write page by page (`generic_perform_write`, `iomap_write_iter`) |
//! | A crash image contains a batch of the store as a whole or not at all; once the commit has returned, it contains the batch. | follows, because the store is a model of RocksDB's files on this disk, with torn log records recognized by their checksums |
//!
//! A killed process loses nothing: pending changes stay pending, and the next process reads them. A later
//! power cut can still lose them.
//!
//! # Limits of the model
//!
//! The model leaves out: bytes that change by themselves; misdirected writes; a disk that tears a sector, or
//! that reports a sync it has not done (but for the mutants); two processes or threads at once; more than
//! one file system; symbolic and hard links; permissions; memory maps.
//!
//! A failed sync of a *directory* loses nothing for good: its blocks are in the journal, and a journal that
//! fails stops the file system. RocksDB's tables are left out: in the model a flush writes one new manifest
//! with all entries. A full disk fails the calls that need space, either one call at a time or every call
//! from a given one on. Writes to the store's log do not fail, because their space is reserved when the
//! store opens.

mod content;
mod crash_trace;
mod cut;
mod disk;
mod entries;
mod event;
mod explore;
mod file_handle;
mod files;
mod handle;
mod history;
mod limits;
mod probe;
mod state;
mod world;

/// The length of a run of zeros that stands for a longer one. The scenarios also write to the space behind it.
pub(crate) const SECTOR_OF_ZEROS: usize = 512;

pub use crash_trace::CrashTrace;
pub use disk::SimDisk;
pub use event::{Batch, Keys};
pub use explore::{Explored, PowerLoss, When};
pub(crate) use file_handle::FileHandle;
pub use files::SimFile;
pub(crate) use handle::{DirHandle, LockHandle};
pub use history::{History, Mutant, Mutation};
pub use limits::Limits;
pub use probe::Probe;
