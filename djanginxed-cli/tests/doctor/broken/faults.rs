//! Memcached is out of reach.

use super::edit::{row, swap, words};
use crate::stand::{Setup, Stand};

pub(crate) fn faults() -> Vec<Setup> {
    let stopped = |stand: &mut Stand| stand.memcached[0].stop();
    let paused = |stand: &mut Stand| stand.memcached[0].pause();
    let asked = |_: &Stand| words(["--faults", "--timeout", "7"]);
    vec![
        Setup {
            args: asked,
            ..row("Memcached answers, with --faults", "not-out-of-reach")
        },
        Setup {
            nginx: |file| swap(file, " 500 502 504 =", " 500 504 ="),
            then: stopped,
            args: asked,
            ..row("error_page lacks 502", "error-page-codes")
        },
        Setup {
            nginx: |file| swap(file, " 500 502 504 =", " 500 502 ="),
            then: paused,
            args: asked,
            ..row("error_page lacks 504", "error-page-codes")
        },
        Setup {
            nginx: |file| swap(file, "read_timeout 100ms", "read_timeout 5s"),
            then: paused,
            args: asked,
            ..row("nginx waits for seconds", "timeouts-long")
        },
        Setup {
            nginx: |file| swap(file, "memcached_read_timeout 100ms;", ""),
            then: paused,
            args: |_| words(["--faults", "--timeout", "2"]),
            ..row("nginx waits for a minute", "timeouts-long")
        },
        Setup {
            nginx: |file| swap(file, "server 127.0.0.1:1 down;", ""),
            then: paused,
            args: asked,
            ..row("nginx never skips its only server", "only-server")
        },
        Setup {
            nginx: |file| swap(file, "server 127.0.0.1:1 down;", ""),
            then: paused,
            args: asked,
            tells_app: false,
            tells_servers: false,
            ..row(
                "nginx never skips its only server, with the URL alone",
                "only-server",
            )
        },
    ]
}
