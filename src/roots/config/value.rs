//! The values that the file accepts, and the error texts for other values.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Unexpected, Visitor};

use super::{EarliestLedger, LogFormat, LogLevel};
use crate::domain::LedgerSeq;

/// A section: a table only, because serde would also take a list of values in its place.
#[derive(Default)]
pub(super) struct Section<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Section<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SectionVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for SectionVisitor<T> {
            type Value = Section<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a section, such as `[logging]`")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Section<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Section)
            }
        }

        deserializer.deserialize_map(SectionVisitor(PhantomData))
    }
}

/// A whole number that fits 32 bits.
pub(super) struct Count(pub(super) u32);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;

        impl Visitor<'_> for CountVisitor {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 0 to 4294967295")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Count, E> {
                let unexpected = Unexpected::Signed(number);
                let count = u32::try_from(number);
                count.map_or_else(
                    |_| Err(E::invalid_value(unexpected, &self)),
                    |n| Ok(Count(n)),
                )
            }
        }

        deserializer.deserialize_i64(CountVisitor)
    }
}

/// A path as the file spells it; never empty.
pub(super) struct GivenPath(PathBuf);

impl GivenPath {
    pub(super) fn below(self, directory: &Path) -> PathBuf {
        // Collecting the components makes `./x` and `x` one spelling. `..` stays for the kernel, because
        // only the kernel knows the target of a symbolic link.
        directory.join(self.0).components().collect()
    }
}

/// A visitor for a value that is written as a string and accepts only some strings.
struct Text<T> {
    accepted: &'static str,
    parse: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.accepted)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl<'de> Deserialize<'de> for GivenPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text {
            accepted: "a path that is not empty and has no zero byte",
            parse: |path| {
                let usable = !path.is_empty() && !path.contains('\0');
                usable.then(|| Self(path.into()))
            },
        })
    }
}

/// A value of a public type, as the file spells it: the public type itself guarantees nothing about files.
pub(super) struct Choice<T>(pub(super) T);

impl<'de> Deserialize<'de> for Choice<EarliestLedger> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text {
            accepted: "\"genesis\", \"now\", or a decimal ledger from 2 on in quotes, such as \"10000002\"",
            parse: |text| match text {
                "genesis" => Some(Choice(EarliestLedger::Genesis)),
                "now" => Some(Choice(EarliestLedger::Now)),
                number => {
                    let ledger = LedgerSeq::new(number.parse().ok()?).ok()?;
                    // Only the plain spelling is accepted, because Rust's parser also takes a sign and
                    // leading zeros.
                    (ledger.to_string() == number).then_some(Choice(EarliestLedger::Ledger(ledger)))
                }
            },
        })
    }
}

impl<'de> Deserialize<'de> for Choice<LogLevel> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text {
            accepted: "\"debug\", \"info\", \"warn\" or \"error\"",
            parse: |text| match text {
                "debug" => Some(Choice(LogLevel::Debug)),
                "info" => Some(Choice(LogLevel::Info)),
                "warn" => Some(Choice(LogLevel::Warn)),
                "error" => Some(Choice(LogLevel::Error)),
                _ => None,
            },
        })
    }
}

impl<'de> Deserialize<'de> for Choice<LogFormat> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text {
            accepted: "\"text\" or \"json\"",
            parse: |text| match text {
                "text" => Some(Choice(LogFormat::Text)),
                "json" => Some(Choice(LogFormat::Json)),
                _ => None,
            },
        })
    }
}
