//! Clients that look at answers; wrk only counts them.

use std::io;

use bench::seen::text;
use testkit::http::{Connection, Request, Response};

use crate::app::App;
use crate::contest::Outcome;
use crate::page_set::Page;

/// What the answer to every request of a contender must be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Expect {
    /// The bytes on the wire are gzip.
    pub(crate) gzip: bool,
    /// A header, and words of its value.
    pub(crate) header: Option<(&'static str, &'static str)>,
}

impl Expect {
    /// Asks for each of `pages` and checks status, every byte and the header.
    pub(crate) fn check(&self, port: u16, pages: &[Page]) -> Outcome {
        (pages.iter()).try_for_each(|page| self.check_one(port, &page.target(), page))
    }

    /// The same of one page, wherever it is.
    pub(crate) fn check_one(&self, port: u16, target: &str, page: &Page) -> Outcome {
        let answer = ask(port, target)?;
        let wrong = |what: &str| Err(format!("GET {target}: {what}"));
        if answer.status != 200 {
            return wrong(&format!("status {}", answer.status));
        }
        let gzip = answer.header("content-encoding") == Some("gzip");
        if gzip != self.gzip {
            return wrong(if gzip { "gzip came" } else { "no gzip came" });
        }
        if text(&answer) != page.html {
            return wrong("the body is not the page");
        }
        self.header.map_or(Ok(()), |header| has(&answer, header))
    }
}

/// Whether a header has the words of `value`.
pub(crate) fn has(answer: &Response, (name, value): (&str, &str)) -> Outcome {
    match answer.header(name) {
        Some(said) if said.contains(value) => Ok(()),
        said => Err(format!("{name} is {said:?}, not {value:?}")),
    }
}

/// A field of a request.
pub(crate) type Field = (&'static str, String);

/// GET, as wrk sends it.
pub(crate) fn ask(port: u16, target: &str) -> Outcome<Response> {
    ask_with(port, target, &[])
}

/// The same, with more fields.
pub(crate) fn ask_with(port: u16, target: &str, fields: &[Field]) -> Outcome<Response> {
    let request = Request::get(target).header("Accept-Encoding", "gzip");
    let request = (fields.iter()).fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    let answer = request.try_send(port);
    answer.map_err(|error| format!("GET {target}: {error}"))
}

/// Lets the application store a page under each of `count` targets: `prefix` and the numbers
/// from 1.
pub(crate) fn fill(app: &App, prefix: &str, count: u64) -> Outcome {
    /// The writer's queue is bounded.
    const AT_ONCE: u64 = 500;
    let failed = |error: io::Error| format!("filling the cache: {error}");
    let mut connection = Connection::open(app.port).map_err(failed)?;
    for number in 1..=count {
        let target = format!("{prefix}{number}");
        connection.send(&Request::get(target)).map_err(failed)?;
        let answer = connection.receive().map_err(failed)?;
        if answer.status != 200 {
            return Err(format!("filling the cache: status {}", answer.status));
        }
        if number % AT_ONCE == 0 || number == count {
            app.flush();
        }
    }
    Ok(())
}
