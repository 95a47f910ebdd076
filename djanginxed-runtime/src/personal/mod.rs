//! Parts of a cached page that are another one for each visitor.
//!
//! A handler or a template writes them where any text may stand: each is
//! [`Display`], and of letters and digits alone, so that no template's escaping changes
//! it. The cache must have [`parts`](crate::PageCacheBuilder::parts) switched on:
//!
//! ```
//! use actix_web::{Responder, get, web};
//! use djanginxed_runtime::personal::{cookie, include, nonce};
//!
//! #[get("/")]
//! async fn front() -> impl Responder {
//!     web::Html::new(format!(
//!         "<header>{badge}</header>\
//!          <script nonce=\"{nonce}\" src=\"/shop.js\"></script>\
//!          <form method=\"post\"><input name=\"csrf\" type=\"hidden\" value=\"{token}\"></form>",
//!         badge = include("/account/badge").or("<a href=\"/login\">Sign in</a>"),
//!         nonce = nonce(),
//!         token = cookie("csrftoken"),
//!     ))
//! }
//! ```
//!
//! nginx fills them at each hit (with its SSI, in stored pages alone), the application in
//! all that it answers itself. What is written is a marker that only this process can
//! make, so a visitor's text never becomes a part. They belong into responses of handlers that
//! are cached, of type `text/html`; a marker that another handler sends is not filled.

mod cookies;
mod marker;
mod stored;

use std::fmt::{self, Display};
use std::sync::atomic::{AtomicBool, Ordering};

use djanginxed_rules::is_cookie_name;

pub(crate) use self::cookies::{TOO_LONG as TOO_LONG_COOKIES, value as cookie_value};
pub(crate) use self::marker::{Segment, Splitter, has_markers, mentions, nonce_marker, split};
pub(crate) use self::stored::{NONCE_VARIABLE, PART_PATH, Stored, has_commands, read};

/// No page has more parts that are included; with more it is not stored, and those beyond
/// are their default texts.
pub(crate) const MAX_INCLUDES: usize = 32;

/// What is included may include other things, and those no more.
pub(crate) const MAX_DEPTH: u8 = 2;

/// The longest target, in bytes as written in a page.
const MAX_TARGET: usize = 1024;

/// The longest default text, in bytes.
const MAX_DEFAULT: usize = 16 << 10;

/// Whether this process has written a part: until then nobody looks for any.
static USED: AtomicBool = AtomicBool::new(false);

/// Whether any page of this process can have a part.
pub(crate) fn are_used() -> bool {
    USED.load(Ordering::Relaxed)
}

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The answer's nonce.
    Nonce,
    /// The visitor's cookie of this name.
    Cookie(String),
    /// What the visitor would get for `target`; without it, where that fails, or where he
    /// does not have a cookie that is named, `default`.
    Include {
        target: Option<String>,
        default: String,
        cookie: Option<String>,
    },
}

impl Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        USED.store(true, Ordering::Relaxed);
        marker::write(self, f)
    }
}

/// What [`nonce`] is in a page.
#[derive(Clone, Copy, Debug)]
pub struct Nonce(());

/// 32 hexadecimal digits that are new in each answer, and the same in all of one answer:
/// for `nonce` attributes, and for the Content-Security-Policy field, which the cache is
/// told with `{nonce}` in it:
///
/// ```
/// # fn main() -> Result<(), djanginxed_runtime::ConfigError> {
/// let pages = djanginxed_runtime::PageCache::builder()
///     .parts(true)
///     .header("Content-Security-Policy", "script-src 'nonce-{nonce}'")
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// Every answer then has the field, with its nonce. Never write a nonce before text of
/// visitors that is not escaped: it would let their scripts run.
#[must_use = "it does nothing until it is written into a page"]
pub fn nonce() -> Nonce {
    Nonce(())
}

impl Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Part::Nonce.fmt(f)
    }
}

/// What [`cookie()`] is in a page.
#[derive(Clone, Debug)]
pub struct Cookie(String);

/// The value of the visitor's own cookie `name`, up to 256 of `A-Z a-z 0-9 . _ -`, with `< > & "` escaped;
/// nothing where there is none. It may stand in text, and in an attribute between double
/// quotes, nowhere else: nginx does not escape single quotes.
///
/// It is not decoded: what the cookie says as `%20`, the page says as `%20`. Names are
/// compared without case.
#[must_use = "it does nothing until it is written into a page"]
pub fn cookie(name: impl Into<String>) -> Cookie {
    Cookie(name.into())
}

impl Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match checked_cookie(&self.0) {
            Some(name) => Part::Cookie(name.to_owned()).fmt(f),
            None => Ok(()),
        }
    }
}

/// What [`include()`] is in a page.
#[derive(Clone, Debug)]
pub struct Include {
    target: String,
    default: String,
    cookie: Option<String>,
}

/// What the visitor would get for `target`, path and query of this site as in a link: asked
/// for by GET with the visitor's own cookies, at each answer.
///
/// Its handler sees the visitor as in any request, and sends HTML without `<html>`; it
/// may be cached itself, with a life of its own. A page has 32 of them at the most, what is included may
/// include others, and those no more. A target is at most 1,024 bytes and begins with `/`;
/// what no target may have in it is percent-encoded.
#[must_use = "it does nothing until it is written into a page"]
pub fn include(target: impl Into<String>) -> Include {
    Include {
        target: target.into(),
        default: String::new(),
        cookie: None,
    }
}

impl Include {
    /// HTML for the case that there is no answer with status 200: the application is down, or
    /// says 404, or is [not asked](Self::only_with_cookie). Up to 16 KiB, without parts in it.
    /// It is not escaped.
    #[must_use = "it does nothing until it is written into a page"]
    pub fn or(self, html: impl Into<String>) -> Include {
        Include {
            default: html.into(),
            ..self
        }
    }

    /// Asks only for visitors who have the cookie `name`, with a value that is not empty;
    /// all others get the text of [`or`](Self::or) from nginx alone, and cost the
    /// application nothing.
    ///
    /// Most visitors have no basket, and so nothing to be asked for:
    ///
    /// ```
    /// use djanginxed_runtime::personal::include;
    ///
    /// let badge = include("/basket/badge")
    ///     .only_with_cookie("basket")
    ///     .or("<a href=\"/basket\">Basket</a>");
    /// let page = format!("<header>{badge}</header>");
    /// ```
    ///
    /// The cookie is found as that of [`cookie()`]: the first counts, names are compared
    /// without case, and have up to 256 of `A-Z a-z 0-9 . _ -`; with any other name the part
    /// is its default text for all, and the log says so. A name without `.` and `-` costs
    /// nginx less. What the cookie says does not matter, and nobody has checked it: that is
    /// for the handler of the target.
    #[must_use = "it does nothing until it is written into a page"]
    pub fn only_with_cookie(self, name: impl Into<String>) -> Include {
        Include {
            cookie: Some(name.into()),
            ..self
        }
    }
}

impl Display for Include {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = &self.target;
        let target = encoded(given);
        if target.is_none() {
            tracing::error!(
                target = %given.chars().take(100).collect::<String>(),
                "a part's target begins with \"/\" and has 1,024 bytes at the most"
            );
        }
        let mut default = self.default.as_str();
        if default.len() > MAX_DEFAULT {
            tracing::error!(target = %given, "a part's default text has 16 KiB at the most");
            default = "";
        }
        let cookie = self.cookie.as_deref();
        // Nobody has a cookie whose name is none.
        let target = target.filter(|_| cookie.is_none_or(|name| checked_cookie(name).is_some()));
        Part::Include {
            cookie: cookie.filter(|_| target.is_some()).map(str::to_owned),
            default: default.to_owned(),
            target,
        }
        .fmt(f)
    }
}

/// Whether a part can be the cookie of this name.
fn is_cookie(name: &str) -> bool {
    is_cookie_name(name) && name.len() <= cookies::MAX_NAME
}

/// The name, where it is that of a cookie.
fn checked_cookie(name: &str) -> Option<&str> {
    if !is_cookie(name) {
        tracing::error!(
            name = %name.chars().take(100).collect::<String>(),
            "a part's cookie needs a name of up to 256 of A-Z a-z 0-9 . _ -"
        );
        return None;
    }
    Some(name)
}

/// A target of this site as it may stand in SSI, where `$` begins a variable and `"` ends a
/// value: what may not stand there is percent-encoded.
fn encoded(target: &str) -> Option<String> {
    if !target.starts_with('/') {
        return None;
    }
    let mut encoded = String::with_capacity(target.len());
    for byte in target.bytes() {
        if is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    (encoded.len() <= MAX_TARGET).then_some(encoded)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/?&=;:@!*,.~-_+%()".contains(&byte)
}

/// Whether a target is one that [`encoded`] writes.
fn is_target(target: &str) -> bool {
    target.starts_with('/') && target.len() <= MAX_TARGET && target.bytes().all(is_plain)
}

#[cfg(test)]
mod tests;
