//! Sites that work.

use std::process::Command;
use std::time::Duration;

use djanginxed::{Layout, Placement, Vary};
use testkit::{Memcached, Process, eventually, eventually_within};

use crate::app::Build;
use crate::broken::lasting::{WITH_ADMIN, admin, waits, waits_with_admin};
use crate::broken::peers::{late_at_times, unlike};
use crate::broken::unreached::{certificate, secure, tls, trusting};
use crate::broken::variants::with_secret;
use crate::stand::{SECRET, SOUND, Setup, Stand};

const fn row(name: &'static str) -> Setup {
    Setup { name, ..SOUND }
}

const NORMALIZING: Build = Build {
    normalize_path: true,
    ..SOUND.build
};

const fn whole(name: &'static str) -> Setup {
    Setup {
        layouts: [Layout::Response; 2],
        ..row(name)
    }
}

const REGIONS: &[&str] = &["header:X-Region=eu,us", "group:group=member,editor"];
const SIGNED: &[&str] = &["language=en,de", "mobile", "group-hmac:group=member"];

/// As many variants as there may be.
const MANY: &[&str] = &[
    "cookie:first=1,2,3,4,5,6,7,8",
    "cookie:second=1,2,3,4,5,6,7,8",
];

/// All that keeps visitors from waiting.
fn kept(name: &'static str, layout: Layout) -> Setup {
    Setup {
        target: "/kept/1",
        layouts: [layout; 2],
        refreshes: true,
        build: WITH_ADMIN,
        pages: |pages| {
            pages
                .render_lock(true)
                .purge_deadline(Duration::from_secs(10))
        },
        site: |site| site.stale_if_error(true),
        args: admin,
        tells_conf: true,
        ..row(name)
    }
}

fn without_app(name: &'static str, layout: Layout) -> Setup {
    Setup {
        then: |stand| stand.application = None,
        args: |_| vec!["--app-down".to_owned()],
        refreshes: false,
        ..kept(name, layout)
    }
}

/// What `check` says of one fact; none where it says nothing.
pub(crate) fn fact(said: &crate::Said, name: &str) -> Option<(bool, String)> {
    let report: serde_json::Value = serde_json::from_str(&said.text).unwrap();
    let facts = report["facts"].as_array().unwrap();
    let found = facts.iter().find(|fact| fact["fact"] == name)?;
    let seen = found["seen"].as_str().unwrap().to_owned();
    Some((found["holds"] == true, seen))
}

#[test]
fn what_keeps_visitors_from_waiting_is_proved() {
    let ways = [
        (Layout::Body, false),
        (Layout::Response, false),
        (Layout::Response, true),
    ];
    for (layout, njs) in ways {
        let all = Setup {
            njs,
            ..kept("", layout)
        };
        let said = crate::check(&Stand::start(&all).command(&all));
        for (name, part) in [
            ("stale", "renders it anew behind its visitor"),
            ("copy", "nginx's file gives it out"),
            ("render-lock", "is waited for"),
            ("purge", "refresh_through works"),
        ] {
            let (holds, seen) =
                fact(&said, name).unwrap_or_else(|| panic!("{name}: {}", said.text));
            assert!(holds && seen.contains(part), "{name}: {seen}");
        }
        // Whoever does not wait is told how long that would take.
        let (holds, seen) = fact(&said, "refresh").unwrap();
        assert!(!holds && seen.contains("--wait 6"), "{seen}");
        let down = Setup {
            njs,
            ..without_app("", layout)
        };
        let said = crate::check(&Stand::start(&down).command(&down));
        let (holds, seen) = fact(&said, "stand-in").unwrap();
        assert!(holds && seen.contains("detail=stale-if-error"), "{seen}");
        // None of them: nothing is made up.
        let none = Setup {
            target: "/articles/1",
            refreshes: false,
            pages: |pages| pages,
            ..all
        };
        let said = crate::check(&Stand::start(&none).command(&none));
        for name in ["stale", "copy", "render-lock", "refresh"] {
            assert_eq!(fact(&said, name), None, "{name}");
        }
        let (holds, seen) = fact(&said, "purge").unwrap();
        assert!(holds && seen.contains("the page is gone"), "{seen}");
    }
}

#[test]
fn connections_that_were_turned_away_are_told_and_are_no_failure() {
    let setup = Setup {
        memcached: &[&["-c", "60"]],
        ..row("")
    };
    let mut stand = Stand::start(&setup);
    stand.hold(60);
    let held = stand.held.len();
    assert!((10..60).contains(&held), "{held}");
    stand.held.clear();
    eventually("one is taken again", || {
        stand.hold(1);
        !stand.held.is_empty()
    });
    // The application asks again in a while whether its server is back.
    eventually("pages are stored again", || {
        let page = testkit::get(stand.port(), "/articles/9");
        assert_eq!(page.status, 200);
        !stand.memcached[0].pages().is_empty()
    });
    let said = crate::check(&stand.command(&setup));
    assert_eq!(
        (said.code, said.cause.as_deref()),
        (0, None),
        "{}",
        said.text
    );
    let (holds, seen) = fact(&said, "memcached").unwrap();
    assert!(holds && seen.contains("has turned away "), "{seen}");
    let (holds, seen) = fact(&said, "connections").unwrap();
    assert!(holds && seen.contains("of 60 connections open"), "{seen}");
}

/// A site whose timeouts are short, and end by a render.
fn soon(layout: Layout, args: fn(&Stand) -> Vec<String>) -> Setup {
    Setup {
        target: "/soon/1",
        layouts: [layout; 2],
        refreshes: true,
        build: WITH_ADMIN,
        args,
        ..SOUND
    }
}

#[test]
fn the_end_of_a_timeout_is_seen_to_render_a_page_anew() {
    for (layout, args) in [
        (Layout::Body, waits as fn(&Stand) -> Vec<String>),
        (Layout::Response, waits),
        (Layout::Body, waits_with_admin),
    ] {
        let setup = soon(layout, args);
        let stand = Stand::start(&setup);
        let said = crate::check(&stand.command(&setup));
        let (holds, seen) = fact(&said, "refresh").unwrap();
        assert!(holds && seen.contains("when its timeout ends"), "{seen}");
        assert!(said.cause.is_none() && said.code == 0, "{}", said.text);
        eventually("nothing is left", || pages_on(&stand.memcached[0]) == 0);
    }
}

#[test]
fn a_timeout_that_is_longer_is_not_waited_for() {
    let wait = |_: &Stand| ["--wait", "1"].map(str::to_owned).to_vec();
    let setup = Setup {
        target: SOUND.target,
        ..soon(Layout::Body, wait)
    };
    let said = crate::check(&Stand::start(&setup).command(&setup));
    let (holds, seen) = fact(&said, "refresh").unwrap();
    let found = seen.contains("not proven") && seen.contains("--wait ");
    assert!(!holds && found && said.code == 0, "{seen}");
}

pub(crate) fn setups() -> Vec<Setup> {
    const THREE: &[&[&str]] = &[&[], &[], &[]];
    let weighed = |servers: &[String]| {
        let mut servers = servers.to_vec();
        servers[1].push_str(" weight=3");
        servers
    };
    vec![
        row("the generated file"),
        Setup {
            then: |stand| stand.start_second("site1"),
            ..row("two processes")
        },
        Setup {
            then: |stand| {
                let slow = unlike(stand.memcached[0].port(), late_at_times);
                stand.start_second_with("site1", vec![format!("127.0.0.1:{slow}")]);
            },
            ..row("two processes, one of which gives slow answers up")
        },
        Setup {
            of_nginx: |servers| vec![servers[0].replace("127.0.0.1", "localhost")],
            tells_conf: true,
            ..row("nginx's file spells its only server otherwise")
        },
        Setup {
            target: "/kept-and-edited",
            ..row("an edit meets a page past its timeout")
        },
        Setup {
            memcached: &[&["-c", "400"]],
            then: |stand| stand.hold(300),
            ..row("a Memcached with many connections, and some left")
        },
        Setup {
            build: NORMALIZING,
            ..row("NormalizePath")
        },
        Setup {
            build: NORMALIZING,
            tells_app: false,
            ..row("NormalizePath, without --app")
        },
        Setup {
            build: NORMALIZING,
            ..whole("NormalizePath, whole responses")
        },
        Setup {
            target: "/personal/1",
            parts: [true; 2],
            args: |_| vec!["--parts".to_owned()],
            tells_conf: true,
            ..row("personal parts")
        },
        Setup {
            target: "/personal/1",
            parts: [true; 2],
            args: |_| vec!["--parts".to_owned()],
            ..whole("personal parts of whole responses")
        },
        Setup {
            parts: [true; 2],
            args: |_| vec!["--parts".to_owned()],
            ..whole("a page without parts where others have some")
        },
        Setup {
            busy: true,
            memcached: THREE,
            ..row("a busy site of three servers")
        },
        Setup {
            tells_app: false,
            tells_servers: false,
            ..row("with the URL alone")
        },
        Setup {
            build: Build {
                at_socket: true,
                ..Build::default()
            },
            ..row("the application at a unix socket")
        },
        Setup {
            sockets: Some(0o666),
            tells_conf: true,
            ..row("Memcached on a unix socket, with nginx's file")
        },
        Setup {
            sockets: Some(0o666),
            memcached: THREE,
            of_app: weighed,
            of_nginx: weighed,
            given: weighed,
            ..whole("whole responses on three unix sockets of other weights")
        },
        Setup {
            pages: |pages| {
                let pages = pages.vary(Vary::language(["en", "de"]));
                pages
                    .vary(Vary::cookie("currency", ["eur", "usd"]))
                    .vary(Vary::mobile())
            },
            args: |_| vec!["--vary=language=en,de;cookie:currency=eur,usd;mobile".to_owned()],
            tells_conf: true,
            ..row("pages in variants, with nginx's file")
        },
        Setup {
            site: |site| site.micro_cache(1).micro_cache_path("micro"),
            busy: true,
            ..row("a micro cache")
        },
        Setup {
            site: |site| site.micro_cache(5).micro_cache_path("micro"),
            tells_conf: true,
            njs: true,
            ..row("a micro cache of five seconds, with nginx's file")
        },
        Setup {
            site: |site| site.micro_cache(5).micro_cache_path("micro"),
            tells_app: false,
            tells_servers: false,
            ..row("a micro cache of five seconds, with the URL alone")
        },
        Setup {
            vary: [&["language=en,de", "cookie:currency=eur,usd", "mobile"]; 2],
            args: |_| {
                let rules = "language=en,de;cookie:currency=eur,usd;mobile";
                vec!["--vary".to_owned(), rules.to_owned()]
            },
            ..row("languages, currencies and phones")
        },
        Setup {
            vary: [REGIONS; 2],
            tells_conf: true,
            args: |stand| with_secret(stand, REGIONS, SECRET),
            ..whole("regions and groups of whole responses, with nginx's file")
        },
        Setup {
            vary: [REGIONS; 2],
            args: |_| vec!["--vary".to_owned(), REGIONS.join(";")],
            ..row("regions and groups, without the secret")
        },
        Setup {
            vary: [MANY; 2],
            args: |_| vec!["--vary".to_owned(), MANY.join(";")],
            ..row("64 variants")
        },
        Setup {
            vary: [MANY; 2],
            args: |_| vec!["--vary".to_owned(), MANY.join(";")],
            memcached: THREE,
            busy: true,
            ..whole("64 variants of whole responses, on three servers of a busy site")
        },
        Setup {
            njs: true,
            vary: [&["language=en,de", "cookie:currency=eur,usd", "mobile"]; 2],
            args: |_| vec!["--vary=language=en,de;cookie:currency=eur,usd;mobile".to_owned()],
            tells_conf: true,
            ..row("variants by njs, with nginx's file")
        },
        Setup {
            njs: true,
            vary: [REGIONS; 2],
            args: |stand| with_secret(stand, REGIONS, SECRET),
            ..whole("variants of whole responses by njs")
        },
        Setup {
            njs: true,
            vary: [SIGNED; 2],
            args: |stand| with_secret(stand, SIGNED, SECRET),
            tells_conf: true,
            ..row("groups by an HMAC, with nginx's file")
        },
        Setup {
            njs: true,
            vary: [SIGNED; 2],
            args: |stand| with_secret(stand, SIGNED, SECRET),
            ..whole("groups by an HMAC, of whole responses")
        },
        Setup {
            site: |site| site.micro_cache(5).micro_cache_path("micro"),
            vary: [REGIONS; 2],
            args: |stand| with_secret(stand, REGIONS, SECRET),
            ..row("variants, and a micro cache of five seconds")
        },
        whole("whole responses"),
        Setup {
            njs: true,
            ..whole("whole responses by njs")
        },
        Setup {
            njs: true,
            tells_conf: true,
            pages: |pages| pages.gzip(true),
            memcached: THREE,
            ..whole("whole responses by njs, in gzip on three servers, with nginx's file")
        },
        Setup {
            njs: true,
            then: |stand| stand.memcached[0].pause(),
            args: |_| vec!["--faults".to_owned()],
            ..whole("Memcached with whole responses by njs hangs, with --faults")
        },
        Setup {
            tells_app: false,
            tells_servers: false,
            ..whole("whole responses, with the URL alone")
        },
        Setup {
            tells_conf: true,
            ..whole("whole responses, with nginx's file")
        },
        Setup {
            pages: |pages| pages.gzip(true),
            memcached: THREE,
            busy: true,
            ..whole("whole responses in gzip on three servers of a busy site")
        },
        Setup {
            target: "/json-here",
            args: |_| vec!["--content-type=application/json".to_owned()],
            ..whole("a whole response of another type")
        },
        Setup {
            target: "/json-here",
            args: |_| vec!["--layout=response".to_owned()],
            ..whole("a whole response of another type, of which nothing is said")
        },
        Setup {
            target: "/answer/header",
            ..whole("a whole response with a policy of its own")
        },
        Setup {
            target: "/answer/charset",
            ..whole("a whole response in iso-8859-1")
        },
        Setup {
            target: "/stream",
            ..whole("a whole response that is a stream")
        },
        Setup {
            target: "/moved",
            pages: |pages| pages.statuses([200, 301, 404]),
            ..whole("a stored redirect")
        },
        Setup {
            target: "/moved",
            pages: |pages| pages.statuses([200, 301, 404]),
            tells_app: false,
            tells_servers: false,
            ..whole("a stored redirect, with the URL alone")
        },
        Setup {
            pages: |pages| pages.cache_status(false),
            ..whole("whole responses without Cache-Status")
        },
        Setup {
            target: "/another",
            pages: |pages| pages.lookup(false),
            ..whole("a whole response that is another each time, and no lookup")
        },
        Setup {
            tells_conf: true,
            ..row("with nginx's file")
        },
        Setup {
            tells_conf: true,
            site: |site| site.ignore_query("utm_*").ignore_query("gclid"),
            ..row("ignored query parameters, with nginx's file")
        },
        Setup {
            pages: |pages| pages.gzip(true),
            ..row("gzip")
        },
        Setup {
            pages: |pages| pages.gzip(true),
            memcached: &[&[], &[]],
            tells_conf: true,
            ..whole("whole responses in gzip on two servers")
        },
        Setup {
            files: || certificate("localhost", 4000),
            nginx: |file| tls(file, "localhost"),
            url: Some(secure),
            args: trusting,
            ..row("TLS, and a certificate that signs itself and is trusted")
        },
        Setup {
            memcached: &[&[], &[]],
            ..row("two servers")
        },
        Setup {
            memcached: THREE,
            of_app: weighed,
            of_nginx: weighed,
            given: weighed,
            tells_conf: true,
            ..row("three servers with weights")
        },
        Setup {
            memcached: THREE,
            of_app: weighed,
            of_nginx: weighed,
            given: weighed,
            placements: [Placement::Modulo; 3],
            ..row("three servers, modulo")
        },
        Setup {
            njs: true,
            ..row("njs")
        },
        Setup {
            target: "/stream",
            ..row("a streamed page")
        },
        Setup {
            target: "/stream",
            tells_servers: false,
            ..row("a streamed page, without --servers")
        },
        Setup {
            target: "/feed.xml",
            prefix: "feed",
            args: |_| {
                ["--content-type", "application/rss+xml"]
                    .map(str::to_owned)
                    .to_vec()
            },
            ..row("a page with a prefix and a type of its own")
        },
        Setup {
            target: "/feed.xml/bare",
            prefix: "feed",
            args: |_| {
                ["--content-type", "application/rss+xml"]
                    .map(str::to_owned)
                    .to_vec()
            },
            ..row("a feed that says no charset")
        },
        Setup {
            pages: |pages| {
                pages
                    .bypass_cookie("sessionid")
                    .bypass_header("X-Preview")
                    .hosts(["127.0.0.1"])
            },
            args: |_| {
                [
                    "--bypass-cookie",
                    "sessionid",
                    "--bypass-header",
                    "X-Preview",
                ]
                .map(str::to_owned)
                .to_vec()
            },
            ..row("bypass rules and hosts")
        },
        Setup {
            target: "/get-only",
            ..row("a page without a HEAD route")
        },
        Setup {
            target: "/large",
            ..row("a large page")
        },
        Setup {
            target: "/lasting",
            ..row("a page for 90 days")
        },
        Setup {
            target: "/about-nginx",
            ..row("a page about nginx")
        },
        Setup {
            target: "/about-nginx",
            tells_app: false,
            tells_conf: true,
            ..row("a page about nginx, without --app")
        },
        Setup {
            target: "/listed/by-date?page=2",
            ..row("a page that names its query parameters")
        },
        Setup {
            target: "/listed/by-date",
            memcached: THREE,
            tells_conf: true,
            ..whole("a whole response that names its query parameters, on three servers")
        },
        Setup {
            target: "/listed/by-date",
            tells_servers: false,
            tells_app: false,
            ..row("a page that names its query parameters, with the URL alone")
        },
        Setup {
            target: "/products/1",
            tells_servers: false,
            ..row("a page that knows no query, without --servers")
        },
        Setup {
            target: "/topics/1",
            memcached: THREE,
            vary: [&["language=en,de"]; 2],
            args: |_| vec!["--vary=language=en,de".to_owned()],
            ..row("a page of 192 spellings")
        },
        Setup {
            target: "/topics/1",
            tells_servers: false,
            tells_app: false,
            ..row("a page of 192 spellings, with the URL alone")
        },
        Setup {
            target: "/?page=12345678",
            ..row("a page that is spelt by a value alone")
        },
        Setup {
            target: "/scoped/topics/1?q=something",
            memcached: THREE,
            then: |stand| stand.start_second("site1"),
            ..row("a scope that takes no other spelling of its paths")
        },
        Setup {
            target: "/scoped/topics/1?q=something",
            tells_servers: false,
            ..row("a scope that takes no other spelling of its paths, without --servers")
        },
        Setup {
            pages: |pages| pages.query(["djanginxed-check"]),
            ..row("pages that know the parameter of the check")
        },
        Setup {
            pages: |pages| pages.cache_status(false),
            ..row("without Cache-Status")
        },
        Setup {
            nginx: |file| {
                let line = "proxy_set_header Upgrade $http_upgrade;";
                file.replace(line, &format!("{line} proxy_hide_header Cache-Status;"))
            },
            ..row("nginx takes the application's Cache-Status away")
        },
        Setup {
            target: "/another",
            pages: |pages| pages.gzip(true),
            ..row("a page that is another each time")
        },
        Setup {
            target: "/another",
            pages: |pages| pages.lookup(false),
            ..row("another page each time, and no lookup")
        },
        Setup {
            pages: |pages| pages.lookup(false),
            ..row("an application that does not look up")
        },
        Setup {
            target: "/links",
            ..row("a page that shows its host")
        },
        kept("pages that are kept past their timeout", Layout::Body),
        kept("the same of whole responses", Layout::Response),
        Setup {
            memcached: THREE,
            ..kept("pages that are kept, on three servers", Layout::Body)
        },
        Setup {
            nginx: |file| {
                let gate = "if ($http_x_gate = \"\") { return 403; }";
                file.replace(
                    "    location / {",
                    &format!("    {gate}\n    location / {{"),
                )
            },
            args: |_| ["-H", "X-Gate: open"].map(str::to_owned).to_vec(),
            ..row("a site behind a gate, with -H")
        },
        without_app("the application is down, with --app-down", Layout::Body),
        without_app("the same, of whole responses", Layout::Response),
        Setup {
            then: |stand| stand.memcached[0].stop(),
            args: |_| vec!["--faults".to_owned()],
            ..row("Memcached is down, with --faults")
        },
        Setup {
            then: |stand| stand.memcached[0].pause(),
            args: |_| vec!["--faults".to_owned()],
            ..row("Memcached hangs, with --faults")
        },
        Setup {
            then: |stand| stand.memcached[0].stop(),
            args: |_| vec!["--faults".to_owned()],
            ..whole("Memcached with whole responses is down, with --faults")
        },
        Setup {
            then: |stand| stand.memcached[0].pause(),
            args: |_| vec!["--faults".to_owned()],
            ..whole("Memcached with whole responses hangs, with --faults")
        },
    ]
}

#[test]
fn a_check_leaves_nothing_in_memcached() {
    let setups = [
        SOUND,
        Setup {
            memcached: &[&[], &[]],
            ..SOUND
        },
        Setup {
            nginx: |file| file.replace(" site1$request_uri", " site2$request_uri"),
            ..SOUND
        },
        Setup {
            app_prefix: "",
            ..SOUND
        },
        Setup {
            target: "/json-here",
            ..SOUND
        },
        whole("whole responses"),
        Setup {
            target: "/listed/by-date?page=2",
            ..SOUND
        },
        Setup {
            target: "/scoped/topics/1?q=something",
            ..SOUND
        },
        kept("", Layout::Body),
        without_app("", Layout::Body),
        Setup {
            vary: [SIGNED; 2],
            njs: true,
            args: |stand| with_secret(stand, SIGNED, SECRET),
            ..SOUND
        },
        Setup {
            vary: [&["language=en,de"], &["language=en,fr"]],
            args: |_| vec!["--vary=language=en,de".to_owned()],
            ..SOUND
        },
        Setup {
            build: NORMALIZING,
            ..SOUND
        },
        Setup {
            build: NORMALIZING,
            target: "/articles/1/",
            ..SOUND
        },
    ];
    for setup in setups {
        let stand = Stand::start(&setup);
        let said = crate::check(&stand.command(&setup));
        for server in &stand.memcached {
            eventually(&format!("nothing is left after {}", said.text), || {
                pages_on(server) == 0
            });
        }
    }
}

/// How many keys there are, but for the indexes of tags and the notes of deletes, which end
/// by themselves.
fn pages_on(server: &Memcached) -> usize {
    let ends = |key: &String| {
        ["tag%3A", "del%3A"]
            .iter()
            .any(|start| key.starts_with(start))
    };
    server.keys().iter().filter(|key| !ends(key)).count()
}

#[test]
fn a_check_that_is_ended_leaves_nothing_in_memcached() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let setup = Setup {
            target: "/slow",
            ..SOUND
        };
        let stand = Stand::start(&setup);
        let mut process = started(&stand, &setup);
        eventually("a page is stored", || pages_on(&stand.memcached[0]) > 0);
        end(&mut process, signal, code);
        eventually("nothing is left", || pages_on(&stand.memcached[0]) == 0);
    }
}

#[test]
fn a_wait_that_is_ended_leaves_nothing_in_memcached() {
    let setup = Setup {
        target: "/kept/1",
        ..soon(Layout::Body, |_| {
            ["--wait", "100"].map(str::to_owned).to_vec()
        })
    };
    let stand = Stand::start(&setup);
    let mut process = started(&stand, &setup);
    let pages = || {
        let is_page = |key: &String| key.len() == 32;
        let keys = stand.memcached[0].keys();
        keys.iter().filter(|key| is_page(key)).count()
    };
    eventually("some pages are stored", || pages() > 3);
    // All others are taken away before.
    eventually_within(Duration::from_secs(60), "one page is waited for", || {
        pages() == 1
    });
    assert!(process.ended().is_none());
    end(&mut process, "-INT", 130);
    eventually("nothing is left", || pages_on(&stand.memcached[0]) == 0);
}

/// A check that is under way.
fn started(stand: &Stand, setup: &Setup) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_djanginxed"));
    command.args(stand.command(setup));
    Process::spawn("djanginxed", &mut command, None).unwrap()
}

/// Ends it with a signal, of which its exit code tells.
fn end(process: &mut Process, signal: &str, code: i32) {
    let mut kill = Command::new("kill");
    let sent = kill.args([signal, &process.id().to_string()]).status();
    assert!(sent.unwrap().success());
    eventually("it ends", || process.ended().is_some());
    assert_eq!(process.ended().unwrap().code(), Some(code));
}
