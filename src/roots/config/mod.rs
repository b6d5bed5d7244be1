//! The configuration: one TOML file, parsed without touching anything else.
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
//! A key or section that is not in the table is an error. Zeros are kept as given: judging values is
//! for the layer that uses them. Relative paths are taken from the directory of the file.

mod load;
mod locate;
mod schema;
mod value;

pub use load::ConfigError;

use std::path::PathBuf;

use crate::domain::{LedgerSeq, Retention, StorageRoots};

/// A whole configuration: every default applied, every path absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// `[service]`
    pub service: ServiceConfig,
    /// `[backfill]`
    pub backfill: BackfillConfig,
    /// The roots, from `[immutable_storage.*]`, `[catalog]` and `[streaming.hot_storage]`: the one
    /// value that is locked and written.
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
    /// The directory below which every root lies that is not given elsewhere.
    pub default_data_dir: PathBuf,
}

/// `[backfill]`
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackfillConfig {
    /// Chunks that are processed at once.
    pub workers: u32,
    /// Further tries for a chunk that failed.
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
    /// Ledgers that are buffered.
    pub buffer_size: u32,
    /// Downloads at once.
    pub num_workers: u32,
}

/// `[streaming]`
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamingConfig {
    /// Complete chunks to keep; 0 keeps all.
    pub retention_chunks: u32,
    /// Where history begins.
    pub earliest_ledger: EarliestLedger,
    /// The configuration file of captive core.
    pub captive_core_config: PathBuf,
}

impl StreamingConfig {
    /// The retention setting, as the [`RetentionGate`](crate::retention::RetentionGate) takes it.
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
    /// `"now"`: what the network's newest chunk is at the first start.
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
    /// How a line is written.
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
