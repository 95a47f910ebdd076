//! Groups of visitors: a signed cookie with an end, which nginx checks by itself.
//!
//! The cookie is `VALUE.END.HASH`: the group, the second since 1970 from which on it is
//! nothing (ten digits), and a hash in base64url. `docs/security.md` says what each kind
//! of hash is worth.

use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How many digits the end has; enough until the year 2286.
const DIGITS: usize = 10;

/// How a group's cookie is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    /// The md5 of `END NAME VALUE SECRET`, which nginx works out by `secure_link_md5`.
    /// The secret stands last, where a known hash cannot be extended; and what stands
    /// before it is digits and declared words alone, of which nobody can make two that
    /// collide.
    Md5,
    /// The HMAC-SHA256 of `END NAME VALUE`, its key the secret, which nginx works out by
    /// njs.
    Hmac,
}

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

    /// As it stands in nginx's file.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

/// What is signed; nginx's words or a cookie's own. None of them has a space.
pub(crate) fn message(end: &str, name: &str, value: &str) -> String {
    format!("{end} {name} {value}")
}

/// Signs the cookies of a group, and checks them.
#[derive(Clone, Debug)]
pub(crate) struct Seal {
    pub(crate) signature: Signature,
    pub(crate) secret: Secret,
}

impl Seal {
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
        let hash = self.hash(&end, name, value);
        format!("{value}.{end}.{hash}")
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
        let expected = self.hash(end, name, value);
        let is_signed = bool::from(hash.as_bytes().ct_eq(expected.as_bytes()));
        (is_signed && end.parse::<u64>().ok()? >= seconds(now)).then_some(value)
    }

    /// In base64 for URLs (RFC 4648, section 5), without padding.
    fn hash(&self, end: &str, name: &str, value: &str) -> String {
        let message = message(end, name, value);
        let secret = self.secret.reveal();
        match self.signature {
            Signature::Md5 => URL_SAFE_NO_PAD.encode(Md5::digest(format!("{message} {secret}"))),
            Signature::Hmac => {
                let mut hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
                    .expect("HMAC takes a key of any length");
                hmac.update(message.as_bytes());
                URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes())
            }
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
