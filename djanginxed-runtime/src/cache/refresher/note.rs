//! How a page is asked for, as it is noted beside the page, so that a purge by any process
//! can have it rendered anew.
//!
//! What comes out of Memcached is not to be trusted. So a note is read only if the page
//! that it asks for is the very one beside which it lies: its key is made anew of what the
//! note says.

use std::time::Duration;

use actix_web::http::uri::PathAndQuery;
use actix_web::web::Bytes;
use djanginxed_rules::is_media_type;

use super::{Wanted, list};
use crate::host::{self, Host, Scheme};
use crate::key::{KeyRecipe, PageKey};
use crate::settings::Settings;
use crate::settings::check::check_key_prefix;

/// The first line; another version has another one.
const VERSION: &str = "djanginxed 1";

/// Of a page that takes long to render.
const SLOW: &str = "slow";

/// A note as it is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) wanted: Wanted,
    pub(super) is_slow: bool,
}

impl Wanted {
    /// What is noted of a page of this prefix and type, whose render `took` so long.
    pub(crate) fn note(&self, prefix: &str, media_type: &str, took: Duration) -> Bytes {
        let Wanted {
            target,
            host,
            scheme,
            values,
        } = self;
        let speed = if took > list::SLOW { SLOW } else { "" };
        format!("{VERSION}\n{speed}\n{prefix}\n{media_type}\n{values}\n{scheme}\n{host}\n{target}")
            .into()
    }
}

/// Reads the note of the page of `key`; none where it is not of that page, or asks for
/// what no visitor of the site could have asked for.
pub(super) fn read(note: &[u8], key: &PageKey, settings: &Settings) -> Option<Noted> {
    let mut lines = str::from_utf8(note).ok()?.splitn(8, '\n');
    let mut line = || lines.next();
    if line()? != VERSION {
        return None;
    }
    let is_slow = line()? == SLOW;
    let (prefix, media_type) = (line()?, line()?);
    let values = settings.vary.read(line()?)?;
    let (scheme, host, target) = (line()?, line()?, line()?);
    let recipe = KeyRecipe::of(settings.layout, prefix, media_type).with_parts(settings.parts);
    let is_of_page = (prefix.is_empty() || check_key_prefix(prefix).is_ok())
        && is_media_type(media_type)
        && is_target(target)
        && recipe.with_variant(&values.to_string()).key(target) == *key;
    if !is_of_page || !is_host(host, Scheme::of(scheme.as_bytes())?, &settings.hosts) {
        return None;
    }
    let wanted = Wanted::new(target, host, scheme, values)?;
    Some(Noted { wanted, is_slow })
}

/// Whether it is one as a whole, with no fragment behind it.
fn is_target(target: &str) -> bool {
    let parsed = PathAndQuery::try_from(target);
    target.starts_with('/') && parsed.is_ok_and(|parsed| parsed == target)
}

/// Whether it is one of the site's own, where those are known.
fn is_host(host: &str, scheme: Scheme, own: &[Host]) -> bool {
    match own {
        [] => Host::parse(host).is_some_and(|host| host.scheme.is_none()),
        own => host::is_allowed(own, host, scheme),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::PageCache;
    use crate::vary::Vary;

    const QUICK: Duration = Duration::from_millis(1);

    fn settings(hosts: &[&str]) -> Settings {
        let builder = PageCache::builder()
            .key_prefix("site1")
            .hosts(hosts)
            .vary(Vary::language(["en", "de"]))
            .vary(Vary::mobile());
        builder.checked_in_memory().unwrap()
    }

    fn wanted(target: &str, host: &str, variant: &str) -> Wanted {
        let values = settings(&[]).vary.read(variant).unwrap();
        Wanted::new(target, host, "https", values).unwrap()
    }

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let settings = settings(&[]);
        for (prefix, media_type, start) in [
            ("site1", "text/html", "site1~de~mobile"),
            ("", "text/html", "~de~mobile"),
            (
                "news",
                "application/json",
                "news~de~mobile=application/json",
            ),
        ] {
            for (took, is_slow) in [(QUICK, false), (list::SLOW * 2, true)] {
                let wanted = wanted("/a?b=%20&c", "www.example.com:8080", "~de~mobile");
                let note = wanted.note(prefix, media_type, took);
                let key = PageKey::new(start, "/a?b=%20&c");
                let read = read(&note, &key, &settings);
                assert_eq!(read, Some(Noted { wanted, is_slow }));
            }
        }
    }

    #[test]
    fn a_note_is_of_its_own_page_alone() {
        let settings = settings(&[]);
        let note = wanted("/a", "a", "~en~desktop").note("site1", "text/html", QUICK);
        let is_read = |key| read(&note, &key, &settings).is_some();
        assert!(is_read(PageKey::new("site1~en~desktop", "/a")));
        for (start, target) in [
            ("site1~en~desktop", "/b"),
            ("site1~de~desktop", "/a"),
            ("site1", "/a"),
            ("site2~en~desktop", "/a"),
            ("site1~en~desktop=application/json", "/a"),
        ] {
            assert!(!is_read(PageKey::new(start, target)), "{start} {target}");
        }
    }

    #[test]
    fn no_part_of_a_note_stands_for_another() {
        let settings = settings(&[]);
        let key = PageKey::new("site1~en~desktop", "/a/b");
        let lines = |prefix, media_type, variant, host, target| {
            let note =
                format!("{VERSION}\n\n{prefix}\n{media_type}\n{variant}\nhttp\n{host}\n{target}");
            read(note.as_bytes(), &key, &settings).is_some()
        };
        assert!(lines("site1", "text/html", "~en~desktop", "a", "/a/b"));
        // The same text is hashed, or another host is asked for.
        assert!(!lines("site1~en~desktop/a", "text/html", "", "a", "/b"));
        assert!(!lines("site1", "text/html", "~en~desktop/a", "a", "/b"));
        assert!(!lines("site1", "text/html", "~en~desktop", "a", "/a/b#c"));
        assert!(!lines("site1", "text/html", "~fr~desktop", "a", "/a/b"));
        for host in ["", "a b", "http://a", "a/", "a@b", "a\rb: c"] {
            assert!(!lines("site1", "text/html", "~en~desktop", host, "/a/b"));
        }
        let of_type = PageKey::new("site1~en~desktop=a/b", "/c/d");
        let note = format!("{VERSION}\n\nsite1\na/b/c\n~en~desktop\nhttp\na\n/d");
        assert!(read(note.as_bytes(), &of_type, &settings).is_none());
    }

    #[test]
    fn only_the_sites_own_hosts_are_asked_for_where_they_are_known() {
        let key = PageKey::new("site1~en~desktop", "/a");
        let is_read = |hosts: &[&str], host| {
            let note = wanted("/a", host, "~en~desktop").note("site1", "text/html", QUICK);
            read(&note, &key, &settings(hosts)).is_some()
        };
        assert!(is_read(&["www.example.com"], "www.example.com:8080"));
        assert!(is_read(&["https://www.example.com"], "WWW.example.com"));
        assert!(!is_read(&["http://www.example.com"], "www.example.com"));
        assert!(!is_read(&["www.example.com"], "elsewhere.example"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_server_says_is_no_note_of_another_page(
            note in proptest::collection::vec(proptest::num::u8::ANY, 0..3_000),
            text in "djanginxed 1\n(slow)?\n.{0,9}\n.{0,9}\n.{0,9}\n.{0,9}\n.{0,9}\n.{0,9}",
        ) {
            let (key, settings) = (PageKey::new("site1~en~desktop", "/a"), settings(&[]));
            proptest::prop_assert!(read(&note, &key, &settings).is_none());
            proptest::prop_assert!(read(text.as_bytes(), &key, &settings).is_none());
        }
    }
}
