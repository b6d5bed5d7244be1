//! File contents that can be checked by their bytes alone.

/// The number of bytes after the body, which are the checksum of all bytes before them.
const CHECKSUM: usize = 8;

/// Returns the content of a file of this name: a header, a body without zeros, and a checksum. Another version has
/// other bytes throughout.
pub fn content(file_name: &str, version: u32, length: usize) -> Vec<u8> {
    let mut bytes = header(file_name, version, length).into_bytes();
    assert!(bytes.len() + CHECKSUM <= length, "no room for the header");
    let mut seed = checksum(&bytes);
    while bytes.len() < length - CHECKSUM {
        // xorshift64
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        // Never zero: a hole in the file is not content.
        bytes.push((seed >> 32) as u8 | 1);
    }
    bytes.extend(checksum(&bytes).to_le_bytes());
    bytes
}

/// Returns whether the bytes are a complete version of this file.
pub fn is_whole(file_name: &str, bytes: &[u8]) -> bool {
    let fits =
        |version: &u32| header(file_name, *version, bytes.len()).len() + CHECKSUM <= bytes.len();
    let version = version_of(bytes).filter(fits);
    version.is_some_and(|version| content(file_name, version, bytes.len()) == bytes)
}

/// Returns the version in the file's header.
pub fn version_of(bytes: &[u8]) -> Option<u32> {
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let (_, version) = line.split_once(" version ")?;
    let (version, _) = version.split_once(' ')?;
    version.parse().ok()
}

fn header(file_name: &str, version: u32, length: usize) -> String {
    format!("{file_name} version {version} length {length}\n")
}

/// Returns the FNV-1a hash. It is never zero, because it seeds the body.
fn checksum(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step) | 1
}

#[test]
fn a_whole_file_is_told_from_every_damaged_one() {
    let name = "00000007.pack";
    let whole = content(name, 2, 1100);
    assert_eq!(whole.len(), 1100);
    assert!(is_whole(name, &whole));
    assert_eq!(version_of(&whole), Some(2));
    assert!(!is_whole("00000008.pack", &whole), "another file's bytes");
    for length in 0..whole.len() {
        assert!(!is_whole(name, &whole[..length]), "the first {length}");
    }
    let other = content(name, 1, 1100);
    for sector in [0..512, 512..1024, 1024..1100] {
        let mut torn = whole.clone();
        torn[sector.clone()].fill(0);
        assert!(!is_whole(name, &torn), "zeros in {sector:?}");
        torn[sector.clone()].copy_from_slice(&other[sector.clone()]);
        assert!(!is_whole(name, &torn), "the other version in {sector:?}");
    }
    let longer = [whole, vec![0]].concat();
    assert!(!is_whole(name, &longer), "a byte too many");
}
