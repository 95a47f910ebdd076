//! What ignored parameters, variants, groups and parts add to a hit that nginx answers.

use std::time::Duration;

use bench::stand::SECRET;
use djanginxed::nginx::Md5;
use djanginxed::{ConfigError, PageCache, Vary};

use crate::client::{Field, ask_with, has};
use crate::columns::{self, SERVER, SERVER_RATIO};
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::hits;
use crate::page_set::Page;
use crate::peers::Stored;
use crate::stage::Stage;
use crate::table::Table;
use crate::wrk::{Load, Targets};

const PLAIN: &str = "a plain hit";
const IGNORED: &[&str] = &["utm_*", "gclid", "fbclid"];
const TWO: &[&str] = &["language=en,de", "cookie:currency=eur,usd"];
const THREE: &[&str] = &[TWO[0], TWO[1], "group:group=member,editor"];
const THREE_BY_HMAC: &[&str] = &[TWO[0], TWO[1], "group-hmac:group=member,editor"];

/// What the page has for each visitor.
const TOKEN: &str = "0123456789abcdef";
const BADGE: &str = "<b>3 new</b>";
const WITHOUT: &str = "<b>0 new</b>";

/// One row: how nginx is set up, the target behind the page's name, and whether this is what
/// nginx may write in the place of the page's parts.
type Case = (&'static str, Stored, &'static str, fn(&str) -> bool);

fn cases() -> [Case; 12] {
    let none: fn(&str) -> bool = str::is_empty;
    let plain = Stored::default();
    let njs = Stored {
        md5: Md5::Njs,
        ..plain
    };
    let parts = Stored {
        parts: true,
        ..plain
    };
    let ignored = |stored| Stored {
        ignored: IGNORED,
        ..stored
    };
    let vary = |vary, stored| Stored { vary, ..stored };
    let sent = "hit?utm_source=letter&gclid=1";
    let is_filled = |text: &str| {
        let (nonce, token) = text.split_once(' ').unwrap_or_default();
        nonce.len() == 32 && token == TOKEN
    };
    [
        (PLAIN, plain, "hit", none),
        (
            "`--ignore-query`, no such parameter sent",
            ignored(plain),
            "hit",
            none,
        ),
        ("`--ignore-query`, two sent", ignored(plain), sent, none),
        (
            "two rules: a language, a cookie",
            vary(TWO, plain),
            "hit",
            none,
        ),
        ("the two, and a group", vary(THREE, plain), "hit", none),
        ("`--parts`, a page without", parts, "hit", none),
        ("`--parts`, a nonce and a cookie", parts, "nonce", is_filled),
        (
            "`--parts`, one include, by the application",
            parts,
            "include",
            |text| text == BADGE,
        ),
        (
            "`--parts`, one include for a cookie, which is not sent",
            parts,
            "only",
            |text| text == WITHOUT,
        ),
        ("njs: a plain hit", njs, "hit", none),
        ("njs: `--ignore-query`, two sent", ignored(njs), sent, none),
        (
            "njs: two rules, and a group by HMAC",
            vary(THREE_BY_HMAC, njs),
            "hit",
            none,
        ),
    ]
}

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let contender = |case: Case| Contender::new(case.0, || prepare(stage, case));
    Ok(vec![Table {
        id: "hit-costs",
        title: "What is added to a hit",
        about: "The generated file, layout body, one page of 10 kB that is stored plain; one nginx worker, memcached with \
             2 threads, wrk with 1 thread and 32 connections. Every row is sent the same fields: Accept-Language, and \
             four cookies."
            .to_owned(),
        reference: Some(PLAIN),
        columns: columns::load(&[SERVER, SERVER_RATIO]),
        rows: compete(cases().map(contender).into(), stage.effort.rounds),
    }])
}

fn prepare(stage: &Stage, (_, stored, rest, is_filled): Case) -> Outcome<Measure<'_>> {
    let running = stored.start(stage, &["parts"])?;
    let page = stage.usual();
    let (port, target) = (running.nginx.port, format!("/{}/{rest}", page.name));
    let fields = fields(stored.md5).map_err(|error| error.to_string())?;
    ask_with(port, &target, &fields)?;
    running.app.flush();
    let load = Load {
        fields: fields.clone(),
        ..Load::usual(stage, port, Targets::One(target.clone()))
    };
    Ok(Box::new(move |_| {
        hits::measure(stage, &load, &running, true, || {
            let answer = ask_with(port, &target, &fields)?;
            has(&answer, ("Cache-Status", "nginx; hit"))?;
            is_page(answer.text(), page, is_filled)
        })
    }))
}

/// What each request has, whatever nginx reads of it.
fn fields(md5: Md5) -> Result<Vec<Field>, ConfigError> {
    let rules = match md5 {
        Md5::Njs => THREE_BY_HMAC,
        _ => THREE,
    };
    let rule: Vary = rules[2].parse()?;
    let pages = PageCache::builder()
        .vary(rule.with_secret(SECRET))
        .build()?;
    let group = pages.group_cookie("group", "member", Duration::from_secs(86_400));
    let group = group.value();
    Ok(vec![
        ("Accept-Language", "de-DE,de;q=0.9,en;q=0.8".to_owned()),
        (
            "Cookie",
            format!("theme=dark; csrf={TOKEN}; currency=usd; group={group}"),
        ),
    ])
}

/// Whether `text` is the page, with its parts filled.
fn is_page(text: &str, page: &Page, is_filled: fn(&str) -> bool) -> Outcome {
    let (head, foot) = page.html.split_at(page.html.rfind("</main>").unwrap_or(0));
    let parts = text.strip_prefix(head);
    match parts.and_then(|text| text.strip_suffix(foot)) {
        Some(parts) if is_filled(parts) => Ok(()),
        Some(parts) => Err(format!("its parts are filled with {parts:?}")),
        None => Err("the body is not the page".to_owned()),
    }
}
