//! Combining: of the threads that have the same kind of work at the same time, one does the work of all.
//!
//! A thread that finds no work under way leads. It takes its own request and runs it. The threads that come meanwhile
//! wait. When the leader has finished, the first of them leads, and takes the requests of all that wait. A thread
//! alone never waits, and its cost is one lock taken twice.

use super::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The requests of the threads that wait.
pub(crate) struct Combiner<R, O> {
    queue: Mutex<Queue<R, O>>,
    /// Under the feature `sim`, the number of requests that a leader waits for.
    #[cfg(feature = "sim")]
    gathered: Condvar,
}

struct Queue<R, O> {
    /// Whether a thread leads. While none does, no request waits.
    is_led: bool,
    /// In the order in which they came.
    waiting: Vec<Waiting<R, O>>,
    #[cfg(feature = "sim")]
    wanted: usize,
}

struct Waiting<R, O> {
    request: R,
    slot: Arc<Slot<O>>,
}

/// The place where a waiting thread is told how to go on.
struct Slot<O> {
    news: Mutex<Option<News<O>>>,
    told: Condvar,
}

enum News<O> {
    /// The thread leads now. Its own request is the first of those that wait.
    Lead,
    /// A leader has run the request. Without an outcome, the leader panicked.
    Done(Option<O>),
}

impl<R, O> Default for Combiner<R, O> {
    fn default() -> Self {
        Self {
            queue: Mutex::new(Queue {
                is_led: false,
                waiting: Vec::new(),
                #[cfg(feature = "sim")]
                wanted: 0,
            }),
            #[cfg(feature = "sim")]
            gathered: Condvar::new(),
        }
    }
}

impl<R, O> Combiner<R, O> {
    /// Has a request run, by this thread or by another one, and returns its outcome. Returns `None` if the thread that
    /// ran it panicked.
    ///
    /// `work` gets the requests in the order in which they came, and returns one outcome for each. At most one thread
    /// is in `work` at a time.
    pub(crate) fn run(&self, request: R, work: impl FnOnce(Vec<R>) -> Vec<O>) -> Option<O> {
        let slot = {
            let mut queue = lock(&self.queue);
            if !queue.is_led {
                queue.is_led = true;
                let requests = self.first(queue, request);
                return self.lead(requests, work);
            }
            let slot = Arc::new(Slot::default());
            queue.waiting.push(Waiting {
                request,
                slot: Arc::clone(&slot),
            });
            #[cfg(feature = "sim")]
            self.gathered.notify_all();
            slot
        };
        match slot.wait() {
            News::Done(outcome) => outcome,
            News::Lead => self.lead(self.take_waiting(), work),
        }
    }

    /// Runs the requests, of which the first is this thread's own. Tells the other threads, which have the slots in
    /// the same order, their outcomes.
    fn lead(&self, led: Requests<R, O>, work: impl FnOnce(Vec<R>) -> Vec<O>) -> Option<O> {
        let Requests { requests, slots } = led;
        // A panic in `work` drops this value, which tells the others.
        let mut led = Led {
            combiner: self,
            slots: slots.into_iter(),
            outcomes: Vec::new().into_iter(),
        };
        led.outcomes = work(requests).into_iter();
        debug_assert_eq!(led.outcomes.len(), led.slots.len() + 1, "one outcome each");
        led.outcomes.next()
    }

    /// Takes the requests of all threads that wait. The first is this thread's own.
    fn take_waiting(&self) -> Requests<R, O> {
        let waiting = std::mem::take(&mut lock(&self.queue).waiting);
        let waiting = waiting
            .into_iter()
            .map(|waiting| (waiting.request, waiting.slot));
        let (requests, slots): (Vec<_>, Vec<_>) = waiting.unzip();
        let others = slots.into_iter().skip(1).collect();
        Requests {
            requests,
            slots: others,
        }
    }

    /// Gives the lead to the first thread that waits, if any does.
    fn pass_on(&self) {
        let mut queue = lock(&self.queue);
        match queue.waiting.first() {
            Some(first) => first.slot.tell(News::Lead),
            None => queue.is_led = false,
        }
    }

    /// Returns the request of a thread that found no leader.
    #[cfg(not(feature = "sim"))]
    #[expect(clippy::unused_self, reason = "the other half has a queue to look at")]
    fn first(&self, _queue: MutexGuard<'_, Queue<R, O>>, request: R) -> Requests<R, O> {
        Requests {
            requests: vec![request],
            slots: Vec::new(),
        }
    }

    /// Waits for as many requests as a test wants in one turn.
    #[cfg(feature = "sim")]
    fn first(&self, mut queue: MutexGuard<'_, Queue<R, O>>, request: R) -> Requests<R, O> {
        while 1 + queue.waiting.len() < queue.wanted {
            let waited = self.gathered.wait(queue);
            queue = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let mut requests = vec![request];
        let mut slots = Vec::new();
        if std::mem::take(&mut queue.wanted) > 0 {
            for waiting in queue.waiting.drain(..) {
                requests.push(waiting.request);
                slots.push(waiting.slot);
            }
        }
        Requests { requests, slots }
    }

    /// Has the next leader wait until so many requests are there, its own included. With 0, it waits no longer.
    #[cfg(feature = "sim")]
    pub(crate) fn gather_for_test(&self, requests: usize) {
        lock(&self.queue).wanted = requests;
        self.gathered.notify_all();
    }
}

/// The requests of one turn, and the slots of all but the first.
struct Requests<R, O> {
    requests: Vec<R>,
    slots: Vec<Arc<Slot<O>>>,
}

/// The threads that a leader owes an outcome. Dropping it passes the lead on and tells them.
struct Led<'a, R, O> {
    combiner: &'a Combiner<R, O>,
    slots: std::vec::IntoIter<Arc<Slot<O>>>,
    outcomes: std::vec::IntoIter<O>,
}

impl<R, O> Drop for Led<'_, R, O> {
    fn drop(&mut self) {
        // The next leader comes first, because the disk is idle until it has begun.
        self.combiner.pass_on();
        for slot in self.slots.by_ref() {
            slot.tell(News::Done(self.outcomes.next()));
        }
    }
}

impl<O> Default for Slot<O> {
    fn default() -> Self {
        Self {
            news: Mutex::new(None),
            told: Condvar::new(),
        }
    }
}

impl<O> Slot<O> {
    fn tell(&self, news: News<O>) {
        *lock(&self.news) = Some(news);
        self.told.notify_one();
    }

    fn wait(&self) -> News<O> {
        let mut news = lock(&self.news);
        loop {
            if let Some(news) = news.take() {
                return news;
            }
            let waited = self.told.wait(news);
            news = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The locks of this file are held for a few moves of values, none of which can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
