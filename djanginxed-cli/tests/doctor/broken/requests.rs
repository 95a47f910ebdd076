//! Other requests than a GET of the page.

use super::edit::{row, swap, swap_up_to, words};
use crate::app::Build;
use crate::stand::{SOUND, Setup, Stand};

pub(crate) fn other_requests() -> Vec<Setup> {
    let rules: fn(djanginxed::PageCacheBuilder) -> djanginxed::PageCacheBuilder =
        |pages| pages.bypass_cookie("sessionid").bypass_header("X-Preview");
    let asked = |_: &Stand| {
        words([
            "--bypass-cookie",
            "sessionid",
            "--bypass-header",
            "X-Preview",
        ])
    };
    vec![
        Setup {
            nginx: |file| {
                swap_up_to(
                    file,
                    "location / {",
                    "{",
                    "location / { if ($request_method = POST) { return 405; } error_page 405 /405;",
                )
            },
            ..row("nginx answers POST", "method-by-nginx")
        },
        Setup {
            nginx: |file| {
                swap_up_to(
                    file,
                    "location / {",
                    "{",
                    "location / { if ($request_method = OPTIONS) { return 204; }",
                )
            },
            ..row("nginx answers OPTIONS", "method-by-nginx")
        },
        Setup {
            nginx: |file| {
                swap_up_to(
                    file,
                    "location / {",
                    "{",
                    "location / { if ($request_method = HEAD) { return 403; }",
                )
            },
            ..row("nginx answers HEAD", "method-by-nginx")
        },
        Setup {
            pages: rules,
            nginx: |file| swap(file, "return 418;", "set $nothing 1;"),
            args: asked,
            ..row("nginx has no bypass rules", "nginx-rules")
        },
        Setup {
            nginx: |file| swap(file, "$http_authorization$http", "$http"),
            ..row(
                "nginx serves stored pages with Authorization",
                "nginx-rules",
            )
        },
        Setup {
            pages: rules,
            nginx: |file| swap(file, "*+(?:s|%73|%53)", "*+(?:x|%78|%58)"),
            args: asked,
            ..row("nginx has another bypass cookie", "nginx-rules")
        },
        Setup {
            pages: rules,
            nginx: |file| swap(file, "_upgrade$http_x_preview", "_upgrade"),
            args: asked,
            ..row("nginx lacks a bypass header", "nginx-rules")
        },
        Setup {
            nginx: |file| {
                swap(
                    file,
                    "return 418;",
                    "return 418; }\n        if ($http_cookie) { return 418;",
                )
            },
            args: |_| words(["--bypass-cookie", "sessionid"]),
            ..row("the application lacks a bypass cookie", "application-rules")
        },
        Setup {
            args: |_| words(["--bypass-cookie", "other"]),
            ..row("--bypass-cookie is no rule of the site", "bypass-option")
        },
        Setup {
            pages: rules,
            nginx: untold,
            build: Build {
                takes: Some("cookie"),
                ..SOUND.build
            },
            args: asked,
            ..row("a middleware removes Cookie", "application-rules")
        },
        Setup {
            pages: rules,
            nginx: |file| {
                let file = untold(file);
                swap(
                    file,
                    "proxy_set_header Upgrade $http_upgrade;",
                    "proxy_set_header Upgrade $http_upgrade; proxy_set_header Cookie \"\";",
                )
            },
            args: asked,
            ..row("nginx removes Cookie", "rule-field-lost")
        },
        Setup {
            target: "/links",
            nginx: |file| {
                let named = file.replace("server_name _;", "server_name other.invalid;");
                named.replace(
                    "server_name 127.0.0.1;",
                    "server_name 127.0.0.1 djanginxed-check.invalid;",
                )
            },
            ..row("a stranger's host is answered", "foreign-host")
        },
        Setup {
            target: "/links",
            nginx: |file| swap(file, "proxy_set_header Forwarded \"\";", ""),
            ..row("a stranger's Forwarded is believed", "forwarded")
        },
        Setup {
            target: "/links",
            nginx: |file| swap(file, "proxy_set_header X-Forwarded-Host", "#"),
            ..row("a stranger's X-Forwarded-Host is believed", "forwarded")
        },
        Setup {
            target: "/links",
            nginx: |file| swap(file, "proxy_set_header X-Forwarded-Proto", "#"),
            ..row("a stranger's X-Forwarded-Proto is believed", "forwarded")
        },
        Setup {
            target: "/links",
            nginx: |file| swap(file, "proxy_set_header X-Real-IP \"\";", ""),
            ..row("a stranger's X-Real-IP is believed", "forwarded")
        },
        Setup {
            target: "/json/1",
            prefix: "json",
            nginx: |file| swap(file, "set $djanginxed_past 1;", ""),
            args: |_| words(["--content-type", "application/json"]),
            ..row("dot segments choose another location", "locations-disagree")
        },
    ]
}

/// A file of one's own, which does not tell the application what it bypasses.
pub(crate) fn untold(file: String) -> String {
    swap(file, "proxy_set_header Djanginxed-Bypass", "#")
}
