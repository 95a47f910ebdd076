//! Hexadecimal digits. The formatter takes thirty times as long for them, which is much
//! of a miss.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The 32 digits of sixteen bytes, such as an md5, without a heap allocation.
pub(crate) fn sixteen(hash: &[u8; 16]) -> [u8; 32] {
    let mut hex = [0; 32];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(hash) {
        pair.copy_from_slice(&self::byte(*byte));
    }
    hex
}

pub(crate) fn byte(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)])
}

/// Appends `number`, in at least so many digits.
pub(crate) fn append(text: &mut Vec<u8>, number: u64, digits: u32) {
    let needed = (u64::BITS - number.leading_zeros()).div_ceil(4);
    for place in (0..needed.max(digits)).rev() {
        text.push(DIGITS[(number >> (4 * place)) as usize & 15]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_the_formatters() {
        for number in [0, 1, 15, 16, 255, 256, 0x1234_5678_9abc_def0, u64::MAX] {
            for (digits, expected) in [(1, format!("{number:x}")), (16, format!("{number:016x}"))] {
                let mut text = Vec::new();
                append(&mut text, number, digits);
                assert_eq!(String::from_utf8(text).unwrap(), expected);
            }
        }
        for number in 0..=u8::MAX {
            assert_eq!(byte(number), format!("{number:02x}").as_bytes());
        }
        let hash = std::array::from_fn(|at| (at * 17) as u8);
        assert_eq!(&sixteen(&hash), b"00112233445566778899aabbccddeeff");
    }
}
