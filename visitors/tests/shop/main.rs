//! The example shop against a model of what each page must show: no page is older than the
//! last purge that returned before it was asked for.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod model;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use djanginxed::Layout;
use parking_lot::{Mutex, RwLock};
use testkit::{eventually_within, http};
use visitors::seen::{Row, Seen};
use visitors::stand::{CATEGORIES, Owner, Setup, Stand};
use visitors::visit::Random;

use model::State;

const CHANGES: usize = 1000;
const VISITORS: u64 = 8;

/// There are so many products at the most.
const MOST: usize = 30;

#[test]
fn no_page_of_the_shop_is_older_than_its_last_purge() {
    Trial::run(Conditions::of(1));
}

#[test]
fn nor_where_memcached_is_killed_and_started_again() {
    Trial::run(Conditions {
        restarts: true,
        ..Conditions::of(1)
    });
}

#[test]
fn nor_in_two_processes() {
    Trial::run(Conditions::of(2));
}

#[test]
fn nor_in_two_where_memcached_is_killed_and_started_again() {
    Trial::run(Conditions {
        restarts: true,
        ..Conditions::of(2)
    });
}

#[test]
fn nor_in_two_that_replace_what_is_read() {
    Trial::run(Conditions {
        replaces: true,
        ..Conditions::of(2)
    });
}

#[test]
fn nor_where_404s_are_cached_too() {
    Trial::run(Conditions {
        layout: Layout::Response,
        ..Conditions::of(1)
    });
}

/// Under which the shop is read and changed.
#[derive(Clone, Copy, Debug, Default)]
struct Conditions {
    layout: Layout,
    processes: usize,
    /// Memcached is killed and started again now and then.
    restarts: bool,
    /// Purges render anew what is read.
    replaces: bool,
}

impl Conditions {
    fn of(processes: usize) -> Conditions {
        Conditions {
            processes,
            ..Conditions::default()
        }
    }
}

struct Trial {
    stand: RwLock<Stand>,
    /// After each change that was begun.
    history: RwLock<Vec<State>>,
    /// The first state that may still be shown.
    purged: AtomicUsize,
    is_over: AtomicBool,
    reads: AtomicUsize,
    hits: AtomicUsize,
    failures: Mutex<Vec<String>>,
    port: u16,
}

impl Trial {
    fn run(conditions: Conditions) {
        let stand = Stand::start(Setup {
            program: env!("CARGO_BIN_EXE_visitors-shop").into(),
            layout: conditions.layout,
            processes: conditions.processes,
            products: 0,
            life: 900,
            replaces: conditions.replaces,
        });
        let stand = stand.unwrap();
        let port = stand.nginx.port();
        let first = http::get(port, "/");
        let rows = Seen::of(&first).rows();
        let state = State(rows.into_iter().map(|row| (row.id, row)).collect());
        let trial = Trial {
            stand: RwLock::new(stand),
            history: RwLock::new(vec![state]),
            purged: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
            hits: AtomicUsize::new(0),
            failures: Mutex::new(Vec::new()),
            port,
        };
        thread::scope(|scope| {
            for visitor in 0..VISITORS {
                let trial = &trial;
                scope.spawn(move || trial.read(Random(visitor + 1)));
            }
            let _over = Over(&trial.is_over);
            trial.change(Random(4242), conditions.restarts);
        });
        let failures = trial.failures.into_inner();
        assert!(
            failures.is_empty(),
            "{} pages, such as {}",
            failures.len(),
            failures[0]
        );
        let (reads, hits) = (trial.reads.into_inner(), trial.hits.into_inner());
        println!("{conditions:?}: {reads} reads, {hits} hits");
        assert!(reads > 2 * CHANGES && hits > CHANGES / 2);
        if conditions.replaces {
            let replaced = trial.stand.into_inner().purge();
            assert!(replaced > Some(0), "{replaced:?}");
        }
    }

    /// Makes all changes, one after the other.
    fn change(&self, mut random: Random, restarts: bool) {
        let mut next = 1 + *self.history.read()[0].0.keys().last().unwrap();
        for number in 1..=CHANGES {
            if !self.failures.lock().is_empty() {
                return;
            }
            if restarts && number % 250 == 0 {
                self.stand.write().memcached.kill();
            }
            self.change_once(&mut random, number, &mut next);
            if !restarts || number % 250 > 10 || number < 250 {
                self.purged.store(number, Ordering::SeqCst);
            } else if number % 250 == 10 {
                self.stand.write().memcached.restart_empty().unwrap();
                let stand = self.stand.read();
                let patience = Duration::from_secs(30);
                eventually_within(patience, "all is purged", || stand.purge().is_some());
                self.purged.store(number, Ordering::SeqCst);
            }
        }
    }

    fn change_once(&self, random: &mut Random, number: usize, next: &mut i64) {
        let mut state = self.history.read().last().unwrap().clone();
        let ids: Vec<_> = state.0.keys().copied().collect();
        let id = ids[random.below(ids.len() as u64) as usize];
        let category = CATEGORIES[random.below(4) as usize];
        let (name, cents) = (format!("product-{number}"), random.below(100_000) as u32);
        let category = category.to_owned();
        let form = |row: &Row| {
            format!(
                "name={}&category={}&cents={}",
                row.name, row.category, row.cents
            )
        };
        let new = |id| Row {
            id,
            name,
            category,
            cents,
        };
        let (target, form) = match random.below(10) {
            0 if ids.len() > 3 => {
                state.0.remove(&id);
                (format!("/desk/products/{id}/remove"), String::new())
            }
            1 | 2 if ids.len() < MOST => {
                let row = new(*next);
                *next += 1;
                let sent = ("/desk/products".to_owned(), form(&row));
                state.0.insert(row.id, row);
                sent
            }
            change => {
                let known = state.0.get_mut(&id).unwrap();
                match change {
                    3 | 4 => *known = new(id),
                    _ => known.cents = cents,
                }
                (format!("/desk/products/{id}"), form(known))
            }
        };
        self.history.write().push(state);
        let stand = self.stand.read();
        let answer = stand.owner.form(&target, &form).send(self.port);
        assert!(Owner::is_taken(&answer), "{target} {form}: {answer:?}");
        if target == "/desk/products" {
            let place = format!("/desk/products/{}", *next - 1);
            assert_eq!(answer.header("location"), Some(&*place));
        }
    }

    /// Reads pages until all changes are made.
    fn read(&self, mut random: Random) {
        while !self.is_over.load(Ordering::SeqCst) {
            let target = target(&mut random);
            let problem = self.look(&target);
            self.failures.lock().extend(problem);
        }
    }

    /// Reads a page; what is wrong with it.
    fn look(&self, target: &str) -> Option<String> {
        let from = self.purged.load(Ordering::SeqCst);
        let answer = http::get(self.port, target);
        let is_hit = answer.header("cache-status") == Some("nginx; hit");
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.hits.fetch_add(is_hit.into(), Ordering::SeqCst);
        let shown = model::read(target, &answer);
        let history = self.history.read();
        let is_new = |state: &State| state.shown(target) == shown;
        if history[from..].iter().any(is_new) {
            return None;
        }
        let when = history.iter().rposition(is_new);
        let status = answer.header("cache-status");
        Some(problem(target, &shown, when, from, status))
    }
}

fn problem(
    target: &str,
    shown: &Option<Vec<Row>>,
    when: Option<usize>,
    from: usize,
    status: Option<&str>,
) -> String {
    format!("{target} ({status:?}) as after change {when:?}, and not {from} or later: {shown:?}")
}

/// Ends the visitors, also where a change fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn target(random: &mut Random) -> String {
    let id = 1 + random.below(40);
    match random.below(8) {
        0 => "/".to_owned(),
        1 => format!("/?page={}", 1 + random.below(3)),
        2 => format!("/categories/{}", CATEGORIES[random.below(4) as usize]),
        3 => "/feed.xml".to_owned(),
        4 => format!("/api/products/{id}"),
        _ => format!("/products/{id}"),
    }
}
