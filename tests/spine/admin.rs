//! The admin page: looking at pages, deleting and purging them.

use actix_web::http::header;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, guard, web};
use djanginxed::{CachedPage, PageCache, cache_page};
use serde_json::{Value, json};
use testkit::http::{Request, Response};

use crate::scopes::{in_memory, plain, statuses};
use crate::stack::{Application, Script, Stack, cache_status, log, ok};

const HIT: &str = "djanginxed; hit";

/// An application with an admin page that is all cached: nothing of the admin page is.
pub(crate) fn administered(pages: &PageCache, script: &Script) -> Application {
    let (pages, script) = (pages.clone(), script.clone());
    Application::start(move |listener| {
        let app = move || {
            App::new()
                .app_data(web::Data::new(script.clone()))
                .app_data(pages.clone())
                .configure(pages.admin("/_pages"))
                .default_service(web::to(plain))
                .wrap(pages.cache(60))
        };
        let server = HttpServer::new(app).workers(1).disable_signals();
        Ok(server.listen(listener)?.run())
    })
}

#[cache_page(60, tags = ["all"])]
async fn tagged_page(request: HttpRequest, page: CachedPage) -> HttpResponse {
    page.tag(format!("page:{}", request.path()));
    ok().body("tagged")
}

/// An application whose pages have the tags `all` and `page:/…`, with an admin page.
pub(crate) fn tagged(pages: &PageCache) -> Application {
    let pages = pages.clone();
    Application::configured(1, &Script::html(), move |config| {
        config
            .app_data(pages.clone())
            .configure(pages.admin("/_pages"))
            .route("/a", web::get().to(tagged_page))
            .route("/b", web::get().to(tagged_page));
    })
}

fn json_of(response: &Response) -> Value {
    assert_eq!(response.header("content-type"), Some("application/json"));
    serde_json::from_slice(&response.body).unwrap()
}

fn get(target: &str) -> Request {
    Request::get(target).header("Accept", "application/json")
}

fn token(application: &Application) -> String {
    let report = json_of(&get("/_pages").send(application.port()));
    report["token"].as_str().unwrap().to_owned()
}

fn order(order: &Value) -> Request {
    Request::new("POST", "/_pages")
        .header("Accept", "application/json")
        .header("Content-Type", "application/json")
        .body(order.to_string())
}

fn form(fields: &str) -> Request {
    Request::new("POST", "/_pages")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(fields)
}

/// A response whose page says this.
#[track_caller]
fn says(response: &Response, status: u16, text: &str) {
    assert_eq!(response.status, status, "{response:?}");
    assert!(response.text().contains(text), "{}", response.text());
}

#[test]
fn without_being_asked_for_there_is_no_admin_page() {
    let pages = in_memory();
    let application = Application::configured(1, &Script::html(), move |config| {
        config.app_data(pages.clone());
    });
    let nothing = get("/_pages").send(application.port());
    assert_eq!(nothing.text(), "render 1 of /_pages");
}

#[test]
fn a_page_is_looked_at_and_deleted_by_a_program() {
    let pages = in_memory();
    let application = administered(&pages, &Script::html());
    let port = application.port();
    let look = || json_of(&get("/_pages?target=/a").send(port))["page"].clone();
    assert_eq!(look()["stored"], false);
    assert_eq!(statuses(&application, "/a")[1], HIT);
    let page = look();
    assert_eq!(
        (&page["stored"], &page["place"]),
        (&json!(true), &json!("memory"))
    );
    assert_eq!(page["key"], pages.key("/a").to_string());
    assert_eq!(page["size"], "render 1 of /a".len());
    assert!(
        (50..=60).contains(&page["expires_in"].as_u64().unwrap()),
        "{page}"
    );
    let delete = order(&json!({"action": "delete", "target": "/a"}));
    let deleted = delete
        .clone()
        .header("X-Djanginxed-Token", token(&application));
    let report = json_of(&deleted.send(port));
    assert_eq!(report["said"], "It was stored, and is deleted.");
    assert_eq!(report["page"]["stored"], false);
    assert_eq!(json_of(&deleted.send(port))["said"], "It was not stored.");
    assert_eq!(look()["stored"], false);
}

#[test]
fn a_page_in_memcached_is_looked_at_without_being_taken_for_read() {
    let stack = Stack::setup().start_with(Script::html(), administered);
    stack.ask("/a");
    let look = || {
        let looked = stack.send_past_nginx(&get("/_pages?target=/a"));
        json_of(&looked)["page"].clone()
    };
    for _ in 0..2 {
        let page = look();
        assert_eq!(
            (&page["stored"], &page["place"]),
            (&json!(true), &json!("memcached"))
        );
        assert!(
            (50..=60).contains(&page["expires_in"].as_u64().unwrap()),
            "{page}"
        );
    }
    let key = stack.pages.key("/a");
    let line = stack.memcached.command(&format!("mg {key} h u"));
    assert!(line.contains("h0"), "a visitor has read it: {line}");
    let orders = order(&json!({"action": "delete", "key": key.to_string()}));
    let deleted = orders.header("X-Djanginxed-Token", token(&stack.application));
    says(
        &stack.send_past_nginx(&deleted),
        200,
        "It was stored, and is deleted.",
    );
    assert!(stack.item("/a").is_none());
}

#[test]
fn a_whole_response_is_shown_with_its_fields() {
    let settings = PageCache::builder().layout(djanginxed::Layout::Response);
    let script = Script::new(|_| {
        let name = header::HeaderName::from_static("x-color");
        ok().insert_header((name, "green & \"blue\"")).body("page")
    });
    let application = administered(&settings.build().unwrap(), &script);
    assert_eq!(statuses(&application, "/a")[1], HIT);
    let page = &json_of(&get("/_pages?target=/a").send(application.port()))["page"];
    assert_eq!(page["status"], 200);
    let fields = page["fields"].as_array().unwrap();
    assert!(
        fields.contains(&json!(["x-color", "green & \"blue\""])),
        "{fields:?}"
    );
    let shown = Request::get("/_pages?target=/a").send(application.port());
    says(&shown, 200, "<td>green &amp; &quot;blue&quot;</td>");
}

#[test]
fn a_refusal_is_told_with_its_reason_until_the_page_is_stored() {
    let script = Script::new(|render| match render.number {
        1 => ok().insert_header(("Set-Cookie", "a=b")).body("private"),
        _ => render.html(),
    });
    let application = administered(&in_memory(), &script);
    let port = application.port();
    let report = || json_of(&get("/_pages?target=/a").send(port));
    assert_eq!(report()["refused"], json!([]));
    assert_eq!(testkit::http::get(port, "/a").status, 200);
    let refused = report()["refused"][0].clone();
    assert_eq!(
        (&refused["target"], &refused["reason"]),
        (&json!("/a"), &json!("set-cookie"))
    );
    assert_eq!(report()["page"]["last_refusal"]["reason"], "set-cookie");
    assert_eq!(
        report()["counted"]["skips"].as_u64().map(|skips| skips > 0),
        Some(true)
    );
    assert_eq!(testkit::http::get(port, "/a").status, 200);
    assert_eq!(report()["refused"], json!([]));
    assert_eq!(report()["page"].get("last_refusal"), None);
}

#[test]
fn nothing_of_the_admin_page_is_cached_or_may_be() {
    let application = administered(&in_memory(), &Script::html());
    for target in ["/_pages", "/_pages?target=/a", "/_pages?no"] {
        for _ in 0..2 {
            let answer = get(target).send(application.port());
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(cache_status(&answer), "", "{answer:?}");
        }
    }
    let page = Request::get("/_pages").send(application.port());
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(!page.text().contains("<script") && !page.text().contains("http"));
}

#[test]
fn what_a_hostile_target_says_is_text() {
    let script = Script::new(|_| HttpResponse::NotFound().finish());
    let application = administered(&in_memory(), &script);
    let port = application.port();
    let hostile = "/\"><script>alert(1)</script><img/src='x'onerror=alert(2)>&amp;";
    let asked = Request::get(hostile).send(port);
    assert!([404, 400].contains(&asked.status), "{asked:?}");
    // In the form, in the heading, and in what is said.
    let encoded: String = hostile.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let escaped = "/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img/src=&#39;x&#39;\
                   onerror=alert(2)&gt;&amp;amp;";
    let shown = Request::get(format!("/_pages?target={encoded}")).send(port);
    says(&shown, 200, &format!("<h2>{escaped}</h2>"));
    says(&shown, 200, &format!("value=\"{escaped}\""));
    let prefix = Request::get(format!("/_pages?target=/a&key_prefix={encoded}")).send(port);
    let media_type = Request::get(format!("/_pages?target=/a&content_type={encoded}")).send(port);
    let named = Request::get(format!("/_pages?target={}", &encoded[3..])).send(port);
    let key = Request::get(format!("/_pages?key={encoded}")).send(port);
    let field = Request::get(format!("/_pages?{encoded}=1")).send(port);
    let token = token(&application);
    let action = form(&format!("token={token}&action={encoded}")).send(port);
    for wrong in [prefix, media_type, named, key, field, action] {
        assert_eq!(wrong.status, 400);
        assert!(wrong.text().contains("&lt;script&gt;"), "{}", wrong.text());
    }
    for page in [shown, Request::get("/_pages").send(port)] {
        for tag in ["<script", "<img"] {
            assert!(!page.text().contains(tag), "{tag} is in {}", page.text());
        }
    }
}

#[test]
fn a_hostile_target_that_was_refused_is_text_in_the_list() {
    let pages = in_memory();
    // What no parser of requests lets through, a middleware may still make of one.
    let application = Application::start({
        let pages = pages.clone();
        move |listener| {
            let app = move || {
                App::new()
                    .configure(pages.admin("/_pages"))
                    .default_service(web::to(HttpResponse::Gone))
                    .wrap(pages.cache(60))
            };
            let server = HttpServer::new(app).workers(1).disable_signals();
            Ok(server.listen(listener)?.run())
        }
    });
    let port = application.port();
    let hostile = "/x?\"'>&<b>";
    let asked = Request::get("/x?%22'%3E&%3Cb%3E").send(port);
    assert_eq!(asked.status, 410);
    let raw = Request::get(hostile).send(port);
    let page = Request::get("/_pages").send(port);
    says(&page, 200, "/x?%22&#39;%3E&amp;%3Cb%3E</a>");
    if raw.status == 410 {
        says(&page, 200, "/x?&quot;&#39;&gt;&amp;&lt;b&gt;</a>");
    }
}

#[test]
fn an_order_without_the_token_of_this_process_is_refused() {
    let (pages, script) = (in_memory(), Script::html());
    let application = administered(&pages, &script);
    let port = application.port();
    assert_eq!(statuses(&application, "/a")[1], HIT);
    let others = administered(&in_memory(), &script);
    let foreign = token(&others);
    let delete = json!({"action": "delete", "target": "/a"});
    let with = |token: &str| order(&delete).header("X-Djanginxed-Token", token);
    let own = token(&application);
    for wrong in [
        order(&delete),
        with(""),
        with(&foreign),
        with(&own[1..]),
        form("action=delete&target=/a"),
        form("action=delete&target=/a&token="),
        form(&format!("action=delete&target=/a&token={foreign}")),
        order(&json!({"action": "delete", "target": "/a", "token": foreign})),
    ] {
        says(
            &wrong.send(port),
            403,
            "the token is missing or not of this process",
        );
    }
    assert_eq!(statuses(&application, "/a")[0], HIT);
    let deleted = form(&format!("action=delete&target=%2Fa&token={own}")).send(port);
    says(&deleted, 200, "It was stored, and is deleted.");
}

#[test]
fn what_a_browser_calls_cross_site_is_refused_even_with_the_token() {
    let application = administered(&in_memory(), &Script::html());
    let port = application.port();
    assert_eq!(statuses(&application, "/a")[1], HIT);
    let own = form(&format!(
        "action=delete&target=/a&token={}",
        token(&application)
    ));
    for site in ["cross-site", "same-site"] {
        let refused = own.clone().header("Sec-Fetch-Site", site).send(port);
        says(&refused, 403, "another site&#39;s page");
        let read = get("/_pages").header("Sec-Fetch-Site", site);
        let refused = read.clone().header("Sec-Fetch-Mode", "cors").send(port);
        assert_eq!(refused.status, 403);
        let link = read.header("Sec-Fetch-Mode", "navigate").send(port);
        assert_eq!(link.status, 200);
    }
    assert_eq!(statuses(&application, "/a")[0], HIT);
    let same = own.header("Sec-Fetch-Site", "same-origin").send(port);
    says(&same, 200, "It was stored, and is deleted.");
}

#[test]
fn other_methods_and_orders_that_cannot_be_read_are_refused_by_name() {
    let application = administered(&in_memory(), &Script::html());
    let port = application.port();
    let token = token(&application);
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let refused = Request::new(method, "/_pages").send(port);
        assert_eq!(refused.status, 405, "{method}");
        assert_eq!(refused.header("allow"), Some("GET, HEAD, POST"));
    }
    let head = testkit::http::head(port, "/_pages");
    assert_eq!((head.status, head.body.len()), (200, 0));
    let with_token = |request: Request| request.header("X-Djanginxed-Token", &token).send(port);
    let typed = |media_type: &str, body: &str| {
        let post = Request::new("POST", "/_pages").header("Content-Type", media_type);
        with_token(post.body(body))
    };
    says(&typed("text/plain", "{}"), 415, "application/json");
    says(
        &with_token(Request::new("POST", "/_pages").body("{}")),
        415,
        "application/json",
    );
    says(&typed("application/json", "{"), 400, "cannot be read");
    says(&typed("application/json", "7"), 400, "cannot be read");
    says(
        &typed("application/x-www-form-urlencoded", "page=/a"),
        400,
        "unknown field `page`",
    );
    let long = "x".repeat(65 << 10);
    says(
        &typed("application/json", &long),
        413,
        "at most 65536 bytes",
    );
    says(
        &typed("application/json", "{}"),
        400,
        "action &quot;&quot;: it can be",
    );
    let unnamed = typed("application/json", r#"{"action": "delete"}"#);
    says(&unnamed, 400, "name the page by its target or its key");
    let target = typed("application/json", r#"{"action": "delete", "target": "a"}"#);
    says(&target, 400, "target &quot;a&quot;: write path and query");
}

#[test]
fn a_store_that_cannot_be_asked_is_told_and_nothing_is_called_deleted() {
    let pages = PageCache::builder()
        .memcached(["127.0.0.1:1"])
        .build()
        .unwrap();
    let application = administered(&pages, &Script::html());
    let looked = json_of(&get("/_pages?target=/a").send(application.port()));
    assert_eq!(looked["page"]["stored"], Value::Null);
    assert!(
        looked["page"]["failure"]
            .as_str()
            .unwrap()
            .contains("127.0.0.1:1")
    );
    let delete = order(&json!({"action": "delete", "target": "/a"}));
    let delete = delete.header("X-Djanginxed-Token", token(&application));
    says(&delete.send(application.port()), 503, "It is not deleted: ");
}

#[test]
fn it_stands_behind_the_users_own_guard_and_in_a_scope() {
    let pages = in_memory();
    let application = Application::configured(1, &Script::html(), move |config| {
        let internal = web::scope("/internal")
            .guard(guard::Header("x-admin", "yes"))
            .configure(pages.admin("/_pages"));
        config.app_data(pages.clone()).service(internal);
    });
    let request = get("/internal/_pages");
    let stranger = request.send(application.port());
    assert!(stranger.text().starts_with("render 1"), "{stranger:?}");
    let admin = request.header("X-Admin", "yes").send(application.port());
    assert!(json_of(&admin)["token"].is_string());
}

#[test]
fn that_it_needs_a_guard_is_logged_once_whatever_the_workers() {
    log::listen();
    let pages = in_memory();
    let application = Application::configured(3, &Script::html(), move |config| {
        config.configure(pages.admin("/_logged"));
    });
    assert_eq!(get("/_logged").send(application.port()).status, 200);
    let lines = log::lines_with("/_logged");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("WARN") && lines[0].contains("guard"),
        "{lines:?}"
    );
}

/// An order with the application's token, and what came of it.
fn ordered(application: &Application, orders: &Value) -> Response {
    let request = order(orders).header("X-Djanginxed-Token", token(application));
    request.send(application.port())
}

#[test]
fn tags_pages_and_everything_are_purged_by_a_program() {
    let application = tagged(&in_memory());
    let store_both = || {
        for target in ["/a", "/b"] {
            assert_eq!(statuses(&application, target)[1], HIT);
        }
    };
    let is_hit = |target| statuses(&application, target)[0] == HIT;
    store_both();
    let look = || json_of(&get("/_pages?target=/a").send(application.port()))["page"].clone();
    assert_eq!(look()["tags"], json!(["all", "page:/a"]));
    let by_tag = json!({"action": "purge", "tag": "page:/a"});
    let report = json_of(&ordered(&application, &by_tag));
    let purged = json!({"deleted": 1, "replaced": 0, "in_doubt": 0, "failures": []});
    assert_eq!(report["purged"], purged);
    assert_eq!(look().get("tags"), None);
    assert!(!is_hit("/a") && is_hit("/b"));
    store_both();
    let page = json!({"action": "purge", "target": "/b"});
    assert_eq!(json_of(&ordered(&application, &page))["purged"], purged);
    assert!(is_hit("/a") && !is_hit("/b"));
    store_both();
    let everything = json!({"action": "purge-everything"});
    let report = json_of(&ordered(&application, &everything));
    assert_eq!(report["purged"]["deleted"], 2);
    assert!(!is_hit("/a") && !is_hit("/b"));
}

#[test]
fn a_purge_without_the_token_or_of_nothing_purges_nothing() {
    let application = tagged(&in_memory());
    let port = application.port();
    assert_eq!(statuses(&application, "/a")[1], HIT);
    for what in [
        json!({"action": "purge", "tag": "all"}),
        json!({"action": "purge", "target": "/a"}),
        json!({"action": "purge-everything"}),
    ] {
        says(&order(&what).send(port), 403, "the token is missing");
        let cross = order(&what).header("X-Djanginxed-Token", token(&application));
        let cross = cross.header("Sec-Fetch-Site", "cross-site").send(port);
        says(&cross, 403, "another site's page");
    }
    for (what, part) in [
        (json!({"action": "purge"}), "say what is to be purged"),
        (
            json!({"action": "purge", "tag": "a", "target": "/a"}),
            "and not both",
        ),
        (json!({"action": "purge", "tag": "two words"}), "two words"),
        (json!({"action": "purge", "target": "a"}), "write path"),
    ] {
        says(&ordered(&application, &what), 400, part);
    }
    assert_eq!(statuses(&application, "/a")[0], HIT);
}

#[test]
fn a_purge_that_no_server_heard_is_told() {
    let pages = PageCache::builder().memcached(["127.0.0.1:1"]);
    let application = tagged(&pages.build().unwrap());
    let purge = json!({"action": "purge", "tag": "all"});
    says(
        &ordered(&application, &purge),
        503,
        "Nothing is purged: Memcached server 127.0.0.1:1",
    );
}
