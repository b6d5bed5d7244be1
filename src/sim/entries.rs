//! The entries of a directory: the durable ones, the current ones, and each outcome of a power cut.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use super::event::InodeId;

/// The inode of a name, or `None` if the name does not exist.
type Target = Option<InodeId>;

/// A directory's entries.
#[derive(Clone, Default)]
pub(super) struct Entries {
    current: BTreeMap<OsString, InodeId>,
    /// Names that have changed since the last sync: the target of each at that sync, and each target since then.
    pending: BTreeMap<OsString, Vec<Target>>,
}

impl Entries {
    /// Creates durable entries without pending changes.
    pub(super) fn durable<'a>(entries: impl IntoIterator<Item = (&'a OsString, InodeId)>) -> Self {
        let entries = entries.into_iter();
        Self {
            current: entries.map(|(name, inode)| (name.clone(), inode)).collect(),
            pending: BTreeMap::new(),
        }
    }

    /// Returns the current target of a name.
    pub(super) fn get(&self, name: &OsStr) -> Target {
        self.current.get(name).copied()
    }

    /// Returns every current name with its inode.
    pub(super) fn current(&self) -> impl Iterator<Item = (&OsString, InodeId)> {
        self.current.iter().map(|(name, inode)| (name, *inode))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.current.is_empty()
    }

    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn is_pending(&self, name: &OsStr) -> bool {
        self.pending.contains_key(name)
    }

    /// Sets the target of a name, or removes the name if `target` is `None`.
    pub(super) fn set(&mut self, name: &OsStr, target: Target) {
        let before = self.get(name);
        let targets = self
            .pending
            .entry(name.to_owned())
            .or_insert_with(|| vec![before]);
        if !targets.contains(&target) {
            targets.push(target);
        }
        match target {
            Some(inode) => self.current.insert(name.to_owned(), inode),
            None => self.current.remove(name),
        };
    }

    pub(super) fn sync(&mut self) {
        self.pending.clear();
    }

    /// Returns every name with its possible targets after a power cut, the durable one first. A change is lost or
    /// kept for each name on its own.
    pub(super) fn outcomes(&self) -> BTreeMap<&OsString, Vec<Target>> {
        let mut all: BTreeMap<_, _> = self
            .current
            .iter()
            .map(|(name, inode)| (name, vec![Some(*inode)]))
            .collect();
        for (name, targets) in &self.pending {
            all.insert(name, targets.clone());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> OsString {
        text.into()
    }

    #[test]
    fn each_name_is_lost_or_kept_on_its_own() {
        let mut entries = Entries::default();
        entries.set(&name("old"), Some(InodeId(1)));
        entries.sync();
        entries.set(&name("new"), Some(InodeId(2)));
        entries.set(&name("old"), None);
        let (new, old) = (name("new"), name("old"));
        let expected = BTreeMap::from([
            (&new, vec![None, Some(InodeId(2))]),
            (&old, vec![Some(InodeId(1)), None]),
        ]);
        assert_eq!(entries.outcomes(), expected);
        entries.sync();
        assert_eq!(
            entries.outcomes(),
            BTreeMap::from([(&new, vec![Some(InodeId(2))])])
        );
    }

    #[test]
    fn a_name_that_changed_twice_has_three_outcomes() {
        let mut entries = Entries::default();
        entries.set(&name("a"), Some(InodeId(1)));
        entries.sync();
        entries.set(&name("a"), None);
        entries.set(&name("a"), Some(InodeId(2)));
        let targets = vec![Some(InodeId(1)), None, Some(InodeId(2))];
        assert_eq!(entries.outcomes(), BTreeMap::from([(&name("a"), targets)]));
    }
}
