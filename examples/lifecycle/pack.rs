//! The plainest pack that can be read back: for each ledger its sequence number and its length, each
//! as four little-endian bytes, then its bytes. The real format belongs to a later layer.

use std::io::{self, BufReader, Read, Write};

use frostline::LedgerSeq;
use frostline::read::ReadFile;

use crate::Outcome;

pub(crate) fn append(file: &mut impl Write, ledger: LedgerSeq, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    file.write_all(&ledger.get().to_le_bytes())?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(bytes)
}

pub(crate) fn read(file: ReadFile) -> Outcome<Vec<(LedgerSeq, Vec<u8>)>> {
    let mut left = file.size()?;
    let mut file = BufReader::new(file);
    let mut ledgers = Vec::new();
    while left > 0 {
        let ledger = LedgerSeq::new(read_number(&mut file)?)?;
        let length = read_number(&mut file)?;
        let mut bytes = Vec::new();
        let got = file.by_ref().take(length.into()).read_to_end(&mut bytes)? as u64;
        if got != u64::from(length) {
            return Err("the pack ends inside a ledger".into());
        }
        left = left.saturating_sub(8 + got);
        ledgers.push((ledger, bytes));
    }
    Ok(ledgers)
}

fn read_number(file: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}
