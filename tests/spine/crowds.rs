//! Many visitors at once.

use std::sync::Barrier;
use std::thread;

use actix_web::web;
use testkit::eventually;
use testkit::http::{Connection, Request, get};

use crate::stack::{Application, Gate, NGINX_HIT, Script, Stack, cache_status, gated};

fn with_workers(workers: usize) -> Stack {
    Stack::setup().start_with(Script::html(), |pages, script| {
        let pages = pages.clone();
        Application::configured(workers, script, move |config| {
            config.app_data(pages.clone());
        })
    })
}

#[test]
fn several_workers_render_each_page_once() {
    let stack = with_workers(4);
    let port = stack.application.port();
    let start = Barrier::new(8);
    let visit = || {
        start.wait();
        let visit = |page| get(port, format!("/{page}")).text().to_owned();
        (0..20).map(visit).collect::<Vec<_>>()
    };
    let seen = thread::scope(|scope| {
        let visitors: Vec<_> = (0..8).map(|_| scope.spawn(visit)).collect();
        visitors
            .into_iter()
            .map(|visitor| visitor.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert!(seen.iter().all(|pages| *pages == seen[0]), "{seen:?}");
    assert_eq!(stack.script.renders(), 20);
    stack.settle();
    for (page, text) in seen[0].iter().enumerate() {
        let hit = stack.get(format!("/{page}"));
        assert_eq!(cache_status(&hit), NGINX_HIT);
        assert_eq!(hit.text(), text);
    }
}

#[test]
fn who_asks_during_a_render_is_answered_with_it() {
    let gate = web::Data::new(Gate::new(0));
    let its_gate = gate.clone();
    let stack = Stack::setup()
        .routes(move |routes| {
            routes
                .app_data(its_gate.clone())
                .route("/gated", web::get().to(gated));
        })
        .start(Script::html());
    let ask = || {
        let mut visitor = Connection::open(stack.application.port()).unwrap();
        visitor.send(&Request::get("/gated")).unwrap();
        visitor
    };
    let mut leader = ask();
    eventually("the leader renders", || stack.script.renders() == 1);
    let mut others = [(); 5].map(|()| ask());
    // The worker reads what comes in order, so the five have joined.
    assert_eq!(stack.ask("/another").status, 200);
    gate.add_permits(1 << 20);
    let leaders = leader.receive().unwrap();
    assert_eq!(cache_status(&leaders), "djanginxed; fwd=uri-miss; stored");
    for other in &mut others {
        let others = other.receive().unwrap();
        assert_eq!(cache_status(&others), "djanginxed; fwd=uri-miss; collapsed");
        assert_eq!(others.body, leaders.body);
        assert_eq!(
            others.header("content-type"),
            leaders.header("content-type")
        );
    }
    // The leader's and that of the other page.
    assert_eq!(stack.script.renders(), 2);
}

#[test]
fn nobody_is_answered_with_a_render_that_is_not_for_others() {
    let gate = web::Data::new(Gate::new(0));
    let its_gate = gate.clone();
    let stack = Stack::setup()
        .routes(move |routes| {
            routes
                .app_data(its_gate.clone())
                .route("/gated", web::get().to(gated));
        })
        .start(Script::new(|render| {
            let cookie = format!("sessionid={}", render.number);
            crate::stack::ok()
                .insert_header(("Set-Cookie", cookie))
                .body(render.text())
        }));
    let mut visitors = [(); 6].map(|()| Connection::open(stack.application.port()).unwrap());
    for visitor in &mut visitors {
        visitor.send(&Request::get("/gated")).unwrap();
    }
    eventually("the first renders", || stack.script.renders() == 1);
    gate.add_permits(1 << 20);
    let mut cookies = visitors.map(|mut visitor| {
        let response = visitor.receive().unwrap();
        assert_eq!(
            cache_status(&response),
            "djanginxed; fwd=uri-miss; detail=set-cookie"
        );
        response.header("set-cookie").unwrap().to_owned()
    });
    cookies.sort();
    let expected = [1, 2, 3, 4, 5, 6].map(|number| format!("sessionid={number}"));
    assert_eq!(cookies, expected);
}
