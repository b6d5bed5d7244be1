//! The schema of the file: the accepted keys, and the defaults of absent keys.

use std::path::Path;

use super::value::{Choice, Count, GivenPath, Section};
use super::{
    BackfillConfig, BsbConfig, Config, EarliestLedger, LogFormat, LogLevel, LoggingConfig,
    ServiceConfig, StreamingConfig,
};
use crate::domain::{RootPathError, RootRole, StorageRoots};

const MAX_RETRIES: u32 = 3;
const BUFFER_SIZE: u32 = 1000;
const NUM_WORKERS: u32 = 20;
const RETENTION_CHUNKS: u32 = 0;
const EARLIEST_LEDGER: EarliestLedger = EarliestLedger::Genesis;
const LOG_LEVEL: LogLevel = LogLevel::Info;
const LOG_FORMAT: LogFormat = LogFormat::Text;

/// Returns one worker for each CPU that this process may use, or 1 if the system does not report the CPUs.
fn workers() -> u32 {
    let cpus = std::thread::available_parallelism();
    cpus.map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(u32::MAX))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    service: Section<Service>,
    #[serde(default)]
    backfill: Section<Backfill>,
    #[serde(default)]
    immutable_storage: Section<ImmutableStorage>,
    #[serde(default)]
    catalog: Section<Storage>,
    streaming: Section<Streaming>,
    #[serde(default)]
    logging: Section<Logging>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    default_data_dir: GivenPath,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Backfill {
    workers: Option<Count>,
    max_retries: Option<Count>,
    #[serde(default)]
    bsb: Section<Bsb>,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Bsb {
    bucket_path: Option<String>,
    buffer_size: Option<Count>,
    num_workers: Option<Count>,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct ImmutableStorage {
    #[serde(default)]
    ledgers: Section<Storage>,
    #[serde(default)]
    events: Section<Storage>,
    #[serde(default)]
    txhash: Section<Storage>,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Storage {
    path: Option<GivenPath>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Streaming {
    retention_chunks: Option<Count>,
    earliest_ledger: Option<Choice<EarliestLedger>>,
    captive_core_config: GivenPath,
    #[serde(default)]
    hot_storage: Section<Storage>,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Logging {
    level: Option<Choice<LogLevel>>,
    format: Option<Choice<LogFormat>>,
}

impl File {
    /// Applies the defaults and resolves relative paths against `directory`.
    pub(super) fn resolve(self, directory: &Path) -> Result<Config, RootPathError> {
        let default_data_dir = self.service.0.default_data_dir.below(directory);
        let Section(immutable) = self.immutable_storage;
        let Section(streaming) = self.streaming;
        let Section(backfill) = self.backfill;
        let Section(bsb) = backfill.bsb;
        let Section(logging) = self.logging;
        let overrides = [
            (RootRole::Catalog, self.catalog),
            (RootRole::Ledgers, immutable.ledgers),
            (RootRole::Events, immutable.events),
            (RootRole::TxHash, immutable.txhash),
            (RootRole::Hot, streaming.hot_storage),
        ];
        let mut storage = StorageRoots::under(&default_data_dir)?;
        for (role, Section(given)) in overrides {
            if let Some(path) = given.path {
                storage = storage.with(role, path.below(directory))?;
            }
        }
        Ok(Config {
            service: ServiceConfig { default_data_dir },
            backfill: BackfillConfig {
                workers: backfill.workers.map_or_else(workers, |count| count.0),
                max_retries: backfill.max_retries.map_or(MAX_RETRIES, |count| count.0),
                bsb: BsbConfig {
                    bucket_path: bsb.bucket_path,
                    buffer_size: bsb.buffer_size.map_or(BUFFER_SIZE, |count| count.0),
                    num_workers: bsb.num_workers.map_or(NUM_WORKERS, |count| count.0),
                },
            },
            storage,
            streaming: StreamingConfig {
                retention_chunks: streaming
                    .retention_chunks
                    .map_or(RETENTION_CHUNKS, |count| count.0),
                earliest_ledger: streaming
                    .earliest_ledger
                    .map_or(EARLIEST_LEDGER, |choice| choice.0),
                captive_core_config: streaming.captive_core_config.below(directory),
            },
            logging: LoggingConfig {
                level: logging.level.map_or(LOG_LEVEL, |choice| choice.0),
                format: logging.format.map_or(LOG_FORMAT, |choice| choice.0),
            },
        })
    }
}
