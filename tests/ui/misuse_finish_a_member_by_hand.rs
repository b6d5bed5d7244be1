//! A generic caller can name the methods of a member, but cannot make what they take.

fn finish<T: frostline::step::Syncable>(member: T) {
    drop(member.finish::<T>(&mut Default::default(), &Default::default()));
}

fn main() {}
