//! Committing: several keys, one batch, one fate.
//!
//! Whatever implements [`Transition`] can go into one commit, alone or with others in tuples, `Vec`s
//! and `Option`s; what comes out has the same shape, one state further on.

use std::sync::Arc;

use crate::core::{Change, CommitFailure, CommitRefusal, Core};
use crate::error::{FailureKind, Fatal, Refused};
use crate::key::Key;

/// The changes that a commit gathers before it writes any of them.
pub struct Changes<'a> {
    core: &'a Arc<Core>,
    list: Vec<Change>,
    foreign: Option<Key>,
}

impl Changes<'_> {
    pub(crate) fn push(&mut self, core: &Arc<Core>, change: Change) {
        if !Arc::ptr_eq(core, self.core) {
            self.foreign = Some(change.key);
        }
        self.list.push(change);
    }
}

/// Proof that the batch is on stable storage. Only a commit makes one.
pub struct Committed(());

pub(crate) mod sealed {
    use super::{Changes, Committed};

    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be made a transition",
        label = "not one of the crate's own steps",
        note = "the set of transitions is closed: each is a step of the protocol's one table"
    )]
    /// What a commit does with a transition. A generic caller could name these methods through the
    /// bound, but can make neither argument.
    pub trait Commit: Sized {
        type Output;
        fn gather(&self, changes: &mut Changes<'_>);
        fn advance(self, committed: &Committed) -> Self::Output;
    }
}

use sealed::Commit;

/// A step that becomes true when its key changes in the catalog.
///
/// Sealed. The leaves are [`Synced`](crate::Synced) (becomes [`Frozen`](crate::Frozen); a
/// [`SyncedSet`](crate::SyncedSet) becomes a [`FrozenSet`](crate::FrozenSet)),
/// [`Demotion`](crate::Demotion) (becomes [`Pruning`](crate::Pruning)) and
/// [`Unlinked`](crate::Unlinked) (becomes nothing). Tuples of up to eight transitions, `Vec`s and
/// `Option`s of them are transitions too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be committed",
    label = "a step is missing before the commit",
    note = "`Freezing`, a set or a group must be made durable first: what `.sync()` gives can be committed",
    note = "`Frozen` is committed to its end by `.demote()`, which gives a `Demotion`",
    note = "`Pruning` and `Debris` must lose their files first: `.unlink()` gives an `Unlinked`"
)]
pub trait Transition: Commit<Output = <Self as Transition>::Next> {
    /// What the transition is once it has been committed.
    type Next;
}

impl<T: Transition> Transition for Vec<T> {
    type Next = Vec<T::Next>;
}

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

/// A commit that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError<T> {
    /// Nothing was written; the transition is inside.
    #[error(transparent)]
    Refused(Refused<T, CommitRefusal>),
    /// The batch may or may not be on stable storage.
    #[error(transparent)]
    Fatal(Fatal),
}

impl<T> CommitError<T> {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(_) => FailureKind::Refused,
            Self::Fatal(_) => FailureKind::Fatal,
        }
    }
}

/// Commits a transition on this core.
pub(crate) fn commit<T: Transition>(
    core: &Arc<Core>,
    transition: T,
) -> Result<T::Next, CommitError<T>> {
    let mut changes = Changes {
        core,
        list: Vec::new(),
        foreign: None,
    };
    transition.gather(&mut changes);
    if let Some(key) = changes.foreign {
        let refusal = CommitRefusal::ForeignHandle { key };
        return Err(CommitError::Refused(Refused::new(transition, refusal)));
    }
    match core.commit(&changes.list) {
        Ok(()) => Ok(transition.advance(&Committed(()))),
        Err(CommitFailure::Refused(refusal)) => {
            Err(CommitError::Refused(Refused::new(transition, refusal)))
        }
        Err(CommitFailure::Fatal(fatal)) => Err(CommitError::Fatal(fatal)),
    }
}
