//! Random visitors, edits, deletes, purges and faults on two applications that share a
//! Memcached, against a model of which version of a page each may show.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use actix_web::http::header::SET_COOKIE;
use actix_web::rt::time::sleep;
use djanginxed::{PageCache, Purge, Purged, StoreError};
use proptest::collection::vec;
use proptest::prelude::*;
use testkit::http::{Request, Response};
use testkit::{Fault, FaultProxy, Memcached, free_port};

use crate::app::{Site, at, body, html, run_of, wait};
use crate::outages::until_stored;

const PAGES: usize = 4;

/// This page sets a cookie, so nobody may ever get another's.
const PERSONAL: usize = 3;

/// Pauses between probes grow with an outage, and the test waits for one.
const LONGEST_OUTAGE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
enum Step {
    /// A visitor, whose answer is awaited.
    Visit {
        site: usize,
        page: usize,
    },
    /// A visitor who is still waiting while the next steps are taken.
    Begin {
        site: usize,
        page: usize,
    },
    /// The page's content changes.
    Edit {
        page: usize,
    },
    /// One application deletes the page.
    Delete {
        site: usize,
        page: usize,
    },
    /// One application purges the page: those that are read are rendered anew, whichever
    /// has stored them. The other may purge everything meanwhile.
    Purge {
        site: usize,
        page: usize,
        everything: bool,
        both: bool,
    },
    /// One application's way to Memcached breaks.
    Break {
        site: usize,
        fault: Fault,
    },
    /// Memcached hangs.
    Hang,
    Mend,
    /// Everything comes to rest.
    Settle,
    /// Memcached forgets everything, while nothing is under way.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let (site, page) = (0..2_usize, 0..PAGES);
    let fault = prop_oneof![
        Just(Fault::Refuse),
        Just(Fault::Hang),
        Just(Fault::Garbage),
        Just(Fault::Cut),
        Just(Fault::Reset),
        Just(Fault::Delay(Duration::from_millis(300))),
    ];
    let both = (site.clone(), page.clone());
    prop_oneof![
        40 => both.clone().prop_map(|(site, page)| Step::Visit { site, page }),
        25 => both.clone().prop_map(|(site, page)| Step::Begin { site, page }),
        20 => page.prop_map(|page| Step::Edit { page }),
        15 => both.clone().prop_map(|(site, page)| Step::Delete { site, page }),
        15 => (both, any::<bool>(), any::<bool>()).prop_map(|((site, page), everything, both)| {
            Step::Purge {
                site,
                page,
                everything,
                both,
            }
        }),
        4 => (site, fault).prop_map(|(site, fault)| Step::Break { site, fault }),
        1 => Just(Step::Hang),
        4 => Just(Step::Mend),
        6 => Just(Step::Settle),
        1 => Just(Step::Restart),
    ]
}

/// One of the two applications, with its own way to Memcached.
struct Side {
    site: Site,
    pages: PageCache,
    proxy: FaultProxy,
}

/// A visitor who has not been answered yet.
struct Waiting {
    page: usize,
    oldest: usize,
    answer: JoinHandle<Response>,
}

struct World {
    memcached: Memcached,
    sides: [Side; 2],
    versions: Arc<[AtomicUsize; PAGES]>,
    /// The version of each page's last successful delete.
    deleted: [usize; PAGES],
    /// The oldest version of each page that a visitor who comes now may get.
    floors: [usize; PAGES],
    waiting: Vec<Waiting>,
    cookies: HashSet<String>,
    hangs: bool,
    broken_since: Option<Instant>,
    /// Whether something was broken since everything came to rest.
    was_broken: bool,
}

fn target(page: usize) -> String {
    format!("/model/{page}")
}

impl Side {
    fn start(memcached: &Memcached, versions: &Arc<[AtomicUsize; PAGES]>) -> Side {
        let proxy = FaultProxy::start(memcached.port()).unwrap();
        let own = free_port();
        let pages = at(&proxy.address())
            .refresh_through(format!("http://127.0.0.1:{own}"))
            .render_lock(true)
            .build()
            .unwrap();
        let versions = Arc::clone(versions);
        let (port, cookies) = (proxy.port(), Arc::new(AtomicUsize::new(0)));
        let site = Site::start_at(own, &pages, move |visit| {
            let page = visit.target.strip_prefix("/model/");
            let page = page.and_then(|page| page.parse::<usize>().ok());
            let version = page.map_or(0, |page| versions[page].load(Ordering::SeqCst));
            let cookie = cookies.fetch_add(1, Ordering::SeqCst);
            async move {
                let pause = [0, 20, 60][visit.number % 3];
                sleep(Duration::from_millis(pause)).await;
                let mut response = html(body(&visit.target, version, 2_000));
                if page == Some(PERSONAL) {
                    let cookie = format!("visitor={port}.{cookie}").parse().unwrap();
                    response.headers_mut().insert(SET_COOKIE, cookie);
                }
                response
            }
        });
        Side { site, pages, proxy }
    }

    /// A page, or everything.
    fn purge(&self, page: Option<usize>) -> Result<Purged, StoreError> {
        wait(self.pages.purge(match page {
            Some(page) => Purge::page(target(page)),
            None => Purge::everything(),
        }))
    }
}

impl World {
    fn new() -> World {
        let memcached = Memcached::start().unwrap();
        let versions = Arc::default();
        World {
            sides: [(), ()].map(|()| Side::start(&memcached, &versions)),
            memcached,
            versions,
            deleted: [0; PAGES],
            floors: [0; PAGES],
            waiting: Vec::new(),
            cookies: HashSet::new(),
            hangs: false,
            broken_since: None,
            was_broken: false,
        }
    }

    fn version(&self, page: usize) -> usize {
        self.versions[page].load(Ordering::SeqCst)
    }

    /// The oldest version that a visitor may get who asks now.
    fn oldest(&self, page: usize) -> usize {
        match page {
            PERSONAL => self.version(page),
            _ => self.floors[page],
        }
    }

    fn check(&mut self, response: &Response, page: usize, allowed: &RangeInclusive<usize>) {
        let version = run_of(response, &target(page));
        assert!(
            allowed.contains(&version),
            "page {page} is {version}, not {allowed:?}"
        );
        let cookie = response.header("set-cookie").map(str::to_owned);
        assert_eq!(cookie.is_some(), page == PERSONAL);
        if let Some(cookie) = cookie {
            assert!(self.cookies.insert(cookie), "two visitors got one cookie");
        }
    }

    fn take(&mut self, step: Step) {
        if self
            .broken_since
            .is_some_and(|since| since.elapsed() > LONGEST_OUTAGE)
        {
            self.mend();
        }
        match step {
            Step::Visit { site, page } => self.visit(site, page),
            Step::Begin { site, page } => self.begin(site, page),
            Step::Edit { page } => {
                self.versions[page].fetch_add(1, Ordering::SeqCst);
            }
            Step::Delete { site, page } => self.delete(site, page),
            Step::Purge {
                site,
                page,
                everything,
                both,
            } => {
                let page = (!everything).then_some(page);
                match both {
                    true => self.purge_twice(site, page),
                    false => self.purge(site, page),
                }
            }
            Step::Break { site, fault } => {
                self.breaks();
                self.sides[site].proxy.set(fault);
            }
            Step::Hang => {
                self.breaks();
                self.hangs = true;
                self.memcached.pause();
            }
            Step::Mend => self.mend(),
            Step::Settle => self.settle(),
            Step::Restart => {
                self.settle();
                self.memcached.restart_empty().unwrap();
                self.was_broken = true;
            }
        }
    }

    fn visit(&mut self, site: usize, page: usize) {
        let oldest = self.oldest(page);
        let asked = Instant::now();
        let response = self.sides[site].site.get(&target(page));
        let took = asked.elapsed();
        // A fault may leave the lock of a page behind, which lives for two seconds.
        assert!(took < Duration::from_secs(4), "page {page} took {took:?}");
        self.check(&response, page, &(oldest..=self.version(page)));
    }

    fn begin(&mut self, site: usize, page: usize) {
        let (port, oldest) = (self.sides[site].site.port, self.oldest(page));
        let request = Request::get(target(page));
        let answer = thread::spawn(move || request.send(port));
        self.waiting.push(Waiting {
            page,
            oldest,
            answer,
        });
    }

    /// A delete that succeeded holds at once, in both applications: but for what one of
    /// them had on its way over a line that was broken.
    fn delete(&mut self, site: usize, page: usize) {
        let version = self.version(page);
        let side = &self.sides[site];
        let deleted = wait(side.pages.delete(&side.pages.key(&target(page))));
        if deleted.is_err() {
            assert!(self.was_broken, "{deleted:?}");
            return;
        }
        self.is_gone(page, version);
    }

    /// What is purged holds like what is deleted, whether it was replaced or not.
    fn purge(&mut self, site: usize, page: Option<usize>) {
        let versions = self.all_versions();
        let purged = self.sides[site].purge(page);
        self.is_purged(page, versions, &purged);
    }

    /// The same while the other application purges everything.
    fn purge_twice(&mut self, site: usize, page: Option<usize>) {
        let versions = self.all_versions();
        let (one, other) = (&self.sides[site], &self.sides[1 - site]);
        let purged = thread::scope(|scope| {
            let everything = scope.spawn(|| other.purge(None));
            [(page, one.purge(page)), (None, everything.join().unwrap())]
        });
        for (page, purged) in &purged {
            self.is_purged(*page, versions, purged);
        }
    }

    fn all_versions(&self) -> [usize; PAGES] {
        std::array::from_fn(|page| self.version(page))
    }

    fn is_purged(
        &mut self,
        page: Option<usize>,
        versions: [usize; PAGES],
        purged: &Result<Purged, StoreError>,
    ) {
        if !purged.as_ref().is_ok_and(Purged::is_complete) {
            assert!(self.was_broken, "{purged:?}");
            return;
        }
        for (other, version) in versions.into_iter().enumerate() {
            if page.is_none_or(|page| other == page) {
                self.is_gone(other, version);
            }
        }
    }

    fn is_gone(&mut self, page: usize, version: usize) {
        self.deleted[page] = version;
        if !self.was_broken {
            self.floors[page] = version;
        }
    }

    fn breaks(&mut self) {
        self.was_broken = true;
        self.broken_since.get_or_insert_with(Instant::now);
    }

    fn mend(&mut self) {
        self.broken_since = None;
        if std::mem::take(&mut self.hangs) {
            self.memcached.resume();
        }
        for side in &self.sides {
            side.proxy.set(Fault::None);
        }
    }

    /// Waits for every visitor and every store, and for the writers to settle
    /// what they were not sure of.
    fn settle(&mut self) {
        self.mend();
        for visitor in std::mem::take(&mut self.waiting) {
            let response = visitor.answer.join().expect("a whole response");
            let newest = self.version(visitor.page);
            self.check(&response, visitor.page, &(visitor.oldest..=newest));
        }
        for side in &self.sides {
            if self.was_broken {
                until_stored(&side.site, "settle");
            }
            wait(side.pages.flush());
        }
        if std::mem::take(&mut self.was_broken) {
            thread::sleep(Duration::from_millis(2000));
        }
        self.floors = self.deleted;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").map_or(5, |cases| cases.parse().unwrap()),
        max_shrink_iters: 10,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_visitor_gets_a_version_that_the_model_allows(steps in vec(step(), 20..50)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.settle();
        // With everything at rest, a delete is seen by everybody.
        for page in 0..PAGES {
            world.versions[page].fetch_add(1, Ordering::SeqCst);
            world.delete(0, page);
            for site in [0, 1] {
                world.visit(site, page);
            }
        }
    }
}
