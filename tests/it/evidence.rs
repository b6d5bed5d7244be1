//! Giving up a hot directory: the evidence that its ledgers are frozen.

use frostline::error::{CommitError, CommitRefusal, RemovalError, RemovalRefusal};
use frostline::key::HotKey;
use frostline::step::{Evidence, SyncedSet};
use frostline::{
    Artifact, ArtifactKey, ArtifactKind, ArtifactSet, ArtifactState, Catalog, Events, Frozen,
    HotState, Kind, Ledgers, Ready, TxHash,
};

use crate::fixture::{Data, Trace, chunk, freeze, state, write_set, written};

fn ready(catalog: &Catalog, number: u32) -> Ready {
    catalog.create_hot(chunk(number)).unwrap().ready().unwrap()
}

fn hot(catalog: &Catalog, number: u32) -> Option<HotState> {
    catalog.hot_state(chunk(number)).unwrap()
}

fn synced_set(catalog: &Catalog, number: u32, kinds: ArtifactSet) -> SyncedSet {
    let mut set = catalog.begin_set(chunk(number), kinds).unwrap();
    write_set(&mut set);
    set.sync().unwrap()
}

/// Retires with evidence that is refused at once. Returns the reason and the handle.
#[track_caller]
fn refused<E: Evidence>(ready: Ready, evidence: &E) -> (Ready, RemovalRefusal) {
    match ready.retire(evidence) {
        Err(RemovalError::Refused(refused)) => refused.into_parts(),
        other => panic!("{other:?}"),
    }
}

/// Commits what must be refused because an artifact is not frozen. Returns the handles and the artifact's key.
#[track_caller]
fn not_frozen<T: frostline::step::Transition>(
    catalog: &Catalog,
    transition: T,
) -> (T, frostline::Key) {
    match catalog.commit(transition) {
        Err(CommitError::Refused(refused)) => match refused.into_parts() {
            (handles, CommitRefusal::NotFrozen { key }) => (handles, key),
            (_, refusal) => panic!("{refusal}"),
        },
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was committed"),
    }
}

fn key(number: u32, kind: ArtifactKind) -> frostline::Key {
    let chunk = chunk(number);
    ArtifactKey { chunk, kind }.into()
}

#[test]
fn a_frozen_handle_a_lease_and_a_set_are_evidence_of_what_is_frozen() {
    let data = Data::new();
    let catalog = data.open();
    let frozen = freeze(&catalog, 1, b"ledgers");
    let debris = ready(&catalog, 1).discard(&frozen).unwrap();
    assert_eq!(hot(&catalog, 1), Some(HotState::Transient));
    debris.remove().unwrap();
    let debris = ready(&catalog, 1).discard(&frozen.lease()).unwrap();
    debris.remove().unwrap();
    let set = synced_set(&catalog, 2, ArtifactSet::ALL);
    let set = catalog.commit(set).unwrap();
    let debris = ready(&catalog, 2).discard(&set).unwrap();
    debris.remove().unwrap();
    assert_eq!(hot(&catalog, 2), None);
    // The evidence stays with the caller.
    drop(catalog.commit(frozen.demote()).unwrap());
}

/// The directory may be the only copy until the flip, so only the commit that flips may retire it.
#[test]
fn what_is_synced_is_evidence_for_the_commit_that_flips_it() {
    let data = Data::new();
    let trace = Trace::default();
    let catalog = data.open_probed(trace.probe(&data));
    let ready = ready(&catalog, 1);
    let synced = written(catalog.begin::<Ledgers>(chunk(1)).unwrap());
    let synced = synced.sync().unwrap();
    let demotion = ready.retire(&synced).unwrap();
    drop(trace.take());
    let (demotion, missing) = not_frozen(&catalog, demotion);
    assert_eq!(missing, key(1, ArtifactKind::Ledgers));
    assert_eq!(trace.take(), Vec::<String>::new(), "nothing is written");
    assert_eq!(hot(&catalog, 1), Some(HotState::Ready));
    // In either order.
    let (debris, _frozen) = catalog.commit((demotion, synced)).unwrap();
    assert_eq!(state(&catalog, 1), Some(ArtifactState::Frozen));
    debris.remove().unwrap();
}

#[test]
fn a_synced_set_is_evidence_for_the_commit_that_flips_it() {
    let data = Data::new();
    let catalog = data.open();
    let set = synced_set(&catalog, 1, ArtifactSet::ALL);
    let demotion = ready(&catalog, 1).retire(&set).unwrap();
    let (demotion, missing) = not_frozen(&catalog, demotion);
    assert_eq!(missing, key(1, ArtifactKind::Ledgers));
    let (_frozen, debris) = catalog.commit((set, demotion)).unwrap();
    debris.remove().unwrap();
}

#[test]
fn evidence_that_is_out_of_date_is_refused_at_the_commit() {
    let data = Data::new();
    let catalog = data.open();
    let frozen = freeze(&catalog, 1, b"ledgers");
    let lease = frozen.lease();
    let ready = ready(&catalog, 1);
    let pruning = catalog.commit(frozen.demote()).unwrap();
    let (demotion, missing) = not_frozen(&catalog, ready.retire(&lease).unwrap());
    assert_eq!(missing, key(1, ArtifactKind::Ledgers));
    assert_eq!(hot(&catalog, 1), Some(HotState::Ready));
    drop((demotion, lease, pruning, catalog));
    assert_eq!(data.stored()["hot:chunk:00000001"], "ready");
}

/// The last copies of the ledgers cannot go in one commit.
#[test]
fn a_commit_cannot_demote_the_evidence_that_it_relies_on() {
    let data = Data::new();
    let catalog = data.open();
    let frozen = freeze(&catalog, 1, b"ledgers");
    let demotion = ready(&catalog, 1).retire(&frozen).unwrap();
    let both = (frozen.demote(), demotion);
    let (both, missing) = not_frozen(&catalog, both);
    assert_eq!(missing, key(1, ArtifactKind::Ledgers));
    assert_eq!(state(&catalog, 1), Some(ArtifactState::Frozen));
    assert_eq!(hot(&catalog, 1), Some(HotState::Ready));
    drop(catalog.commit(both.1).unwrap());
}

#[test]
fn evidence_of_another_chunk_or_catalog_is_refused_with_the_handle() {
    let data = Data::new();
    let catalog = data.open();
    let other = freeze(&catalog, 2, b"ledgers");
    let ready = ready(&catalog, 1);
    let before = data.tree();
    let (ready, refusal) = refused(ready, &other);
    let hot: frostline::Key = HotKey { chunk: chunk(1) }.into();
    assert!(
        matches!(refusal, RemovalRefusal::OtherChunk { key, evidence }
            if key == hot && evidence == other.key()),
        "{refusal}"
    );
    let (ready, refusal) = refused(ready, &other.lease());
    assert!(
        matches!(refusal, RemovalRefusal::OtherChunk { .. }),
        "{refusal}"
    );

    let strange = Data::new();
    let stranger = strange.open();
    let foreign = freeze(&stranger, 1, b"ledgers");
    let (ready, refusal) = refused(ready, &foreign);
    assert!(
        matches!(refusal, RemovalRefusal::ForeignEvidence { key, evidence }
            if key == hot && evidence == foreign.key()),
        "{refusal}"
    );
    let (ready, refusal) = refused(ready, &foreign.lease());
    assert!(
        matches!(refusal, RemovalRefusal::ForeignEvidence { .. }),
        "{refusal}"
    );
    assert_eq!(data.tree(), before);
    drop(ready);
}

/// The members of a set are public, so each of them is compared.
#[test]
fn each_kind_of_a_set_must_be_of_the_chunk_and_frozen() {
    let data = Data::new();
    let catalog = data.open();
    let without = ArtifactSet::ALL.without(ArtifactKind::Ledgers);
    let events = synced_set(&catalog, 1, without);
    let (ready, refusal) = refused(ready(&catalog, 1), &events);
    assert!(
        matches!(refusal, RemovalRefusal::NoLedgers { .. }),
        "{refusal}"
    );

    let ledgers = ArtifactSet::EMPTY.with(ArtifactKind::Ledgers);
    let ledgers = synced_set(&catalog, 1, ledgers);
    let mut set = catalog.commit(ledgers).unwrap();
    let events = catalog.commit(events).unwrap();
    let strangers = synced_set(&catalog, 2, without);
    set.events = catalog.commit(strangers).unwrap().events;
    let (ready, refusal) = refused(ready, &set);
    assert!(
        matches!(refusal, RemovalRefusal::OtherChunk { .. }),
        "{refusal}"
    );

    set.events = events.events;
    set.txhash = events.txhash;
    let demotion = ready.retire(&set).unwrap();
    let txhash = set.txhash.take().unwrap();
    drop(catalog.commit(txhash.demote()).unwrap());
    let (demotion, missing) = not_frozen(&catalog, demotion);
    assert_eq!(missing, key(1, TxHash::KIND));
    drop(demotion);
    let again = catalog.claim_hot(chunk(1)).unwrap();
    let frostline::Hot::Ready(ready) = again else {
        panic!("{again:?}");
    };
    drop(ready.discard(&set).unwrap());
}

/// Batches of two threads are one write. A batch relies on its own changes and on what is stored, because the other
/// one may be refused.
#[test]
fn a_batch_of_another_thread_is_no_evidence() {
    let data = Data::new();
    let catalog = data.open();
    let synced = written(catalog.begin::<Ledgers>(chunk(1)).unwrap());
    let synced = synced.sync().unwrap();
    let demotion = ready(&catalog, 1).retire(&synced).unwrap();
    catalog.gather_commits_for_test(2);
    let demotion = std::thread::scope(|scope| {
        let flip = scope.spawn(|| drop::<Frozen<Ledgers>>(catalog.commit(synced).unwrap()));
        let (demotion, _) = not_frozen(&catalog, demotion);
        flip.join().unwrap();
        demotion
    });
    assert_eq!(state(&catalog, 1), Some(ArtifactState::Frozen));
    assert_eq!(hot(&catalog, 1), Some(HotState::Ready));
    drop(catalog.commit(demotion).unwrap());
}

/// A key of which the value is not one of its own is not frozen.
#[test]
fn an_unrecognised_value_is_no_evidence() {
    let data = Data::new();
    let catalog = data.open();
    let frozen = freeze(&catalog, 1, b"ledgers");
    let demotion = ready(&catalog, 1).retire(&frozen).unwrap();
    let ledgers = b"chunk:00000001:ledgers";
    catalog
        .write_raw_for_test(ledgers, Some(b"frozen!"))
        .unwrap();
    let (demotion, _) = not_frozen(&catalog, demotion);
    catalog
        .write_raw_for_test(ledgers, Some(b"frozen"))
        .unwrap();
    drop(catalog.commit(demotion).unwrap());
}

#[test]
fn many_retirements_go_in_one_commit() {
    let data = Data::new();
    let catalog = data.open();
    let mut pairs = Vec::new();
    for number in 1..=20 {
        let ready = ready(&catalog, number);
        let synced = written(catalog.begin::<Ledgers>(chunk(number)).unwrap());
        let synced = synced.sync().unwrap();
        let demotion = ready.retire(&synced).unwrap();
        pairs.push((synced, demotion));
    }
    // Without the flip of one of them, none is committed.
    let (synced, demotion) = pairs.pop().unwrap();
    let (missing_one, missing) = not_frozen(&catalog, (pairs, demotion));
    assert_eq!(missing, key(20, ArtifactKind::Ledgers));
    assert!((1..=20).all(|number| hot(&catalog, number) == Some(HotState::Ready)));
    let (committed, _, _) = catalog
        .commit((missing_one.0, missing_one.1, synced))
        .unwrap();
    assert_eq!(committed.len(), 19);
    assert!((1..=20).all(|number| hot(&catalog, number) == Some(HotState::Transient)));
}

/// The one call without evidence has a name that says what it does.
#[test]
fn the_only_copy_goes_by_the_call_that_says_so() {
    let data = Data::new();
    let catalog = data.open();
    let demotion = ready(&catalog, 1).give_up_only_copy();
    catalog.commit(demotion).unwrap().remove().unwrap();
    assert_eq!(hot(&catalog, 1), None);
    let absent = catalog.claim::<Events>(chunk(1)).unwrap();
    assert!(matches!(absent, Artifact::Absent), "{absent:?}");
}
