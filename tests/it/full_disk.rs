//! A real file system that is full: a small one of the test's own, where it may mount one.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use frostline::{ArtifactState, Catalog, FailureKind, Ledgers, Prunable, StorageRoots};

use crate::fixture::{Data, chunk, freeze, state};

struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        let options = ["-t", "tmpfs", "-o", "size=48m", "none"];
        let status = mount.args(options).arg(at).output().ok()?.status;
        status.success().then(|| Self(at.to_path_buf()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg(&self.0).status().unwrap();
    }
}

/// Takes every byte that is left.
fn fill(disk: &Path) {
    let mut ballast = std::fs::File::create(disk.join("ballast")).unwrap();
    for size in [1 << 20, 4096, 1] {
        while ballast.write_all(&vec![0; size]).is_ok() {}
    }
}

/// Rows 14 and 31: on a full disk a freeze fails and is rewritable, the sweep still frees space, and
/// then the same work succeeds, in the same process and after a restart.
#[test]
fn a_full_disk_can_free_itself() {
    let world = Data::new();
    let disk = world.path();
    let Some(_mounted) = SmallDisk::mount(&disk) else {
        crate::fixture::skipped("this process may not mount");
        return;
    };
    let roots = StorageRoots::under(&disk).unwrap();
    let catalog = Catalog::open(roots.clone().lock().unwrap()).unwrap();
    let old = freeze(&catalog, 1, &vec![1; 1 << 20]);
    fill(&disk);

    let mut freezing = catalog.begin::<Ledgers>(chunk(2)).unwrap();
    let failed = match freezing.file(Ledgers::PACK) {
        Ok(mut file) => file.write_all(&vec![2; 1 << 20]).is_err(),
        Err(_) => true,
    };
    assert!(failed, "the disk is full");
    let error = freezing.sync().unwrap_err();
    assert_ne!(error.kind(), FailureKind::Fatal, "{error}");
    drop(error);
    assert!(catalog.lease::<Ledgers>(chunk(2)).unwrap().is_none());

    let swept = catalog
        .sweep_chunk_artifacts([Prunable::from(old.demote())])
        .unwrap();
    assert_eq!(swept.deleted.len(), 1);
    drop(freeze(&catalog, 2, &vec![2; 1 << 19]));
    drop(catalog);

    let catalog = Catalog::open(roots.lock().unwrap()).unwrap();
    assert_eq!(state(&catalog, 2), Some(ArtifactState::Frozen));
    assert_eq!(state(&catalog, 1), None);
}
