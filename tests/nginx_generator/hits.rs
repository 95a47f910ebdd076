use std::io::Write;

use djanginxed::nginx::Md5;
use djanginxed::{Layout, PageCache};
use testkit::Memcached;
use testkit::http::Request;

use crate::stand::{Stand, cache, is_hit, stand};

#[test]
fn a_stored_page_is_answered_by_nginx_with_its_type() {
    let stand = stand();
    stand.store("site1", "/a?page=2", "<p>stored");
    let response = stand.get("/a?page=2");
    assert!(is_hit(&response));
    assert_eq!(response.text(), "<p>stored");
    assert_eq!(
        response.header("content-type"),
        Some("text/html; charset=utf-8")
    );
}

#[test]
fn njs_computes_the_same_keys() {
    let memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).build().unwrap();
    let site = |site: djanginxed::nginx::Site| site.page("/feed/", "site2", "application/rss+xml");
    let stand = Stand::over(memcached, &pages, Md5::Njs, site);
    stand.store("site1", "/a%2Fb?x=a|b", "one");
    stand.store_as("site2", "application/rss+xml", "/feed/", "two");
    assert_eq!(stand.get("/a%2Fb?x=a|b").text(), "one");
    let feed = stand.get("/feed/");
    assert_eq!(feed.text(), "two");
    assert_eq!(
        feed.header("content-type"),
        Some("application/rss+xml; charset=utf-8")
    );
}

/// The targets of the list that nginx and the application see alike.
pub(crate) fn targets() -> impl Iterator<Item = String> {
    let list = include_str!("../request-targets.txt");
    let hits = list.lines().filter_map(|line| line.strip_prefix("hit\t"));
    hits.map(|target| target.replace("\\\\", "\\"))
}

#[test]
fn nginx_computes_the_key_of_every_target_as_the_library_does() {
    for md5 in [Md5::SetMisc, Md5::Njs] {
        let memcached = Memcached::start().unwrap();
        let pages = cache(&memcached).build().unwrap();
        let stand = Stand::over(memcached, &pages, md5, |site| site.server_name("h"));
        assert!(targets().count() > 30);
        for target in targets() {
            let path = target.strip_prefix("http://h").unwrap_or(&target);
            stand.store("site1", path, &target);
            let response = Request::get(&target)
                .header("Host", "h")
                .send(stand.nginx.port());
            assert!(is_hit(&response), "{md5:?} {target}");
            assert_eq!(response.text(), target);
        }
    }
}

#[test]
fn bytes_that_are_no_text_find_no_other_page() {
    for md5 in [Md5::SetMisc, Md5::Njs] {
        let memcached = Memcached::start().unwrap();
        let pages = cache(&memcached).build().unwrap();
        let stand = Stand::over(memcached, &pages, md5, |site| site);
        // What a reader of text makes of the bytes below.
        stand.store("site1", "/\u{FFFD}", "another page");
        stand.store("site1", "/?\u{FFFD}", "another page");
        for target in [&b"/\xff"[..], b"/\xc3", b"/?\xfe", b"/\xed\xa0\x80"] {
            let request = Request::get(target).header("Host", "www.example.com");
            let response = request.send(stand.nginx.port());
            assert_ne!(response.text(), "another page", "{md5:?} {target:?}");
        }
        // printf 'site1/\xff\xc3\xa9' | md5sum
        let key = "5a8d663274d8c434bcba9c437826ab05";
        stand.memcached.set(key, 0, 0, "of these bytes");
        let request = Request::get(b"/\xff\xc3\xa9").header("Host", "www.example.com");
        assert_eq!(request.send(stand.nginx.port()).text(), "of these bytes");
    }
}

#[test]
fn one_prefix_serves_several_types_each_with_its_own() {
    let types = [
        ("/api/", "application/json"),
        ("/feed/", "application/rss+xml"),
        ("/Upper/", "Application/VND.x-Y_z+XML"),
        ("/odd/", "a.b-c/d!e#f&g^h_i.j+k-l"),
    ];
    for (md5, prefix) in [
        (Md5::SetMisc, "site1"),
        (Md5::Njs, "site1"),
        (Md5::SetMisc, ""),
        (Md5::Njs, ""),
    ] {
        let memcached = Memcached::start().unwrap();
        let pages = cache(&memcached).key_prefix(prefix).build().unwrap();
        let stand = Stand::over(memcached, &pages, md5, |site| {
            (types.iter()).fold(site, |site, (path, kind)| site.page(*path, prefix, *kind))
        });
        for (path, kind) in types {
            let target = format!("{path}1?x=%2F");
            stand.store(prefix, &target, "<script>");
            assert!(!is_hit(&stand.get(&target)), "{md5:?} {kind}");
            stand.store_as(prefix, &kind.to_ascii_uppercase(), &target, "stored");
            let hit = stand.get(&target);
            assert_eq!(hit.text(), "stored", "{md5:?} {kind}");
            let served_as = hit.header("content-type").unwrap();
            assert_eq!(served_as.split(';').next(), Some(kind));
        }
    }
}

#[test]
fn without_a_prefix_the_target_alone_is_the_key() {
    for md5 in [Md5::SetMisc, Md5::Njs] {
        let memcached = Memcached::start().unwrap();
        let pages = PageCache::builder()
            .memcached([memcached.address()])
            .build()
            .unwrap();
        let stand = Stand::over(memcached, &pages, md5, |site| site);
        stand.store("", "/a", "stored");
        assert!(is_hit(&stand.get("/a")));
    }
}

#[test]
fn an_extension_in_the_path_does_not_change_the_type() {
    let stand = Stand::with(cache, |site| site.page("/raw/", "raw", "text/plain"));
    stand.store_as("raw", "text/plain", "/raw/x.html", "<script>");
    stand.store("site1", "/x.js", "<p>");
    let raw = stand.get("/raw/x.html");
    assert_eq!(
        raw.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(raw.text(), "<script>");
    let page = stand.get("/x.js");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
}

#[test]
fn a_page_under_one_type_cannot_be_had_under_another() {
    let stand = Stand::with(cache, |site| site.page("/raw/", "raw", "text/plain"));
    // nginx takes the first for location "/", the others for "/raw/".
    for target in ["/raw/../x", "/a/../raw/x", "/%72aw/x", "/a%2F..%2Fraw/x"] {
        stand.store_as("raw", "text/plain", target, "<script>");
        let response = stand.get(target);
        let served_as = response.header("content-type").unwrap();
        assert!(served_as.starts_with("text/plain"), "{target}: {served_as}");
    }
}

#[test]
fn head_and_range_are_answered_from_the_stored_page() {
    let stand = stand();
    stand.store("site1", "/a", "0123456789");
    let head = stand.send(Request::new("HEAD", "/a"));
    assert!(is_hit(&head));
    assert_eq!(head.header("content-length"), Some("10"));
    assert!(head.body.is_empty());
    let range = stand.send(Request::get("/a").header("Range", "bytes=2-4"));
    assert_eq!((range.status, range.text()), (206, "234"));
    let condition = stand.send(Request::get("/a").header("If-None-Match", "\"x\""));
    assert!(is_hit(&condition));
}

#[test]
fn a_gzip_entry_is_readable_for_every_client() {
    let stand = Stand::with(|memcached| cache(memcached).gzip(true), |site| site);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(b"<p>packed").unwrap();
    let packed = gzip.finish().unwrap();
    stand.store_with_flags("site1", "/a", 2, &packed);
    let as_stored = stand.send(Request::get("/a").header("Accept-Encoding", "gzip"));
    assert_eq!(as_stored.header("content-encoding"), Some("gzip"));
    assert_eq!(as_stored.body, packed);
    let unpacked = stand.get("/a");
    assert_eq!(unpacked.header("content-encoding"), None);
    assert_eq!(unpacked.text(), "<p>packed");
    // Of what nginx unpacks it does not know a part before it has the whole.
    let part = stand.send(Request::get("/a").header("Range", "bytes=0-2"));
    assert_eq!((part.status, part.text()), (200, "<p>packed"));
    for response in [as_stored, unpacked] {
        assert!(is_hit(&response));
        assert_eq!(response.header("vary"), Some("Accept-Encoding"));
    }
}

/// Who keeps pages on the way is told once, of 304 as well.
#[test]
fn a_gzip_response_that_njs_reads_says_once_that_it_varies_by_the_coding() {
    let memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).layout(Layout::Response).build().unwrap();
    let stand = Stand::over(memcached, &pages, Md5::Njs, |site| site);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(b"<p>packed").unwrap();
    let packed = gzip.finish().unwrap();
    let coding = "content-encoding: gzip\r\nvary: Accept-Encoding\r\netag: W/\"a\"\r\n";
    for (target, own) in [("/a", ""), ("/b", "vary: Accept-Language\r\n")] {
        let key = djanginxed::PageKey::new("site1", target).to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n{own}{coding}\r\n");
        let entry = [head.as_bytes(), &packed].concat();
        stand.memcached.set(key, 4, 0, &entry);
        let mut expected = vec!["Accept-Encoding"];
        expected.extend(own.trim_end().strip_prefix("vary: "));
        for (field, value, status) in [
            ("Accept-Encoding", "gzip", 200),
            ("Accept-Encoding", "", 200),
            ("If-None-Match", "\"a\"", 304),
        ] {
            for method in ["GET", "HEAD"] {
                let response = stand.send(Request::new(method, target).header(field, value));
                assert_eq!(response.status, status);
                let mut said: Vec<_> = response.all("vary").collect();
                said.sort_unstable();
                assert_eq!(said, expected, "{method} {target} {field}: {value}");
            }
        }
    }
}

#[test]
fn an_empty_entry_is_an_empty_page() {
    let stand = stand();
    stand.store("site1", "/a", "");
    let response = stand.get("/a");
    assert!(is_hit(&response));
    assert_eq!(response.text(), "");
}

#[test]
fn methods_other_than_get_and_head_never_reach_memcached() {
    let stand = stand();
    stand.store("site1", "/a", "stored");
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        assert!(!is_hit(&stand.send(Request::new(method, "/a"))), "{method}");
    }
    assert_eq!(stand.memcached.stat("cmd_get"), 0);
}

#[test]
fn what_the_http_block_refuses_is_a_miss_and_its_headers_do_not_double() {
    let memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).cache_status(false).build().unwrap();
    let edit = |limits: &'static str| move |_, file: String| format!("{limits}\n{file}");
    let site = |site| site;
    let headers = edit("add_header X-From http;");
    let stand = Stand::edited(memcached, &pages, Md5::SetMisc, site, headers);
    stand.store("site1", "/a", "stored");
    let response = stand.get("/a");
    assert_eq!((response.status, response.text()), (200, "stored"));
    let lines = response
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("x-from"));
    assert_eq!(lines.count(), 1);

    let memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).build().unwrap();
    let limits = "limit_req_zone $server_name zone=few:32k rate=1r/m; limit_req zone=few;";
    let limits = edit(limits);
    let own = move |port, file: String| {
        // Visitors have no limit here; only the inner server is left with it.
        let file = limits(port, file);
        file.replacen(
            "client_max_body_size",
            "limit_req zone=none; client_max_body_size",
            1,
        ) + "limit_req_zone $cookie_none zone=none:32k rate=1r/s;"
    };
    let stand = Stand::edited(memcached, &pages, Md5::SetMisc, site, own);
    stand.store("site1", "/a", "stored");
    assert!(is_hit(&stand.get("/a")));
    assert!(!is_hit(&stand.get("/a")));
}

#[test]
fn declared_headers_stand_on_hits_only() {
    let policy = "default-src 'self'; img-src \"\\ *";
    let stand = Stand::with(
        |memcached| cache(memcached).header("X-Policy", policy),
        |site| site,
    );
    stand.store("site1", "/a", "stored");
    assert_eq!(stand.get("/a").header("x-policy"), Some(policy));
    assert_eq!(stand.get("/b").header("x-policy"), None);
}

#[test]
fn without_cache_status_nginx_sends_none() {
    let stand = Stand::with(
        |memcached| cache(memcached).cache_status(false),
        |site| site,
    );
    stand.store("site1", "/a", "stored");
    let response = stand.get("/a");
    assert_eq!(
        (response.text(), response.header("cache-status")),
        ("stored", None)
    );
}

/// Of nginx's own answers none says that it is a hit. Errors that are stored do.
fn only_pages_are_hits(md5: Md5) {
    const STATUSES: [u16; 4] = [200, 301, 404, 410];
    let memcached = Memcached::start().unwrap();
    let pages = cache(&memcached)
        .layout(Layout::Response)
        .statuses(STATUSES);
    let limits = "limit_req_zone $arg_few zone=few:32k rate=1r/m; limit_req zone=few;\n";
    let stand = Stand::edited(
        memcached,
        &pages.build().unwrap(),
        md5,
        |site| site.client_max_body_size("1k"),
        |_, file| format!("{limits}{file}"),
    );
    for status in STATUSES {
        let key = djanginxed::PageKey::new("site1", &format!("/{status}"));
        let own = match status {
            404 | 410 => "cache-status: nginx; hit\r\n",
            _ => "",
        };
        let entry = format!("HTTP/1.1 {status} X\r\ncontent-type: text/html\r\n{own}\r\nstored");
        stand.memcached.set(key.to_string(), 4, 0, entry.as_bytes());
        let response = stand.get(&format!("/{status}"));
        let said: Vec<_> = response.all("cache-status").collect();
        assert_eq!((response.status, &said[..]), (status, &["nginx; hit"][..]));
    }
    let large = Request::new("POST", "/200").body([b'a'; 2_000]);
    let refused = stand.send(large);
    assert_eq!(
        (refused.status, refused.header("cache-status")),
        (413, None)
    );
    let _ = stand.get("/a?few=1");
    let refused = stand.get("/a?few=1");
    assert_eq!(
        (refused.status, refused.header("cache-status")),
        (503, None)
    );
}

#[test]
fn what_nginx_refuses_by_itself_is_no_hit() {
    for md5 in [Md5::SetMisc, Md5::Njs] {
        only_pages_are_hits(md5);
    }
}

#[test]
fn a_large_page_arrives_whole() {
    let stand = stand();
    let page = "0123456789".repeat(90_000);
    stand.store("site1", "/large", &page);
    assert_eq!(stand.get("/large").text(), page);
}
