//! The application keeps its pages elsewhere.

use super::edit::row;
use crate::stand::Setup;
use testkit::free_port;

pub(crate) fn stored_elsewhere() -> Vec<Setup> {
    vec![
        Setup {
            of_app: |_| Vec::new(),
            ..row(
                "the application keeps pages in its own memory",
                "application-store",
            )
        },
        Setup {
            of_app: |_| vec![format!("127.0.0.1:{}", free_port())],
            ..row(
                "the application has a server where nobody listens",
                "application-store",
            )
        },
        Setup {
            memcached: &[&[], &[]],
            of_app: |servers| vec![servers[1].clone()],
            of_nginx: |servers| vec![servers[0].clone()],
            given: |servers| vec![servers[0].clone()],
            ..row("the application has another Memcached", "application-store")
        },
        Setup {
            of_app: |_| Vec::new(),
            tells_servers: false,
            ..row(
                "the application's own memory, without --servers",
                "nginx-finds-nothing",
            )
        },
    ]
}
