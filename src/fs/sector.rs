//! A line of text with its checksum in one sector, which a power cut leaves written whole or not at all.

/// The number of bytes that the medium writes whole or not at all.
pub(crate) const SECTOR: usize = 512;

/// Encodes the line as its text, its checksum, and zeros.
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

/// Returns the line without its checksum, or `None` if the sector is not the encoding of that line.
pub(crate) fn decode(sector: &[u8]) -> Option<&str> {
    let end = sector.iter().position(|byte| *byte == 0)?;
    let line = std::str::from_utf8(sector.get(..end)?).ok()?;
    let (text, _checksum) = line.rsplit_once(" crc32c ")?;
    // The comparison of the whole sector verifies the checksum, and accepts one spelling only.
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
