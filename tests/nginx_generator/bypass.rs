use djanginxed::Vary;
use testkit::http::Request;

use crate::stand::{Stand, cache, is_hit};

fn site_with_bypass_rules() -> Stand {
    Stand::with(
        |memcached| {
            cache(memcached)
                .bypass_cookie("sessionid")
                .bypass_cookie("a.b-c")
                .bypass_header("X-Preview")
        },
        |site| site.never_cache("/admin/"),
    )
}

#[test]
fn authorization_bypass_cookies_and_headers_are_not_answered_from_memcached() {
    let stand = site_with_bypass_rules();
    stand.store("site1", "/a", "stored");
    let bypasses = [
        ("Authorization", "Basic eDp5"),
        ("Authorization", "0"),
        // What the map ends with that says that nothing bypasses.
        ("Authorization", ":GET:"),
        ("Authorization", ":HEAD:0"),
        ("X-Preview", ":GET:"),
        ("Cookie", "sessionid=1"),
        ("Cookie", "SessionID=1"),
        ("Cookie", "theme=dark; sessionid="),
        ("Cookie", "theme=dark;sessionid=0"),
        ("Cookie", "theme=dark;\tsessionid=0"),
        ("Cookie", "theme=dark; sessionid"),
        ("Cookie", "a.b-c=1"),
        ("X-Preview", "1"),
    ];
    for (name, value) in bypasses {
        for method in ["GET", "HEAD"] {
            let response = stand.send(Request::new(method, "/a").header(name, value));
            assert!(!is_hit(&response), "{method} with {name}: {value}");
        }
        let seen = stand.send(Request::get("/a").header(name, value));
        let line = format!("{}: {value}\n", name.to_ascii_lowercase());
        assert!(seen.text().contains(&line), "the application sees it");
    }
}

#[test]
fn two_cookie_lines_are_both_looked_at() {
    let stand = site_with_bypass_rules();
    stand.store("site1", "/a", "stored");
    let request = Request::get("/a")
        .header("Cookie", "theme=dark")
        .header("Cookie", "sessionid=1");
    assert!(!is_hit(&stand.send(request)));
}

#[test]
fn other_cookies_and_headers_are_answered_from_memcached() {
    let stand = site_with_bypass_rules();
    stand.store("site1", "/a", "stored");
    for (name, value) in [
        ("Cookie", "theme=dark; xsessionid=1; sessionids=2; axb-c=3"),
        ("Cookie", "theme=sessionid"),
        ("X-Previews", "1"),
        ("Content-Length", "0"),
    ] {
        let response = stand.send(Request::get("/a").header(name, value));
        assert!(is_hit(&response), "{name}: {value}");
    }
}

/// nginx gives up an expression that costs too much, and takes it for one that does not fit.
#[test]
fn a_bypass_cookie_is_found_behind_many_that_are_nearly_it() {
    for name in ["__Host-next-auth.session-token", "wordpress_logged_in"] {
        let stand = Stand::with(
            |memcached| cache(memcached).bypass_cookie(name),
            |site| site,
        );
        stand.store("site1", "/a", "stored");
        let nearly = format!(";{}", &name[..name.len() - 1]);
        let many = nearly.repeat(4000 / nearly.len());
        let asked = |cookies: String| stand.send(Request::get("/a").header("Cookie", cookies));
        assert!(is_hit(&asked(many.clone())), "{name}");
        assert!(!is_hit(&asked(format!("{many}; {name}=1"))), "{name}");
    }
}

#[test]
fn cookies_and_languages_too_long_to_be_looked_through_are_the_applications() {
    let stand = Stand::with(
        |memcached| cache(memcached).vary(Vary::language(["en", "de"])),
        |site| site,
    );
    let varying_by_cookie = Stand::with(
        |memcached| cache(memcached).vary(Vary::cookie("currency", ["eur", "usd"])),
        |site| site,
    );
    let with_bypass = site_with_bypass_rules();
    stand.store("site1~en", "/a", "stored");
    varying_by_cookie.store("site1~eur", "/a", "stored");
    with_bypass.store("site1", "/a", "stored");
    for (stand, name, longest) in [
        (&stand, "Accept-Language", 511),
        (&varying_by_cookie, "Cookie", 4095),
        (&with_bypass, "Cookie", 4095),
    ] {
        for sign in ["x", ";", ","] {
            let answered = |length| {
                let request = Request::get("/a").header(name, sign.repeat(length));
                is_hit(&stand.send(request))
            };
            assert!(answered(longest), "{name} of {sign}");
            assert!(!answered(longest + 1), "{name} of {sign}");
        }
    }
}

#[test]
fn a_post_that_bypasses_keeps_method_and_body() {
    let stand = site_with_bypass_rules();
    let request = Request::new("POST", "/a")
        .header("Cookie", "sessionid=1")
        .body("x".repeat(300_000));
    let response = stand.send(request);
    assert!(response.text().starts_with("POST /a\n"));
    assert!(response.text().ends_with("\n300000"));
}

#[test]
fn a_location_that_is_never_cached_is_the_applications() {
    let stand = site_with_bypass_rules();
    stand.store("site1", "/admin/a", "stored");
    assert!(!is_hit(&stand.get("/admin/a")));
    let post = stand.send(Request::new("POST", "/admin/a").body("abc"));
    assert!(post.text().starts_with("POST /admin/a\n") && post.text().ends_with("\n3"));
    assert!(!is_hit(&stand.get("/admin")), "no redirect by nginx");
}

#[test]
fn other_hosts_than_the_page_caches_take_no_part() {
    let long = format!("{}.example.com", "long".repeat(15));
    let stand = Stand::with(
        |memcached| cache(memcached).hosts(["www.example.com", &long]),
        |site| site.server_name("wwwxexample.com").server_name(&long),
    );
    stand.store("site1", "/a", "stored");
    let ask = |host: &str| {
        Request::get("/a")
            .header("Host", host)
            .send(stand.nginx.port())
    };
    assert!(is_hit(&ask("www.example.com")));
    assert!(is_hit(&ask("WWW.example.com:80")));
    assert!(is_hit(&ask(&long)));
    assert!(!is_hit(&ask("wwwxexample.com")));
}

#[test]
fn a_host_of_another_scheme_than_the_page_caches_takes_no_part() {
    let long = format!("{}.example.com", "long".repeat(15));
    let stand = Stand::with(
        |memcached| {
            let of_https = format!("https://{long}");
            cache(memcached).hosts(["https://www.example.com", "default", &of_https])
        },
        |site| site.server_name("default").server_name(&long),
    );
    stand.store("site1", "/a", "stored");
    let ask = |host: &str| {
        Request::get("/a")
            .header("Host", host)
            .send(stand.nginx.port())
    };
    assert!(is_hit(&ask("default")));
    for host in ["www.example.com", &long] {
        let seen = ask(host);
        assert!(!is_hit(&seen), "{host}");
        assert!(seen.text().contains("djanginxed-bypass: 1\n"), "{host}");
    }
}
