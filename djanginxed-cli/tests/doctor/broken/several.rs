//! Several servers, and lists of them that differ.

use std::sync::OnceLock;

use super::edit::{row, swap};
use crate::stand::{Setup, Stand};
use djanginxed::Placement;
use testkit::free_port;

/// Two processes behind nginx, the second of which has these servers.
struct Second {
    port: OnceLock<u16>,
    servers: fn(&[String]) -> Vec<String>,
}

impl Second {
    const fn with(servers: fn(&[String]) -> Vec<String>) -> Second {
        Second {
            port: OnceLock::new(),
            servers,
        }
    }

    fn port(&self) -> u16 {
        *self.port.get_or_init(free_port)
    }

    fn beside_the_first(&self, file: String) -> String {
        let both = format!("_app {{\n    server 127.0.0.1:{};\n    server", self.port());
        swap(file, "_app {\n    server", &both)
    }

    fn start(&self, stand: &mut Stand) {
        let servers = (self.servers)(&stand.addresses());
        stand.start_second_at(self.port(), "site1", servers);
    }
}

static SHORTER: Second = Second::with(|servers| servers[..1].to_vec());
static SHORTER_THAN_FILE: Second = Second::with(|servers| servers[..1].to_vec());
static SHORTER_AND_UNTOLD: Second = Second::with(|servers| servers[..1].to_vec());
static SHORTER_AND_FIRST: Second = Second::with(|servers| servers[..1].to_vec());
static TWO_OF_THREE: Second = Second::with(|servers| servers[1..].to_vec());

/// Half of all pages are on the same server for both.
fn processes() -> Vec<Setup> {
    let two = |name| Setup {
        memcached: &[&[], &[]],
        ..row(name, "processes-differ")
    };
    vec![
        Setup {
            nginx: |file| SHORTER.beside_the_first(file),
            then: |stand| SHORTER.start(stand),
            ..two("a second process lacks a server")
        },
        Setup {
            nginx: |file| SHORTER_THAN_FILE.beside_the_first(file),
            then: |stand| SHORTER_THAN_FILE.start(stand),
            tells_conf: true,
            ..two("a second process lacks a server, with nginx's file")
        },
        Setup {
            nginx: |file| SHORTER_AND_UNTOLD.beside_the_first(file),
            then: |stand| SHORTER_AND_UNTOLD.start(stand),
            tells_servers: false,
            ..two("a second process lacks a server, without --servers")
        },
        Setup {
            nginx: |file| SHORTER_AND_FIRST.beside_the_first(file),
            then: |stand| {
                SHORTER_AND_FIRST.start(stand);
                std::mem::swap(&mut stand.application, &mut stand.second);
                stand.app = stand.application.as_ref().unwrap().address();
            },
            tells_conf: true,
            ..two("the first process lacks a server that the second process has")
        },
        Setup {
            memcached: &[&[], &[], &[]],
            nginx: |file| TWO_OF_THREE.beside_the_first(file),
            then: |stand| TWO_OF_THREE.start(stand),
            ..two("a second process lacks one of three servers")
        },
    ]
}

pub(crate) fn several_servers() -> Vec<Setup> {
    const MODULO: Placement = Placement::Modulo;
    const CONSISTENT: Placement = Placement::Consistent;
    const THREE: &[&[&str]] = &[&[], &[], &[]];
    let three = |name, cause| Setup {
        memcached: THREE,
        ..row(name, cause)
    };
    let swapped =
        |servers: &[String]| vec![servers[1].clone(), servers[0].clone(), servers[2].clone()];
    let fewer = |servers: &[String]| servers[..2].to_vec();
    let first = |servers: &[String]| servers[..1].to_vec();
    let heavier = |servers: &[String]| {
        let mut servers = servers.to_vec();
        servers[2].push_str(" weight=3");
        servers
    };
    let spelled = |servers: &[String]| {
        let mut servers = servers.to_vec();
        servers[0] = servers[0].replace("127.0.0.1", "localhost");
        servers
    };
    let lists = vec![
        Setup {
            placements: [CONSISTENT, MODULO, CONSISTENT],
            ..three("nginx lacks consistent", "nginx-placement")
        },
        Setup {
            placements: [MODULO, CONSISTENT, MODULO],
            ..three("nginx has consistent", "nginx-placement")
        },
        Setup {
            placements: [MODULO, MODULO, MODULO],
            of_nginx: swapped,
            ..three("nginx has two servers swapped", "nginx-order")
        },
        Setup {
            memcached: &[&[], &[]],
            placements: [MODULO, MODULO, MODULO],
            of_nginx: |servers| vec![servers[1].clone(), servers[0].clone()],
            ..row("nginx has its only two servers swapped", "nginx-order")
        },
        Setup {
            of_nginx: fewer,
            ..three("nginx lacks a server", "nginx-server-missing")
        },
        Setup {
            of_nginx: fewer,
            tells_servers: false,
            tells_app: false,
            ..three("nginx lacks a server, with the URL alone", "some-not-found")
        },
        Setup {
            placements: [MODULO; 3],
            of_nginx: fewer,
            ..three("nginx lacks a server, modulo", "nginx-server-missing")
        },
        Setup {
            of_nginx: heavier,
            ..three("nginx has another weight", "nginx-weight")
        },
        Setup {
            memcached: &[&[], &[]],
            of_app: first,
            given: first,
            ..row("nginx spreads pages over a second server", "nginx-servers")
        },
        Setup {
            memcached: &[&[], &[]],
            of_app: first,
            given: first,
            tells_conf: true,
            ..row("the file has a second server", "nginx-servers")
        },
        Setup {
            memcached: &[&[], &[]],
            of_nginx: first,
            given: first,
            ..row(
                "the application spreads pages over a second server",
                "application-servers",
            )
        },
        Setup {
            memcached: &[&[], &[]],
            given: first,
            ..row("--servers lacks the second server", "servers-option")
        },
        Setup {
            memcached: &[&[], &[]],
            given: first,
            tells_conf: true,
            ..row(
                "--servers lacks the second server, with nginx's file",
                "servers-option",
            )
        },
        Setup {
            of_nginx: spelled,
            ..three("nginx spells a server otherwise", "nginx-spelling")
        },
        Setup {
            of_app: fewer,
            ..three(
                "the application lacks a server",
                "application-server-missing",
            )
        },
        Setup {
            of_app: heavier,
            ..three("the application has another weight", "application-weight")
        },
        Setup {
            placements: [MODULO, CONSISTENT, CONSISTENT],
            ..three("the application has modulo", "application-placement")
        },
        Setup {
            placements: [CONSISTENT, CONSISTENT, MODULO],
            ..three("--placement is not the site's", "servers-option")
        },
        Setup {
            given: heavier,
            ..three("--servers has another weight", "servers-option")
        },
        Setup {
            given: heavier,
            tells_conf: true,
            ..three(
                "--servers has another weight, with nginx's file",
                "servers-option",
            )
        },
    ];
    lists.into_iter().chain(processes()).collect()
}
