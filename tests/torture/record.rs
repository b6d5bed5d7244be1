//! Uses `strace` to record the system calls of a process that works with the real store.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use frostline::{Artifact, ArtifactKind, Catalog, Ledgers, Prunable, StorageRoots};

use crate::trace::Call;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The first word of a line that the process writes into the recording.
const ACK: &str = "acknowledged:";

fn chunk(number: u32) -> Result<frostline::ChunkId, frostline::error::GeometryError> {
    frostline::ChunkId::new(number)
}

/// Writes the keys that the catalog has acknowledged, in one system call.
fn acknowledge(catalog: &Catalog) -> Outcome {
    let mut line = ACK.to_owned();
    for entry in catalog.chunk_artifact_keys()? {
        let (key, state) = entry?;
        line = format!("{line} {key}={state}");
    }
    std::io::stderr().write_all(format!("{line}\n").as_bytes())?;
    Ok(())
}

fn freeze(catalog: &Catalog, number: u32) -> Outcome {
    let mut freezing = catalog.begin::<Ledgers>(chunk(number)?)?;
    acknowledge(catalog)?;
    freezing.file(Ledgers::PACK)?.write_all(b"ledgers")?;
    drop(freezing.freeze()?);
    acknowledge(catalog)
}

/// Runs the work that is recorded: a first start and later starts, with commits, flushes, a compaction and a
/// sweep.
pub fn work(data: &Path) -> Outcome {
    let open = || -> Result<Catalog, Box<dyn std::error::Error>> {
        let catalog = Catalog::open(StorageRoots::under(data)?.lock()?)?;
        acknowledge(&catalog)?;
        Ok(catalog)
    };
    let catalog = open()?;
    freeze(&catalog, 1)?;
    freeze(&catalog, 2)?;
    drop(catalog);
    for start in 0..5 {
        let catalog = open()?;
        drop(catalog.begin::<Ledgers>(chunk(10 + start)?)?);
        acknowledge(&catalog)?;
    }
    let catalog = open()?;
    // A batch of several sectors.
    let numbers = (20..45).map(chunk).collect::<Result<Vec<_>, _>>()?;
    drop(catalog.begin_all::<Ledgers>(numbers)?);
    acknowledge(&catalog)?;
    if let Artifact::<Ledgers>::Frozen(frozen) = catalog.claim(chunk(1)?)? {
        let pruning = catalog.commit(frozen.demote())?;
        acknowledge(&catalog)?;
        drop(pruning);
        let key = frostline::ArtifactKey {
            chunk: chunk(1)?,
            kind: ArtifactKind::Ledgers,
        };
        let left: Option<Prunable> = catalog.claim_for_pruning(key)?;
        drop(catalog.sweep_chunk_artifacts(left)?);
        acknowledge(&catalog)?;
    }
    drop(catalog);
    drop(open()?);
    Ok(())
}

/// Runs the process under `strace`, and returns its calls.
///
/// A recording must be complete, because a missing call looks like a loss. The bytes that the process reads are
/// therefore compared with the bytes of its recorded writes.
pub fn record(program: &Path, directory: &Path) -> Result<Vec<Call>, String> {
    let data = directory.join("data");
    fs::create_dir_all(&data).map_err(|error| error.to_string())?;
    let output = directory.join("strace");
    let calls = "openat,read,pread64,write,pwrite64,ftruncate,fsync,fdatasync,syncfs,mkdirat,mkdir,rename,renameat2,\
                 unlink,unlinkat";
    let status = Command::new("strace")
        .args(["-f", "-y", "-xx", "-s", "1000000", "-e"])
        .arg(format!("trace={calls}"))
        .arg("-o")
        .arg(&output)
        .arg(program)
        .args(["--child", "store"])
        .arg(&data)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("strace: {error}"))?;
    if !status.success() {
        return Err(format!("the recorded process: {status}"));
    }
    let text = fs::read_to_string(output).map_err(|error| error.to_string())?;
    let mut reader = Reader::new(&data);
    let mut unfinished = HashMap::new();
    for line in text.lines() {
        let (process, call) = line.split_once(' ').unwrap_or_default();
        let call = call.trim_start();
        if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
            unfinished.insert(process.to_owned(), begun.to_owned());
        } else if let Some((_, rest)) = call.split_once(" resumed>") {
            let begun = unfinished.remove(process);
            let begun = begun.ok_or_else(|| format!("no beginning of: {call}"))?;
            reader.read(&format!("{begun}{rest}"))?;
        } else {
            reader.read(call)?;
        }
    }
    match reader.incomplete {
        Some(path) => Err(format!("the recording lacks a call on {path}")),
        None => Ok(reader.calls),
    }
}

/// Turns lines of `strace` into calls on paths below the data directory.
struct Reader {
    data: String,
    /// The open descriptors, each with its path and its current offset.
    open: HashMap<String, (String, usize)>,
    lengths: HashMap<String, usize>,
    /// The written bytes of the files.
    contents: HashMap<String, Vec<u8>>,
    /// The path of a file whose read bytes differ from the recorded ones.
    incomplete: Option<String>,
    calls: Vec<Call>,
}

impl Reader {
    fn new(data: &Path) -> Self {
        Self {
            data: data.display().to_string(),
            open: HashMap::new(),
            lengths: HashMap::new(),
            contents: HashMap::new(),
            incomplete: None,
            calls: Vec::new(),
        }
    }

    /// Returns the path relative to the data directory, or `None` if it is outside.
    fn below(&self, path: &str) -> Option<String> {
        let below = path.strip_prefix(&self.data)?;
        Some(below.trim_start_matches('/').to_owned())
    }

    fn read(&mut self, line: &str) -> Result<(), String> {
        // The line reports a signal or the end of a thread.
        if line.starts_with("---") || line.starts_with("+++") {
            return Ok(());
        }
        let unknown = || format!("not understood: {}", line.get(..200).unwrap_or(line));
        // `strace` pads a short call, such as the rest of an interrupted one, before its result.
        let parts = line.rsplit_once(" = ").and_then(|(call, result)| {
            let (name, arguments) = call.trim_end().strip_suffix(')')?.split_once('(')?;
            Some((name, arguments, result))
        });
        let (name, arguments, result) = parts.ok_or_else(unknown)?;
        if result.starts_with('-') || result.starts_with('?') {
            return Ok(());
        }
        let done = self.call(name, &split(arguments), result);
        done.ok_or_else(unknown)
    }

    fn call(&mut self, name: &str, arguments: &[String], result: &str) -> Option<()> {
        let argument = |at: usize| arguments.get(at).map(String::as_str);
        match name {
            "openat" => return self.open(arguments, result),
            "read" | "pread64" => return self.compare(name, arguments, result),
            "write" | "pwrite64" => {
                let descriptor = descriptor(argument(0)?)?;
                let mut bytes = unescape(argument(1)?);
                // The options are recorded as zeros, because no start reads them and they are most of the bytes.
                if descriptor.1.contains("/OPTIONS-") {
                    bytes.fill(0);
                }
                if descriptor.0 == "2" {
                    return self.acknowledged(&bytes);
                }
                let Some(path) = self.below(&descriptor.1) else {
                    return Some(());
                };
                let position = &mut self.open.get_mut(&descriptor.0)?.1;
                let at = match name {
                    "pwrite64" => argument(3)?.parse().ok()?,
                    _ => std::mem::replace(position, *position + bytes.len()),
                };
                let length = self.lengths.entry(path.clone()).or_default();
                *length = (*length).max(at + bytes.len());
                let content = self.contents.entry(path.clone()).or_default();
                content.resize(content.len().max(at + bytes.len()), 0);
                content[at..at + bytes.len()].copy_from_slice(&bytes);
                // The text of a lock file is only a message for the operator, not a part of the protocol.
                if !path.ends_with(frostline::key::LOCK_FILE) {
                    self.calls.push(Call::Write(path, at, bytes));
                }
            }
            "ftruncate" => {
                let path = self.below(&descriptor(argument(0)?)?.1);
                let length = argument(1)?.parse().ok()?;
                let Some(path) = path else {
                    return Some(());
                };
                let known = self.lengths.entry(path.clone()).or_default();
                if *known > length {
                    *known = length;
                    self.contents
                        .entry(path.clone())
                        .or_default()
                        .truncate(length);
                    self.calls.push(Call::Cut(path, length));
                }
            }
            "fsync" | "fdatasync" => {
                let Some(path) = self.below(&descriptor(argument(0)?)?.1) else {
                    return Some(());
                };
                let is_file = self.lengths.contains_key(&path);
                self.calls.push(match is_file {
                    true => Call::Sync(path),
                    false => Call::SyncDir(path),
                });
            }
            "mkdirat" => self.made(&self.path(argument(0)?, argument(1)?)?),
            "mkdir" => self.made(&self.resolved(&text(argument(0)?))),
            "rename" => {
                let (from, to) = (text(argument(0)?), text(argument(1)?));
                self.renamed(&self.resolved(&from), &self.resolved(&to))?;
            }
            "renameat2" => {
                let from = self.path(argument(0)?, argument(1)?)?;
                let to = self.path(argument(2)?, argument(3)?)?;
                self.renamed(&from, &to)?;
            }
            "unlink" => self.unlinked(&self.resolved(&text(argument(0)?)), false),
            "unlinkat" => {
                let path = self.path(argument(0)?, argument(1)?)?;
                let is_directory = argument(2)?.contains("AT_REMOVEDIR");
                self.unlinked(&path, is_directory);
            }
            _ => return None,
        }
        Some(())
    }

    /// Compares the bytes of a read with the bytes that were written.
    fn compare(&mut self, name: &str, arguments: &[String], result: &str) -> Option<()> {
        let (number, path) = descriptor(arguments.first()?)?;
        let length: usize = result.split(' ').next()?.parse().ok()?;
        let position = match self.open.get_mut(&number) {
            Some((_, position)) => position,
            // The descriptor was opened before the recording, or is no file.
            None => return Some(()),
        };
        let at = match name {
            "pread64" => arguments.get(3)?.parse().ok()?,
            _ => std::mem::replace(position, *position + length),
        };
        let Some(below) = self.below(&path) else {
            return Some(());
        };
        let is_compared = ["MANIFEST-", ".log", ".sst", "CURRENT"]
            .iter()
            .any(|part| below.contains(part));
        let Some(content) = self.contents.get(&below).filter(|_| is_compared) else {
            return Some(());
        };
        let read = unescape(arguments.get(1)?);
        // Reserved zeros follow the written bytes.
        let written = content.get(at.min(content.len())..)?;
        let same = read
            .iter()
            .zip(written)
            .all(|(read, written)| read == written);
        let rest = read.get(written.len().min(read.len())..)?;
        if !same || rest.iter().any(|byte| *byte != 0) {
            self.incomplete = Some(below);
        }
        Some(())
    }

    fn open(&mut self, arguments: &[String], result: &str) -> Option<()> {
        let (number, path) = descriptor(result)?;
        let flags = arguments.get(2)?;
        if let Some(below) = self.below(&path)
            && !flags.contains("O_DIRECTORY")
        {
            let is_new = !self.lengths.contains_key(&below);
            if flags.contains("O_CREAT") && is_new {
                self.lengths.insert(below.clone(), 0);
                self.calls.push(Call::Create(below.clone()));
            }
            if flags.contains("O_TRUNC") && self.lengths.get(&below).is_some_and(|n| *n > 0) {
                self.lengths.insert(below.clone(), 0);
                self.contents.remove(&below);
                self.calls.push(Call::Cut(below, 0));
            }
        }
        let position = match flags.contains("O_APPEND") {
            true => self
                .below(&path)
                .and_then(|below| self.lengths.get(&below).copied()),
            false => None,
        };
        self.open.insert(number, (path, position.unwrap_or(0)));
        Some(())
    }

    fn acknowledged(&mut self, bytes: &[u8]) -> Option<()> {
        let text = String::from_utf8_lossy(bytes);
        let Some(keys) = text.strip_prefix(ACK) else {
            return Some(());
        };
        let keys = keys.split_whitespace().map(|word| word.split_once('='));
        let keys = keys.map(|pair| pair.map(|(key, value)| (key.to_owned(), value.to_owned())));
        self.calls.push(Call::Ack(keys.collect::<Option<_>>()?));
        Some(())
    }

    /// Returns the path of a name relative to a directory's descriptor.
    fn path(&self, directory: &str, name: &str) -> Option<String> {
        let name = text(name);
        if name.starts_with('/') {
            return Some(self.resolved(&name));
        }
        let (_, directory) = descriptor(directory)?;
        Some(format!("{directory}/{name}"))
    }

    /// Resolves a path through `/proc/…/fd/N` to the path of that descriptor.
    fn resolved(&self, path: &str) -> String {
        let Some((_, rest)) = path.split_once("/fd/") else {
            return path.to_owned();
        };
        let (number, name) = rest.split_once('/').unwrap_or((rest, ""));
        match self.open.get(number) {
            Some((directory, _)) => format!("{directory}/{name}"),
            None => path.to_owned(),
        }
    }

    fn made(&mut self, path: &str) {
        if let Some(path) = self.below(path) {
            self.calls.push(Call::Mkdir(path));
        }
    }

    fn renamed(&mut self, from: &str, to: &str) -> Option<()> {
        let (from, to) = (self.below(from)?, self.below(to)?);
        let length = self.lengths.remove(&from)?;
        self.lengths.insert(to.clone(), length);
        let content = self.contents.remove(&from).unwrap_or_default();
        self.contents.insert(to.clone(), content);
        self.calls.push(Call::Rename(from, to));
        Some(())
    }

    fn unlinked(&mut self, path: &str, is_directory: bool) {
        if let Some(path) = self.below(path) {
            self.lengths.remove(&path);
            self.contents.remove(&path);
            self.calls.push(match is_directory {
                true => Call::Rmdir(path),
                false => Call::Unlink(path),
            });
        }
    }
}

/// Splits the arguments of a call at commas, except inside strings and descriptors' paths.
fn split(arguments: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut in_text, mut in_path) = (false, false);
    for letter in arguments.chars() {
        match letter {
            '"' => in_text = !in_text,
            '<' if !in_text => in_path = true,
            '>' if !in_text => in_path = false,
            _ => {}
        }
        if letter == ',' && !in_text && !in_path {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

/// Parses a descriptor such as `6</path>` into its number and its path, which may be escaped.
fn descriptor(text: &str) -> Option<(String, String)> {
    let (number, path) = text.split_once('<')?;
    let path = path.rsplit_once('>')?.0;
    Some((
        number.to_owned(),
        String::from_utf8_lossy(&unescape(path)).into_owned(),
    ))
}

fn text(argument: &str) -> String {
    String::from_utf8_lossy(&unescape(argument)).into_owned()
}

/// Decodes a string of `\xNN` escapes.
fn unescape(text: &str) -> Vec<u8> {
    let text = text.trim_start_matches('"').trim_end_matches('"');
    if !text.starts_with("\\x") {
        return text.as_bytes().to_vec();
    }
    let bytes = text.split("\\x").skip(1);
    bytes
        .filter_map(|digits| u8::from_str_radix(digits.get(..2)?, 16).ok())
        .collect()
}
