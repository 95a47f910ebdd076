//! Who takes no part: what was rendered for them is theirs alone, and what was
//! rendered for others is not for them.

use actix_web::{HttpRequest, HttpResponse, web};
use djanginxed::{PageCache, cache_page};
use testkit::http::{Request, Response, get};

use crate::stack::{Application, NGINX_HIT, Script, Stack, cache_status, ok};

/// A stack whose pages say whom they were rendered for.
fn stack() -> Stack {
    Stack::setup()
        .cache(|builder| {
            builder
                .bypass_cookie("sessionid")
                .bypass_header("X-Preview")
                .hosts(["127.0.0.1", "www.example.com"])
        })
        .site(|site| {
            site.server_name("www.example.com")
                .server_name("other.example")
                .public_port(80)
        })
        .start(Script::new(|render| {
            let seen = ["authorization", "cookie", "x-preview", "host"];
            let seen = seen.map(|name| render.header(name));
            ok().body(seen.join(" "))
        }))
}

/// What everybody may see.
const PUBLIC: &str = "nobody nobody nobody 127.0.0.1";

/// That `private` and the public never see each other's page, whoever asks
/// first, whether through nginx or not.
#[track_caller]
fn is_alone(private: fn(Request) -> Request, text: &str, reason: &str) {
    let stack = stack();
    type Send = fn(&Stack, &Request) -> Response;
    let ways: [(&str, Send); 2] = [("/nginx", Stack::send), ("/past", Stack::send_past_nginx)];
    let status = format!("djanginxed; fwd=bypass; detail={reason}");
    for (target, send) in ways {
        let public = Request::get(target);
        let private = private(public.clone());
        for _ in 0..2 {
            let theirs = send(&stack, &private);
            assert!(theirs.text().contains(text), "{theirs:?}");
            assert_eq!(cache_status(&theirs), status);
            assert!(stack.item(target).is_none(), "{target}");
        }
        assert_eq!(send(&stack, &public).text(), PUBLIC);
        assert_eq!(stack.item(target).unwrap().bytes, PUBLIC.as_bytes());
        let theirs = send(&stack, &private);
        assert!(theirs.text().contains(text), "{theirs:?}");
        assert_eq!(cache_status(&theirs), status);
        let hit = send(&stack, &public);
        assert!(cache_status(&hit).ends_with("; hit"), "{hit:?}");
        assert_eq!(hit.text(), PUBLIC);
    }
}

#[test]
fn a_page_for_a_visitor_with_authorization_is_theirs_alone() {
    is_alone(
        |request| request.header("Authorization", "Basic YTpi"),
        "Basic YTpi",
        "authorization",
    );
}

#[test]
fn a_page_for_a_visitor_with_a_session_is_theirs_alone() {
    is_alone(
        |request| request.header("Cookie", "sessionid=ada"),
        "sessionid=ada",
        "cookie",
    );
}

#[test]
fn a_page_for_a_request_with_a_bypass_header_is_theirs_alone() {
    is_alone(
        |request| request.header("X-Preview", "draft"),
        "draft",
        "header",
    );
}

#[test]
fn a_page_for_another_host_is_that_hosts_alone() {
    is_alone(
        |request| request.header("Host", "other.example"),
        "other.example",
        "host",
    );
}

#[test]
fn a_session_cookie_is_seen_however_it_is_written() {
    let stack = stack();
    let _ = stack.get("/");
    for cookies in [
        &["sessionid=ada"][..],
        &["a=1; sessionid=ada"],
        &["a=1;sessionid=ada"],
        &["a=1, sessionid=ada"],
        &["SessionID=ada"],
        &["sessionid =ada"],
        &["sessionid="],
        &["a=1", "sessionid=ada"],
        &["a=\"1; sessionid=ada; b=\""],
    ] {
        let request = cookies.iter().fold(Request::get("/"), |request, cookie| {
            request.header("Cookie", cookie)
        });
        for response in [stack.send(&request), stack.send_past_nginx(&request)] {
            assert_eq!(
                cache_status(&response),
                "djanginxed; fwd=bypass; detail=cookie",
                "{cookies:?}"
            );
        }
    }
}

#[test]
fn a_cookie_of_another_name_gets_the_public_page() {
    let stack = stack();
    let _ = stack.get("/");
    for cookie in [
        "mysessionid=ada",
        "sessionid2=ada",
        "a=sessionid",
        "sessionid.x=1",
    ] {
        let hit = stack.send(&Request::get("/").header("Cookie", cookie));
        assert_eq!(cache_status(&hit), NGINX_HIT, "{cookie}");
        assert_eq!(hit.text(), PUBLIC);
    }
}

#[test]
fn hosts_are_compared_without_case_and_port() {
    let stack = stack();
    for host in [
        "WWW.example.com",
        "www.example.com:8080",
        "www.Example.com.",
    ] {
        let request = Request::get("/").header("Host", host);
        let response = stack.send_past_nginx(&request);
        assert!(
            !cache_status(&response).contains("bypass"),
            "{host}: {response:?}"
        );
    }
}

#[test]
fn a_host_in_a_forwarding_header_counts_where_nginx_does_not_remove_it() {
    let stack = stack();
    for (name, value) in [
        ("Forwarded", "host=evil.example"),
        ("X-Forwarded-Host", "evil.example"),
    ] {
        let request = Request::get("/").header(name, value);
        let response = stack.send_past_nginx(&request);
        assert_eq!(
            cache_status(&response),
            "djanginxed; fwd=bypass; detail=host",
            "{name}"
        );
    }
    assert!(stack.memcached.pages().is_empty());
}

#[test]
fn a_visitor_cannot_put_a_host_into_a_stored_page() {
    let stack = Stack::setup().start(Script::new(|render| {
        ok().body(render.request.full_url().to_string())
    }));
    let poisoned = Request::get("/a")
        .header("Forwarded", "host=evil.example;proto=gopher")
        .header("X-Forwarded-Host", "evil.example")
        .header("X-Forwarded-Proto", "gopher");
    let url = format!("http://127.0.0.1:{}/a", stack.nginx.port());
    assert_eq!(stack.send(&poisoned).text(), url);
    let hit = stack.get("/a");
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.text(), url);
    let foreign = Request::get("/b").header("Host", "evil.example");
    assert!(foreign.try_send(stack.nginx.port()).is_err());
    stack.settle();
    assert!(stack.item("/b").is_none());
}

#[test]
fn the_requests_own_cache_control_is_ignored_as_nginx_ignores_it() {
    let stack = Stack::start();
    let page = stack.get("/a");
    let request = Request::get("/a").header("Cache-Control", "no-cache");
    let hit = stack.send(&request);
    assert_eq!(cache_status(&hit), NGINX_HIT);
    assert_eq!(hit.body, page.body);
    assert_eq!(
        cache_status(&stack.send_past_nginx(&request)),
        "djanginxed; hit"
    );
}

#[cache_page(60)]
async fn greeted(script: web::Data<Script>, request: HttpRequest) -> HttpResponse {
    script.render(request)
}

#[test]
fn a_page_stored_for_somebody_with_cookies_is_told_once_a_route_with_their_names() {
    crate::stack::log::listen();
    let stack = Stack::setup()
        .cache(|builder| builder.bypass_cookie("sessionid"))
        .routes(|routes| {
            routes.route("/greeted/{name}", web::get().to(greeted));
        })
        .start(Script::html());
    let told = || crate::stack::log::lines_with("route=\"/greeted/{name}\" cookies=");
    let _ = stack.ask("/greeted/a");
    let known = Request::get("/greeted/b").header("cookie", "sessionid=secret");
    let _ = stack.send_past_nginx(&known);
    let nameless = Request::get("/greeted/n").header("cookie", "=secret; ;");
    let _ = stack.send_past_nginx(&nameless);
    assert!(told().is_empty(), "{:?}", told());
    for target in ["/greeted/c", "/greeted/d"] {
        let unknown = Request::get(target).header("cookie", "id=secret; theme=dark");
        let _ = stack.send_past_nginx(&unknown);
    }
    let lines = told();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("cookies=\"id, theme\""), "{lines:?}");
    assert!(!lines[0].contains("secret"), "{lines:?}");
}

#[cache_page(60)]
async fn of_session(_session: actix_session::Session) -> HttpResponse {
    HttpResponse::Ok().content_type("text/html").body("Hello")
}

#[test]
fn a_stored_page_whose_handler_takes_a_session_is_told_once_unless_its_cookie_is_declared() {
    crate::stack::log::listen();
    let application = |path: &'static str, pages: PageCache| {
        Application::configured(1, &Script::html(), move |config| {
            config
                .app_data(pages.clone())
                .route(path, web::get().to(of_session));
        })
    };
    let told = || {
        let mut lines = crate::stack::log::lines_with("has a handler that takes Session");
        lines.retain(|line| line.contains("declared/{name}"));
        lines
    };
    let declared = PageCache::builder().bypass_cookie("id").build().unwrap();
    let application_with = application("/declared/{name}", declared);
    assert_eq!(get(application_with.port(), "/declared/a").status, 200);
    assert!(told().is_empty(), "{:?}", told());
    let undeclared = PageCache::builder().build().unwrap();
    let application_without = application("/undeclared/{name}", undeclared);
    for target in ["/undeclared/a", "/undeclared/b"] {
        assert_eq!(get(application_without.port(), target).status, 200);
    }
    let lines = told();
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in [
        "WARN",
        "route=\"/undeclared/{name}\"",
        "PageCacheBuilder::bypass_cookie",
    ] {
        assert!(lines[0].contains(part), "{part} is not in {lines:?}");
    }
}
