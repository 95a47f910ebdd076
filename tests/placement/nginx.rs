//! Against nginx's own `$upstream_addr`.

use std::collections::HashSet;

use djanginxed_runtime::PageKey;
use testkit::Memcached;

use crate::upstream::{BOTH, PREFIX, Upstream, ask, start_memcached, start_nginx, targets};

const WEIGHTS: [u32; 7] = [1, 3, 2, 1, 7, 1, 2];

fn entries(servers: &[Memcached]) -> Vec<String> {
    let entry =
        |(server, weight): (&Memcached, u32)| format!("{} weight={weight}", server.address());
    servers.iter().zip(WEIGHTS).map(entry).collect()
}

#[test]
fn nginx_asks_the_server_on_which_the_application_puts_the_page() {
    let servers = start_memcached(7);
    let lists: Vec<Upstream> = [1, 2, 3, 7]
        .into_iter()
        .flat_map(|count| {
            BOTH.map(|placement| Upstream::new(entries(&servers[..count]), placement))
        })
        .collect();
    let nginx = start_nginx(&lists, "");
    for (at, list) in lists.iter().enumerate() {
        let targets = targets(at, 10_000);
        let answers = ask(nginx.port(), &targets);
        let wrong = targets
            .iter()
            .zip(&answers)
            .filter(|(target, answer)| list.place(target) != list.asked(answer))
            .count();
        assert_eq!(wrong, 0, "{:?} {:?}", list.placement, list.entries);
        let used: HashSet<_> = answers.iter().map(|answer| list.asked(answer)).collect();
        assert_eq!(used.len(), list.entries.len(), "every server has pages");
    }
}

#[test]
fn every_page_put_on_its_server_is_a_hit_in_nginx() {
    let servers = start_memcached(3);
    let lists = BOTH.map(|placement| Upstream::new(entries(&servers), placement));
    let nginx = start_nginx(&lists, "");
    for (at, list) in lists.iter().enumerate() {
        let targets = targets(at, 300);
        for target in &targets {
            let key = PageKey::new(PREFIX, target);
            servers[list.place(target)].set(key.to_string(), 0, 60, target);
        }
        for (target, answer) in targets.iter().zip(ask(nginx.port(), &targets)) {
            assert_eq!(answer.text(), target);
        }
    }
}
