//! Errors of a surgical recovery.

use frostline::error::{ApplyError, Failure as _, Operation};
use frostline::recovery::{RecoveryPlan, Tainted};

use super::{Bench, Texts, seven};
use crate::fixture::{EIO, chunk};

fn plan(bench: &Bench) -> RecoveryPlan {
    let range = seven()..=seven();
    bench
        .catalog()
        .plan_recovery(range, Tainted::Everything)
        .unwrap()
}

#[test]
fn apply_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench, plan: &RecoveryPlan| {
        let error: ApplyError = bench.catalog().apply_recovery(plan).unwrap_err();
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
    };
    let bench = Bench::new();
    let owner = bench.frozen();
    let planned = plan(&bench);
    add("Refused, Claimed", &bench, &planned);
    drop(owner);
    bench.refuse_commit(0);
    add("Refused, Commit, Store", &bench, &planned);
    drop(bench.catalog().create_hot(chunk(8)).unwrap());
    add("Refused, Commit, Stale", &bench, &planned);
    let planned = plan(&bench);
    bench.faults.fail(Operation::Commit, EIO);
    add("Failed, Fatal", &bench, &planned);
    add("Refused, Read, Poisoned", &bench, &planned);
    texts.check("errors_apply_recovery");
}

/// The ids of catalogs are random, so the text is compared without them.
#[test]
fn a_plan_of_another_catalog() {
    let (bench, other) = (Bench::new(), Bench::new());
    drop(other.frozen());
    let error = bench.catalog().apply_recovery(&plan(&other)).unwrap_err();
    let [own, planned] = [&bench, &other].map(|bench| bench.catalog().id().to_string());
    let text = error.to_string().replace(&own, "OWN");
    assert_eq!(
        text.replace(&planned, "PLANNED"),
        "the recovery plan is of catalog PLANNED, and this is catalog OWN: nothing was changed; give the plan to the \
         catalog that it was made for"
    );
}

#[test]
fn plan_errors() {
    let mut texts = Texts::default();
    let bench = Bench::new();
    for (variant, text) in [
        ("the title", "frostline recovery plan 7\n"),
        (
            "cut off",
            "frostline recovery plan 1\ncatalog 5f0c4b3e9a7d4c1c8b7e6d5a4f3e2d1c\n",
        ),
        (
            "a key",
            "frostline recovery plan 1\ncatalog 5f0c4b3e9a7d4c1c8b7e6d5a4f3e2d1c\nepoch 4\nchunk:7:ledgers frozen\n",
        ),
    ] {
        let error = text.parse::<RecoveryPlan>().unwrap_err();
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
    }
    texts.check("errors_plan");
}
