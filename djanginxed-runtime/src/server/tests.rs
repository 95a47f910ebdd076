use proptest::prelude::*;

use super::*;

fn problem(entry: &str) -> &'static str {
    match Server::parse(entry) {
        Err(ConfigError::Server {
            entry: named,
            problem,
        }) => {
            assert_eq!(named, entry);
            problem
        }
        other => panic!("{entry:?} gave {other:?}"),
    }
}

fn list_problem(entries: &[&str]) -> (String, &'static str) {
    match Server::parse_list(entries) {
        Err(ConfigError::Server { entry, problem }) => (entry, problem),
        other => panic!("{entries:?} gave {other:?}"),
    }
}

#[test]
fn what_nginx_takes_is_read_and_printed_back() {
    for (entry, printed) in [
        ("10.0.0.1:11211", "10.0.0.1:11211"),
        (" 10.0.0.1:11211\tweight=2 ", "10.0.0.1:11211 weight=2"),
        ("10.0.0.1:11211 weight=1", "10.0.0.1:11211"),
        ("[::1]:11211", "[::1]:11211"),
        ("[2001:DB8::1]:1", "[2001:DB8::1]:1"),
        (
            "unix:/run/memcached@site/a.sock weight=2 max_fails=3",
            "unix:/run/memcached@site/a.sock weight=2 max_fails=3",
        ),
        ("Cache3.internal:65535", "Cache3.internal:65535"),
        ("my_cache.ns.svc.:11211", "my_cache.ns.svc.:11211"),
        (
            "a:1 max_fails=0 fail_timeout=1m weight=3",
            "a:1 weight=3 max_fails=0 fail_timeout=60s",
        ),
    ] {
        assert_eq!(
            Server::parse(entry).unwrap().to_string(),
            printed,
            "{entry:?}"
        );
    }
}

#[test]
fn an_entry_is_a_host_as_written_a_port_and_a_weight() {
    let server = Server::parse("[::1]:11211 weight=7").unwrap();
    assert_eq!(
        (server.place.clone(), server.weight),
        (
            Place::Tcp {
                host: "[::1]".to_owned(),
                port: 11211
            },
            7
        )
    );
    assert_eq!(server.address(), "[::1]:11211");
}

#[test]
fn a_host_that_nginx_would_read_otherwise_is_refused() {
    for (entry, part) in [
        ("", "empty"),
        ("  ", "empty"),
        ("10.0.0.1", "no port"),
        ("[::1]", "no port"),
        ("11211", "no port"),
        (":11211", "neither"),
        ("*:11211", "neither"),
        ("-a:11211", "neither"),
        ("a..b:11211", "neither"),
        ("http://a:11211", "brackets"),
        ("a/b:11211", "neither"),
        ("::1:11211", "brackets"),
        ("[::1:11211", "not closed"),
        ("[::1]11211", "no port"),
        ("[::1]]:11211", "no port"),
        ("[]:11211", "IPv6"),
        ("[fe80::1%eth0]:11211", "IPv6"),
        ("[10.0.0.1]:11211", "IPv6"),
        ("10.0.0.256:11211", "IPv4"),
        ("010.0.0.1:11211", "IPv4"),
        ("10.1:11211", "IPv4"),
        ("UNIX:/run/memcached.sock", "lower case"),
        ("server 10.0.0.1:11211", "\"server\""),
    ] {
        assert!(
            problem(entry).contains(part),
            "{entry:?}: {}",
            problem(entry)
        );
    }
}

#[test]
fn a_socket_that_nginx_would_read_otherwise_is_refused() {
    let longest = format!("unix:/{}", "a".repeat(106));
    assert_eq!(Server::parse(&longest).unwrap().to_string(), longest);
    for (entry, part) in [
        ("unix:", "no path"),
        ("unix: /run/a.sock", "no path"),
        ("unix:a.sock", "relative"),
        ("unix:./a.sock", "relative"),
        ("unix:~/a.sock", "relative"),
        ("unix:/run/memcached/", "folder"),
        ("unix:/", "folder"),
        ("unix:/run/../a.sock", "\"..\""),
        ("unix:/run/a:b.sock", "A-Z a-z"),
        ("unix:/run/a%20b.sock", "A-Z a-z"),
        ("unix:/run/a*.sock", "A-Z a-z"),
        ("unix:/run/a b.sock", "parameter"),
        ("unix:/run/\u{e9}.sock", "outside of ASCII"),
        ("unix:/run/$a.sock", "means something"),
        ("unix:/run/a.sock:11211", "A-Z a-z"),
        (&format!("{longest}a"), "107 bytes"),
    ] {
        assert!(
            problem(entry).contains(part),
            "{entry:?}: {}",
            problem(entry)
        );
    }
}

#[test]
fn a_port_is_1_to_65535_without_leading_zeros() {
    for port in [
        "",
        "0",
        "65536",
        "011211",
        "+11211",
        "-1",
        "1e3",
        "11211-11213",
        "80/x",
    ] {
        assert!(problem(&format!("a:{port}")).contains("port"), "{port:?}");
    }
}

#[test]
fn a_weight_is_1_to_1000() {
    for weight in ["", "0", "1001", "+1", "-1", "1.5", "99999999999"] {
        assert!(
            problem(&format!("a:1 weight={weight}")).contains("weight"),
            "{weight:?}"
        );
    }
}

#[test]
fn a_parameter_that_moves_pages_is_refused_by_name() {
    for parameter in [
        "backup",
        "down",
        "max_conns=5",
        "slow_start=30s",
        "resolve",
        "service=mc",
    ] {
        let name = parameter.split('=').next().unwrap();
        let sentence = problem(&format!("a:1 {parameter}"));
        assert!(
            sentence.contains(name) || sentence.contains("addresses as they change"),
            "{sentence}"
        );
    }
    for parameter in [
        "b:2",
        "weigth=2",
        "route=x",
        "drain",
        "max_fails",
        "Weight=2",
    ] {
        assert!(
            problem(&format!("a:1 {parameter}")).contains("max_fails"),
            "{parameter}"
        );
    }
    for parameter in [
        "max_fails=x",
        "max_fails=-1",
        "fail_timeout=",
        "fail_timeout=s",
        "fail_timeout=1w",
        "fail_timeout=9999999h",
    ] {
        assert!(
            problem(&format!("a:1 {parameter}")).contains("its "),
            "{parameter}"
        );
    }
    assert!(problem("a:1 weight=2 weight=2").contains("twice"));
}

#[test]
fn what_nginx_file_could_not_carry_is_refused() {
    for entry in [
        "a:1;",
        "a:1; # x",
        "a:1,b:2",
        "a:1\nb:2",
        "a:1\r",
        "a\u{0}:1",
        "é:1",
        "a:1\u{a0}",
        "$a:1",
        "{a}:1",
        "\"a\":1",
        "'a':1",
        "a\\:1",
        "a:1 #weight=2",
    ] {
        let sentence = problem(entry);
        assert!(
            ["\";\"", "comma", "line break", "means something"]
                .iter()
                .any(|part| sentence.contains(part)),
            "{entry:?}: {sentence}"
        );
    }
}

#[test]
fn an_error_names_the_entry_and_shows_how_to_write_it() {
    let error = Server::parse("10.0.0.1").unwrap_err().to_string();
    assert!(
        error.starts_with("Memcached server \"10.0.0.1\": it has no port"),
        "{error}"
    );
    assert!(
        error.ends_with("\"unix:/run/memcached/memcached.sock\""),
        "{error}"
    );
}

#[test]
fn a_list_keeps_its_order_and_may_be_empty() {
    let servers = Server::parse_list(["b:1", "a:1", "a:2"]).unwrap();
    let printed: Vec<_> = servers.iter().map(Server::address).collect();
    assert_eq!(printed, ["b:1", "a:1", "a:2"]);
    assert!(Server::parse_list([] as [&str; 0]).unwrap().is_empty());
}

#[test]
fn a_server_listed_twice_is_refused_however_it_is_written() {
    for (first, second) in [
        ("a:1", "a:1"),
        ("a:1", "A.:1 weight=2"),
        ("[::1]:1", "[0:0:0:0:0:0:0:1]:1"),
        ("127.0.0.1:1", "[::ffff:127.0.0.1]:1"),
        ("unix:/run/a.sock", "unix:/run/a.sock weight=2"),
        ("unix:/run/a.sock", "unix://run/./a.sock"),
    ] {
        let (entry, problem) = list_problem(&["c:1", first, second]);
        assert_eq!((entry.as_str(), problem.contains("twice")), (second, true));
    }
}

#[test]
fn a_list_weighs_at_most_what_modulo_can_reach() {
    let mut entries: Vec<_> = (0..32).map(|n| format!("s{n}:1 weight=1000")).collect();
    entries.push("last:1 weight=768".to_owned());
    assert_eq!(Server::parse_list(&entries).unwrap().len(), 33);
    entries.push("over:1".to_owned());
    let entries: Vec<_> = entries.iter().map(String::as_str).collect();
    assert_eq!(list_problem(&entries).0, "over:1");
}

fn entry() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        "[a-zA-Z0-9_.-]{1,12}",
        any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|address| format!("[{address}]")),
    ];
    let parameters = prop_oneof![
        Just(String::new()),
        (0_u32..1100).prop_map(|n| format!(" weight={n}")),
        (0_u32..9, "[smhd]?")
            .prop_map(|(n, unit)| format!(" max_fails={n}  fail_timeout={n}{unit}")),
    ];
    let port = (host, 0_u32..70_000).prop_map(|(host, port)| format!("{host}:{port}"));
    let address = prop_oneof![port, "unix:/[a-z/.@]{1,9}"];
    (address, parameters).prop_map(|(address, rest)| address + &rest)
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text: String, mut entry in entry(), at: prop::sample::Index) {
        let _ = Server::parse(&text);
        let at = at.index(entry.len());
        entry.insert_str(at, &text);
        let _ = Server::parse(&entry);
    }

    #[test]
    fn what_is_accepted_prints_back_to_the_same(entry in entry()) {
        if let Ok(server) = Server::parse(&entry) {
            prop_assert!(entry.starts_with(&server.address()));
            prop_assert_eq!(Server::parse(&server.to_string()), Ok(server));
        }
    }
}
