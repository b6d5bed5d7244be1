//! Threads that combine their requests.

use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::thread;

use crate::protocol::combiner::Combiner;

/// Has a request run that is told in its outcome. The work writes to memory that is not shared.
fn run(combiner: &Combiner<u8, (u8, usize)>, count: &UnsafeCell<usize>, request: u8) -> usize {
    let outcome = combiner.run(request, |requests| {
        let turn = count.with_mut(|_count| requests.len());
        requests
            .into_iter()
            .map(|request| (request, turn))
            .collect()
    });
    let (answered, turn) = outcome.expect("no leader panics");
    assert_eq!(answered, request, "the outcome is of this request");
    turn
}

fn threads(others: u8) {
    let combiner = Arc::new(Combiner::default());
    let count = Arc::new(UnsafeCell::new(0));
    let spawned: Vec<_> = (0..others)
        .map(|request| {
            let (combiner, count) = (Arc::clone(&combiner), Arc::clone(&count));
            thread::spawn(move || run(&combiner, &count, request))
        })
        .collect();
    run(&combiner, &count, 100);
    for thread in spawned {
        thread.join().unwrap();
    }
    // Nothing is left behind: a thread alone leads again.
    assert_eq!(run(&combiner, &count, 101), 1);
}

#[test]
fn each_request_of_two_threads_is_run_once_and_alone() {
    crate::check(4, None, || threads(1));
}

#[test]
fn each_request_of_three_threads_is_run_once_and_alone() {
    crate::check(3, Some(6), || threads(2));
}

/// The work of a request comes after its thread has asked for it: a sync covers what was written before.
#[test]
fn the_work_sees_everything_that_came_before_the_request() {
    crate::check(3, None, || {
        let combiner: Arc<Combiner<Arc<UnsafeCell<u8>>, ()>> = Arc::default();
        let ask = {
            let combiner = Arc::clone(&combiner);
            move || {
                let written = Arc::new(UnsafeCell::new(0));
                written.with_mut(|_written| ());
                let done = combiner.run(Arc::clone(&written), |all| {
                    all.iter().map(|one| one.with_mut(|_one| ())).collect()
                });
                done.expect("no leader panics");
                written.with(|_written| ());
            }
        };
        let other = thread::spawn(ask.clone());
        ask();
        other.join().unwrap();
    });
}

const ENDS: &str = "this turn ends in a panic";

/// A leader that panics passes the lead on, and its turn's other threads get no outcome.
#[test]
fn a_leader_that_panics_is_told_to_the_others() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.to_string().contains(ENDS) {
            before(panic);
        }
    }));
    crate::check(2, Some(3), || {
        let combiner: Arc<Combiner<bool, ()>> = Arc::default();
        let ask = {
            let combiner = Arc::clone(&combiner);
            move |panics| {
                let turn = std::panic::AssertUnwindSafe(|| {
                    combiner.run(panics, |all| {
                        assert!(!all.contains(&true), "{ENDS}");
                        all.iter().map(|_| ()).collect()
                    })
                });
                std::panic::catch_unwind(turn)
            }
        };
        // With two others, a turn can have more threads than the one that leads.
        let others = [true, false].map(|panics| {
            let ask = ask.clone();
            (panics, thread::spawn(move || ask(panics)))
        });
        drop(ask(false));
        for (panics, other) in others {
            let outcome = other.join().unwrap();
            assert!(!panics || !matches!(outcome, Ok(Some(()))));
        }
        assert!(matches!(ask(false), Ok(Some(()))), "the lead was passed on");
    });
}
