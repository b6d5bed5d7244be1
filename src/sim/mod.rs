//! Power cuts, killed processes and failing calls, for tests: under the feature `sim`.
//!
//! A [`SimDisk`] is a disk in memory that knows what would survive. A node is started on it with
//! [`StorageRoots::lock_on_simulated`](crate::StorageRoots::lock_on_simulated), and runs the same code
//! as on a real one; a program that has files of its own writes them with the disk's methods. What has
//! happened is a [`History`], and [`PowerLoss`] explores what may become of it: it cuts the power at
//! every operation, builds every disk that this may leave, has it checked and recovered, cuts the
//! recovery off in the same way, and goes on until no disk appears that it has not seen. What it finds
//! is told as a [`CrashTrace`]. [`History::mutants`] leaves out syncs and batches and swaps what is
//! ordered, so that a test can show that it would notice.
//!
//! A [`Probe`] is told of every operation on a real file system, and can make one fail, or end the
//! process there.
//!
//! The example `ex07_your_own_file` is what a later layer would write.
//!
//! # What a power cut may do
//!
//! | rule | source |
//! |---|---|
//! | Bytes that were not synced are lost, kept or torn, each sector of 512 bytes on its own. | POSIX promises nothing before `fsync`; a sector is what disks write all or none of, and the papers below found writes torn at it |
//! | A file that grew may have its new length, or a part of it, and read as zeros. | delayed allocation: `ext4(5)`, and XFS's questions and answers, on files of zeros after a crash |
//! | Entries that were not synced are lost or kept, each name on its own, in any order. | POSIX; Pillai and others, "All File Systems Are Not Created Equal", OSDI 2014 |
//! | `fsync` of a file makes its bytes and length durable, and not its name. | `fsync(2)`, notes |
//! | `fsync` of a directory makes its own entries durable: not those below, and not its own name. | as above, read strictly; ext4 and XFS do more |
//! | A directory whose entry is lost takes everything below it with it. | it cannot be reached |
//! | A rename is a change of two names, each lost or kept on its own; the new name is the old file or the new one. | harsher than `rename(2)` on ext4 and XFS, which keep or lose it as a whole |
//! | What was unlinked or removed may come back as long as its directory is not synced. | as any other entry |
//! | After a failed `fsync` of a file what was pending can be lost for good, though a later one succeeds. | `fsync(2)`, errors; Rebello and others, "Can Applications Recover from fsync Failures?", ATC 2020 |
//! | A write that fails in space that was reserved leaves a part that ends where a sector does; elsewhere half of its bytes. | Linux copies a buffered write page by page (`generic_perform_write`, `iomap_write_iter`) |
//! | A batch of the store is there as a whole or not at all; once the call has returned it is there. | follows, because the store is a model of RocksDB's files on this disk, with torn log records recognized by their checksums |
//!
//! A killed process loses nothing: what is pending stays pending, and the next process reads it, also
//! if a power cut then takes it away.
//!
//! # What is not modelled
//!
//! Bytes that change by themselves; writes that go astray; a disk that tears a sector, or that reports a
//! sync it has not done (but for the mutants); two processes or threads at once; more than one file
//! system; symbolic and hard links; permissions; memory maps. A failed sync of a *directory* loses
//! nothing for good: its blocks are in the journal, and a journal that fails stops the file system.
//! RocksDB's tables are left out: in the model a flush writes one new manifest with all entries. A disk
//! that is full fails what needs space, one call at a time or from some call on; writing to the store's
//! log does not, because its space is reserved when the store opens.

mod content;
mod crash_trace;
mod cut;
mod disk;
mod entries;
mod event;
mod explore;
mod files;
mod handle;
mod history;
mod limits;
mod probe;
mod state;
mod world;

/// Bytes of zeros that stand for many: the scenarios write on behind them.
pub(crate) const SECTOR_OF_ZEROS: usize = 512;

pub use crash_trace::CrashTrace;
pub use disk::SimDisk;
pub use event::{Batch, Keys};
pub use explore::{Explored, PowerLoss, When};
pub use files::SimFile;
pub(crate) use handle::{DirHandle, FileHandle, LockHandle};
pub use history::{History, Mutant, Mutation};
pub use limits::Limits;
pub use probe::Probe;
