//! What `check` says of variants, beside whether they are right.

use crate::broken::file::lost_inner;
use crate::broken::lasting::WITH_ADMIN;
use crate::broken::variants::with_secret;
use crate::good::fact;
use crate::stand::{SECRET, SOUND, Setup, Stand};
use testkit::Memcached;

const RULES: &[&str] = &["language=en,de", "group:group=member"];

fn told(setup: &Setup) -> (Option<bool>, String, crate::Said) {
    let stand = Stand::start(setup);
    let said = crate::check(&stand.command(setup));
    let report: serde_json::Value = serde_json::from_str(&said.text).unwrap();
    let facts = report["facts"].as_array().unwrap();
    let found = facts.iter().find(|fact| fact["fact"] == "variants");
    let found = found.unwrap_or_else(|| panic!("{}", said.text));
    let seen = found["seen"].as_str().unwrap().to_owned();
    (found["holds"].as_bool(), seen, said)
}

#[test]
fn every_variant_is_asked_for_and_forged_cookies_are_nobodys() {
    let all = Setup {
        vary: [RULES; 2],
        args: |stand| with_secret(stand, RULES, SECRET),
        ..SOUND
    };
    let (holds, seen, _) = told(&all);
    assert_eq!(holds, Some(true), "{seen}");
    for part in [
        "visitors with language=de; group=member; language=de, group=member get pages",
        "whose time is over, or with a wrong signature, or without a signature is nobody's",
    ] {
        assert!(seen.contains(part), "{seen}");
    }
    let without = Setup {
        args: |_| vec!["--vary".to_owned(), RULES.join(";")],
        ..all
    };
    let (holds, seen, _) = told(&without);
    assert_eq!(holds, None, "{seen}");
    for part in [
        "visitors with language=de get pages of their own",
        "cookie with a wrong signature, or without a signature is nobody's",
        "2 variants of groups: give DJANGINXED_GROUP_SECRET",
    ] {
        assert!(seen.contains(part), "{seen}");
    }
}

#[test]
fn values_that_could_not_be_asked_for_are_named() {
    let (holds, seen, said) = told(&Setup {
        target: "/until-login",
        vary: [&["language=en,de,fr"]; 2],
        args: |_| vec!["--vary=language=en,de,fr".to_owned()],
        ..SOUND
    });
    assert_eq!((holds, said.cause), (None, None), "{seen}");
    assert!(
        seen.starts_with("not asked for: language=de; language=fr. A new page"),
        "{seen}"
    );
    // Of one value pages are not stored.
    let (holds, seen, _) = told(&Setup {
        target: "/not-in-german",
        vary: [&["language=en,de,fr"]; 2],
        args: |_| vec!["--vary=language=en,de,fr".to_owned()],
        ..SOUND
    });
    assert_eq!(holds, None, "{seen}");
    let part = "visitors with language=fr get pages of their own; nothing is proved of language=de";
    assert!(seen.starts_with(part), "{seen}");
}

#[test]
fn the_advice_has_the_lines_to_write() {
    let rules: [&[&str]; 2] = [&["language=en,de"], &["language=en,fr"]];
    let varied = |vary| Setup {
        vary,
        args: |_| vec!["--vary=language=en,de".to_owned()],
        ..SOUND
    };
    let code = ".vary(Vary::language([\"en\", \"de\"]))";
    let (_, _, said) = told(&varied(rules));
    assert!(
        said.change.contains("--vary language=en,de"),
        "{}",
        said.change
    );
    assert!(said.change.contains(code), "{}", said.change);
    let (_, _, said) = told(&varied([rules[1], rules[0]]));
    assert!(said.change.contains(code), "{}", said.change);
    let environment = "DJANGINXED_VARY=\"language=en,de\"";
    assert!(said.change.contains(environment), "{}", said.change);
    let known = Setup {
        tells_conf: true,
        ..varied([rules[1]; 2])
    };
    let (_, _, said) = told(&known);
    assert!(
        said.change.contains("give --vary language=en,fr as"),
        "{}",
        said.change
    );
    let nginx = Setup {
        tells_conf: true,
        ..varied(rules)
    };
    let (_, seen, _) = told(&nginx);
    let part = "nginx's file has --vary language=en,fr";
    assert!(seen.contains(part), "{seen}");
    // Nothing is said, and Vary says which.
    let forgotten = Setup {
        args: |_| Vec::new(),
        ..varied([rules[0]; 2])
    };
    let stand = Stand::start(&forgotten);
    let said = crate::check(&stand.command(&forgotten));
    assert!(
        said.change.contains("--vary language=FIRST"),
        "{}",
        said.change
    );
    assert!(fact(&said, "key").is_some_and(|(holds, _)| !holds));
}

#[test]
fn whose_secret_is_another_is_said_and_what_to_do() {
    const GROUP: &[&str] = &["group:group=member"];
    const OTHER: &str = "another-secret-another-secret-xy";
    let grouped = Setup {
        vary: [GROUP; 2],
        args: |stand| with_secret(stand, GROUP, SECRET),
        ..SOUND
    };
    let of_nginx = Setup {
        nginx: |file| file.replace(SECRET, OTHER),
        ..grouped
    };
    let of_application = Setup {
        vary: [&[], GROUP],
        pages: |pages| match pages.clone().build().unwrap().keys("/").len() {
            // The application's, which has no rule yet.
            1 => pages.vary(
                GROUP[0]
                    .parse::<djanginxed::Vary>()
                    .unwrap()
                    .with_secret(OTHER),
            ),
            _ => pages,
        },
        ..grouped
    };
    let of_the_option = Setup {
        args: |stand| with_secret(stand, GROUP, OTHER),
        ..grouped
    };
    let file_has = [
        " has another secret",
        " has the secret",
        " has another secret",
    ];
    let parts = [
        "nginx's file has another secret than the application",
        "the application has another secret than nginx's file",
        "the secret of this check (--group-secret-file, DJANGINXED_GROUP_SECRET) is another",
    ];
    for (at, setup) in [of_nginx, of_application, of_the_option].iter().enumerate() {
        for tells_conf in [false, true] {
            let (_, seen, said) = told(&Setup {
                tells_conf,
                ..*setup
            });
            assert!(said.change.contains(parts[at]), "{}", said.text);
            let is_said = seen.contains(&format!("nginx's file{}", file_has[at]));
            assert_eq!(is_said, tells_conf, "{seen}");
            assert!(!said.text.contains(OTHER) && !said.text.contains(SECRET));
        }
    }
}

#[test]
fn the_location_that_is_never_cached_is_named() {
    let setup = Setup {
        site: |site| site.never_cache("/articles/"),
        tells_conf: true,
        ..SOUND
    };
    let stand = Stand::start(&setup);
    let said = crate::check(&stand.command(&setup));
    assert_eq!(
        said.cause.as_deref(),
        Some("other-location"),
        "{}",
        said.text
    );
    let parts = ["\"location /articles/\"", "--no-cache"];
    assert!(
        parts.iter().all(|part| said.change.contains(part)),
        "{}",
        said.change
    );
}

/// What `check` says to change.
fn change(setup: &Setup) -> String {
    let stand = Stand::start(setup);
    crate::check(&stand.command(setup)).change
}

#[test]
fn a_prefix_is_told_as_it_is_given() {
    const LANGUAGE: &[&str] = &["language=en,de"];
    let varied = Setup {
        target: "/personal/1",
        vary: [LANGUAGE; 2],
        parts: [true; 2],
        args: |_| ["--parts", "--vary", LANGUAGE[0]].map(str::to_owned).into(),
        tells_conf: true,
        ..SOUND
    };
    let said = change(&Setup {
        prefix: "site2",
        ..varied
    });
    assert!(said.contains("The site's prefix is \"site1\","), "{said}");
    let said = change(&Setup {
        nginx: |file| file.replace("site1+", "site2+"),
        ..varied
    });
    assert!(said.contains("nginx's prefix is \"site2\","), "{said}");
    let said = change(&Setup {
        nginx: |file| file.replace("site1+", "site2+"),
        prefix: "site2",
        ..varied
    });
    assert!(said.contains("application's prefix is"), "{said}");
}

#[test]
fn a_process_that_does_not_answer_may_be_down() {
    let said = change(&Setup {
        args: |_| ["--app", "127.0.0.1:1"].map(str::to_owned).into(),
        ..SOUND
    });
    assert!(
        said.starts_with("The process at 127.0.0.1:1 may be down"),
        "{said}"
    );
    assert!(said.contains("correct --app, or leave it out"), "{said}");
}

#[test]
fn a_process_that_keeps_nothing_is_named() {
    let setup = Setup {
        then: |stand| stand.start_second_with("site1", vec!["127.0.0.1:1".to_owned()]),
        ..SOUND
    };
    let stand = Stand::start(&setup);
    let said = crate::check(&stand.command(&setup)).change;
    let named = format!(
        "process at {} keeps no pages",
        stand.second.as_ref().unwrap().address()
    );
    assert!(said.contains(&named), "{said}");
}

#[test]
fn purges_that_wait_and_one_that_fails_are_told() {
    let setup = Setup {
        then: |stand| {
            stand.start_second_with("site1", vec!["127.0.0.1:1".to_owned()]);
            let change = testkit::http::Request::new("POST", "/articles/1");
            let answer = change.send(stand.second.as_ref().unwrap().port);
            assert_eq!(answer.status, 200);
        },
        tells_app: false,
        args: |stand| {
            let admin = stand.second.as_ref().unwrap().admin.clone();
            vec!["--admin".to_owned(), admin]
        },
        ..SOUND
    };
    let stand = Stand::start(&setup);
    let said = crate::check(&stand.command(&setup));
    assert_eq!(said.cause.as_deref(), Some("purge-fails"), "{}", said.text);
    let (holds, seen) = fact(&said, "pending-purges").unwrap_or_else(|| panic!("{}", said.text));
    assert!(
        !holds && seen.starts_with("1 purge of a change waits"),
        "{seen}"
    );
}

#[test]
fn a_server_that_stands_in_nginxs_file_alone_is_named() {
    let stand = |setup: &Setup| {
        let stand = Stand::start(setup);
        let said = crate::check(&stand.command(setup)).change;
        let further = format!("{} stands there, too", stand.addresses()[1]);
        assert!(said.contains(&further), "{said}");
        said
    };
    let of_nginx = Setup {
        memcached: &[&[], &[]],
        of_app: |servers| servers[..1].to_vec(),
        given: |servers| servers[..1].to_vec(),
        tells_conf: true,
        ..SOUND
    };
    let said = stand(&of_nginx);
    assert!(said.starts_with("nginx's list"), "{said}");
    let said = stand(&Setup {
        of_app: crate::stand::all,
        ..of_nginx
    });
    assert!(said.contains("Correct --servers"), "{said}");
}

#[test]
fn hosts_that_differ_are_named_with_the_options() {
    let nginx_has = Setup {
        pages: |pages| pages.hosts(["127.0.0.1"]),
        site: |site| site.server_name("localhost"),
        nginx: |file| file.replace("127.0.0.1 \"\";", "localhost \"\";"),
        ..SOUND
    };
    for tells_conf in [true, false] {
        let said = change(&Setup {
            tells_conf,
            ..nginx_has
        });
        for part in [
            "pages of localhost (--cached-host",
            "with --cached-host 127.0.0.1",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }
    let application_has = Setup {
        pages: |pages| pages.hosts(["localhost"]),
        nginx: |file| file.replace("localhost \"\";", "127.0.0.1 \"\";"),
        ..SOUND
    };
    let said = change(&application_has);
    for part in [
        "does not have \"127.0.0.1\": asked directly it says so, too; it has localhost",
        "(--cached-host 127.0.0.1)",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn the_name_that_ignores_the_parameter_of_the_check_is_said_where_nginxs_file_has_it() {
    let ignores = Setup {
        site: |site| site.ignore_query("utm_*").ignore_query("d*"),
        ..SOUND
    };
    for (tells_conf, option) in [(true, "(--ignore-query d*)"), (false, "(--ignore-query)")] {
        let said = change(&Setup {
            tells_conf,
            ..ignores
        });
        assert!(said.contains(option), "{said}");
        assert!(
            said.contains("parameter, djanginxed-check, out of"),
            "{said}"
        );
    }
}

/// Twelve all lie on two of three servers once in 130 checks.
#[test]
fn without_servers_so_many_pages_are_asked_for_that_a_missing_one_shows() {
    let setup = Setup {
        tells_servers: false,
        ..SOUND
    };
    let stand = Stand::start(&setup);
    let said = crate::check(&stand.command(&setup));
    let (holds, seen) = fact(&said, "hit").unwrap_or_else(|| panic!("{}", said.text));
    assert!(holds && seen.contains("for each of 34 pages"), "{seen}");
}

/// Every way to write a path, each letter of which may be percent-encoded.
fn spellings(path: &str) -> Vec<String> {
    path.chars().fold(vec![String::new()], |known, letter| {
        let forms = match letter {
            '/' => vec!["/".to_owned()],
            letter => vec![letter.to_string(), format!("%{:02X}", u32::from(letter))],
        };
        let longer = |start: &String| -> Vec<String> {
            forms.iter().map(|form| format!("{start}{form}")).collect()
        };
        known.iter().flat_map(longer).collect()
    })
}

#[test]
fn what_an_earlier_check_has_left_is_nobodys_page() {
    let setup = Setup {
        target: "/abcdefgh",
        vary: [&["language=en,de"]; 2],
        args: |_| vec!["--vary=language=en,de".to_owned()],
        ..SOUND
    };
    let stand = Stand::start(&setup);
    let targets = spellings(setup.target);
    assert_eq!(targets.len(), 256);
    for target in targets {
        let key = djanginxed::PageKey::new("site1~de", &target).to_string();
        stand.memcached[0].set(key, 0, 0, "<p>left");
    }
    let said = crate::check(&stand.command(&setup));
    let found = fact(&said, "variants");
    let (holds, seen) = found.unwrap_or_else(|| panic!("{}", said.text));
    assert!(holds && seen.contains("language=de"), "{seen}");
}

#[test]
fn all_servers_that_do_not_answer_are_named() {
    let setup = Setup {
        memcached: &[&[], &[], &[]],
        then: |stand| stand.memcached[1..].iter_mut().for_each(Memcached::stop),
        ..SOUND
    };
    let stand = Stand::start(&setup);
    let said = crate::check(&stand.command(&setup));
    assert_eq!(
        said.cause.as_deref(),
        Some("memcached-down"),
        "{}",
        said.text
    );
    let (_, seen) = fact(&said, "memcached").unwrap_or_else(|| panic!("{}", said.text));
    let addresses = stand.addresses();
    let (well, down) = addresses.split_first().unwrap();
    for server in down {
        assert!(
            seen.contains(&format!("{server}: connection refused")),
            "{seen}"
        );
    }
    assert!(!seen.contains(well), "{seen}");
    let both = format!("Start Memcached at {}", down.join(" and "));
    assert!(said.change.starts_with(&both), "{}", said.change);
}

#[test]
fn what_a_check_asks_for_is_not_among_the_slowest_renders() {
    for target in ["/articles/1", "/listed/by-date"] {
        let setup = Setup {
            target,
            build: WITH_ADMIN,
            ..SOUND
        };
        let stand = Stand::start(&setup);
        assert_eq!(testkit::get(stand.port(), target).status, 200);
        let said = crate::check(&stand.command(&setup));
        assert_eq!(said.cause, None, "{}", said.text);
        let admin = testkit::http::Request::new("GET", "/_pages");
        let admin = admin.header("Accept", "application/json");
        let told = admin.send(stand.application.as_ref().unwrap().port);
        let told: serde_json::Value = serde_json::from_slice(&told.body).unwrap();
        let slowest = told["slowest"].as_array().unwrap();
        let targets: Vec<_> = slowest.iter().map(|one| &one["target"]).collect();
        assert_eq!(targets, [target]);
    }
}

#[test]
fn an_inner_server_that_does_not_answer_is_told() {
    let setup = Setup {
        nginx: lost_inner,
        ..SOUND
    };
    let said = change(&setup);
    assert!(
        said.contains("(d) the inner server of the generated file"),
        "{said}"
    );
    let said = change(&Setup {
        tells_conf: true,
        ..setup
    });
    assert!(
        said.contains("into the upstream that ends in _pages"),
        "{said}"
    );
}
