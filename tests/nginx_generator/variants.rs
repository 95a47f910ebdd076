use std::time::Duration;

use djanginxed::nginx::Md5;
use djanginxed::{PageKey, Vary};
use testkit::Memcached;
use testkit::http::Request;

use crate::stand::{Stand, cache, is_hit};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn both_modules_make_the_same_keys_of_variants() {
    let by_md5 = Vary::group("group", ["member"], SECRET);
    for (md5, group) in [
        (Md5::SetMisc, by_md5.clone()),
        (Md5::Njs, by_md5.clone()),
        (Md5::Njs, by_md5.hmac()),
    ] {
        let memcached = Memcached::start().unwrap();
        let pages = cache(&memcached)
            .bypass_header("X-Region")
            .vary(Vary::language(["en", "de"]))
            .vary(Vary::header("X-Region", ["eu", "us"]))
            .vary(group);
        let pages = pages.build().unwrap();
        let cookie = pages.group_cookie("group", "member", Duration::from_secs(60));
        let stand = Stand::over(memcached, &pages, md5, |site| {
            site.page("/api/", "api", "application/json").name("shop")
        });
        for (start, target) in [
            ("site1~de~eu~member", "/a"),
            ("api~de~eu~member=application/json", "/api/a"),
        ] {
            let key = PageKey::new(start, target);
            assert!(pages.keys("/a").contains(&key) || target != "/a");
            stand.memcached.set(key.to_string(), 0, 0, "stored");
            let request = || {
                let request = Request::get(target).header("Accept-Language", "de");
                request.header("Cookie", format!("group={}", cookie.value()))
            };
            let found = stand.send(request());
            assert!(is_hit(&found), "{md5:?} {target}");
            assert_eq!(
                found.header("vary"),
                Some("Accept-Language, X-Region, Cookie")
            );
            // A bypass header that is a rule's, too, reaches the application once.
            let passed = stand.send(request().header("X-Region", "us"));
            assert!(!is_hit(&passed));
            assert_eq!(
                passed.text().matches("x-region: us\n").count(),
                1,
                "{passed:?}"
            );
        }
        assert!(!is_hit(
            &stand.send(Request::get("/a").header("Accept-Language", "de"))
        ));
    }
}

#[test]
fn nothing_that_comes_after_the_key_sees_the_secret() {
    let memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).vary(Vary::group("group", ["member"], SECRET).hmac());
    let pages = pages.build().unwrap();
    let cookie = pages.group_cookie("group", "member", Duration::from_secs(60));
    let key = PageKey::new("site1~member", "/a").to_string();
    memcached.set(key, 0, 0, "stored");
    let edit = |_: u16, file: String| {
        let shown =
            "add_header X-Shown \"$djanginxed_signed/$djanginxed_secret\";\nset $djanginxed_hashed";
        file.replace("set $djanginxed_hashed", shown)
    };
    let stand = Stand::edited(memcached, &pages, Md5::Njs, |site| site, edit);
    let cookie = format!("group={}", cookie.value());
    let found = stand.send(Request::get("/a").header("Cookie", cookie));
    assert!(is_hit(&found));
    let shown = found.header("x-shown").unwrap();
    assert!(
        shown.contains(" group member ") && shown.ends_with('/'),
        "{shown}"
    );
}

#[test]
fn a_secret_is_in_the_text_of_the_files_and_not_in_what_debug_shows() {
    let memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).vary(Vary::group("group", ["member"], SECRET));
    let site = djanginxed::nginx::Site::new(&pages.build().unwrap()).server_name("a.example");
    let files = site.app("127.0.0.1:8080").generate().unwrap();
    assert!(files.has_secret() && files.locations().contains(SECRET));
    assert!(!format!("{files:?}").contains(SECRET));
}
