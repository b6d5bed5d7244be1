//! Scenarios of surgical recovery.

use frostline::recovery::{RecoveryPlan, Tainted};

use super::steps::freeze;
use super::{Fate, Scenario, settle};
use crate::fixture::chunk;

pub const RECOVERY: Scenario = Scenario {
    name: "surgical_recovery",
    about: "a printed plan demotes two artifacts in one batch, and they are removed",
    before: |machine| {
        let catalog = machine.open()?;
        drop(freeze(machine, &catalog, 71, 1)?);
        drop(freeze(machine, &catalog, 72, 1)?);
        Ok(())
    },
    run: |machine| {
        let catalog = machine.open()?;
        machine.step("plan");
        let plan = catalog.plan_recovery(chunk(71)..=chunk(72), Tainted::Everything)?;
        assert_eq!(plan.len(), 2);
        let plan: RecoveryPlan = plan.to_string().parse().expect("it was printed");
        machine.step("apply");
        assert_eq!(catalog.apply_recovery(&plan)?, 2);
        assert_eq!(catalog.apply_recovery(&plan)?, 0);
        machine.step("remove");
        settle(&catalog)
    },
    chunks: &[71, 72],
    fates: &[Fate {
        keys: &["chunk:00000071:ledgers", "chunk:00000072:ledgers"],
        rows: &[
            &["frozen", "frozen"],
            &["freezing", "freezing"],
            // The recovery after the crash.
            &["absent", "absent"],
        ],
    }],
};
