//! Random visitors of the shop of examples/shop through nginx: each is answered what the shop
//! without any cache would answer him.
//!
//! `DJANGINXED_VISITS=10000` makes as many visits instead of fewer, and `DJANGINXED_SEED`
//! makes those of another run again, as far as threads do the same twice.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::env;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, SystemTime};

use djanginxed::Layout;
use visitors::stand::{Setup, Stand};
use visitors::trial::{Fault, Trial};
use visitors::visit::{PRODUCTS, Random};

const VISITORS: u64 = 6;

/// Enough that all kinds of visits meet all kinds of pages, and few enough for every day.
const USUAL: u64 = 500;

/// Each of the faults once in so many visits, and how many hits there are after it.
const FAULTS_EVERY: u64 = 2500;
const HITS: u64 = 200;

fn number_from(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable}: a number, not {text:?}")))
}

/// Makes the visits; how many older pages were seen for a moment.
fn run(layout: Layout, processes: usize, with_faults: bool) -> u64 {
    let visits = number_from("DJANGINXED_VISITS").unwrap_or(USUAL);
    let seed = number_from("DJANGINXED_SEED").unwrap_or_else(|| {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        now.as_nanos() as u64
    });
    println!("DJANGINXED_SEED={seed} DJANGINXED_VISITS={visits}");
    let stand = Stand::start(Setup {
        program: env!("CARGO_BIN_EXE_visitors-shop").into(),
        layout,
        processes,
        products: PRODUCTS,
        life: 900,
        replaces: true,
    });
    let mut trial = Trial::new(stand.unwrap());
    if with_faults {
        // Most visits are to be between faults, which take their time.
        trial.pause = Duration::from_millis(20);
    }
    thread::scope(|scope| {
        for visitor in 0..VISITORS {
            let (trial, random) = (&trial, Random(seed.wrapping_add(visitor << 40)));
            scope.spawn(move || trial.visit(random));
        }
        let wait_for = |what: &AtomicU64, number| {
            while what.load(SeqCst) < number && !trial.is_over() {
                thread::sleep(Duration::from_millis(10));
            }
        };
        let (requests, hits) = (&trial.counts.requests, &trial.counts.hits);
        wait_for(requests, visits / 10);
        if with_faults {
            let faults = Fault::ALL.len() * visits.div_ceil(FAULTS_EVERY) as usize;
            for fault in Fault::ALL.iter().cycle().take(faults) {
                if let Err(problem) = trial.suffer(*fault) {
                    trial.wrong(problem.to_string());
                }
                // nginx leaves a server alone for some seconds.
                wait_for(hits, hits.load(SeqCst) + HITS);
            }
        }
        wait_for(requests, visits);
        trial.end();
    });
    let wrong = trial.wrong.into_inner();
    println!("{layout:?}, {processes} processes: {:?}", trial.counts);
    assert!(
        wrong.is_empty(),
        "{} differ: {}",
        wrong.len(),
        wrong.join("\n")
    );
    let counts = trial.counts;
    let [made, hits, edits, exact] =
        [counts.requests, counts.hits, counts.edits, counts.exact].map(|one| one.into_inner());
    assert!(
        hits > made / 20 && edits > 0 && exact > made / 4,
        "too little was seen"
    );
    counts.moments.into_inner()
}

#[test]
fn whole_responses_are_what_the_shop_without_a_cache_answers() {
    assert_eq!(run(Layout::Response, 1, false), 0);
}

#[test]
fn bodies_are_what_the_shop_without_a_cache_answers() {
    assert_eq!(run(Layout::Body, 1, false), 0);
}

/// Of another process's purge the writer learns when it stores: an older page may be seen
/// between the store and the delete that follows it (docs/deletes.md).
const RARE: u64 = 10;

#[test]
fn whole_responses_of_two_processes_are_so_in_faults() {
    assert!(run(Layout::Response, 2, true) < RARE);
}

#[test]
fn bodies_of_two_processes_are_so_in_faults() {
    assert!(run(Layout::Body, 2, true) < RARE);
}
