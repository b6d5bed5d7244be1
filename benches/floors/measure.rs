//! Rounds, medians and ratios.

use std::time::{Duration, Instant};

/// A subject's name, and what it does in a round: prepares, and gives how long the rest took.
pub struct Subject<'a> {
    pub name: &'static str,
    pub round: Box<dyn FnMut(usize) -> Duration + 'a>,
}

pub fn subject<'a>(name: &'static str, round: impl FnMut(usize) -> Duration + 'a) -> Subject<'a> {
    Subject {
        name,
        round: Box::new(round),
    }
}

pub fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Prints rows as they come.
#[derive(Default)]
pub struct Table {
    has_head: bool,
}

impl Table {
    /// Runs the subjects in turns; the first is ours. The unit is of one of so many items.
    pub fn row(&mut self, what: &str, rounds: usize, items: usize, mut subjects: Vec<Subject<'_>>) {
        let mut times = vec![Vec::with_capacity(rounds); subjects.len()];
        // One round to warm up, which does not count.
        for round in 0..=rounds {
            // The first side of one round is the last of the next.
            let shift = round % subjects.len();
            for turn in 0..subjects.len() {
                let at = (turn + shift) % subjects.len();
                let time = (subjects[at].round)(round);
                if round > 0 {
                    times[at].push(time.as_secs_f64() / items as f64);
                }
            }
        }
        self.head();
        let ours = times[0].clone();
        for (subject, others) in subjects.iter().zip(&times).skip(1) {
            let mut ratios: Vec<_> = others
                .iter()
                .zip(&ours)
                .map(|(other, our)| our / other)
                .collect();
            let [low, middle, high] = quartiles(&mut ratios);
            let ratio = if middle < 0.45 {
                let (low, middle, high) = (1.0 / high, 1.0 / middle, 1.0 / low);
                format!("1 / {middle:.1} (1 / {low:.1} to 1 / {high:.1})")
            } else {
                format!("{middle:.2} ({low:.2} to {high:.2})")
            };
            println!(
                "| {what} | {} | {}: {} | {ratio} |",
                time(quartiles(&mut ours.clone())[1]),
                subject.name,
                time(quartiles(&mut others.clone())[1]),
            );
        }
    }

    fn head(&mut self) {
        if !std::mem::replace(&mut self.has_head, true) {
            println!("| what | ours | beside it | ours / beside (half of the rounds) |");
            println!("|---|---|---|---|");
        }
    }

    /// A row that is counted and not measured.
    pub fn fact(&mut self, what: &str, ours: &str, beside: &str) {
        self.head();
        println!("| {what} | {ours} | {beside} | |");
    }
}

fn quartiles(values: &mut [f64]) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let at = |quarter: usize| values[(values.len() - 1) * quarter / 4];
    [at(1), at(2), at(3)]
}

fn time(seconds: f64) -> String {
    let nanos = seconds * 1e9;
    if nanos < 1e3 {
        format!("{nanos:.1} ns")
    } else if nanos < 1e6 {
        format!("{:.1} us", nanos / 1e3)
    } else {
        format!("{:.2} ms", nanos / 1e6)
    }
}
