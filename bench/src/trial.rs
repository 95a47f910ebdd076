//! Visitors of the mixed site, each of whose answers is compared with what the site
//! without any cache answers the same visitor.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::{Duration, Instant};

use testkit::eventually_within;
use testkit::http::Response;

use crate::mixed::{ARTICLES, SIGN_IN};
use crate::seen::{Seen, said};
use crate::served::Outcome;
use crate::stand::Stand;
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

/// A site, its visitors, and what they may see.
pub struct Trial {
    /// The site.
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
    /// Of each article: no answer may show an older one.
    floors: Vec<AtomicU64>,
    /// Of each article: what was changed in a fault, and may not be purged yet.
    changed: Vec<AtomicU64>,
    /// Whether there is a fault. Changes hold it while they are made.
    in_fault: RwLock<bool>,
    /// Odd while there is a fault.
    faults: AtomicU64,
    is_over: AtomicBool,
}

impl Trial {
    /// Visitors of a site that runs.
    #[must_use]
    pub fn new(stand: Stand) -> Trial {
        let zeros = || (0..ARTICLES).map(|_| AtomicU64::new(0)).collect();
        Trial {
            groups: Groups::of(&stand.pages),
            nginx: stand.nginx.port(),
            plain: stand.plain.port,
            stand: RwLock::new(stand),
            counts: Counts::default(),
            pause: Duration::ZERO,
            wrong: Mutex::default(),
            floors: zeros(),
            changed: zeros(),
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
                Kind::Edit => self.edit(&visit),
                _ => self.read(&visit),
            };
            if let Err(problem) = outcome {
                self.wrong(problem);
            }
            thread::sleep(self.pause);
        }
    }

    /// Notes what was wrong, and ends the visits.
    pub fn wrong(&self, problem: String) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.push(problem);
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

    /// The site, to look at.
    ///
    /// # Panics
    /// Never: a poisoned lock is taken.
    pub fn stand(&self) -> RwLockReadGuard<'_, Stand> {
        self.stand.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_stand(&self) -> RwLockWriteGuard<'_, Stand> {
        self.stand.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn edit(&self, visit: &Visit) -> Outcome {
        let in_fault = self.in_fault.read().unwrap_or_else(PoisonError::into_inner);
        self.counts.requests.fetch_add(1, SeqCst);
        let answer = visit.request().try_send(self.nginx);
        let version = match &answer {
            Ok(answer) if answer.status == 200 => {
                said(answer.text(), "version").and_then(|version| version.parse().ok())
            }
            _ => None,
        };
        match version {
            Some(version) => {
                let floors = if *in_fault {
                    &self.changed
                } else {
                    &self.floors
                };
                floors[visit.article].fetch_max(version, SeqCst);
                self.counts.edits.fetch_add(1, SeqCst);
                Ok(())
            }
            None if *in_fault => {
                self.counts.broken.fetch_add(1, SeqCst);
                Ok(())
            }
            None => Err(format!("{visit:?}: {answer:?}")),
        }
    }

    fn read(&self, visit: &Visit) -> Outcome {
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
        Err(problem)
    }

    /// Makes a visit; an older page than may be is `Some`, and anything else that is wrong
    /// an error.
    fn look(&self, visit: &Visit) -> Outcome<Option<String>> {
        let oldest = self.oldest(visit);
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
            failed => return Err(format!("{visit:?}: {failed:?}")),
        };
        let plain = visit.request().try_send(self.plain);
        let plain = plain.map_err(|error| format!("{visit:?}, uncached: {error}"))?;
        let is_hit = answer.header("cache-status") == Some("nginx; hit");
        self.counts.hits.fetch_add(is_hit.into(), SeqCst);
        let ((seen, version), (expected, newest)) = (Seen::of(&answer), Seen::of(&plain));
        if seen != expected {
            // Nobody could be asked for the badge.
            let is_badge = visit.kind == Kind::Member && answer.text().contains(SIGN_IN);
            if is_badge && !is_calm() {
                self.counts.broken.fetch_add(1, SeqCst);
                return Ok(None);
            }
            return Err(different(visit, &answer, &plain));
        }
        let (version, newest) = (version.unwrap_or(oldest), newest.unwrap_or(oldest));
        if version < oldest {
            let status = answer.header("cache-status").unwrap_or("no Cache-Status");
            return Ok(Some(format!(
                "{visit:?}: version {version}, which was {oldest} before ({status})"
            )));
        }
        if version > newest {
            return Err(format!("{visit:?}: version {version} of {newest}"));
        }
        self.counts
            .exact
            .fetch_add((oldest == newest).into(), SeqCst);
        Ok(None)
    }

    fn oldest(&self, visit: &Visit) -> u64 {
        match visit.kind {
            Kind::Front | Kind::Feed => self.floors.iter().map(|one| one.load(SeqCst)).sum(),
            Kind::Article | Kind::Json | Kind::Member => self.floors[visit.article].load(SeqCst),
            Kind::Edit | Kind::Search | Kind::Old | Kind::Missing => 0,
        }
    }

    /// Makes a fault, mends it, and purges all that was changed meanwhile.
    ///
    /// # Errors
    /// When what was stopped does not start again.
    pub fn suffer(&self, fault: Fault) -> Outcome {
        *self.fault_lock() = true;
        self.faults.fetch_add(1, SeqCst);
        self.counts.faults.fetch_add(1, SeqCst);
        {
            let mut stand = self.change_stand();
            match fault {
                Fault::Restarted => stand.memcached.kill(),
                Fault::Hung => stand.memcached.pause(),
                Fault::Killed => stand.apps.last_mut().ok_or("no application")?.kill(),
            }
        }
        thread::sleep(FAULT);
        {
            let mut stand = self.change_stand();
            match fault {
                Fault::Restarted => {
                    let started = stand.memcached.restart_empty();
                    started.map_err(|error| error.to_string())?;
                }
                Fault::Hung => stand.memcached.resume(),
                Fault::Killed => {
                    let last = stand.apps.len() - 1;
                    stand.start_again(last)?;
                }
            }
        }
        let mut in_fault = self.fault_lock();
        let patience = Duration::from_secs(60);
        eventually_within(patience, "all is purged", || self.stand().purge());
        for (floor, changed) in self.floors.iter().zip(&self.changed) {
            floor.fetch_max(changed.load(SeqCst), SeqCst);
        }
        self.faults.fetch_add(1, SeqCst);
        *in_fault = false;
        Ok(())
    }

    /// Waits for the changes that are being made.
    fn fault_lock(&self) -> RwLockWriteGuard<'_, bool> {
        self.in_fault
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn different(visit: &Visit, answer: &Response, plain: &Response) -> String {
    let head = |answer: &Response| {
        let text = String::from_utf8_lossy(&answer.body);
        let line: String = text
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(500)
            .collect();
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
