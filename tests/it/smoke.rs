use std::io::Write as _;

use frostline::{ArtifactKind, ArtifactState, Catalog, ChunkId, Ledgers, StorageRoots};

#[test]
fn smoke() {
    let dir = tempfile::tempdir().unwrap();
    let roots = StorageRoots::under(dir.path().join("data")).unwrap();
    let catalog = Catalog::open(roots.clone().lock().unwrap()).unwrap();
    let chunk = ChunkId::new(5350).unwrap();
    let mut freezing = catalog.begin::<Ledgers>(chunk).unwrap();
    freezing
        .file(Ledgers::PACK)
        .unwrap()
        .write_all(b"hello")
        .unwrap();
    let frozen = freezing.freeze().unwrap();
    assert_eq!(
        catalog.state(chunk, ArtifactKind::Ledgers).unwrap(),
        Some(ArtifactState::Frozen)
    );
    let lease = frozen.lease();
    assert_eq!(lease.open(Ledgers::PACK).unwrap().size().unwrap(), 5);
    drop(lease);
    let swept = catalog
        .sweep_chunk_artifacts([frozen.demote().into()])
        .unwrap();
    assert_eq!(swept.deleted.len(), 1);
    let hot = catalog.create_hot(chunk).unwrap().ready().unwrap();
    hot.discard().unwrap().remove().unwrap();
    drop(catalog);
    let catalog = Catalog::open(roots.lock().unwrap()).unwrap();
    assert_eq!(catalog.state(chunk, ArtifactKind::Ledgers).unwrap(), None);
    let out = std::process::Command::new("find")
        .arg(dir.path())
        .output()
        .unwrap();
    println!("{}", String::from_utf8_lossy(&out.stdout));
}
