//! What nginx's own file says.

use super::edit::{before_location, row, swap, swap_up_to};
use crate::stand::Setup;
use djanginxed::Placement;
use testkit::free_port;

/// What nginx's own file says.
pub(crate) fn by_the_file() -> Vec<Setup> {
    const THREE: &[&[&str]] = &[&[], &[], &[]];
    let conf = |name, cause| Setup {
        tells_conf: true,
        ..row(name, cause)
    };
    vec![
        Setup {
            nginx: |file| swap(file, " site1$request_uri", " site2$request_uri"),
            ..conf("the file has another prefix", "nginx-prefix")
        },
        Setup {
            nginx: |file| swap(file, "site1$request_uri", "site1$uri"),
            ..conf("the file makes the key of $uri", "key-path-alone")
        },
        Setup {
            nginx: |file| {
                let app = "location ~ ^/articles/ { proxy_pass http://djanginxed_app; }";
                before_location(file, app)
            },
            ..conf("the file has another location", "other-location")
        },
        Setup {
            nginx: lost_inner,
            ..conf("the file's inner server has another port", "inner-server")
        },
        Setup {
            nginx: lost_inner,
            ..row(
                "nginx asks its inner server at another port",
                "nginx-does-not-ask",
            )
        },
        Setup {
            site: |site| site.never_cache("/articles/"),
            ..conf(
                "the page lies in a location of --no-cache",
                "other-location",
            )
        },
        Setup {
            memcached: THREE,
            of_nginx: |servers| servers[1..].to_vec(),
            ..conf("the file lacks a server", "nginx-server-missing")
        },
        Setup {
            memcached: THREE,
            placements: [
                Placement::Consistent,
                Placement::Modulo,
                Placement::Consistent,
            ],
            ..conf("the file lacks consistent", "nginx-placement")
        },
        Setup {
            memcached: THREE,
            placements: [Placement::Modulo; 3],
            of_nginx: |servers| vec![servers[2].clone(), servers[1].clone(), servers[0].clone()],
            ..conf("the file has another order", "nginx-order")
        },
        Setup {
            memcached: THREE,
            of_nginx: |servers| {
                let mut servers = servers.to_vec();
                servers[2].push_str(" weight=3");
                servers
            },
            ..conf("the file has another weight", "nginx-weight")
        },
        Setup {
            nginx: |file| swap(file, " 500 502 504 =", " 500 504 ="),
            ..conf("the file's error_page lacks 502", "error-page-codes")
        },
        Setup {
            nginx: |file| swap(file, "504 = @", "504 @"),
            tells_app: false,
            ..conf("the file's error_page lacks =", "error-page-equals")
        },
        Setup {
            nginx: |file| {
                let other = format!("_memcached {{\n    server 127.0.0.1:{};", free_port());
                swap_up_to(file, "_memcached {\n    server", ";", &other)
            },
            ..conf("the file has another Memcached", "nginx-servers")
        },
    ]
}

/// The file's upstream of its inner server leads to nobody.
pub(crate) fn lost_inner(file: String) -> String {
    let dead = format!("_pages {{\n    server 127.0.0.1:{};", free_port());
    swap_up_to(file, "_pages {\n    server", ";", &dead)
}
