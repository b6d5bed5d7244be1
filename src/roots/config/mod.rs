//! The configuration: one TOML file, parsed without access to anything else.
//!
//! | key | type | default |
//! |---|---|---|
//! | `[service] default_data_dir` | path | required |
//! | `[backfill] workers` | integer | number of CPUs |
//! | `[backfill] max_retries` | integer | 3 |
//! | `[backfill.bsb] bucket_path` | string | none |
//! | `[backfill.bsb] buffer_size`, `num_workers` | integer | 1000, 20 |
//! | `[immutable_storage.ledgers] path`, also `.events` and `.txhash` | path | `{data}/ledgers`, `{data}/events`, `{data}/txhash` |
//! | `[catalog] path` | path | `{data}/catalog/rocksdb` |
//! | `[streaming] retention_chunks` | integer | 0, keep all |
//! | `[streaming] earliest_ledger` | string | `"genesis"` |
//! | `[streaming] captive_core_config` | path | required |
//! | `[streaming.hot_storage] path` | path | `{data}/hot` |
//! | `[logging] level` | `debug`, `info`, `warn`, `error` | `info` |
//! | `[logging] format` | `text`, `json` | `text` |
//!
//! A key or section that is not in the table is an error. Zeros are kept as given, because the layer that
//! uses a value validates it. Relative paths start at the directory of the file.

mod load;
mod locate;
mod schema;
mod value;

pub use load::ConfigError;

use std::path::PathBuf;

use crate::domain::{LedgerSeq, Retention, StorageRoots};

/// A complete configuration: every default applied, every path absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// `[service]`
    pub service: ServiceConfig,
    /// `[backfill]`
    pub backfill: BackfillConfig,
    /// The roots, from `[immutable_storage.*]`, `[catalog]` and `[streaming.hot_storage]`: the only paths
    /// that are locked and written.
    pub storage: StorageRoots,
    /// `[streaming]`
    pub streaming: StreamingConfig,
    /// `[logging]`
    pub logging: LoggingConfig,
}

/// `[service]`
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceConfig {
    /// The directory that contains every root without a path of its own.
    pub default_data_dir: PathBuf,
}

/// `[backfill]`
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackfillConfig {
    /// The number of chunks that are processed at once.
    pub workers: u32,
    /// The number of further attempts for a chunk that failed.
    pub max_retries: u32,
    /// `[backfill.bsb]`
    pub bsb: BsbConfig,
}

/// `[backfill.bsb]`: the buffered storage backend, which reads the public data lake.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BsbConfig {
    /// The bucket and path of the data lake.
    pub bucket_path: Option<String>,
    /// The number of ledgers that are buffered.
    pub buffer_size: u32,
    /// The number of simultaneous downloads.
    pub num_workers: u32,
}

/// `[streaming]`
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamingConfig {
    /// The number of complete chunks to keep; 0 keeps all.
    pub retention_chunks: u32,
    /// The beginning of history.
    pub earliest_ledger: EarliestLedger,
    /// The configuration file of captive core.
    pub captive_core_config: PathBuf,
}

impl StreamingConfig {
    /// Returns the retention setting in the form that the
    /// [`RetentionGate`](crate::retention::RetentionGate) takes.
    #[must_use]
    pub const fn retention(&self) -> Retention {
        Retention::from_chunks(self.retention_chunks)
    }
}

/// `[streaming] earliest_ledger`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarliestLedger {
    /// `"genesis"`: the first ledger of the network.
    Genesis,
    /// `"now"`: the network's newest chunk at the first start.
    Now,
    /// A ledger, in decimal.
    Ledger(LedgerSeq),
}

/// `[logging]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggingConfig {
    /// The least severe level that is logged.
    pub level: LogLevel,
    /// The format of a log line.
    pub format: LogFormat,
}

/// `[logging] level`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// `"debug"`
    Debug,
    /// `"info"`
    Info,
    /// `"warn"`
    Warn,
    /// `"error"`
    Error,
}

/// `[logging] format`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `"text"`
    Text,
    /// `"json"`
    Json,
}
