//! The application does not store the page.

use super::edit::{row, swap};
use crate::app::Build;
use crate::stand::{SOUND, Setup};

pub(crate) fn not_stored() -> Vec<Setup> {
    let refused = |name, target| Setup {
        target,
        ..row(name, "refused")
    };
    let hosts: fn(djanginxed::PageCacheBuilder) -> djanginxed::PageCacheBuilder =
        |pages| pages.hosts(["127.0.0.1"]);
    let no_host = |file: String| {
        let file = swap(file, "proxy_set_header Host $host", "#");
        swap(file, "proxy_set_header X-Forwarded-Host $host", "#")
    };
    vec![
        refused("the handler sets a cookie", "/answer/set-cookie"),
        refused("the handler says private", "/answer/cache-control"),
        refused("the handler varies", "/answer/vary"),
        refused("the handler encodes", "/answer/content-encoding"),
        refused(
            "the handler has a policy that nobody declared",
            "/answer/header",
        ),
        refused("the handler leaves no life", "/answer/expired"),
        refused("the page is empty", "/answer/empty"),
        refused("the page is in iso-8859-1", "/answer/charset"),
        refused("the page is of another type", "/answer/type"),
        Setup {
            target: "/answer/status",
            ..row("the page has status 202", "other-status")
        },
        Setup {
            target: "/large",
            pages: |pages| pages.max_entry_size(10_000),
            ..row("the page is larger than max_entry_size", "refused")
        },
        Setup {
            target: "/plain",
            ..row("the handler is not annotated", "not-cached")
        },
        Setup {
            pages: |pages| pages.hosts(["https://127.0.0.1"]),
            ..row("the hosts have another scheme than the URL", "bypassed")
        },
        Setup {
            pages: |pages| pages.enabled(false),
            ..row("the cache is switched off", "disabled")
        },
        Setup {
            pages: hosts,
            nginx: no_host,
            ..row("Host is not passed where hosts is set", "host-not-passed")
        },
        Setup {
            pages: hosts,
            nginx: no_host,
            tells_app: false,
            ..row(
                "Host is not passed where hosts is set, without --app",
                "host-unknown",
            )
        },
        Setup {
            pages: hosts,
            nginx: |file| swap(file, "127.0.0.1 \"\";", "www.example.com \"\";"),
            tells_conf: true,
            ..row("nginx caches pages of another host", "cached-host")
        },
        Setup {
            pages: hosts,
            site: |site| site.server_name("localhost"),
            nginx: |file| swap(file, "127.0.0.1 \"\";", "localhost \"\";"),
            tells_servers: false,
            ..row(
                "nginx caches pages of another host of the site, without its file",
                "cached-host",
            )
        },
        Setup {
            pages: |pages| pages.hosts(["localhost"]),
            nginx: |file| swap(file, "localhost \"\";", "127.0.0.1 \"\";"),
            ..row("the application's hosts lack the site's", "host-unknown")
        },
        Setup {
            nginx: |file| {
                swap(
                    file,
                    "proxy_set_header Upgrade $http_upgrade;",
                    "proxy_set_header Upgrade $http_upgrade; proxy_set_header Authorization \"Basic eA==\";",
                )
            },
            ..row("nginx adds a password of its own", "bypassed")
        },
        Setup {
            nginx: |file| swap(file, "504 = @", "504 @"),
            ..row("error_page without =", "error-page-equals")
        },
        Setup {
            nginx: |file| swap(file, "504 = @", "504 @"),
            tells_app: false,
            tells_servers: false,
            ..row(
                "error_page without =, with the URL alone",
                "error-page-equals",
            )
        },
        Setup {
            nginx: |file| swap(file, "error_page 404 ", "error_page "),
            ..row("error_page lacks 404", "error-page-codes")
        },
        Setup {
            build: Build {
                adds: Some(("Set-Cookie", "session=1")),
                ..SOUND.build
            },
            ..row("a middleware sets a cookie", "private")
        },
        Setup {
            build: Build {
                adds: Some(("Cache-Control", "no-store")),
                ..SOUND.build
            },
            ..row("a middleware says no-store", "private")
        },
    ]
}
