//! What nginx tells of its hits, which the application does not see.
//!
//! nginx sends a datagram for each hit, or for one of many, to a unix socket that
//! the application reads. Datagrams are lost where nobody reads them, and cost
//! nginx nothing then. Of several processes that share a socket one reads it, and
//! the others ask that one; where it ends, another one takes over.

mod line;
mod post;
mod report;
mod tally;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;

pub use self::report::{FeedReport, ask};

pub(crate) use self::line::{MOST, WORD};

use self::line::Hit;
use self::post::Post;
use self::tally::Tally;
use crate::observe;
use crate::sync::{Mutex, lock};

/// Where nginx looks whether anybody reads: beside the socket.
pub(crate) const LIVE: &str = ".live";

/// A process that builds a page cache only to write nginx's file ends before.
const START: Duration = Duration::from_millis(300);

/// How often a process that does not read looks whether it has to.
const LOOK: Duration = Duration::from_secs(1);

/// How many targets a process that does not read knows of the one that does.
const SHARED: usize = 1_000;

/// A stored page that nginx was asked for, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hot {
    /// The request target, path and query, less what nginx ignores in it.
    pub target: String,
    /// Hits in the last five to ten minutes: at least so many were told.
    pub hits: u64,
}

/// The feed of one page cache; it ends with this value.
pub(crate) struct Feed(Arc<Shared>);

struct Shared {
    path: String,
    /// Of responses that are hits.
    statuses: Vec<StatusCode>,
    gone: AtomicBool,
    tally: Mutex<Tally>,
    /// While another process reads: what it says.
    other: Mutex<Option<FeedReport>>,
    post: Mutex<Option<Arc<Post>>>,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Feed").field(&self.0.path).finish()
    }
}

impl Feed {
    /// Reads `path` in a thread of its own, from a moment later on.
    pub(crate) fn start(path: &str, statuses: &[StatusCode]) -> Feed {
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            statuses: statuses.to_vec(),
            gone: AtomicBool::new(false),
            tally: Mutex::new(Tally::new(Instant::now())),
            other: Mutex::default(),
            post: Mutex::default(),
        });
        let reader = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("djanginxed-hits".to_owned())
            .spawn(move || reader.run());
        if let Err(error) = thread {
            observe::no_feed(path, &error);
        }
        Feed(shared)
    }

    /// What nginx told, to this process or to the one that reads.
    pub(crate) fn report(&self, count: usize) -> FeedReport {
        if let Some(report) = &*lock(&self.0.other) {
            let mut report = report.clone();
            report.hottest.truncate(count);
            return report;
        }
        lock(&self.0.tally).report(count, Instant::now())
    }

    /// The targets with the most hits, those first.
    pub(crate) fn hottest(&self, count: usize) -> Vec<Hot> {
        if let Some(report) = &*lock(&self.0.other) {
            return report.hottest.iter().take(count).cloned().collect();
        }
        lock(&self.0.tally).hottest(count, Instant::now())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.0.gone.store(true, Ordering::SeqCst);
        // Here and not in the thread, which may not get to it before the process ends.
        if let Some(post) = lock(&self.0.post).take() {
            post.close();
        }
    }
}

impl Shared {
    fn run(&self) {
        self.wait(START);
        let mut told = String::new();
        while !self.is_gone() {
            match self.turn() {
                Ok(()) => told.clear(),
                Err(error) => {
                    let error = error.to_string();
                    if told != error {
                        observe::no_feed(&self.path, &error);
                        told = error;
                    }
                }
            }
            self.wait(LOOK);
        }
    }

    /// Reads for as long as the socket is this process's, or else asks who reads.
    fn turn(&self) -> io::Result<()> {
        let Some(post) = Post::open(&self.path)? else {
            // Between two readers nobody answers.
            let report = ask(&self.path, SHARED, LOOK).ok();
            *lock(&self.other) = report;
            return Ok(());
        };
        let post = Arc::new(post);
        *lock(&self.other) = None;
        *lock(&self.post) = Some(Arc::clone(&post));
        if self.is_gone() {
            post.close();
            return Ok(());
        }
        observe::feed_read(&self.path);
        let read = post.read(|datagram| self.take(datagram));
        post.close();
        *lock(&self.post) = None;
        read
    }

    /// What there is to answer to a datagram; none once it is over.
    fn take(&self, datagram: Option<&[u8]>) -> post::Next {
        if self.is_gone() {
            return post::Next::End;
        }
        let Some(datagram) = datagram else {
            return post::Next::Go;
        };
        if let Some((token, count)) = report::question(datagram) {
            let tally = lock(&self.tally);
            return post::Next::Answer(tally.report(count, Instant::now()).write(token));
        }
        match line::read(datagram).filter(|hit| self.is_hit(hit)) {
            Some(hit) => {
                lock(&self.tally).add(&hit, Instant::now());
                observe::nginx_hit(hit.stands_for, hit.bytes);
            }
            None => {
                lock(&self.tally).refuse();
                observe::hit_refused();
            }
        }
        post::Next::Go
    }

    /// nginx itself answers some requests of a page's location, such as one that
    /// the visitor gives up (499).
    fn is_hit(&self, hit: &Hit<'_>) -> bool {
        /// Of a part of a stored page, and of one that the visitor has.
        const OF_A_PAGE: [u16; 3] = [200, 206, 304];
        let mut statuses = self.statuses.iter().map(StatusCode::as_u16);
        OF_A_PAGE.contains(&hit.status) || statuses.any(|status| status == hit.status)
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    fn wait(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.is_gone() && Instant::now() < end {
            thread::sleep(Duration::from_millis(50));
        }
    }
}
