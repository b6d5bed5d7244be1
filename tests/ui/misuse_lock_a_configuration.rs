//! The configuration is not locked: its roots are.

use frostline::Config;

fn start(config: Config) {
    config.lock();
}

fn main() {}
