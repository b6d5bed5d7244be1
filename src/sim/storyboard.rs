//! [`Storyboard`]: how a failure came about, operation by operation.

use std::fmt;
use std::rc::Rc;

use super::entries::Entries;
use super::history::History;
use super::world::{Inode, InodeId, World};

/// How a disk came to break a promise: what was done, where the power went, what was lost.
pub struct Storyboard {
    last: Scene,
    broken: String,
}

/// One process: what it did, and how it ended.
pub(super) struct Scene {
    before: Option<Rc<Scene>>,
    lines: Vec<String>,
    end: String,
}

impl Storyboard {
    pub(super) fn new(last: Scene, broken: String) -> Self {
        Self { last, broken }
    }

    /// What is wrong.
    #[must_use]
    pub fn broken(&self) -> &str {
        &self.broken
    }
}

impl Scene {
    fn new(history: &History, operations: usize, end: String, before: Option<&Rc<Self>>) -> Self {
        let records = history.log.iter().take(operations);
        let lines = records.map(|record| {
            let is_operation = record.event.is_operation();
            let mark = if is_operation { "" } else { "-- " };
            format!("{mark}{}", record.label)
        });
        Self {
            before: before.map(Rc::clone),
            lines: lines.collect(),
            end,
        }
    }

    /// The power was cut when so much of the history had happened.
    pub(super) fn cut(
        history: &History,
        position: usize,
        world: &World,
        image: &World,
        before: Option<&Rc<Self>>,
    ) -> Self {
        let fate = fate(world, image).join("\n     ");
        let end = format!("the power is cut; of what was pending:\n     {fate}");
        Self::new(history, position, end, before)
    }

    /// The process was killed when so much of the history had happened.
    pub(super) fn killed(history: &History, position: usize) -> Self {
        let end = "the process is killed; nothing is lost yet".to_owned();
        Self::new(history, position, end, None)
    }

    /// The process has come to its end.
    pub(super) fn ran(history: &History, before: Option<&Rc<Self>>) -> Self {
        let end = "the process ends".to_owned();
        Self::new(history, history.log.len(), end, before)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> Result<usize, fmt::Error> {
        let process = match &self.before {
            Some(before) => before.write(f)? + 1,
            None => 1,
        };
        writeln!(f, "process {process}")?;
        for (number, line) in self.lines.iter().enumerate() {
            writeln!(f, "{:4} {line}", number + 1)?;
        }
        writeln!(f, "  => {}", self.end)?;
        Ok(process)
    }
}

impl fmt::Display for Storyboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.last.write(f)?;
        writeln!(f, "broken: {}", self.broken)
    }
}

impl fmt::Debug for Storyboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Storyboard {}

/// What has become of everything that was pending.
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
