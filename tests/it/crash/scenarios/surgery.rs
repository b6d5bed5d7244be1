//! Scenarios of surgical recovery.

use frostline::index::Coverage;
use frostline::recovery::{RecoveryPlan, Tainted};
use frostline::{Events, Ledgers, TxHash};

use super::hot::make_ready;
use super::steps::{ONE_SECTOR, freeze, read, write};
use super::{Fate, Scenario, index};
use crate::fixture::chunk;

pub const RECOVERY: Scenario = Scenario {
    name: "surgical_recovery",
    about: "a printed plan demotes artifacts, an index and hot directories, and a chunk is built again",
    before: |machine| {
        let catalog = machine.open()?;
        drop(freeze(machine, &catalog, 70, 1)?);
        let mut events = catalog.begin::<Events>(chunk(71))?;
        for file in [Events::EVENTS, Events::INDEX, Events::HASH] {
            write(&mut events, file, 1, ONE_SECTOR)?;
        }
        drop(events.freeze()?);
        let mut hashes = catalog.begin::<TxHash>(chunk(71))?;
        write(&mut hashes, TxHash::BIN, 1, ONE_SECTOR)?;
        drop(hashes.freeze()?);
        let coverage = Coverage::new(chunk(71), chunk(71)).expect("one window");
        drop(index::promote(machine, &catalog, coverage)?);
        drop(make_ready(machine, &catalog, 71)?);
        drop(make_ready(machine, &catalog, 72)?);
        Ok(())
    },
    run: |machine| {
        let catalog = machine.open()?;
        machine.step("plan");
        let plan = catalog.plan_recovery(chunk(70)..=chunk(71), Tainted::Everything)?;
        assert_eq!(plan.len(), 6);
        let plan: RecoveryPlan = plan.to_string().parse().expect("it was printed");
        machine.step("apply");
        assert_eq!(catalog.apply_recovery(&plan)?, 6);
        assert_eq!(catalog.apply_recovery(&plan)?, 0);
        drop(freeze(machine, &catalog, 70, 2)?);
        read(&catalog, 70, Ledgers::PACK, 2)
    },
    chunks: &[70, 71, 72],
    fates: &[Fate {
        keys: &[
            "chunk:00000071:events",
            "chunk:00000071:txhash",
            "index:00000000:00000071:00000071",
            "hot:chunk:00000071",
            "hot:chunk:00000072",
        ],
        rows: &[
            &["frozen", "frozen", "frozen", "ready", "ready"],
            &["freezing", "freezing", "freezing", "transient", "transient"],
            // Recoveries after the crash.
            &["absent", "absent", "absent", "transient", "transient"],
            &["absent", "absent", "absent", "absent", "transient"],
            &["absent", "absent", "absent", "absent", "absent"],
        ],
    }],
};
