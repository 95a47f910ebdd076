//! An application with several servers, behind nginx.

use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::http::header::ContentType;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, get, web};
use djanginxed::{PageCache, PageKey, Placement, cache_page};
use testkit::Memcached;
use testkit::http::Response;

use crate::upstream::{BOTH, PREFIX, Upstream, ask, start_memcached, start_nginx_before, targets};

type Renders = web::Data<AtomicUsize>;

#[get("/{list}/articles/{number}")]
#[cache_page(60, key_prefix = "site1")]
async fn article(request: HttpRequest, renders: Renders) -> HttpResponse {
    renders.fetch_add(1, Ordering::Relaxed);
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .body(request.uri().to_string())
}

/// Serves until the test's runtime ends; its port.
fn start_application(pages: &PageCache, renders: &Renders) -> u16 {
    let (pages, renders) = (pages.clone(), renders.clone());
    let app = move || {
        let app = App::new().app_data(pages.clone());
        app.app_data(renders.clone()).service(article)
    };
    let server = HttpServer::new(app).workers(2).bind("127.0.0.1:0").unwrap();
    let port = server.addrs()[0].port();
    actix_web::rt::spawn(server.disable_signals().run());
    port
}

async fn ask_all(port: u16, targets: &[String]) -> Vec<Response> {
    let targets = targets.to_owned();
    web::block(move || ask(port, &targets)).await.unwrap()
}

/// Whether the application has answered, rather than nginx.
fn is_by_application(answer: &Response) -> bool {
    answer.header("Cache-Status").is_some()
}

fn entries(servers: &[Memcached]) -> Vec<String> {
    let weights = [2, 1, 1, 5, 1, 3, 1];
    let entry =
        |(server, weight): (&Memcached, u32)| format!("{} weight={weight}", server.address());
    servers.iter().zip(weights).map(entry).collect()
}

fn pages(entries: &[String], placement: Placement) -> PageCache {
    let pages = PageCache::builder().memcached(entries);
    pages.placement(placement).build().unwrap()
}

async fn every_page_is_a_hit(count: usize, placement: Placement) {
    let servers = start_memcached(count);
    let entries = entries(&servers);
    let pages = pages(&entries, placement);
    let renders = Renders::new(AtomicUsize::new(0));
    let port = start_application(&pages, &renders);
    let app = format!("proxy_pass http://127.0.0.1:{port};");
    let list = Upstream::new(entries, placement);
    let nginx = start_nginx_before(&app, &[list], "");
    let targets = targets(0, 500);

    assert!(
        ask_all(nginx.port(), &targets)
            .await
            .iter()
            .all(is_by_application)
    );
    pages.flush().await;
    assert_eq!(renders.load(Ordering::Relaxed), targets.len());
    for (target, answer) in targets.iter().zip(ask_all(nginx.port(), &targets).await) {
        assert!(!is_by_application(&answer), "{target} is a miss in nginx");
        assert_eq!(answer.text(), target);
    }
    assert!(servers.iter().all(|server| server.stat("cmd_set") > 0));
}

#[actix_web::test]
async fn every_page_that_the_application_stores_is_a_hit_in_nginx() {
    for count in [1, 2, 3, 7] {
        for placement in BOTH {
            every_page_is_a_hit(count, placement).await;
        }
    }
}

/// One of three servers is killed: its pages are rendered each time, and
/// neither they nor their deletes go to another server.
async fn nothing_is_stored_elsewhere(placement: Placement) {
    let mut servers = start_memcached(3);
    let pages = pages(&entries(&servers), placement);
    let renders = Renders::new(AtomicUsize::new(0));
    let port = start_application(&pages, &renders);
    let list = Upstream::new(entries(&servers), placement);
    servers[1].kill();
    let targets = targets(0, 100);
    for (target, answer) in targets.iter().zip(ask_all(port, &targets).await) {
        assert_eq!(answer.text(), target);
    }
    pages.flush().await;
    for target in &targets {
        let key = PageKey::new(PREFIX, target);
        let holders = [0, 2].map(|index: usize| servers[index].get(key.to_string()).is_some());
        let own = list.place(target);
        assert_eq!(holders, [own == 0, own == 2]);
        assert_eq!(pages.delete(&key).await.ok(), (own != 1).then_some(true));
    }
}

#[actix_web::test]
async fn a_page_whose_server_is_down_is_stored_nowhere_and_its_delete_is_an_error() {
    for placement in BOTH {
        nothing_is_stored_elsewhere(placement).await;
    }
}
