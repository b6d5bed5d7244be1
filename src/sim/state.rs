//! The state behind a simulated disk's lock: the world, the log of events, and the planned faults.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::event::{Event, InodeId, Record};
use super::world::World;

/// Linux's number for an input or output error.
const EIO: i32 = 5;

/// The property of a call that a fault depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Reads the disk.
    Look,
    /// Changes the disk.
    Change,
    /// Changes the disk and needs space.
    Grow,
    /// Makes an inode durable.
    Sync(InodeId),
    /// Makes everything durable.
    SyncAll,
}

/// A planned failure.
#[derive(Clone, Copy)]
pub(super) struct Fault {
    /// The number of calls before it.
    pub(super) after: usize,
    pub(super) errno: i32,
}

pub(super) struct State {
    pub(super) world: World,
    /// The disk when the log began.
    pub(super) base: World,
    pub(super) log: Vec<Record>,
    pub(super) step: Arc<str>,
    /// Batches begun so far, and whether one is being written.
    batches: usize,
    in_batch: bool,
    pub(super) in_store: bool,
    /// The number of calls since the count was restarted.
    pub(super) calls: usize,
    pub(super) fault: Option<Fault>,
    /// The call that failed.
    pub(super) hit: Option<String>,
    /// The number of the call from which on the disk is full.
    pub(super) full_from: Option<usize>,
    pub(super) locked: BTreeSet<InodeId>,
    /// The inodes that this process must not sync again.
    failed_syncs: BTreeSet<InodeId>,
    /// The inodes that lost bytes in a failed sync of everything. Their own sync reports the loss once.
    lost: BTreeSet<InodeId>,
}

impl State {
    pub(super) fn new(world: World) -> Self {
        Self {
            base: world.clone(),
            world,
            log: Vec::new(),
            step: Arc::from(""),
            batches: 0,
            in_batch: false,
            in_store: false,
            calls: 0,
            fault: None,
            hit: None,
            full_from: None,
            locked: BTreeSet::new(),
            failed_syncs: BTreeSet::new(),
            lost: BTreeSet::new(),
        }
    }

    /// Begins another process: the locks, planned faults and failed syncs of the previous process are dropped.
    pub(super) fn restart(&mut self) {
        *self = Self {
            base: self.base.clone(),
            log: std::mem::take(&mut self.log),
            step: Arc::clone(&self.step),
            batches: self.batches,
            ..Self::new(self.world.clone())
        };
    }

    /// Counts a call, and fails it if its failure is planned.
    ///
    /// # Panics
    ///
    /// Panics if a failed sync is issued again.
    pub(super) fn call(&mut self, call: Call, verb: &str, path: &Path) -> io::Result<()> {
        let number = self.calls;
        self.calls += 1;
        if let Call::Sync(inode) = call {
            assert!(
                !self.failed_syncs.contains(&inode),
                "{verb} {}: a sync that has failed is issued again",
                path.display()
            );
            if self.lost.remove(&inode) {
                self.failed_syncs.insert(inode);
                return Err(io::Error::from_raw_os_error(EIO));
            }
        }
        let full = self.full_from.is_some_and(|from| from <= number);
        if full && call == Call::Grow {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let Some(fault) = self.fault.filter(|fault| fault.after == number) else {
            return Ok(());
        };
        self.hit = Some(format!("{verb} {}", path.display()));
        match call {
            Call::Sync(inode) => {
                self.failed_syncs.insert(inode);
                self.record(Event::LoseSync { inode }, verb, path);
            }
            Call::SyncAll => {
                let pending: Vec<_> = self.world.pending_files().collect();
                for inode in pending {
                    self.lost.insert(inode);
                    self.record(Event::LoseSync { inode }, verb, path);
                }
            }
            Call::Look | Call::Change | Call::Grow => {}
        }
        Err(io::Error::from_raw_os_error(fault.errno))
    }

    /// Applies an event to the disk and appends it to the log.
    pub(super) fn record(&mut self, event: Event, verb: &str, path: &Path) {
        match event {
            Event::BatchBegins(_) => {
                self.batches += 1;
                self.in_batch = true;
            }
            Event::BatchReturns => self.in_batch = false,
            _ => {}
        }
        self.world.apply(&event);
        self.log.push(Record {
            event,
            label: format!("{verb} {}", path.display()),
            step: Arc::clone(&self.step),
            batch: self.in_batch.then_some(self.batches),
            by_store: self.in_store,
        });
    }
}
