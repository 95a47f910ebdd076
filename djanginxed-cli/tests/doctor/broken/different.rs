//! A hit differs from a miss.

use super::edit::{before_location, row, swap};
use crate::app::Build;
use crate::stand::{SOUND, Setup};

pub(crate) fn different() -> Vec<Setup> {
    let gzip: fn(djanginxed::PageCacheBuilder) -> djanginxed::PageCacheBuilder =
        |pages| pages.gzip(true);
    let adds = |name, field| Setup {
        build: Build {
            adds: Some(field),
            ..SOUND.build
        },
        ..row(name, "lost-fields")
    };
    vec![
        Setup {
            nginx: |file| swap(file, "default_type text/html", "default_type text/plain"),
            ..row("nginx serves another type", "content-type")
        },
        Setup {
            nginx: |file| swap(file, "charset utf-8;", ""),
            ..row("nginx has no charset", "content-type")
        },
        Setup {
            nginx: |file| {
                swap(
                    file,
                    "gzip_vary on;",
                    "gzip_vary on; sub_filter_once off; sub_filter words swords;",
                )
            },
            ..row("a filter works on hits", "other-bytes")
        },
        Setup {
            pages: gzip,
            nginx: |file| swap(file, "memcached_gzip_flag 2;", ""),
            ..row("nginx does not know gzip entries", "gzip-lines")
        },
        Setup {
            pages: gzip,
            nginx: |file| swap(file, "gunzip on;", ""),
            ..row("nginx does not unpack", "gzip-lines")
        },
        Setup {
            pages: gzip,
            nginx: |file| swap(file, "gzip_vary on;", ""),
            ..row("nginx says no Vary", "gzip-lines")
        },
        adds(
            "a middleware adds Content-Security-Policy",
            ("Content-Security-Policy", "default-src 'self'"),
        ),
        adds(
            "a middleware adds Strict-Transport-Security",
            ("Strict-Transport-Security", "max-age=1"),
        ),
        adds(
            "a middleware adds X-Frame-Options",
            ("X-Frame-Options", "DENY"),
        ),
        adds("a middleware adds Vary", ("Vary", "Origin")),
        adds(
            "a middleware adds a field that is invented tomorrow",
            ("Tomorrow-Policy", "self"),
        ),
        Setup {
            pages: |pages| pages.header("X-Frame-Options", "DENY"),
            nginx: |file| swap(file, "add_header x-frame-options \"DENY\";", ""),
            build: Build {
                adds: Some(("X-Frame-Options", "DENY")),
                ..SOUND.build
            },
            ..row("nginx lacks a declared field", "lost-fields")
        },
        Setup {
            nginx: |file| {
                before_location(
                    file,
                    "add_header Strict-Transport-Security max-age=1 always;",
                )
            },
            ..row("nginx adds a field to misses alone", "lost-fields")
        },
        Setup {
            target: "/links",
            nginx: |file| {
                let file = swap(file, "proxy_set_header Host $host", "#");
                swap(file, "proxy_set_header X-Forwarded-Host $host", "#")
            },
            ..row("Host is not passed, and the page shows it", "wrong-host")
        },
        Setup {
            target: "/links",
            nginx: |file| {
                let file = swap(file, "proxy_set_header Host $host", "#");
                swap(file, "proxy_set_header X-Forwarded-Host $host", "#")
            },
            tells_app: false,
            ..row(
                "Host is not passed, and the page shows it, without --app",
                "wrong-host",
            )
        },
    ]
}
