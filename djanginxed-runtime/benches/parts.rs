//! What the steps of a request's way cost, one by one: `cargo bench --bench parts`.

use std::hint::black_box;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, VARY,
};
use actix_web::web::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use djanginxed_runtime::PageKey;
use djanginxed_runtime::internals::{Flights, body_of, entry_of, is_stored};
use djanginxed_runtime::private::Page;

/// A page's text: this crate's own documentation and sources.
const TEXT: &str = concat!(
    include_str!("../src/policy.rs"),
    include_str!("../src/cache/mod.rs"),
);

fn key(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key");
    for length in [50, 2000] {
        let target = format!("/articles/{}", "0123456789".repeat(length))[..length].to_owned();
        group.bench_function(format!("{length} bytes"), |bencher| {
            bencher.iter(|| PageKey::new(black_box("site1"), black_box(&target)));
        });
    }
}

fn policy(criterion: &mut Criterion) {
    let headers = |fields: &[(HeaderName, &'static str)]| -> HeaderMap {
        let fields = fields.iter().cloned();
        fields
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .collect()
    };
    let usual = [(CONTENT_TYPE, "text/html; charset=utf-8")];
    let many = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=600, s-maxage=300"),
        (VARY, "Accept-Encoding"),
        (ETAG, "\"0123456789abcdef\""),
    ];
    let page = Page::new(900);
    let mut group = criterion.benchmark_group("policy");
    for (name, fields) in [("one header", &usual[..]), ("four headers", &many)] {
        let headers = headers(fields);
        assert!(is_stored(&headers, &page), "{name}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| is_stored(black_box(&headers), &page));
        });
    }
}

fn entry(criterion: &mut Criterion) {
    let body = Bytes::from_static(&TEXT.as_bytes()[..10_000]);
    let mut group = criterion.benchmark_group("entry");
    group.throughput(Throughput::Bytes(body.len() as u64));
    for (name, gzip) in [("plain", false), ("gzip", true)] {
        let (stored, flags) = entry_of(body.clone(), gzip);
        assert_eq!(body_of(stored.clone(), flags).as_ref(), Some(&body));
        group.bench_function(format!("10 kB to {name}"), |bencher| {
            bencher.iter_batched(
                || body.clone(),
                |body| entry_of(body, gzip),
                BatchSize::SmallInput,
            );
        });
        group.bench_function(format!("{name} to 10 kB"), |bencher| {
            bencher.iter_batched(
                || stored.clone(),
                |stored| body_of(stored, flags),
                BatchSize::SmallInput,
            );
        });
    }
}

fn coalesce(criterion: &mut Criterion) {
    let flights = Flights::new();
    let keys: Vec<_> = (0..1024)
        .map(|n| PageKey::new("site1", &format!("/articles/{n}")))
        .collect();
    let mut keys = keys.iter().cycle();
    criterion.bench_function("coalesce, uncontended", |bencher| {
        bencher.iter(|| keys.next().map(|key| flights.alone(*key)));
    });
}

criterion_group!(benches, key, policy, entry, coalesce);
criterion_main!(benches);
