//! Several Memcached servers: nginx asks the one that has the page.

use djanginxed::Placement;
use testkit::Memcached;

use crate::stack::{NGINX_HIT, Script, Stack, cache_status, log};

/// That nginx finds 200 pages on three servers of different weight, each of
/// which has some.
#[track_caller]
fn nginx_finds_every_page(placement: Placement) {
    let servers = [(); 3].map(|()| Memcached::start().unwrap());
    let [first, second, third] = servers.each_ref().map(Memcached::address);
    let list = [first, format!("{second} weight=2"), third];
    let stack = Stack::setup()
        .cache(move |builder| builder.memcached(list).placement(placement))
        .start(Script::html());
    let targets = (0..200).map(|page| format!("/articles/{page}"));
    let pages: Vec<_> = targets.map(|target| (stack.get(&target), target)).collect();
    for (page, target) in pages {
        let hit = stack.get(&target);
        assert_eq!(cache_status(&hit), NGINX_HIT, "{target}");
        assert_eq!(hit.body, page.body);
    }
    let held = servers.each_ref().map(|server| server.pages().len());
    assert_eq!(held.iter().sum::<usize>(), 200, "{held:?}");
    assert!(held.iter().all(|pages| *pages >= 20), "{held:?}");
}

#[test]
fn nginx_finds_every_page_on_a_ring_of_servers() {
    nginx_finds_every_page(Placement::Consistent);
}

#[test]
fn nginx_finds_every_page_on_servers_by_modulo() {
    nginx_finds_every_page(Placement::Modulo);
}

#[test]
fn the_choice_of_store_is_logged_at_start() {
    log::listen();
    // Another test may have had the same port.
    let stack = Stack::setup()
        .cache(|builder| builder.key_prefix("logged-at-start"))
        .start(Script::html());
    let chosen = format!("in Memcached at {}", stack.memcached.address());
    let lines = log::lines_with("key_prefix=logged-at-start");
    let told = lines.iter().filter(|line| line.contains(&chosen));
    assert_eq!(told.count(), 1, "{lines:?}");
}
