//! Surgical recovery: plans, their texts, and their application.

use std::io::Write as _;

use frostline::error::{
    ApplyError, ApplyRefusal, BeginRefusal, CommitRefusal, Failure as _, NextStep, Operation,
    ReadError, StepError,
};
use frostline::index::Coverage;
use frostline::recovery::{RecoveryPlan, Tainted};
use frostline::{
    Artifact, ArtifactKind, ArtifactState, Catalog, ChunkId, DebrisPolicy, Hot, HotState, Ledgers,
    TxHash,
};
use proptest::prelude::*;

use crate::fixture::{Data, EIO, ENOSPC, Faults, chunk, freeze};

fn range(lo: u32, hi: u32) -> std::ops::RangeInclusive<ChunkId> {
    chunk(lo)..=chunk(hi)
}

fn make_ready(catalog: &Catalog, number: u32) {
    drop(catalog.create_hot(chunk(number)).unwrap().ready().unwrap());
}

fn freeze_hashes(catalog: &Catalog, number: u32) {
    let mut freezing = catalog.begin::<TxHash>(chunk(number)).unwrap();
    freezing
        .file(TxHash::BIN)
        .unwrap()
        .write_all(b"hashes")
        .unwrap();
    drop(freezing.freeze().unwrap());
}

fn promote(catalog: &Catalog, lo: u32, hi: u32) {
    let coverage = Coverage::new(chunk(lo), chunk(hi)).unwrap();
    let mut build = catalog.begin_index(coverage).unwrap();
    build.file().unwrap().write_all(b"index").unwrap();
    drop(catalog.commit(build.sync().unwrap()).unwrap());
}

/// The keys of a plan, as text.
fn keys(plan: &RecoveryPlan) -> Vec<String> {
    let files = plan.files().iter().map(ToString::to_string);
    files
        .chain(plan.hot().iter().map(ToString::to_string))
        .collect()
}

fn refusal(error: ApplyError) -> ApplyRefusal {
    match error {
        StepError::Refused(refused) => refused.into_parts().1,
        StepError::Failed(failed) => panic!("{failed}"),
    }
}

fn is_stale(error: ApplyError) -> bool {
    matches!(
        refusal(error),
        ApplyRefusal::Commit(CommitRefusal::Stale { .. })
    )
}

fn state(catalog: &Catalog, number: u32, kind: ArtifactKind) -> Option<ArtifactState> {
    catalog.state(chunk(number), kind).unwrap()
}

/// Chunks 5 to 9: ledgers of 5 to 7, hashes and an index of 6 and 7, another index of chunk 1006; hot directories of 6,
/// 8 and 9, of which the first is being created.
fn node(data: &Data) -> Catalog {
    let catalog = data.open();
    for number in 5..=7 {
        drop(freeze(&catalog, number, b"ledgers"));
    }
    for number in [6, 7, 1006] {
        freeze_hashes(&catalog, number);
    }
    promote(&catalog, 6, 7);
    promote(&catalog, 1006, 1006);
    for number in [4, 8, 9] {
        make_ready(&catalog, number);
    }
    drop(catalog.create_hot(chunk(6)).unwrap());
    catalog
}

#[test]
fn a_plan_has_the_range_the_indexes_that_overlap_it_and_every_later_hot_directory() {
    let data = Data::new();
    let catalog = node(&data);
    let before = data.stored_while(&catalog);
    let plan = catalog
        .plan_recovery(range(6, 6), Tainted::Everything)
        .unwrap();
    assert_eq!(
        keys(&plan),
        [
            "chunk:00000006:ledgers",
            "chunk:00000006:txhash",
            "index:00000000:00000006:00000007",
            "hot:chunk:00000008",
            "hot:chunk:00000009",
        ]
    );
    // Without a hot key in the range, no hot directory is tainted.
    let plan = catalog
        .plan_recovery(range(7, 7), Tainted::Everything)
        .unwrap();
    assert_eq!(
        keys(&plan),
        [
            "chunk:00000007:ledgers",
            "chunk:00000007:txhash",
            "index:00000000:00000006:00000007"
        ]
    );
    let plan = catalog
        .plan_recovery(range(5, 9), Tainted::HotOnly)
        .unwrap();
    assert_eq!(keys(&plan), ["hot:chunk:00000008", "hot:chunk:00000009"]);
    let plan = catalog
        .plan_recovery(range(0, 4), Tainted::HotOnly)
        .unwrap();
    assert_eq!(
        keys(&plan),
        [
            "hot:chunk:00000004",
            "hot:chunk:00000008",
            "hot:chunk:00000009"
        ]
    );
    let plan = catalog
        .plan_recovery(range(10, 900), Tainted::Everything)
        .unwrap();
    assert!(plan.is_empty());
    assert_eq!(catalog.apply_recovery(&plan).unwrap(), 0);
    assert_eq!(
        data.stored_while(&catalog),
        before,
        "a plan changes nothing"
    );
}

#[test]
fn a_plan_is_applied_in_one_batch_and_then_does_nothing() {
    let data = Data::new();
    let catalog = node(&data);
    let before = data.stored_while(&catalog);
    let plan = catalog
        .plan_recovery(range(6, 6), Tainted::Everything)
        .unwrap();
    assert_eq!(catalog.apply_recovery(&plan).unwrap(), 5);
    let after = data.stored_while(&catalog);
    let planned = keys(&plan);
    for (key, value) in &before {
        let expected = match value.as_str() {
            "frozen" if planned.contains(key) => "freezing",
            "ready" if planned.contains(key) => "transient",
            other => other,
        };
        assert_eq!(after.get(key).map(String::as_str), Some(expected), "{key}");
    }
    assert_eq!(after.len(), before.len());
    let epoch = catalog.epoch().unwrap();
    assert_eq!(catalog.apply_recovery(&plan).unwrap(), 0);
    assert_eq!(catalog.epoch().unwrap(), epoch);
    drop(catalog);
    let catalog = data.open();
    assert_eq!(catalog.apply_recovery(&plan).unwrap(), 0);
    assert_eq!(
        state(&catalog, 6, ArtifactKind::Ledgers),
        Some(ArtifactState::Freezing)
    );
    assert!(catalog.index_of(chunk(7)).unwrap().is_none());
    assert!(catalog.index_of(chunk(1006)).unwrap().is_some());
}

#[test]
fn the_demoted_keys_are_built_again() {
    let data = Data::new();
    let catalog = node(&data);
    let plan = catalog
        .plan_recovery(range(6, 6), Tainted::Everything)
        .unwrap();
    catalog.apply_recovery(&plan).unwrap();
    drop(freeze(&catalog, 6, b"other ledgers"));
    let lease = catalog.lease::<Ledgers>(chunk(6)).unwrap().unwrap();
    assert_eq!(lease.open(Ledgers::PACK).unwrap().size().unwrap(), 13);
    freeze_hashes(&catalog, 6);
    promote(&catalog, 6, 7);
    assert!(catalog.index_of(chunk(6)).unwrap().is_some());
    let Hot::Debris(debris) = catalog.claim_hot(chunk(8)).unwrap() else {
        panic!("it is at `transient`");
    };
    drop(debris.recreate().unwrap().ready().unwrap());
    assert_eq!(catalog.hot_state(chunk(8)).unwrap(), Some(HotState::Ready));
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert_eq!(recovered.discarded.len(), 2);
    assert!(catalog.unfinished().is_nothing());
}

#[test]
fn readers_keep_the_tainted_files_until_they_are_done() {
    let data = Data::new();
    let catalog = node(&data);
    let lease = catalog.lease::<Ledgers>(chunk(6)).unwrap().unwrap();
    let index = catalog.index_of(chunk(6)).unwrap().unwrap();
    let view = catalog.view().unwrap();
    let plan = catalog
        .plan_recovery(range(6, 6), Tainted::Everything)
        .unwrap();
    assert_eq!(catalog.apply_recovery(&plan).unwrap(), 5);
    assert!(catalog.lease::<Ledgers>(chunk(6)).unwrap().is_none());
    for _ in 0..2 {
        let refused = catalog.begin::<Ledgers>(chunk(6)).unwrap_err();
        let refused = match refused {
            StepError::Refused(refused) => refused.into_parts().1,
            StepError::Failed(failed) => panic!("{failed}"),
        };
        assert!(matches!(refused, BeginRefusal::Leased(_)), "{refused:?}");
        let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
        assert!(recovered.leased.len() >= 2, "{recovered}");
        assert_eq!(lease.open(Ledgers::PACK).unwrap().size().unwrap(), 7);
        assert_eq!(index.open().unwrap().size().unwrap(), 5);
    }
    assert!(view.lease::<TxHash>(chunk(6)).unwrap().is_some());
    drop((lease, index, view));
    assert!(catalog.recover(DebrisPolicy::Remove).unwrap().is_complete());
}

#[test]
fn a_plan_of_an_earlier_time_is_refused() {
    let data = Data::new();
    let catalog = node(&data);
    let plan = catalog
        .plan_recovery(range(6, 6), Tainted::Everything)
        .unwrap();
    let printed = plan.to_string();
    // Opening the catalog again is no change, also after a start that flushes the log.
    let mut catalog = catalog;
    for _ in 0..3 {
        drop(catalog);
        catalog = data.open();
        assert_eq!(catalog.epoch().unwrap(), plan.epoch());
    }
    // A change that was taken back is a change.
    make_ready(&catalog, 20);
    let Hot::Ready(ready) = catalog.claim_hot(chunk(20)).unwrap() else {
        panic!("it is ready");
    };
    let debris = catalog.commit(ready.give_up_only_copy()).unwrap();
    debris.remove().unwrap();
    let before = data.stored_while(&catalog);
    let error = catalog.apply_recovery(&plan).unwrap_err();
    assert_eq!(error.next(), NextStep::Again);
    assert!(is_stale(error));
    drop(catalog);
    let catalog = data.open();
    let yesterday: RecoveryPlan = printed.parse().unwrap();
    assert!(is_stale(catalog.apply_recovery(&yesterday).unwrap_err()));
    assert_eq!(data.stored_while(&catalog), before);
    let plan = catalog
        .plan_recovery(range(6, 6), Tainted::Everything)
        .unwrap();
    assert!(plan.epoch() > yesterday.epoch());
    assert_eq!(catalog.apply_recovery(&plan).unwrap(), 5);
}

#[test]
fn a_plan_is_refused_while_a_handle_owns_one_of_its_keys() {
    let data = Data::new();
    let catalog = node(&data);
    let plan = catalog
        .plan_recovery(range(6, 6), Tainted::Everything)
        .unwrap();
    let owner = catalog.claim::<TxHash>(chunk(6)).unwrap();
    let before = data.stored_while(&catalog);
    let refused = refusal(catalog.apply_recovery(&plan).unwrap_err());
    assert!(matches!(refused, ApplyRefusal::Claimed(_)), "{refused:?}");
    assert_eq!(data.stored_while(&catalog), before);
    drop(owner);
    assert_eq!(catalog.apply_recovery(&plan).unwrap(), 5);
    // Its own claims have ended.
    let claimed = catalog.claim::<Ledgers>(chunk(6)).unwrap();
    assert!(matches!(claimed, Artifact::Debris(_)), "{claimed:?}");
}

#[test]
fn a_plan_of_another_catalog_is_refused() {
    let data = Data::new();
    let catalog = node(&data);
    let other = Data::new();
    let plan = node(&other)
        .plan_recovery(range(6, 6), Tainted::Everything)
        .unwrap();
    let refused = refusal(catalog.apply_recovery(&plan).unwrap_err());
    assert!(matches!(refused, ApplyRefusal::OtherCatalog { .. }));
}

#[test]
fn an_unrecognised_value_that_decides_about_a_plan_is_an_error() {
    let data = Data::new();
    let catalog = node(&data);
    catalog
        .write_raw_for_test(b"hot:chunk:00000030", Some(b"melted"))
        .unwrap();
    let error = catalog
        .plan_recovery(range(6, 6), Tainted::HotOnly)
        .unwrap_err();
    assert!(matches!(error, ReadError::Value(_)), "{error:?}");
    assert!(
        catalog
            .plan_recovery(range(5, 5), Tainted::Everything)
            .is_ok()
    );
}

#[test]
fn a_failed_application_is_refused_or_fatal() {
    let data = Data::new();
    drop(node(&data));
    let faults = Faults::new();
    let catalog = data.open_with(&faults);
    let plan = catalog
        .plan_recovery(range(6, 6), Tainted::Everything)
        .unwrap();
    faults.fail(Operation::TakeSpace, ENOSPC);
    let refused = refusal(catalog.apply_recovery(&plan).unwrap_err());
    assert!(matches!(
        refused,
        ApplyRefusal::Commit(CommitRefusal::Store(_))
    ));
    assert_eq!(
        state(&catalog, 6, ArtifactKind::Ledgers),
        Some(ArtifactState::Frozen)
    );
    faults.fail(Operation::Commit, EIO);
    let error = catalog.apply_recovery(&plan).unwrap_err();
    assert_eq!(error.kind(), frostline::error::FailureKind::Fatal);
    assert!(
        catalog
            .plan_recovery(range(6, 6), Tainted::Everything)
            .is_err()
    );
    assert!(catalog.epoch().is_err());
}

/// The commit of another thread that shares the write of a plan comes before or after it, and never with it.
#[test]
fn a_plan_is_not_written_together_with_another_batch() {
    let data = Data::new();
    drop(node(&data));
    let faults = Faults::new();
    let catalog = data.open_with(&faults);
    loop {
        let plan = catalog
            .plan_recovery(range(6, 6), Tainted::Everything)
            .unwrap();
        let before = faults.count(Operation::Commit);
        catalog.gather_commits_for_test(2);
        let applied = std::thread::scope(|scope| {
            let apply = scope.spawn(|| catalog.apply_recovery(&plan));
            let other = scope.spawn(|| {
                let created = catalog.create_hot(chunk(40)).unwrap();
                catalog.gather_commits_for_test(0);
                created.abandon().unwrap();
            });
            other.join().unwrap();
            apply.join().unwrap()
        });
        match applied {
            Ok(count) => {
                assert_eq!(count, plan.len());
                // The plan's, the mark and the end of the other key.
                assert_eq!(faults.count(Operation::Commit) - before, 3);
                break;
            }
            Err(error) => assert!(is_stale(error)),
        }
    }
}

const PRINTED: &str = "frostline recovery plan 1
catalog 5f0c4b3e9a7d4c1c8b7e6d5a4f3e2d1c
epoch 4711
chunk:00005350:ledgers frozen -> freezing
index:00000005:00005000:00005350 frozen -> freezing
hot:chunk:00005351 ready -> transient
end 3
";

#[test]
fn a_printed_plan_is_read_again() {
    let plan: RecoveryPlan = PRINTED.parse().unwrap();
    assert_eq!(plan.to_string(), PRINTED);
    assert_eq!(plan.epoch().get(), 4711);
    assert_eq!(plan.len(), 3);
    assert_eq!(plan.catalog().to_string().len(), 32);
}

#[test]
fn another_text_is_no_plan() {
    for (from, to, line) in [
        ("plan 1", "plan 2", 1),
        ("catalog 5f", "catalog 5F", 2),
        ("catalog 5f", "catalog +f", 2),
        ("epoch 4711", "epoch 04711", 3),
        ("epoch 4711", "epoch -1", 3),
        ("epoch 4711", "epoch 99999999999999999999", 3),
        ("frozen -> freezing\nindex", "frozen -> pruning\nindex", 4),
        ("frozen -> freezing\nindex", "ready -> transient\nindex", 4),
        (":ledgers ", ":ledger ", 4),
        ("hot:chunk:00005351", "chunk:00005349:events", 6),
        ("hot:chunk:00005351 ready -> transient", "", 6),
        ("hot:chunk:00005351 ready -> transient\n", "", 6),
        (
            "index",
            "config:earliest_ledger frozen -> freezing\nindex",
            5,
        ),
        ("end 3", "end 2", 7),
        ("end 3\n", "", 7),
        ("end 3\n", "end 3\n\n", 8),
        ("end 3\n", "end 3\nend 3\n", 8),
        ("\n", "\r\n", 1),
        (PRINTED, "", 1),
    ] {
        let text = PRINTED.replacen(from, to, if from == "\n" { 9 } else { 1 });
        assert_ne!(text, PRINTED, "{from}");
        let error = text.parse::<RecoveryPlan>().unwrap_err();
        assert_eq!(error.line, line, "{from} -> {to}: {error}");
        assert_eq!(error.next(), NextStep::Person);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A damaged text is refused, or is the text of another plan.
    #[test]
    fn a_damaged_plan_is_refused_or_reads_as_it_is_spelled(
        at in 0..PRINTED.len(),
        byte in proptest::char::range(' ', '~'),
        cut in any::<bool>(),
    ) {
        let mut text = PRINTED.to_owned();
        if cut {
            text.truncate(at);
        } else {
            text.replace_range(at..=at, &byte.to_string());
        }
        if let Ok(plan) = text.parse::<RecoveryPlan>() {
            let printed = plan.to_string();
            prop_assert_eq!(printed.trim_end(), text.trim_end_matches('\n'));
        }
    }
}

/// Work under way has read tainted content, and its key is not in a plan. It must not become frozen or ready after the
/// plan was applied.
mod under_way {
    use frostline::index::Coverage;
    use frostline::{Ledgers, TxHash};

    use super::*;

    fn inputs(catalog: &Catalog, numbers: std::ops::RangeInclusive<u32>) {
        for number in numbers {
            let mut freezing = catalog.begin::<TxHash>(chunk(number)).unwrap();
            freezing.file(TxHash::BIN).unwrap().flush().unwrap();
            drop(freezing.freeze().unwrap());
        }
    }

    fn apply(catalog: &Catalog, number: u32) -> Result<usize, ApplyRefusal> {
        let plan = catalog.plan_recovery(range(number, number), Tainted::Everything);
        catalog.apply_recovery(&plan.unwrap()).map_err(refusal)
    }

    fn is_claimed(applied: Result<usize, ApplyRefusal>, key: &str) {
        match applied {
            Err(ApplyRefusal::Claimed(claimed)) => assert_eq!(claimed.key.to_string(), key),
            applied => panic!("{key} is under way: {applied:?}"),
        }
    }

    #[test]
    fn an_index_that_is_built_of_tainted_inputs_is_not_promoted() {
        for hi in [998, 999] {
            let data = Data::new();
            let catalog = data.open();
            inputs(&catalog, 997..=hi);
            let coverage = Coverage::new(chunk(997), chunk(hi)).unwrap();
            let key = format!("index:00000000:00000997:{hi:08}");
            let mut build = catalog.begin_index(coverage).unwrap();
            build.file().unwrap().flush().unwrap();
            is_claimed(apply(&catalog, 997), &key);
            let promotion = build.sync().unwrap();
            is_claimed(apply(&catalog, 997), &key);
            drop(promotion);
            assert_eq!(apply(&catalog, 997).unwrap(), 1);
            assert!(
                catalog.begin_index(coverage).is_err(),
                "an input is missing"
            );
        }
    }

    #[test]
    fn an_artifact_that_is_written_from_a_tainted_hot_directory_is_not_frozen() {
        let data = Data::new();
        let catalog = data.open();
        drop(catalog.create_hot(chunk(7)).unwrap().ready().unwrap());
        let mut freezing = catalog.begin::<Ledgers>(chunk(7)).unwrap();
        freezing.file(Ledgers::PACK).unwrap().flush().unwrap();
        is_claimed(apply(&catalog, 7), "chunk:00000007:ledgers");
        drop(freezing);
        assert_eq!(apply(&catalog, 7).unwrap(), 1);
    }

    #[test]
    fn a_hot_directory_that_continues_a_tainted_one_does_not_become_ready() {
        let data = Data::new();
        let catalog = data.open();
        drop(catalog.create_hot(chunk(7)).unwrap().ready().unwrap());
        let next = catalog.create_hot(chunk(8)).unwrap();
        is_claimed(apply(&catalog, 7), "hot:chunk:00000008");
        drop(next);
        assert_eq!(apply(&catalog, 7).unwrap(), 1);
    }
}
