//! [`CrashTrace`]: the operations that led to a failure.

use std::fmt;
use std::sync::Arc;

use super::entries::Entries;
use super::event::{InodeId, Record};
use super::history::History;
use super::world::{Inode, World};

/// The trace of a broken invariant: the operations, the crash points, and the lost changes.
pub struct CrashTrace {
    last: Scene,
    broken: String,
}

/// One process: its operations and its end. It is only formatted if an invariant is broken.
pub(super) struct Scene {
    before: Option<Arc<Scene>>,
    history: Arc<History>,
    /// The number of records of the history that have happened.
    position: usize,
    end: End,
}

/// The end of a process.
pub(super) enum End {
    /// The power is cut: the disk before the cut, and its crash image.
    Cut { world: World, image: World },
    /// The process is killed.
    Killed,
    /// The process finishes.
    Finished,
}

impl CrashTrace {
    pub(super) fn new(last: Scene, broken: String) -> Self {
        Self { last, broken }
    }

    /// Returns the broken invariants.
    #[must_use]
    pub fn broken(&self) -> &str {
        &self.broken
    }
}

impl Scene {
    pub(super) fn new(
        history: &Arc<History>,
        position: usize,
        end: End,
        before: Option<&Arc<Self>>,
    ) -> Self {
        Self {
            before: before.map(Arc::clone),
            history: Arc::clone(history),
            position,
            end,
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> Result<usize, fmt::Error> {
        let process = match &self.before {
            Some(before) => before.write(f)? + 1,
            None => 1,
        };
        writeln!(f, "process {process}")?;
        let records = self.history.log.iter().take(self.position);
        let mut operation = 0;
        for Record { event, label, .. } in records {
            if event.is_operation() {
                operation += 1;
                writeln!(f, "{operation:4} {label}")?;
            } else {
                writeln!(f, "  -- {label}")?;
            }
        }
        match &self.end {
            End::Cut { world, image } => {
                let fate = fate(world, image).join("\n     ");
                writeln!(
                    f,
                    "  => the power is cut; of what was pending:\n     {fate}"
                )?;
            }
            End::Killed => writeln!(f, "  => the process is killed; nothing is lost yet")?,
            End::Finished => writeln!(f, "  => the process ends")?,
        }
        Ok(process)
    }
}

impl fmt::Display for CrashTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.last.write(f)?;
        writeln!(f, "broken: {}", self.broken)
    }
}

impl fmt::Debug for CrashTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for CrashTrace {}

/// Returns the fate of each pending change.
fn fate(world: &World, image: &World) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, inode) in world.inodes.iter().enumerate() {
        let id = InodeId(number);
        let path = world.path_of(id).map_or_else(
            || "(unlinked)".to_owned(),
            |path| path.display().to_string(),
        );
        match inode.as_ref() {
            Inode::File(content) if content.is_pending() => {
                let left = image.file(id).map(|content| content.current().len());
                lines.push(format!(
                    "{path}: {} bytes, of which {} were durable; left with {}",
                    content.current().len(),
                    content.durable_bytes().len(),
                    left.unwrap_or_default(),
                ));
            }
            Inode::Directory(entries) => {
                lines.extend(fate_of_entries(entries, image.directory(id), &path));
            }
            Inode::File(_) => {}
        }
    }
    if lines.is_empty() {
        lines.push("nothing was".to_owned());
    }
    lines
}

fn fate_of_entries(entries: &Entries, left: Option<&Entries>, path: &str) -> Vec<String> {
    let pending = entries
        .outcomes()
        .into_iter()
        .filter(|(name, _)| entries.is_pending(name));
    pending
        .map(|(name, _)| {
            let now = entries.get(name);
            let kept = left.is_some_and(|left| left.get(name) == now);
            let what = if now.is_some() {
                "the new entry"
            } else {
                "the removal of"
            };
            let fate = if kept { "kept" } else { "lost" };
            format!(
                "{what} {}: {fate}",
                std::path::Path::new(path).join(name).display()
            )
        })
        .collect()
}
