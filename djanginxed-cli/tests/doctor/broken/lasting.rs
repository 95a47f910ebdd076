//! What should keep visitors from waiting, and does not.

use std::sync::OnceLock;

use djanginxed::{Layout, PageCache};
use testkit::free_port;

use super::edit::{row, words};
use crate::app::{Application, Build};
use crate::stand::{SOUND, Setup, Stand};

pub(crate) fn admin(stand: &Stand) -> Vec<String> {
    words(["--admin", &stand.application.as_ref().unwrap().admin])
}

pub(crate) const WITH_ADMIN: Build = Build {
    admin: true,
    ..SOUND.build
};

/// Waits for the end of a timeout of 3 s.
pub(crate) fn waits(_: &Stand) -> Vec<String> {
    words(["--wait", "10"])
}

pub(crate) fn waits_with_admin(stand: &Stand) -> Vec<String> {
    [waits(stand), admin(stand)].concat()
}

/// Where there is an application that knows nothing of this one.
fn elsewhere() -> &'static str {
    static OTHER: OnceLock<String> = OnceLock::new();
    OTHER.get_or_init(|| {
        let pages = PageCache::builder().build().unwrap();
        let other = Application::start(free_port(), pages, SOUND.build);
        let address = format!("http://{}", other.address());
        // It stands there for each set-up.
        std::mem::forget(other);
        address
    })
}

/// Whose timeouts are waited for.
fn not_refreshed() -> Vec<Setup> {
    const NOBODY: &str = "http://127.0.0.1:1";
    let waiting = |name, cause| Setup {
        target: "/soon/1",
        args: waits,
        ..row(name, cause)
    };
    let with_admin = |name, cause| Setup {
        build: WITH_ADMIN,
        args: waits_with_admin,
        ..waiting(name, cause)
    };
    let apart = Build {
        admin: false,
        admin_apart: true,
        ..SOUND.build
    };
    vec![
        waiting("there is no refresh_through", "not-refreshed"),
        with_admin(
            "there is no refresh_through, with the admin page",
            "refresh-missing",
        ),
        Setup {
            build: apart,
            ..with_admin(
                "there is no refresh_through, with an admin page apart",
                "refresh-missing",
            )
        },
        Setup {
            pages: |pages| pages.refresh_through(NOBODY),
            ..waiting("nobody listens at refresh_through", "not-refreshed")
        },
        Setup {
            pages: |pages| pages.refresh_through(NOBODY),
            ..with_admin(
                "nobody listens at refresh_through, with the admin page",
                "not-replaced",
            )
        },
        Setup {
            pages: |pages| pages.refresh_through(NOBODY),
            build: apart,
            ..with_admin(
                "nobody listens at refresh_through, with an admin page apart",
                "refresh-fails",
            )
        },
        Setup {
            layouts: [Layout::Response; 2],
            pages: |pages| pages.refresh_through(elsewhere()),
            ..waiting("refresh_through leads elsewhere", "not-refreshed")
        },
        Setup {
            target: "/soon-and-slow",
            refreshes: true,
            ..waiting("a refresh takes too long", "refresh-late")
        },
        Setup {
            target: "/soon-and-refused",
            refreshes: true,
            ..waiting("a refresh may not be stored", "refresh-refused")
        },
    ]
}

pub(crate) fn lasting() -> Vec<Setup> {
    let without_app = |name, cause| Setup {
        target: "/kept/1",
        then: |stand| stand.application = None,
        args: |_| words(["--app-down"]),
        ..row(name, cause)
    };
    let mut setups = not_refreshed();
    setups.extend([
        Setup {
            target: "/kept-and-broken",
            ..row(
                "a page past its timeout cannot be rendered anew",
                "stale-not-renewed",
            )
        },
        Setup {
            build: WITH_ADMIN,
            pages: |pages| pages.refresh_through("http://127.0.0.1:1"),
            args: admin,
            ..row("the application looks for itself elsewhere", "not-replaced")
        },
        Setup {
            args: admin,
            ..row("there is no admin page", "admin-option")
        },
        Setup {
            build: WITH_ADMIN,
            args: |_| {
                let other = crate::stand::Stand::start(&SOUND);
                words(["--admin", &format!("http://127.0.0.1:{}/", other.port())])
            },
            ..row(
                "nobody listens where the admin page should be",
                "admin-option",
            )
        },
        Setup {
            args: |_| words(["--app-down"]),
            ..row(
                "the application answers, with --app-down",
                "application-answers",
            )
        },
        Setup {
            tells_app: false,
            then: |_| {},
            ..without_app("the same without --app", "application-answers")
        },
        without_app("nginx has no copies for errors", "nginx-copies"),
        Setup {
            layouts: [Layout::Response; 2],
            ..without_app("nginx has no copies of whole responses", "nginx-copies")
        },
    ]);
    setups
}
