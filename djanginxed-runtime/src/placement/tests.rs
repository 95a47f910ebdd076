use std::net::SocketAddr;

use pingora_ketama::{Bucket, Continuum};
use proptest::prelude::*;

use super::*;

fn keys() -> impl Iterator<Item = PageKey> {
    (0..2_000).map(|n| PageKey::new("site1", &format!("/articles/{n}")))
}

fn servers(entries: &[String]) -> Vec<Server> {
    Server::parse_list(entries).unwrap()
}

/// Different IPv4 servers, as pingora-ketama takes no names and hashes IPv6
/// without nginx's brackets.
fn weighted_servers() -> impl Strategy<Value = Vec<(SocketAddr, u32)>> {
    let server = (any::<[u8; 4]>(), 1_u16.., 1_u32..5);
    prop::collection::vec(server, 1..9).prop_map(|mut list| {
        list.sort_unstable();
        list.dedup_by_key(|(ip, port, _)| (*ip, *port));
        list.into_iter()
            .map(|(ip, port, weight)| ((ip, port).into(), weight))
            .collect()
    })
}

fn entries(list: &[(SocketAddr, u32)]) -> Vec<String> {
    list.iter()
        .map(|(address, weight)| format!("{address} weight={weight}"))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_ring_is_the_one_of_an_independent_port_of_nginx(list in weighted_servers()) {
        let servers = servers(&entries(&list));
        // Which of two servers has a point of both is the sort's choice.
        prop_assume!(!Points::new(&servers).shares_points(&servers));
        let ring = Ring::new(&servers, Placement::Consistent);
        let buckets: Vec<_> = list.iter().map(|(address, weight)| Bucket::new(*address, *weight)).collect();
        let other = Continuum::new(&buckets);
        for key in keys() {
            prop_assert_eq!(Some(list[ring.server_of(&key)].0), other.node(&key.hex()));
        }
    }

    #[test]
    fn a_server_that_joins_the_ring_takes_keys_and_moves_no_other(
        list in weighted_servers(),
        at: prop::sample::Index,
    ) {
        let mut more = entries(&list);
        let before = Ring::new(&servers(&more), Placement::Consistent);
        let at = at.index(more.len() + 1);
        more.insert(at, "joins.internal:11211".to_owned());
        let after = Ring::new(&servers(&more), Placement::Consistent);
        for key in keys() {
            let (old, new) = (before.server_of(&key), after.server_of(&key));
            prop_assert!(new == at || new == old + usize::from(old >= at));
        }
    }

    #[test]
    fn modulo_gives_each_server_its_weight_of_the_keys(list in weighted_servers()) {
        let ring = Ring::new(&servers(&entries(&list)), Placement::Modulo);
        let total: u32 = list.iter().map(|(_, weight)| weight).sum();
        let mut counts = vec![0_u32; list.len()];
        keys().for_each(|key| counts[ring.server_of(&key)] += 1);
        for (count, (_, weight)) in counts.into_iter().zip(&list) {
            let fair = 2_000 * weight / total;
            prop_assert!(count.abs_diff(fair) < 60 + fair / 5, "{} of {}", count, fair);
        }
    }
}

#[test]
fn the_order_of_the_list_matters_to_modulo_alone() {
    let forth = servers(&["a:1".to_owned(), "b:1".to_owned()]);
    let back = servers(&["b:1".to_owned(), "a:1".to_owned()]);
    let moved = |placement| {
        let (forth, back) = (Ring::new(&forth, placement), Ring::new(&back, placement));
        keys()
            .filter(|key| forth.server_of(key) == back.server_of(key))
            .count()
    };
    assert_eq!(moved(Placement::Consistent), 0);
    assert_eq!(moved(Placement::Modulo), 2_000);
}

#[test]
fn a_name_is_placed_as_written() {
    let rings = ["cache.internal:1", "Cache.internal:1"].map(|name| {
        Ring::new(
            &servers(&[name.to_owned(), "b:1".to_owned()]),
            Placement::Consistent,
        )
    });
    assert!(keys().any(|key| rings[0].server_of(&key) != rings[1].server_of(&key)));
}

#[test]
fn the_lines_for_nginx_name_the_servers_in_order() {
    let list = servers(&["b:2 weight=3 max_fails=2".to_owned(), "[::1]:1".to_owned()]);
    assert_eq!(
        upstream_lines(&list, Placement::Consistent),
        "hash $memcached_key consistent;\nserver b:2 weight=3 max_fails=2;\nserver [::1]:1;\n"
    );
    assert!(upstream_lines(&list, Placement::Modulo).starts_with("hash $memcached_key;\n"));
}

#[test]
fn a_single_server_needs_no_hash_line() {
    let list = servers(&["b:2".to_owned()]);
    assert_eq!(
        upstream_lines(&list, Placement::Consistent),
        "server b:2;\n"
    );
}
