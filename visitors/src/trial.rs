//! Visitors of the shop, each of whose answers is compared with what the shop without any
//! cache answers the same visitor.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use parking_lot::{Mutex, RwLock};
use testkit::eventually_within;
use testkit::http::Response;

use crate::prices::Prices;
use crate::seen::{Row, Seen};
use crate::stand::{Owner, Stand};
use crate::visit::{Groups, Kind, Random, Visit};

/// How long a page may be seen that another process has purged, at the most: it is
/// deleted again at once, which a busy machine makes longer.
const MOMENT: Duration = Duration::from_secs(5);

/// How long a fault lasts.
const FAULT: Duration = Duration::from_secs(2);

/// What can go wrong.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Memcached is killed, and started again, empty.
    Restarted,
    /// Memcached hangs (SIGSTOP), and goes on.
    Hung,
    /// The last process of the application is killed, and started again.
    Killed,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 3] = [Fault::Restarted, Fault::Hung, Fault::Killed];
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Counts {
    /// Requests, edits among them.
    pub requests: AtomicU64,
    /// Those that nginx answered alone.
    pub hits: AtomicU64,
    /// Changes, each of which purges.
    pub edits: AtomicU64,
    /// Answers that could be compared whole: no change was under way.
    pub exact: AtomicU64,
    /// Requests that failed in a fault, which a visitor then made again.
    pub broken: AtomicU64,
    /// Older pages that were gone when they were asked for again, which several processes
    /// may show for a moment (docs/deletes.md).
    pub moments: AtomicU64,
    /// Faults that were made.
    pub faults: AtomicU64,
}

/// A shop, its visitors, and what they may see.
pub struct Trial {
    /// The shop.
    pub stand: RwLock<Stand>,
    /// What was seen.
    pub counts: Counts,
    /// What each visitor leaves between two visits.
    pub pause: Duration,
    /// What was wrong.
    pub wrong: Mutex<Vec<String>>,
    groups: Groups,
    nginx: u16,
    plain: u16,
    owner: Owner,
    prices: Prices,
    /// What was changed in a fault, and may not be purged yet.
    changed: Mutex<Vec<(usize, u32)>>,
    /// Whether there is a fault. Changes hold it while they are made.
    in_fault: RwLock<bool>,
    /// Odd while there is a fault.
    faults: AtomicU64,
    is_over: AtomicBool,
}

impl Trial {
    /// Visitors of a shop that runs.
    #[must_use]
    pub fn new(stand: Stand) -> Trial {
        Trial {
            groups: Groups::of(&stand.pages),
            nginx: stand.nginx.port(),
            plain: stand.plain.port,
            owner: stand.owner.clone(),
            prices: Prices::of(stand.setup().products),
            changed: Mutex::default(),
            stand: RwLock::new(stand),
            counts: Counts::default(),
            pause: Duration::ZERO,
            wrong: Mutex::default(),
            in_fault: RwLock::new(false),
            faults: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// Makes visits until it is over, or something was wrong.
    pub fn visit(&self, mut random: Random) {
        while !self.is_over.load(SeqCst) {
            let visit = Visit::any(&mut random, &self.groups);
            let outcome = match visit.kind {
                Kind::Edit => self.edit(visit.product),
                _ => self.read(&visit),
            };
            if let Err(problem) = outcome {
                self.wrong(format!("{problem:#}"));
            }
            thread::sleep(self.pause);
        }
    }

    /// Notes what was wrong, and ends the visits.
    pub fn wrong(&self, problem: String) {
        self.wrong.lock().push(problem);
        self.end();
    }

    /// Lets the visitors go.
    pub fn end(&self) {
        self.is_over.store(true, SeqCst);
    }

    /// Whether they may go.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over.load(SeqCst)
    }

    fn edit(&self, product: usize) -> Result<()> {
        let in_fault = self.in_fault.read();
        self.counts.requests.fetch_add(1, SeqCst);
        self.prices.change(product, |cents| {
            match self.owner.reprice(product, cents).try_send(self.nginx) {
                Ok(answer) if Owner::is_taken(&answer) => {
                    self.counts.edits.fetch_add(1, SeqCst);
                    if *in_fault {
                        self.changed.lock().push((product, cents));
                    } else {
                        self.prices.raise(product, cents);
                    }
                    Ok(())
                }
                _ if *in_fault => {
                    self.counts.broken.fetch_add(1, SeqCst);
                    Ok(())
                }
                failed => bail!("product {product} for {cents}: {failed:?}"),
            }
        })
    }

    fn read(&self, visit: &Visit) -> Result<()> {
        let Some(mut problem) = self.look(visit)? else {
            return Ok(());
        };
        let end = Instant::now() + MOMENT;
        while Instant::now() < end {
            match self.look(visit)? {
                Some(again) => problem = again,
                None => {
                    self.counts.moments.fetch_add(1, SeqCst);
                    eprintln!("for a moment: {problem}");
                    return Ok(());
                }
            }
        }
        bail!(problem)
    }

    /// Makes a visit; an older price than may be is `Some`, and anything else that is wrong
    /// an error.
    fn look(&self, visit: &Visit) -> Result<Option<String>> {
        let least = self.prices.least();
        let before = self.faults.load(SeqCst);
        let answer = visit.request().try_send(self.nginx);
        let is_calm = || before.is_multiple_of(2) && before == self.faults.load(SeqCst);
        self.counts.requests.fetch_add(1, SeqCst);
        let answer = match answer {
            Ok(answer) if !matches!(answer.status, 502 | 504) => answer,
            _ if !is_calm() => {
                self.counts.broken.fetch_add(1, SeqCst);
                return Ok(None);
            }
            failed => bail!("{visit:?}: {failed:?}"),
        };
        let plain = visit.request().try_send(self.plain);
        let plain = plain.with_context(|| format!("{visit:?}, uncached"))?;
        let is_hit = answer.header("cache-status") == Some("nginx; hit");
        self.counts.hits.fetch_add(is_hit.into(), SeqCst);
        let (seen, expected) = (Seen::of(&answer), Seen::of(&plain));
        if seen == expected {
            self.counts.exact.fetch_add(1, SeqCst);
        } else if seen.without_numbers() != expected.without_numbers() {
            // Nobody could be asked for the badge.
            let is_badge = visit.kind == Kind::Category && !seen.text.contains("<p>");
            if is_badge && !is_calm() {
                self.counts.broken.fetch_add(1, SeqCst);
                return Ok(None);
            }
            bail!(different(visit, &answer, &plain));
        }
        let (rows, newest) = (seen.rows(), expected.rows());
        if let Some(row) = least.older(&rows) {
            let status = answer.header("cache-status").unwrap_or("no Cache-Status");
            return Ok(Some(format!("{visit:?}: {row:?} is too old ({status})")));
        }
        // Where the prices are the same, so must all be; and a price of tomorrow is none.
        let are_alike = |(row, new): (&Row, &Row)| row.id == new.id && row.cents <= new.cents;
        let is_between = rows.len() == newest.len() && rows.iter().zip(&newest).all(are_alike);
        match seen == expected || (is_between && rows != newest) {
            true => Ok(None),
            false => bail!(different(visit, &answer, &plain)),
        }
    }

    /// Makes a fault, mends it, and waits until all that was changed meanwhile is purged:
    /// by the processes themselves, or by hand where one was killed that was to do it.
    ///
    /// # Errors
    /// When what was stopped does not start again.
    pub fn suffer(&self, fault: Fault) -> Result<()> {
        // Waits for the changes that are being made.
        *self.in_fault.write() = true;
        self.faults.fetch_add(1, SeqCst);
        self.counts.faults.fetch_add(1, SeqCst);
        {
            let mut stand = self.stand.write();
            match fault {
                Fault::Restarted => stand.memcached.kill(),
                Fault::Hung => stand.memcached.pause(),
                Fault::Killed => stand.apps.last_mut().context("no application")?.kill(),
            }
        }
        thread::sleep(FAULT);
        {
            let mut stand = self.stand.write();
            match fault {
                Fault::Restarted => stand.memcached.restart_empty()?,
                Fault::Hung => stand.memcached.resume(),
                Fault::Killed => {
                    let last = stand.apps.len() - 1;
                    stand.start_again(last)?;
                }
            }
        }
        let mut in_fault = self.in_fault.write();
        let patience = Duration::from_secs(60);
        eventually_within(patience, "all is purged", || {
            let stand = self.stand.read();
            match fault {
                Fault::Killed => stand.purge().is_some(),
                Fault::Restarted | Fault::Hung => stand.pending_purges() == Some(0),
            }
        });
        for (product, cents) in self.changed.lock().drain(..) {
            self.prices.raise(product, cents);
        }
        self.faults.fetch_add(1, SeqCst);
        *in_fault = false;
        Ok(())
    }
}

fn different(visit: &Visit, answer: &Response, plain: &Response) -> String {
    let head = |answer: &Response| {
        let text = String::from_utf8_lossy(&answer.body);
        let line = text.lines().next().unwrap_or_default();
        let line: String = line.chars().take(500).collect();
        let length = text.len();
        format!(
            "{} {:?} {length} bytes: {line}",
            answer.status, answer.headers
        )
    };
    format!(
        "{visit:?}\n  answered {}\n  uncached {}",
        head(answer),
        head(plain)
    )
}
