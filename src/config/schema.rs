//! The file as it is written: what may stand in it, and the defaults of what does not.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};

use super::{
    BackfillConfig, BsbConfig, Config, EarliestLedger, LogFormat, LogLevel, LoggingConfig,
    ServiceConfig, StreamingConfig,
};
use crate::geometry::LedgerSeq;
use crate::layout::{RootPathError, RootRole, StorageRoots};

const MAX_RETRIES: u32 = 3;
const BUFFER_SIZE: u32 = 1000;
const NUM_WORKERS: u32 = 20;
const RETENTION_CHUNKS: u32 = 0;
const EARLIEST_LEDGER: EarliestLedger = EarliestLedger::Genesis;
const LOG_LEVEL: LogLevel = LogLevel::Info;
const LOG_FORMAT: LogFormat = LogFormat::Text;

/// One worker for each CPU that this process may use; one if the system does not say.
fn workers() -> u32 {
    let cpus = std::thread::available_parallelism();
    cpus.map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(u32::MAX))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    service: Service,
    #[serde(default)]
    backfill: Backfill,
    #[serde(default)]
    immutable_storage: ImmutableStorage,
    #[serde(default)]
    catalog: Storage,
    streaming: Streaming,
    #[serde(default)]
    logging: Logging,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    default_data_dir: GivenPath,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Backfill {
    workers: Option<u32>,
    max_retries: Option<u32>,
    #[serde(default)]
    bsb: Bsb,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Bsb {
    bucket_path: Option<String>,
    buffer_size: Option<u32>,
    num_workers: Option<u32>,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct ImmutableStorage {
    #[serde(default)]
    ledgers: Storage,
    #[serde(default)]
    events: Storage,
    #[serde(default)]
    txhash: Storage,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Storage {
    path: Option<GivenPath>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Streaming {
    retention_chunks: Option<u32>,
    earliest_ledger: Option<EarliestLedger>,
    captive_core_config: GivenPath,
    #[serde(default)]
    hot_storage: Storage,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Logging {
    level: Option<LogLevel>,
    format: Option<LogFormat>,
}

impl File {
    /// Applies the defaults and takes relative paths from this directory.
    pub(super) fn resolve(self, directory: &Path) -> Result<Config, RootPathError> {
        let default_data_dir = self.service.default_data_dir.below(directory);
        let streaming = self.streaming;
        let overrides = [
            (RootRole::Catalog, self.catalog),
            (RootRole::Ledgers, self.immutable_storage.ledgers),
            (RootRole::Events, self.immutable_storage.events),
            (RootRole::TxHash, self.immutable_storage.txhash),
            (RootRole::Hot, streaming.hot_storage),
        ];
        let mut storage = StorageRoots::under(&default_data_dir)?;
        for (role, given) in overrides {
            if let Some(path) = given.path {
                storage = storage.with(role, path.below(directory))?;
            }
        }
        let backfill = self.backfill;
        Ok(Config {
            service: ServiceConfig { default_data_dir },
            backfill: BackfillConfig {
                workers: backfill.workers.unwrap_or_else(workers),
                max_retries: backfill.max_retries.unwrap_or(MAX_RETRIES),
                bsb: BsbConfig {
                    bucket_path: backfill.bsb.bucket_path,
                    buffer_size: backfill.bsb.buffer_size.unwrap_or(BUFFER_SIZE),
                    num_workers: backfill.bsb.num_workers.unwrap_or(NUM_WORKERS),
                },
            },
            storage,
            streaming: StreamingConfig {
                retention_chunks: streaming.retention_chunks.unwrap_or(RETENTION_CHUNKS),
                earliest_ledger: streaming.earliest_ledger.unwrap_or(EARLIEST_LEDGER),
                captive_core_config: streaming.captive_core_config.below(directory),
            },
            logging: LoggingConfig {
                level: self.logging.level.unwrap_or(LOG_LEVEL),
                format: self.logging.format.unwrap_or(LOG_FORMAT),
            },
        })
    }
}

/// A path as it stands in the file: never empty.
struct GivenPath(PathBuf);

impl GivenPath {
    fn below(self, directory: &Path) -> PathBuf {
        // Collected by component, so that `./x` and `x` are one spelling; `..` stays for the kernel,
        // which alone knows where a symbolic link leads.
        directory.join(self.0).components().collect()
    }
}

impl<'de> Deserialize<'de> for GivenPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathVisitor;

        impl Visitor<'_> for PathVisitor {
            type Value = GivenPath;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path that is not empty")
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<GivenPath, E> {
                if path.is_empty() || path.contains('\0') {
                    return Err(E::invalid_value(Unexpected::Str(path), &self));
                }
                Ok(GivenPath(path.into()))
            }
        }

        deserializer.deserialize_str(PathVisitor)
    }
}

impl<'de> Deserialize<'de> for EarliestLedger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LedgerVisitor;

        impl Visitor<'_> for LedgerVisitor {
            type Value = EarliestLedger;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "\"genesis\", \"now\", or a decimal ledger from 2 on in quotes, such as \"10000002\"",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<EarliestLedger, E> {
                match text {
                    "genesis" => return Ok(EarliestLedger::Genesis),
                    "now" => return Ok(EarliestLedger::Now),
                    _ => {}
                }
                let ledger = text.parse().ok().and_then(|n| LedgerSeq::new(n).ok());
                // Only the plain spelling: Rust's parser would take a sign and leading zeros too.
                match ledger.filter(|ledger| ledger.to_string() == text) {
                    Some(ledger) => Ok(EarliestLedger::Ledger(ledger)),
                    None => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }
        }

        deserializer.deserialize_any(LedgerVisitor)
    }
}
