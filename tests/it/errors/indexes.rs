//! Errors of building, promoting and finding indexes.

use std::io::Write as _;

use frostline::error::{BeginError, Failure as _, Operation, ReadError, SyncError};
use frostline::index::{Coverage, IndexBuild, IndexKey};
use frostline::{ArtifactKey, ArtifactKind, DebrisPolicy, TxHash};

use super::{Bench, Texts};
use crate::fixture::{EIO, chunk};

fn coverage(lo: u32, hi: u32) -> Coverage {
    Coverage::new(chunk(lo), chunk(hi)).unwrap()
}

impl Bench {
    /// Freezes the transaction hashes of chunks 7 and 8.
    fn with_inputs(self) -> Self {
        for number in [7, 8] {
            let mut freezing = self.catalog().begin::<TxHash>(chunk(number)).unwrap();
            freezing
                .file(TxHash::BIN)
                .unwrap()
                .write_all(b"hashes")
                .unwrap();
            drop(freezing.freeze().unwrap());
        }
        self
    }

    fn build(&self, coverage: Coverage) -> IndexBuild {
        let mut build = self.catalog().begin_index(coverage).unwrap();
        build.file().unwrap().write_all(b"index").unwrap();
        build
    }

    fn promote(&self, coverage: Coverage) {
        let promotion = self.build(coverage).sync().unwrap();
        drop(self.catalog().commit(promotion).unwrap());
    }
}

#[test]
fn begin_index_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench, coverage| -> BeginError {
        let error = bench.catalog().begin_index(coverage).unwrap_err();
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
        error
    };
    let both = coverage(7, 8);
    let bench = Bench::new().with_inputs();
    let build = bench.build(coverage(7, 7));
    add("Refused, Claimed by another build", &bench, both);
    drop(build);
    let key = IndexKey { coverage: both };
    add("Refused, InputMissing", &bench, coverage(7, 9));
    bench.promote(both);
    add("Refused, AlreadyFrozen", &bench, both);
    add("Refused, Narrower, nothing to do", &bench, coverage(8, 8));
    add("Refused, Narrower", &bench, coverage(8, 9));
    let view = bench.catalog().view().unwrap();
    let old = bench.catalog().claim_for_pruning(key).unwrap();
    let swept = bench.catalog().sweep_chunk_artifacts(old).unwrap();
    assert_eq!(swept.leased.len(), 1);
    drop(swept);
    add("Refused, Leased", &bench, both);
    drop(view);

    let bench = Bench::new().with_inputs();
    let path = bench.path("txhash/index/00000000");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("00000007-00000008.idx"), b"stray").unwrap();
    add("Refused, Stray", &bench, both);

    let bench = Bench::planted(&[(b"index:00000000:00000007:00000009", b"melted")]).with_inputs();
    add("Refused, Read, Value", &bench, both);
    bench.promote_beside_another();
    add("Refused, Read, TwoIndexes", &bench, coverage(107, 107));

    let bench = Bench::new().with_inputs();
    bench.refuse_commit(0);
    add("Refused, Commit", &bench, both);
    bench.faults.fail(Operation::Commit, EIO);
    add("Failed, Fatal", &bench, both);
    add("Refused, Poisoned", &bench, both);
    texts.check("errors_begin_index");
}

impl Bench {
    /// Plants two frozen indexes of one window.
    fn promote_beside_another(&self) {
        let catalog = self.catalog();
        for (key, value) in [
            ("index:00000000:00000007:00000009", None),
            ("index:00000000:00000100:00000101", Some("frozen")),
            ("index:00000000:00000100:00000102", Some("frozen")),
        ] {
            let value = value.map(str::as_bytes);
            catalog.write_raw_for_test(key.as_bytes(), value).unwrap();
        }
    }
}

#[test]
fn sync_index_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench, error: SyncError<IndexBuild>| {
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
        error
    };
    let both = coverage(7, 8);
    let bench = Bench::new().with_inputs();
    let build = bench.catalog().begin_index(both).unwrap();
    let error = build.sync().unwrap_err();
    drop(add("Refused, NotCreated", &bench, error));
    bench.promote(coverage(7, 7));
    let build = bench.build(both);
    let coverage = coverage(7, 7);
    let owner = bench.catalog().claim_for_pruning(IndexKey { coverage });
    let error = build.sync().unwrap_err();
    let SyncError::Refused(refused) = add("Refused, Claimed", &bench, error) else {
        panic!("another handle owns the key");
    };
    drop(owner);
    let build = refused.into_handle();
    bench
        .catalog()
        .write_raw_for_test(b"index:00000000:00000100:00000100", Some(b"frozen"))
        .unwrap();
    let error = build.sync().unwrap_err();
    drop(add("Refused, Read, TwoIndexes", &bench, error));

    let bench = Bench::new().with_inputs();
    let build = bench.build(both);
    bench.faults.fail(Operation::SyncFile, EIO);
    drop(add("Failed, Fatal", &bench, build.sync().unwrap_err()));
    bench.catalog().reopen().unwrap();
    drop(bench.catalog().recover(DebrisPolicy::Remove).unwrap());
    let build = bench.build(both);
    bench.poison();
    drop(add("Refused, Poisoned", &bench, build.sync().unwrap_err()));
    texts.check("errors_sync_index");
}

#[test]
fn index_of_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench| {
        let error: ReadError = bench.catalog().index_of(chunk(7)).unwrap_err();
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
    };
    let bench = Bench::new();
    bench.promote_beside_another();
    add("TwoIndexes", &bench);
    let bench = Bench::planted(&[(b"index:00000000:00000007:00000009", b"melted")]);
    add("Value", &bench);
    let kind = ArtifactKind::TxHash;
    let chunk = chunk(7);
    assert_eq!(
        bench.catalog().get(ArtifactKey { chunk, kind }).unwrap(),
        None
    );
    bench.poison();
    add("Poisoned", &bench);
    texts.check("errors_index_of");
}
