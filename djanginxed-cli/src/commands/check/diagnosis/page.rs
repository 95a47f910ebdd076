//! A hit is what a miss was.

use djanginxed_runtime::tool::{Loss, has_commands};

use super::Verdict;
use super::Verdict::{Bad, Good, Unchecked};
use super::vary::{named_in_vary, says};
use crate::commands::check::answer::unpacked;
use crate::commands::check::cause::Cause;
use crate::commands::check::facts::{Facts, PageFacts, STRANGER};
use crate::gzip::is_gzip;
use crate::http::Response;

const NO_HIT: &str = "nginx does not answer";

pub(super) fn gzip(facts: &Facts) -> Verdict {
    let Some(page) = &facts.page else {
        return Unchecked(NO_HIT.to_owned());
    };
    let packed = match &page.packed {
        Ok(packed) => packed,
        Err(problem) => return Bad(Cause::Unexplained, problem.to_string()),
    };
    let bad = |line, seen: &str| Bad(Cause::GzipLines(line), seen.to_owned());
    if page.hit.header("content-encoding").is_some() {
        return bad("gunzip on;", "a client that does not accept gzip gets gzip");
    }
    if is_gzip(&page.hit.body) && !is_gzip(&page.miss.body) {
        let seen = "gzip bytes are served as if they were the page";
        return bad("memcached_gzip_flag 2;", seen);
    }
    if packed.header("content-encoding").is_none() {
        return Good("served as it is, and readable".to_owned());
    }
    if unpacked(&packed.body).as_deref() != Some(&page.hit.body) && !has_parts(facts) {
        let seen = "unpacked, the page is another than the plain one".to_owned();
        return Bad(Cause::OtherBytes, seen);
    }
    if !says(packed, "accept-encoding") {
        let seen = "gzip is served without Vary: Accept-Encoding";
        return bad("gzip_vary on;", seen);
    }
    Good("readable with Accept-Encoding: gzip, and without".to_owned())
}

pub(super) fn same(facts: &Facts) -> Verdict {
    let Some(page) = &facts.page else {
        return Unchecked(NO_HIT.to_owned());
    };
    let content_type = |response: &Response| {
        let found = response.header("content-type");
        found.unwrap_or_else(|| "none".to_owned())
    };
    let (rendered, served) = (content_type(&page.miss), content_type(&page.hit));
    if !is_same_type(&rendered, &served) {
        let seen = format!("the application says {rendered}, nginx says {served}");
        return Bad(Cause::ContentType { rendered, served }, seen);
    }
    if has_commands(&page.hit.body) {
        let seen = "nginx serves a page with its parts unfilled".to_owned();
        return Bad(Cause::PartsUnfilled, seen);
    }
    if page.miss.body != page.hit.body && has_parts(facts) {
        return Good("both have their parts filled, and differ in those".to_owned());
    }
    if page.miss.body != page.hit.body {
        let seen = format!(
            "nginx serves {} other bytes than the {} that the application rendered",
            page.hit.body.len(),
            page.miss.body.len()
        );
        return Bad(Cause::OtherBytes, seen);
    }
    Good(format!(
        "both are {} bytes of {served}",
        page.hit.body.len()
    ))
}

/// Whether the page is stored with parts in it.
fn has_parts(facts: &Facts) -> bool {
    let mut held = facts.trials.iter().flat_map(|trial| &trial.held);
    held.any(|(_, item)| has_commands(item.parts().1))
}

/// Whether nginx says what the application says. What the application says
/// nothing about is UTF-8, or it would not be stored.
fn is_same_type(rendered: &str, served: &str) -> bool {
    let (rendered, served) = (normal(rendered), normal(served));
    rendered == served || format!("{rendered};charset=utf-8") == served
}

/// White space, quotes and case do not matter in a media type.
fn normal(content_type: &str) -> String {
    content_type.to_ascii_lowercase().replace([' ', '"'], "")
}

pub(super) fn fields(facts: &Facts) -> Verdict {
    let Some(page) = &facts.page else {
        return Unchecked(NO_HIT.to_owned());
    };
    // As the application judges what it may store.
    let (lost, harmless): (Vec<String>, Vec<String>) =
        (lost(page).into_iter()).partition(|name| Loss::of(name) == Loss::Refused);
    let all: Vec<String> = lost.into_iter().chain(varies(page)).collect();
    if !all.is_empty() {
        let seen = format!("a miss has {}, and a hit has not", all.join(", "));
        return Bad(Cause::LostFields(all), seen);
    }
    let mut seen = "a hit has every field of a miss that matters".to_owned();
    if !harmless.is_empty() {
        seen.push_str(&format!("; it lacks {}", harmless.join(", ")));
    }
    let of_hits = on_hits_alone(page);
    if of_hits.is_empty() {
        return Good(seen);
    }
    Unchecked(format!(
        "{seen}, and {} is on hits alone: what .header(…) declares (nginx adds it) is not on misses and on what bypasses the cache. Let a middleware of the application add it, too",
        of_hits.join(", ")
    ))
}

/// Fields that the hit has and neither miss, and that may make another page of it.
fn on_hits_alone(page: &PageFacts) -> Vec<String> {
    let mut names: Vec<String> = page.hit.headers.keys().map(ToString::to_string).collect();
    let has = |miss: &Response, name: &str| miss.header(name).is_some();
    names.retain(|name| {
        let is_missed = has(&page.miss, name) || has(&page.other_miss, name);
        !is_missed && Loss::of(name) == Loss::Refused
    });
    names
}

/// Fields of both misses that the hit lacks, or has with another value than both.
fn lost(page: &PageFacts) -> Vec<String> {
    let [miss, other, hit] = [&page.miss, &page.other_miss, &page.hit];
    let mut names: Vec<String> = miss.headers.keys().map(ToString::to_string).collect();
    names.retain(|name| {
        let (mine, others, stored) = (miss.header(name), other.header(name), hit.header(name));
        let constant = mine == others;
        others.is_some() && (stored.is_none() || (constant && mine != stored))
    });
    names.retain(|name| Loss::of(name) != Loss::Harmless);
    names
}

/// What a miss says it differs by, and a hit does not.
fn varies(page: &PageFacts) -> impl Iterator<Item = String> {
    let names = named_in_vary(&page.miss).into_iter();
    names
        .map(|name| name.to_ascii_lowercase())
        .filter(|name| name != "accept-encoding" && !says(&page.hit, name))
        .map(|name| format!("vary: {name}"))
}

/// A page that shows its host shows the site's.
pub(super) fn own_host(facts: &Facts) -> Verdict {
    let Some(page) = &facts.page else {
        return Unchecked(NO_HIT.to_owned());
    };
    let miss = String::from_utf8_lossy(&page.miss.body);
    let host = &facts.url.origin.host;
    if let Some(shown) = upstream_name(facts, &miss) {
        let seen = format!("the page shows {shown:?}");
        match says_directly(facts, &shown) {
            // A page about nginx.
            Some(true) => {}
            None if miss.contains(host.as_str()) => {
                let why = "in its own text, or since nginx does not pass Host: give --app, which tells these apart";
                return Unchecked(format!("{seen}, {why}"));
            }
            _ => return Bad(Cause::WrongHost(shown), seen),
        }
    }
    let Some(stranger) = &page.for_stranger else {
        return Unchecked("give --app to see whether the page shows its host".to_owned());
    };
    let shows = String::from_utf8_lossy(&stranger.body).contains(STRANGER);
    if shows && !miss.contains(host.as_str()) {
        let seen = format!("the page shows the host it is asked for, and it is not {host}");
        return Bad(Cause::WrongHost("another host".to_owned()), seen);
    }
    Good(match shows {
        true => format!("the page shows {host}"),
        false => "the page shows no host".to_owned(),
    })
}

/// Whether the page has this text also where the application itself is asked, with the
/// site's host.
fn says_directly(facts: &Facts, text: &str) -> Option<bool> {
    let own = facts.direct.as_ref()?.page()?;
    Some(String::from_utf8_lossy(&own.body).contains(text))
}

/// Names that only nginx's file has.
fn upstream_name(facts: &Facts, text: &str) -> Option<String> {
    let mut names = vec!["djanginxed_app".to_owned()];
    if let Some(conf) = &facts.given.conf {
        names.extend(conf.upstreams());
    }
    let own = &facts.url.origin.host;
    names.into_iter().find(|name| {
        name.contains('_') && !own.contains(name.as_str()) && text.contains(name.as_str())
    })
}

/// What compression costs: hits are as they were stored.
pub(super) fn size(facts: &Facts) -> Verdict {
    let Some(page) = &facts.page else {
        return Unchecked(NO_HIT.to_owned());
    };
    let Ok(hit) = &page.packed else {
        return Unchecked(NO_HIT.to_owned());
    };
    let sizes = page
        .packed_miss
        .as_ref()
        .map(|miss| (miss.body.len(), hit.body.len()));
    Good(match sizes {
        Some((miss, hit)) if miss * 3 / 2 < hit => format!(
            "a hit has {hit} bytes where a miss, which is compressed, has {miss}: .gzip(true) stores pages packed"
        ),
        Some((miss, hit)) => format!("a hit has {hit} bytes, a miss {miss}"),
        None => format!("a hit has {} bytes", hit.body.len()),
    })
}
