//! The embedded store, where no Memcached server is named.

use djanginxed::PageCache;
use testkit::http::{Request, get};

use crate::stack::{Application, Script, cache_status, ok, wait};

fn application(pages: &PageCache, script: &Script) -> Application {
    let pages = pages.clone();
    Application::configured(2, script, move |config| {
        config.app_data(pages.clone());
    })
}

#[test]
fn a_page_is_a_hit_in_every_worker() {
    let pages = PageCache::builder().build().unwrap();
    let script = Script::html();
    let application = application(&pages, &script);
    for target in ["/a", "/b?x=1"] {
        let miss = get(application.port(), target);
        assert_eq!(cache_status(&miss), "djanginxed; fwd=uri-miss; stored");
        for _ in 0..4 {
            let hit = get(application.port(), target);
            assert_eq!(cache_status(&hit), "djanginxed; hit");
            assert_eq!(hit.body, miss.body);
            assert_eq!(hit.header("content-type"), miss.header("content-type"));
        }
    }
    assert_eq!(script.renders(), 2);
}

#[test]
fn memory_has_a_bound() {
    let pages = PageCache::builder().in_memory(20_000).build().unwrap();
    let script = Script::new(|render| ok().body(format!("{:x<1000}", render.text())));
    let application = application(&pages, &script);
    let is_there = |page: &usize| {
        // A HEAD looks up and does not store.
        let head = Request::new("HEAD", format!("/{page}")).send(application.port());
        cache_status(&head) == "djanginxed; hit"
    };
    for page in 0..100 {
        assert_eq!(get(application.port(), format!("/{page}")).status, 200);
    }
    // Each counts its 1,000 bytes and 384 more.
    let there: Vec<_> = (0..100).filter(is_there).collect();
    assert_eq!(there, (86..100).collect::<Vec<_>>());
}

#[test]
fn a_page_larger_than_all_memory_is_served_and_not_kept() {
    let pages = PageCache::builder().in_memory(10_000).build().unwrap();
    let script = Script::new(|render| ok().body(format!("{:x<20000}", render.text())));
    let application = application(&pages, &script);
    for _ in 0..3 {
        let page = get(application.port(), "/a");
        assert_eq!((page.status, page.body.len()), (200, 20_000));
        assert_eq!(
            cache_status(&page),
            "djanginxed; fwd=uri-miss; detail=too-large"
        );
    }
    assert_eq!(script.renders(), 3);
}

#[test]
fn a_page_in_memory_can_be_deleted() {
    let pages = PageCache::builder().key_prefix("site1").build().unwrap();
    let script = Script::html();
    let application = application(&pages, &script);
    let _ = get(application.port(), "/a");
    assert!(wait(pages.delete(&pages.key("/a"))).unwrap());
    assert!(!wait(pages.delete(&pages.key("/a"))).unwrap());
    assert_eq!(get(application.port(), "/a").text(), "render 2 of /a");
}
