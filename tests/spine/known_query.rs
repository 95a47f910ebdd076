//! Pages that name the query parameters that they know.

use actix_web::{HttpRequest, HttpResponse, get, web};
use djanginxed::{PageCache, cache_page};
use testkit::http::get as ask;

use crate::scopes::{in_memory, plain};
use crate::stack::{Application, NGINX_HIT, Script, Stack, cache_status};

const STORED: &str = "djanginxed; fwd=uri-miss; stored";
const UNKNOWN: &str = "djanginxed; fwd=bypass; detail=query";

#[get("/list")]
#[cache_page(60, query = ["page"])]
async fn list(request: HttpRequest, script: web::Data<Script>) -> HttpResponse {
    script.render(request)
}

#[test]
fn a_request_with_a_parameter_that_the_page_does_not_know_is_not_stored() {
    let stack = Stack::setup().start_with(Script::html(), |pages, script| {
        let pages = pages.clone();
        Application::configured(1, script, move |config| {
            config.app_data(pages.clone()).service(list);
        })
    });
    for known in ["/list", "/list?page=2"] {
        assert_eq!(cache_status(&stack.get(known)), STORED, "{known}");
        assert_eq!(cache_status(&stack.get(known)), NGINX_HIT, "{known}");
    }
    let stored = stack.memcached.pages().len();
    for unknown in ["/list?", "/list?page=2&x=1", "/list?p%61ge=2"] {
        for _ in 0..2 {
            let response = stack.get(unknown);
            assert_eq!(response.status, 200);
            assert_eq!(cache_status(&response), UNKNOWN, "{unknown}");
        }
    }
    assert_eq!(stack.script.renders(), 8);
    assert_eq!(stack.memcached.pages().len(), stored);
}

#[test]
fn a_scope_names_its_parameters_too() {
    let pages = in_memory();
    let application = Application::configured(1, &Script::html(), move |config| {
        let scope = web::scope("/blog")
            .wrap(pages.cache(60).query(["page"]))
            .default_service(web::to(plain));
        config.service(scope);
    });
    let status = |target| cache_status(&ask(application.port(), target));
    assert_eq!(status("/blog/1?page=2"), STORED);
    assert_eq!(status("/blog/1?page=2"), "djanginxed; hit");
    assert_eq!(status("/blog/1?page=2&x=1"), UNKNOWN);
    assert_eq!(status("/blog/1?page=2&x=1"), UNKNOWN);
}

#[test]
fn the_caches_parameters_count_for_pages_that_name_none() {
    let pages = PageCache::builder().query(["q"]).build().unwrap();
    let application = Application::configured(1, &Script::html(), move |config| {
        let scope = |path, cache| web::scope(path).wrap(cache).default_service(web::to(plain));
        config
            .app_data(pages.clone())
            .service(list)
            .service(scope("/named", pages.cache(60).query(["page"])))
            .service(scope("/default", pages.cache(60)));
    });
    let status = |target| cache_status(&ask(application.port(), target));
    for stored in ["/default/1?q=a", "/named/1?page=2", "/list?page=2"] {
        assert_eq!(status(stored), STORED, "{stored}");
        assert_eq!(status(stored), "djanginxed; hit", "{stored}");
    }
    for unknown in ["/default/1?page=2", "/named/1?q=a", "/list?q=a"] {
        assert_eq!(status(unknown), UNKNOWN, "{unknown}");
        assert_eq!(status(unknown), UNKNOWN, "{unknown}");
    }
}
