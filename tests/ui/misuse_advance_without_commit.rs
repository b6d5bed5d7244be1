//! A generic caller cannot take the step without the commit.

use frostline::step::Transition;

fn skip<T: Transition>(transition: T) -> T::Next {
    transition.advance()
}

fn main() {}
