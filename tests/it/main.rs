//! Everything that can be tested without a crash simulator, in one binary.
#![allow(missing_docs, reason = "tests")]

mod smoke;
