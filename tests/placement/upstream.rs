//! One list of servers, as the application and nginx have it.

use djanginxed_runtime::internals::upstream_lines;
use djanginxed_runtime::tool::{Ring, Server};
use djanginxed_runtime::{PageKey, Placement};
use testkit::http::{Connection, Request, Response};
use testkit::{Memcached, Nginx};

pub(crate) const BOTH: [Placement; 2] = [Placement::Consistent, Placement::Modulo];

pub(crate) const PREFIX: &str = "site1";

pub(crate) struct Upstream {
    pub(crate) entries: Vec<String>,
    pub(crate) placement: Placement,
    ring: Ring,
}

impl Upstream {
    pub(crate) fn new(
        entries: impl IntoIterator<Item: Into<String>>,
        placement: Placement,
    ) -> Upstream {
        let entries: Vec<String> = entries.into_iter().map(Into::into).collect();
        Upstream {
            ring: Ring::new(&Server::parse_list(&entries).unwrap(), placement),
            entries,
            placement,
        }
    }

    /// Where the application puts the page at `target`.
    pub(crate) fn place(&self, target: &str) -> usize {
        self.ring.server_of(&PageKey::new(PREFIX, target))
    }

    /// nginx's block, with `parameters` after each server's own.
    pub(crate) fn block(&self, name: &str, parameters: &str) -> String {
        let entries = self.entries.iter().map(|entry| entry.clone() + parameters);
        let servers = Server::parse_list(entries).unwrap();
        let lines = upstream_lines(&servers, self.placement);
        format!("upstream {name} {{\n{lines}keepalive 8;\n}}\n")
    }

    /// Which server nginx asked, by its port or its path; each server has its own.
    pub(crate) fn asked(&self, answer: &Response) -> usize {
        let address = answer.header("X-Upstream").expect("the location sets it");
        let end_of = |text: &str| text.rsplit(':').next().map(str::to_owned);
        let asked = |entry: &String| end_of(entry.split(' ').next().unwrap()) == end_of(address);
        let index = self.entries.iter().position(asked);
        index.unwrap_or_else(|| panic!("nginx asked {address:?}"))
    }
}

/// An nginx that looks up what is below `/0/` in the first upstream, and so on.
/// A miss and an unreachable server alike are answered with `app`.
pub(crate) fn start_nginx(upstreams: &[Upstream], parameters: &str) -> Nginx {
    start_nginx_before("return 200 app;", upstreams, parameters)
}

/// The same, with what `app` does in place of the answer.
pub(crate) fn start_nginx_before(app: &str, upstreams: &[Upstream], parameters: &str) -> Nginx {
    let blocks = upstreams
        .iter()
        .enumerate()
        .map(|(at, upstream)| upstream.block(&format!("list{at}"), parameters));
    let locations: String = (0..upstreams.len())
        .map(|at| format!("location /{at}/ {{ memcached_pass list{at}; }}\n"))
        .collect();
    let blocks: String = blocks.collect();
    Nginx::start(|port| {
        format!(
            "keepalive_requests 1000000;
             memcached_connect_timeout 1s; memcached_read_timeout 1s;
             memcached_next_upstream off;
             access_log off; error_log error.log crit;
             {blocks}
             server {{
                 listen 127.0.0.1:{port};
                 set_md5 $memcached_key {PREFIX}$request_uri;
                 add_header X-Upstream $upstream_addr always;
                 error_page 404 500 502 504 = @app;
                 {locations}
                 location @app {{
                     add_header X-Upstream $upstream_addr always;
                     {app}
                 }}
             }}"
        )
    })
    .unwrap()
}

/// The answers to `targets`, in order, over one connection.
pub(crate) fn ask(port: u16, targets: &[String]) -> Vec<Response> {
    let mut connection = Connection::open(port).unwrap();
    let mut answers = Vec::with_capacity(targets.len());
    for some in targets.chunks(100) {
        for target in some {
            connection.send(&Request::get(target)).unwrap();
        }
        answers.extend(some.iter().map(|_| connection.receive().unwrap()));
    }
    answers
}

/// Targets below `/list/`; their keys are md5s, so counting is random enough.
pub(crate) fn targets(list: usize, count: usize) -> Vec<String> {
    (0..count)
        .map(|n| format!("/{list}/articles/{n}"))
        .collect()
}

/// Every second one listens on a unix socket.
pub(crate) fn start_memcached(count: usize) -> Vec<Memcached> {
    let start = |at| match at % 2 {
        0 => Memcached::start(),
        _ => Memcached::builder().socket(0o666).start(),
    };
    (0..count).map(|at| start(at).unwrap()).collect()
}
