//! Memcached is well, but has no room.

use djanginxed::{PageCache, Purge};
use testkit::{FILLERS, Memcached, eventually};

use crate::app::{Site, at, run_of, status_of, wait};

#[test]
fn a_full_server_evicts_pages_and_every_visitor_gets_a_whole_one() {
    let memcached = Memcached::builder().memory_mb(8).start().unwrap();
    let pages = at(&memcached.address()).build().unwrap();
    let site = Site::start(&pages, |visit| async move { visit.page_of(50_000) });
    for number in 0..400 {
        let target = format!("/page/{number}");
        run_of(&site.get(&target), &target);
    }
    wait(pages.flush());
    assert!(memcached.stat("evictions") > 0, "it was not full");
    for number in 0..400 {
        let target = format!("/page/{number}");
        run_of(&site.get(&target), &target);
    }
    // A full server is not a failing one.
    assert_eq!(run_of(&site.get("/last"), "/last"), 1);
    wait(pages.flush());
    assert_eq!(status_of(&site.get("/last")), "hit");
}

/// A small server that refuses what it has no room for.
fn must_not_evict() -> (Memcached, PageCache) {
    let memcached = Memcached::builder().memory_mb(2).args(["-M"]).start();
    let memcached = memcached.unwrap();
    let pages = at(&memcached.address()).build().unwrap();
    (memcached, pages)
}

#[test]
fn a_server_that_must_not_evict_refuses_and_no_page_fails() {
    let (memcached, pages) = must_not_evict();
    let site = Site::start(&pages, |visit| async move { visit.page_of(100_000) });
    for number in 0..100 {
        let target = format!("/page/{number}");
        run_of(&site.get(&target), &target);
    }
    wait(pages.flush());
    let held = memcached.pages().len();
    assert!((1..100).contains(&held), "{held} of 100 pages held");
    assert_eq!(status_of(&site.get("/page/0")), "hit");
}

/// Without a marker others may go on to store what is old; what is there goes all the same.
#[test]
fn a_server_that_must_not_evict_and_has_no_room_for_a_purge_loses_the_pages() {
    let (memcached, pages) = must_not_evict();
    let site = Site::quick(&pages);
    run_of(&site.get("/page"), "/page");
    wait(pages.flush());
    memcached.fill();
    let key = pages.key("/page").to_string();
    assert!(memcached.pages().contains(&key));
    let purged = wait(pages.purge(Purge::everything())).unwrap();
    assert_eq!((purged.deleted, purged.failures.len()), (1, 1));
    assert!(!memcached.pages().contains(&key));
}

/// The index of all pages has 256 pieces: other pages that are in one with `key`.
fn beside(pages: &PageCache, key: &str) -> Vec<String> {
    let targets = (0..).map(|number| format!("/beside/{number}"));
    let is_beside = |target: &String| pages.key(target).to_string()[..2] == key[..2];
    targets.filter(is_beside).take(3).collect()
}

/// Memcached deletes what a meta command has no memory for, that of an append too.
#[test]
fn a_server_that_must_not_evict_keeps_an_index_that_has_no_room_for_more() {
    let (memcached, pages) = must_not_evict();
    let site = Site::quick(&pages);
    run_of(&site.get("/page"), "/page");
    wait(pages.flush());
    let key = pages.key("/page").to_string();
    for target in beside(&pages, &key) {
        // The page is announced in the room that the other announcement had.
        memcached.fill();
        memcached.command(&format!("md in:{key}"));
        run_of(&site.get(&target), &target);
        wait(pages.flush());
        let others = memcached.keys();
        assert!(!others.contains(&pages.key(&target).to_string()));
    }
    memcached.fill();
    let purged = wait(pages.purge(Purge::everything())).unwrap();
    assert_eq!(
        (purged.deleted, purged.failures.len()),
        (1, 1),
        "{purged:?}"
    );
    assert!(!memcached.keys().contains(&key));
    // What is emptied may have no room, too, and is not lost by that.
    memcached.make_room(&FILLERS);
    let purged = wait(pages.purge(Purge::everything())).unwrap();
    assert!(purged.is_complete(), "{purged:?}");
}

/// The ledger is shorter than the piece, and so it may have room where the piece has none.
#[test]
fn a_piece_that_has_no_room_for_a_claim_is_not_taken_for_lost() {
    let memcached = Memcached::builder().memory_mb(2).args(["-M"]).start();
    let memcached = memcached.unwrap();
    let [one, other] = [(); 2].map(|()| at(&memcached.address()).build().unwrap());
    run_of(&Site::quick(&one).get("/page"), "/page");
    wait(one.flush());
    memcached.fill();
    let (small, large) = FILLERS.split_at(4);
    memcached.make_room(small);
    let target = &beside(&other, &other.key("/page").to_string())[0];
    run_of(&Site::quick(&other).get(target), target);
    wait(other.flush());
    let held = memcached.pages();
    assert!(!held.contains(&other.key(target).to_string()));
    memcached.make_room(large);
    let purged = wait(other.purge(Purge::everything())).unwrap();
    assert!(purged.is_complete() && purged.deleted == 1, "{purged:?}");
}

/// Pages that are sent as one batch: while the first one's answer is awaited,
/// the others queue.
#[test]
fn a_page_too_large_for_the_server_takes_no_other_of_its_batch_along() {
    let args = ["-I", "16k", "-o", "slab_chunk_max=8192"];
    let mut memcached = Memcached::builder().args(args).start().unwrap();
    // Without lookups nobody but the writer finds out that the server hangs.
    let pages = at(&memcached.address()).lookup(false).build().unwrap();
    let site = Site::start(&pages, |visit| async move {
        visit.page_of(if visit.target.contains("large") {
            100_000
        } else {
            2_000
        })
    });
    let targets: Vec<_> = (0..30)
        .map(|number| match number % 10 {
            5 => format!("/large/{number}"),
            _ => format!("/small/{number}"),
        })
        .collect();
    run_of(&site.get("/first"), "/first");
    wait(pages.flush());
    memcached.pause();
    for target in &targets {
        let response = site.get(target);
        run_of(&response, target);
        assert_eq!(status_of(&response), "fwd=uri-miss; stored");
    }
    memcached.resume();
    wait(pages.flush());
    let held = memcached.pages();
    for target in &targets {
        let key = pages.key(target).to_string();
        assert_eq!(held.contains(&key), target.contains("small"), "{target}");
    }
    assert_eq!(run_of(&site.get("/next"), "/next"), 1);
    eventually("the next page is stored", || {
        memcached.pages().contains(&pages.key("/next").to_string())
    });
}
