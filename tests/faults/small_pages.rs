//! Pages as small as a marker, which whole responses are not: Memcached gives the memory of an
//! item to such of about its size alone.

use actix_web::HttpResponse;
use djanginxed::Purge;
use testkit::Memcached;

use crate::app::{Site, at, wait};

#[test]
fn a_purge_has_room_for_its_marker_where_its_pages_were() {
    let memcached = Memcached::builder().memory_mb(2).args(["-M"]).start();
    let memcached = memcached.unwrap();
    let pages = at(&memcached.address()).build().unwrap();
    let site = Site::start(&pages, |visit| async move {
        let length = visit.target.trim_start_matches('/').parse().unwrap();
        HttpResponse::Ok()
            .content_type("text/html")
            .body("x".repeat(length))
    });
    for length in 1..=60 {
        assert_eq!(site.get(&format!("/{length}")).status, 200);
    }
    wait(pages.flush());
    memcached.fill();
    let purged = wait(pages.purge(Purge::everything())).unwrap();
    assert!(purged.is_complete() && purged.deleted == 60, "{purged:?}");
}
