//! The table of the protocol's steps: its text, and each step taken once through the public API.

use std::io::Write as _;

use frostline::error::Operation;
use frostline::index::{Coverage, IndexBuild, IndexKey};
use frostline::key::FileName;
use frostline::recovery::Tainted;
use frostline::step::{Begin, STEPS, Step, Synced, Unlinked, steps_table};
use frostline::{
    Artifact, Catalog, ChunkId, Debris, Events, Freezing, Frozen, Hot, HotDebris, Kind, Ledgers,
    Pruning, Ready, TxHash,
};

use crate::fixture::{Data, Faults, chunk, give_up};
use crate::snapshot;

#[test]
fn the_table() {
    snapshot::check("steps", &steps_table());
}

/// The front page includes `steps.md`; ARCHITECTURE.md has the table in the middle of its text.
#[test]
fn the_documentation_shows_this_very_table() {
    let read = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        std::fs::read_to_string(path).unwrap()
    };
    assert_eq!(read("docs/steps.md"), steps_table());
    assert!(read("ARCHITECTURE.md").contains(&steps_table()));
}

#[test]
fn every_step_does_as_its_row_says() {
    for step in &STEPS {
        let is_hot = [step.from, step.to]
            .iter()
            .any(|handle| ["Transient", "Ready"].contains(handle) || handle.starts_with("Hot"));
        let is_index = [step.from, step.to]
            .iter()
            .any(|handle| ["IndexBuild", "Promotion"].contains(handle));
        if step.from == "RecoveryPlan" {
            assert_row(step, "recovery", &take_recovery(step));
        } else if is_hot {
            assert_row(step, "hot", &take_hot(step));
        } else if is_index {
            assert_row(step, "index", &take_index(step));
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

/// The observed effects of a step.
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

/// Returns the name of a handle as the table spells it.
fn name_of<T>() -> String {
    let name = std::any::type_name::<T>();
    let short = |path: &str| path.rsplit("::").next().unwrap_or_default().to_owned();
    match name.split_once('<') {
        _ if name == "()" => "absent".to_owned(),
        Some((handle, _kind)) => format!("{}<K>", short(handle)),
        None => short(name),
    }
}

/// The data directory and the faults of one step's own catalog.
struct Bench {
    data: Data,
    faults: Faults,
    /// The function that reads the value of the step's key.
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

    /// Takes the step, and reads the key before it, after it and after a restart.
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

fn begin<K: Kind<Id = ChunkId>>(catalog: &Catalog) -> Freezing<K> {
    let mut freezing = catalog.begin::<K>(seven()).unwrap();
    for name in FileName::all() {
        freezing.file(name).unwrap().flush().unwrap();
    }
    freezing
}

fn freeze<K: Kind<Id = ChunkId>>(catalog: &Catalog) -> Frozen<K> {
    catalog.commit(begin(catalog).sync().unwrap()).unwrap()
}

fn prune<K: Kind<Id = ChunkId>>(catalog: &Catalog) -> Pruning<K> {
    catalog.commit(freeze(catalog).demote()).unwrap()
}

fn leave_debris<K: Kind<Id = ChunkId>>(catalog: &Catalog) -> Debris<K> {
    drop(begin::<K>(catalog));
    match catalog.claim(seven()).unwrap() {
        Artifact::Debris(debris) => debris,
        _ => panic!("what a crash leaves at `freezing` is debris"),
    }
}

/// Returns the intent to write over the leftovers at the value `before`, or from nothing.
fn intend<K: Kind<Id = ChunkId>>(catalog: &Catalog, before: &str) -> Begin<K> {
    match before {
        "pruning" => prune::<K>(catalog).intend().unwrap(),
        "freezing" => leave_debris::<K>(catalog).intend().unwrap(),
        _ => catalog.intend(seven()).unwrap(),
    }
}

/// Takes a step of a file artifact. Each new row of the table needs a case here.
fn take<K: Kind<Id = ChunkId>>(step: &Step) -> Taken {
    let (bench, catalog) =
        Bench::new(|catalog| absent_or(catalog.state(seven(), K::KIND).unwrap()));
    match (step.from, step.call, step.before) {
        ("absent", "intend", _) => bench.take(catalog, (), |catalog, ()| -> Begin<K> {
            catalog.intend(seven()).unwrap()
        }),
        ("Debris<K>", "intend", _) => {
            let debris = leave_debris::<K>(&catalog);
            bench.take(catalog, debris, |_, debris| debris.intend().unwrap())
        }
        ("Pruning<K>", "intend", _) => {
            let pruning = prune::<K>(&catalog);
            bench.take(catalog, pruning, |_, pruning| pruning.intend().unwrap())
        }
        ("Begin<K>", "commit", before) => {
            let begin = intend::<K>(&catalog, before);
            bench.take(catalog, begin, |catalog, begin| {
                catalog.commit(begin).unwrap()
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
        ("Frozen<K>", "demote", _) => {
            let frozen = freeze::<K>(&catalog);
            bench.take(catalog, frozen, |_, frozen| frozen.demote())
        }
        ("Demotion<K>", "commit", _) => {
            let demotion = freeze::<K>(&catalog).demote();
            bench.take(catalog, demotion, |catalog, demotion| {
                catalog.commit(demotion).unwrap()
            })
        }
        ("Freezing<K>", "give_up", _) => {
            let freezing = begin::<K>(&catalog);
            bench.take(catalog, freezing, |_, freezing| freezing.give_up())
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

fn make_ready(catalog: &Catalog) -> Ready {
    catalog.create_hot(seven()).unwrap().ready().unwrap()
}

fn leave_hot_debris(catalog: &Catalog) -> HotDebris {
    drop(catalog.create_hot(seven()).unwrap());
    match catalog.claim_hot(seven()).unwrap() {
        Hot::Debris(debris) => debris,
        _ => panic!("a crash leaves debris at `transient`"),
    }
}

/// Takes a step of a hot directory. Each new row of the table needs a case here.
fn take_hot(step: &Step) -> Taken {
    let (bench, catalog) = Bench::new(|catalog| absent_or(catalog.hot_state(seven()).unwrap()));
    match (step.from, step.call, step.before) {
        ("absent", "intend_hot", _) => bench.take(catalog, (), |catalog, ()| {
            catalog.intend_hot(seven()).unwrap()
        }),
        ("HotDebris", "intend", _) => {
            let debris = leave_hot_debris(&catalog);
            bench.take(catalog, debris, |_, debris| debris.intend().unwrap())
        }
        ("HotBegin", "commit", before) => {
            let begin = match before {
                "absent" => catalog.intend_hot(seven()).unwrap(),
                _ => leave_hot_debris(&catalog).intend().unwrap(),
            };
            bench.take(catalog, begin, |catalog, begin| {
                catalog.commit(begin).unwrap()
            })
        }
        ("Transient", "sync", _) => {
            let transient = catalog.create_hot(seven()).unwrap();
            bench.take(catalog, transient, |_, transient| transient.sync().unwrap())
        }
        ("HotSynced", "commit", _) => {
            let synced = catalog.create_hot(seven()).unwrap().sync().unwrap();
            bench.take(catalog, synced, |catalog, synced| {
                catalog.commit(synced).unwrap()
            })
        }
        ("Ready", "retire", _) => {
            let (ready, frozen) = (make_ready(&catalog), freeze::<Ledgers>(&catalog));
            bench.take(catalog, ready, move |_, ready| {
                ready.retire(&frozen).unwrap()
            })
        }
        ("Ready", "give_up_only_copy", _) => {
            let ready = make_ready(&catalog);
            bench.take(catalog, ready, |_, ready| ready.give_up_only_copy())
        }
        ("HotDemotion", "commit", _) => {
            let demotion = make_ready(&catalog).give_up_only_copy();
            bench.take(catalog, demotion, |catalog, demotion| {
                catalog.commit(demotion).unwrap()
            })
        }
        ("Transient", "give_up", _) => {
            let transient = catalog.create_hot(seven()).unwrap();
            bench.take(catalog, transient, |_, transient| transient.give_up())
        }
        ("HotDebris", "unlink", _) => {
            let debris = give_up(&catalog, make_ready(&catalog));
            bench.take(catalog, debris, |_, debris| debris.unlink().unwrap())
        }
        ("HotUnlinked", "commit", _) => {
            let debris = give_up(&catalog, make_ready(&catalog));
            let unlinked = debris.unlink().unwrap();
            bench.take(catalog, unlinked, |catalog, unlinked| {
                catalog.commit(unlinked).unwrap();
            })
        }
        _ => panic!("nothing here takes this step: {step:?}"),
    }
}

fn coverage(lo: u32, hi: u32) -> Coverage {
    Coverage::new(chunk(lo), chunk(hi)).unwrap()
}

/// Builds an index from frozen inputs.
fn build(catalog: &Catalog, coverage: Coverage) -> IndexBuild {
    for chunk in coverage.chunks() {
        if catalog.state(chunk, TxHash::KIND).unwrap().is_none() {
            let mut freezing = catalog.begin::<TxHash>(chunk).unwrap();
            freezing.file(TxHash::BIN).unwrap().flush().unwrap();
            drop(freezing.freeze().unwrap());
        }
    }
    let mut build = catalog.begin_index(coverage).unwrap();
    build.file().unwrap().flush().unwrap();
    build
}

/// Takes a step of an index. Each new row of the table needs a case here.
fn take_index(step: &Step) -> Taken {
    let one = || coverage(7, 7);
    let (bench, catalog) = Bench::new(|catalog| {
        let coverage = coverage(7, 7);
        absent_or(catalog.get(IndexKey { coverage }).unwrap())
    });
    match (step.from, step.call, step.before) {
        ("absent", "begin_index", before) => {
            let built = build(&catalog, one());
            if before == "freezing" {
                drop(built);
            } else {
                let frozen = catalog.commit(built.sync().unwrap()).unwrap();
                drop(frozen);
                let larger = build(&catalog, coverage(7, 8)).sync().unwrap();
                let old = catalog.commit(larger).unwrap().predecessor.unwrap();
                // The larger index is removed, so that a smaller one loses nothing.
                let coverage = coverage(7, 8);
                let key = IndexKey { coverage };
                let mut batch: Vec<_> = catalog
                    .claim_for_pruning(key)
                    .unwrap()
                    .into_iter()
                    .collect();
                if before == "absent" {
                    batch.push(old);
                }
                drop(catalog.sweep_chunk_artifacts(batch).unwrap());
            }
            bench.take(catalog, (), |catalog, ()| {
                catalog.begin_index(one()).unwrap()
            })
        }
        ("IndexBuild", "sync", _) => {
            let built = build(&catalog, one());
            bench.take(catalog, built, |_, built| built.sync().unwrap())
        }
        ("IndexBuild", "give_up", _) => {
            let built = build(&catalog, one());
            bench.take(catalog, built, |_, built| built.give_up())
        }
        ("Promotion", "commit", before) => {
            let mut promotion = build(&catalog, one()).sync().unwrap();
            if before == "frozen" {
                drop(catalog.commit(promotion).unwrap());
                promotion = build(&catalog, coverage(7, 8)).sync().unwrap();
            }
            bench.take(catalog, promotion, |catalog, promotion| {
                catalog.commit(promotion).unwrap()
            })
        }
        _ => panic!("nothing here takes this step: {step:?}"),
    }
}

/// Takes a step of a recovery plan. Each new row of the table needs a case here.
fn take_recovery(step: &Step) -> Taken {
    let value: fn(&Catalog) -> String = match step.before {
        "ready" => |catalog| absent_or(catalog.hot_state(seven()).unwrap()),
        _ => |catalog| absent_or(catalog.state(seven(), Ledgers::KIND).unwrap()),
    };
    let (bench, catalog) = Bench::new(value);
    drop((freeze::<Ledgers>(&catalog), make_ready(&catalog)));
    let plan = catalog
        .plan_recovery(seven()..=seven(), Tainted::Everything)
        .unwrap();
    assert_eq!(plan.len(), 2);
    bench.take(catalog, plan, |catalog, plan| {
        assert_eq!(catalog.apply_recovery(&plan).unwrap(), 2);
    })
}

/// Each shorthand call ends in the same state as its steps.
#[test]
fn the_short_spellings_take_the_same_steps() {
    let data = Data::new();
    let catalog = data.open();
    let value = || absent_or(catalog.state(seven(), Ledgers::KIND).unwrap());
    drop(catalog.begin::<Ledgers>(seven()).unwrap());
    assert_eq!(value(), "freezing");
    drop(leave_debris::<Ledgers>(&catalog).rematerialize().unwrap());
    assert_eq!(value(), "freezing");
    leave_debris::<Ledgers>(&catalog)
        .rematerialize()
        .unwrap()
        .abandon()
        .unwrap();
    assert_eq!(value(), "absent");
    let frozen = begin::<Ledgers>(&catalog).freeze().unwrap();
    assert_eq!(value(), "frozen");
    let hot = || absent_or(catalog.hot_state(seven()).unwrap());
    let transient = catalog.create_hot(seven()).unwrap();
    assert_eq!(hot(), "transient");
    let debris = transient.ready().unwrap().discard(&frozen).unwrap();
    assert_eq!(hot(), "transient");
    debris.recreate().unwrap().abandon().unwrap();
    assert_eq!(hot(), "absent");
    let debris = make_ready(&catalog).discard(&frozen).unwrap();
    debris.remove().unwrap();
    assert_eq!(hot(), "absent");
}
