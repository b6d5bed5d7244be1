//! Other processes: this test binary, started again to run one function of it.
//!
//! The function has the form of a test, and does nothing in a run of all tests.

use std::process::Command;

const IS_CHILD: &str = "FROSTLINE_TEST_IS_CHILD";

/// The process that runs this function; the caller adds what else the function reads from its environment.
pub fn child(function: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", function, "--nocapture", "--test-threads=1"])
        .env(IS_CHILD, "yes");
    command
}

/// Whether a test has started this process. Otherwise the calling function is run as a test, and returns.
pub fn is_child() -> bool {
    std::env::var_os(IS_CHILD).is_some()
}
