//! One who asks, and looks at what he gets.

use std::thread;
use std::time::{Duration, Instant};

use testkit::http::{Request, Response};

use super::cases::{Case, fields};
use crate::contest::Outcome;
use crate::page_set::Page;
use crate::peers::Peer;

/// What is asked for, and how its answer is checked.
pub(super) struct Visit {
    pub(super) target: String,
    pub(super) fields: [(&'static str, String); 2],
    filled: fn(&str) -> bool,
}

impl Visit {
    pub(super) fn of(case: &Case, page: &Page) -> Outcome<Visit> {
        Ok(Visit {
            target: format!("/{}/{}", page.name, case.rest),
            fields: fields(case)?,
            filled: case.filled,
        })
    }

    pub(super) fn answer(&self, nginx: &Peer) -> Outcome<Response> {
        let request = Request::get(&self.target).header("Accept-Encoding", "gzip");
        let request = (self.fields.iter()).fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        let failed = |error| format!("GET {}: {error}", self.target);
        request.try_send(nginx.port).map_err(failed)
    }

    /// Waits until the page is a hit: on a busy machine nginx may have left Memcached
    /// alone.
    pub(super) fn settle(&self, nginx: &Peer, page: &Page) -> Outcome {
        let end = Instant::now() + Duration::from_secs(15);
        loop {
            match self.check(nginx, page) {
                Err(_) if Instant::now() < end => thread::sleep(Duration::from_millis(200)),
                checked => return checked,
            }
        }
    }

    pub(super) fn check(&self, nginx: &Peer, page: &Page) -> Outcome {
        let answer = self.answer(nginx)?;
        let said = answer.header("cache-status");
        if answer.status != 200 || said != Some("nginx; hit") {
            return Err(format!("no hit of nginx: {} {said:?}", answer.status));
        }
        let (head, foot) = page.html.split_at(page.html.rfind("</main>").unwrap_or(0));
        let text = str::from_utf8(&answer.body).unwrap_or_default();
        let parts = text
            .strip_prefix(head)
            .and_then(|text| text.strip_suffix(foot));
        match parts {
            Some(parts) if (self.filled)(parts) => Ok(()),
            Some(parts) => Err(format!("its parts are filled with {parts:?}")),
            None => Err("the body is not the page".to_owned()),
        }
    }
}
