//! One who takes part: a server, and how its answers are checked.

use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use crate::app::App;
use crate::client::{Expect, ask};
use crate::contest::Outcome;
use crate::page_set::Page;
use crate::peers::Peer;

/// A server, and what its answers must look like.
pub(super) struct Candidate {
    pub(super) peer: Peer,
    /// `None`: not the pages, but the word "ok".
    pub(super) expect: Option<Expect>,
    pub(super) app: Rc<App>,
}

impl Candidate {
    /// Lets every page come into whatever cache there is.
    pub(super) fn prime(&self, pages: &[Page]) -> Outcome {
        for page in pages {
            // The first answer may be an error page with the right body.
            ask(self.peer.port, &page.target())?;
        }
        self.app.flush();
        Ok(())
    }

    /// Waits until every answer is as it should be. On a busy machine a lookup
    /// may take too long, and nginx then leaves Memcached alone for ten seconds.
    pub(super) fn settle(&self, pages: &[Page]) -> Outcome {
        let end = Instant::now() + Duration::from_secs(15);
        loop {
            match self.check(pages) {
                Err(_) if Instant::now() < end => thread::sleep(Duration::from_millis(500)),
                checked => return checked,
            }
        }
    }

    pub(super) fn check(&self, pages: &[Page]) -> Outcome {
        match &self.expect {
            Some(expect) => expect.check(self.peer.port, pages),
            None => match ask(self.peer.port, "/")? {
                answer if answer.status == 200 && answer.body == b"ok" => Ok(()),
                answer => Err(format!("not 200 and ok: {answer:?}")),
            },
        }
    }
}
