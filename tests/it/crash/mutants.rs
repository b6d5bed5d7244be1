//! The self-test of the crash tests: one sync or one batch is left out or comes a step too late, and some
//! scenario must break.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use frostline::sim::{History, Limits, Mutant, Mutation};

use super::power::{SEED, history, on_two_threads, power_loss, recover};
use super::scenarios::{SCENARIOS, Scenario};
use crate::fixture::report;
use crate::snapshot::check;

/// The outcomes of one kind of mutant, in every place and for every chunk.
#[derive(Default)]
struct Tried {
    killed: usize,
    survived: usize,
    /// The reason why the mutant is equivalent.
    argument: Option<&'static str>,
}

/// Returns the reason why a mutant that no scenario kills is equivalent, if there is one.
fn argument(mutation: &Mutation, label: &str) -> Option<&'static str> {
    let marks = ["freezing", "pruning", "transient"];
    match mutation {
        Mutation::DropBatch(edits) => {
            let marks =
                |value: &Option<String>| marks.iter().any(|mark| value.as_deref() == Some(mark));
            if !edits.iter().any(|(_, value)| marks(value)) {
                return Some(
                    "an artifact without its flip is not trusted, and a key that is not deleted is removed again: both are safe",
                );
            }
            label.contains("rematerialize").then_some(
                "under `pruning`, too, a file may have any content: the mark only tells the step",
            )
        }
        Mutation::Swap if label.contains("before `sync ledgers/frostline.witness` (open)") => Some(
            "the last sync of an opening is of the witness, on which no later step depends: a commit \
             syncs its own record",
        ),
        _ if label.contains("frostline.identity` (open)") && !label.contains("rename") => Some(
            "a root that still reads `founding` is marked again by the next start, and no power cut takes \
             a volume away",
        ),
        Mutation::Swap if label.contains("frostline.identity") => Some(
            "an identity is not read before it has its own name, and one that is missing is written anew \
             until all are founded",
        ),
        Mutation::Swap if label.contains("frostline.witness") => Some(
            "the witness lags behind the store: one of an earlier start accepts this start's files, too",
        ),
        _ if label.contains("sync directory ledgers` (open)") => Some(
            "there is no bucket to remove the file from: the library removes none, so this sync only matters after another program's removal",
        ),
        Mutation::Swap if label.contains("creating") => Some(
            "until the pointer is moved into place no process has written to the store: the next start creates it anew",
        ),
        _ => None,
    }
}

/// Returns the kind of a mutant: its name without numbers, and with only the first word of each step.
fn label(name: &str) -> String {
    let mut label = String::new();
    for word in name
        .replace("/srv/node/data/", "")
        .split_inclusive(['(', ')'])
    {
        let step = word
            .strip_suffix(')')
            .and_then(|step| step.split([' ', ',']).next());
        let word = step.map_or_else(|| word.to_owned(), |step| format!("{step})"));
        label.extend(
            word.chars()
                .map(|c| if c.is_ascii_digit() { '0' } else { c }),
        );
    }
    label
}

/// Returns the events of a scenario; for one scenario also those of the next process after a kill.
fn histories(scenario: &Scenario) -> Vec<History> {
    let mut histories = vec![history(scenario)];
    if scenario.name == "freeze_one" {
        let killed: Vec<_> = histories.iter().flat_map(History::killed).collect();
        for disk in killed {
            recover(&disk).unwrap();
            histories.push(disk.history());
        }
    }
    histories
}

fn try_all(scenario: &Scenario) -> BTreeMap<String, Tried> {
    let mut tried: BTreeMap<_, Tried> = BTreeMap::new();
    for mutant in histories(scenario).iter().flat_map(History::mutants) {
        let Mutant {
            name,
            mutation,
            history,
        } = mutant;
        // Only the second start after a power cut fails without the synced witness, so recoveries are cut, too.
        let cut_recoveries = if name.contains("frostline.witness") && name.starts_with("no ") {
            1 << 8
        } else {
            0
        };
        let limits = Limits {
            all: 1 << 8,
            sample: 1 << 5,
            cut_recoveries,
        };
        let explored = power_loss(scenario)
            .with_limits(limits, SEED)
            .explore(&history);
        let label = label(&name);
        let tried = tried.entry(label.clone()).or_default();
        match explored {
            Ok(_) => tried.survived += 1,
            Err(_) => tried.killed += 1,
        }
        tried.argument = argument(&mutation, &label);
    }
    tried
}

#[test]
fn every_mutant_is_killed_or_equivalent() {
    let mut all: BTreeMap<String, Tried> = BTreeMap::new();
    for tried in on_two_threads(SCENARIOS, try_all) {
        for (label, one) in tried {
            let sum = all.entry(label).or_default();
            sum.killed += one.killed;
            sum.survived += one.survived;
            sum.argument = one.argument;
        }
    }
    let (mut table, mut unargued, mut argued) = (String::new(), String::new(), 0);
    for (label, tried) in &all {
        let fate = match (tried.killed, tried.argument) {
            (0, Some(argument)) => {
                argued += tried.survived;
                argument
            }
            (0, None) => {
                writeln!(unargued, "{label}").unwrap();
                "SURVIVED"
            }
            _ => "killed",
        };
        writeln!(table, "{label}: {fate}").unwrap();
    }
    assert!(unargued.is_empty(), "no scenario kills\n{unargued}");
    check("crash_mutants", &table);
    let sum = |count: fn(&Tried) -> usize| all.values().map(count).sum::<usize>();
    let (killed, survived) = (sum(|tried| tried.killed), sum(|tried| tried.survived));
    report(&format!(
        "crash: {} mutants of {} kinds: {killed} killed, {} where another scenario catches the kind, \
         {argued} equivalent",
        killed + survived,
        all.len(),
        survived - argued,
    ));
}
