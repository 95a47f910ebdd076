//! Whole responses, whatever they are: what the policy takes comes back equal.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use testkit::http::{Request, Response};

use crate::responses::body;
use crate::stack::{Script, Stack, Way, cache_status};

const STATUSES: [u16; 9] = [200, 203, 300, 301, 308, 404, 405, 410, 501];

#[derive(Clone, Debug, Default)]
struct Wanted {
    status: u16,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Wanted {
    fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::from_u16(self.status).unwrap());
        for (name, value) in &self.fields {
            let name: HeaderName = name.parse().unwrap();
            response.append_header((name, HeaderValue::from_bytes(value).unwrap()));
        }
        response.body(self.body.clone())
    }
}

/// Text that a field may have, with tabs and bytes that are no ASCII.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let inner = prop_oneof![8 => 0x20_u8..0x7f, 1 => Just(b'\t'), 1 => 0x80_u8..];
    (
        prop_oneof![0x21_u8..0x7f, 0x80_u8..],
        prop::collection::vec(inner, 0..30),
        0x21_u8..0x7f,
    )
        .prop_map(|(first, inner, last)| [&[first][..], &inner, &[last]].concat())
}

fn known(name: &'static str, values: &'static [&'static str]) -> BoxedStrategy<(String, Vec<u8>)> {
    prop::sample::select(values)
        .prop_map(move |value| (name.to_owned(), value.as_bytes().to_vec()))
        .boxed()
}

/// A field that is kept as it is.
fn kept() -> impl Strategy<Value = (String, Vec<u8>)> {
    prop_oneof![
        4 => ("x-[a-z]{1,3}", value()),
        1 => ("[a-z!#$%&*+.^_|~]{1,3}[0-9]", value()),
        1 => (Just("content-security-policy".to_owned()), value()),
        1 => (Just("content-language".to_owned()), value()),
        1 => (Just("content-disposition".to_owned()), value()),
        1 => (Just("access-control-allow-origin".to_owned()), value()),
        1 => (Just("link".to_owned()), value()),
        1 => known("refresh", &["5", "0; url=/a"]),
        1 => known("location", &["/a", "https://example.com/b?c=d"]),
        1 => known("last-modified", &["Sun, 06 Nov 1994 08:49:37 GMT"]),
    ]
}

/// A field by which a response is refused, or which hits have otherwise or not at all.
fn other() -> impl Strategy<Value = (String, Vec<u8>)> {
    prop_oneof![
        known("set-cookie", &["a=b"]),
        known("vary", &["accept-encoding", "*", "cookie"]),
        known(
            "cache-control",
            &[
                "public",
                "max-age=60",
                "private",
                "no-store, must-understand"
            ]
        ),
        known("expires", &["0", "Thu, 01 Jan 2099 00:00:00 GMT"]),
        known("age", &["5", "5000"]),
        known("pragma", &["no-cache"]),
        known("connection", &["x-a", "x-b, x-c"]),
        known("content-encoding", &["identity", "br"]),
        known("x-accel-expires", &["5"]),
        known("x-srcache-allow-ranges", &["1"]),
        known("cdn-cache-control", &["max-age=5", "no-store"]),
    ]
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => Just(Vec::new()),
        2 => prop::collection::vec(any::<u8>(), 1..3_000),
        3 => ("[a-z \r\n]{1,40}", 1_usize..500).prop_map(|(text, times)| text.repeat(times).into_bytes()),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let types = prop::sample::select(vec![
        "text/html; charset=utf-8",
        "text/plain",
        "application/json",
        "image/png",
        "text/html; charset=iso-8859-1",
        "application/atom+xml;type=feed",
    ]);
    let tag = prop::option::of(prop::sample::select(vec!["\"own\"", "W/\"own\""]));
    let fields = (
        prop::collection::vec(kept(), 0..6),
        prop_oneof![
            2 => Just(Vec::new()),
            1 => prop::collection::vec(other(), 1..3),
        ],
    );
    let status = prop::sample::select(&STATUSES[..]);
    (status, types, tag, fields, any_body()).prop_map(|(status, kind, tag, (kept, other), body)| {
        let mut fields = vec![("content-type".to_owned(), kind.into())];
        fields.extend(tag.map(|tag| ("etag".to_owned(), tag.into())));
        // Of these there is one at the most.
        let mut once = BTreeSet::from(["location", "refresh", "last-modified"].map(str::to_owned));
        let single = once.clone();
        fields.extend(
            kept.into_iter()
                .filter(|(name, _)| !single.contains(name) || once.remove(name)),
        );
        fields.extend(other);
        Wanted {
            status,
            fields,
            body,
        }
    })
}

/// Fields of one answer, of nginx, or of the entry, which the comparison leaves out.
const OWN: [&str; 12] = [
    "accept-ranges",
    "server",
    "date",
    "connection",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "cache-status",
    "etag",
    "vary",
    "cache-control",
    "expires",
];

/// The fields of a response that a hit of it has, each with its lines in their order.
fn end_to_end(wanted: &Wanted) -> Vec<(String, Vec<String>)> {
    let gone = ["age", "cdn-cache-control", "x-srcache-allow-ranges"];
    let hops: BTreeSet<String> = wanted
        .fields
        .iter()
        .filter(|(name, _)| name == "connection")
        .flat_map(|(_, value)| {
            let names = String::from_utf8_lossy(value).into_owned();
            names
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    let stays = |name: &str| !OWN.contains(&name) && !gone.contains(&name) && !hops.contains(name);
    grouped(wanted.fields.iter().map(|(name, value)| {
        (
            name.to_ascii_lowercase(),
            String::from_utf8_lossy(value).into_owned(),
        )
    }))
    .into_iter()
    .filter(|(name, _)| stays(name))
    .collect()
}

fn grouped(fields: impl Iterator<Item = (String, String)>) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in fields {
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => groups.push((name, vec![value])),
        }
    }
    groups.sort();
    groups
}

fn fields_of(answer: &Response) -> Vec<(String, Vec<String>)> {
    let fields = answer.headers.iter();
    let fields = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    grouped(fields.filter(|(name, _)| !OWN.contains(&name.as_str())))
}

#[test]
fn any_response_that_is_stored_comes_back_equal() {
    comes_back_equal(Way::Srcache);
}

#[test]
fn any_response_that_is_stored_comes_back_equal_through_the_script() {
    comes_back_equal(Way::Script);
}

fn comes_back_equal(way: Way) {
    let wish = Arc::new(Mutex::new(Wanted::default()));
    let wished = Arc::clone(&wish);
    let stack = Stack::setup()
        .way(way)
        .cache(|builder| builder.gzip(true).statuses(STATUSES))
        .start(Script::new(move |_| wished.lock().unwrap().response()));
    let [number, stored, packed_ones] = [(); 3].map(|()| Cell::new(0));
    let count = |counter: &Cell<u32>| counter.set(counter.get() + 1);
    let mut runner = TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(200)
    });
    runner
        .run(&wanted(), |wanted| {
            count(&number);
            wish.lock().unwrap().clone_from(&wanted);
            let target = format!("/{}", number.get());
            let plain = Request::get(&target);
            let miss = plain.send(stack.application.port());
            stack.settle();
            if cache_status(&miss) != "djanginxed; fwd=uri-miss; stored" {
                prop_assert!(stack.item(&target).is_none(), "{:?}", miss);
                return Ok(());
            }
            count(&stored);
            let packed = Request::get(&target).header("accept-encoding", "gzip");
            let answers = [
                plain.send(stack.nginx.port()),
                packed.send(stack.nginx.port()),
                plain.send(stack.application.port()),
                packed.send(stack.application.port()),
            ];
            for answer in answers {
                prop_assert!(cache_status(&answer).ends_with("hit"), "{:?}", answer);
                prop_assert_eq!(answer.status, wanted.status);
                prop_assert_eq!(body(&answer), wanted.body.clone());
                prop_assert_eq!(fields_of(&answer), end_to_end(&wanted));
                if answer.header("content-encoding").is_some() {
                    count(&packed_ones);
                }
                let tag = |answer: &Response| {
                    let tag = answer.header("etag").unwrap_or_default();
                    tag.trim_start_matches("W/").to_owned()
                };
                prop_assert_eq!(tag(&answer), tag(&miss));
            }
            Ok(())
        })
        .unwrap();
    assert!(stored.get() > 50, "{stored:?} of 200 are stored");
    assert!(packed_ones.get() > 20, "{packed_ones:?} answers are packed");
}
