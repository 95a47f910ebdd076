//! Several servers, and lists of them that differ.

use super::edit::row;
use crate::stand::Setup;
use djanginxed::Placement;

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
    vec![
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
    ]
}
