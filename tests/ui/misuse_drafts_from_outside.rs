//! The drafts of a member are for the group.

fn count<T: frostline::step::Syncable>(member: &T) -> usize {
    member.drafts(&Default::default()).count()
}

fn main() {}
