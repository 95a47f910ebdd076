use proptest::prelude::*;

use super::*;

fn field(name: &str, value: &str) -> (HeaderName, HeaderValue) {
    (name.parse().unwrap(), value.parse().unwrap())
}

fn head(fields: &[(&str, &str)]) -> Head {
    let fields = fields.iter().map(|(name, value)| field(name, value));
    Head::new(StatusCode::OK, fields).unwrap()
}

fn read(bytes: impl AsRef<[u8]>) -> Option<(Head, bool, usize)> {
    Head::read(bytes.as_ref())
}

#[test]
fn a_head_is_a_status_line_fields_and_an_empty_line() {
    let head = head(&[("content-type", "text/html"), ("etag", "\"a\"")]);
    assert_eq!(
        head.written(false, true, None),
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\netag: \"a\"\r\nx-srcache-allow-ranges: 1\r\n\r\n"
    );
    let moved = Head::new(StatusCode::MOVED_PERMANENTLY, [field("location", "/a")]).unwrap();
    assert_eq!(
        moved.written(false, true, None),
        "HTTP/1.1 301 Moved Permanently\r\nlocation: /a\r\n\r\n"
    );
}

#[test]
fn what_lets_nginx_answer_ranges_is_no_field_of_the_response() {
    let stored = head(&[("x-a", "1")]).written(false, true, None);
    let (found, _, _) = read(&stored).unwrap();
    assert_eq!(found, head(&[("x-a", "1")]));
}

#[test]
fn an_error_says_to_visitors_of_nginx_alone_that_it_is_a_hit() {
    let gone = Head::new(StatusCode::NOT_FOUND, [field("x-a", "1")]).unwrap();
    let stored = gone.written(false, true, Some(NGINX_HIT));
    assert_eq!(
        stored,
        "HTTP/1.1 404 Not Found\r\nx-a: 1\r\ncache-status: nginx; hit\r\n\r\n"
    );
    assert_eq!(read(&stored).unwrap().0, gone);
    let silent = gone.written(false, true, None);
    assert_eq!(silent, "HTTP/1.1 404 Not Found\r\nx-a: 1\r\n\r\n");
    let page = head(&[]).written(false, false, Some(NGINX_HIT));
    assert_eq!(page, "HTTP/1.1 200 OK\r\n\r\n");
}

#[test]
fn a_packed_body_is_announced_and_makes_a_strong_tag_weak() {
    let strong = head(&[("etag", "\"a\"")]).written(true, true, None);
    assert_eq!(
        strong,
        "HTTP/1.1 200 OK\r\netag: W/\"a\"\r\ncontent-encoding: gzip\r\nvary: Accept-Encoding\r\n\r\n"
    );
    let weak = head(&[("etag", "W/\"a\""), ("vary", "accept-encoding")]).written(true, true, None);
    assert_eq!(
        weak,
        "HTTP/1.1 200 OK\r\netag: W/\"a\"\r\nvary: accept-encoding\r\ncontent-encoding: gzip\r\n\r\n"
    );
}

#[test]
fn a_status_that_no_response_is_stored_with_is_no_head() {
    let of = |status: u16, body: &str| read(format!("HTTP/1.1 {status} X\r\nx-a: 1\r\n\r\n{body}"));
    for status in [200, 203, 301, 404, 410, 500] {
        assert!(of(status, "body").is_some(), "{status}");
    }
    for status in [100, 101, 103, 206, 304, 401, 407, 416, 600, 999] {
        assert!(of(status, "body").is_none(), "{status}");
        assert!(of(status, "").is_none(), "{status}");
    }
    for status in [204, 205] {
        assert!(of(status, "").is_some(), "{status}");
        assert!(of(status, "HTTP/1.1 200 OK\r\n\r\n").is_none(), "{status}");
    }
}

#[test]
fn what_belongs_to_one_connection_or_one_visitor_is_not_stored() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("connection", "x-hop, close"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("transfer-encoding", "chunked"),
        ("content-length", "5"),
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("set-cookie", "a=b"),
        ("x-accel-redirect", "/secret"),
        ("x-srcache-allow-ranges", "1"),
        ("cache-status", "x; hit"),
        ("upgrade", "h2c"),
        ("content-type", "text/html"),
        ("x-end", "1"),
    ] {
        let (name, value) = field(name, value);
        headers.append(name, value);
    }
    let mut kept: Vec<_> = Head::end_to_end(&headers)
        .map(|(name, _)| name.as_str())
        .collect();
    kept.sort_unstable();
    assert_eq!(kept, ["content-type", "x-end"]);
}

#[test]
fn a_head_that_no_writer_writes_is_none() {
    for bytes in [
        "",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nx: 1\r\n",
        "<h1>page</h1>",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nset-cookie: a=b\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npage",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /a\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\n",
        "HTTP/1.1 200 OK\r\nna me: x\r\n\r\n",
    ] {
        assert_eq!(read(bytes), None, "{bytes:?}");
    }
    let many = format!(
        "HTTP/1.1 200 OK\r\n{}\r\n",
        "x: 1\r\n".repeat(MAX_FIELDS + 1)
    );
    assert_eq!(read(many), None);
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(MAX_BYTES));
    assert_eq!(read(long), None);
}

#[test]
fn a_head_that_no_reader_would_take_is_not_made() {
    let many = (0..MAX_FIELDS).map(|_| field("x", "1"));
    assert_eq!(Head::new(StatusCode::OK, many), None);
    let long = [field("x", &"a".repeat(MAX_BYTES))];
    assert_eq!(Head::new(StatusCode::OK, long), None);
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(
        status in (200_u16..600).prop_map(|status| match checked_status(status) {
            Ok(status) if !is_alone(status) => status,
            _ => StatusCode::OK,
        }),
        names in prop::collection::vec("x-[a-z]{1,10}", 0..20),
        value in "[ -~]{0,50}",
        is_gzip: bool,
        body in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let fields = names.iter().map(|name| field(name, value.trim()));
        let head = Head::new(status, fields).unwrap();
        let stored = [&head.written(is_gzip, true, Some(NGINX_HIT))[..], &body].concat();
        let (found, packed, start) = read(&stored).unwrap();
        prop_assert_eq!(packed, is_gzip);
        prop_assert_eq!(&stored[start..], body);
        let own: Vec<_> = found.fields().iter().filter(|(name, _)| name != header::VARY).collect();
        prop_assert_eq!(own, head.fields().iter().collect::<Vec<_>>());
        prop_assert_eq!(found.status(), head.status());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), known: bool) {
        let start: &[u8] = if known { b"HTTP/1.1 200 OK\r\n" } else { b"" };
        if let Some((head, _, length)) = read([start, &bytes].concat()) {
            prop_assert!(length <= start.len() + bytes.len());
            prop_assert!(head.fields().iter().all(|(name, _)| !is_never_stored(name)));
        }
    }
}
