//! The micro cache: for a second nginx answers by itself, and asks nobody.
//!
//! A `proxy_cache` before the inner server. What may be in there is for that server
//! to say, by X-Accel-Expires on a page that it has: so it is never an answer of the
//! application, nor a miss. nginx counts in whole seconds, and a life of "1" would end
//! up to two seconds later; the end of the second in which a page was read does not.

use super::error::{Error, refuse};
use super::text::{Text, quoted};
use super::values;
use crate::layout::Layout;

/// Longer than this a purge must not take.
const MOST: u32 = 60;

/// How long pages are kept, and where.
pub(super) struct MicroCache {
    seconds: u32,
    /// None: where the system keeps what need not survive it.
    path: Option<String>,
}

/// Whose folder it is.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// The system's, where nginx is started by root.
    System,
    /// The folder of `nginx -p`.
    Own,
}

impl MicroCache {
    pub(super) fn check(
        seconds: u32,
        path: Option<&str>,
        layout: Layout,
    ) -> Result<MicroCache, Error> {
        let refuse = |problem| Err(refuse("micro cache", &format!("{seconds}s"), problem));
        if !(1..=MOST).contains(&seconds) {
            return refuse("give 1 to 60 seconds: for so long nginx does not see a purge");
        }
        if layout == Layout::Response {
            return refuse(
                "a micro cache keeps no whole responses: leave it out, or use layout body",
            );
        }
        Ok(MicroCache {
            seconds,
            path: path
                .map(|path| values::file("micro cache path", path))
                .transpose()?,
        })
    }

    fn path(&self, name: &str, place: Place) -> String {
        match (&self.path, place) {
            (Some(path), _) => path.clone(),
            (None, Place::System) => format!("/run/{name}_micro"),
            (None, Place::Own) => "micro_cache".to_owned(),
        }
    }

    /// In the `http` block.
    pub(super) fn zone(&self, text: &mut Text, name: &str, place: Place) {
        text.why("The hottest pages, for a moment: kept from their second request on, until");
        text.why("nobody asks for them. In memory, where the folder is (tmpfs).");
        text.line(format_args!(
            "proxy_cache_path {} keys_zone={name}_micro:4m max_size=64m inactive=2s \
             manager_files=1000 use_temp_path=off",
            quoted(&self.path(name, place))
        ));
        if self.seconds == 1 {
            text.block(format_args!("map $msec ${name}_second"), |text| {
                text.line("~^([0-9]+) $1");
            });
        }
    }

    /// In the inner server, which knows what is a page.
    pub(super) fn life(&self, text: &mut Text, name: &str) {
        text.why("How long a page may be in the micro cache: until its second ends. nginx counts");
        text.why("in whole seconds, so that one less is the longest that is not too long.");
        let life = match self.seconds {
            1 => format!("@${name}_second"),
            seconds => (seconds - 1).to_string(),
        };
        text.line(format_args!("add_header X-Accel-Expires {life}"));
    }

    /// In a page's location, whose key says what is the same page.
    pub(super) fn keep(text: &mut Text, name: &str, number: usize) {
        text.why("Until the inner server is asked again, a page is answered from here, and a");
        text.why("purge is not seen. What is not a page, nothing here keeps.");
        text.line(format_args!("proxy_cache {name}_micro"));
        text.line(format_args!("proxy_cache_key \"{number} $memcached_key\""));
        text.line("proxy_cache_min_uses 2");
        text.line("proxy_ignore_headers Cache-Control Expires Set-Cookie Vary");
        text.why("As nginx has it where the http block does not say otherwise.");
        text.line("proxy_cache_valid 200 1s");
        text.line("proxy_cache_methods GET HEAD");
        text.line("proxy_cache_convert_head on");
        text.line("proxy_cache_use_stale off");
        text.line("proxy_cache_background_update off");
        text.line("proxy_cache_lock off");
    }
}
