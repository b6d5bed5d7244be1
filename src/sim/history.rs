//! The events on a disk since its start, and their mutations.

use super::disk::SimDisk;
use super::event::{Batch, Event, Record};
use super::world::World;

/// A disk after its last `sync_all`, and every event since then.
#[derive(Clone)]
pub struct History {
    pub(super) base: World,
    pub(super) log: Vec<Record>,
}

impl SimDisk {
    /// Returns the events since the last [`sync_all`](Self::sync_all), or since the disk was made.
    #[must_use]
    pub fn history(&self) -> History {
        let state = self.state();
        History {
            base: state.base.clone(),
            log: state.log.clone(),
        }
    }
}

/// The defect of a mutant.
#[derive(Clone, Debug)]
pub enum Mutation {
    /// A sync without effect, because the disk ignored it or the call was forgotten.
    DropSync,
    /// A batch that was never committed: its edits.
    DropBatch(Batch),
    /// Two operations, one of them a sync, in the wrong order.
    Swap,
}

/// A history with one defect.
pub struct Mutant {
    /// The defect in words, with its step.
    pub name: String,
    /// The defect.
    pub mutation: Mutation,
    /// The mutated events.
    pub history: History,
}

impl History {
    /// Returns the disk at each crash point with its pending changes, as a killed process leaves it.
    pub fn killed(&self) -> impl Iterator<Item = SimDisk> {
        self.instants().map(|(_, world)| SimDisk::of(world))
    }

    /// Returns the number of operations.
    #[must_use]
    pub fn len(&self) -> usize {
        self.log
            .iter()
            .filter(|record| record.event.is_operation())
            .count()
    }

    /// Returns whether the history has no operations.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the operations, one line each.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let operations = self.log.iter().filter(|record| record.event.is_operation());
        operations.map(|record| record.label.as_str())
    }

    /// Returns every history with one sync or batch dropped, or with one sync swapped with its neighbour. The
    /// store's own operations are not mutated.
    #[must_use]
    pub fn mutants(&self) -> Vec<Mutant> {
        let mut mutants = Vec::new();
        let mut last_batch = None;
        for (position, record) in self.log.iter().enumerate() {
            if record.by_store {
                continue;
            }
            if record.batch.is_some() && record.batch != last_batch {
                last_batch = record.batch;
                mutants.extend(self.without_batch(position));
            }
            if record.event.is_barrier() {
                mutants.push(self.without_sync(position));
            }
            mutants.extend(self.swapped(position));
        }
        mutants
    }

    fn without_sync(&self, position: usize) -> Mutant {
        let mut history = self.clone();
        let record = history.log.remove(position);
        Mutant {
            name: format!("no `{}` ({})", record.label, record.step),
            mutation: Mutation::DropSync,
            history,
        }
    }

    /// Drops the batch that begins at this position.
    fn without_batch(&self, position: usize) -> Option<Mutant> {
        let first = self.log.get(position)?;
        let Event::BatchBegins(batch) = &first.event else {
            return None;
        };
        let mut history = self.clone();
        history.log.retain(|record| record.batch != first.batch);
        self.close_gap(first.batch, &mut history);
        // The record that ends the batch has no batch number, so `retain` has kept it.
        let end = history.log.iter().skip(position);
        let end = end.take_while(|record| !matches!(record.event, Event::BatchReturns));
        let end = position + end.count();
        if end < history.log.len() {
            history.log.remove(end);
        }
        Some(Mutant {
            name: format!("no `{}` ({})", first.label, first.step),
            mutation: Mutation::DropBatch(Batch::clone(batch)),
            history,
        })
    }

    /// Moves the writes behind a batch in its log to the position of the batch, because a store that never wrote
    /// the batch would leave no hole.
    fn close_gap(&self, batch: Option<usize>, history: &mut Self) {
        let of_batch = self.log.iter().filter(|record| record.batch == batch);
        for record in of_batch {
            let Event::Write {
                inode: log,
                at: Some(gap),
                bytes: missing,
            } = &record.event
            else {
                continue;
            };
            for later in &mut history.log {
                if let Event::Write { inode, at, .. } = &mut later.event
                    && inode == log
                    && let Some(at) = at.as_mut().filter(|at| **at > *gap)
                {
                    *at -= missing.len();
                }
            }
        }
    }

    /// Swaps the operation at this position with the next one.
    fn swapped(&self, position: usize) -> Option<Mutant> {
        let first = self.log.get(position)?;
        if !first.event.is_operation() {
            return None;
        }
        let following = self.log.iter().enumerate().skip(position + 1);
        let mut operations = following.filter(|(_, record)| record.event.is_operation());
        let (next, second) = operations.next()?;
        // A later operation may rely on a sync; an earlier one relies on it only if the sync covers it.
        let is_ordered = match (&first.event, &second.event) {
            (first, second) if first.is_barrier() => !second.is_barrier(),
            (first, second) => second.covers(first),
        };
        if second.by_store || !is_ordered {
            return None;
        }
        let mut history = self.clone();
        let moved = history.log.remove(position);
        let name = format!(
            "`{}` ({}) before `{}` ({})",
            second.label, second.step, moved.label, moved.step
        );
        history.log.insert(next, moved);
        Some(Mutant {
            name,
            mutation: Mutation::Swap,
            history,
        })
    }

    /// Returns the disk before the first record and after each record, with the number of records applied.
    pub(super) fn instants(&self) -> impl Iterator<Item = (usize, World)> {
        let mut world = self.base.clone();
        let first = std::iter::once((0, world.clone()));
        let rest = self.log.iter().enumerate().map(move |(position, record)| {
            world.apply(&record.event);
            (position + 1, world.clone())
        });
        first.chain(rest)
    }
}
