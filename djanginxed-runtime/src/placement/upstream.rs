//! nginx's side of a placement.

use std::fmt::Write;

use super::Placement;
use crate::server::Server;

/// The lines of nginx's `upstream` block that decide where a page is: `hash`,
/// then the servers in order. A single server needs no `hash`, and without it
/// may stand beside a `backup`.
#[must_use]
pub fn upstream_lines(servers: &[Server], placement: Placement) -> String {
    let mut lines = String::new();
    if servers.len() > 1 {
        lines.push_str(match placement {
            Placement::Consistent => "hash $memcached_key consistent;\n",
            Placement::Modulo => "hash $memcached_key;\n",
        });
    }
    for server in servers {
        // Writing to a String does not fail.
        let _ = writeln!(lines, "server {server};");
    }
    lines
}
