//! Pages that name their query parameters, and processes of which one refuses them.

use std::sync::OnceLock;

use djanginxed::PageCacheBuilder;
use testkit::free_port;

use super::edit::{row, swap, swap_up_to};
use crate::stand::{Setup, Stand};

const LISTED: &str = "/listed/by-date";

/// Pages of another host, and nginx's file for the site's own.
fn of_another_host(pages: PageCacheBuilder) -> PageCacheBuilder {
    pages.hosts(["www.example.com"])
}

fn of_the_site(file: String) -> String {
    swap(file, "www.example.com \"\";", "127.0.0.1 \"\";")
}

/// Both processes; first the one that nginx does not ask.
fn the_other_first(stand: &Stand) -> Vec<String> {
    let second = stand.second.as_ref().unwrap().address();
    ["--app", &second, "--app", &stand.app]
        .map(str::to_owned)
        .into()
}

/// The ports of second processes that nginx knows before they run.
fn ports() -> [u16; 2] {
    static PORTS: OnceLock<[u16; 2]> = OnceLock::new();
    *PORTS.get_or_init(|| [free_port(), free_port()])
}

/// nginx chooses between both processes.
fn balanced(file: String, port: u16) -> String {
    let upstream = "upstream djanginxed_app {";
    let both = format!("{upstream}\n    server 127.0.0.1:{port};");
    swap_up_to(file, upstream, "{", &both)
}

pub(crate) fn spelled() -> Vec<Setup> {
    let listed = |name, cause| Setup {
        target: LISTED,
        ..row(name, cause)
    };
    let differ = |name, target| Setup {
        target,
        then: |stand| stand.start_second("site1"),
        ..row(name, "processes-differ")
    };
    let off = |name, target| Setup {
        pages: |pages| pages.enabled(false),
        ..differ(name, target)
    };
    let elsewhere = |name, target| Setup {
        pages: of_another_host,
        nginx: of_the_site,
        ..differ(name, target)
    };
    let other_first = |setup: Setup| Setup {
        tells_app: false,
        args: the_other_first,
        ..setup
    };
    let names_no_host: fn(String) -> String = |file| {
        let file = swap(
            file,
            "proxy_set_header Host $host",
            "proxy_set_header Host app.internal",
        );
        swap(file, "proxy_set_header X-Forwarded-Host $host", "#")
    };
    let hosts: fn(PageCacheBuilder) -> PageCacheBuilder = |pages| pages.hosts(["127.0.0.1"]);
    vec![
        Setup {
            pages: hosts,
            nginx: names_no_host,
            ..listed(
                "another Host is passed, of a page that knows no query",
                "host-not-passed",
            )
        },
        Setup {
            target: "/",
            pages: hosts,
            nginx: names_no_host,
            ..row(
                "another Host is passed, of a page with one spelling",
                "host-not-passed",
            )
        },
        Setup {
            target: "/",
            nginx: |file| {
                let line = "proxy_set_header Upgrade $http_upgrade;";
                swap(
                    file,
                    line,
                    &format!("{line} proxy_hide_header Cache-Status;"),
                )
            },
            ..row(
                "Cache-Status is taken away, of a page with one spelling",
                "cache-status-lost",
            )
        },
        other_first(off("nginx asks a process that is off", "/articles/1")),
        other_first(off("the same, of a page that knows no query", LISTED)),
        other_first(off("the same, of a page with one spelling", "/")),
        off("the first process is off", "/articles/1"),
        off(
            "the first process is off, and the page knows no query",
            LISTED,
        ),
        other_first(elsewhere(
            "nginx asks a process with other hosts",
            "/articles/1",
        )),
        other_first(elsewhere(
            "the hosts differ, and the page knows no query",
            LISTED,
        )),
        elsewhere("the first process has other hosts", LISTED),
        Setup {
            then: |stand| stand.start_other(free_port(), |pages| pages.enabled(false)),
            ..listed("the second process is off", "processes-differ")
        },
        Setup {
            then: |stand| stand.start_other(free_port(), of_another_host),
            ..listed("the second process has other hosts", "processes-differ")
        },
        Setup {
            nginx: |file| balanced(file, ports()[0]),
            then: |stand| stand.start_other(ports()[0], |pages| pages.enabled(false)),
            ..listed(
                "nginx chooses between two, one of which is off",
                "processes-differ",
            )
        },
        Setup {
            nginx: |file| balanced(file, ports()[1]),
            then: |stand| stand.start_other(ports()[1], of_another_host),
            ..listed(
                "nginx chooses between two of different hosts",
                "processes-differ",
            )
        },
        Setup {
            target: "/listed/by-date?utm=1",
            ..row(
                "the URL has a parameter that the page does not know",
                "refused",
            )
        },
        Setup {
            target: "/scoped/topics/1/edit",
            ..row(
                "the page is one that the scope's cache does not take",
                "bypassed",
            )
        },
    ]
}
