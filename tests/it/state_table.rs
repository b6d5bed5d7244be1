//! The table of the protocol's steps: its text, and each of its steps taken once for real.

use std::io::Write as _;

use frostline::{
    Artifact, Catalog, ChunkId, Debris, Events, FileName, Freezing, Frozen, Hot, HotDebris, Kind,
    Ledgers, Operation, Pruning, STEPS, Step, Synced, Transient, TxHash, Unlinked, steps_table,
};

use crate::fixture::{Data, Faults, chunk};
use crate::snapshot;

#[test]
fn the_table() {
    snapshot::check("steps", &steps_table());
}

/// The front page includes `steps.md`; the architecture has the table in the middle of its text.
#[test]
fn the_documentation_shows_this_very_table() {
    let read = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        std::fs::read_to_string(path).unwrap()
    };
    assert_eq!(read("src/steps.md"), steps_table());
    assert!(read("ARCHITECTURE.md").contains(&steps_table()));
}

#[test]
fn every_step_does_what_its_row_says() {
    for step in &STEPS {
        let is_hot = [step.from, step.to]
            .iter()
            .any(|handle| ["Transient", "Ready", "HotDebris"].contains(handle));
        if is_hot {
            assert_row(step, "hot", &take_hot(step));
        } else {
            assert_row(step, "ledgers", &take::<Ledgers>(step));
            assert_row(step, "events", &take::<Events>(step));
            assert_row(step, "txhash", &take::<TxHash>(step));
        }
    }
}

#[test]
fn no_two_rows_are_the_same() {
    for (position, step) in STEPS.iter().enumerate() {
        assert!(!STEPS[..position].contains(step), "{step:?}");
        assert_eq!(step.commits, step.before != step.after, "{step:?}");
    }
}

fn seven() -> ChunkId {
    chunk(7)
}

/// What a step turned out to do.
struct Taken {
    from: String,
    to: String,
    before: String,
    after: String,
    commits: usize,
    after_reopening: String,
}

fn assert_row(step: &Step, kind: &str, taken: &Taken) {
    assert_eq!(taken.from, step.from, "{kind}: {step:?}");
    assert_eq!(taken.to, step.to, "{kind}: {step:?}");
    assert_eq!(taken.before, step.before, "{kind}: {step:?}");
    assert_eq!(taken.after, step.after, "{kind}: {step:?}");
    assert_eq!(taken.after_reopening, step.after, "{kind}: {step:?}");
    assert_eq!(taken.commits, usize::from(step.commits), "{kind}: {step:?}");
}

/// The name of a handle as the table has it.
fn name_of<T>() -> String {
    let name = std::any::type_name::<T>();
    let short = |path: &str| path.rsplit("::").next().unwrap_or_default().to_owned();
    match name.split_once('<') {
        _ if name == "()" => "absent".to_owned(),
        Some((handle, _kind)) => format!("{}<K>", short(handle)),
        None => short(name),
    }
}

/// A catalog of its own for one step.
struct Bench {
    data: Data,
    faults: Faults,
    /// The value of the key that the step is about.
    value: fn(&Catalog) -> String,
}

impl Bench {
    fn new(value: fn(&Catalog) -> String) -> (Self, Catalog) {
        let data = Data::new();
        let faults = Faults::new();
        let catalog = data.open_with(&faults);
        let bench = Self {
            data,
            faults,
            value,
        };
        (bench, catalog)
    }

    /// Takes the step, and looks at the key before it, after it and after a restart.
    fn take<H, N>(self, catalog: Catalog, handle: H, call: impl FnOnce(&Catalog, H) -> N) -> Taken {
        let before = (self.value)(&catalog);
        drop(self.faults.seen());
        let next = call(&catalog, handle);
        let seen = self.faults.seen();
        let commits = seen
            .iter()
            .filter(|operation| **operation == Operation::Commit);
        let commits = commits.count();
        let after = (self.value)(&catalog);
        drop(next);
        drop(catalog);
        let after_reopening = (self.value)(&self.data.open());
        Taken {
            from: name_of::<H>(),
            to: name_of::<N>(),
            before,
            after,
            commits,
            after_reopening,
        }
    }
}

fn absent_or(state: Option<impl ToString>) -> String {
    state.map_or_else(|| "absent".to_owned(), |state| state.to_string())
}

fn begin<K: Kind>(catalog: &Catalog) -> Freezing<K> {
    let mut freezing = catalog.begin::<K>(seven()).unwrap();
    for name in FileName::all() {
        freezing.file(name).unwrap().flush().unwrap();
    }
    freezing
}

fn freeze<K: Kind>(catalog: &Catalog) -> Frozen<K> {
    catalog.commit(begin(catalog).sync().unwrap()).unwrap()
}

fn prune<K: Kind>(catalog: &Catalog) -> Pruning<K> {
    catalog.commit(freeze(catalog).demote()).unwrap()
}

fn leave_debris<K: Kind>(catalog: &Catalog) -> Debris<K> {
    drop(begin::<K>(catalog));
    match catalog.claim(seven()).unwrap() {
        Artifact::Debris(debris) => debris,
        _ => panic!("what a crash leaves at `freezing` is debris"),
    }
}

/// Takes a step of a file artifact. A new row of the table must be given its place here.
fn take<K: Kind>(step: &Step) -> Taken {
    let (bench, catalog) =
        Bench::new(|catalog| absent_or(catalog.state(seven(), K::KIND).unwrap()));
    match (step.from, step.call, step.before) {
        ("absent", "begin", _) => bench.take(catalog, (), |catalog, ()| -> Freezing<K> {
            catalog.begin(seven()).unwrap()
        }),
        ("Debris<K>", "rematerialize", _) => {
            let debris = leave_debris::<K>(&catalog);
            bench.take(catalog, debris, |_, debris| debris.rematerialize().unwrap())
        }
        ("Pruning<K>", "rematerialize", _) => {
            let pruning = prune::<K>(&catalog);
            bench.take(catalog, pruning, |_, pruning| {
                pruning.rematerialize().unwrap()
            })
        }
        ("Freezing<K>", "sync", _) => {
            let freezing = begin::<K>(&catalog);
            bench.take(catalog, freezing, |_, freezing| freezing.sync().unwrap())
        }
        ("Synced<K>", "commit", _) => {
            let synced = begin::<K>(&catalog).sync().unwrap();
            bench.take(catalog, synced, |catalog, synced: Synced<K>| {
                catalog.commit(synced).unwrap()
            })
        }
        ("Freezing<K>", "abandon", _) => {
            let freezing = begin::<K>(&catalog);
            bench.take(catalog, freezing, |_, freezing| freezing.abandon().unwrap())
        }
        ("Frozen<K>", "demote, commit", _) => {
            let frozen = freeze::<K>(&catalog);
            bench.take(catalog, frozen, |catalog, frozen| {
                catalog.commit(frozen.demote()).unwrap()
            })
        }
        ("Pruning<K>", "unlink", _) => {
            let pruning = prune::<K>(&catalog);
            bench.take(catalog, pruning, |_, pruning| pruning.unlink().unwrap())
        }
        ("Debris<K>", "unlink", _) => {
            let debris = leave_debris::<K>(&catalog);
            bench.take(catalog, debris, |_, debris| debris.unlink().unwrap())
        }
        ("Unlinked<K>", "commit", before @ ("pruning" | "freezing")) => {
            let unlinked: Unlinked<K> = if before == "pruning" {
                prune(&catalog).unlink().unwrap()
            } else {
                leave_debris(&catalog).unlink().unwrap()
            };
            bench.take(catalog, unlinked, |catalog, unlinked| {
                catalog.commit(unlinked).unwrap();
            })
        }
        _ => panic!("nothing here takes this step: {step:?}"),
    }
}

fn discard(catalog: &Catalog) -> HotDebris {
    let ready = catalog.create_hot(seven()).unwrap().ready().unwrap();
    ready.discard().unwrap()
}

/// Takes a step of a hot directory. A new row of the table must be given its place here.
fn take_hot(step: &Step) -> Taken {
    let (bench, catalog) = Bench::new(|catalog| absent_or(catalog.hot_state(seven()).unwrap()));
    match (step.from, step.call) {
        ("absent", "create_hot") => bench.take(catalog, (), |catalog, ()| -> Transient {
            catalog.create_hot(seven()).unwrap()
        }),
        ("HotDebris", "recreate") => {
            drop(catalog.create_hot(seven()).unwrap());
            let Hot::Debris(debris) = catalog.claim_hot(seven()).unwrap() else {
                panic!("what a crash leaves at `transient` is debris");
            };
            bench.take(catalog, debris, |_, debris| debris.recreate().unwrap())
        }
        ("Transient", "ready") => {
            let transient = catalog.create_hot(seven()).unwrap();
            bench.take(catalog, transient, |_, transient| {
                transient.ready().unwrap()
            })
        }
        ("Ready", "discard") => {
            let ready = catalog.create_hot(seven()).unwrap().ready().unwrap();
            bench.take(catalog, ready, |_, ready| ready.discard().unwrap())
        }
        ("HotDebris", "remove") => {
            let debris = discard(&catalog);
            bench.take(catalog, debris, |_, debris| debris.remove().unwrap())
        }
        ("Transient", "abandon") => {
            let transient = catalog.create_hot(seven()).unwrap();
            bench.take(catalog, transient, |_, transient| {
                transient.abandon().unwrap();
            })
        }
        _ => panic!("nothing here takes this step: {step:?}"),
    }
}
