//! Responses of any kind, judged by an oracle that never parses a header: it
//! knows what was written because it has written it.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// A Cache-Control directive, and how it reads.
#[derive(Clone, Debug)]
struct Directive {
    text: String,
    means: Means,
}

#[derive(Clone, Copy, Debug)]
enum Means {
    ForbidsSharing,
    Shared(u64),
    Own(u64),
    Nothing,
}

fn any_case(word: &'static str) -> impl Strategy<Value = String> {
    vec(any::<bool>(), word.len()).prop_map(move |upper| {
        let cased = word.chars().zip(upper);
        cased
            .map(|(c, upper)| if upper { c.to_ascii_uppercase() } else { c })
            .collect()
    })
}

fn spaced(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let space = || select(vec!["", " ", "\t", "  "]);
    (space(), text, space()).prop_map(|(before, text, after)| format!("{before}{text}{after}"))
}

fn grant(name: &'static str, means: fn(u64) -> Means) -> impl Strategy<Value = Directive> {
    let seconds = prop_oneof![0..5_u64, 0..2_000_u64, any::<u64>()];
    (spaced(any_case(name)), seconds, any::<bool>()).prop_map(move |(name, seconds, quoted)| {
        let text = if quoted {
            format!("{name}=\"{seconds}\"")
        } else {
            format!("{name}={seconds}")
        };
        let means = means(seconds);
        Directive { text, means }
    })
}

fn directive() -> impl Strategy<Value = Directive> {
    let forbidding = select(vec!["private", "no-store", "no-cache"])
        .prop_flat_map(|word| (spaced(any_case(word)), select(vec!["", "=x", "=\"a, b\""])))
        .prop_map(|(word, value)| Directive {
            text: word + value,
            means: Means::ForbidsSharing,
        });
    let harmless = select(vec!["public", "immutable", "x-private=1", "a=\"b, c\"", ""]).prop_map(
        |text: &str| Directive {
            text: text.to_owned(),
            means: Means::Nothing,
        },
    );
    prop_oneof![
        1 => forbidding,
        3 => grant("s-maxage", Means::Shared),
        3 => grant("max-age", Means::Own),
        3 => harmless,
    ]
}

/// A header line besides Cache-Control, and the reason it gives.
fn line() -> impl Strategy<Value = (&'static str, &'static str, Option<Reason>)> {
    select(vec![
        ("set-cookie", "a=b", Some(Reason::SetCookie)),
        ("vary", "Accept-Encoding", None),
        ("vary", "accept-encoding , accept", Some(Reason::Vary)),
        ("content-encoding", "identity", None),
        ("content-encoding", "gzip", Some(Reason::ContentEncoding)),
        ("content-disposition", "inline", Some(Reason::Header)),
        ("access-control-max-age", "5", Some(Reason::Header)),
        ("x-frame-options", "DENY", None),
        ("x-frame-options", "ALLOW", Some(Reason::Header)),
        ("x-other", "private", None),
        ("etag", "\"private\"", None),
        ("link", "</>; rel=next", Some(Reason::Header)),
        ("surrogate-control", "max-age=5", None),
        ("surrogate-control", "no-store", Some(Reason::CacheControl)),
    ])
}

fn content_type() -> impl Strategy<Value = (&'static str, Option<Reason>)> {
    let refused = Some(Reason::ContentType);
    prop_oneof![
        6 => select(vec![
            ("text/html", None),
            ("Text/HTML; Charset=\"utf-8\"", None),
        ]),
        1 => select(vec![
            ("text/html; charset=latin1", refused),
            ("text/plain", refused),
            ("", refused),
        ]),
    ]
}

/// What the documentation's table says of it.
fn expected(
    reasons: &[Reason],
    cache_control: &[Directive],
    age: Option<u64>,
    timeout: u64,
) -> Decision {
    const ORDER: [Reason; 5] = [
        Reason::SetCookie,
        Reason::CacheControl,
        Reason::Vary,
        Reason::ContentEncoding,
        Reason::ContentType,
    ];
    let forbids = |directive: &Directive| matches!(directive.means, Means::ForbidsSharing);
    let forbidden = cache_control.iter().any(forbids);
    for reason in ORDER.into_iter().chain([Reason::Header]) {
        if reasons.contains(&reason) || (reason == Reason::CacheControl && forbidden) {
            return Decision::Skip(reason);
        }
    }
    let mut shared = None;
    let mut own = None;
    for directive in cache_control {
        match directive.means {
            Means::Shared(seconds) => shared = Some(seconds.min(shared.unwrap_or(u64::MAX))),
            Means::Own(seconds) => own = Some(seconds.min(own.unwrap_or(u64::MAX))),
            Means::ForbidsSharing | Means::Nothing => {}
        }
    }
    let granted = shared.or(own).unwrap_or(u64::MAX).min(timeout);
    match granted.saturating_sub(age.unwrap_or(0)) {
        0 => Decision::Skip(Reason::Expired),
        left => stored_for(left),
    }
}

proptest! {
    #[test]
    fn every_response_is_judged_as_the_documentation_says(
        cache_control in vec(vec(directive(), 0..3), 0..3),
        lines in vec(line(), 0..3),
        content_type in content_type(),
        age in prop::option::of(0..2_000_u64),
        timeout in 1..2_000_u32,
    ) {
        let mut all = headers(&[("content-type", content_type.0)]);
        for (name, value, _) in &lines {
            all.append(name.parse().unwrap(), HeaderValue::from_static(value));
        }
        for line in &cache_control {
            let texts: Vec<_> = line.iter().map(|directive| directive.text.as_str()).collect();
            all.append(header::CACHE_CONTROL, texts.join(",").parse().unwrap());
        }
        if let Some(age) = age {
            all.insert(header::AGE, age.into());
        }
        let declared = [(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))];
        let reasons: Vec<_> = lines.iter().filter_map(|line| line.2).chain(content_type.1).collect();
        prop_assert_eq!(
            judged(StatusCode::OK, &all, &Page::new(timeout), &declared),
            expected(&reasons, &cache_control.concat(), age, timeout.into())
        );
    }

    #[test]
    fn no_bytes_make_it_panic_or_store_what_is_not_for_others(
        lines in vec((name(), value()), 0..6),
        status in prop_oneof![4 => Just(200_u16), 1 => 100..1000_u16],
    ) {
        let all = headers(&lines);
        let status = StatusCode::from_u16(status).unwrap();
        if let Decision::Store(life) = judged(status, &all, &PAGE, &[]) {
            prop_assert_eq!(status, StatusCode::OK);
            prop_assert!(!life.fresh.is_zero() && life.fresh <= PAGE.timeout());
            prop_assert!(!all.contains_key("set-cookie"));
            prop_assert_eq!(all.get_all("content-type").count(), 1);
            let text = |name| all.get_all(name).map(|line| {
                String::from_utf8_lossy(line.as_bytes()).to_lowercase()
            }).collect::<Vec<_>>();
            prop_assert!(text("content-type")[0].starts_with("text/html"));
            for line in text("cache-control") {
                prop_assert!(!line.split(',').any(forbids), "{}", line);
            }
        }
    }
}

/// Whether a lower-case directive is one of those that forbid sharing.
fn forbids(directive: &str) -> bool {
    ["private", "no-store", "no-cache"].iter().any(|word| {
        let rest = directive.trim().strip_prefix(word);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['=', ' ', '\t']))
    })
}

fn name() -> impl Strategy<Value = &'static str> {
    select(vec![
        "cache-control",
        "content-type",
        "set-cookie",
        "vary",
        "content-encoding",
        "age",
        "expires",
        "date",
        "x-frame-options",
    ])
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let visible = prop_oneof![0x20..=0x7e_u8, 0x80..=0xff_u8, Just(b'\t')];
    let pieces = select(vec![
        &b"private"[..],
        b"no-store",
        b"No-Cache",
        b"text/html",
        b";charset=utf-8",
        b"max-age=",
        b"s-maxage=\"",
        b"60",
        b",",
        b" ",
        b"\"",
        b"=",
        b";",
        b"identity",
        b"accept-encoding",
        b"Tue, 14 Nov 2023 22:13:20 GMT",
    ]);
    prop_oneof![
        1 => vec(visible, 0..12),
        3 => vec(pieces, 0..5).prop_map(|pieces| pieces.concat()),
        2 => Just(b"text/html".to_vec()),
    ]
}
