//! A hot directory is removed only after the commit of its demotion.

use frostline::step::HotDemotion;

fn remove(demotion: HotDemotion) {
    demotion.unlink();
}

fn main() {}
