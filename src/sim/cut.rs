//! Power cuts: every crash image of a disk at one crash point.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::sync::Arc;

use super::content::Content;
use super::entries::Entries;
use super::event::InodeId;
use super::limits::Limits;
use super::world::{Inode, ROOT, World};

/// The possible outcomes of one power cut.
pub(super) struct PowerCut<'a> {
    world: &'a World,
    /// The possible contents of each file that is not durable.
    contents: HashMap<InodeId, Vec<Arc<[u8]>>>,
    /// Directories with pending changes in or below them.
    unsure: HashSet<InodeId>,
}

/// Makes the decisions that one outcome is made of.
trait Chooser {
    /// Chooses one of `outcomes` outcomes: the first is the durable one, and `current` is the current one.
    fn choose(&mut self, outcomes: usize, current: usize) -> usize;
}

impl<'a> PowerCut<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        let mut contents = HashMap::new();
        for (number, inode) in world.inodes.iter().enumerate() {
            if let Inode::File(content) = inode.as_ref()
                && content.is_pending()
            {
                contents.insert(InodeId(number), content.outcomes());
            }
        }
        let mut cut = Self {
            world,
            contents,
            unsure: HashSet::new(),
        };
        cut.find_unsure(ROOT);
        cut
    }

    /// Returns whether a change is pending here or below. Collects such directories in `unsure`.
    fn find_unsure(&mut self, id: InodeId) -> bool {
        let Some(entries) = self.world.directory(id) else {
            return self.contents.contains_key(&id);
        };
        let mut unsure = entries.has_pending();
        for inode in entries.outcomes().into_values().flatten().flatten() {
            unsure |= self.find_unsure(inode);
        }
        if unsure {
            self.unsure.insert(id);
        }
        unsure
    }

    /// Returns the number of outcomes, counted before equal images are merged.
    pub(super) fn count(&self) -> u128 {
        self.count_below(ROOT)
    }

    fn count_below(&self, id: InodeId) -> u128 {
        if let Some(contents) = self.contents.get(&id) {
            return contents.len() as u128;
        }
        let unsure = self.world.directory(id);
        let Some(entries) = unsure.filter(|_| self.unsure.contains(&id)) else {
            return 1;
        };
        let names = entries.outcomes().into_values();
        let outcomes = names.map(|targets| {
            let outcomes = targets
                .into_iter()
                .map(|target| target.map_or(1, |inode| self.count_below(inode)));
            outcomes.fold(0, u128::saturating_add)
        });
        outcomes.fold(1, u128::saturating_mul)
    }

    /// Calls `visit` with every outcome. Above the limit it visits a sample: everything lost, nothing lost, and
    /// others chosen at random from the seed. Stops at the first error of `visit`.
    pub(super) fn outcomes(
        &self,
        limits: Limits,
        seed: u64,
        mut visit: impl FnMut(World) -> Result<(), ()>,
    ) -> Result<(), ()> {
        if self.count() > limits.all as u128 {
            visit(self.build(&mut Lose))?;
            visit(self.build(&mut Keep))?;
            let mut random = Random(seed);
            for _ in 2..limits.sample {
                visit(self.build(&mut random))?;
            }
            return Ok(());
        }
        let mut odometer = Odometer::default();
        loop {
            visit(self.build(&mut odometer))?;
            if !odometer.advance() {
                return Ok(());
            }
        }
    }

    fn build(&self, chooser: &mut impl Chooser) -> World {
        let mut image = self.world.clone();
        self.build_below(ROOT, &mut image, chooser, &mut Vec::new());
        image
    }

    /// Decides the outcome of every inode that is reachable from `id` in the image.
    fn build_below(
        &self,
        id: InodeId,
        image: &mut World,
        chooser: &mut impl Chooser,
        done: &mut Vec<InodeId>,
    ) {
        if let Some(contents) = self.contents.get(&id) {
            // A file with two names has one content, which is chosen once.
            if !done.contains(&id) {
                done.push(id);
                let chosen = chooser.choose(contents.len(), contents.len() - 1);
                if let Some(bytes) = contents.get(chosen) {
                    let content = Content::durable(Arc::clone(bytes));
                    replace(image, id, Inode::File(content));
                }
            }
            return;
        }
        let unsure = self.world.directory(id);
        let Some(entries) = unsure.filter(|_| self.unsure.contains(&id)) else {
            return;
        };
        let chosen = Self::choose_entries(entries, chooser);
        for inode in chosen.current().map(|(_, inode)| inode).collect::<Vec<_>>() {
            self.build_below(inode, image, chooser, done);
        }
        replace(image, id, Inode::Directory(chosen));
    }

    fn choose_entries(entries: &Entries, chooser: &mut impl Chooser) -> Entries {
        let mut kept: Vec<(&OsString, InodeId)> = Vec::new();
        for (name, targets) in entries.outcomes() {
            let current = entries.get(name);
            let current = targets.iter().position(|target| *target == current);
            let chosen = match targets.len() {
                1 => 0,
                outcomes => chooser.choose(outcomes, current.unwrap_or_default()),
            };
            if let Some(Some(inode)) = targets.get(chosen) {
                kept.push((name, *inode));
            }
        }
        Entries::durable(kept)
    }
}

fn replace(image: &mut World, id: InodeId, inode: Inode) {
    if let Some(slot) = image.inodes.get_mut(id.0) {
        *slot = Arc::new(inode);
    }
}

/// A chooser that loses all pending changes.
struct Lose;

impl Chooser for Lose {
    fn choose(&mut self, _: usize, _: usize) -> usize {
        0
    }
}

/// A chooser that keeps all pending changes.
struct Keep;

impl Chooser for Keep {
    fn choose(&mut self, _: usize, current: usize) -> usize {
        current
    }
}

/// A chooser that enumerates all combinations of decisions.
#[derive(Default)]
struct Odometer {
    /// The chosen outcome of each decision, and the number of its outcomes.
    digits: Vec<(usize, usize)>,
    position: usize,
}

impl Odometer {
    /// Advances to the next combination. Returns `false` if all have been visited.
    fn advance(&mut self) -> bool {
        self.position = 0;
        while let Some((chosen, outcomes)) = self.digits.pop() {
            if chosen + 1 < outcomes {
                self.digits.push((chosen + 1, outcomes));
                return true;
            }
        }
        false
    }
}

impl Chooser for Odometer {
    fn choose(&mut self, outcomes: usize, _: usize) -> usize {
        let position = self.position;
        self.position += 1;
        if let Some((chosen, _)) = self.digits.get(position) {
            return *chosen;
        }
        self.digits.push((0, outcomes));
        0
    }
}

/// A chooser with a small generator of random numbers (splitmix64, by Guy Steele, Doug Lea and Christine Flood).
struct Random(u64);

impl Chooser for Random {
    fn choose(&mut self, outcomes: usize, _: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % outcomes as u64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Event;
    use super::*;

    fn images(world: &World) -> Vec<World> {
        let mut images = Vec::new();
        let cut = PowerCut::new(world);
        let visit = |image| {
            images.push(image);
            Ok(())
        };
        assert_eq!(cut.outcomes(Limits::default(), 0, visit), Ok(()));
        assert_eq!(images.len() as u128, cut.count());
        images
    }

    fn trees(world: &World) -> Vec<String> {
        let mut trees: Vec<_> = images(world)
            .iter()
            .map(|image| {
                let mut tree = String::new();
                image.walk(&mut |path, bytes| {
                    let size = bytes.map_or_else(String::new, |bytes| format!("={}", bytes.len()));
                    tree = format!("{tree} {}{size}", path.display());
                });
                tree.trim().to_owned()
            })
            .collect();
        trees.sort();
        trees.dedup();
        trees
    }

    fn world(events: &[Event]) -> World {
        let mut world = World::new();
        for event in events {
            world.apply(event);
        }
        world
    }

    fn directory(parent: usize, name: &str, inode: usize) -> Event {
        Event::CreateDirectory {
            parent: InodeId(parent),
            name: name.into(),
            inode: InodeId(inode),
        }
    }

    fn file(parent: usize, name: &str, inode: usize) -> Event {
        Event::CreateFile {
            parent: InodeId(parent),
            name: name.into(),
            inode: InodeId(inode),
        }
    }

    const fn sync_directory(inode: usize) -> Event {
        Event::SyncDirectory {
            inode: InodeId(inode),
        }
    }

    #[test]
    fn a_directory_that_is_lost_takes_what_is_below_with_it() {
        let below_is_durable = world(&[directory(0, "a", 1), file(1, "f", 2), sync_directory(1)]);
        assert_eq!(trees(&below_is_durable), ["", "/a /a/f=0"]);
        let above_is_durable = world(&[directory(0, "a", 1), file(1, "f", 2), sync_directory(0)]);
        assert_eq!(trees(&above_is_durable), ["/a", "/a /a/f=0"]);
    }

    #[test]
    fn syncing_a_file_does_not_keep_its_name() {
        let bytes: Arc<[u8]> = Arc::from(*b"bytes");
        let inode = InodeId(1);
        let synced = world(&[
            file(0, "f", 1),
            Event::Write {
                inode,
                at: None,
                bytes,
            },
            Event::SyncFile { inode },
        ]);
        assert_eq!(trees(&synced), ["", "/f=5"]);
    }

    #[test]
    fn a_rename_may_leave_both_names_or_neither() {
        let renamed = world(&[
            directory(0, "a", 1),
            file(1, "f", 2),
            Event::SyncAll,
            Event::Rename {
                from: InodeId(1),
                name: "f".into(),
                to: ROOT,
                new_name: "g".into(),
            },
        ]);
        let expected = ["/a", "/a /a/f=0", "/a /a/f=0 /g=0", "/a /g=0"];
        assert_eq!(trees(&renamed), expected);
    }

    #[test]
    fn what_was_unlinked_may_come_back() {
        let unlinked = world(&[
            directory(0, "a", 1),
            file(1, "f", 2),
            Event::SyncAll,
            Event::Unlink {
                parent: InodeId(1),
                name: "f".into(),
            },
            Event::RemoveDirectory {
                parent: ROOT,
                name: "a".into(),
            },
        ]);
        assert_eq!(trees(&unlinked), ["", "/a", "/a /a/f=0"]);
        let mut synced = unlinked;
        synced.apply(&sync_directory(0));
        assert_eq!(trees(&synced), [""]);
    }

    #[test]
    fn above_the_limit_the_extremes_and_a_sample_are_tried() {
        let names: Vec<_> = (1..=20)
            .map(|number| file(0, &number.to_string(), number))
            .collect();
        let world = world(&names);
        let cut = PowerCut::new(&world);
        assert_eq!(cut.count(), 1 << 20);
        let limits = Limits {
            all: 1000,
            sample: 100,
            ..Limits::default()
        };
        let mut sizes = Vec::new();
        let visit = |image: World| {
            sizes.push(
                image
                    .directory(ROOT)
                    .map_or(0, |root| root.current().count()),
            );
            Ok(())
        };
        assert_eq!(cut.outcomes(limits, 7, visit), Ok(()));
        assert_eq!(sizes.len(), 100);
        assert_eq!(sizes.first_chunk(), Some(&[0, 20]));
    }
}
