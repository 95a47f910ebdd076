//! Groups of visitors: a signed cookie with an end, which nginx checks by itself.
//!
//! The cookie is `VALUE.END.HASH`: the group, the second since 1970 from which on it is
//! nothing (ten digits), and the md5 of `END NAME VALUE SECRET` in base64url. The secret
//! stands last, where a known hash cannot be extended; and what stands before it is
//! digits and declared words alone, of which nobody can make two that collide.

use std::fmt;
use std::time::{Duration, SystemTime};

use md5::{Digest, Md5};

/// How many digits the end has; enough until the year 2286.
const DIGITS: usize = 10;

/// Of the md5's 16 bytes in base64url, without padding.
const HASH: usize = 22;

/// What signs cookies. It is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    pub(super) fn new(secret: String) -> Secret {
        Secret(secret)
    }

    /// Whether it is long enough, and can stand in nginx's file.
    pub(super) fn is_good(&self) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_.-".contains(&byte);
        (32..=256).contains(&self.0.len()) && self.0.bytes().all(plain)
    }

    /// What is hashed; nginx's words or a cookie's own.
    pub(crate) fn hashed(&self, end: &str, name: &str, value: &str) -> String {
        format!("{end} {name} {value} {}", self.0)
    }

    /// A cookie's value that is good until `life` is over.
    pub(super) fn signed(
        &self,
        name: &str,
        value: &str,
        life: Duration,
        now: SystemTime,
    ) -> String {
        let end = seconds(now).saturating_add(life.as_secs());
        let end = end.clamp(1_000_000_000, 9_999_999_999).to_string();
        let hash = base64url(&Md5::digest(self.hashed(&end, name, value)).into());
        format!(
            "{value}.{end}.{}",
            str::from_utf8(&hash).unwrap_or_default()
        )
    }

    /// The group that a cookie's value says, if it is signed and has not ended.
    pub(super) fn believed<'a>(
        &self,
        name: &str,
        cookie: &'a str,
        now: SystemTime,
    ) -> Option<&'a str> {
        let mut parts = cookie.rsplitn(3, '.');
        let (hash, end, value) = (parts.next()?, parts.next()?, parts.next()?);
        let is_end = end.len() == DIGITS
            && !end.starts_with('0')
            && end.bytes().all(|byte| byte.is_ascii_digit());
        if !is_end {
            return None;
        }
        let expected = base64url(&Md5::digest(self.hashed(end, name, value)).into());
        let is_signed = is_equal(hash.as_bytes(), &expected);
        (is_signed && end.parse::<u64>().ok()? >= seconds(now)).then_some(value)
    }
}

fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// In a time that does not depend on where they differ.
fn is_equal(given: &[u8], expected: &[u8; HASH]) -> bool {
    let pairs = given.iter().zip(expected);
    let differ = pairs.fold(0, |differ, (one, other)| differ | (one ^ other));
    given.len() == HASH && std::hint::black_box(differ) == 0
}

/// Base64 for URLs (RFC 4648, section 5), without padding.
fn base64url(bytes: &[u8; 16]) -> [u8; HASH] {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let number = u128::from_be_bytes(*bytes);
    let mut text = [0; HASH];
    for (at, digit) in text.iter_mut().enumerate() {
        let bits = 128 - 6 * at as u32;
        let sextet = match bits.checked_sub(6) {
            Some(rest) => number >> rest,
            // The last digit has two bits of the number.
            None => number << (6 - bits),
        };
        *digit = DIGITS[(sextet & 63) as usize];
    }
    text
}
