//! Markers: what stands for a part in a handler's output.
//!
//! `djpart`, a code that only this process can make for what follows, what the part is,
//! and `z`. Letters and digits alone, so that no escaping changes it. The code is made of
//! all of the part: who sees a marker can make no other.

use std::fmt::{self, Write};
use std::sync::OnceLock;

use actix_web::web::Bytes;
use md5::{Digest, Md5};
use memchr::memmem;
use subtle::ConstantTimeEq;

use super::cookies::MAX_NAME;
use super::{MAX_DEFAULT, MAX_TARGET, Part, is_cookie, is_target};

const START: &[u8] = b"djpart";

/// Hexadecimal digits of the code.
const CODE: usize = 32;

/// No marker is longer.
const MAX: usize = START.len() + CODE + 2 * (MAX_TARGET + MAX_DEFAULT + MAX_NAME) + 16;

/// What a handler's output is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Text(Bytes),
    Part(Part),
}

/// New in each process; none where the system has no randomness.
fn secret() -> Option<&'static [u8; 32]> {
    static SECRET: OnceLock<Option<[u8; 32]>> = OnceLock::new();
    let random = || {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).ok().map(|()| bytes)
    };
    SECRET.get_or_init(random).as_ref()
}

/// The code of a part's words. The secret stands at both ends, so that no words can be
/// added to known ones.
fn code(words: &[u8]) -> Option<String> {
    let secret = secret()?;
    let mut hash = Md5::new();
    hash.update(secret);
    hash.update(words);
    hash.update(secret);
    Some(hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn words(part: &Part) -> String {
    match part {
        Part::Nonce => "n".to_owned(),
        Part::Cookie(name) => format!("k{}", hex(name.as_bytes())),
        Part::Include {
            target,
            default,
            cookie,
        } => {
            let target = target.as_deref().unwrap_or_default();
            let words = format!("i{}y{}", hex(target.as_bytes()), hex(default.as_bytes()));
            match cookie {
                Some(name) => format!("{words}k{}", hex(name.as_bytes())),
                None => words,
            }
        }
    }
}

/// Writes the marker of a part; nothing where the system has no randomness.
pub(super) fn write(part: &Part, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let words = words(part);
    match code(words.as_bytes()) {
        Some(code) => write!(f, "djpart{code}{words}z"),
        None => {
            tracing::error!("a page lacks its parts: the system has no randomness");
            Ok(())
        }
    }
}

/// The marker of a nonce.
pub(crate) fn nonce_marker() -> String {
    super::nonce().to_string()
}

/// Whether there may be markers in `text`.
pub(crate) fn mentions(text: &[u8]) -> bool {
    memmem::find(text, START).is_some()
}

/// Whether a body has parts.
pub(crate) fn has_markers(body: &[u8]) -> bool {
    let is_part = |segment: &Segment| matches!(segment, Segment::Part(_));
    mentions(body) && split(body).iter().any(is_part)
}

/// What stands where a marker may begin.
enum Found {
    Marker(Part, usize),
    /// As far as it goes, it may be one.
    Begun,
    Text,
}

fn look(bytes: &[u8]) -> Found {
    let is_inner =
        |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'n' | b'k' | b'i' | b'y');
    let rest = &bytes[START.len()..];
    let bounded = &rest[..rest.len().min(MAX)];
    let Some(end) = bounded.iter().position(|byte| !is_inner(byte)) else {
        return match rest.len() < MAX {
            true => Found::Begun,
            false => Found::Text,
        };
    };
    match (rest[end], part_of(&rest[..end])) {
        (b'z', Some(part)) => Found::Marker(part, START.len() + end + 1),
        _ => Found::Text,
    }
}

fn part_of(inside: &[u8]) -> Option<Part> {
    let (given, words) = inside.split_at_checked(CODE)?;
    let is_ours: bool = code(words)?.as_bytes().ct_eq(given).into();
    if !is_ours {
        return None;
    }
    let (kind, words) = words.split_first()?;
    match kind {
        b'n' => words.is_empty().then_some(Part::Nonce),
        b'k' => text(words).filter(|name| is_cookie(name)).map(Part::Cookie),
        b'i' => {
            let middle = words.iter().position(|byte| *byte == b'y')?;
            let target = text(&words[..middle])?;
            let mut rest = words[middle + 1..].splitn(2, |byte| *byte == b'k');
            Some(Part::Include {
                target: is_target(&target).then_some(target),
                default: text(rest.next()?)?,
                cookie: match rest.next() {
                    Some(name) => Some(text(name).filter(|name| is_cookie(name))?),
                    None => None,
                },
            })
        }
        _ => None,
    }
}

fn text(hex: &[u8]) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = hex.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    });
    String::from_utf8(pairs.collect::<Option<Vec<u8>>>()?).ok()
}

/// Takes a body apart that comes in chunks, wherever their borders are.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    held: Vec<u8>,
}

impl Splitter {
    /// What is certain after this chunk.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Vec<Segment> {
        self.held.extend_from_slice(chunk);
        self.take(false)
    }

    /// The rest.
    pub(crate) fn end(&mut self) -> Vec<Segment> {
        self.take(true)
    }

    fn take(&mut self, is_end: bool) -> Vec<Segment> {
        let mut segments = Vec::new();
        let held = std::mem::take(&mut self.held);
        let mut from = 0;
        let mut at = 0;
        let kept = loop {
            let Some(found) = memmem::find(&held[at..], START) else {
                break held.len() - begun(&held[at..]);
            };
            at += found;
            match look(&held[at..]) {
                Found::Marker(part, length) => {
                    push_text(&mut segments, &held[from..at]);
                    segments.push(Segment::Part(part));
                    at += length;
                    from = at;
                }
                Found::Begun if !is_end => break at,
                Found::Begun | Found::Text => at += 1,
            }
        };
        let kept = if is_end { held.len() } else { kept };
        push_text(&mut segments, &held[from..kept]);
        self.held = held[kept..].to_vec();
        segments
    }
}

/// How many bytes at the end of `text` may begin a marker.
fn begun(text: &[u8]) -> usize {
    let longest = (START.len() - 1).min(text.len());
    let is_begun = |length: &usize| text.ends_with(&START[..*length]);
    (1..=longest).rev().find(is_begun).unwrap_or_default()
}

fn push_text(segments: &mut Vec<Segment>, text: &[u8]) {
    if !text.is_empty() {
        segments.push(Segment::Text(Bytes::copy_from_slice(text)));
    }
}

/// Takes a whole body apart.
pub(crate) fn split(body: &[u8]) -> Vec<Segment> {
    let mut splitter = Splitter::default();
    let mut segments = splitter.push(body);
    segments.extend(splitter.end());
    segments
}
