//! The report as text and as JSON.

use std::fmt;

use serde_json::{Value, json};

use super::{Audit, AuditCounts, Finding};

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AuditCounts {
            freezing,
            frozen,
            pruning,
            transient,
            ready,
            pins,
            unrecognised,
            files,
            directories,
        } = self.counts;
        writeln!(f, "audit of `{}`", self.catalog.display())?;
        writeln!(
            f,
            "keys: {freezing} freezing, {frozen} frozen, {pruning} pruning, {transient} transient, \
             {ready} ready, {pins} pinned, {unrecognised} unrecognised"
        )?;
        writeln!(f, "walked: {files} files, {directories} directories")?;
        writeln!(f, "unfinished, for the recovery: {}", self.unfinished())?;
        if self.is_clean() {
            return f.write_str("clean: every key and every file agree");
        }
        write!(f, "not clean, findings: {}", self.findings.len())?;
        for (index, finding) in self.findings.iter().enumerate() {
            write!(f, "\n{:3}. {finding}", index + 1)?;
        }
        Ok(())
    }
}

impl Audit {
    /// Returns the report as one JSON object with `clean`, `catalog`, `keys`, `files`, `directories`,
    /// `unfinished` and `findings`. Each finding has `finding` (its kind), `key`, `path`, `breaks` and
    /// `text`, with null for an absent value. Bytes of a path that are not UTF-8 are replaced.
    #[must_use]
    pub fn to_json(&self) -> String {
        let counts = &self.counts;
        let unfinished = self.unfinished();
        let findings: Vec<_> = self.findings.iter().map(finding_to_json).collect();
        let report = json!({
            "clean": self.is_clean(),
            "catalog": self.catalog.to_string_lossy(),
            "keys": {
                "freezing": counts.freezing,
                "frozen": counts.frozen,
                "pruning": counts.pruning,
                "transient": counts.transient,
                "ready": counts.ready,
                "pinned": counts.pins,
                "unrecognised": counts.unrecognised,
            },
            "files": counts.files,
            "directories": counts.directories,
            "unfinished": {
                "freezing": unfinished.freezing,
                "pruning": unfinished.pruning,
                "transient": unfinished.transient,
            },
            "findings": findings,
        });
        format!("{report:#}")
    }
}

fn finding_to_json(finding: &Finding) -> Value {
    json!({
        "finding": finding.name(),
        "key": finding.key().map(|key| key.to_string()),
        "path": finding.path().map(|path| path.to_string_lossy()),
        "breaks": finding.breaks(),
        "text": finding.to_string(),
    })
}
