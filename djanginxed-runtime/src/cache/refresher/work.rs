//! The thread that looks after pages.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout_at};

use super::caller::{Caller, Verdict};
use super::{Next, Order, Orders, Replace, Shared, list, next};
use crate::cache::claim::Claim;
use crate::cache::{PageCache, WeakCache};
use crate::observe;
use crate::store::client::Client;
use crate::sync::{Arc, lock};

/// So many pages are looked at with one write to a server.
const BATCH: usize = 256;

/// The pause between two such writes.
const PAUSE: Duration = Duration::from_millis(20);

/// No more pages than these wait for their render.
const MAX_WAITING: usize = BATCH;

/// When a page is looked at again of which its server says nothing, whose render has
/// failed, or which another process is rendering.
const AGAIN: Duration = Duration::from_secs(2);

/// The first pause after a render that failed, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

pub(super) struct Work {
    pub(super) shared: Arc<Shared>,
    pub(super) pages: WeakCache,
    pub(super) clients: Vec<Client>,
    caller: Caller,
    /// Renders that failed, one after the other.
    failures: Cell<u32>,
}

/// Works until the cache is gone.
pub(super) fn run(
    shared: &Arc<Shared>,
    pages: &WeakCache,
    mut replaces: mpsc::UnboundedReceiver<Replace>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return observe::no_refresher(&error),
    };
    LocalSet::new().block_on(&runtime, async {
        let Some(clients) = pages.upgrade().map(|pages| pages.clients()) else {
            return;
        };
        let work = Rc::new(Work {
            shared: Arc::clone(shared),
            pages: pages.clone(),
            clients,
            caller: Caller::new(&shared.care.base),
            failures: Cell::new(0),
        });
        for _ in 0..shared.care.at_once {
            spawn_local(Rc::clone(&work).render_all(|shared| &shared.quick));
        }
        spawn_local(Rc::clone(&work).render_all(|shared| &shared.slow));
        let replacing = Rc::clone(&work);
        spawn_local(async move {
            while let Some(replace) = replaces.recv().await {
                spawn_local(Rc::clone(&replacing).replace(replace));
            }
        });
        work.look_after().await;
    });
}

impl Work {
    async fn look_after(&self) {
        while !self.shared.is_over() {
            let now = Instant::now();
            let next = lock(&self.shared.list).next_due();
            match next {
                Some(due) if due <= now => {
                    if self.shared.quick.usual() < MAX_WAITING {
                        self.look(now).await;
                    }
                    sleep(PAUSE).await;
                }
                Some(due) => {
                    let _ = timeout_at(due.into(), self.shared.changed.notified()).await;
                }
                None => self.shared.changed.notified().await,
            }
        }
    }

    /// Looks at pages whose time has come.
    async fn look(&self, now: Instant) {
        let Some(pages) = self.pages.upgrade() else {
            return;
        };
        let mut taken = lock(&self.shared.list).take_due(now, BATCH);
        pages.sort_by_heat(&mut taken, |(_, page)| &page.wanted.target);
        let keys: Vec<_> = taken.iter().map(|(key, _)| *key).collect();
        let looks = pages.looks(&self.clients, &keys).await;
        for ((key, page), look) in taken.into_iter().zip(looks) {
            let order = Order {
                key,
                wanted: page.wanted,
                life: page.life,
                is_slow: page.is_slow,
                urgency: None,
            };
            match next(&look, page.life) {
                Next::Render => {
                    lock(&self.shared.list).note_read(&key);
                    // So many slow pages take their time one after the other.
                    match page.is_slow && self.shared.slow.usual() >= MAX_WAITING {
                        true => self.leave(&order, Next::Unknown),
                        false => self.shared.order(order),
                    }
                }
                other => self.leave(&order, other),
            }
        }
    }

    /// A page that is not to be rendered now.
    fn leave(&self, order: &Order, next: Next) {
        observe::looked_after(next.word());
        let again = list::again(order.life).map(|after| Instant::now() + after);
        self.shared.change(|list| match (next, again) {
            (Next::Unread, Some(again)) => list.put_back_unread(order.key, again),
            (Next::Gone | Next::Unread, _) => list.remove_taken(&order.key),
            (Next::Renewed(early), _) => list.put_back(order.key, Instant::now() + early),
            (Next::Unknown | Next::Render, _) => {
                list.put_back(order.key, Instant::now() + AGAIN);
            }
        });
    }

    async fn render_all(self: Rc<Self>, orders: fn(&Shared) -> &Orders) {
        let orders = orders(&self.shared);
        loop {
            match orders.next() {
                None => orders.came.notified().await,
                Some(order) => match order.urgency {
                    Some(_) => self.render_in_time(order).await,
                    None => self.render(order).await,
                },
            }
        }
    }

    /// Renders a page for which somebody waits.
    async fn render_in_time(&self, order: Order) {
        let Order {
            key,
            wanted,
            urgency: Some((until, done)),
            ..
        } = order
        else {
            return;
        };
        let (Some(pages), Some(ticket)) = (self.pages.upgrade(), self.shared.tickets.issue(key))
        else {
            return;
        };
        let asked = self
            .caller
            .ask(&wanted, &pages.settings().vary, ticket.word());
        let verdict = timeout_at(until.into(), asked).await;
        if let Ok(Verdict::Failed(why)) = &verdict {
            observe::refresh_failed(&wanted.target, why, true);
        }
        // Who purges may have stopped waiting.
        let _ = done.send(matches!(verdict, Ok(Verdict::Stored)));
    }

    /// Renders a page whose time has come, unless another process does.
    async fn render(&self, order: Order) {
        sleep(self.pause()).await;
        let Some(pages) = self.pages.upgrade() else {
            return;
        };
        let claim = match pages.has_other_users() {
            true => match Claim::take(&pages, order.key).await {
                Some(claim) => Some(claim),
                None => return self.leave(&order, Next::Unknown),
            },
            false => None,
        };
        // Another may have rendered it before this one had the claim.
        let look = pages.looks(&self.clients, &[order.key]).await.pop();
        match look.map(|look| next(&look, order.life)) {
            Some(Next::Render) => {}
            other => return self.leave(&order, other.unwrap_or(Next::Unknown)),
        }
        observe::looked_after(Next::Render.word());
        let begun = Instant::now();
        let verdict = self.ask(&pages, &order).await;
        match &verdict {
            Verdict::Stored => {}
            Verdict::NotStored => lock(&self.shared.list).remove_taken(&order.key),
            Verdict::Failed(why) => {
                observe::refresh_failed(&order.wanted.target, why, self.failures.get() == 0);
                let again = Instant::now() + AGAIN;
                self.shared.change(|list| list.put_back(order.key, again));
            }
        }
        if let Some(claim) = claim {
            claim.stored();
        }
        drop(pages);
        self.rest(&verdict, begun.elapsed()).await;
    }

    async fn ask(&self, pages: &PageCache, order: &Order) -> Verdict {
        let Some(ticket) = self.shared.tickets.issue(order.key) else {
            return Verdict::Failed("the system has no randomness".to_owned());
        };
        let rules = &pages.settings().vary;
        self.caller.ask(&order.wanted, rules, ticket.word()).await
    }

    /// A slow or failing application is not pressed.
    async fn rest(&self, verdict: &Verdict, took: Duration) {
        self.failures.set(match verdict {
            Verdict::Failed(_) => self.failures.get().saturating_add(1),
            _ => 0,
        });
        if took > list::SLOW {
            sleep(took).await;
        }
    }

    fn pause(&self) -> Duration {
        match self.failures.get() {
            0 => Duration::ZERO,
            failures => (PAUSES.0 * 2_u32.saturating_pow(failures.min(16) - 1)).min(PAUSES.1),
        }
    }
}
