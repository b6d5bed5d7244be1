//! A line of text with its checksum, in one sector: a power cut writes it whole or not at all.

/// Bytes that the medium writes whole or not at all.
pub(crate) const SECTOR: usize = 512;

/// The line, its checksum, and zeros.
pub(crate) fn encode(text: &str) -> [u8; SECTOR] {
    let line = format!("{text} crc32c {:08x}\n", crc32c::crc32c(text.as_bytes()));
    let mut sector = [0; SECTOR];
    debug_assert!(line.len() < SECTOR, "the line fits");
    sector
        .iter_mut()
        .zip(line.bytes())
        .for_each(|(byte, of_line)| *byte = of_line);
    sector
}

/// The line without its checksum, if it is right.
pub(crate) fn decode(sector: &[u8]) -> Option<&str> {
    let end = sector.iter().position(|byte| *byte == 0)?;
    let line = std::str::from_utf8(sector.get(..end)?).ok()?;
    let (text, _checksum) = line.rsplit_once(" crc32c ")?;
    // One spelling only, and one checksum.
    (encode(text) == sector).then_some(text)
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a failing test panics")]
mod tests {
    use super::*;

    #[test]
    fn a_sector_is_read_back_and_a_changed_one_is_not() {
        let sector = encode("a line of text");
        assert_eq!(decode(&sector), Some("a line of text"));
        for at in 0..SECTOR {
            for bit in 0..8 {
                let mut changed = sector;
                changed[at] ^= 1 << bit;
                assert_eq!(decode(&changed), None, "bit {bit} of byte {at}");
            }
        }
        assert_eq!(decode(&[0; SECTOR]), None);
        assert_eq!(decode(&sector[..100]), None);
    }
}
