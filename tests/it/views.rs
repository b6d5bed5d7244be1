//! Views: of one instant, and holding whatever they call readable.

use frostline::error::{BeginRefusal, RemovalRefusal, StepError};
use frostline::read::{HotLease, View};
use frostline::{
    Artifact, ArtifactKind, ArtifactState, Catalog, ChunkId, DebrisPolicy, Hot, HotState, Ledgers,
    Ready,
};
use static_assertions::assert_impl_all;

use crate::fixture::{Data, EIO, Faults, chunk, freeze};

assert_impl_all!(View: Clone, Send, Sync);
assert_impl_all!(HotLease: Clone, Send, Sync);

fn seven() -> ChunkId {
    chunk(7)
}

fn ready(catalog: &Catalog) -> Ready {
    catalog.create_hot(seven()).unwrap().ready().unwrap()
}

fn refusal<H: std::fmt::Debug, R: std::fmt::Debug>(error: StepError<H, R>) -> (H, R) {
    match error {
        StepError::Refused(refused) => refused.into_parts(),
        failed @ StepError::Failed(_) => panic!("{failed:?}"),
    }
}

#[test]
fn a_view_is_of_one_instant() {
    let world = Data::new();
    let catalog = world.open();
    let frozen = freeze(&catalog, 7, b"ledgers");
    let ready = ready(&catalog);
    let view = catalog.view().unwrap();
    let debris = catalog
        .commit((ready.give_up_only_copy(), frozen.demote()))
        .unwrap();
    drop(freeze(&catalog, 8, b"ledgers"));
    let kind = ArtifactKind::Ledgers;
    assert_eq!(
        view.state(seven(), kind).unwrap(),
        Some(ArtifactState::Frozen)
    );
    assert_eq!(view.hot_state(seven()).unwrap(), Some(HotState::Ready));
    assert_eq!(view.state(chunk(8), kind).unwrap(), None);
    let states = view.chunk_states(ChunkId::MIN..=ChunkId::MAX);
    let states: Vec<_> = states.map(Result::unwrap).collect();
    assert_eq!(states, [view.chunk_state(seven()).unwrap()]);
    let later = catalog.view().unwrap();
    assert_eq!(
        later.state(seven(), kind).unwrap(),
        Some(ArtifactState::Pruning)
    );
    assert_eq!(later.hot_state(seven()).unwrap(), Some(HotState::Transient));
    assert!(later.lease::<Ledgers>(seven()).unwrap().is_none());
    assert!(later.lease_hot(seven()).unwrap().is_none());
    drop(debris);
}

#[test]
fn whatever_a_view_calls_readable_stays() {
    let world = Data::new();
    let catalog = world.open();
    let frozen = freeze(&catalog, 7, b"ledgers");
    let ready = ready(&catalog);
    let view = catalog.view().unwrap();
    let (pruning, debris) = catalog
        .commit((frozen.demote(), ready.give_up_only_copy()))
        .unwrap();
    let (pruning, refused) = refusal(pruning.unlink().unwrap_err());
    assert!(matches!(refused, RemovalRefusal::Leased(_)), "{refused:?}");
    let (debris, refused) = refusal(debris.unlink().unwrap_err());
    assert!(matches!(refused, RemovalRefusal::Leased(_)), "{refused:?}");
    let (pruning, refused) = refusal(pruning.rematerialize().unwrap_err());
    assert!(matches!(refused, BeginRefusal::Leased(_)), "{refused:?}");
    let (debris, refused) = refusal(debris.recreate().unwrap_err());
    assert!(matches!(refused, BeginRefusal::Leased(_)), "{refused:?}");

    // A lease outlives its view, and holds its own files only.
    let copy = view.clone();
    drop(view);
    let lease = copy.lease::<Ledgers>(seven()).unwrap().unwrap();
    drop(copy);
    assert_eq!(lease.open(Ledgers::PACK).unwrap().size().unwrap(), 7);
    let (pruning, _) = refusal(pruning.unlink().unwrap_err());
    debris.remove().unwrap();
    drop(lease);
    catalog.commit(pruning.unlink().unwrap()).unwrap();
}

#[test]
fn a_view_from_after_a_demotion_holds_nothing() {
    let world = Data::new();
    let catalog = world.open();
    let pruning = catalog.commit(freeze(&catalog, 7, b"ledgers").demote());
    let view = catalog.view().unwrap();
    catalog.commit(pruning.unwrap().unlink().unwrap()).unwrap();
    assert_eq!(
        view.state(seven(), ArtifactKind::Ledgers).unwrap(),
        Some(ArtifactState::Pruning)
    );
}

#[test]
fn a_directory_stays_while_it_is_leased() {
    let world = Data::new();
    let catalog = world.open();
    let ready = ready(&catalog);
    let lease = ready.lease();
    let other = catalog.lease_hot(seven()).unwrap().unwrap();
    assert_eq!(lease.path(), world.path().join("hot/00000007"));
    let debris = catalog.commit(ready.give_up_only_copy()).unwrap();
    assert!(catalog.lease_hot(seven()).unwrap().is_none());
    let (debris, refused) = refusal(debris.remove().unwrap_err());
    let RemovalRefusal::Leased(leased) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        (leased.key.into(), leased.readers),
        (Some(lease.key().into()), 2)
    );
    drop((debris, other));
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert_eq!(recovered.leased, [lease.key()]);
    assert!(lease.path().is_dir());
    let refused = catalog.create_hot(seven()).unwrap_err();
    assert!(matches!(refused.refusal(), Some(BeginRefusal::Leased(_))));
    drop(lease);
    let Hot::Debris(debris) = catalog.claim_hot(seven()).unwrap() else {
        panic!("the key is at `transient`");
    };
    debris.remove().unwrap();
}

#[test]
fn a_view_answers_after_a_fatal_failure() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    drop(freeze(&catalog, 7, b"ledgers"));
    let view = catalog.view().unwrap();
    faults.fail(frostline::error::Operation::Commit, EIO);
    assert!(catalog.begin::<Ledgers>(chunk(8)).is_err());
    assert!(catalog.view().is_err());
    let lease = view.lease::<Ledgers>(seven()).unwrap().unwrap();
    drop((catalog, view));
    assert_eq!(lease.open(Ledgers::PACK).unwrap().size().unwrap(), 7);
}

#[test]
fn an_unrecognised_value_is_an_error_of_its_own_key() {
    let world = Data::new();
    drop(world.open());
    world.write_raw_for_test(&[
        (b"chunk:00000007:ledgers", b"frozen"),
        (b"chunk:00000007:events", b"FROZEN"),
        (b"hot:chunk:00000007", b"ready"),
        (b"config:earliest_ledger", b"genesis"),
    ]);
    let catalog = world.open();
    let view = catalog.view().unwrap();
    assert!(view.state(seven(), ArtifactKind::Events).is_err());
    assert!(view.earliest_ledger().is_err());
    let ledgers = view.state(seven(), ArtifactKind::Ledgers).unwrap();
    assert_eq!(ledgers, Some(ArtifactState::Frozen));
    assert!(view.lease::<Ledgers>(seven()).unwrap().is_some());
    assert!(view.lease_hot(seven()).unwrap().is_some());
    // The keys beside it go on.
    let Artifact::Frozen(frozen) = catalog.claim::<Ledgers>(seven()).unwrap() else {
        panic!("the ledgers are frozen");
    };
    drop(catalog.commit(frozen.demote()).unwrap());
    assert!(catalog.lease::<Ledgers>(seven()).unwrap().is_none());
    let frozen = view.lease::<Ledgers>(seven()).unwrap();
    assert!(frozen.is_some());
}
