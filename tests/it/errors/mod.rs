//! The text of every public error with its causes, in one snapshot for each type.
//!
//! The tests provoke every variant through the public API, mostly by making one operation fail.

mod checking;
mod groups;
mod hot;
mod indexes;
mod opening;
mod removing;
mod surgery;
mod table;
mod writing;

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use frostline::error::FailureKind;
use frostline::error::{Failure, NextStep, Operation};
use frostline::step::Synced;
use frostline::{
    Artifact, Catalog, ChunkId, Debris, Freezing, Frozen, HotDebris, Ledgers, Pruning, Ready,
    Transient,
};

use crate::fixture::{Data, EIO, ENOSPC, Faults, chunk, give_up};
use crate::snapshot;

/// Returns chunk 7, which every case uses.
fn seven() -> ChunkId {
    chunk(7)
}

/// A data directory, its catalog, and the faults that both can be given.
struct Bench {
    // The first field, so that it is dropped before the directory is removed.
    catalog: Catalog,
    faults: Faults,
    data: Data,
}

impl Bench {
    fn new() -> Self {
        Self::over(Data::new())
    }

    fn over(data: Data) -> Self {
        let faults = Faults::new();
        let catalog = data.open_with(&faults);
        Self {
            catalog,
            faults,
            data,
        }
    }

    /// Opens a catalog with these raw entries, as if another program had written them.
    fn planted(entries: &[(&[u8], &[u8])]) -> Self {
        let data = Data::new();
        drop(data.open());
        data.write_raw_for_test(entries);
        Self::over(data)
    }

    /// Poisons the catalog, which then refuses everything.
    fn poison(&self) {
        self.faults.fail(Operation::Commit, EIO);
        let error = self.catalog().begin::<Ledgers>(chunk(429_495)).unwrap_err();
        assert_eq!(error.kind(), FailureKind::Fatal);
    }

    /// Has the nth commit from here on find no space.
    fn refuse_commit(&self, nth: usize) {
        self.faults.fail_after(nth, Operation::TakeSpace, ENOSPC);
    }

    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn path(&self, below: &str) -> PathBuf {
        self.data.path().join(below)
    }

    #[track_caller]
    fn freezing(&self) -> Freezing<Ledgers> {
        self.catalog().begin(seven()).unwrap()
    }

    fn written(&self) -> Freezing<Ledgers> {
        let mut freezing = self.freezing();
        let mut file = freezing.file(Ledgers::PACK).unwrap();
        file.write_all(b"ledgers").unwrap();
        freezing
    }

    fn synced(&self) -> Synced<Ledgers> {
        self.written().sync().unwrap()
    }

    fn frozen(&self) -> Frozen<Ledgers> {
        self.written().freeze().unwrap()
    }

    fn pruning(&self) -> Pruning<Ledgers> {
        self.catalog().commit(self.frozen().demote()).unwrap()
    }

    fn debris(&self) -> Debris<Ledgers> {
        drop(self.written());
        match self.catalog().claim(seven()).unwrap() {
            Artifact::Debris(debris) => debris,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn transient(&self) -> Transient {
        self.catalog().create_hot(seven()).unwrap()
    }

    #[track_caller]
    fn ready(&self) -> Ready {
        self.transient().ready().unwrap()
    }

    fn hot_debris(&self) -> HotDebris {
        give_up(self.catalog(), self.ready())
    }
}

/// The collected texts of one type.
#[derive(Default)]
struct Texts {
    text: String,
}

impl Texts {
    /// Adds an error with its failure kind, its next step and its causes.
    fn add(
        &mut self,
        variant: &str,
        (kind, next): (FailureKind, NextStep),
        data: &Data,
        error: &dyn Error,
    ) {
        writeln!(self.text, "# {variant} [{kind:?}, {next:?}]").unwrap();
        self.add_chain(data, error);
    }

    /// Adds an error whose failure kind and next step are known by its trait only.
    fn add_leaf(&mut self, variant: &str, data: &Data, error: &impl Failure) {
        self.add(variant, (error.kind(), error.next()), data, error);
    }

    fn add_chain(&mut self, data: &Data, error: &dyn Error) {
        let mut texts = vec![redact(data, &error.to_string())];
        let mut cause = error.source();
        while let Some(error) = cause {
            texts.push(redact(data, &error.to_string()));
            cause = error.source();
        }
        for text in &texts {
            assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
            assert!(!text.contains("ChunkId("), "debug output in {text:?}");
        }
        for pair in texts.windows(2) {
            assert!(
                !pair[0].contains(&pair[1]),
                "the cause is repeated: {texts:?}"
            );
        }
        writeln!(self.text, "{}\n", texts.join("\n  because: ")).unwrap();
    }

    fn check(self, name: &str) {
        snapshot::check(name, &self.text);
    }
}

/// Replaces the parts that differ from run to run: directories, process numbers and places in these files.
fn redact(data: &Data, text: &str) -> String {
    let text = data.redact(text);
    let text = replace_number(&text, "process ", "{pid}");
    let text = replace_number(&text, ".rs:", "{line}");
    let text = replace_number(&text, "{line}:", "{column}");
    // The name of the test program ends in a number of its build.
    match (text.find(" (it-"), text.find("): ")) {
        (Some(start), Some(end)) if start < end => {
            format!("{} ({{program}}{}", &text[..start], &text[end..])
        }
        _ => text,
    }
}

/// Replaces the number that follows `mark`.
fn replace_number(text: &str, mark: &str, replacement: &str) -> String {
    let Some(start) = text.find(mark).map(|found| found + mark.len()) else {
        return text.to_owned();
    };
    let rest = text[start..].trim_start_matches(|digit: char| digit.is_ascii_digit());
    if rest.len() == text.len() - start {
        return text.to_owned();
    }
    format!("{}{replacement}{rest}", &text[..start])
}
