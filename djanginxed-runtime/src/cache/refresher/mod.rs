//! Pages that nginx serves never come by the application, so it looks after them: those
//! that were read are rendered anew when their time ends, or when they are purged, by a
//! request of the application to itself.

mod caller;
mod list;
mod note;
mod replacing;
mod tickets;
mod wanted;
mod work;

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, oneshot};

pub(crate) use self::list::lead;

use self::list::List;
use self::tickets::Tickets;
pub(crate) use self::wanted::Wanted;
use crate::cache::WeakCache;
use crate::key::PageKey;
use crate::life::Life;
use crate::observe;
use crate::purged::{Effort, Purged};
use crate::settings::Care;
use crate::store::client::Look;
use crate::store::error::StoreError;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, lock};
use crate::tag::TagKey;

/// A request to oneself has its ticket's word in this field.
pub(crate) const REFRESH: &str = "djanginxed-refresh";

/// What came of it stands in this field of the response.
pub(crate) const REFRESHED: &str = "djanginxed-refreshed";

/// Looks after pages in a thread of its own, which starts with the first of them.
#[derive(Debug)]
pub(crate) struct Refresher {
    shared: Arc<Shared>,
    /// By which the thread is told of purges; none where it could not be started.
    thread: OnceLock<Option<mpsc::UnboundedSender<Replace>>>,
}

#[derive(Debug)]
struct Shared {
    care: Care,
    list: Mutex<List>,
    /// The next page's time is another, or all is over.
    changed: Notify,
    is_over: AtomicBool,
    quick: Orders,
    /// Of pages whose renders take long: whoever waits for one does so here.
    slow: Orders,
    tickets: Tickets,
}

/// Pages to be rendered.
#[derive(Debug, Default)]
struct Orders {
    waiting: Mutex<Waiting>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Somebody waits for these.
    urgent: VecDeque<Order>,
    usual: VecDeque<Order>,
}

#[derive(Debug)]
struct Order {
    key: PageKey,
    wanted: Arc<Wanted>,
    life: Life,
    is_slow: bool,
    /// Of a purge: until when, and who is told whether the page was stored.
    urgency: Option<(Instant, oneshot::Sender<bool>)>,
}

/// What a purge replaces or deletes.
#[derive(Debug)]
struct Replace {
    what: What,
    effort: Effort,
    done: oneshot::Sender<Result<Purged, StoreError>>,
}

#[derive(Debug)]
pub(crate) enum What {
    Keys(Vec<PageKey>),
    Tags(Vec<TagKey>),
}

impl Refresher {
    pub(crate) fn new(care: Care) -> Refresher {
        Refresher {
            shared: Arc::new(Shared {
                care,
                list: Mutex::default(),
                changed: Notify::new(),
                is_over: AtomicBool::new(false),
                quick: Orders::default(),
                slow: Orders::default(),
                tickets: Tickets::default(),
            }),
            thread: OnceLock::new(),
        }
    }

    /// Whether a request with this word is one of this process for the page of `key`.
    pub(crate) fn expects(&self, word: &[u8], key: &PageKey) -> bool {
        self.shared.tickets.are_for(word, key)
    }

    /// Looks after a page that is stored, from its render's start.
    pub(crate) fn watch(
        &self,
        pages: impl FnOnce() -> WeakCache,
        key: PageKey,
        wanted: &Arc<Wanted>,
        life: Life,
        started: Instant,
    ) {
        if self.thread(pages).is_none() {
            return;
        }
        let due = started + life.fresh.saturating_sub(lead(life));
        let (has_room, count) = self.shared.change(|list| {
            let took = started.elapsed();
            let has_room = list.put(key, Arc::clone(wanted), life, due, took);
            (has_room, list.len())
        });
        observe::watched(count, has_room);
    }

    /// Takes pages away so that nobody waits: those that are read are rendered anew, the
    /// others are deleted. It goes on where the future is dropped.
    pub(crate) async fn replace(
        &self,
        pages: impl FnOnce() -> WeakCache,
        what: What,
        effort: Effort,
    ) -> Result<Purged, StoreError> {
        let (done, answer) = oneshot::channel();
        let thread = self.thread(pages).ok_or(StoreError::NoWriter)?;
        // Where nobody takes it, nobody answers.
        let _ = thread.send(Replace { what, effort, done });
        answer.await.unwrap_or(Err(StoreError::NoWriter))
    }

    fn thread(&self, pages: impl FnOnce() -> WeakCache) -> Option<&mpsc::UnboundedSender<Replace>> {
        let start = || {
            let (shared, pages) = (Arc::clone(&self.shared), pages());
            let (sender, replaces) = mpsc::unbounded_channel();
            let spawned = thread::Builder::new()
                .name("djanginxed-refresher".into())
                .spawn(move || work::run(&shared, &pages, replaces));
            if let Err(error) = &spawned {
                observe::no_refresher(error);
            }
            spawned.is_ok().then_some(sender)
        };
        self.thread.get_or_init(start).as_ref()
    }
}

impl Drop for Refresher {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.shared.changed.notify_one();
    }
}

impl Shared {
    /// Changes the list; who waits for the next page's time is told where it is earlier.
    fn change<T>(&self, change: impl FnOnce(&mut List) -> T) -> T {
        let mut list = lock(&self.list);
        let before = list.next_due();
        let changed = change(&mut list);
        let is_earlier = |due| before.is_none_or(|before| due < before);
        if list.next_due().is_some_and(is_earlier) {
            self.changed.notify_one();
        }
        changed
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    fn order(&self, order: Order) {
        match order.is_slow {
            true => self.slow.add(order),
            false => self.quick.add(order),
        }
    }
}

impl Orders {
    fn add(&self, order: Order) {
        let mut waiting = lock(&self.waiting);
        match order.urgency {
            Some(_) => waiting.urgent.push_back(order),
            None => waiting.usual.push_back(order),
        }
        drop(waiting);
        self.came.notify_one();
    }

    fn next(&self) -> Option<Order> {
        let mut waiting = lock(&self.waiting);
        let urgent = waiting.urgent.pop_front();
        urgent.or_else(|| waiting.usual.pop_front())
    }

    /// How many wait that nobody waits for.
    fn usual(&self) -> usize {
        lock(&self.waiting).usual.len()
    }
}

/// What is to be done with a page whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// It is not there: leave it.
    Gone,
    /// Nobody has read it since it was stored: leave it, and look again while it is there.
    Unread,
    /// Another has stored it; look again after this time.
    Renewed(Duration),
    Render,
    /// The server does not say.
    Unknown,
}

impl Next {
    fn word(self) -> &'static str {
        match self {
            Next::Gone => "gone",
            Next::Unread => "unread",
            Next::Renewed(_) => "renewed",
            Next::Render => "read",
            Next::Unknown => "unknown",
        }
    }
}

/// Memcached counts whole seconds.
const SLACK: Duration = Duration::from_secs(2);

fn next(look: &Result<Option<Look>, StoreError>, life: Life) -> Next {
    let look = match look {
        Err(_) => return Next::Unknown,
        Ok(None) => return Next::Gone,
        Ok(Some(look)) => look,
    };
    let lead = life.stale + lead(life);
    match look.left.and_then(|left| left.checked_sub(lead)) {
        Some(early) if early >= SLACK => Next::Renewed(early),
        _ if look.was_read => Next::Render,
        _ => Next::Unread,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_rendered_anew_and_what_nobody_read_is_left() {
        let life = Life {
            fresh: Duration::from_secs(60),
            stale: Duration::from_secs(600),
            error: Duration::ZERO,
        };
        let look = |left, was_read| {
            let left = Some(Duration::from_secs(left));
            next(
                &Ok(Some(Look {
                    was_read,
                    left,
                    number: None,
                })),
                life,
            )
        };
        assert_eq!(look(600, true), Next::Render);
        assert_eq!(look(601, true), Next::Render);
        assert_eq!(look(599, false), Next::Unread);
        assert_eq!(look(660, true), Next::Renewed(life.fresh));
        assert_eq!(look(660, false), Next::Renewed(life.fresh));
        assert_eq!(next(&Ok(None), life), Next::Gone);
        assert_eq!(next(&Err(StoreError::NoWriter), life), Next::Unknown);
    }
}
