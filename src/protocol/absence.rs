//! The barrier of a removal: unlinked files, and the emptied directories of windows, are durably gone.

use std::collections::BTreeMap;

use super::barrier::check_file_systems;
use super::shared::Shared;
use crate::domain::{DirPath, RootRole, WindowId};
use crate::failure::{Fatal, IoFailure};
use crate::fs::{Dir, DirChain, DirChains};

impl Shared {
    /// Removes the directories of windows that the unlinked indexes have left empty, and makes the absence of the
    /// unlinked files durable, with one fsync for each directory that held them.
    ///
    /// One fsync is enough, even if a directory above is not durable: if the entry of that directory is lost, the files
    /// are lost with it. A directory of a window is different, because another sweep may remove it at the same time. A
    /// crash can undo that removal and bring the directory back with the files, so the directory above is fsynced, too.
    ///
    /// Returns the windows whose directory could not be removed: the keys of their indexes must stay. A failed fsync
    /// poisons the catalog.
    pub(crate) fn sync_absence(
        &self,
        mut chains: DirChains,
    ) -> Result<Vec<(WindowId, IoFailure)>, Fatal> {
        self.poison.if_it_panics(|| {
            let left = self.remove_empty_windows(&mut chains);
            let at_a_root = chains.iter().any(DirChain::ends_at_the_root);
            let at_a_root = at_a_root.then(|| self.barriers.one_at_a_time(&self.poison));
            let _one_at_a_time = at_a_root.transpose()?;
            let synced = directories(&chains)
                .into_iter()
                .try_for_each(Dir::sync)
                .and_then(|()| check_file_systems(chains.iter()));
            let synced = synced.map_err(|failure| self.poison.sync_failed(failure));
            synced.map(|()| left)
        })
    }

    /// Removes the directories of windows that are empty. A builder that has its window keeps the directory.
    fn remove_empty_windows(&self, chains: &mut DirChains) -> Vec<(WindowId, IoFailure)> {
        let mut left = Vec::new();
        for (window, chain) in chains.windows() {
            let path = chain.names.last().cloned().unwrap_or_default();
            let removed = self
                .windows
                .unless_claimed(window, || chain.remove_empty_window());
            match removed {
                Some(Ok(true)) => {
                    let role = RootRole::TxHash;
                    self.barriers.forget_dir(&DirPath { role, path });
                }
                Some(Err(failure)) => left.push((window, failure)),
                Some(Ok(false)) | None => {}
            }
        }
        left
    }
}

/// Returns the directories to be fsynced. Those that hold windows come last: if another sweep has removed the directory of
/// a window before its fsync here, the fsync above it covers that removal.
fn directories(chains: &DirChains) -> Vec<&Dir> {
    let own = chains.iter().filter(|chain| !chain.ends_at_windows());
    // Several chains have the same one.
    let holders = chains.iter().filter_map(DirChain::window_holder);
    let holders: BTreeMap<&str, &Dir> = holders.collect();
    own.map(DirChain::last)
        .chain(holders.into_values())
        .collect()
}
