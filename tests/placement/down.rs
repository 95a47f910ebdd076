//! What nginx does without one of the servers.

use djanginxed_runtime::{PageKey, Placement};
use testkit::{Memcached, Nginx, eventually};

use crate::upstream::{BOTH, PREFIX, Upstream, ask, start_memcached, start_nginx, targets};

fn upstream(servers: &[Memcached], placement: Placement) -> Upstream {
    Upstream::new(servers.iter().map(Memcached::address), placement)
}

fn put(server: &Memcached, target: &str, page: &str) {
    server.set(PageKey::new(PREFIX, target).to_string(), 0, 60, page);
}

/// What nginx serves for each target: the page, or `app`.
fn served(nginx: &Nginx, targets: &[String]) -> Vec<String> {
    let answers = ask(nginx.port(), targets);
    answers
        .iter()
        .map(|answer| answer.text().to_owned())
        .collect()
}

/// Three servers with their pages, the second of which fails by `fault`, and
/// returns by `mend`: meanwhile nginx has every page but the second's.
fn costs_only_its_own_pages(
    placement: Placement,
    fault: fn(&mut Memcached),
    mend: fn(&mut Memcached),
) {
    let mut servers = start_memcached(3);
    let list = upstream(&servers, placement);
    let targets = targets(0, 300);
    let store = |servers: &[Memcached]| {
        for target in &targets {
            put(&servers[list.place(target)], target, target);
        }
    };
    store(&servers);
    let nginx = start_nginx(&[upstream(&servers, placement)], " fail_timeout=1s");
    eventually("nginx has every page", || {
        served(&nginx, &targets) == targets
    });
    fault(&mut servers[1]);
    let without = |target: &String| match list.place(target) {
        1 => "app".to_owned(),
        _ => target.clone(),
    };
    // On a busy machine a healthy server, too, may once take longer than nginx waits.
    let expected: Vec<_> = targets.iter().map(without).collect();
    eventually("nginx has every page but the failing server's", || {
        served(&nginx, &targets) == expected
    });
    mend(&mut servers[1]);
    store(&servers);
    eventually("nginx asks the server again", || {
        served(&nginx, &targets) == targets
    });
}

#[test]
fn a_killed_server_costs_only_its_own_pages() {
    for placement in BOTH {
        costs_only_its_own_pages(placement, Memcached::kill, |server| {
            server.restart_empty().unwrap()
        });
    }
}

#[test]
fn a_hung_server_costs_only_its_own_pages() {
    for placement in BOTH {
        costs_only_its_own_pages(placement, Memcached::pause, Memcached::resume);
    }
}

#[test]
fn with_every_server_down_each_page_is_rendered() {
    for placement in BOTH {
        let mut servers = start_memcached(3);
        let nginx = start_nginx(&[upstream(&servers, placement)], "");
        servers.iter_mut().for_each(Memcached::kill);
        let answers = served(&nginx, &targets(0, 100));
        assert!(answers.iter().all(|answer| answer == "app"));
    }
}

/// The reason for the warning in docs/operations.md: where a former list has
/// left a page on another server, nginx finds it there while the page's own
/// server is down.
#[test]
fn a_page_left_by_a_former_list_comes_back_only_while_its_server_is_down() {
    for placement in BOTH {
        let mut servers = start_memcached(3);
        let list = upstream(&servers, placement);
        let mine: Vec<_> = targets(0, 100)
            .into_iter()
            .filter(|target| list.place(target) == 0)
            .collect();
        for target in &mine {
            servers[1..]
                .iter()
                .for_each(|server| put(server, target, "left over"));
        }
        let nginx = start_nginx(&[upstream(&servers, placement)], "");
        assert!(served(&nginx, &mine).iter().all(|answer| answer == "app"));
        servers[0].kill();
        // The first finds out that the server is down.
        eventually("nginx finds what was left over", || {
            let answers = served(&nginx, &mine);
            answers.iter().all(|answer| answer == "left over")
        });
    }
}
