//! What should keep visitors from waiting, and does not.

use super::edit::{row, words};
use crate::app::Build;
use crate::stand::{SOUND, Setup, Stand};

pub(crate) fn admin(stand: &Stand) -> Vec<String> {
    words(["--admin", &format!("http://{}/_pages", stand.app)])
}

pub(crate) const WITH_ADMIN: Build = Build {
    admin: true,
    ..SOUND.build
};

pub(crate) fn lasting() -> Vec<Setup> {
    let without_app = |name, cause| Setup {
        target: "/kept/1",
        then: |stand| stand.application = None,
        args: |_| words(["--app-down"]),
        ..row(name, cause)
    };
    vec![
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
            layouts: [djanginxed::Layout::Response; 2],
            ..without_app("nginx has no copies of whole responses", "nginx-copies")
        },
    ]
}
