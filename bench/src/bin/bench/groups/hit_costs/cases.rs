//! The rows, and what each of them is sent.

use std::time::Duration;

use bench::stand::SECRET;
use djanginxed::nginx::Md5;
use djanginxed::{ConfigError, PageCache, Vary};

use crate::contest::Outcome;
use crate::peers::Stored;

pub(super) const PLAIN: &str = "a plain hit";

const IGNORED: &[&str] = &["utm_*", "gclid", "fbclid"];
const SENT: &str = "hit?utm_source=letter&gclid=1";

const TWO: &[&str] = &["language=en,de", "cookie:currency=eur,usd"];
const THREE: &[&str] = &[TWO[0], TWO[1], "group:group=member,editor"];
const THREE_BY_HMAC: &[&str] = &[TWO[0], TWO[1], "group-hmac:group=member,editor"];

/// What the page has for each visitor.
const TOKEN: &str = "0123456789abcdef";
const BADGE: &str = "<b>3 new</b>";

/// One row: how nginx is set up, and what is asked for.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) stored: Stored,
    /// The target behind the page's name.
    pub(super) rest: &'static str,
    /// Whether this is what nginx may write in the place of the page's parts.
    pub(super) filled: fn(&str) -> bool,
}

pub(super) fn cases() -> [Case; 11] {
    let none: fn(&str) -> bool = str::is_empty;
    let case = |name, stored, rest, filled| Case {
        name,
        stored,
        rest,
        filled,
    };
    let plain = Stored {
        prefix: "costs",
        ..Stored::default()
    };
    let njs = Stored {
        md5: Md5::Njs,
        ..plain
    };
    let ignored = |stored| Stored {
        ignored: IGNORED,
        ..stored
    };
    let vary = |vary, stored| Stored { vary, ..stored };
    let parts = Stored {
        parts: true,
        ..plain
    };
    [
        case(PLAIN, plain, "hit", none),
        case("ignored parameters, none sent", ignored(plain), "hit", none),
        case("ignored parameters, two sent", ignored(plain), SENT, none),
        case("two rules: language, cookie", vary(TWO, plain), "hit", none),
        case("the two, and a group", vary(THREE, plain), "hit", none),
        case("parts on, a page without", parts, "hit", none),
        case("a nonce and a cookie", parts, "nonce", |text| {
            let (nonce, token) = text.split_once(' ').unwrap_or_default();
            nonce.len() == 32 && token == TOKEN
        }),
        case(
            "one include, by the application",
            parts,
            "include",
            |text| text == BADGE,
        ),
        case("a plain hit, njs", njs, "hit", none),
        case(
            "ignored parameters, two sent, njs",
            ignored(njs),
            SENT,
            none,
        ),
        case(
            "the two, and a group by HMAC, njs",
            vary(THREE_BY_HMAC, njs),
            "hit",
            none,
        ),
    ]
}

/// What each request has, whatever nginx reads of it.
pub(super) fn fields(case: &Case) -> Outcome<[(&'static str, String); 2]> {
    let rule = match case.stored.md5 {
        Md5::Njs => THREE_BY_HMAC[2],
        _ => THREE[2],
    };
    let group = signed(rule).map_err(|error| error.to_string())?;
    Ok([
        ("Accept-Language", "de-DE,de;q=0.9,en;q=0.8".to_owned()),
        (
            "Cookie",
            format!("theme=dark; csrf={TOKEN}; currency=usd; group={group}"),
        ),
    ])
}

/// A member's cookie.
fn signed(rule: &str) -> Result<String, ConfigError> {
    let rule: Vary = rule.parse()?;
    let pages = PageCache::builder()
        .vary(rule.with_secret(SECRET))
        .build()?;
    let cookie = pages.group_cookie("group", "member", Duration::from_secs(86_400));
    Ok(cookie.value().to_owned())
}
