//! One render a page, however many ask, and nobody who suffers from it.

use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use djanginxed::PageCache;
use futures_util::StreamExt;
use testkit::http::{Connection, Request, Response};
use testkit::{Fault, FaultProxy, Memcached, eventually};

use crate::app::{
    Gate, Meeting, Site, Visit, at, builder, html, pages_sent_to, run_of, status_of, wait,
};

const PAGE: &str = "/page?of=all";

fn in_memory() -> PageCache {
    builder().build().unwrap()
}

fn answers(crowd: Vec<Connection>) -> Vec<Response> {
    let answer = |mut visitor: Connection| visitor.receive().expect("a whole response");
    crowd.into_iter().map(answer).collect()
}

/// A site whose first runs wait at the gate.
fn gated(pages: &PageCache, runs: usize) -> (Site, Gate) {
    let gate = Gate::default();
    let handlers = gate.clone();
    let site = Site::start(pages, move |visit| {
        let gate = handlers.clone();
        async move {
            if visit.number <= runs {
                gate.pass().await;
            }
            visit.page()
        }
    });
    (site, gate)
}

#[track_caller]
fn a_thousand_visitors_share_one_render(pages: &PageCache, late_ones: usize) {
    let (site, gate) = gated(pages, 1);
    let crowd = site.crowd(PAGE, 1000);
    gate.open();
    let mut leaders = 0;
    for response in answers(crowd) {
        assert_eq!(run_of(&response, PAGE), 1);
        // Where its lookup has failed, the leader is not told that the page is stored.
        let status = status_of(&response);
        leaders += usize::from(matches!(status, "fwd=uri-miss; stored" | "fwd=uri-miss"));
    }
    assert_eq!((leaders, site.runs(PAGE)), (1, 1));
    // The page may still be on its way to the store.
    for _ in 0..late_ones {
        let late = site.get(PAGE);
        assert_eq!((run_of(&late, PAGE), status_of(&late)), (1, "hit"));
    }
    assert_eq!(site.runs(PAGE), 1);
}

#[test]
fn a_thousand_visitors_share_one_render_in_memory() {
    a_thousand_visitors_share_one_render(&in_memory(), 50);
}

#[test]
fn a_thousand_visitors_share_one_render_with_memcached() {
    let memcached = Memcached::start().unwrap();
    let pages = at(&memcached.address()).build().unwrap();
    a_thousand_visitors_share_one_render(&pages, 50);
    wait(pages.flush());
    assert_eq!(pages_sent_to(&memcached), 1);
}

/// Nobody can say whether another process has purged the page while it was rendered, so the
/// first render is for those who had asked before it, and the second for all others.
#[test]
fn a_thousand_visitors_share_two_renders_with_a_slow_memcached() {
    let memcached = Memcached::start().unwrap();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    proxy.set(Fault::Delay(Duration::from_secs(1)));
    let pages = at(&proxy.address()).build().unwrap();
    let (site, gate) = gated(&pages, 1);
    let crowd = site.crowd(PAGE, 1000);
    gate.open();
    for response in answers(crowd) {
        let run = run_of(&response, PAGE);
        assert!((1..=2).contains(&run), "render {run}");
    }
    assert!(site.runs(PAGE) <= 2, "{} renders", site.runs(PAGE));
}

#[test]
fn a_leader_who_closes_politely_still_renders_for_the_others() {
    let (site, gate) = gated(&in_memory(), 1);
    let leader = site.ask(PAGE);
    eventually("the leader renders", || site.runs(PAGE) == 1);
    let crowd = site.crowd(PAGE, 50);
    leader.leave();
    std::thread::sleep(Duration::from_millis(100));
    gate.open();
    let runs: Vec<_> = answers(crowd).iter().map(|one| run_of(one, PAGE)).collect();
    // The server may take a FIN as an end; then another has taken over.
    assert!(runs.iter().all(|run| *run == runs[0]), "{runs:?}");
    assert_eq!(site.runs(PAGE), runs[0]);
}

#[test]
fn when_the_leader_resets_its_connection_exactly_one_other_takes_over() {
    let (site, gate) = gated(&in_memory(), 2);
    let leader = site.ask(PAGE);
    eventually("the leader renders", || site.runs(PAGE) == 1);
    let crowd = site.crowd(PAGE, 50);
    leader.reset().unwrap();
    eventually("another renders", || site.runs(PAGE) == 2);
    gate.open();
    for response in answers(crowd) {
        assert_eq!(run_of(&response, PAGE), 2);
    }
    assert_eq!(site.runs(PAGE), 2);
}

#[test]
fn when_every_visitor_resets_the_next_one_is_served() {
    let (site, gate) = gated(&in_memory(), usize::MAX);
    for visitor in site.crowd(PAGE, 30) {
        visitor.reset().unwrap();
    }
    let mut last = site.ask(PAGE);
    gate.open();
    run_of(&last.receive().unwrap(), PAGE);
}

#[test]
fn when_the_leaders_handler_panics_another_takes_over() {
    let gate = Gate::default();
    let handlers = gate.clone();
    let site = Site::start(&in_memory(), move |visit| {
        let gate = handlers.clone();
        async move {
            gate.pass().await;
            assert!(visit.number > 1, "the first run panics on purpose");
            visit.page()
        }
    });
    let mut leader = site.ask(PAGE);
    eventually("the leader renders", || site.runs(PAGE) == 1);
    let crowd = site.crowd(PAGE, 50);
    gate.open();
    assert!(leader.receive().is_err());
    for response in answers(crowd) {
        assert_eq!(run_of(&response, PAGE), 2);
    }
    assert_eq!(site.runs(PAGE), 2);
}

/// Visitors of a page that is not for others: those who waited are let go at
/// once and render side by side, and so do those who come next.
#[track_caller]
fn nobody_shares(respond: fn(&Visit) -> HttpResponse, check: impl Fn(&[Response])) {
    const CROWD: usize = 40;
    let (gate, meeting, second) = (Gate::default(), Meeting::of(CROWD), Meeting::of(CROWD));
    let handlers = (gate.clone(), meeting, second);
    let site = Site::start(&in_memory(), move |visit| {
        let (gate, meeting, second) = handlers.clone();
        async move {
            let together = match visit.number {
                1 => {
                    gate.pass().await;
                    true
                }
                2..=41 => meeting.complete().await,
                _ => second.complete().await,
            };
            assert!(together, "visitors rendered one after the other");
            respond(&visit)
        }
    });
    let mut leader = site.ask(PAGE);
    eventually("the leader renders", || site.runs(PAGE) == 1);
    let crowd = site.crowd(PAGE, CROWD);
    assert_eq!(site.runs(PAGE), 1);
    gate.open();
    let mut all = answers(crowd);
    all.push(leader.receive().unwrap());
    assert_eq!(site.runs(PAGE), 1 + CROWD);
    all.extend(answers(site.crowd(PAGE, CROWD)));
    assert_eq!(site.runs(PAGE), 1 + 2 * CROWD);
    check(&all);
}

#[test]
fn each_cookie_reaches_exactly_one_visitor() {
    let respond = |visit: &Visit| {
        let mut response = visit.page();
        let cookie = format!("session={}", visit.number).parse().unwrap();
        let name = actix_web::http::header::SET_COOKIE;
        response.headers_mut().insert(name, cookie);
        response
    };
    nobody_shares(respond, |all| {
        let mut cookies: Vec<_> = all.iter().map(|one| one.header("set-cookie")).collect();
        cookies.sort();
        cookies.dedup();
        assert_eq!(cookies.len(), all.len());
        for response in all {
            let own = format!("session={}", run_of(response, PAGE));
            assert_eq!(response.header("set-cookie"), Some(&*own));
            assert_eq!(status_of(response), "fwd=uri-miss; detail=set-cookie");
        }
    });
}

#[test]
fn a_response_without_life_is_rendered_for_each_visitor_side_by_side() {
    let respond = |visit: &Visit| {
        let mut response = visit.page();
        let name = actix_web::http::header::CACHE_CONTROL;
        let headers = response.headers_mut();
        headers.insert(name, "max-age=0".parse().unwrap());
        response
    };
    nobody_shares(respond, |all| {
        for response in all {
            run_of(response, PAGE);
            assert_eq!(status_of(response), "fwd=uri-miss; detail=expired");
        }
    });
}

#[test]
fn a_failing_handler_fails_for_each_visitor_with_its_own_status() {
    let respond = |visit: &Visit| {
        HttpResponse::InternalServerError()
            .content_type("text/html")
            .body(visit.number.to_string())
    };
    nobody_shares(respond, |all| {
        let mut bodies: Vec<_> = all.iter().map(|one| one.text()).collect();
        bodies.sort_unstable();
        bodies.dedup();
        assert_eq!(bodies.len(), all.len());
        assert!(all.iter().all(|one| one.status == 500));
    });
}

#[test]
fn each_visitor_gets_a_stream_of_their_own() {
    let respond = |visit: &Visit| {
        let chunks = futures_util::stream::iter(["a", "b", "c"]);
        let number = visit.number;
        let chunks =
            chunks.map(move |chunk| Ok::<_, std::io::Error>(format!("{number}{chunk}").into()));
        // Nothing is stored, so that every visitor finds no page.
        HttpResponse::Ok()
            .content_type("text/html")
            .insert_header(("cache-control", "no-store"))
            .streaming(chunks)
    };
    nobody_shares(respond, |all| {
        let mut bodies: Vec<_> = all.iter().map(|one| one.text().to_owned()).collect();
        bodies.sort_unstable();
        bodies.dedup();
        assert_eq!(bodies.len(), all.len());
    });
}

#[test]
fn a_visitor_who_does_not_read_a_stream_holds_nobody() {
    let site = Site::start(&in_memory(), |visit| async move {
        let chunk = actix_web::web::Bytes::from(vec![b'x'; 64 << 10]);
        let endless = visit.number == 1;
        let chunks = futures_util::stream::repeat(chunk).map(Ok::<_, std::io::Error>);
        let chunks = chunks.take(if endless { usize::MAX } else { 2 });
        HttpResponse::Ok()
            .content_type("text/html")
            .streaming(chunks)
    });
    let mut idle = Connection::open_narrow(site.port).unwrap();
    idle.send(&Request::get(PAGE)).unwrap();
    eventually("the stream has begun", || site.runs(PAGE) == 1);
    let asked = Instant::now();
    for response in answers(site.crowd(PAGE, 20)) {
        assert_eq!((response.status, response.body.len()), (200, 128 << 10));
    }
    assert!(asked.elapsed() < Duration::from_secs(3));
    idle.reset().unwrap();
}

#[test]
fn who_has_waited_long_enough_renders_and_the_next_begins_a_new_flight() {
    const PATIENCE: Duration = Duration::from_secs(1);
    let pages = builder().coalesce_timeout(PATIENCE).build();
    let (site, gate) = gated(&pages.unwrap(), usize::MAX);
    let leader = site.ask(PAGE);
    eventually("the leader renders", || site.runs(PAGE) == 1);
    let waiter = site.ask(PAGE);
    eventually("the waiter renders", || site.runs(PAGE) == 2);
    let asked = Instant::now();
    let next = site.ask(PAGE);
    eventually("the next leads", || site.runs(PAGE) == 3);
    assert!(asked.elapsed() < PATIENCE, "it waited for the old flight");
    let follower = site.crowd(PAGE, 1).remove(0);
    assert_eq!(site.runs(PAGE), 3, "nobody follows the new flight");
    gate.open();
    let all = answers(vec![leader, waiter, next, follower]);
    let runs: Vec<_> = all.iter().map(|one| run_of(one, PAGE)).collect();
    assert_eq!(runs[..3], [1, 2, 3]);
}

#[test]
fn conditional_and_range_requests_neither_lead_nor_mark() {
    for (name, value) in [("if-none-match", "\"v1\""), ("range", "bytes=0-9")] {
        let gate = Gate::default();
        let handlers = gate.clone();
        let site = Site::start(&in_memory(), move |visit| {
            let gate = handlers.clone();
            async move {
                gate.pass().await;
                let headers = visit.request.headers();
                if headers.contains_key("if-none-match") {
                    HttpResponse::NotModified().finish()
                } else if headers.contains_key("range") {
                    HttpResponse::PartialContent().body("0123456789")
                } else {
                    visit.page()
                }
            }
        });
        let mut part = site.ask_with(&Request::get(PAGE).header(name, value));
        eventually("it renders", || site.runs(PAGE) == 1);
        let whole = site.crowd(PAGE, 1);
        assert_eq!(site.runs(PAGE), 2, "{name}: a whole page waits for a part");
        gate.open();
        assert_ne!(part.receive().unwrap().status, 200);
        assert_eq!(run_of(&answers(whole)[0], PAGE), 2);
    }
}

#[test]
fn a_conditional_requests_304_leaves_the_next_visitors_together() {
    let gate = Gate::default();
    let handlers = gate.clone();
    let site = Site::start(&in_memory(), move |visit| {
        let gate = handlers.clone();
        async move {
            if visit.request.headers().contains_key("if-none-match") {
                return HttpResponse::NotModified().finish();
            }
            gate.pass().await;
            visit.page()
        }
    });
    let conditional = Request::get(PAGE).header("if-none-match", "\"v1\"");
    assert_eq!(conditional.send(site.port).status, 304);
    let crowd = site.crowd(PAGE, 20);
    gate.open();
    for response in answers(crowd) {
        assert_eq!(run_of(&response, PAGE), 2);
    }
}

#[test]
fn bypassed_requests_render_side_by_side() {
    let pages = builder().bypass_cookie("session").build();
    for (name, value) in [("authorization", "Basic YTpi"), ("cookie", "session=1")] {
        let meeting = Meeting::of(10);
        let site = Site::start(pages.as_ref().unwrap(), move |visit| {
            let meeting = meeting.clone();
            async move {
                assert!(meeting.complete().await, "they waited for each other");
                visit.page()
            }
        });
        let request = Request::get(PAGE).header(name, value);
        let visitors = (0..10).map(|_| site.ask_with(&request)).collect();
        let mut runs: Vec<_> = answers(visitors)
            .iter()
            .map(|one| run_of(one, PAGE))
            .collect();
        runs.sort_unstable();
        assert!(runs.into_iter().eq(1..=10), "{name}");
    }
}

#[test]
fn a_head_request_neither_leads_nor_stores() {
    let (site, gate) = gated(&in_memory(), usize::MAX);
    let mut head = site.ask_with(&Request::new("HEAD", PAGE));
    eventually("the head is rendered", || site.runs(PAGE) == 1);
    let page = site.crowd(PAGE, 1);
    assert_eq!(site.runs(PAGE), 2, "a page waits for a head");
    gate.open();
    let head = head.receive().unwrap();
    assert_eq!(
        (head.status, status_of(&head)),
        (200, "fwd=uri-miss; detail=method")
    );
    assert_eq!(run_of(&answers(page)[0], PAGE), 2);
    assert_eq!(run_of(&site.get(PAGE), PAGE), 2);
}

#[test]
fn a_page_that_becomes_storable_is_shared_again() {
    let site = Site::start(&in_memory(), |visit| async move {
        match visit.number {
            1 => HttpResponse::ServiceUnavailable().finish(),
            _ => html("well again"),
        }
    });
    assert_eq!(site.get(PAGE).status, 503);
    assert_eq!(site.get(PAGE).text(), "well again");
    assert_eq!(site.get(PAGE).text(), "well again");
    assert_eq!(site.runs(PAGE), 2);
}
