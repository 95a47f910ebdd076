//! Several key prefixes: nginx and the application choose by different paths.

use djanginxed::nginx::Md5;
use testkit::Memcached;

use crate::stand::{Stand, cache, is_hit};

/// Each location with a key of its own.
fn stand(md5: Md5) -> Stand {
    let memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).build().unwrap();
    Stand::over(memcached, &pages, md5, |site| {
        site.page("/feed/", "site2", "application/rss+xml")
            .page("/feed/deep+x/", "site3", "text/html")
            .page("/raw.txt", "site1", "text/plain")
            .page("= /news.xml", "site1", "application/rss+xml")
            .page("= /only/", "site1", "text/plain")
            .never_cache("= /status")
            .never_cache("/feed/admin/")
    })
}

/// A target, and the prefix and type under which the application has its page,
/// which goes by the path as it was sent.
const ALIKE: [(&str, &str, &str); 31] = [
    ("/a", "site1", "text/html"),
    ("/", "site1", "text/html"),
    ("/./a", "site1", "text/html"),
    ("/x/../a", "site1", "text/html"),
    ("/a%2Fb", "site1", "text/html"),
    ("//feed/a", "site1", "text/html"),
    ("/feed", "site1", "text/html"),
    ("/%66eed?x=/feed/", "site1", "text/html"),
    ("/?/feed/../feed/", "site1", "text/html"),
    ("/FEED/a", "site1", "text/html"),
    ("/feed/", "site2", "application/rss+xml"),
    ("/feed/a?x=..", "site2", "application/rss+xml"),
    ("/%66%65%65%64/a", "site2", "application/rss+xml"),
    ("/f%65ed/a", "site2", "application/rss+xml"),
    ("/feed//a", "site2", "application/rss+xml"),
    ("/feed/./a", "site2", "application/rss+xml"),
    ("/feed/deep/../b", "site2", "application/rss+xml"),
    ("/feed/deep+x", "site2", "application/rss+xml"),
    ("/feed/deep+x/%C3%A9", "site3", "text/html"),
    ("/feed/d%65ep+x/", "site3", "text/html"),
    ("/raw%2Etxt", "site1", "text/plain"),
    ("/raw%2etxt?a", "site1", "text/plain"),
    ("/news.xml", "site1", "application/rss+xml"),
    ("/news%2Exml?page=2", "site1", "application/rss+xml"),
    ("/news.xml/", "site1", "text/html"),
    ("/news.xmlx", "site1", "text/html"),
    ("/news.xml/a", "site1", "text/html"),
    ("/only/", "site1", "text/plain"),
    ("/only", "site1", "text/html"),
    ("/only/a", "site1", "text/html"),
    ("/status/a", "site1", "text/html"),
];

#[test]
fn where_nginx_and_the_application_choose_alike_pages_are_found() {
    for md5 in [Md5::SetMisc, Md5::Njs] {
        let stand = stand(md5);
        for (target, prefix, kind) in ALIKE {
            let miss = stand.get(target);
            assert!(!is_hit(&miss), "{md5:?} {target}");
            assert!(!miss.text().contains("djanginxed-bypass"), "{target}");
            stand.store_as(prefix, kind, target, "stored");
            let hit = stand.get(target);
            assert!(is_hit(&hit), "{md5:?} {target}");
            let served_as = hit.header("content-type").unwrap();
            assert_eq!(served_as.split(';').next(), Some(kind), "{target}");
        }
    }
}

/// Targets that nginx and the application take for different locations.
const APART: [&str; 19] = [
    "/feed/../a",
    "/feed/..",
    "/feed/%2e%2e/a",
    "/feed/.%2E/a",
    "/a/../feed/",
    "/./feed/a",
    "/x/%2e%2e/feed/a",
    "/feed%2Fa",
    "/feed%2fa?x",
    "/x%2F../feed/a",
    "/feed/deep+x/../a",
    "/feed/deep%2Bx/a",
    "/feed/./deep+x/a",
    "/feed%2Fdeep+x/a",
    "/./raw.txt",
    "/feed/admin/../a",
    "/feed/./admin/a",
    "/./news.xml",
    "/x/../news.xml?y",
];

#[test]
fn where_they_choose_differently_neither_has_the_page() {
    for md5 in [Md5::SetMisc, Md5::Njs] {
        let stand = stand(md5);
        for target in APART {
            for (prefix, kind) in [
                ("site1", "text/html"),
                ("site1", "text/plain"),
                ("site2", "application/rss+xml"),
                ("site3", "text/html"),
            ] {
                stand.store_as(prefix, kind, target, "stored");
            }
            let seen = stand.get(target);
            assert!(!is_hit(&seen), "{md5:?} {target}");
            assert!(seen.text().starts_with(&format!("GET {target}\n")));
            assert!(seen.text().contains("djanginxed-bypass: 1\n"), "{target}");
        }
    }
}

#[test]
fn an_absolute_target_is_compared_by_its_path() {
    let stand = stand(Md5::SetMisc);
    stand.store_as("site2", "application/rss+xml", "/feed/a", "stored");
    assert!(is_hit(&stand.get("http://www.example.com/feed/a")));
    assert!(!is_hit(
        &stand.get("http://www.example.com/feed/../feed/b/../../a")
    ));
    let seen = stand.get("http://www.example.com/feed/../a");
    assert!(seen.text().contains("djanginxed-bypass: 1\n"));
    for target in ["http://www.example.com", "http://www.example.com?feed/"] {
        assert!(!is_hit(&stand.get(target)), "{target}");
    }
}

#[test]
fn a_location_of_the_same_key_is_no_other_route() {
    let stand = Stand::with(cache, |site| site.page("/shop/", "site1", "text/html"));
    for target in ["/shop/../a", "/shop%2Fa", "/./shop/"] {
        stand.store("site1", target, "stored");
        assert!(is_hit(&stand.get(target)), "{target}");
    }
}
