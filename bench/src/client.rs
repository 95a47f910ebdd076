//! Clients that look at answers; wrk only counts them.

use anyhow::{Context, Result, ensure};
use testkit::http::{Connection, Request, Response};
use visitors::seen::text;

use crate::app::App;
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
    pub(crate) fn check(&self, port: u16, pages: &[Page]) -> Result<()> {
        (pages.iter()).try_for_each(|page| self.check_one(port, &page.target(), page))
    }

    /// The same of one page, wherever it is.
    pub(crate) fn check_one(&self, port: u16, target: &str, page: &Page) -> Result<()> {
        let answer = ask(port, target, &[])?;
        let status = answer.status;
        ensure!(status == 200, "GET {target}: status {status}");
        let gzip = answer.header("content-encoding") == Some("gzip");
        ensure!(gzip == self.gzip, "GET {target}: gzip: {gzip}");
        let is_page = text(&answer) == page.html;
        ensure!(is_page, "GET {target}: the body is not the page");
        self.header.map_or(Ok(()), |header| has(&answer, header))
    }
}

/// Whether a header has the words of `value`.
pub(crate) fn has(answer: &Response, (name, value): (&str, &str)) -> Result<()> {
    let said = answer.header(name).unwrap_or_default();
    ensure!(said.contains(value), "{name} is {said:?}, not {value:?}");
    Ok(())
}

/// A field of a request.
pub(crate) type Field = (&'static str, String);

/// GET, as wrk sends it, with more fields.
pub(crate) fn ask(port: u16, target: &str, fields: &[Field]) -> Result<Response> {
    let mut request = Request::get(target).header("Accept-Encoding", "gzip");
    for (name, value) in fields {
        request = request.header(name, value);
    }
    let answer = request.try_send(port);
    answer.with_context(|| format!("GET {target}"))
}

/// Lets the application store a page under each of `targets`.
pub(crate) fn fill(app: &App, targets: impl Iterator<Item = String>) -> Result<()> {
    /// The writer's queue is bounded.
    const AT_ONCE: usize = 500;
    let mut connection = Connection::open(app.port())?;
    for (number, target) in targets.enumerate() {
        connection.send(&Request::get(target))?;
        let status = connection.receive()?.status;
        ensure!(status == 200, "filling the cache: status {status}");
        if number % AT_ONCE == 0 {
            app.flush();
        }
    }
    app.flush();
    Ok(())
}
