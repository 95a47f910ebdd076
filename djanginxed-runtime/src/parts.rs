//! The private steps of a request's way that benchmarks measure one by one.

use std::time::{Duration, SystemTime};

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;

use crate::cache::{PageCache, refresher};
use crate::coalesce;
use crate::entry::Entry;
use crate::key::PageKey;
use crate::layout::Layout;
use crate::life::Life;
use crate::page::Page;
use crate::personal;
use crate::policy::{self, Decision, Terms};
use crate::settings::Settings;
use crate::store::index::{self, Piece};
use crate::tag::TagKey;
use crate::vary::{GroupForger, VariantRule, VariantVisitor};

/// Whether `policy` stores a response of these headers.
pub fn is_stored(headers: &HeaderMap, page: &Page) -> bool {
    let settings = Settings::default();
    let terms = Terms {
        page,
        settings: &settings,
    };
    let decision = policy::decide(StatusCode::OK, headers, terms, SystemTime::now());
    matches!(decision, Decision::Store(_))
}

/// `entry`: a body -> what a store holds, bytes and flags.
pub fn entry_of(body: Bytes, gzip: bool) -> (Bytes, u32) {
    let entry = Entry::new(None, body);
    let entry = if gzip { entry.packed() } else { entry };
    let stored = entry.stored(false);
    (stored.body, stored.flags)
}

/// `entry`: what a store held -> the body.
pub fn body_of(bytes: Bytes, flags: u32) -> Option<Bytes> {
    Entry::read(bytes, flags, Layout::Body)?.unpacked(1_000_000)
}

/// `coalesce`, for pages of nothing.
pub struct Flights(coalesce::Flights<PageKey, ()>);

impl Flights {
    /// No flight.
    #[expect(clippy::new_without_default, reason = "one way to make one is enough")]
    pub fn new() -> Flights {
        Flights(coalesce::Flights::new())
    }

    /// A flight that nobody else joins, from its start to its end; whether
    /// it was led.
    pub fn alone(&self, key: PageKey) -> bool {
        match self.0.join(key) {
            Ok(lead) => {
                lead.share(());
                true
            }
            Err(_) => false,
        }
    }
}

/// The items of Memcached that say whether a page has `tag`; the tag belongs to the
/// cache's default key prefix.
#[must_use]
pub fn index_items(key_prefix: &str, tag: &str, page: &PageKey) -> Vec<String> {
    let tag = TagKey::new(key_prefix, tag);
    let names = Piece::of_page(tag, page).map(|piece| piece.name());
    names
        .map(|name| String::from_utf8_lossy(&name).into_owned())
        .collect()
}

/// Whether such an item lists `page`.
#[must_use]
pub fn index_lists(item: &[u8], page: &PageKey) -> bool {
    index::has(item, page)
}

/// Every variant of the pages of a cache as it stands in their keys, `~de~mobile`; one,
/// which is empty, where they do not vary.
#[must_use]
pub fn variants(pages: &PageCache) -> Vec<String> {
    let variants = pages.settings().vary.all();
    variants.iter().map(ToString::to_string).collect()
}

/// What the pages of a cache vary by, in the order in which it was declared.
#[must_use]
pub fn variant_rules(pages: &PageCache) -> Vec<VariantRule> {
    pages.settings().vary.shown()
}

/// A visitor of each variant of the pages of a cache but for the first, which is that of
/// a request that says nothing: 63 at the most.
#[must_use]
pub fn variant_visitors(pages: &PageCache) -> Vec<VariantVisitor> {
    pages.settings().vary.visitors(SystemTime::now())
}

/// Those who forge the cookie of each group, and those whose time is over: all of them are
/// as a visitor who says nothing.
#[must_use]
pub fn group_forgers(pages: &PageCache) -> Vec<GroupForger> {
    pages.settings().vary.forgers(SystemTime::now())
}

/// How long before the end of its timeout the application renders a page anew that is read,
/// by a request to itself. `fresh` is the timeout, `stale` the time behind it.
#[must_use]
pub fn refresh_lead(fresh: Duration, stale: Duration) -> Duration {
    let error = Duration::ZERO;
    refresher::lead(Life {
        fresh,
        stale,
        error,
    })
}

/// Whether a stored page has [personal parts](crate::personal), which nginx is to fill.
#[must_use]
pub fn has_commands(page: &[u8]) -> bool {
    personal::has_commands(page)
}
