//! Every skip and failure has a reason: the log and the counters show it.
//!
//! With the `metrics` feature each function below also counts, under names that
//! the facade's documentation lists.

use std::fmt::Display;
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};

use crate::counts::{self, Count};
use crate::key::PageKey;
use crate::purged::Purged;
use crate::reason::{Bypass, Dropped};
use crate::store::error::StoreError;
use crate::sync::{Mutex, lock};
use crate::tag::TagFault;
use crate::writer::Added;

/// Counts one, or records a value, where the `metrics` feature is on.
macro_rules! measure {
    ($kind:ident($name:literal $(, $label:literal => $value:expr)*).$method:ident($by:expr)) => {
        #[cfg(feature = "metrics")]
        ::metrics::$kind!($name $(, $label => $value)*).$method($by);
    };
}

/// Failures whose counters are 0 from the start: nobody sees that a counter has grown which
/// begins with its first failure.
pub(crate) fn begin() {
    measure!(counter("djanginxed_deletes_total", "done" => "false").increment(0));
    measure!(counter("djanginxed_purges_total", "done" => "false").increment(0));
    measure!(counter("djanginxed_change_purge_failures_total").increment(0));
    measure!(counter("djanginxed_lost_indexes_total").increment(0));
    measure!(counter("djanginxed_repeated_purges_total").increment(0));
}

/// A page was answered from `store`.
pub(crate) fn hit(store: &'static str) {
    measure!(counter("djanginxed_hits_total", "store" => store).increment(1));
    counts::one(Count::Hits);
    let _ = store;
}

/// A page was not in the store.
pub(crate) fn miss() {
    measure!(counter("djanginxed_misses_total").increment(1));
    counts::one(Count::Misses);
}

/// A page was answered with another request's render.
pub(crate) fn collapsed() {
    measure!(counter("djanginxed_collapsed_total").increment(1));
    counts::one(Count::Collapsed);
}

/// A page was answered whose time is over.
pub(crate) fn stale() {
    measure!(counter("djanginxed_stale_hits_total").increment(1));
}

/// A page was answered in place of an error of the application.
pub(crate) fn stood_in() {
    measure!(counter("djanginxed_stale_if_error_total").increment(1));
}

/// A stale page was rendered anew, and is stored or not.
pub(crate) fn refreshed(is_kept: bool) {
    measure!(counter("djanginxed_refreshes_total", "stored" => if is_kept { "true" } else { "false" }).increment(1));
    let _ = is_kept;
}

/// So many pages are looked after; there may be no room for one more.
pub(crate) fn watched(pages: usize, has_room: bool) {
    measure!(gauge("djanginxed_watched_pages").set(pages as f64));
    if !has_room {
        measure!(counter("djanginxed_watch_full_total").increment(1));
    }
    let _ = pages;
}

/// A page's time had come, and it was looked at.
pub(crate) fn looked_after(found: &'static str) {
    measure!(counter("djanginxed_refresh_looks_total", "found" => found).increment(1));
    let _ = found;
}

/// A page could not be rendered anew by a request of the application to itself.
pub(crate) fn refresh_failed(target: &str, why: &str, is_first: bool) {
    measure!(counter("djanginxed_refresh_failures_total").increment(1));
    if is_first {
        tracing::warn!(target, why, "a page is not rendered anew; trying again");
    } else {
        tracing::debug!(target, why, "a page is not rendered anew; trying again");
    }
}

/// Nobody can look after pages.
pub(crate) fn no_refresher(error: &dyn Display) {
    tracing::error!(%error, "the refresher cannot run: no page is rendered anew through a request");
}

/// A request took no part.
pub(crate) fn bypass(reason: Bypass) {
    measure!(counter("djanginxed_bypasses_total", "reason" => reason.word()).increment(1));
    counts::one(Count::Bypasses);
    tracing::trace!(reason = reason.word(), "bypassed");
}

/// A response was not stored.
pub(crate) fn skip(target: &str, reason: &'static str) {
    skip_counted(reason);
    tracing::debug!(target, reason, "not stored");
}

fn skip_counted(reason: &'static str) {
    measure!(counter("djanginxed_skips_total", "reason" => reason).increment(1));
    counts::one(Count::Skips);
    let _ = reason;
}

/// A handler gave its page a wrong tag.
pub(crate) fn wrong_tag(route: Option<&str>, target: &str, fault: &TagFault) {
    wrong_tag_counted();
    tracing::error!(route, target, "a page is not stored: {fault}");
}

pub(crate) fn wrong_tag_counted() {
    measure!(counter("djanginxed_wrong_tags_total").increment(1));
}

/// A response was not stored because hits would lack this field.
pub(crate) fn skip_for_field(target: &str, name: &HeaderName, value: &HeaderValue) {
    skip_counted("header");
    tracing::debug!(
        target,
        reason = "header",
        field = %name,
        "not stored: {}",
        Lacking(name, value)
    );
}

/// Why a response with this field is not stored, and what to do about it.
pub(crate) struct Lacking<'a>(pub(crate) &'a HeaderName, pub(crate) &'a HeaderValue);

impl Display for Lacking<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Lacking(name, value) = self;
        write!(
            f,
            "hits would lack a field; if all pages have it, declare it: .header({:?}, {:?})",
            name.as_str(),
            String::from_utf8_lossy(value.as_bytes()),
        )
    }
}

/// A page has parts, and its cache none switched on, or it is no HTML: told once.
pub(crate) fn parts_off(target: &str) {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tracing::error!(
            target,
            "a page with personal parts is not stored: its cache needs `.parts(true)`, and the \
             page the type text/html"
        );
    });
}

/// Hits of a stored page lack this private field: told once.
pub(crate) fn field_lost(name: &HeaderName) {
    /// More names than these are not told.
    const TOLD: usize = 64;
    static NAMES: Mutex<Vec<HeaderName>> = Mutex::new(Vec::new());
    let mut names = lock(&NAMES);
    if names.len() < TOLD && !names.contains(name) {
        names.push(name.clone());
        drop(names);
        tracing::warn!(
            field = %name,
            "pages are stored without this field, so that hits lack it; if all pages have it \
             with one value, declare it with PageCacheBuilder::header"
        );
    }
}

/// A handler took this long to its response's head.
pub(crate) fn rendered(took: Duration) {
    measure!(histogram("djanginxed_render_seconds").record(took.as_secs_f64()));
    let _ = took;
}

/// A lookup took this long, whatever came of it.
pub(crate) fn looked_up(key: &PageKey, took: Duration, failure: Option<&StoreError>) {
    measure!(histogram("djanginxed_lookup_seconds").record(took.as_secs_f64()));
    if let Some(error) = failure {
        counts::one(Count::LookupFailures);
        measure!(counter("djanginxed_lookup_failures_total", "kind" => error.kind()).increment(1));
        tracing::debug!(%key, kind = error.kind(), %error, "lookup failed, taken as a miss");
    }
    let _ = took;
}

/// A page goes to the store under this key.
pub(crate) fn handed_over(target: &str, key: &PageKey) {
    tracing::debug!(target, %key, "to be stored");
}

/// A store has a page.
pub(crate) fn stored(key: &PageKey, bytes: usize) {
    measure!(counter("djanginxed_stores_total").increment(1));
    counts::one(Count::Stores);
    measure!(counter("djanginxed_stored_bytes_total").increment(bytes as u64));
    tracing::debug!(%key, bytes, "stored");
}

/// A page is meant that nobody asks for in that spelling.
pub(crate) fn unusual_target(target: &str) {
    tracing::warn!(
        target,
        "no browser sends this target, so that no page is found under it: write path and query \
         as in a request, beginning with \"/\" and percent-encoded"
    );
}

/// A page that is not there was to be deleted under a prefix that no page here has.
pub(crate) fn unknown_prefix(key: &PageKey) {
    tracing::warn!(
        %key,
        "nothing is stored under this key, and no page that this process was asked for has its \
         prefix: Purge::page(target) deletes a page under whatever prefix it has"
    );
}

/// A server did not take a page.
pub(crate) fn store_failed(key: &PageKey, error: &StoreError) {
    measure!(counter("djanginxed_store_failures_total", "kind" => error.kind()).increment(1));
    counts::one(Count::StoreFailures);
    if matches!(error, StoreError::Skipped { .. }) {
        tracing::debug!(%key, kind = error.kind(), "not stored");
    } else {
        tracing::warn!(%key, kind = error.kind(), %error, "not stored");
    }
}

/// The writer did not take or send a page.
pub(crate) fn dropped(key: &PageKey, reason: Dropped) {
    measure!(counter("djanginxed_dropped_total", "reason" => reason.word()).increment(1));
    counts::one(Count::Dropped);
    match reason {
        Dropped::QueueFull | Dropped::NoWriter => {
            tracing::warn!(%key, reason = reason.word(), "not stored");
        }
        _ => tracing::debug!(%key, reason = reason.word(), "not stored"),
    }
}

/// A page was deleted, or could not be.
pub(crate) fn deleted(key: &PageKey, answer: &Result<bool, StoreError>) {
    measure!(counter("djanginxed_deletes_total", "done" => if answer.is_ok() { "true" } else { "false" }).increment(1));
    counts::one(Count::Deletes);
    match answer {
        Ok(there) => tracing::debug!(%key, there, "deleted"),
        Err(error) => tracing::warn!(%key, %error, "not deleted"),
    }
}

/// What was tagged was purged, or was not.
pub(crate) fn purged(what: &dyn Display, answer: &Result<Purged, StoreError>) {
    let done = answer.as_ref().is_ok_and(Purged::is_complete);
    measure!(counter("djanginxed_purges_total", "done" => if done { "true" } else { "false" }).increment(1));
    let _ = done;
    match answer {
        Ok(purged) => {
            measure!(counter("djanginxed_purged_pages_total").increment(purged.deleted));
            let (deleted, in_doubt) = (purged.deleted, purged.in_doubt);
            tracing::debug!(%what, deleted, "purged");
            for failure in &purged.failures {
                tracing::warn!(%what, in_doubt, %failure, "not purged everywhere");
            }
        }
        Err(error) => tracing::warn!(%what, %error, "not purged"),
    }
}

/// A server has lost pieces of an index that a purge needed.
pub(crate) fn index_lost(pieces: usize) {
    measure!(counter("djanginxed_lost_indexes_total").increment(pieces as u64));
    let _ = pieces;
}

/// A handler has changed something, and pages that show it may be left.
pub(crate) fn change_not_purged(route: Option<&str>, problem: &dyn Display, is_repeated: bool) {
    change_not_purged_counted();
    match is_repeated {
        true => tracing::error!(
            route,
            "what a request changed is not purged: {problem}; it is tried again when the server answers"
        ),
        false => tracing::error!(route, "what a request changed is not purged: {problem}"),
    }
}

/// The same, and it is not known yet.
pub(crate) fn change_purge_goes_on(route: Option<&str>) {
    change_not_purged_counted();
    tracing::error!(
        route,
        "what a request changed is not purged: it takes too long, and goes on; where it fails it is tried again"
    );
}

fn change_not_purged_counted() {
    measure!(counter("djanginxed_change_purge_failures_total").increment(1));
}

/// A server has so many purges and deletes to make up for.
pub(crate) fn pending_purges(server: &str, count: usize) {
    measure!(gauge("djanginxed_pending_purges", "server" => server.to_owned()).set(count as f64));
    let _ = (server, count);
}

/// A server has failed to purge or delete pages, and is asked again. Told once, and once
/// more where there is no room to say for which.
pub(crate) fn to_be_repeated(server: &str, failure: &StoreError, added: Added) {
    match added {
        Added::First => tracing::warn!(
            server, %failure,
            "pages that requests changed are not deleted; trying again when the server answers"
        ),
        Added::More => {}
        Added::Full => tracing::error!(
            server,
            "too many purges wait for this server: everything is purged there when it answers"
        ),
    }
}

/// A server had no room for the marker of a purge or a delete.
pub(crate) fn unmarked(server: &str, failure: &StoreError) {
    tracing::warn!(
        server, %failure,
        "a full server took no note of a purge: what is deleted there may be stored once more by \
         renders under way, and is deleted again for 10 minutes; give it more memory, and do not \
         run it with -M"
    );
}

/// It has failed again.
pub(crate) fn repeated_in_vain(server: &str, failure: &StoreError) {
    tracing::debug!(server, %failure, "pages that requests changed are not deleted; trying again");
}

/// A variable of the environment looks like a setting.
pub(crate) fn unknown_variable(name: &str) {
    tracing::warn!(
        "{name} is no setting, and is ignored: PageCache::from_env lists those that are"
    );
}

/// A server has made up for so many purges and deletes, as far as its indexes are there.
pub(crate) fn repeated(server: &str, purges: usize, deleted: u64, lost: Option<&StoreError>) {
    if let Some(failure) = lost {
        tracing::error!(server, purges, deleted, %failure, "pages that requests changed may be left");
        return;
    }
    measure!(counter("djanginxed_repeated_purges_total").increment(purges as u64));
    tracing::info!(
        server,
        purges,
        deleted,
        "what was not purged while the server failed is purged now"
    );
}

/// The last handle was dropped before a server had made up for this.
pub(crate) fn purges_lost(server: &str, purges: usize) {
    tracing::warn!(
        server,
        purges,
        "stopped with purges that this server has not carried out, and nobody repeats: pages of \
         before may be left there until their timeouts; `djanginxed purge` deletes them"
    );
}

/// A page is deleted by a change whose visitor does not wait for it any longer.
pub(crate) fn delete_goes_on(key: &PageKey) {
    tracing::warn!(%key, "a page that a request changed is not deleted yet: its server is slow");
}

/// Too many pages are in doubt after failed exchanges to look at this one again.
pub(crate) fn doubt_forgotten(key: &PageKey) {
    measure!(counter("djanginxed_store_failures_total", "kind" => "doubt-forgotten").increment(1));
    tracing::warn!(
        %key,
        "cannot tell whether a page was deleted while its server failed; it may stay until its timeout"
    );
}

/// The queue's length has changed.
pub(crate) fn queue(entries: usize, bytes: usize) {
    measure!(gauge("djanginxed_queue_entries").set(entries as f64));
    measure!(gauge("djanginxed_queue_bytes").set(bytes as f64));
    let _ = (entries, bytes);
}

/// A server's breaker has opened, because of `failure`, or closed.
pub(crate) fn breaker(server: &str, failure: Option<&StoreError>) {
    measure!(gauge("djanginxed_breaker_open", "server" => server.to_owned())
        .set(if failure.is_some() { 1.0 } else { 0.0 }));
    match failure {
        Some(error) => tracing::warn!(server, %error, "skipping a failing Memcached server"),
        None => tracing::info!(server, "the Memcached server is back"),
    }
}

/// The writer's thread cannot run.
pub(crate) fn no_writer(error: &dyn Display) {
    tracing::error!(%error, "the background writer cannot run: no page will be stored");
}

/// The last handle was dropped with pages still queued.
pub(crate) fn not_drained(pages: usize) {
    tracing::warn!(
        pages,
        "stopped with pages still queued; they are not stored"
    );
}

/// This process reads what nginx tells of its hits, which may be nothing.
pub(crate) fn feed_read(path: &str) {
    nginx_hit(0, 0);
    tracing::info!(path, "reading what nginx tells of its hits");
}

/// nginx tells of hits that the application does not see.
pub(crate) fn nginx_hit(hits: u32, bytes: u64) {
    measure!(counter("djanginxed_nginx_hits_total").increment(u64::from(hits)));
    measure!(
        counter("djanginxed_nginx_hit_bytes_total")
            .increment(bytes.saturating_mul(u64::from(hits)))
    );
    let _ = (hits, bytes);
}

/// Something on the feed of hits was not nginx's.
pub(crate) fn hit_refused() {
    measure!(counter("djanginxed_hit_feed_refused_total").increment(1));
}

/// nginx may not tell of its hits.
pub(crate) fn feed_denied(path: &Path, why: &str) {
    tracing::warn!(
        path = %path.display(),
        "nginx cannot tell of its hits, and is to try again every five minutes only: {why}; put \
         nginx's user into the group of the socket and its folder"
    );
}

/// Nobody reads what nginx tells of its hits.
pub(crate) fn no_feed(path: &str, error: &dyn Display) {
    tracing::warn!(path, %error, "cannot read what nginx tells of its hits; trying again");
}
