//! Any history of one key's visitors, one step at a time, against a model. The
//! crate `concurrency` tries what may happen within a step.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use proptest::prelude::*;

use super::*;

const KEY: u8 = 0;

type Visitors = Flights<u8, usize>;

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn poll(wait: &mut Wait<u8, usize>, waker: &Waker) -> Option<Turn<u8, usize>> {
    match pin!(wait).poll(&mut Context::from_waker(waker)) {
        Poll::Ready(turn) => Some(turn),
        Poll::Pending => None,
    }
}

fn joined(flights: &Visitors) -> (Lead<u8, usize>, Wait<u8, usize>) {
    let Ok(lead) = flights.join(KEY) else {
        panic!("the first does not lead");
    };
    let Err(wait) = flights.join(KEY) else {
        panic!("the second does not wait");
    };
    (lead, wait)
}

#[test]
fn the_first_leads_and_the_others_follow() {
    let flights = Visitors::new();
    let (lead, mut first) = joined(&flights);
    let Err(mut second) = flights.join(KEY) else {
        panic!("the third does not wait");
    };
    assert!(poll(&mut first, Waker::noop()).is_none());
    lead.share(7);
    for wait in [&mut first, &mut second] {
        assert!(matches!(poll(wait, Waker::noop()), Some(Turn::Follow(7))));
    }
    assert!(flights.is_empty());
}

#[test]
fn whoever_takes_over_knows_whether_the_flight_was_closed() {
    let flights = Visitors::new();
    let (lead, mut wait) = joined(&flights);
    assert!(!lead.was_closed());
    let Err(mut other) = flights.join(KEY) else {
        panic!("the third does not wait");
    };
    drop(lead);
    let Some(Turn::Lead(second)) = poll(&mut wait, Waker::noop()) else {
        panic!("nobody takes over");
    };
    assert!(!second.was_closed());
    assert!(second.close(), "one still waits");
    assert!(flights.is_empty(), "nobody else joins");
    drop(second);
    let Some(Turn::Lead(third)) = poll(&mut other, Waker::noop()) else {
        panic!("nobody takes over");
    };
    assert!(third.was_closed());
    assert!(!third.close(), "nobody waits");
}

#[test]
fn keys_do_not_wait_for_each_other() {
    let flights = Visitors::new();
    let leads: Vec<_> = (0..=255).map(|key| flights.join(key)).collect();
    assert!(leads.iter().all(Result::is_ok));
    drop(leads);
    assert!(flights.is_empty());
}

/// A render of their own would have been no newer.
#[test]
fn those_who_came_before_the_render_began_get_a_page_that_was_purged_meanwhile() {
    let flights = Visitors::new();
    let (lead, mut early) = joined(&flights);
    let begun = lead.joined();
    let Err(mut late) = flights.join(KEY) else {
        panic!("the third does not wait");
    };
    lead.share_unless(7, begun, || true);
    let Some(Turn::Lead(next)) = poll(&mut late, Waker::noop()) else {
        panic!("nobody takes over");
    };
    assert!(next.was_closed());
    assert!(matches!(
        poll(&mut early, Waker::noop()),
        Some(Turn::Follow(7))
    ));
    next.share(8);
    drop((early, late));
    assert!(flights.is_empty());
}

#[test]
fn a_detached_flight_still_serves_those_who_waited_and_nobody_else() {
    let flights = Visitors::new();
    let (older, mut before) = joined(&flights);
    flights.detach(&KEY);
    let (newer, mut after) = joined(&flights);
    older.share(1);
    assert!(matches!(
        poll(&mut before, Waker::noop()),
        Some(Turn::Follow(1))
    ));
    assert!(poll(&mut after, Waker::noop()).is_none());
    assert!(
        flights.join(KEY).is_err(),
        "the newer flight is still listed"
    );
    newer.share(2);
    assert!(matches!(
        poll(&mut after, Waker::noop()),
        Some(Turn::Follow(2))
    ));
    assert!(flights.is_empty());
}

#[test]
fn after_one_gave_up_others_do_not_join_but_those_who_wait_still_follow() {
    let flights = Visitors::new();
    let (lead, impatient) = joined(&flights);
    let Err(mut patient) = flights.join(KEY) else {
        panic!("the third does not wait");
    };
    impatient.give_up();
    assert!(flights.is_empty());
    lead.share(3);
    assert!(matches!(
        poll(&mut patient, Waker::noop()),
        Some(Turn::Follow(3))
    ));
}

#[derive(Clone, Debug)]
enum Step {
    Join,
    Poll(usize),
    Leave(usize),
    GiveUp(usize),
    Share(usize),
    Release(usize),
    Vanish(usize),
    Detach,
}

fn step() -> impl Strategy<Value = Step> {
    let any = any::<usize>;
    prop_oneof![
        4 => Just(Step::Join),
        4 => any().prop_map(Step::Poll),
        2 => any().prop_map(Step::Leave),
        1 => any().prop_map(Step::GiveUp),
        1 => any().prop_map(Step::Share),
        1 => any().prop_map(Step::Release),
        2 => any().prop_map(Step::Vanish),
        1 => Just(Step::Detach),
    ]
}

struct Waiting {
    wait: Wait<u8, usize>,
    flight: usize,
    woken: std::sync::Arc<Flag>,
    polled: bool,
}

/// What is known of a flight from outside.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Known {
    Led,
    Vacant,
    Shared,
    Released,
}

#[derive(Default)]
struct Model {
    flights: Vec<Known>,
    /// Which flight can be joined.
    listed: Option<usize>,
    waiting: Vec<Waiting>,
    leading: Vec<(usize, Lead<u8, usize>)>,
}

fn take<T>(list: &mut Vec<T>, at: usize) -> Option<T> {
    (!list.is_empty()).then(|| list.swap_remove(at % list.len()))
}

impl Model {
    fn run(&mut self, flights: &Visitors, step: Step) {
        match step {
            Step::Join => self.join(flights),
            Step::Poll(at) => {
                if let Some(waiting) = take(&mut self.waiting, at) {
                    self.poll(waiting);
                }
            }
            Step::Leave(at) => drop(take(&mut self.waiting, at).map(|left| left.wait)),
            Step::GiveUp(at) => {
                if let Some(waiting) = take(&mut self.waiting, at) {
                    self.unlist(waiting.flight);
                    waiting.wait.give_up();
                }
            }
            Step::Share(at) => self.land(at, Known::Shared, |lead, page| lead.share(page)),
            Step::Release(at) => self.land(at, Known::Released, |lead, _| lead.release()),
            Step::Vanish(at) => {
                if let Some((flight, lead)) = take(&mut self.leading, at) {
                    drop(lead);
                    self.flights[flight] = Known::Vacant;
                }
            }
            Step::Detach => {
                flights.detach(&KEY);
                self.listed = None;
            }
        }
        let is_over = |flight| {
            self.flights[flight] == Known::Vacant
                && self.waiting.iter().all(|waiting| waiting.flight != flight)
        };
        self.listed = self.listed.filter(|&flight| !is_over(flight));
        assert_eq!(flights.is_empty(), self.listed.is_none());
        self.check_wakes();
    }

    fn unlist(&mut self, flight: usize) {
        self.listed = self.listed.filter(|&listed| listed != flight);
    }

    fn join(&mut self, flights: &Visitors) {
        match (flights.join(KEY), self.listed) {
            (Ok(lead), None) => {
                self.listed = Some(self.flights.len());
                self.leading.push((self.flights.len(), lead));
                self.flights.push(Known::Led);
            }
            (Err(wait), Some(flight)) => self.waiting.push(Waiting {
                wait,
                flight,
                woken: Default::default(),
                polled: false,
            }),
            (Ok(_), Some(_)) => panic!("two lead one flight"),
            (Err(_), None) => panic!("waits for nobody"),
        }
    }

    fn land(&mut self, at: usize, known: Known, act: fn(Lead<u8, usize>, usize)) {
        if let Some((flight, lead)) = take(&mut self.leading, at) {
            act(lead, flight);
            self.flights[flight] = known;
            self.unlist(flight);
        }
    }

    fn poll(&mut self, mut waiting: Waiting) {
        let flight = waiting.flight;
        waiting.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(std::sync::Arc::clone(&waiting.woken));
        match (poll(&mut waiting.wait, &waker), self.flights[flight]) {
            (None, Known::Led) => {
                waiting.polled = true;
                self.waiting.push(waiting);
            }
            (Some(Turn::Lead(lead)), Known::Vacant) => {
                self.flights[flight] = Known::Led;
                self.leading.push((flight, lead));
            }
            (Some(Turn::Follow(page)), Known::Shared) => assert_eq!(page, flight),
            (Some(Turn::Alone), Known::Released) => {}
            (_, known) => panic!("a wrong turn where the flight is {known:?}"),
        }
    }

    /// Nobody sleeps who has a turn.
    fn check_wakes(&self) {
        for waiting in self.waiting.iter().filter(|waiting| waiting.polled) {
            if self.flights[waiting.flight] != Known::Led {
                assert!(waiting.woken.0.load(Ordering::SeqCst));
            }
        }
    }

    /// Everyone polls or ends what they lead until nobody is left.
    fn finish(mut self, flights: &Visitors) {
        while !(self.waiting.is_empty() && self.leading.is_empty()) {
            while !self.leading.is_empty() {
                self.run(flights, Step::Vanish(0));
            }
            self.run(flights, Step::Poll(0));
        }
        assert!(flights.is_empty());
    }
}

proptest! {
    #[test]
    fn everyone_has_a_turn_and_nothing_is_left_behind(steps in prop::collection::vec(step(), 0..60)) {
        let flights = Visitors::new();
        let mut model = Model::default();
        for step in steps {
            model.run(&flights, step);
        }
        model.finish(&flights);
    }
}
