//! Transitions: changes of several keys in one batch, with one fate.
//!
//! Each value that implements [`Transition`] can go into a commit, alone or with others in tuples, `Vec`s
//! and `Option`s. The result has the same shape, one state further on.

use std::borrow::Cow;
use std::sync::Arc;

use super::change::{Batch, Change, CommitFailure};
use super::shared::Shared;
use crate::domain::{ArtifactKey, Key};
use crate::failure::{CommitError, CommitRefusal, StepError};

/// The changes that a commit gathers before it writes any of them.
pub struct Changes<'a> {
    /// The catalog of the commit; by default the catalog of the first change.
    shared: Option<Cow<'a, Arc<Shared>>>,
    batch: Batch,
    foreign: Option<Key>,
}

impl<'a> Changes<'a> {
    fn new(shared: Option<&'a Arc<Shared>>) -> Self {
        Self {
            shared: shared.map(Cow::Borrowed),
            batch: Batch::default(),
            foreign: None,
        }
    }

    pub(crate) fn push(&mut self, shared: &Arc<Shared>, change: Change) {
        let own = self
            .shared
            .get_or_insert_with(|| Cow::Owned(Arc::clone(shared)));
        if !Arc::ptr_eq(shared, own) {
            self.foreign = Some(change.key);
        }
        self.batch.changes.push(change);
    }

    /// Adds an artifact that must be frozen when the batch is committed: it is, or the batch makes it so.
    pub(crate) fn require_frozen(&mut self, key: ArtifactKey) {
        self.batch.required.push(key);
    }
}

/// Proof that the batch is on stable storage. Only a commit constructs it.
pub struct Committed(());

pub(crate) mod sealed {
    use super::{Changes, Committed};

    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be made a transition",
        label = "not one of the crate's own steps",
        note = "the set of transitions is closed: each is a step of the protocol's one table"
    )]
    /// The calls that a commit makes on a transition. A generic caller could name these methods through the
    /// bound, but cannot construct their arguments.
    pub trait Commit: Sized {
        type Output;
        fn gather(&self, changes: &mut Changes<'_>);
        fn advance(self, committed: &Committed) -> Self::Output;
    }
}

use sealed::Commit;

/// A step that takes effect when its key changes in the catalog.
///
/// The trait is sealed. The transitions of a file artifact are [`Begin`](crate::step::Begin) (becomes
/// [`Freezing`](crate::Freezing)), [`Synced`](crate::step::Synced) (becomes [`Frozen`](crate::Frozen)),
/// [`Demotion`](crate::step::Demotion) (becomes [`Pruning`](crate::Pruning)) and
/// [`Unlinked`](crate::step::Unlinked) (becomes nothing). The transitions of a hot directory are
/// [`HotBegin`](crate::step::HotBegin) (becomes [`Transient`](crate::Transient)),
/// [`HotSynced`](crate::step::HotSynced) (becomes [`Ready`](crate::Ready)),
/// [`HotDemotion`](crate::step::HotDemotion) (becomes [`HotDebris`](crate::HotDebris)) and
/// [`HotUnlinked`](crate::step::HotUnlinked) (becomes nothing). The transition of an index is
/// [`Promotion`](crate::index::Promotion) (becomes [`Promoted`](crate::index::Promoted)). Sets of kinds, tuples of up to eight
/// transitions, `Vec`s and `Option`s of transitions are transitions, too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be committed",
    label = "a step is missing before the commit",
    note = "`Freezing`, a set, a group, a `Transient` or an `IndexBuild` must be made durable first: the result of `.sync()` can be committed",
    note = "`Frozen` is demoted by the commit of `.demote()`, and `Ready` by the commit of `.retire(&evidence)`",
    note = "`Pruning`, `Debris` and `HotDebris` must lose their files first: the result of `.unlink()` can be committed"
)]
pub trait Transition: Commit<Output = <Self as Transition>::Next> {
    /// The type that the transition becomes when it is committed.
    type Next;
}

// With this attribute, the compiler lists the steps and not their combinations.
#[diagnostic::do_not_recommend]
impl<T: Transition> Transition for Vec<T> {
    type Next = Vec<T::Next>;
}

#[diagnostic::do_not_recommend]
impl<T: Transition> Transition for Option<T> {
    type Next = Option<T::Next>;
}

impl<T: Commit> Commit for Vec<T> {
    type Output = Vec<T::Output>;

    fn gather(&self, changes: &mut Changes<'_>) {
        for transition in self {
            transition.gather(changes);
        }
    }

    fn advance(self, committed: &Committed) -> Self::Output {
        let transitions = self.into_iter();
        transitions.map(|one| one.advance(committed)).collect()
    }
}

impl<T: Commit> Commit for Option<T> {
    type Output = Option<T::Output>;

    fn gather(&self, changes: &mut Changes<'_>) {
        if let Some(transition) = self {
            transition.gather(changes);
        }
    }

    fn advance(self, committed: &Committed) -> Self::Output {
        self.map(|one| one.advance(committed))
    }
}

macro_rules! commit_tuples {
    ($(($($name:ident),+);)+) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($name: Transition),+> Transition for ($($name,)+) {
            type Next = ($($name::Next,)+);
        }

        impl<$($name: Commit),+> Commit for ($($name,)+) {
            type Output = ($($name::Output,)+);

            fn gather(&self, changes: &mut Changes<'_>) {
                #[expect(non_snake_case, reason = "the macro has one name per member")]
                let ($($name,)+) = self;
                $($name.gather(changes);)+
            }

            fn advance(self, committed: &Committed) -> Self::Output {
                #[expect(non_snake_case, reason = "the macro has one name per member")]
                let ($($name,)+) = self;
                ($($name.advance(committed),)+)
            }
        }
    )+};
}

commit_tuples! {
    (A);
    (A, B);
    (A, B, C);
    (A, B, C, D);
    (A, B, C, D, E);
    (A, B, C, D, E, F);
    (A, B, C, D, E, F, G);
    (A, B, C, D, E, F, G, H);
}

/// Commits a transition in the catalog of its handles.
pub(crate) fn commit<T: Transition>(transition: T) -> Result<T::Next, CommitError<T>> {
    commit_in(None, transition)
}

/// Commits a transition in this catalog.
pub(crate) fn commit_to<T: Transition>(
    shared: &Arc<Shared>,
    transition: T,
) -> Result<T::Next, CommitError<T>> {
    commit_in(Some(shared), transition)
}

fn commit_in<T: Transition>(
    shared: Option<&Arc<Shared>>,
    transition: T,
) -> Result<T::Next, CommitError<T>> {
    let mut changes = Changes::new(shared);
    transition.gather(&mut changes);
    if let Some(key) = changes.foreign {
        let refusal = CommitRefusal::ForeignHandle { key };
        return Err(StepError::refused(transition, refusal));
    }
    let committed = match &changes.shared {
        Some(shared) => shared.commit(changes.batch),
        // A transition without a handle has no change.
        None => Ok(()),
    };
    match committed {
        Ok(()) => Ok(transition.advance(&Committed(()))),
        Err(CommitFailure::Refused(refusal)) => Err(StepError::refused(transition, refusal)),
        Err(CommitFailure::Fatal(fatal)) => Err(fatal.into()),
    }
}
