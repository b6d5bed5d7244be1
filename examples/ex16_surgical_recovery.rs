//! Example 16: recover a range of chunks whose content cannot be trusted.
//!
//! A person finds that files are wrong: a bad build wrote them, or a disk returned other bytes. The catalog calls them
//! frozen, and readers trust it. A surgical recovery demotes them, so that they are built again.
//!
//! 1. **`plan_recovery`** lists the keys and changes nothing. The plan has the artifacts of the range, the indexes that
//!    cover a chunk of it, and *every* hot directory from the lowest tainted one on, because each continues the one before.
//! 2. A person reads the **printed plan**. It can be kept, and read again by another process.
//! 3. **`apply_recovery`** demotes all of its keys in one commit. A plan is refused if the catalog has changed since it
//!    was made. Applied twice, it does nothing. *Durable:* all demotions or none. No file is touched.
//! 4. The demoted keys are leftovers: the chunk is **begun again**, and what is not wanted is **recovered**.
//!
//! Run it with `cargo run --example ex16_surgical_recovery`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use std::io::Write;

use frostline::error::Result;
use frostline::recovery::{RecoveryPlan, Tainted};
use frostline::{Catalog, ChunkId, DebrisPolicy, Ledgers};
use shared::{Stage, heading};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let catalog = stage.open_catalog()?;
    let [sound, tainted, newest] = [6, 7, 8].map(ChunkId::new);
    let (sound, tainted, newest) = (sound?, tainted?, newest?);
    freeze(&catalog, sound, "ledgers")?;
    freeze(&catalog, tainted, "wrong ledgers")?;
    for chunk in [tainted, newest] {
        drop(catalog.create_hot(chunk)?.ready()?);
    }

    heading("the plan, as a person reads it");
    let plan = catalog.plan_recovery(tainted..=tainted, Tainted::Everything)?;
    let printed = plan.to_string();
    for line in printed.lines() {
        println!("  {}", without_chance(line));
    }

    heading("the same plan, later");
    let plan: RecoveryPlan = printed.parse()?;
    println!("  {} keys demoted", catalog.apply_recovery(&plan)?);
    println!("  {} keys, the second time", catalog.apply_recovery(&plan)?);
    stage.show(&catalog)?;

    heading("the chunk is written again, and the leftovers of the hot directories are removed");
    freeze(&catalog, tainted, "ledgers")?;
    println!("{}", catalog.recover(DebrisPolicy::Report)?);
    stage.show(&catalog)?;

    heading("a plan from before these changes");
    let refused = catalog.apply_recovery(&plan).is_err();
    println!("  refused: {refused}");
    Ok(())
}

/// Freezes the ledgers of a chunk, from nothing or over leftovers.
fn freeze(catalog: &Catalog, chunk: ChunkId, ledgers: &str) -> Result<()> {
    let mut freezing = catalog.begin::<Ledgers>(chunk)?;
    freezing
        .file(Ledgers::PACK)?
        .write_all(ledgers.as_bytes())?;
    drop(freezing.freeze()?);
    Ok(())
}

/// Leaves out the id of the catalog, which is random.
fn without_chance(line: &str) -> &str {
    line.strip_prefix("catalog ")
        .map_or(line, |_| "catalog ...")
}
