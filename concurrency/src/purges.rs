//! Purges by tag while pages are rendered, queued, stored and shared.

use std::time::Duration;

use loom::sync::atomic::AtomicUsize;
use loom::thread;

use crate::flights::visit;
use crate::key::PageKey;
use crate::runtime::coalesce::{Flights, Lead};
use crate::runtime::deletes::Deletes;
use crate::store::client::Marker;
use crate::sync::{Arc, Mutex, Ordering, lock};
use crate::tag::TagKey;

checks![
    no_render_from_before_a_purge_is_left_in_memory,
    no_render_from_before_a_delete_is_left_in_memory,
    no_render_from_before_a_purge_is_left_in_queue_or_store,
    a_purge_of_another_tag_costs_no_page,
    nobody_who_comes_after_a_purge_shares_an_older_render,
    of_two_purges_none_is_forgotten,
    what_begins_after_a_purge_elsewhere_was_seen_is_newer,
];

const KEY: PageKey = PageKey(0);
const NEWS: TagKey = TagKey(1);
const SHOP: TagKey = TagKey(2);
const BOTH: [TagKey; 2] = [NEWS, SHOP];

/// One process: what its pages show, and where they are.
struct Site {
    version: AtomicUsize,
    deletes: Deletes,
    flights: Flights<u8, usize>,
    /// Memory of the process, or the writer's queue.
    near: Mutex<Option<usize>>,
    /// A server, and the lane that alone speaks to it.
    server: Mutex<Option<usize>>,
}

impl Site {
    fn new() -> Arc<Site> {
        Arc::new(Site {
            version: AtomicUsize::new(1),
            deletes: Deletes::default(),
            flights: Flights::new(),
            near: Mutex::new(None),
            server: Mutex::new(None),
        })
    }

    fn spawn(self: &Arc<Self>, run: impl FnOnce(&Site) + 'static) -> thread::JoinHandle<()> {
        let site = Arc::clone(self);
        thread::spawn(move || run(&site))
    }

    /// Renders the page, and hands it over; whether it was taken.
    fn render(&self, tags: &[TagKey]) -> bool {
        let stamp = self.deletes.stamp();
        let version = self.version.load(Ordering::SeqCst);
        let put = || *lock(&self.near) = Some(version);
        self.deletes
            .unless_deleted(&KEY, tags, stamp, put)
            .is_some()
    }

    /// Renders the page, hands it over, and sends what is queued, packed meanwhile.
    fn render_and_send(&self) {
        let stamp = self.deletes.stamp();
        let version = self.version.load(Ordering::SeqCst);
        let put = || *lock(&self.near) = Some(version);
        self.deletes.unless_deleted(&KEY, &[NEWS], stamp, put);
        let queued = *lock(&self.near);
        let Some(queued) = queued.filter(|queued| *queued == version) else {
            return;
        };
        let mut server = lock(&self.server);
        let is_kept = self.deletes.unless_deleted(&KEY, &[NEWS], stamp, || ());
        if is_kept.is_some() {
            *server = Some(queued);
        }
        drop(server);
        let mut near = lock(&self.near);
        if *near == Some(version) {
            *near = None;
        }
    }

    /// Changes what pages show, and purges them.
    fn purge(&self) {
        self.version.store(2, Ordering::SeqCst);
        self.deletes.purge(&[NEWS], || *lock(&self.near) = None);
        *lock(&self.server) = None;
        self.deletes.purge(&[NEWS], || ());
    }

    fn assert_new(&self) {
        for place in [&self.near, &self.server] {
            let page = *lock(place);
            assert!(page != Some(1), "an old page is left");
        }
    }
}

/// As few interruptions as in the models of flights: there are too many others.
fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(3));
    builder.check(run);
}

fn no_render_from_before_a_purge_is_left_in_memory() {
    model(|| {
        let site = Site::new();
        let renders = [(), ()].map(|()| {
            site.spawn(|site| {
                site.render(&BOTH);
            })
        });
        site.purge();
        site.assert_new();
        for render in renders {
            render.join().unwrap();
        }
        site.assert_new();
    });
}

fn no_render_from_before_a_delete_is_left_in_memory() {
    model(|| {
        let site = Site::new();
        let renders = [(), ()].map(|()| {
            site.spawn(|site| {
                site.render(&[]);
            })
        });
        site.version.store(2, Ordering::SeqCst);
        site.deletes.delete(&KEY, || *lock(&site.near) = None);
        site.assert_new();
        for render in renders {
            render.join().unwrap();
        }
        site.assert_new();
    });
}

fn no_render_from_before_a_purge_is_left_in_queue_or_store() {
    model(|| {
        let site = Site::new();
        let render = site.spawn(Site::render_and_send);
        site.purge();
        site.assert_new();
        render.join().unwrap();
        site.assert_new();
    });
}

fn a_purge_of_another_tag_costs_no_page() {
    model(|| {
        let site = Site::new();
        let purging = site.spawn(|site| site.deletes.purge(&[SHOP], || ()));
        assert!(site.render(&[NEWS]));
        purging.join().unwrap();
        assert_eq!(*lock(&site.near), Some(1));
    });
}

/// A leader who tells nobody of a page that was purged since it began to render.
fn rendered(site: &Site, lead: Lead<u8, usize>) -> usize {
    let joined = lead.joined();
    let stamp = site.deletes.stamp();
    let version = site.version.load(Ordering::SeqCst);
    lead.share_unless(version, joined, || site.deletes.is_purged(&[NEWS], stamp));
    version
}

fn page(site: &Site) -> usize {
    visit(&site.flights, |lead| rendered(site, lead))
}

fn nobody_who_comes_after_a_purge_shares_an_older_render() {
    model(|| {
        let site = Site::new();
        let visits = [(), ()].map(|()| {
            site.spawn(|site| {
                page(site);
            })
        });
        site.version.store(2, Ordering::SeqCst);
        site.deletes.purge(&[NEWS], || ());
        assert_eq!(page(&site), 2);
        for visit in visits {
            visit.join().unwrap();
        }
    });
}

fn of_two_purges_none_is_forgotten() {
    model(|| {
        let site = Site::new();
        let stamp = site.deletes.stamp();
        let purging = site.spawn(|site| site.deletes.purge(&[SHOP], || ()));
        site.deletes.purge(&[NEWS], || ());
        assert!(site.deletes.is_purged(&[NEWS], stamp));
        purging.join().unwrap();
        for tag in BOTH {
            assert!(site.deletes.is_purged(&[tag], stamp));
            let now = site.deletes.stamp();
            assert!(!site.deletes.is_purged(&[tag], now));
        }
    });
}

fn what_begins_after_a_purge_elsewhere_was_seen_is_newer() {
    let marker = Marker { number: Some(7) };
    let is_purged = move |site: &Site, stamp| {
        let deletes = &site.deletes;
        deletes.is_purged_elsewhere(0, NEWS, marker, stamp, Duration::from_secs(1))
    };
    model(move || {
        let site = Site::new();
        let before = site.deletes.stamp();
        let looking = site.spawn(move |site| assert!(is_purged(site, before)));
        assert!(is_purged(&site, before));
        let after = site.deletes.stamp();
        assert!(!is_purged(&site, after));
        looking.join().unwrap();
        assert!(!is_purged(&site, after));
        assert!(is_purged(&site, before));
    });
}
