use std::env::VarError;

use proptest::prelude::*;

use super::*;

fn empty(_: &str) -> Result<String, VarError> {
    Err(VarError::NotPresent)
}

fn checked(builder: PageCacheBuilder) -> Result<Settings, ConfigError> {
    builder.checked(empty)
}

fn builder() -> PageCacheBuilder {
    PageCacheBuilder::new()
}

fn names(settings: &Settings) -> Vec<&str> {
    settings.hosts.iter().map(|host| &*host.name).collect()
}

/// The message of what is wrong; it must name what was given.
#[track_caller]
fn refusal(builder: PageCacheBuilder, given: &str) -> String {
    let message = checked(builder).expect_err(given).to_string();
    assert!(message.contains(given), "{message:?} names {given:?}");
    message
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let settings = checked(builder()).unwrap();
    assert!(settings.enabled && settings.lookup && settings.cache_status && !settings.gzip);
    assert!(settings.servers.is_empty());
    assert_eq!(settings.placement, Placement::Consistent);
    assert_eq!(settings.key_prefix, "");
    assert_eq!(settings.max_entry_size, 1_000_000);
    assert_eq!(settings.memory, 64 * 1024 * 1024);
    assert_eq!(settings.operation_timeout, Duration::from_millis(100));
    assert_eq!(settings.coalesce_timeout, Duration::from_secs(5));
    assert_eq!(
        (settings.queue.entries, settings.queue.bytes),
        (4_096, 64 * 1024 * 1024)
    );
    assert!(settings.bypass_cookies.is_empty() && settings.bypass_headers.is_empty());
    assert!(settings.hosts.is_empty() && settings.headers.is_empty());
}

#[test]
fn fields_of_the_cache_itself_are_nobody_elses() {
    for name in ["Djanginxed-Refresh", "djanginxed-part", "DJANGINXED-X"] {
        refusal(builder().bypass_header(name), name);
        refusal(builder().header(name, "a"), name);
        refusal(builder().vary(Vary::header(name, ["a"])), name);
    }
}

#[test]
fn every_setting_arrives() {
    let settings = builder()
        .memcached(["a.internal:11211", "[::1]:11212 weight=2"])
        .placement(Placement::Modulo)
        .key_prefix("site1")
        .gzip(true)
        .lookup(false)
        .max_entry_size(1)
        .operation_timeout(Duration::from_millis(2))
        .coalesce_timeout(Duration::from_millis(3))
        .queue(4, 5)
        .cache_status(false)
        .bypass_cookie("sessionid")
        .bypass_header("X-Preview")
        .hosts(["Example.com:8080"])
        .hosts([String::from("[::1]:80")])
        .header("X-Frame-Options", "DENY")
        .query(["page", "q"])
        .enabled(false);
    let settings = checked(settings).unwrap();
    let servers: Vec<_> = settings.servers.iter().map(Server::to_string).collect();
    assert_eq!(servers, ["a.internal:11211", "[::1]:11212 weight=2"]);
    assert_eq!(settings.placement, Placement::Modulo);
    assert_eq!(settings.key_prefix, "site1");
    assert!(settings.gzip && !settings.lookup && !settings.cache_status && !settings.enabled);
    assert_eq!(settings.max_entry_size, 1);
    assert_eq!(settings.operation_timeout, Duration::from_millis(2));
    assert_eq!(settings.coalesce_timeout, Duration::from_millis(3));
    assert_eq!((settings.queue.entries, settings.queue.bytes), (4, 5));
    assert_eq!(settings.bypass_cookies, ["sessionid"]);
    assert_eq!(settings.bypass_headers, ["x-preview"]);
    assert_eq!(settings.query.as_deref().unwrap(), ["page", "q"]);
    assert_eq!(names(&settings), ["Example.com", "[::1]"]);
    let [(name, value)] = &settings.headers[..] else {
        panic!("{:?}", settings.headers);
    };
    assert_eq!(
        (name.as_str(), value.as_bytes()),
        ("x-frame-options", &b"DENY"[..])
    );
}

#[test]
fn the_store_chosen_last_is_the_one() {
    let settings = checked(builder().memcached(["a:1"]).in_memory(5)).unwrap();
    assert!(settings.servers.is_empty());
    assert_eq!(settings.memory, 5);
    let settings = checked(builder().in_memory(5).memcached(["a:1"])).unwrap();
    assert_eq!(settings.servers.len(), 1);
}

#[test]
fn memory_of_the_process_is_not_packed() {
    assert!(!checked(builder().gzip(true)).unwrap().gzip);
}

#[test]
fn the_stores_name_says_where_pages_are() {
    let memory = checked(builder()).unwrap().store_name().to_string();
    assert!(memory.contains("memory of the process"), "{memory}");
    let servers = builder().memcached(["a:1", "b:2 weight=2"]);
    let memcached = checked(servers).unwrap().store_name().to_string();
    assert_eq!(memcached, "pages are stored in Memcached at a:1, b:2");
}

#[test]
fn an_empty_list_of_servers_is_refused() {
    let none = checked(builder().memcached(Vec::<String>::new()));
    assert_eq!(none.unwrap_err(), ConfigError::NoServers);
}

#[test]
fn a_server_that_nginx_could_not_read_is_named() {
    let message = refusal(builder().memcached(["a:1", "b"]), "\"b\"");
    assert!(
        message.contains("no port") && message.contains("weight=2"),
        "{message}"
    );
}

#[test]
fn a_key_prefix_that_nginxs_file_could_not_carry_is_named() {
    for prefix in [
        "site 1",
        "sité",
        "a/b",
        "a;",
        "$uri",
        "\"",
        "a\n",
        &"x".repeat(65),
    ] {
        refusal(builder().key_prefix(prefix), &format!("{prefix:?}"));
    }
    for prefix in ["", "a", "A-Z.a_z:09", &"x".repeat(64)] {
        let settings = checked(builder().key_prefix(prefix)).unwrap();
        assert_eq!(settings.key_prefix, prefix);
    }
}

#[test]
fn a_cookie_name_that_nginx_could_not_look_for_is_named() {
    for name in ["", "a b", "a=b", "a;", "sessioné", "a*", "\"a\"", "a\n"] {
        refusal(builder().bypass_cookie(name), &format!("{name:?}"));
    }
    assert!(checked(builder().bypass_cookie("A.b_c-9")).is_ok());
}

#[test]
fn a_header_name_that_nginx_has_no_variable_for_is_named() {
    for name in ["", "x y", "x:y", "x_y", "é", "x\n"] {
        refusal(builder().bypass_header(name), &format!("{name:?}"));
        refusal(builder().header(name, "1"), &format!("{name:?}"));
    }
}

#[test]
fn a_header_that_is_no_constant_of_the_page_is_named() {
    for name in [
        "Cache-Status",
        "connection",
        "Content-Encoding",
        "content-length",
        "Content-Type",
        "date",
        "Server",
        "Set-Cookie",
        "transfer-encoding",
        "VARY",
    ] {
        refusal(builder().header(name, "1"), &format!("{name:?}"));
    }
}

#[test]
fn a_query_parameter_that_no_browser_sends_so_is_refused() {
    for name in ["", "a b", "p%61ge", "page[]"] {
        let _ = refusal(builder().query(["page", name]), &format!("{name:?}"));
    }
    let none: [&str; 0] = [];
    assert_eq!(checked(builder().query(none)).unwrap().query, Some(vec![]));
}

#[test]
fn a_header_value_that_is_not_visible_ascii_is_refused() {
    for value in [
        "",
        " ",
        " a",
        "a ",
        "a\nb",
        "a\r\nSet-Cookie: x",
        "a\tb",
        "é",
        "\u{7f}",
    ] {
        refusal(builder().header("X-A", value), "\"X-A\"");
    }
    assert!(checked(builder().header("Link", "</a b>; rel=\"x\"")).is_ok());
}

#[test]
fn what_is_no_host_is_named() {
    for host in [
        "",
        ":80",
        ".",
        "http://example.com/",
        "example.com/",
        "example.com:http",
        "user@example.com",
        "a b",
        "*",
        "::1",
        "[::1",
        "[example.com]",
        "[]",
        "é.com",
        "ftp://a.com",
        "https://",
        "https://a.com/",
        "://a.com",
    ] {
        refusal(builder().hosts(["a.com", host]), &format!("{host:?}"));
    }
}

#[test]
fn a_host_is_kept_without_its_port() {
    let given = [
        "a.com",
        "b.com:80",
        "c.com.",
        "d_e.internal",
        "10.0.0.1:1",
        "[FE80::1]:80",
    ];
    let settings = checked(builder().hosts(given)).unwrap();
    let hosts = names(&settings);
    let kept = [
        "a.com",
        "b.com",
        "c.com",
        "d_e.internal",
        "10.0.0.1",
        "[FE80::1]",
    ];
    assert_eq!(hosts, kept);
}

#[test]
fn a_status_of_one_client_and_any_but_200_of_a_body_are_refused() {
    let response = || builder().layout(Layout::Response);
    for status in [0, 100, 206, 304, 401, 429, 600] {
        let _ = refusal(
            response().statuses([200, status]),
            &format!("status {status}"),
        );
    }
    let settings = checked(response().statuses([200, 301, 404, 503])).unwrap();
    assert_eq!(settings.statuses.len(), 4);
    let bodies = checked(builder().statuses([200, 404])).unwrap_err();
    assert_eq!(bodies, ConfigError::StatusesOfBodies);
    assert!(checked(builder().statuses([200])).is_ok());
}

#[test]
fn a_limit_of_zero_is_named() {
    for (builder, name) in [
        (builder().max_entry_size(0), "max_entry_size"),
        (builder().in_memory(0), "in_memory"),
        (
            builder().operation_timeout(Duration::ZERO),
            "operation_timeout",
        ),
        (
            builder().coalesce_timeout(Duration::ZERO),
            "coalesce_timeout",
        ),
        (builder().queue(0, 1), "queue"),
        (builder().queue(1, 0), "queue"),
    ] {
        refusal(builder, name);
    }
}

#[test]
fn the_environment_sets_servers_prefix_and_gzip() {
    let settings = builder().with_variables(|name| match name {
        "DJANGINXED_SERVERS" => Ok("a:1, b:2 weight=3".into()),
        "DJANGINXED_KEY_PREFIX" => Ok("site1".into()),
        "DJANGINXED_GZIP" => Ok("1".into()),
        _ => Err(VarError::NotPresent),
    });
    let settings = checked(settings.unwrap()).unwrap();
    let servers: Vec<_> = settings.servers.iter().map(Server::to_string).collect();
    assert_eq!(servers, ["a:1", "b:2 weight=3"]);
    assert_eq!(settings.key_prefix, "site1");
    assert!(settings.gzip);
}

#[test]
fn the_environments_lists_are_added_to_the_codes() {
    let given = builder().bypass_cookie("own").hosts(["a.com"]);
    let settings = given.with_variables(|name| match name {
        "DJANGINXED_BYPASS_COOKIES" => Ok("sessionid, remember".into()),
        "DJANGINXED_BYPASS_HEADERS" => Ok("X-Preview,".into()),
        "DJANGINXED_HOSTS" => Ok("b.com, https://c.com".into()),
        _ => Err(VarError::NotPresent),
    });
    let settings = checked(settings.unwrap()).unwrap();
    assert_eq!(settings.bypass_cookies, ["own", "sessionid", "remember"]);
    assert_eq!(settings.bypass_headers, ["x-preview"]);
    assert_eq!(names(&settings), ["a.com", "b.com", "c.com"]);
}

#[test]
fn a_rule_that_the_code_has_and_the_environment_is_refused_by_both_names() {
    let environment: Environment = |name| match name {
        "DJANGINXED_VARY" => Ok("language=en,de; mobile".into()),
        _ => Err(VarError::NotPresent),
    };
    let rule = Vary::mobile;
    let settings = builder().vary(rule()).with_variables(environment);
    refusal(settings.unwrap(), "vary mobile of DJANGINXED_VARY");
    let settings = builder().with_variables(environment).unwrap().vary(rule());
    refusal(settings, "DJANGINXED_VARY adds rules, too");
}

#[test]
fn an_empty_environment_is_the_defaults() {
    for environment in [empty, |_: &str| Ok(String::new()), |_: &str| Ok(" ".into())] {
        let settings = builder().with_variables(environment).unwrap();
        let settings = settings.checked(environment).unwrap();
        assert!(settings.servers.is_empty() && settings.key_prefix.is_empty());
        assert!(!settings.gzip && settings.enabled);
    }
}

#[test]
fn a_server_of_the_environment_that_cannot_be_read_is_named() {
    let settings = builder().with_variables(|name| match name {
        "DJANGINXED_SERVERS" => Ok("a:1,b".into()),
        _ => Err(VarError::NotPresent),
    });
    refusal(settings.unwrap(), "\"b\"");
}

#[test]
fn the_environment_switches_the_cache_off_whatever_the_code_says() {
    for off in [|_: &str| Ok("0".into()), |_: &str| Ok(" OFF ".into())] {
        assert!(!builder().enabled(true).checked(off).unwrap().enabled);
    }
    let on: Environment = |_| Ok("1".into());
    assert!(builder().checked(on).unwrap().enabled);
    assert!(!builder().enabled(false).checked(on).unwrap().enabled);
}

#[test]
fn the_switch_is_read_from_the_variable_of_that_name() {
    let named: Environment = |name| match name {
        "DJANGINXED_ENABLED" => Ok("false".into()),
        _ => Err(VarError::NotPresent),
    };
    assert!(!builder().checked(named).unwrap().enabled);
}

#[test]
fn switches_are_read_in_the_usual_words() {
    let read: [(Environment, bool); 8] = [
        (|_| Ok("1".into()), true),
        (|_| Ok("true".into()), true),
        (|_| Ok("Yes".into()), true),
        (|_| Ok("on\n".into()), true),
        (|_| Ok("0".into()), false),
        (|_| Ok("FALSE".into()), false),
        (|_| Ok("no".into()), false),
        (|_| Ok("off".into()), false),
    ];
    for (environment, value) in read {
        assert_eq!(switch("DJANGINXED_GZIP", environment), Ok(Some(value)));
    }
}

#[test]
fn a_variable_that_cannot_be_used_is_named_with_its_value() {
    let unclear: Environment = |_| Ok("maybe".into());
    let message = switch("DJANGINXED_GZIP", unclear).unwrap_err().to_string();
    assert_eq!(
        message,
        "environment variable DJANGINXED_GZIP=\"maybe\": write 1 or 0"
    );
    assert!(builder().checked(unclear).is_err());
    let foreign: Environment = |_| Err(VarError::NotUnicode("x".into()));
    let message = builder().with_variables(foreign).unwrap_err().to_string();
    assert_eq!(
        message,
        "environment variable DJANGINXED_SERVERS=\"x\": it is not UTF-8"
    );
}

#[test]
fn the_application_is_asked_where_it_listens_and_nowhere_else() {
    for address in ["http://127.0.0.1:8080", "http://[::1]:8080/", "http://app"] {
        let care = checked(builder().refresh_through(address)).unwrap().care;
        let care = care.expect(address);
        assert!(care.at_once >= 1 && !care.deadline.is_zero());
    }
    for address in [
        "",
        "127.0.0.1:8080",
        "https://127.0.0.1:8443",
        "http://127.0.0.1:8080/blog",
        "http://a@127.0.0.1",
        "http:///",
    ] {
        refusal(builder().refresh_through(address), "refresh_through");
    }
    let none = builder().refresh_through("http://app").refresh_at_once(0);
    refusal(none, "refresh_at_once is zero");
}

#[test]
fn the_first_thing_wrong_is_the_one_that_is_named() {
    let everything = builder()
        .memcached(["b"])
        .key_prefix("a b")
        .bypass_cookie("")
        .hosts([""])
        .queue(0, 0);
    refusal(everything, "Memcached server");
}

proptest! {
    #[test]
    fn no_setting_makes_it_panic_and_what_is_taken_is_safe_in_nginxs_file(
        text in "\\PC{0,20}|[ -~\\r\\n]{0,20}",
    ) {
        let safe = |taken: &str, others: &str| taken.chars().all(|c| {
            c.is_ascii_alphanumeric() || others.contains(c)
        });
        if let Ok(settings) = checked(builder().key_prefix(&text)) {
            prop_assert!(safe(&settings.key_prefix, "._:-"));
        }
        if let Ok(settings) = checked(builder().bypass_cookie(&text)) {
            prop_assert!(safe(&settings.bypass_cookies[0], "._-"));
        }
        if let Ok(settings) = checked(builder().bypass_header(&text)) {
            prop_assert!(safe(settings.bypass_headers[0].as_str(), "-"));
        }
        if let Ok(settings) = checked(builder().hosts([&text])) {
            prop_assert!(safe(&settings.hosts[0].name, ".-_[]:"));
        }
        if let Ok(settings) = checked(builder().header("x-a", &text)) {
            let value = settings.headers[0].1.as_bytes();
            prop_assert!(value.iter().all(|byte| (b' '..=b'~').contains(byte)));
            prop_assert_eq!(value, text.as_bytes());
        }
    }
}
