//! nginx answers, and not with the page.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::sync::OnceLock;

use super::edit::{before_location, row, swap, swap_up_to, words};
use super::peers::silent;
use crate::stand::{Setup, Stand};
use tempfile::TempDir;
use testkit::free_port;

pub(crate) fn no_page() -> Vec<Setup> {
    let ended = |stand: &mut Stand| stand.application = None;
    let lost = |file: String| {
        let dead = format!("_app {{\n    server 127.0.0.1:{};", free_port());
        swap_up_to(file, "_app {\n    server", ";", &dead)
    };
    let to_silent = |file: String| {
        let silent = format!("_app {{\n    server 127.0.0.1:{};", silent());
        let file = swap_up_to(file, "_app {\n    server", ";", &silent);
        swap(
            file,
            "proxy_set_header Upgrade $http_upgrade;",
            "proxy_set_header Upgrade $http_upgrade; proxy_read_timeout 300ms;",
        )
    };
    vec![
        Setup {
            then: ended,
            ..row("the application is down", "application-down")
        },
        Setup {
            then: ended,
            tells_app: false,
            ..row(
                "the application is down, and is not named",
                "application-unreachable",
            )
        },
        Setup {
            nginx: lost,
            ..row(
                "nginx looks for the application elsewhere",
                "application-address",
            )
        },
        Setup {
            nginx: |file| swap_up_to(file, "_app {\n    server", ";", &to_closed_socket()),
            tells_app: false,
            tells_conf: true,
            ..row(
                "nginx may not write to the application's unix socket",
                "application-socket-denied",
            )
        },
        Setup {
            nginx: |file| swap_up_to(file, "_app {\n    server", ";", &to_closed_socket()),
            tells_app: false,
            ..row(
                "nginx may not write to the application's unix socket, without its file",
                "application-unreachable",
            )
        },
        Setup {
            args: |_| words(["--app", &format!("127.0.0.1:{}", free_port())]),
            tells_app: false,
            ..row("--app names a port where nobody listens", "app-option")
        },
        Setup {
            args: |_| words(["--app", "unix:/nowhere/app.sock"]),
            tells_app: false,
            ..row("--app names a socket that is not there", "app-option")
        },
        Setup {
            target: "/hangs",
            args: |_| words(["--timeout", "1"]),
            ..row("the application hangs", "application-hangs")
        },
        Setup {
            nginx: to_silent,
            tells_app: false,
            ..row(
                "the application hangs, and nginx gives up",
                "application-hangs",
            )
        },
        Setup {
            target: "/broken",
            ..row("the handler fails", "application-error")
        },
        Setup {
            target: "/missing",
            ..row("there is no such page", "no-such-page")
        },
        Setup {
            target: "/gone",
            ..row("the page is gone", "other-status")
        },
        Setup {
            target: "/moved",
            ..row("the application redirects", "redirect")
        },
        Setup {
            nginx: |file| before_location(file, "return 301 https://$host$request_uri;"),
            ..row("nginx redirects to https", "redirect")
        },
        Setup {
            files: || vec![("users".to_owned(), "u:{PLAIN}p\n".to_owned())],
            nginx: |file| before_location(file, "auth_basic shop; auth_basic_user_file users;"),
            ..row("a password", "password")
        },
        Setup {
            nginx: |file| before_location(file, "deny all;"),
            ..row("nginx forbids it", "forbidden")
        },
        Setup {
            nginx: |file| before_location(file, "return 503;"),
            ..row("nginx is closed for maintenance", "nginx-answers")
        },
        Setup {
            nginx: |file| before_location(file, "location /articles/ { root /nowhere; }"),
            ..row("nginx serves files there", "nginx-answers")
        },
        Setup {
            url: Some(|stand| format!("http://{}/articles/1", stand.app)),
            ..row("the URL is the application's own", "application-port")
        },
        Setup {
            url: Some(|stand| format!("http://{}/articles/1", stand.app)),
            tells_app: false,
            ..row(
                "the URL is the application's own, and nothing says so",
                "application-port",
            )
        },
        Setup {
            url: Some(|stand| format!("http://{}/articles/1", stand.app)),
            tells_app: false,
            tells_servers: false,
            ..row(
                "the URL is the application's own, without --servers",
                "application-port",
            )
        },
    ]
}

/// A socket to which its own user alone may write, as actix-web makes it.
fn to_closed_socket() -> String {
    static SOCKET: OnceLock<(TempDir, UnixListener)> = OnceLock::new();
    let (folder, _) = SOCKET.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let path = folder.path().join("app.sock");
        let listener = UnixListener::bind(&path).unwrap();
        set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        (folder, listener)
    });
    let path = folder.path().join("app.sock");
    format!("_app {{\n    server unix:{};", path.display())
}
