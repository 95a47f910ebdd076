//! Visitors of one key: one leads, the others wait, and anyone may leave.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::sync::atomic::AtomicUsize;
use loom::thread;

use crate::runtime::coalesce::{Flights, Lead, Turn, Wait};
use crate::sync::{Arc, Ordering};

checks![
    of_any_two_visitors_each_has_a_turn_and_nothing_is_left_behind,
    all_follow_one_leader_at_a_time_who_shares,
    all_render_alone_when_the_leader_releases_them,
    one_takes_over_from_each_leader_who_vanishes,
    whoever_takes_over_shares_with_the_rest,
    a_waiter_who_leaves_at_any_moment_takes_nobodys_turn,
    a_waiter_who_leaves_unpolled_takes_nobodys_turn,
    whoever_comes_after_the_page_was_asked_for_is_not_left_asleep,
    the_last_waiter_leaves_nothing_behind,
    one_who_gives_up_takes_nobodys_turn,
    nobody_who_comes_after_a_detach_gets_a_page_from_before,
    a_detach_at_any_moment_takes_nobodys_turn,
    nobody_who_comes_after_a_delete_elsewhere_gets_a_page_from_before,
    nobody_who_comes_after_a_purge_gets_a_page_from_before,
    nobody_who_comes_after_a_purge_elsewhere_gets_what_was_found_before,
];

const KEY: u8 = 0;

/// How a leader ends.
#[derive(Clone, Copy)]
enum End {
    Share,
    /// With those alone who came before the page was asked for.
    ShareFound,
    Release,
    Vanish,
}

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visit {
    Led,
    Followed,
    Alone,
    Left,
}

struct Site {
    flights: Flights<u8, usize>,
    /// How many lead the flight at this moment.
    leading: AtomicUsize,
}

impl Site {
    fn new() -> Arc<Site> {
        Arc::new(Site {
            flights: Flights::new(),
            leading: AtomicUsize::new(0),
        })
    }

    /// Visits in a thread of its own.
    fn spawn<T: 'static>(
        self: &Arc<Self>,
        visit: impl FnOnce(&Site) -> T + 'static,
    ) -> thread::JoinHandle<T> {
        let site = Arc::clone(self);
        thread::spawn(move || visit(&site))
    }

    fn visit(&self, end: End) -> Visit {
        match self.flights.join(KEY) {
            Ok(lead) => self.lead(lead, end),
            Err(wait) => self.wait(wait, end),
        }
    }

    fn lead(&self, lead: Lead<u8, usize>, end: End) -> Visit {
        let others = self.leading.fetch_add(1, Ordering::SeqCst);
        assert_eq!(others, 0, "two lead at a time");
        self.leading.fetch_sub(1, Ordering::SeqCst);
        match end {
            End::Share => lead.share(1),
            End::ShareFound => {
                let asked = lead.asked();
                lead.share_with(asked.joined(), 1);
            }
            End::Release => lead.release(),
            End::Vanish => drop(lead),
        }
        Visit::Led
    }

    fn wait(&self, wait: Wait<u8, usize>, end: End) -> Visit {
        self.turn(block_on(wait), end)
    }

    fn turn(&self, turn: Turn<u8, usize>, end: End) -> Visit {
        match turn {
            Turn::Lead(lead) => self.lead(lead, end),
            Turn::Follow(_) => Visit::Followed,
            Turn::Alone => Visit::Alone,
        }
    }

    /// Waits for `polls` polls at the most, and then does `leave`.
    fn visit_briefly(&self, polls: usize, end: End, leave: fn(Wait<u8, usize>)) -> Visit {
        let mut wait = match self.flights.join(KEY) {
            Ok(lead) => return self.lead(lead, end),
            Err(wait) => wait,
        };
        for _ in 0..polls {
            if let Some(turn) = polled(&mut wait) {
                return self.turn(turn, end);
            }
        }
        leave(wait);
        Visit::Left
    }

    /// Whoever comes when all is over leads: no flight is left on the list.
    fn assert_empty(&self) {
        assert!(self.flights.join(KEY).is_ok(), "a flight is left behind");
    }
}

fn polled(wait: &mut Wait<u8, usize>) -> Option<Turn<u8, usize>> {
    match Pin::new(wait).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(turn) => Some(turn),
        Poll::Pending => None,
    }
}

/// Tries the interleavings of more than two threads in which a thread is
/// interrupted where it need not wait three times at the most: there are too
/// many others to try in a test. `LOOM_MAX_PREEMPTIONS` overrides it.
fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(3));
    builder.check(run);
}

/// Tries every interleaving of two visits of any kinds.
fn of_any_two_visitors_each_has_a_turn_and_nothing_is_left_behind() {
    const STAYING: [fn(&Site) -> Visit; 4] = [
        |site| site.visit(End::Share),
        |site| site.visit(End::ShareFound),
        |site| site.visit(End::Release),
        |site| site.visit(End::Vanish),
    ];
    const LEAVING: [fn(&Site) -> Visit; 4] = [
        |site| site.visit_briefly(0, End::Vanish, drop),
        |site| site.visit_briefly(2, End::Share, drop),
        |site| site.visit_briefly(0, End::Share, Wait::give_up),
        |site| site.visit_briefly(1, End::Vanish, Wait::give_up),
    ];
    for one in STAYING {
        for other in STAYING.into_iter().chain(LEAVING) {
            loom::model(move || {
                let site = Site::new();
                let other = site.spawn(other);
                assert!(one(&site) != Visit::Left);
                other.join().unwrap();
                site.assert_empty();
            });
        }
    }
}

/// Tries three visits at a time; `check` judges what each of them came to.
fn try_three(visits: [fn(&Site) -> Visit; 3], check: impl Fn([Visit; 3]) + Send + Sync + 'static) {
    model(move || {
        let site = Site::new();
        let [first, second, third] = visits;
        let second = site.spawn(second);
        let third = site.spawn(third);
        let first = first(&site);
        check([first, second.join().unwrap(), third.join().unwrap()]);
        site.assert_empty();
    });
}

fn all_follow_one_leader_at_a_time_who_shares() {
    try_three([|site| site.visit(End::Share); 3], |visits| {
        assert!(visits.contains(&Visit::Led));
        let is_served = |visit: &Visit| matches!(visit, Visit::Led | Visit::Followed);
        assert!(visits.iter().all(is_served), "{visits:?}");
    });
}

fn all_render_alone_when_the_leader_releases_them() {
    try_three([|site| site.visit(End::Release); 3], |visits| {
        assert!(visits.contains(&Visit::Led));
        let is_free = |visit: &Visit| matches!(visit, Visit::Led | Visit::Alone);
        assert!(visits.iter().all(is_free), "{visits:?}");
    });
}

fn one_takes_over_from_each_leader_who_vanishes() {
    try_three([|site| site.visit(End::Vanish); 3], |visits| {
        assert_eq!(visits, [Visit::Led; 3]);
    });
}

fn whoever_takes_over_shares_with_the_rest() {
    let vanish: fn(&Site) -> Visit = |site| site.visit(End::Vanish);
    let share: fn(&Site) -> Visit = |site| site.visit(End::Share);
    try_three([vanish, share, share], |visits| {
        let is_served = |visit: &Visit| matches!(visit, Visit::Led | Visit::Followed);
        assert!(visits.iter().all(is_served), "{visits:?}");
        assert!(visits[1..].contains(&Visit::Led));
    });
}

/// One leads and vanishes, one leaves in its own way, one stays.
fn try_leaving(leaving: fn(&Site) -> Visit) {
    let vanish: fn(&Site) -> Visit = |site| site.visit(End::Vanish);
    let stay: fn(&Site) -> Visit = |site| site.visit(End::Share);
    try_three([vanish, leaving, stay], |visits| {
        let is_served = |visit: &Visit| matches!(visit, Visit::Led | Visit::Followed);
        assert!(is_served(&visits[0]) && is_served(&visits[2]), "{visits:?}");
    });
}

fn a_waiter_who_leaves_at_any_moment_takes_nobodys_turn() {
    try_leaving(|site| site.visit_briefly(1, End::Vanish, drop));
}

fn a_waiter_who_leaves_unpolled_takes_nobodys_turn() {
    try_leaving(|site| site.visit_briefly(0, End::Vanish, drop));
}

/// No more than one is woken to take over, who may be the one that leaves.
fn whoever_comes_after_the_page_was_asked_for_is_not_left_asleep() {
    const FIND: fn(&Site) -> Visit = |site| site.visit(End::ShareFound);
    const LEAVE: fn(&Site) -> Visit = |site| site.visit_briefly(1, End::ShareFound, drop);
    for second in [FIND, LEAVE] {
        try_three([FIND, second, FIND], |visits| {
            let is_served = |visit: &Visit| matches!(visit, Visit::Led | Visit::Followed);
            assert!(is_served(&visits[0]) && is_served(&visits[2]), "{visits:?}");
        });
    }
}

fn the_last_waiter_leaves_nothing_behind() {
    let leave: fn(&Site) -> Visit = |site| site.visit_briefly(1, End::Vanish, drop);
    let vanish: fn(&Site) -> Visit = |site| site.visit(End::Vanish);
    try_three([vanish, leave, leave], |visits| {
        assert_eq!(visits[0], Visit::Led);
    });
}

fn one_who_gives_up_takes_nobodys_turn() {
    model(|| {
        let site = Site::new();
        let lead = site.flights.join(KEY);
        let wait = site.flights.join(KEY);
        let (Ok(lead), Err(wait)) = (lead, wait) else {
            panic!("the first leads and the second waits");
        };
        let impatient = site.spawn(|site| site.visit_briefly(1, End::Vanish, Wait::give_up));
        let staying = site.spawn(move |site| site.turn(block_on(wait), End::Share));
        drop(lead);
        let impatient = impatient.join().unwrap();
        assert!(impatient != Visit::Alone);
        assert!(staying.join().unwrap() != Visit::Left);
        site.assert_empty();
    });
}

/// A leader renders what it finds when it begins to lead.
fn rendered(version: &AtomicUsize, lead: Lead<u8, usize>) -> usize {
    let found = version.load(Ordering::SeqCst);
    lead.share(found);
    found
}

/// A visitor's page: what `lead` gives, or the leader.
pub(crate) fn visit(
    flights: &Flights<u8, usize>,
    lead: impl FnOnce(Lead<u8, usize>) -> usize,
) -> usize {
    match flights.join(KEY) {
        Ok(leading) => lead(leading),
        Err(wait) => match block_on(wait) {
            Turn::Lead(leading) => lead(leading),
            Turn::Follow(page) => page,
            Turn::Alone => panic!("nobody releases"),
        },
    }
}

fn page(site: &Site, version: &AtomicUsize) -> usize {
    visit(&site.flights, |lead| rendered(version, lead))
}

fn nobody_who_comes_after_a_detach_gets_a_page_from_before() {
    model(|| {
        let site = Site::new();
        let version = Arc::new(AtomicUsize::new(1));
        let spawn = || {
            let version = Arc::clone(&version);
            site.spawn(move |site| page(site, &version))
        };
        let (one, other) = (spawn(), spawn());
        version.store(2, Ordering::SeqCst);
        site.flights.detach(&KEY);
        assert_eq!(page(&site, &version), 2);
        for visit in [one, other] {
            visit.join().unwrap();
        }
        site.assert_empty();
    });
}

fn a_detach_at_any_moment_takes_nobodys_turn() {
    loom::model(|| {
        let site = Site::new();
        let Ok(lead) = site.flights.join(KEY) else {
            panic!("the first leads");
        };
        let Err(wait) = site.flights.join(KEY) else {
            panic!("the second waits");
        };
        let staying = site.spawn(move |site| site.turn(block_on(wait), End::Share));
        let deleting = site.spawn(|site| site.flights.detach(&KEY));
        drop(lead);
        assert_eq!(staying.join().unwrap(), Visit::Led);
        deleting.join().unwrap();
        site.assert_empty();
    });
}

/// A leader who shares nothing from before a delete that it hears of only when it
/// looks.
fn rendered_and_checked(version: &AtomicUsize, lead: Lead<u8, usize>) -> usize {
    let found = version.load(Ordering::SeqCst);
    if lead.close() && version.load(Ordering::SeqCst) != found {
        drop(lead);
    } else {
        lead.share(found);
    }
    found
}

fn checked_page(site: &Site, version: &AtomicUsize) -> usize {
    match site.flights.join(KEY) {
        Ok(lead) => {
            assert!(!lead.was_closed());
            rendered_and_checked(version, lead)
        }
        Err(wait) => match block_on(wait) {
            Turn::Lead(lead) => {
                // Nobody here vanishes before it has rendered: what the store has
                // may be older than the delete.
                assert!(lead.was_closed());
                rendered_and_checked(version, lead)
            }
            Turn::Follow(page) => page,
            Turn::Alone => panic!("nobody releases"),
        },
    }
}

fn nobody_who_comes_after_a_delete_elsewhere_gets_a_page_from_before() {
    model(|| {
        let site = Site::new();
        let version = Arc::new(AtomicUsize::new(1));
        let spawn = || {
            let version = Arc::clone(&version);
            site.spawn(move |site| checked_page(site, &version))
        };
        let (one, other) = (spawn(), spawn());
        version.store(2, Ordering::SeqCst);
        assert_eq!(checked_page(&site, &version), 2);
        for visit in [one, other] {
            visit.join().unwrap();
        }
        site.assert_empty();
    });
}

/// A leader who shares nothing from before a purge that it is told of when nobody else
/// can join.
fn rendered_unless_purged(version: &AtomicUsize, lead: Lead<u8, usize>) -> usize {
    let joined = lead.joined();
    let found = version.load(Ordering::SeqCst);
    lead.share_unless(found, joined, || version.load(Ordering::SeqCst) != found);
    found
}

fn page_unless_purged(site: &Site, version: &AtomicUsize) -> usize {
    match site.flights.join(KEY) {
        Ok(lead) => rendered_unless_purged(version, lead),
        Err(wait) => match block_on(wait) {
            Turn::Lead(lead) => {
                assert!(lead.was_closed());
                rendered_unless_purged(version, lead)
            }
            Turn::Follow(page) => page,
            Turn::Alone => panic!("nobody releases"),
        },
    }
}

fn nobody_who_comes_after_a_purge_gets_a_page_from_before() {
    model(|| {
        let site = Site::new();
        let version = Arc::new(AtomicUsize::new(1));
        let spawn = || {
            let version = Arc::clone(&version);
            site.spawn(move |site| page_unless_purged(site, &version))
        };
        let (one, other) = (spawn(), spawn());
        version.store(2, Ordering::SeqCst);
        assert_eq!(page_unless_purged(&site, &version), 2);
        for visit in [one, other] {
            visit.join().unwrap();
        }
        site.assert_empty();
    });
}

/// A leader looks up what is there, which nobody tells it has changed since.
fn looked_up(store: &AtomicUsize, lead: Lead<u8, usize>) -> usize {
    let asked = lead.asked();
    asked.now();
    let found = store.load(Ordering::SeqCst);
    lead.share_with(asked.joined(), found);
    found
}

fn found_page(site: &Site, store: &AtomicUsize) -> usize {
    visit(&site.flights, |lead| looked_up(store, lead))
}

fn nobody_who_comes_after_a_purge_elsewhere_gets_what_was_found_before() {
    model(|| {
        let site = Site::new();
        let store = Arc::new(AtomicUsize::new(1));
        let spawn = || {
            let store = Arc::clone(&store);
            site.spawn(move |site| found_page(site, &store))
        };
        let (one, other) = (spawn(), spawn());
        store.store(2, Ordering::SeqCst);
        assert_eq!(found_page(&site, &store), 2);
        for visit in [one, other] {
            visit.join().unwrap();
        }
        site.assert_empty();
    });
}
