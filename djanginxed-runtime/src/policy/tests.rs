mod arbitrary;

use actix_web::http::header::HeaderValue;

use super::*;

const PAGE: Page = Page::new(900);

/// A moment of whole seconds, as HTTP dates are.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn in_seconds(seconds: i64) -> String {
    let offset = Duration::from_secs(seconds.unsigned_abs());
    let date = if seconds < 0 {
        now() - offset
    } else {
        now() + offset
    };
    httpdate::fmt_http_date(date)
}

fn headers<V: AsRef<[u8]>>(lines: &[(&str, V)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_ref()).unwrap();
        headers.append(name.parse().unwrap(), value);
    }
    headers
}

fn judged(
    status: StatusCode,
    headers: &HeaderMap,
    page: &Page,
    declared: &[(HeaderName, HeaderValue)],
) -> Decision {
    let settings = Settings {
        headers: declared.to_vec(),
        ..Settings::default()
    };
    let settings = &settings;
    decide(status, headers, Terms { page, settings }, now())
}

fn judge(page: &Page, headers: &HeaderMap) -> Decision {
    judged(StatusCode::OK, headers, page, &[])
}

/// The decision for an HTML page that also has these header lines.
fn with<V: AsRef<[u8]>>(lines: &[(&str, V)]) -> Decision {
    let mut all = headers(&[("content-type", "text/html; charset=utf-8")]);
    for (name, value) in headers(lines).iter() {
        all.append(name.clone(), value.clone());
    }
    judge(&PAGE, &all)
}

fn with_cache_control(value: &str) -> Decision {
    with(&[("cache-control", value)])
}

fn stored_for(seconds: u64) -> Decision {
    stored_and_stale(seconds, 0)
}

fn stored_and_stale(fresh: u64, stale: u64) -> Decision {
    Decision::Store(Life {
        fresh: Duration::from_secs(fresh),
        stale: Duration::from_secs(stale),
        error: Duration::ZERO,
    })
}

#[test]
fn for_how_long_a_page_stands_in_for_errors_the_response_says_before_the_page() {
    let settings = Settings {
        stale_if_error: Duration::from_secs(5),
        ..Settings::default()
    };
    for (page, control, expected) in [
        (Page::new(60), "", 5),
        (Page::new(60).stale_if_error(7), "", 7),
        (Page::new(60).stale_if_error(0), "", 0),
        (Page::new(60), "max-age=9, stale-if-error=8", 8),
        (Page::new(60), "stale-if-error=8, must-revalidate", 0),
        (Page::new(60), "proxy-revalidate", 0),
    ] {
        let headers = headers(&[("content-type", "text/html"), ("cache-control", control)]);
        let terms = Terms {
            page: &page,
            settings: &settings,
        };
        let decision = decide(StatusCode::OK, &headers, terms, SystemTime::now());
        let Decision::Store(life) = decision else {
            panic!("{control}: {decision:?}");
        };
        assert_eq!(life.error, Duration::from_secs(expected), "{control}");
    }
}

#[test]
fn for_how_long_a_page_is_stale_the_response_says_before_the_page_before_the_cache() {
    let settings = Settings {
        stale: Duration::from_secs(5),
        ..Settings::default()
    };
    let plain = Page::new(60);
    let own = Page::new(60).stale(7);
    let judged = |page: &Page, control: &str| {
        let headers = headers(&[("content-type", "text/html"), ("cache-control", control)]);
        let terms = Terms {
            page,
            settings: &settings,
        };
        decide(StatusCode::OK, &headers, terms, SystemTime::now())
    };
    assert_eq!(judged(&plain, "public"), stored_and_stale(60, 5));
    assert_eq!(judged(&own, "public"), stored_and_stale(60, 7));
    assert_eq!(judged(&own.stale(0), "public"), stored_and_stale(60, 0));
    let said = "max-age=30, stale-while-revalidate=9";
    assert_eq!(judged(&own, said), stored_and_stale(30, 9));
    for word in ["must-revalidate", "Proxy-Revalidate"] {
        let both = format!("{word}, stale-while-revalidate=9");
        assert_eq!(judged(&own, &both), stored_and_stale(60, 0), "{word}");
    }
    let more_than_ten_years = judged(&own, "stale-while-revalidate=4000000000");
    assert_eq!(more_than_ten_years, stored_and_stale(60, 315_360_000));
}

#[test]
fn must_understand_keeps_no_store_for_caches_that_do_not_know_the_status() {
    let said = "max-age=60, no-store, must-understand";
    assert_eq!(with_cache_control(said), stored_for(60));
    let settings = Settings {
        layout: Layout::Response,
        statuses: vec![StatusCode::OK, StatusCode::from_u16(599).unwrap()],
        ..Settings::default()
    };
    let judged = |status: u16, control: &str| {
        let headers = headers(&[("content-type", "text/html"), ("cache-control", control)]);
        let terms = Terms {
            page: &PAGE,
            settings: &settings,
        };
        decide(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            terms,
            now(),
        )
    };
    assert_eq!(judged(200, said), stored_for(60));
    let unknown = judged(599, said);
    assert_eq!(unknown, Decision::Skip(Reason::CacheControl));
    for control in [
        "no-store, must-understandable",
        "no-store, x=\"must-understand\"",
        "private, must-understand, no-store",
        "no-cache, must-understand, no-store",
    ] {
        let refused = with_cache_control(control);
        assert_eq!(refused, Decision::Skip(Reason::CacheControl), "{control}");
    }
    // A status that nothing is known of is taken where it says that it may be.
    assert_eq!(judged(599, "no-transform"), Decision::Skip(Reason::Expired));
    assert_eq!(
        judged(599, "public"),
        stored_and_stale(PAGE.timeout().min(settings.error_timeout).as_secs(), 0)
    );
}

#[test]
fn a_plain_page_is_stored_for_its_timeout() {
    assert_eq!(with::<&str>(&[]), stored_for(900));
}

#[test]
fn only_status_200_is_stored() {
    let html = headers(&[("content-type", "text/html")]);
    for status in (100..1000).filter_map(|code| StatusCode::from_u16(code).ok()) {
        let decision = judged(status, &html, &PAGE, &[]);
        if status == StatusCode::OK {
            assert_eq!(decision, stored_for(900));
        } else {
            assert_eq!(decision, Decision::Skip(Reason::Status), "{status}");
        }
    }
}

/// One violation a row, in the order in which they are checked.
const VIOLATIONS: [(Reason, &str, &str); 7] = [
    (Reason::SetCookie, "set-cookie", "id=1"),
    (Reason::CacheControl, "cache-control", "no-store"),
    (Reason::Vary, "vary", "cookie"),
    (Reason::ContentEncoding, "content-encoding", "br"),
    (Reason::ContentType, "content-type", "text/html"),
    (Reason::Header, "refresh", "5"),
    (Reason::Expired, "age", "900"),
];

#[test]
fn each_violation_is_refused_for_its_own_reason() {
    for (reason, name, value) in VIOLATIONS {
        assert_eq!(with(&[(name, value)]), Decision::Skip(reason), "{name}");
    }
}

#[test]
fn of_two_violations_the_first_of_the_list_is_named() {
    for (at, (reason, name, value)) in VIOLATIONS.into_iter().enumerate() {
        for (_, later, other) in &VIOLATIONS[at + 1..] {
            let found = with(&[(*later, *other), (name, value)]);
            assert_eq!(found, Decision::Skip(reason), "{name} before {later}");
        }
        let all = headers(&[(name, value)]);
        let found = judged(StatusCode::NOT_FOUND, &all, &PAGE, &[]);
        assert_eq!(found, Decision::Skip(Reason::Status));
    }
}

#[test]
fn reasons_have_the_words_of_the_documentation() {
    let words = VIOLATIONS.map(|(reason, _, _)| reason.word());
    assert_eq!(
        words,
        [
            "set-cookie",
            "cache-control",
            "vary",
            "content-encoding",
            "content-type",
            "header",
            "expired"
        ]
    );
    let others = [
        (Reason::Method, "method"),
        (Reason::Status, "status"),
        (Reason::Empty, "empty"),
        (Reason::TooLarge, "too-large"),
        (Reason::Incomplete, "incomplete"),
    ];
    for (reason, word) in others {
        assert_eq!(reason.word(), word);
    }
}

#[test]
fn a_set_cookie_is_refused_whatever_it_says() {
    for value in [&b""[..], b"id=1", b"\xff"] {
        let found = with(&[("set-cookie", value)]);
        assert_eq!(found, Decision::Skip(Reason::SetCookie));
    }
}

#[test]
fn cache_control_that_forbids_sharing_is_refused_however_it_is_written() {
    for value in [
        "private",
        "no-store",
        "no-cache",
        "PRIVATE",
        "No-Store",
        "public, no-cache",
        "max-age=60,private",
        "max-age=60 ,\t private ",
        ",,private,,",
        "private=\"x-user\"",
        "no-cache=\"set-cookie, x-user\"",
        "private =\"x\"",
        "ext=\"a, private\"",
        "ext=\"no-store, b\"",
        // Written wrongly, and meant.
        "private; max-age=60",
        "max-age=60; private",
        "no-store max-age=60",
        "max-age=60 no-cache",
    ] {
        let found = with_cache_control(value);
        assert_eq!(found, Decision::Skip(Reason::CacheControl), "{value:?}");
    }
}

#[test]
fn cache_control_is_read_over_all_its_lines() {
    let found = with(&[
        ("cache-control", "max-age=60"),
        ("cache-control", "public"),
        ("cache-control", "private"),
    ]);
    assert_eq!(found, Decision::Skip(Reason::CacheControl));
}

#[test]
fn a_line_that_is_not_utf8_hides_no_directive() {
    let found = with(&[("cache-control", &b"\xff\xfe, private"[..])]);
    assert_eq!(found, Decision::Skip(Reason::CacheControl));
    let found = with(&[("vary", &b"\xff"[..])]);
    assert_eq!(found, Decision::Skip(Reason::Vary));
    let found = with(&[("content-encoding", &b"\xff"[..])]);
    assert_eq!(found, Decision::Skip(Reason::ContentEncoding));
}

#[test]
fn words_that_only_contain_a_forbidding_one_are_no_reason() {
    for value in ["x-private", "privately", "no-store2", "must-revalidate", ""] {
        assert_eq!(with_cache_control(value), stored_for(900), "{value:?}");
    }
}

#[test]
fn vary_may_name_accept_encoding_only() {
    for value in ["Accept-Encoding", "accept-encoding, ACCEPT-ENCODING", ", ,"] {
        assert_eq!(with(&[("vary", value)]), stored_for(900), "{value:?}");
    }
    for value in [
        "*",
        "Cookie",
        "Accept-Encoding, Cookie",
        "accept",
        "x-accept-encoding",
        "Accept-Encoding Cookie",
    ] {
        let found = with(&[("vary", value)]);
        assert_eq!(found, Decision::Skip(Reason::Vary), "{value:?}");
    }
    let found = with(&[("vary", "accept-encoding"), ("vary", "origin")]);
    assert_eq!(found, Decision::Skip(Reason::Vary));
}

#[test]
fn content_encoding_may_be_identity_only() {
    for value in ["identity", "IDENTITY", "identity, identity", ""] {
        let found = with(&[("content-encoding", value)]);
        assert_eq!(found, stored_for(900), "{value:?}");
    }
    for value in ["gzip", "BR", "identity, gzip", "aws-chunked"] {
        let found = with(&[("content-encoding", value)]);
        assert_eq!(found, Decision::Skip(Reason::ContentEncoding), "{value:?}");
    }
    let found = with(&[("content-encoding", "identity"), ("content-encoding", "br")]);
    assert_eq!(found, Decision::Skip(Reason::ContentEncoding));
}

#[test]
fn the_pages_type_is_stored_however_it_is_written() {
    for value in [
        "text/html",
        "TEXT/Html",
        "text/html;charset=utf-8",
        "text/html ; charset=UTF-8",
        "text/html;\tCHARSET=Utf-8",
        "text/html; charset=\"utf-8\"",
        "text/html;",
        "text/html; charset=utf-8; charset=\"UTF-8\"",
    ] {
        let found = judge(&PAGE, &headers(&[("content-type", value)]));
        assert_eq!(found, stored_for(900), "{value:?}");
    }
}

#[test]
fn a_type_that_nginx_would_change_is_refused() {
    for value in [
        &b""[..],
        b"text/plain",
        b"text/htm",
        b"text/html5",
        b"application/json",
        b"text/html, text/plain",
        b"text/html; charset=iso-8859-1",
        b"text/html; charset=utf8",
        b"text/html; charset=utf-80",
        b"text/html; charset=\"utf-8",
        b"text/html; charset",
        b"text/html; charset=utf-8; charset=latin1",
        b"text/html; boundary=x",
        b"text/html; profile=\"; charset=utf-8\"",
        b"text/html; charset=utf-8\xff",
        b"\xff",
    ] {
        let found = judge(&PAGE, &headers(&[("content-type", value)]));
        assert_eq!(found, Decision::Skip(Reason::ContentType), "{value:?}");
    }
}

#[test]
fn a_missing_or_second_content_type_is_refused() {
    let refused = Decision::Skip(Reason::ContentType);
    assert_eq!(judge(&PAGE, &HeaderMap::new()), refused);
    let twice = headers(&[("content-type", "text/html"), ("content-type", "text/html")]);
    assert_eq!(judge(&PAGE, &twice), refused);
}

#[test]
fn a_page_of_another_type_stores_that_type_and_not_html() {
    let feed = PAGE.content_type("application/rss+xml");
    let rss = headers(&[("content-type", "application/rss+xml; charset=utf-8")]);
    assert_eq!(judge(&feed, &rss), stored_for(900));
    let html = headers(&[("content-type", "text/html")]);
    assert_eq!(judge(&feed, &html), Decision::Skip(Reason::ContentType));
}

#[test]
fn headers_that_change_the_page_are_refused() {
    for name in [
        "Content-Disposition",
        "Content-Language",
        "Content-Security-Policy",
        "Clear-Site-Data",
        "Permissions-Policy",
        "Referrer-Policy",
        "Refresh",
        "X-Frame-Options",
        "X-Robots-Tag",
        "Cross-Origin-Opener-Policy",
        "Cross-Origin-Embedder-Policy",
        "Cross-Origin-Resource-Policy",
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Credentials",
        "X-Accel-Redirect",
        "X-Accel-Expires",
        "X-Content-Type-Options",
        "Strict-Transport-Security",
        "Feature-Policy",
        "Document-Policy",
        "Origin-Agent-Cluster",
        "X-Permitted-Cross-Domain-Policies",
        "Service-Worker-Allowed",
        "Link",
        "Reporting-Endpoints",
        "NEL",
        "Invented-Tomorrow",
    ] {
        let found = with(&[(name, "x")]);
        assert_eq!(found, Decision::Skip(Reason::Header), "{name}");
    }
}

#[test]
fn other_headers_are_no_reason() {
    for name in [
        "etag",
        "last-modified",
        "x-request-id",
        "content-length",
        "Server-Timing",
    ] {
        assert_eq!(with(&[(name, "1")]), stored_for(900), "{name}");
    }
}

#[test]
fn a_private_header_is_lost_and_said() {
    let lines = headers(&[
        ("x-request-id", "1"),
        ("x-frame-options", "DENY"),
        ("etag", "1"),
    ]);
    let lost: Vec<_> = private_losses(&lines, &[]).collect();
    assert_eq!(lost, ["x-request-id"]);
    let declared = [(
        "x-request-id".parse().unwrap(),
        HeaderValue::from_static("1"),
    )];
    assert_eq!(private_losses(&lines, &declared).count(), 0);
}

#[test]
fn the_field_that_is_refused_is_named() {
    let lines = headers(&[("etag", "1"), ("link", "</a.css>; rel=preload")]);
    let (name, value) = refused_loss(&lines, &[]).unwrap();
    assert_eq!(
        (name.as_str(), value.as_bytes()),
        ("link", &b"</a.css>; rel=preload"[..])
    );
}

#[test]
fn what_forbids_sharing_in_another_field_forbids_it() {
    let refused = Decision::Skip(Reason::CacheControl);
    for line in [
        ("pragma", "no-cache"),
        ("Pragma", "x, No-Cache"),
        ("cdn-cache-control", "no-store"),
        ("CDN-Cache-Control", "max-age=60, private"),
        ("surrogate-control", "no-store"),
        ("Surrogate-Control", "content=\"ESI/1.0\", no-store"),
    ] {
        assert_eq!(with(&[line]), refused, "{line:?}");
    }
}

#[test]
fn pragma_says_nothing_beside_cache_control() {
    let lines = [("pragma", "no-cache"), ("cache-control", "max-age=60")];
    assert_eq!(with(&lines), stored_for(60));
}

#[test]
fn the_targeted_field_goes_before_cache_control_and_expires() {
    let targeted = |value| {
        with(&[
            ("cache-control", "no-store, max-age=5"),
            ("expires", "0"),
            ("cdn-cache-control", value),
        ])
    };
    assert_eq!(targeted("max-age=60"), stored_for(60));
    assert_eq!(targeted("public"), stored_for(900));
    for none in [
        "",
        " ",
        ",",
        "max-age=x",
        "max-age=\"60\"",
        "max-age=60, &&",
    ] {
        assert_eq!(
            targeted(none),
            Decision::Skip(Reason::CacheControl),
            "{none:?}"
        );
    }
    let no_store = with(&[
        ("cache-control", "max-age=60"),
        ("cdn-cache-control", "no-store"),
    ]);
    assert_eq!(no_store, Decision::Skip(Reason::CacheControl));
}

#[test]
fn a_declared_header_is_no_loss_unless_its_value_differs() {
    let declared = [(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))];
    let judged = |lines: &[(&str, &str)]| {
        let mut all = headers(lines);
        all.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
        judged(StatusCode::OK, &all, &PAGE, &declared)
    };
    assert_eq!(judged(&[]), stored_for(900));
    assert_eq!(judged(&[("x-frame-options", "DENY")]), stored_for(900));
    for lines in [
        &[("x-frame-options", "SAMEORIGIN")][..],
        &[
            ("x-frame-options", "DENY"),
            ("x-frame-options", "SAMEORIGIN"),
        ],
        &[("x-frame-options", "DENY"), ("refresh", "DENY")],
    ] {
        assert_eq!(judged(lines), Decision::Skip(Reason::Header), "{lines:?}");
    }
}

#[test]
fn the_shorter_of_timeout_and_grant_is_taken() {
    assert_eq!(with_cache_control("max-age=60"), stored_for(60));
    assert_eq!(with_cache_control("max-age=900"), stored_for(900));
    assert_eq!(with_cache_control("max-age=901"), stored_for(900));
    assert_eq!(with_cache_control("s-maxage=86400"), stored_for(900));
    assert_eq!(with(&[("expires", in_seconds(60))]), stored_for(60));
    assert_eq!(with(&[("expires", in_seconds(86_400))]), stored_for(900));
}

#[test]
fn s_maxage_goes_before_max_age_and_that_before_expires() {
    assert_eq!(with_cache_control("max-age=0, s-maxage=60"), stored_for(60));
    assert_eq!(with_cache_control("s-maxage=60, max-age=5"), stored_for(60));
    let both = |control: &'static str, expires| {
        with(&[
            ("cache-control", control.to_owned()),
            ("expires", in_seconds(expires)),
        ])
    };
    assert_eq!(both("max-age=60", -5), stored_for(60));
    assert_eq!(both("max-age=60", 5), stored_for(60));
    assert_eq!(both("s-maxage=60", 5), stored_for(60));
    assert_eq!(both("public", 5), stored_for(5));
}

#[test]
fn a_grant_is_read_however_it_is_written() {
    for value in [
        "MAX-AGE=60",
        "max-age=\"60\"",
        "max-age = 60 ",
        "max-age=060",
        "max-age=60, max-age=120",
        "max-age=120, max-age=60",
        "public; max-age=60",
    ] {
        assert_eq!(with_cache_control(value), stored_for(60), "{value:?}");
    }
    let lines = [("cache-control", "public"), ("cache-control", "max-age=60")];
    assert_eq!(with(&lines), stored_for(60));
}

#[test]
fn no_grant_and_what_is_no_number_leave_no_life() {
    for value in [
        "max-age=0",
        "max-age",
        "max-age=",
        "max-age=\"\"",
        "max-age=-1",
        "max-age=+60",
        "max-age=1.5",
        "max-age=60s",
        "max-age=0x10",
        "max-age=\"60",
        "max-age=6 0",
        "s-maxage=x, max-age=60",
        "s-maxage=0, max-age=60",
        "max-age=60, max-age=x",
    ] {
        let found = with_cache_control(value);
        assert_eq!(found, Decision::Skip(Reason::Expired), "{value:?}");
    }
    let odd = with(&[("cache-control", &b"max-age=\xb2"[..])]);
    assert_eq!(odd, Decision::Skip(Reason::Expired));
}

#[test]
fn a_grant_that_overflows_is_the_longest() {
    for digits in ["4294967296", "18446744073709551616", &"9".repeat(300)] {
        let found = with_cache_control(&format!("max-age={digits}"));
        assert_eq!(found, stored_for(900), "{digits}");
    }
}

#[test]
fn expires_in_the_past_or_unreadable_leaves_no_life() {
    for value in [
        in_seconds(0),
        in_seconds(-1),
        "0".into(),
        "-1".into(),
        String::new(),
        "tomorrow".into(),
    ] {
        let found = with(&[("expires", &value)]);
        assert_eq!(found, Decision::Skip(Reason::Expired), "{value:?}");
    }
    let odd = with(&[("expires", &b"\xff"[..])]);
    assert_eq!(odd, Decision::Skip(Reason::Expired));
}

#[test]
fn of_several_expires_the_earliest_counts() {
    let lines = |first, second| {
        with(&[
            ("expires", in_seconds(first)),
            ("expires", in_seconds(second)),
        ])
    };
    assert_eq!(lines(60, 120), stored_for(60));
    assert_eq!(lines(120, 60), stored_for(60));
    assert_eq!(lines(60, -60), Decision::Skip(Reason::Expired));
}

#[test]
fn expires_is_counted_from_date() {
    let lines =
        |date, expires| with(&[("date", in_seconds(date)), ("expires", in_seconds(expires))]);
    // A clock that is ahead does not prolong the page's life.
    assert_eq!(lines(100, 160), stored_for(60));
    assert_eq!(lines(-40, 60), stored_for(60));
    assert_eq!(lines(-60, 0), Decision::Skip(Reason::Expired));
    let unreadable = with(&[("date", "x".to_owned()), ("expires", in_seconds(60))]);
    assert_eq!(unreadable, stored_for(60));
}

#[test]
fn age_shortens_a_life() {
    let aged = |control, age| with(&[("cache-control", control), ("age", age)]);
    assert_eq!(aged("max-age=60", "20"), stored_for(40));
    assert_eq!(aged("public", "20"), stored_for(880));
    assert_eq!(with(&[("age", "20"), ("age", "30")]), stored_for(880));
    assert_eq!(with(&[("age", "20, 30")]), stored_for(880));
    for odd in ["a", "-1", "1.5", "1x", ""] {
        assert_eq!(with(&[("age", odd)]), stored_for(900), "{odd}");
    }
    for age in ["60", "61", "99999999999999999999", "60, 1"] {
        let found = aged("max-age=60", age);
        assert_eq!(found, Decision::Skip(Reason::Expired), "{age:?}");
    }
}

#[test]
fn a_date_in_the_past_shortens_a_life() {
    let dated = |date| {
        with(&[
            ("cache-control", "max-age=60".to_owned()),
            ("date", in_seconds(date)),
        ])
    };
    assert_eq!(dated(0), stored_for(60));
    assert_eq!(dated(30), stored_for(60));
    assert_eq!(dated(-20), stored_for(40));
    assert_eq!(dated(-60), Decision::Skip(Reason::Expired));
}

#[test]
fn of_age_and_date_the_older_counts() {
    let aged = |age, date| with(&[("age", String::from(age)), ("date", in_seconds(date))]);
    assert_eq!(aged("100", -20), stored_for(800));
    assert_eq!(aged("20", -100), stored_for(800));
}

#[test]
fn a_status_that_means_nothing_for_long_is_stored_only_for_as_long_as_it_says() {
    let settings = Settings {
        layout: Layout::Response,
        statuses: (200..600)
            .filter_map(|code| StatusCode::from_u16(code).ok())
            .collect(),
        ..Settings::default()
    };
    let judge = |status, control: Option<&str>| {
        let mut lines = headers(&[("content-type", "text/html")]);
        if let Some(control) = control {
            lines.append(header::CACHE_CONTROL, control.parse().unwrap());
        }
        let terms = Terms {
            page: &PAGE,
            settings: &settings,
        };
        decide(StatusCode::from_u16(status).unwrap(), &lines, terms, now())
    };
    for (status, life) in [(200, 900), (301, 900), (404, 60), (410, 60)] {
        assert_eq!(judge(status, None), stored_for(life), "{status}");
    }
    for status in [302, 307, 500, 503] {
        assert_eq!(
            judge(status, None),
            Decision::Skip(Reason::Expired),
            "{status}"
        );
    }
    assert_eq!(judge(302, Some("max-age=20")), stored_for(20));
    assert_eq!(judge(503, Some("max-age=200")), stored_for(60));
}
