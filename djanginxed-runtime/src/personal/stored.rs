//! Pages as they are stored: parts are nginx's SSI commands, and no other text is.

use actix_web::web::Bytes;
use md5::{Digest, Md5};
use memchr::memmem;

use super::cookies::{self, MAX_EXPRESSION, MAX_NAME};
use super::marker::{Segment, split};
use super::{MAX_DEFAULT, MAX_TARGET, Part, is_cookie, is_target};
use crate::hex;

/// The location of nginx's file through which parts are asked for.
pub(crate) const PART_PATH: &str = "/_djanginxed-part";

/// nginx's variable with the nonce of an answer.
pub(crate) const NONCE_VARIABLE: &str = "djanginxed_nonce";

const COMMAND: &[u8] = b"<!--#";
const NONCE: &str = "<!--# echo var=\"djanginxed_nonce\" default=\"\" -->";
const COOKIE: &str = "<!--# echo var=\"cookie_";
const COOKIE_END: &str = "\" default=\"\" -->";
const BLOCK: &str = "<!--# block name=\"";
const NAMED: &str = "\" -->";
const BLOCK_END: &str = "<!--# endblock -->";
const INCLUDE: &str = "<!--# include virtual=\"/_djanginxed-part?";
const STUB: &str = "\" stub=\"";
// No block stands between these: its end would end what is left out, too.
const IF: &str = "<!--# if expr=\"";
const ELSE: &str = "<!--# else -->";
const IF_END: &str = "<!--# endif -->";

/// The length of a block's name.
const NAME: usize = 33;

/// The longest default text once no command is in it: of five signs one gets a space.
const MAX_STORED_DEFAULT: usize = MAX_DEFAULT + MAX_DEFAULT / 5 + 1;

/// A page as nginx reads it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    pub(crate) text: Vec<u8>,
    pub(crate) parts: usize,
    pub(crate) includes: usize,
}

impl Stored {
    /// Turns a handler's output into it: markers become commands, and what reads like a
    /// command becomes a comment, whose text begins with a space.
    pub(crate) fn of(body: &[u8]) -> Stored {
        let mut stored = Stored {
            text: Vec::with_capacity(body.len() + 64),
            ..Stored::default()
        };
        for segment in split(body) {
            match segment {
                Segment::Text(text) => stored.add_text(&text),
                Segment::Part(part) => stored.add(&part),
            }
        }
        stored.end();
        stored
    }

    /// nginx keeps back what may begin a command, and at the end of a page it drops that:
    /// something has to stand behind it.
    fn end(&mut self) {
        let start = &COMMAND[..COMMAND.len() - 1];
        if (1..=start.len()).any(|length| self.text.ends_with(&start[..length])) {
            self.text.push(b'\n');
        }
    }

    /// Looks at what has been written before, so that no border between pieces hides
    /// a command.
    fn add_text(&mut self, text: &[u8]) {
        let mut from = 0;
        for at in memchr::memchr_iter(b'#', text) {
            self.text.extend_from_slice(&text[from..at]);
            if self.text.ends_with(b"<!--") {
                self.text.push(b' ');
            }
            from = at;
        }
        self.text.extend_from_slice(&text[from..]);
    }

    fn add(&mut self, part: &Part) {
        match part {
            Part::Nonce => self.add_command(NONCE),
            Part::Cookie(name) => self.add_command(&format!("{COOKIE}{name}{COOKIE_END}")),
            // Nothing is asked for, so it is a text like others.
            Part::Include {
                target: None,
                default,
                ..
            } => return self.add_text(default.as_bytes()),
            Part::Include {
                target: Some(target),
                default,
                cookie,
            } => {
                self.includes += 1;
                self.add_include(target, default, cookie.as_deref());
            }
        }
        self.parts += 1;
    }

    fn add_command(&mut self, command: &str) {
        self.text.extend_from_slice(command.as_bytes());
    }

    /// The default text stands before the include, which shows it where there is no answer,
    /// and for a condition once more, for visitors without the cookie.
    fn add_include(&mut self, target: &str, default: &str, cookie: Option<&str>) {
        let name = block_name(target, default);
        self.add_command(&format!("{BLOCK}{name}{NAMED}"));
        self.add_text(default.as_bytes());
        self.add_command(BLOCK_END);
        let include = format!("{INCLUDE}{target}{STUB}{name}{NAMED}");
        let Some(cookie) = cookie else {
            return self.add_command(&include);
        };
        let tested = cookies::expression(cookie);
        self.add_command(&format!("{IF}{tested}{NAMED}{include}{ELSE}"));
        self.add_text(default.as_bytes());
        self.add_command(IF_END);
    }
}

/// nginx knows a block by its name in all that an answer is made of, so a name is one
/// of the block's content.
fn block_name(target: &str, default: &str) -> String {
    let mut hash = Md5::new();
    hash.update(target);
    hash.update("\n");
    hash.update(default);
    let digits = hex::sixteen(&hash.finalize().into());
    std::iter::once('d').chain(digits.map(char::from)).collect()
}

/// Whether a stored page has parts.
pub(crate) fn has_commands(page: &[u8]) -> bool {
    let is_part = |segment: &Segment| matches!(segment, Segment::Part(_));
    memmem::find(page, COMMAND).is_some() && read(page).iter().any(is_part)
}

/// Takes a stored page apart; what no writer of pages has written is text.
pub(crate) fn read(page: &[u8]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = memmem::find(&page[at..], COMMAND) {
        at += found;
        match command(&page[at..]) {
            Some((part, length)) => {
                add_text(&mut segments, &page[from..at]);
                segments.push(Segment::Part(part));
                at += length;
                from = at;
            }
            None => at += 1,
        }
    }
    add_text(&mut segments, &page[from..]);
    segments
}

fn add_text(segments: &mut Vec<Segment>, text: &[u8]) {
    if !text.is_empty() {
        segments.push(Segment::Text(Bytes::copy_from_slice(text)));
    }
}

fn command(page: &[u8]) -> Option<(Part, usize)> {
    if page.starts_with(NONCE.as_bytes()) {
        return Some((Part::Nonce, NONCE.len()));
    }
    let mut rest = Rest { page, at: 0 };
    if rest.skip(COOKIE).is_some() {
        let name = rest.until(COOKIE_END, MAX_NAME)?;
        let name = Some(name).filter(|name| is_cookie(name))?;
        return Some((Part::Cookie(name), rest.at));
    }
    rest.skip(BLOCK)?;
    let name = rest.until(NAMED, NAME)?;
    let default = rest.until(BLOCK_END, MAX_STORED_DEFAULT)?;
    let cookie = match rest.skip(IF) {
        Some(()) => {
            let tested = rest.until(NAMED, MAX_EXPRESSION)?;
            let name = cookies::name_in(&tested).filter(|name| is_cookie(name))?;
            Some(name.to_owned())
        }
        None => None,
    };
    rest.skip(INCLUDE)?;
    let target = rest.until(STUB, MAX_TARGET)?;
    rest.skip(&name)?;
    rest.skip(NAMED)?;
    if cookie.is_some() {
        for after in [ELSE, &default, IF_END] {
            rest.skip(after)?;
        }
    }
    let part = Part::Include {
        target: Some(Some(target).filter(|target| is_target(target))?),
        default,
        cookie,
    };
    Some((part, rest.at))
}

struct Rest<'a> {
    page: &'a [u8],
    at: usize,
}

impl Rest<'_> {
    fn skip(&mut self, text: &str) -> Option<()> {
        let is_next = self.page[self.at..].starts_with(text.as_bytes());
        is_next.then(|| self.at += text.len())
    }

    /// What stands before `end`, which is skipped, too: `most` bytes, so that a page that
    /// somebody else has written is looked through once and not once a command.
    fn until(&mut self, end: &str, most: usize) -> Option<String> {
        let rest = &self.page[self.at..];
        let rest = &rest[..rest.len().min(most + end.len())];
        let length = memmem::find(rest, end.as_bytes())?;
        self.at += length + end.len();
        String::from_utf8(rest[..length].to_vec()).ok()
    }
}
