//! [`RecoveryPlan`]: the keys that a surgical recovery demotes, as a value that can be printed and read again.

use std::fmt;
use std::str::FromStr;

use crate::domain::{ArtifactState, Epoch, FileKey, HotKey, HotState, Key};
use crate::failure::{Failure, FailureKind, NextStep};
use crate::roots::CatalogId;

/// The first line of a plan's text, with the number of its format.
const TITLE: &str = "frostline recovery plan 1";

/// The part of a node's storage that is tainted in a range of chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tainted {
    /// The artifacts, the indexes and the hot directories.
    Everything,
    /// The hot directories. The artifacts and the indexes are sound.
    HotOnly,
}

/// The keys that a surgical recovery demotes, for one catalog at one [`Epoch`].
///
/// [`Catalog::plan_recovery`](crate::Catalog::plan_recovery) makes it, and
/// [`Catalog::apply_recovery`](crate::Catalog::apply_recovery) applies it. In between, a person can read its text, and keep
/// it: [`Display`](fmt::Display) prints the plan, and [`FromStr`] reads the printed text. Only its last line break may be
/// missing. A changed text is refused or is the text of another plan, so a plan that was edited by hand demotes the keys
/// that it lists.
///
/// ```text
/// frostline recovery plan 1
/// catalog 5f0c4b3e9a7d4c1c8b7e6d5a4f3e2d1c
/// epoch 4711
/// chunk:00005350:ledgers frozen -> freezing
/// hot:chunk:00005351 ready -> transient
/// end 2
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "nothing is demoted until `Catalog::apply_recovery` has applied it"]
pub struct RecoveryPlan {
    pub(super) catalog: CatalogId,
    pub(super) epoch: Epoch,
    /// In the order of the keys.
    pub(super) files: Vec<FileKey>,
    pub(super) hot: Vec<HotKey>,
}

impl RecoveryPlan {
    /// Returns the id of the catalog.
    #[must_use]
    pub const fn catalog(&self) -> CatalogId {
        self.catalog
    }

    /// Returns the epoch of the catalog at which the plan was made.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns the artifacts and the indexes, which become `freezing`, in the order of their keys.
    #[must_use]
    pub fn files(&self) -> &[FileKey] {
        &self.files
    }

    /// Returns the hot directories, which become `transient`, in the order of their keys.
    #[must_use]
    pub fn hot(&self) -> &[HotKey] {
        &self.hot
    }

    /// Returns the number of keys.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.files.len() + self.hot.len()
    }

    /// Returns whether there is no key to demote.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns each key with its value before and after.
    pub(super) fn changes(&self) -> impl Iterator<Item = (Key, &'static str, &'static str)> {
        let files = self.files.iter().map(|key| Key::from(*key));
        let hot = self.hot.iter().map(|key| Key::from(*key));
        files.chain(hot).map(|key| {
            let (before, after) = values(key);
            (key, before, after)
        })
    }
}

/// Returns the value of a key before and after the recovery.
const fn values(key: Key) -> (&'static str, &'static str) {
    match key {
        Key::Hot(_) => (HotState::Ready.as_str(), HotState::Transient.as_str()),
        _ => (
            ArtifactState::Frozen.as_str(),
            ArtifactState::Freezing.as_str(),
        ),
    }
}

impl fmt::Display for RecoveryPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TITLE}")?;
        writeln!(f, "catalog {}", self.catalog)?;
        writeln!(f, "epoch {}", self.epoch)?;
        for (key, before, after) in self.changes() {
            writeln!(f, "{key} {before} -> {after}")?;
        }
        writeln!(f, "end {}", self.len())
    }
}

/// A text that is no recovery plan. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line} of the recovery plan is `{found}` instead of {expected}: give the text as it was printed, or make a new \
     plan"
)]
#[non_exhaustive]
pub struct PlanError {
    /// The number of the line, counted from 1.
    pub line: usize,
    /// The line, with bytes outside of printable ASCII escaped; empty if the text ends before it.
    pub found: String,
    /// The content that the line must have.
    pub expected: &'static str,
}

impl Failure for PlanError {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        NextStep::Person
    }
}

/// The lines of a plan's text that are still to be read.
struct Lines<'a> {
    rest: std::str::Split<'a, char>,
    /// The number of the line that was read last.
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> &'a str {
        self.number += 1;
        self.rest.next().unwrap_or_default()
    }

    fn error(&self, found: &str, expected: &'static str) -> PlanError {
        PlanError {
            line: self.number,
            found: found.escape_default().to_string(),
            expected,
        }
    }

    /// Reads a line, of which `read` must accept the whole.
    fn read<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, PlanError> {
        let line = self.next();
        read(line).ok_or_else(|| self.error(line, expected))
    }
}

impl FromStr for RecoveryPlan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let mut lines = Lines {
            rest: text.split('\n'),
            number: 0,
        };
        lines.read("the title of a plan of this version", |line| {
            (line == TITLE).then_some(())
        })?;
        let catalog = lines.read("`catalog` and 32 hexadecimal digits", |line| {
            CatalogId::parse(line.strip_prefix("catalog ")?)
        })?;
        let epoch = lines.read("`epoch` and a number", |line| {
            Some(Epoch::of(number(line.strip_prefix("epoch ")?)?))
        })?;
        let mut plan = Self {
            catalog,
            epoch,
            files: Vec::new(),
            hot: Vec::new(),
        };
        let mut last = None;
        loop {
            let line = lines.next();
            if let Some(count) = line.strip_prefix("end ") {
                if number(count) != Some(plan.len() as u64) {
                    return Err(lines.error(line, "`end` and the number of keys"));
                }
                break;
            }
            let expected = "a key after the one before, with its values";
            let key = change(line).filter(|key| last.is_none_or(|last| last < place(*key)));
            let key = key.ok_or_else(|| lines.error(line, expected))?;
            last = Some(place(key));
            match key {
                Key::Artifact(key) => plan.files.push(key.into()),
                Key::Index(key) => plan.files.push(key.into()),
                Key::Hot(key) => plan.hot.push(key),
                Key::EarliestLedger => return Err(lines.error(line, expected)),
            }
        }
        lines.number += 1;
        // The last line break was printed, and copies of a text often lose it.
        match (lines.rest.next(), lines.rest.next()) {
            (None | Some(""), None) => Ok(plan),
            (line, _) => Err(lines.error(line.unwrap_or_default(), "the end of the text")),
        }
    }
}

/// The place of a key in a plan: hot directories come last.
fn place(key: Key) -> (bool, Key) {
    (matches!(key, Key::Hot(_)), key)
}

/// Reads the key of a line, with its two values.
fn change(line: &str) -> Option<Key> {
    let (key, change) = line.split_once(' ')?;
    let key = Key::recognize(key.as_bytes())?;
    let (before, after) = values(key);
    (change == format!("{before} -> {after}")).then_some(key)
}

/// Reads a decimal number without padding or sign.
fn number(digits: &str) -> Option<u64> {
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}
