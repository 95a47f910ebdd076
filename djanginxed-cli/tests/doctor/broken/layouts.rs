//! Whole responses, and layouts that differ.

use djanginxed::Layout;

use super::edit::{before_location, row, swap, swap_up_to, words};
use crate::app::Build;
use crate::stand::{SOUND, Setup, Stand};
use testkit::free_port;

pub(crate) fn layouts() -> Vec<Setup> {
    const RESPONSE: [Layout; 2] = [Layout::Response; 2];
    let whole = |name, cause| Setup {
        layouts: RESPONSE,
        ..row(name, cause)
    };
    let paused = |stand: &mut Stand| stand.memcached[0].pause();
    vec![
        Setup {
            layouts: [Layout::Response, Layout::Body],
            ..row(
                "nginx reads bodies, and responses are stored",
                "nginx-layout",
            )
        },
        Setup {
            layouts: [Layout::Response, Layout::Body],
            tells_app: false,
            tells_servers: false,
            ..row(
                "nginx reads bodies, and responses are stored, with the URL alone",
                "nginx-layout",
            )
        },
        Setup {
            layouts: [Layout::Response, Layout::Body],
            tells_conf: true,
            args: |_| words(["--layout", "response"]),
            ..row(
                "the file reads bodies, and responses are stored and wanted",
                "nginx-layout",
            )
        },
        Setup {
            target: "/json-here",
            layouts: [Layout::Response, Layout::Body],
            tells_conf: true,
            args: |_| words(["--layout", "response", "--content-type", "application/json"]),
            ..row(
                "the file reads bodies of another type, and responses are stored and wanted",
                "nginx-layout",
            )
        },
        Setup {
            layouts: [Layout::Response, Layout::Body],
            pages: |pages| pages.gzip(true),
            ..row(
                "nginx reads bodies, and packed responses are stored",
                "nginx-layout",
            )
        },
        Setup {
            layouts: [Layout::Body, Layout::Response],
            ..row(
                "nginx reads responses, and bodies are stored",
                "nginx-layout",
            )
        },
        Setup {
            target: "/json-here",
            layouts: [Layout::Body, Layout::Response],
            args: |_| words(["--content-type", "application/json"]),
            ..row(
                "nginx reads responses of another type, and bodies are stored",
                "nginx-layout",
            )
        },
        Setup {
            target: "/json-here",
            layouts: [Layout::Body, Layout::Response],
            njs: true,
            memcached: &[&[], &[], &[]],
            ..row(
                "nginx reads responses by njs, of a type that nobody says",
                "nginx-layout",
            )
        },
        Setup {
            target: "/json-here",
            layouts: [Layout::Body, Layout::Response],
            args: |_| words(["--content-type", "application/json"]),
            tells_conf: true,
            ..row(
                "the file reads responses of another type, and bodies are stored",
                "nginx-layout",
            )
        },
        Setup {
            layouts: [Layout::Body, Layout::Response],
            pages: |pages| pages.lookup(false),
            ..row(
                "nginx reads responses, and bodies are stored without a lookup",
                "nginx-layout",
            )
        },
        Setup {
            layouts: [Layout::Body, Layout::Response],
            args: |_| words(["--layout", "response"]),
            ..row(
                "the application stores bodies, and responses are wanted",
                "application-layout",
            )
        },
        Setup {
            args: |_| words(["--layout", "response"]),
            ..row("--layout is not that of the bodies", "layout-option")
        },
        Setup {
            args: |_| words(["--layout", "body"]),
            ..whole("--layout is not that of the responses", "layout-option")
        },
        Setup {
            layouts: [Layout::Body, Layout::Response],
            njs: true,
            tells_conf: true,
            args: |_| words(["--layout", "body"]),
            ..row("the file reads responses by njs", "nginx-layout")
        },
        Setup {
            layouts: [Layout::Body, Layout::Response],
            njs: true,
            ..row(
                "nginx reads responses by njs, and bodies are stored",
                "nginx-layout",
            )
        },
        Setup {
            layouts: [Layout::Response, Layout::Body],
            args: |_| words(["--layout", "body"]),
            ..row(
                "the application stores responses, and bodies are wanted",
                "application-layout",
            )
        },
        Setup {
            layouts: [Layout::Body, Layout::Response],
            tells_conf: true,
            args: |_| words(["--layout", "body"]),
            ..row("the file reads responses", "nginx-layout")
        },
        Setup {
            target: "/json-here",
            args: |_| words(["--layout", "body", "--content-type", "application/json"]),
            ..whole("--layout is not the site's", "layout-option")
        },
        Setup {
            nginx: |file| swap(file, " site1$request_uri", " site2$request_uri"),
            ..whole(
                "nginx looks for responses under another prefix",
                "nginx-prefix",
            )
        },
        Setup {
            nginx: |file| swap(file, "site1$request_uri", "site1$uri"),
            ..whole(
                "nginx makes the key of a response of $uri",
                "key-path-alone",
            )
        },
        Setup {
            nginx: |file| swap(file, "srcache_fetch GET", "# "),
            ..whole("nginx does not fetch responses", "nginx-does-not-ask")
        },
        Setup {
            nginx: |file| swap(file, "srcache_fetch GET", "# "),
            tells_conf: true,
            ..whole("the file does not fetch responses", "other-location")
        },
        Setup {
            nginx: |file| {
                let other = format!("_memcached {{\n    server 127.0.0.1:{};", free_port());
                swap_up_to(file, "_memcached {\n    server", ";", &other)
            },
            ..whole("nginx fetches from another Memcached", "nginx-does-not-ask")
        },
        Setup {
            nginx: |file| before_location(file, "add_header X-Frame-Options DENY always;"),
            ..whole(
                "nginx adds a field to misses of responses alone",
                "lost-fields",
            )
        },
        Setup {
            build: Build {
                adds: Some(("Content-Security-Policy", "default-src 'self'")),
                ..SOUND.build
            },
            ..whole("a middleware adds a field to responses", "lost-fields")
        },
        Setup {
            pages: |pages| pages.gzip(true),
            nginx: |file| swap(file, "gunzip on;", ""),
            ..whole("nginx does not unpack responses", "gzip-lines")
        },
        Setup {
            target: "/moved",
            ..whole("a redirect whose status is not declared", "redirect")
        },
        Setup {
            nginx: |file| {
                swap(
                    file,
                    "memcached_read_timeout 100ms",
                    "memcached_read_timeout 5s",
                )
            },
            then: paused,
            args: |_| words(["--faults", "--timeout", "7"]),
            ..whole("nginx waits for a response for seconds", "timeouts-long")
        },
        Setup {
            nginx: |file| swap(file, "server 127.0.0.1:1 down;", ""),
            then: paused,
            args: |_| words(["--faults", "--timeout", "7"]),
            ..whole(
                "nginx never skips its only server of responses",
                "only-server",
            )
        },
    ]
}
