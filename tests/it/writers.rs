//! Owned writers of an artifact's files.

use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use frostline::error::{
    CreateError, Failed, Failure as _, FailureKind, Operation, Retryable, SyncError, SyncRefusal,
};
use frostline::key::FileName;
use frostline::sim::{Probe, SimDisk};
use frostline::write::FileWriter;
use frostline::{
    ArtifactKey, ArtifactKind, ArtifactSet, Catalog, ChunkId, Events, Freezing, Kind, Ledgers,
    RootRole, StorageRoots,
};
use rustix::fs::FallocateFlags;

use crate::fixture::{Data, EIO, ENOSPC, EOPNOTSUPP, Faults, chain, chunk};
use crate::mounts::Mount;

fn begun<K: Kind<Id = ChunkId>>(catalog: &Catalog) -> Freezing<K> {
    catalog.begin(chunk(7)).unwrap()
}

fn bytes_of<K: Kind<Id = ChunkId>>(catalog: &Catalog, file: FileName<K>) -> Vec<u8> {
    let lease = catalog.lease::<K>(chunk(7)).unwrap().unwrap();
    let file = lease.open(file).unwrap();
    let mut bytes = vec![0; file.size().unwrap() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

/// Freezes chunk 7's ledgers, written by `write`. Returns their bytes.
fn frozen_by(write: impl FnOnce(&mut FileWriter)) -> Vec<u8> {
    let data = Data::new();
    let catalog = data.open();
    let mut freezing = begun::<Ledgers>(&catalog);
    let mut writer = freezing.writer(Ledgers::PACK).unwrap();
    write(&mut writer);
    drop(writer);
    drop(freezing.freeze().unwrap());
    bytes_of(&catalog, Ledgers::PACK)
}

#[test]
fn an_artifact_whose_writer_is_out_is_not_synced() {
    let data = Data::new();
    let faults = Faults::new();
    let catalog = data.open_with(&faults);
    let mut freezing = begun::<Ledgers>(&catalog);
    let mut writer = freezing.writer(Ledgers::PACK).unwrap();
    writer.write_all(b"led").unwrap();
    faults.arm(Operation::SyncFile, usize::MAX, EIO);
    let error = freezing.sync().unwrap_err();
    assert_eq!(error.kind(), FailureKind::Refused);
    let SyncError::Refused(refused) = error else {
        panic!("{error}");
    };
    let (freezing, refusal) = refused.into_parts();
    assert_eq!(refusal.path(), Some(&*data.pack(7)));
    let SyncRefusal::WriterOut { path } = refusal else {
        panic!("{refusal}");
    };
    assert_eq!(path, writer.path());
    for operation in [Operation::WriteFile, Operation::SyncFile] {
        assert_eq!(faults.count(operation), 0, "nothing was changed");
    }
    // A group refuses it, too.
    let mut group = catalog.sync_group();
    let error = group.add(freezing).unwrap_err();
    let SyncError::Refused(refused) = error else {
        panic!("{error}");
    };
    let (freezing, refusal) = refused.into_parts();
    assert!(matches!(refusal, SyncRefusal::WriterOut { .. }));
    assert!(group.is_empty());
    writer.write_all(b"gers").unwrap();
    drop(writer);
    drop(freezing.freeze().unwrap());
    assert_eq!(bytes_of(&catalog, Ledgers::PACK), b"ledgers");
}

#[test]
fn a_set_with_a_writer_out_is_not_synced() {
    let data = Data::new();
    let catalog = data.open();
    let mut set = catalog.begin_set(chunk(7), ArtifactSet::ALL).unwrap();
    let mut writers = set.writers().unwrap();
    let names: Vec<_> = writers
        .iter()
        .map(|writer| (writer.key().to_string(), writer.suffix()))
        .collect();
    let events = "chunk:00000007:events".to_owned();
    assert_eq!(
        names,
        [
            ("chunk:00000007:ledgers".to_owned(), ".pack"),
            (events.clone(), "-events.pack"),
            (events.clone(), "-index.pack"),
            (events, "-index.hash"),
            ("chunk:00000007:txhash".to_owned(), ".bin"),
        ]
    );
    for writer in &mut writers {
        let name = writer.suffix();
        writer.write_all(name.as_bytes()).unwrap();
    }
    // The other members have been finished by then, if the check comes too late.
    writers.drain(..4);
    let SyncError::Refused(refused) = set.sync().unwrap_err() else {
        panic!("a writer is out");
    };
    let (set, refusal) = refused.into_parts();
    let SyncRefusal::WriterOut { path } = refusal else {
        panic!("{refusal}");
    };
    assert!(path.ends_with("txhash/raw/00000/00000007.bin"), "{path:?}");
    drop(writers);
    drop(catalog.commit(set.sync().unwrap()).unwrap());
    assert_eq!(bytes_of(&catalog, Events::INDEX), b"-index.pack");
}

#[test]
fn a_file_whose_writer_is_out_is_not_given_out_again() {
    let data = Data::new();
    let catalog = data.open();
    let mut events = begun::<Events>(&catalog);
    let index = events.writer(Events::INDEX).unwrap();
    let refused = |error: CreateError| {
        assert_eq!(error.kind(), FailureKind::Refused);
        assert_eq!(error.path(), Some(index.path()));
        assert!(matches!(error, CreateError::WriterOut { .. }), "{error}");
    };
    refused(events.file(Events::INDEX).unwrap_err());
    refused(events.writer(Events::INDEX).unwrap_err());
    refused(events.writers().unwrap_err());
    // No writer of the refused call is left out.
    drop(events.writer(Events::EVENTS).unwrap());
    events.file(Events::EVENTS).unwrap().flush().unwrap();
    drop(index);
    events.file(Events::INDEX).unwrap().flush().unwrap();
    assert_eq!(events.writers().unwrap().len(), 3);
    drop(events.freeze().unwrap());
}

#[test]
fn a_writer_goes_on_where_the_last_one_ended() {
    let data = Data::new();
    let catalog = data.open();
    let mut freezing = begun::<Ledgers>(&catalog);
    let key = ArtifactKey {
        chunk: chunk(7),
        kind: ArtifactKind::Ledgers,
    };
    for part in ["one ", "two "] {
        let mut writer = freezing.writer(Ledgers::PACK).unwrap();
        assert!(writer.key() == key);
        writer.write_all(part.as_bytes()).unwrap();
    }
    let mut file = freezing.file(Ledgers::PACK).unwrap();
    file.write_all(b"three ").unwrap();
    let mut writer = freezing.writer(Ledgers::PACK).unwrap();
    writer.write_all_at(b"T", 4).unwrap();
    writer.write_all(b"four").unwrap();
    drop(writer);
    drop(freezing.freeze().unwrap());
    assert_eq!(bytes_of(&catalog, Ledgers::PACK), b"one Two three four");
}

/// The number of bytes in each block of the threads' tests.
const BLOCK: usize = 8 << 10;

#[test]
fn threads_write_one_file_at_offsets_and_another_by_a_moved_writer() {
    let data = Data::new();
    let catalog = data.open();
    let mut events = begun::<Events>(&catalog);
    let mut log = events.writer(Events::EVENTS).unwrap();
    let mut index = events.writer(Events::INDEX).unwrap();
    let hash = events.writer(Events::HASH).unwrap();
    let moved = thread::spawn(move || {
        for number in 0..2_000_u32 {
            log.write_all(&number.to_le_bytes()).unwrap();
        }
    });
    index.write_all(b"index").unwrap();
    drop(index);
    let block = |number: u8| vec![number + 1; BLOCK];
    thread::scope(|scope| {
        for first in 0..4 {
            let hash = &hash;
            scope.spawn(move || {
                for number in (first..64).step_by(4).rev() {
                    let offset = usize::from(number) * BLOCK;
                    hash.write_all_at(&block(number), offset as u64).unwrap();
                    // Changes of the length that cut nothing off are made between the writes of others.
                    if number % 16 == 3 {
                        hash.set_len(64 * BLOCK as u64).unwrap();
                    }
                }
            });
        }
    });
    moved.join().unwrap();
    drop(hash);
    drop(events.freeze().unwrap());
    let expected: Vec<_> = (0..64).flat_map(block).collect();
    assert!(bytes_of(&catalog, Events::HASH) == expected);
    let expected: Vec<_> = (0..2_000_u32).flat_map(u32::to_le_bytes).collect();
    assert!(bytes_of(&catalog, Events::EVENTS) == expected);
}

/// Bytes that a change of the length cuts off while other threads write them are not missed by the check.
#[test]
fn a_length_that_changes_during_writes_is_recorded_in_their_order() {
    for _ in 0..20 {
        let bytes = frozen_by(|writer| {
            let writer = &*writer;
            thread::scope(|scope| {
                for first in [0, 1] {
                    scope.spawn(move || {
                        for number in (first..200_u64).step_by(2) {
                            let offset = (number % 50) * BLOCK as u64;
                            writer.write_all_at(&[1; BLOCK], offset).unwrap();
                        }
                    });
                }
                scope.spawn(move || {
                    for length in 0..100 {
                        writer.set_len(length * BLOCK as u64 / 4).unwrap();
                    }
                });
            });
        });
        assert!(bytes.len() <= 50 * BLOCK);
    }
}

#[test]
fn a_write_at_an_offset_comes_after_the_appends_before_it() {
    let bytes = frozen_by(|writer| {
        writer.write_all(b"aaaa").unwrap();
        writer.write_all_at(b"bb", 1).unwrap();
        writer.write_all(b"cc").unwrap();
        writer.write_all_at(b"d", 9).unwrap();
        writer.write_all(b"ee").unwrap();
    });
    assert_eq!(bytes, b"abbaccee\0d");
}

#[test]
fn a_length_is_set_after_the_appends_before_it() {
    let bytes = frozen_by(|writer| {
        writer.write_all(b"aaaa").unwrap();
        writer.set_len(3).unwrap();
        writer.write_all(b"b").unwrap();
        writer.set_len(6).unwrap();
        writer.write_all(b"c").unwrap();
    });
    assert_eq!(bytes, b"aaabc\0");
}

/// Returns a catalog whose next operation of this sort fails after a few bytes were written.
#[track_caller]
fn latches(operation: Operation, failing: impl FnOnce(&mut FileWriter) -> std::io::Result<()>) {
    let data = Data::new();
    let faults = Faults::new();
    let catalog = data.open_with(&faults);
    let mut freezing = begun::<Ledgers>(&catalog);
    let mut writer = freezing.writer(Ledgers::PACK).unwrap();
    writer.write_all_at(b"bytes", 0).unwrap();
    faults.fail(operation, ENOSPC);
    let error = failing(&mut writer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    let error = frostline::Error::from(error);
    assert_eq!(error.kind(), FailureKind::Retryable);
    assert_eq!(error.path(), Some(&*data.pack(7)));
    // Each later call is refused.
    for later in [
        writer.write_all(b"more"),
        writer.flush(),
        writer.write_all_at(b"more", 0),
        writer.set_len(0),
        writer.reserve(1),
    ] {
        let text = chain(&later.unwrap_err());
        assert!(text.contains("an earlier write to it failed"), "{text}");
    }
    drop(writer);
    let error = freezing.sync().unwrap_err();
    let SyncError::Failed(Failed::Retryable(Retryable::EarlierWrite { path, .. })) = error else {
        panic!("{error}");
    };
    assert_eq!(path, data.pack(7));
}

#[test]
fn a_file_with_a_failed_write_is_not_frozen() {
    latches(Operation::WriteFile, |writer| {
        writer.write_all(&vec![1; 1 << 20])
    });
    latches(Operation::WriteFile, |writer| {
        writer.write_all(b"gathered").unwrap();
        writer.flush()
    });
    latches(Operation::WriteFile, |writer| writer.write_all_at(b"b", 9));
    latches(Operation::SetLength, |writer| writer.set_len(1));
}

#[test]
fn a_failed_reservation_leaves_the_file_as_it_is() {
    let data = Data::new();
    let faults = Faults::new();
    let catalog = data.open_with(&faults);
    let mut freezing = begun::<Ledgers>(&catalog);
    let mut writer = freezing.writer(Ledgers::PACK).unwrap();
    writer.write_all(b"led").unwrap();
    faults.fail(Operation::ReserveSpace, ENOSPC);
    let error = writer.reserve(1 << 20).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert!(writer.reserve(u64::MAX).is_err(), "no file is so large");
    writer.reserve(0).unwrap();
    writer.write_all(b"gers").unwrap();
    drop(writer);
    drop(freezing.freeze().unwrap());
    assert_eq!(bytes_of(&catalog, Ledgers::PACK), b"ledgers");
}

/// ext4 keeps the part that it has found when a reservation fails.
#[test]
fn a_reservation_that_finds_too_little_space_takes_none() {
    let data = Data::new();
    let root = data.outside().join("small");
    let image = data.outside().join("image");
    let Some(_mount) = Mount::small_ext4(&image, &root, 64) else {
        return;
    };
    let small = Data::below(root.to_str().unwrap()).unwrap();
    let catalog = small.open();
    let free = || {
        let found = rustix::fs::statvfs(&root).unwrap();
        found.f_bavail * found.f_frsize
    };
    let mut freezing = begun::<Events>(&catalog);
    let events = freezing.writer(Events::EVENTS).unwrap();
    let index = freezing.writer(Events::INDEX).unwrap();
    let hash = freezing.writer(Events::HASH).unwrap();
    events.write_all_at(b"events", 0).unwrap();
    let before = free();
    let error = events.reserve(before + (16 << 20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert!(free() + (1 << 20) > before, "{} of {before}", free());
    index.write_all_at(&vec![1; 1 << 20], 0).unwrap();
    // A reservation that is not used is not kept either.
    hash.reserve(16 << 20).unwrap();
    assert!(free() + (16 << 20) < before);
    drop((events, index, hash));
    drop(freezing.freeze().unwrap());
    assert!(free() + (4 << 20) > before, "{} of {before}", free());
    assert_eq!(bytes_of(&catalog, Events::EVENTS), b"events");
    drop(catalog);
}

/// A write at an offset is recorded before a change of the length that comes after it. The probe is asked inside of the
/// lock that keeps the two apart, so the change must not begin while a write is under way.
#[test]
fn a_length_does_not_change_during_a_write_at_an_offset() {
    let data = Data::new();
    let (write_begins, is_writing) = channel();
    let (let_it_end, may_end) = channel();
    let may_end = Mutex::new(may_end);
    let has_set = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&has_set);
    let probe = Probe::new(move |operation, path| {
        match operation {
            Operation::WriteFile if path.extension().is_some_and(|end| end == "pack") => {
                write_begins.send(()).unwrap();
                // The bound ends a run in which the assertion below has failed.
                let _ended = may_end
                    .lock()
                    .unwrap()
                    .recv_timeout(Duration::from_secs(10));
            }
            Operation::SetLength => set.store(true, Ordering::SeqCst),
            _ => {}
        }
        Ok(())
    });
    let catalog = data.open_probed(probe);
    let mut freezing = begun::<Ledgers>(&catalog);
    let writer = freezing.writer(Ledgers::PACK).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| writer.write_all_at(b"ledgers", 0).unwrap());
        is_writing.recv().unwrap();
        scope.spawn(|| writer.set_len(3).unwrap());
        thread::sleep(Duration::from_millis(200));
        assert!(
            !has_set.load(Ordering::SeqCst),
            "the length changes too early"
        );
        let_it_end.send(()).unwrap();
    });
    assert!(has_set.load(Ordering::SeqCst));
    drop(writer);
    drop(freezing.freeze().unwrap());
    assert_eq!(bytes_of(&catalog, Ledgers::PACK), b"led");
}

/// Holes and reserved ranges were never written, so that no byte of them can be lost.
#[test]
fn holes_reserved_space_and_truncated_bytes_are_not_taken_for_lost() {
    const FAR: u64 = 8 << 20;
    let bytes = frozen_by(|writer| {
        writer.reserve(FAR).unwrap();
        assert_eq!(std::fs::metadata(writer.path()).unwrap().len(), 0);
        writer.write_all_at(&[1; 10], FAR).unwrap();
        writer.write_all_at(&[2; 10], 1 << 20).unwrap();
        writer.write_all_at(&[3; BLOCK], FAR - (1 << 20)).unwrap();
        writer.write_all_at(b"header", 0).unwrap();
        writer.set_len(FAR - (1 << 20) + 5).unwrap();
    });
    assert_eq!(bytes.len() as u64, FAR - (1 << 20) + 5);
    assert_eq!(bytes[..7], *b"header\0");
    assert_eq!(
        bytes[1 << 20..(1 << 20) + 11],
        *b"\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\0"
    );
    assert_eq!(bytes[bytes.len() - 6..], *b"\0\x03\x03\x03\x03\x03");
    assert_eq!(bytes.iter().filter(|byte| **byte != 0).count(), 6 + 10 + 5);
    assert_eq!(
        frozen_by(|writer| writer.set_len(FAR).unwrap()).len() as u64,
        FAR
    );
    assert_eq!(frozen_by(|_| {}), b"");
}

#[test]
fn space_that_is_not_used_is_given_back_by_a_length() {
    use std::os::unix::fs::MetadataExt as _;
    frozen_by(|writer| {
        let held = |path: &Path| std::fs::metadata(path).unwrap().blocks() * 512;
        writer.reserve(1 << 20).unwrap();
        writer.write_all_at(b"bytes", 0).unwrap();
        assert!(held(writer.path()) >= 1 << 20);
        writer.set_len(5).unwrap();
        assert!(held(writer.path()) <= 1 << 16);
    });
}

/// Freezes a file of three parts after `punched` bytes of it were lost. Returns the error's text, if there is one.
fn with_lost_bytes(from: u64, count: u64) -> Option<String> {
    let data = Data::new();
    let catalog = data.open_probed(Probe::new(move |operation, path| {
        if operation == Operation::CheckFile && path.ends_with("00000007.pack") {
            let file = std::fs::OpenOptions::new().write(true).open(path)?;
            let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            rustix::fs::fallocate(file, hole, from, count)?;
        }
        Ok(())
    }));
    let mut freezing = begun::<Ledgers>(&catalog);
    let mut writer = freezing.writer(Ledgers::PACK).unwrap();
    writer.write_all(&vec![1; 1 << 18]).unwrap();
    writer.write_all_at(&vec![2; 1 << 18], 1 << 20).unwrap();
    writer.write_all_at(&vec![3; 1 << 18], 1 << 21).unwrap();
    writer.set_len((1 << 21) + (1 << 16)).unwrap();
    drop(writer);
    match freezing.freeze() {
        Ok(_) => None,
        Err(error) => {
            assert_eq!(error.kind(), FailureKind::Fatal, "{error}");
            Some(chain(&error))
        }
    }
}

#[test]
fn bytes_that_are_lost_in_any_part_of_a_file_are_found() {
    const PAGE: u64 = 1 << 16;
    for (start, end) in [
        (0, 1 << 18),
        (1 << 20, (1 << 20) + (1 << 18)),
        (1 << 21, (1 << 21) + PAGE),
    ] {
        let first = with_lost_bytes(start, PAGE).unwrap();
        let expected = format!("bytes {start} to {end} were written, and 0 are there");
        assert!(first.contains(&expected), "{first}");
        let last = with_lost_bytes(end - PAGE / 4, PAGE / 4).unwrap();
        let there = end - start - PAGE / 4;
        let expected = format!("bytes {start} to {end} were written, and {there} are there");
        assert!(last.contains(&expected), "{last}");
    }
    assert_eq!(with_lost_bytes(1 << 18, 1 << 19), None, "between two parts");
}

/// Returns the number of descriptors of this process that are open on a file.
fn descriptors(path: &Path) -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let targets = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    targets.filter(|target| target == path).count()
}

#[test]
fn one_descriptor_writes_and_syncs_a_file() {
    let data = Data::new();
    let path = data.pack(7);
    let counted = path.clone();
    let (send, receive) = channel();
    let send = Mutex::new(send);
    let catalog = data.open_probed(Probe::new(move |operation, path| {
        if path == counted
            && matches!(
                operation,
                Operation::WriteFile | Operation::SetLength | Operation::SyncFile
            )
        {
            let seen = (operation, descriptors(path));
            send.lock().unwrap().send(seen).unwrap();
        }
        Ok(())
    }));
    let mut freezing = begun::<Ledgers>(&catalog);
    freezing
        .file(Ledgers::PACK)
        .unwrap()
        .write_all(b"1")
        .unwrap();
    let mut writer = freezing.writer(Ledgers::PACK).unwrap();
    writer.write_all(b"2").unwrap();
    writer.write_all_at(b"3", 2).unwrap();
    writer.set_len(2).unwrap();
    drop(writer);
    drop(freezing.freeze().unwrap());
    let seen: Vec<_> = receive.try_iter().collect();
    assert_eq!(
        seen,
        [
            (Operation::WriteFile, 1),
            (Operation::WriteFile, 1),
            (Operation::SetLength, 1),
            (Operation::SyncFile, 1),
        ]
    );
    assert_eq!(descriptors(&path), 0);
}

#[test]
fn a_writer_that_outlives_its_handle_reaches_no_reader() {
    let data = Data::new();
    let catalog = data.open();
    let mut first = begun::<Ledgers>(&catalog);
    let mut late = first.writer(Ledgers::PACK).unwrap();
    late.write_all(b"the first attempt").unwrap();
    drop(first);
    let mut second = begun::<Ledgers>(&catalog);
    let mut writer = second.writer(Ledgers::PACK).unwrap();
    writer.write_all(b"the second").unwrap();
    late.flush().unwrap();
    late.write_all_at(b"bytes", 0).unwrap();
    drop(writer);
    drop(second.freeze().unwrap());
    late.set_len(0).unwrap();
    drop(late);
    assert_eq!(bytes_of(&catalog, Ledgers::PACK), b"the second");
    // Giving up does not wait for a writer.
    let mut events = begun::<Events>(&catalog);
    let late = events.writer(Events::HASH).unwrap();
    events.abandon().unwrap();
    late.write_all_at(b"bytes", 0).unwrap();
    assert!(!late.path().exists());
}

/// One file that is written by calls in a random order, and the bytes that it must have.
struct Modelled {
    writer: FileWriter,
    bytes: Vec<u8>,
    end: usize,
}

impl Modelled {
    fn write(&mut self, at: usize, part: &[u8]) {
        let end = at + part.len();
        self.bytes.resize(self.bytes.len().max(end), 0);
        self.bytes[at..end].copy_from_slice(part);
    }

    fn step(&mut self, random: &mut u64) {
        let mut below = |limit: u64| {
            // xorshift64
            *random ^= *random << 13;
            *random ^= *random >> 7;
            *random ^= *random << 17;
            (*random >> 20) % limit
        };
        let (call, at, count) = (below(9), below(3_000), below(700) as usize + 1);
        let part = vec![below(255) as u8 + 1; count];
        match call {
            0..=3 => {
                self.writer.write_all(&part).unwrap();
                self.write(self.end, &part);
                self.end += count;
            }
            4..=5 => {
                self.writer.write_all_at(&part, at).unwrap();
                self.write(at as usize, &part);
            }
            6 => self.writer.flush().unwrap(),
            7 => self.writer.reserve(at).unwrap(),
            _ => {
                self.writer.set_len(at).unwrap();
                self.bytes.resize(at as usize, 0);
                self.end = self.end.min(at as usize);
            }
        }
    }
}

fn calls_in_a_random_order(catalog: &Catalog, mut seed: u64) {
    let mut freezing = begun::<Ledgers>(catalog);
    let writer = freezing.writer(Ledgers::PACK).unwrap();
    let mut modelled = Modelled {
        writer,
        bytes: Vec::new(),
        end: 0,
    };
    for _ in 0..40 {
        modelled.step(&mut seed);
    }
    drop(modelled.writer);
    drop(freezing.freeze().unwrap());
    assert!(bytes_of(catalog, Ledgers::PACK) == modelled.bytes);
}

#[test]
fn the_simulated_disk_has_the_bytes_that_a_real_one_has() {
    for seed in 1..40 {
        let data = Data::new();
        calls_in_a_random_order(&data.open(), seed * 0x9e37_79b9);
        let roots = StorageRoots::under("/data").unwrap();
        let locked = roots.lock_on_simulated(&SimDisk::new()).unwrap();
        calls_in_a_random_order(&Catalog::open(locked).unwrap(), seed * 0x9e37_79b9);
    }
}

/// A length that no file has is refused, and nothing panics.
#[test]
fn offsets_and_lengths_without_end_are_errors() {
    let roots = StorageRoots::under("/data").unwrap();
    let locked = roots.lock_on_simulated(&SimDisk::new()).unwrap();
    let data = Data::new();
    for catalog in [data.open(), Catalog::open(locked).unwrap()] {
        for write in [
            |writer: &FileWriter| writer.write_all_at(b"b", u64::MAX),
            |writer: &FileWriter| writer.write_all_at(b"b", 1 << 63),
            |writer: &FileWriter| writer.set_len(u64::MAX),
        ] {
            let mut freezing = begun::<Ledgers>(&catalog);
            let writer = freezing.writer(Ledgers::PACK).unwrap();
            assert!(write(&writer).is_err());
            drop(writer);
            let error = freezing.sync().unwrap_err();
            assert_eq!(error.kind(), FailureKind::Retryable);
        }
    }
}

/// A scratch file has no name, and is on the root's file system.
#[test]
fn a_scratch_file_leaves_nothing() {
    let roots = StorageRoots::under("/data").unwrap();
    let locked = roots.lock_on_simulated(&SimDisk::new()).unwrap();
    let simulated = Catalog::open(locked).unwrap();
    let data = Data::new();
    let catalog = data.open();
    for catalog in [&catalog, &simulated] {
        let freezing = begun::<Ledgers>(catalog);
        let mut scratch = freezing.scratch().unwrap();
        scratch.write_all(b"scratch").unwrap();
        scratch.write_all_at(b"S", 0).unwrap();
        scratch.set_len(5).unwrap();
        scratch.seek(SeekFrom::Start(1)).unwrap();
        let mut rest = String::new();
        scratch.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "crat");
        let mut all = [0; 5];
        scratch.read_exact_at(&mut all, 0).unwrap();
        assert_eq!(all, *b"Scrat");
        assert!(scratch.directory().ends_with("data/ledgers"));
        // `sync` does not wait for it.
        let mut freezing = freezing;
        freezing.file(Ledgers::PACK).unwrap().flush().unwrap();
        drop(freezing.freeze().unwrap());
    }
    let freezing = catalog.begin::<Ledgers>(chunk(8)).unwrap();
    let before = data.tree();
    let scratch = freezing.scratch().unwrap();
    scratch.write_all_at(b"scratch", 0).unwrap();
    assert_eq!(data.tree(), before);
    let of = |stat: rustix::fs::Stat| (stat.st_dev, stat.st_nlink);
    let root = rustix::fs::stat(data.root(RootRole::Ledgers)).unwrap();
    let (device, links) = of(rustix::fs::fstat(&scratch).unwrap());
    assert_eq!((device, links), (root.st_dev, 0));
    // A name cannot be given to it later.
    let path = format!("/proc/self/fd/{}", scratch.as_fd().as_raw_fd());
    let named = rustix::fs::linkat(
        rustix::fs::CWD,
        path,
        rustix::fs::CWD,
        data.pack(7).with_extension("linked"),
        rustix::fs::AtFlags::SYMLINK_FOLLOW,
    );
    assert!(named.is_err());
}

#[test]
fn a_file_system_without_unnamed_files_is_an_error_of_its_own() {
    let data = Data::new();
    let faults = Faults::new();
    let catalog = data.open_with(&faults);
    let freezing = begun::<Ledgers>(&catalog);
    faults.fail(Operation::CreateScratch, EOPNOTSUPP);
    let error = freezing.scratch().unwrap_err();
    assert_eq!(error.kind(), FailureKind::Refused);
    let CreateError::NoScratch { path } = error else {
        panic!("{error}");
    };
    assert_eq!(path, data.root(RootRole::Ledgers));
    faults.fail(Operation::CreateScratch, ENOSPC);
    let error = freezing.scratch().unwrap_err();
    assert!(matches!(error, CreateError::Io(_)), "{error}");
    drop(freezing.scratch().unwrap());
}
