//! What ignored parameters, variants, groups and parts add to a hit that nginx answers.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use djanginxed::nginx::Md5;
use djanginxed::{PageCache, Vary};
use visitors::stand::SECRET;

use crate::app::{Handler, Variant};
use crate::client::{Field, ask, has};
use crate::columns::{self, SERVER, SERVER_RATIO};
use crate::contest::{Measure, compete};
use crate::hits;
use crate::page_set::Page;
use crate::peers::Stored;
use crate::stage::Stage;
use crate::table::Table;
use crate::wrk::{Load, Targets};

const PLAIN: &str = "a plain hit";
const IGNORED: &[&str] = &["utm_*", "gclid", "fbclid"];
const TWO: &str = "language=en,de cookie:currency=eur,usd";
const GROUP: &str = "group:group=member,editor";
const GROUP_BY_HMAC: &str = "group-hmac:group=member,editor";
const THREE: &str = "language=en,de cookie:currency=eur,usd group:group=member,editor";
const THREE_BY_HMAC: &str = "language=en,de cookie:currency=eur,usd group-hmac:group=member,editor";

/// What the page has for each visitor.
const TOKEN: &str = "0123456789abcdef";
const BADGE: &str = "<b>3 new</b>";
const WITHOUT: &str = "<b>0 new</b>";

/// How nginx is set up, the target behind the page's name, and whether this is what
/// nginx may write in the place of the page's parts.
type Case = (Stored, &'static str, fn(&str) -> bool);

fn cases() -> [(&'static str, Case); 12] {
    let none: fn(&str) -> bool = str::is_empty;
    let usual = Variant::of(Handler::Parts);
    let plain = Stored::from(usual);
    let parts = Stored::from(Variant {
        parts: true,
        ..usual
    });
    let vary = |vary| Stored::from(Variant { vary, ..usual });
    let by_njs = |stored| Stored {
        md5: Md5::Njs,
        ..stored
    };
    let ignored = Stored {
        ignored: IGNORED,
        ..plain
    };
    let sent = "hit?utm_source=letter&gclid=1";
    let not_sent = "`--ignore-query`, no such parameter sent";
    let two_parts = "`--parts`, a nonce and a cookie";
    let one_include = "`--parts`, one include, by the application";
    let no_include = "`--parts`, one include for a cookie, which is not sent";
    let njs_sent = "njs: `--ignore-query`, two sent";
    let by_hmac = "njs: two rules, and a group by HMAC";
    [
        (PLAIN, (plain, "hit", none)),
        (not_sent, (ignored, "hit", none)),
        ("`--ignore-query`, two sent", (ignored, sent, none)),
        ("two rules: a language, a cookie", (vary(TWO), "hit", none)),
        ("the two, and a group", (vary(THREE), "hit", none)),
        ("`--parts`, a page without", (parts, "hit", none)),
        (two_parts, (parts, "nonce", is_nonce_and_token)),
        (one_include, (parts, "include", |text| text == BADGE)),
        (no_include, (parts, "only", |text| text == WITHOUT)),
        ("njs: a plain hit", (by_njs(plain), "hit", none)),
        (njs_sent, (by_njs(ignored), sent, none)),
        (by_hmac, (by_njs(vary(THREE_BY_HMAC)), "hit", none)),
    ]
}

fn is_nonce_and_token(text: &str) -> bool {
    let (nonce, token) = text.split_once(' ').unwrap_or_default();
    nonce.len() == 32 && token == TOKEN
}

pub(crate) fn measure(stage: &Stage) -> Result<Vec<Table>> {
    Ok(vec![Table {
        id: "hit-costs",
        title: "What is added to a hit",
        about: "The generated file, layout body, one page of 10 kB that is stored plain; one nginx worker, memcached with \
             2 threads, wrk with 1 thread and 32 connections. Every row is sent the same fields: Accept-Language, and \
             four cookies."
            .to_owned(),
        reference: Some(PLAIN),
        columns: columns::load(&[SERVER, SERVER_RATIO]),
        rows: compete(cases(), stage.rounds, |case| prepare(stage, case)),
    }])
}

fn prepare(stage: &Stage, (stored, rest, is_filled): Case) -> Result<Measure<'_>> {
    let running = stored.start()?;
    let page = stage.usual();
    let (port, target) = (running.nginx.port, format!("/{}/{rest}", page.name));
    let fields = fields(stored.md5)?;
    ask(port, &target, &fields)?;
    running.app.flush();
    let load = Load {
        fields: fields.clone(),
        ..Load::usual(stage, port, Targets::Each(vec![target.clone()]))
    };
    Ok(Box::new(move |_| {
        hits::measure(&load, &running.app, Some(&running.nginx), || {
            let answer = ask(port, &target, &fields)?;
            has(&answer, ("Cache-Status", "nginx; hit"))?;
            is_page(answer.text(), page, is_filled)
        })
    }))
}

/// What each request has, whatever nginx reads of it.
fn fields(md5: Md5) -> Result<Vec<Field>> {
    let rule = match md5 {
        Md5::Njs => GROUP_BY_HMAC,
        _ => GROUP,
    };
    let rule = rule.parse::<Vary>()?.with_secret(SECRET);
    let pages = PageCache::builder().vary(rule).build()?;
    let group = pages.group_cookie("group", "member", Duration::from_secs(86_400));
    let group = group.value();
    let cookies = format!("theme=dark; csrf={TOKEN}; currency=usd; group={group}");
    let languages = "de-DE,de;q=0.9,en;q=0.8".to_owned();
    Ok(vec![("Accept-Language", languages), ("Cookie", cookies)])
}

/// Whether `text` is the page, with its parts filled.
fn is_page(text: &str, page: &Page, is_filled: fn(&str) -> bool) -> Result<()> {
    let (head, foot) = page.html.split_at(page.html.rfind("</main>").unwrap_or(0));
    let parts = text.strip_prefix(head);
    let parts = parts.and_then(|text| text.strip_suffix(foot));
    let parts = parts.context("the body is not the page")?;
    ensure!(is_filled(parts), "its parts are filled with {parts:?}");
    Ok(())
}
