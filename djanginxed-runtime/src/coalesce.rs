//! Step 4: one render per key; the others wait for it.
//!
//! Requests for one key form a *flight*. The first leads: it looks up and
//! renders. The others wait until the leader shares its page, releases them, or
//! vanishes, in which case one of them takes over. Nothing here knows a runtime
//! or a clock, so that every interleaving can be tried.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use foldhash::fast::RandomState;

use crate::sync::{Arc, AtomicU64, Mutex, Ordering, lock};

const SHARDS: usize = 32;

/// All flights of a process. There are never more than requests in progress.
pub(crate) struct Flights<K, T> {
    shards: Vec<Shard<K, T>>,
    hasher: RandomState,
}

type Shard<K, T> = Arc<Mutex<HashMap<K, Arc<Flight<T>>, RandomState>>>;

struct Flight<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    phase: Phase<T>,
    /// Who waits and is not awake, each under its own number: the first to come
    /// is the first to be woken.
    wakers: BTreeMap<u64, Waker>,
    waiting: usize,
    joined: u64,
    /// A page for the first so many to join, whatever the phase.
    found: Option<(u64, T)>,
    /// Whether a leader has taken the flight off the list, with a page at hand.
    closed: bool,
}

impl<T> State<T> {
    /// Gives a page to the first so many to join; who is woken for that, and of the others
    /// to take over.
    fn give(&mut self, joined: u64, page: T) -> Wake {
        if self.joined <= joined {
            self.phase = Phase::Shared(page);
            return Wake::All;
        }
        self.found = Some((joined, page));
        self.phase = Phase::Vacant;
        Wake::UpTo(joined)
    }
}

#[derive(Clone)]
enum Phase<T> {
    /// Someone leads.
    Led,
    /// The leader has vanished; whoever is polled first takes over.
    Vacant,
    /// The page is there for all.
    Shared(T),
    /// Everyone renders on their own.
    Released,
}

/// What a request that joined a flight is to do.
pub(crate) enum Turn<K: Hash + Eq + Copy, T> {
    /// Look up, render, and tell the others.
    Lead(Lead<K, T>),
    /// Answer with what the leader shared.
    Follow(T),
    /// Render alone: the leader's response is not for others.
    Alone,
}

impl<K: Hash + Eq + Copy, T: Clone> Flights<K, T> {
    pub(crate) fn new() -> Self {
        Flights {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            hasher: RandomState::default(),
        }
    }

    fn shard(&self, key: &K) -> &Shard<K, T> {
        &self.shards[self.hasher.hash_one(key) as usize % SHARDS]
    }

    /// Joins the flight of `key`, or begins one.
    pub(crate) fn join(&self, key: K) -> Result<Lead<K, T>, Wait<K, T>> {
        let shard = self.shard(&key);
        let mut flights = lock(shard);
        let seat = |flight: &Arc<Flight<T>>| Seat {
            shard: Arc::clone(shard),
            key,
            flight: Arc::clone(flight),
        };
        if let Some(flight) = flights.get(&key) {
            let mut state = lock(&flight.state);
            state.waiting += 1;
            state.joined += 1;
            return Err(Wait {
                seat: seat(flight),
                number: state.joined,
                seated: true,
            });
        }
        let flight = Arc::new(Flight {
            state: Mutex::new(State {
                phase: Phase::Led,
                wakers: BTreeMap::new(),
                waiting: 0,
                joined: 0,
                found: None,
                closed: false,
            }),
        });
        let lead = Lead {
            seat: seat(&flight),
            was_closed: false,
            landed: false,
        };
        flights.insert(key, flight);
        Ok(lead)
    }

    /// Lets nobody else join the flight of `key`: who asks from now on is not
    /// answered with what is being rendered.
    pub(crate) fn detach(&self, key: &K) {
        lock(self.shard(key)).remove(key);
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| lock(shard).is_empty())
    }
}

/// A flight and where it is listed.
struct Seat<K: Hash + Eq + Copy, T> {
    shard: Shard<K, T>,
    key: K,
    flight: Arc<Flight<T>>,
}

impl<K: Hash + Eq + Copy, T> Seat<K, T> {
    /// Changes the flight while nobody can join it. Takes it off the list when
    /// `change` says that it is over, and wakes everyone when it says so.
    fn change(&self, change: impl FnOnce(&mut State<T>) -> Change) {
        let mut flights = lock(&self.shard);
        let mut state = lock(&self.flight.state);
        let Change { unlist, wake } = change(&mut state);
        let wakers = wake.of(&mut state.wakers);
        drop(state);
        let is_listed = |listed: &Arc<Flight<T>>| Arc::ptr_eq(listed, &self.flight);
        if unlist && flights.get(&self.key).is_some_and(is_listed) {
            flights.remove(&self.key);
        }
        drop(flights);
        wakers.into_values().for_each(Waker::wake);
    }

    fn land(&self, phase: Phase<T>) {
        self.change(|state| {
            state.phase = phase;
            Change {
                unlist: true,
                wake: Wake::All,
            }
        });
    }
}

struct Change {
    unlist: bool,
    wake: Wake,
}

/// Who is woken, of those who are not awake.
enum Wake {
    Nobody,
    All,
    /// Whose number is not above it, and the first whose is.
    UpTo(u64),
}

impl Wake {
    fn of(self, asleep: &mut BTreeMap<u64, Waker>) -> BTreeMap<u64, Waker> {
        let last = match self {
            Wake::Nobody => return BTreeMap::new(),
            Wake::All => return std::mem::take(asleep),
            Wake::UpTo(last) => last,
        };
        let mut after = asleep.range(last + 1..).map(|(number, _)| *number);
        match after.nth(1) {
            Some(second) => {
                let others = asleep.split_off(&second);
                std::mem::replace(asleep, others)
            }
            None => std::mem::take(asleep),
        }
    }
}

/// Who had joined a flight when its page was asked for: what is found is new enough for them.
pub(crate) struct Asked<T> {
    flight: Arc<Flight<T>>,
    joined: AtomicU64,
}

impl<T> Asked<T> {
    /// The page is asked for from now on.
    pub(crate) fn now(&self) {
        let joined = lock(&self.flight.state).joined;
        self.joined.store(joined, Ordering::Release);
    }

    /// How many had joined, whether they still wait or not.
    pub(crate) fn joined(&self) -> u64 {
        self.joined.load(Ordering::Acquire)
    }
}

/// The one that looks up and renders. Dropped without a word, because the
/// visitor left or the handler panicked, it makes room for another.
pub(crate) struct Lead<K: Hash + Eq + Copy, T> {
    seat: Seat<K, T>,
    was_closed: bool,
    landed: bool,
}

impl<K: Hash + Eq + Copy, T> Lead<K, T> {
    /// Whether an earlier leader of this flight has [closed](Self::close) it and not
    /// shared its page. That page may be outdated, and be found where pages are
    /// looked up.
    pub(crate) fn was_closed(&self) -> bool {
        self.was_closed
    }

    /// How many have joined by now, whether they still wait or not.
    pub(crate) fn joined(&self) -> u64 {
        lock(&self.seat.flight.state).joined
    }

    /// Notes who has joined by now, and later by the moment when the page is asked for.
    pub(crate) fn asked(&self) -> Asked<T> {
        Asked {
            flight: Arc::clone(&self.seat.flight),
            joined: AtomicU64::new(self.joined()),
        }
    }

    /// Gives the page to the first so many who have joined. Of the others one takes over,
    /// and no more than one is woken for that.
    pub(crate) fn share_with(mut self, joined: u64, page: T) {
        self.landed = true;
        self.seat.change(|state| {
            let wake = state.give(joined, page);
            Change {
                unlist: matches!(wake, Wake::All) || state.waiting == 0,
                wake,
            }
        });
    }

    /// Takes the flight off the list, so that who comes now begins another; whether
    /// anybody waits in this one.
    pub(crate) fn close(&self) -> bool {
        let mut company = false;
        self.seat.change(|state| {
            company = state.waiting > 0;
            state.closed = true;
            Change {
                unlist: true,
                wake: Wake::Nobody,
            }
        });
        company
    }

    /// Gives everyone the page.
    pub(crate) fn share(mut self, page: T) {
        self.landed = true;
        self.seat.land(Phase::Shared(page));
    }

    /// Gives everyone the page, unless it `is_outdated` when nobody else can join: then
    /// the first so many get it, who had joined when its render began and would have had
    /// no newer one of their own; of the others one takes over, as from a leader that has
    /// [closed](Self::close).
    pub(crate) fn share_unless(mut self, page: T, joined: u64, is_outdated: impl FnOnce() -> bool) {
        self.landed = true;
        self.seat.change(|state| {
            let wake = if is_outdated() {
                state.closed = true;
                state.give(joined, page)
            } else {
                state.phase = Phase::Shared(page);
                Wake::All
            };
            Change { unlist: true, wake }
        });
    }

    /// Lets everyone render alone.
    pub(crate) fn release(mut self) {
        self.landed = true;
        self.seat.land(Phase::Released);
    }
}

impl<K: Hash + Eq + Copy, T> Drop for Lead<K, T> {
    fn drop(&mut self) {
        if self.landed {
            return;
        }
        self.seat.change(|state| {
            state.phase = Phase::Vacant;
            Change {
                unlist: state.waiting == 0,
                wake: Wake::All,
            }
        });
    }
}

/// Waits for the leader.
pub(crate) struct Wait<K: Hash + Eq + Copy, T> {
    seat: Seat<K, T>,
    number: u64,
    /// Whether it still counts among the waiting.
    seated: bool,
}

impl<K: Hash + Eq + Copy, T> Wait<K, T> {
    /// Takes the flight off the list: it takes too long to make others wait.
    pub(crate) fn give_up(self) {
        self.seat.change(|_| Change {
            unlist: true,
            wake: Wake::Nobody,
        });
    }
}

impl<K: Hash + Eq + Copy + Unpin, T: Clone> Future for Wait<K, T> {
    type Output = Turn<K, T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Turn<K, T>> {
        let this = &mut *self;
        let mut state = lock(&this.seat.flight.state);
        let found = (state.found.as_ref()).filter(|(joined, _)| this.number <= *joined);
        if let Some((_, page)) = found {
            // It counts until it is dropped, which takes a flight off the list that nobody
            // is left in.
            return Poll::Ready(Turn::Follow(page.clone()));
        }
        let turn = match &state.phase {
            Phase::Led => {
                state.wakers.insert(this.number, context.waker().clone());
                return Poll::Pending;
            }
            Phase::Shared(page) => Turn::Follow(page.clone()),
            Phase::Released => Turn::Alone,
            Phase::Vacant => {
                state.phase = Phase::Led;
                Turn::Lead(Lead {
                    seat: Seat {
                        shard: Arc::clone(&this.seat.shard),
                        key: this.seat.key,
                        flight: Arc::clone(&this.seat.flight),
                    },
                    was_closed: state.closed,
                    landed: false,
                })
            }
        };
        state.waiting -= 1;
        this.seated = false;
        Poll::Ready(turn)
    }
}

impl<K: Hash + Eq + Copy, T> Drop for Wait<K, T> {
    fn drop(&mut self) {
        if !self.seated {
            return;
        }
        let number = self.number;
        self.seat.change(|state| {
            state.waiting -= 1;
            state.wakers.remove(&number);
            // The last to leave a flight without a leader takes it off the list; until
            // then somebody takes over, whom this one may have been woken for.
            let is_vacant = matches!(state.phase, Phase::Vacant);
            let answered = state.found.as_ref().map_or(0, |(joined, _)| *joined);
            Change {
                unlist: is_vacant && state.waiting == 0,
                wake: match is_vacant && number > answered {
                    true => Wake::UpTo(answered),
                    false => Wake::Nobody,
                },
            }
        });
    }
}

#[cfg(test)]
mod tests;
