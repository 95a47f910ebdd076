//! A deleted page stays deleted, whatever was being rendered meanwhile.

use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use djanginxed::{PageCache, PageKey, Purge};
use testkit::http::Connection;
use testkit::{Fault, FaultProxy, Memcached, eventually, free_port, within};

use crate::app::{Gate, PREFIX, Site, at, builder, html, run_of, status_of, wait};
use crate::impostor::Holder;

const PAGE: &str = "/page";

/// Where the process that only deletes finds its server, and says its key.
const SERVER: &str = "FAULTS_DELETE_AT";

fn gated(pages: &PageCache) -> (Site, Gate) {
    let gate = Gate::default();
    let handlers = gate.clone();
    let site = Site::start(pages, move |visit| {
        let gate = handlers.clone();
        async move {
            if visit.number == 1 {
                gate.pass().await;
            }
            visit.page()
        }
    });
    (site, gate)
}

/// Visitors whose page is being rendered: a render that begins after a delete
/// would be a new one.
fn rendering(site: &Site, visitors: usize) -> Vec<Connection> {
    let crowd = site.crowd(PAGE, visitors);
    eventually("the render has begun", || site.runs(PAGE) == 1);
    crowd
}

#[track_caller]
fn a_deleted_render_answers_only_those_who_asked_before(pages: &PageCache) -> Vec<usize> {
    let (site, gate) = gated(pages);
    let crowd = rendering(&site, 10);
    assert_eq!(wait(pages.delete(&pages.key(PAGE))), Ok(false));
    let after = site.get(PAGE);
    assert_eq!(
        run_of(&after, PAGE),
        2,
        "it got a render from before the delete"
    );
    gate.open();
    let answered = crowd.into_iter();
    let runs = answered.map(|mut visitor| run_of(&visitor.receive().unwrap(), PAGE));
    let runs = runs.collect();
    wait(pages.flush());
    for _ in 0..5 {
        assert!(run_of(&site.get(PAGE), PAGE) >= 2);
        wait(pages.flush());
    }
    runs
}

#[test]
fn a_render_from_before_a_delete_is_not_stored_in_memory() {
    let pages = builder().build().unwrap();
    let runs = a_deleted_render_answers_only_those_who_asked_before(&pages);
    assert_eq!(runs, [1; 10]);
}

#[test]
fn a_render_from_before_a_delete_is_not_stored_in_memcached() {
    let memcached = Memcached::start().unwrap();
    let pages = at(&memcached.address()).build().unwrap();
    let runs = a_deleted_render_answers_only_those_who_asked_before(&pages);
    // Another process may have deleted the page before this one did, which then hides it: who
    // came when the render had begun gets a new one.
    assert!(runs.contains(&1), "its own visitor waits again: {runs:?}");
}

#[test]
fn an_old_render_says_that_it_was_deleted() {
    let pages = builder().build().unwrap();
    let (site, gate) = gated(&pages);
    let mut visitor = rendering(&site, 1).remove(0);
    wait(pages.delete(&pages.key(PAGE))).unwrap();
    gate.open();
    let response = visitor.receive().unwrap();
    assert_eq!(status_of(&response), "fwd=uri-miss; detail=deleted");
}

/// `delete` is what another process does while this one renders.
#[track_caller]
fn a_render_does_not_undo(memcached: &Memcached, delete: impl FnOnce()) {
    let pages = at(&memcached.address()).build().unwrap();
    let (site, gate) = gated(&pages);
    let mut visitor = rendering(&site, 1).remove(0);
    delete();
    gate.open();
    assert_eq!(run_of(&visitor.receive().unwrap(), PAGE), 1);
    wait(pages.flush());
    let key = pages.key(PAGE).to_string();
    assert_eq!(memcached.get(&key), None, "the old render was left behind");
    assert_eq!(run_of(&site.get(PAGE), PAGE), 2);
    // A new render stays once the marker is older than it.
    eventually("the page is stored again", || {
        let run = run_of(&site.get(PAGE), PAGE);
        wait(pages.flush());
        assert!(run >= 2);
        memcached.get(&key).is_some()
    });
}

#[test]
fn a_delete_by_another_cache_on_the_same_memcached_is_not_undone() {
    let memcached = Memcached::start().unwrap();
    let other = at(&memcached.address()).build().unwrap();
    a_render_does_not_undo(&memcached, || {
        assert_eq!(wait(other.delete(&other.key(PAGE))), Ok(false));
    });
}

#[test]
fn a_delete_by_another_process_is_not_undone() {
    let memcached = Memcached::start().unwrap();
    a_render_does_not_undo(&memcached, || {
        let status = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "deletes::a_page_that_is_not_stored_is_deleted_all_the_same",
            ])
            .env(SERVER, memcached.address())
            .status();
        assert!(status.unwrap().success());
    });
    let marker = format!("del:{}", djanginxed::PageKey::new(crate::app::PREFIX, PAGE));
    assert!(
        memcached.get(marker).is_some(),
        "nobody else has deleted it"
    );
}

#[test]
fn who_asks_after_another_process_has_deleted_gets_no_older_render() {
    let memcached = Memcached::start().unwrap();
    let pages = at(&memcached.address()).build().unwrap();
    let other = at(&memcached.address()).build().unwrap();
    let (site, gate) = gated(&pages);
    let mut first = rendering(&site, 1).remove(0);
    assert_eq!(wait(other.delete(&other.key(PAGE))), Ok(false));
    let later = site.crowd(PAGE, 50);
    assert_eq!(site.runs(PAGE), 1, "they wait for the render under way");
    gate.open();
    assert_eq!(run_of(&first.receive().unwrap(), PAGE), 1);
    for mut visitor in later {
        let run = run_of(&visitor.receive().unwrap(), PAGE);
        assert_eq!(run, 2, "one of them renders for the rest");
    }
}

/// The old render has reached the store by the time that its leader hears of the
/// delete, and is not removed yet.
#[test]
fn who_asks_after_another_process_has_deleted_gets_no_older_render_from_the_store() {
    let memcached = Memcached::start().unwrap();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    proxy.set(Fault::Delay(Duration::from_millis(150)));
    let patient = at(&proxy.address()).operation_timeout(Duration::from_secs(2));
    let pages = patient.build().unwrap();
    let other = at(&memcached.address()).build().unwrap();
    let (site, gate) = gated(&pages);
    // A writer that runs lets pages gather, and so is behind the leader.
    wait(pages.delete(&pages.key("/other"))).unwrap();
    let mut first = rendering(&site, 1).remove(0);
    assert_eq!(wait(other.delete(&other.key(PAGE))), Ok(false));
    let later = site.crowd(PAGE, 20);
    gate.open();
    assert_eq!(run_of(&first.receive().unwrap(), PAGE), 1);
    for mut visitor in later {
        assert_eq!(run_of(&visitor.receive().unwrap(), PAGE), 2);
    }
}

/// The other process has looked for deletes before this one, and stores the page after it.
#[track_caller]
fn a_page_that_is_about_to_be_stored_is_seen_by_nobody_after(
    delete: impl FnOnce(&PageCache) -> bool,
) {
    let memcached = Memcached::start().unwrap();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    let pages = at(&proxy.address()).build().unwrap();
    let other = at(&memcached.address()).build().unwrap();
    let (site, gate) = gated(&pages);
    let mut visitor = rendering(&site, 1).remove(0);
    // From now on the writer hears late of what its server has done at once.
    proxy.set(Fault::Delay(Duration::from_millis(600)));
    gate.open();
    assert_eq!(run_of(&visitor.receive().unwrap(), PAGE), 1);
    let key = pages.key(PAGE).to_string();
    eventually("the page is announced", || {
        memcached.get(format!("in:{key}")).is_some()
    });
    let was_there = delete(&other);
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        assert_eq!(memcached.get(&key), None, "it was stored after its delete");
    }
    assert!(was_there, "it was not stored at all");
}

#[test]
fn a_page_that_is_about_to_be_stored_is_seen_by_nobody_after_its_delete() {
    a_page_that_is_about_to_be_stored_is_seen_by_nobody_after(|other| {
        wait(other.delete(&other.key(PAGE))).unwrap()
    });
}

#[test]
fn a_page_that_is_about_to_be_stored_is_seen_by_nobody_after_a_purge() {
    a_page_that_is_about_to_be_stored_is_seen_by_nobody_after(|other| {
        wait(other.purge(Purge::everything())).unwrap().deleted == 1
    });
}

/// A page that is stored.
fn stored() -> (Memcached, PageCache, PageKey) {
    let memcached = Memcached::start().unwrap();
    let pages = at(&memcached.address()).build().unwrap();
    run_of(&Site::quick(&pages).get(PAGE), PAGE);
    wait(pages.flush());
    let key = pages.key(PAGE);
    (memcached, pages, key)
}

/// A purge that waits for a page does not wait for ever: who announced it may be gone.
#[test]
fn nobody_waits_long_for_a_page_whose_process_was_killed() {
    let (memcached, pages, key) = stored();
    memcached.command(&format!("ma in:{key} N4 J1 T4"));
    let asked = Instant::now();
    assert_eq!(wait(pages.delete(&key)), Ok(true));
    let took = asked.elapsed();
    assert!(took > Duration::from_secs(2), "it did not wait: {took:?}");
    assert!(took < Duration::from_secs(6), "{took:?}");
}

/// Of a page that is announced again and again, the announcement of a process that was
/// killed would never end.
#[test]
fn only_the_first_waits_for_a_page_that_others_go_on_to_announce() {
    for purges in [false, true] {
        let (memcached, pages, key) = stored();
        let announced = format!("ma in:{key} N4 J1 T4");
        memcached.command(&announced);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    memcached.command(&announced);
                    memcached.command(&format!("ma in:{key} MD"));
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
            let change = || {
                let asked = Instant::now();
                match purges {
                    true => drop(wait(pages.purge(Purge::everything())).unwrap()),
                    false => drop(wait(pages.delete(&key)).unwrap()),
                }
                asked.elapsed()
            };
            let first = change();
            assert!(first > Duration::from_secs(2), "it did not wait: {first:?}");
            // It may have met with an announcement at its end, and be made once more.
            let later = (0..3).map(|_| change()).min().unwrap();
            is_over.store(true, Ordering::SeqCst);
            assert!(later < Duration::from_secs(1), "{later:?}");
        });
    }
}

/// The older render waits in the writer's queue, behind another page.
#[test]
fn who_asks_after_another_process_has_deleted_gets_no_older_render_from_the_queue() {
    let was_queued = (0..10).any(|_| an_older_render_in_the_queue_is_for_nobody());
    assert!(was_queued, "the page has always been stored by the delete");
}

/// Neither does such a server number its items, nor do its markers have another age.
#[test]
fn a_purge_soon_after_another_is_seen_where_the_server_numbers_nothing() {
    let memcached = Memcached::builder().args(["-C"]).start().unwrap();
    let pages = at(&memcached.address()).build().unwrap();
    let other = at(&memcached.address()).build().unwrap();
    let gate = Gate::default();
    let handlers = gate.clone();
    let site = Site::start(&pages, move |visit| {
        let gate = handlers.clone();
        async move {
            if visit.target == PAGE {
                gate.pass().await;
            }
            visit.page()
        }
    });
    assert!(is_purged(&other));
    // The first is seen where a page is stored.
    run_of(&site.get("/seen"), "/seen");
    wait(pages.flush());
    let mut before = rendering(&site, 1).remove(0);
    assert!(is_purged(&other));
    gate.open();
    assert_eq!(run_of(&before.receive().unwrap(), PAGE), 1);
    wait(pages.flush());
    assert_eq!(memcached.get(other.key(PAGE).to_string()), None);
}

/// Whether it was still in the queue.
fn an_older_render_in_the_queue_is_for_nobody() -> bool {
    let memcached = Memcached::start().unwrap();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    let pages = at(&proxy.address()).build().unwrap();
    let other = at(&memcached.address()).build().unwrap();
    let site = Site::quick(&pages);
    proxy.set(Fault::Delay(Duration::from_millis(900)));
    assert_eq!(run_of(&site.get("/before"), "/before"), 1);
    let key = pages.key("/before");
    eventually("the page before it is announced", || {
        memcached.get(format!("in:{key}")).is_some()
    });
    proxy.set(Fault::None);
    assert_eq!(run_of(&site.get(PAGE), PAGE), 1);
    if run_of(&site.get(PAGE), PAGE) != 1 {
        // The server was too slow to be asked.
        return false;
    }
    let was_queued = wait(other.delete(&other.key(PAGE))) == Ok(false);
    assert_eq!(run_of(&site.get(PAGE), PAGE), 2);
    was_queued
}

/// What the leader's visitor does is nothing to those who wait.
#[test]
fn a_leader_who_leaves_while_the_marker_is_looked_at_leaves_no_older_render() {
    let memcached = Memcached::start().unwrap();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    proxy.set(Fault::Delay(Duration::from_millis(300)));
    let patient = at(&proxy.address()).operation_timeout(Duration::from_secs(2));
    let pages = patient.build().unwrap();
    let other = at(&memcached.address()).build().unwrap();
    let (site, gate) = gated(&pages);
    let first = rendering(&site, 1).remove(0);
    assert_eq!(wait(other.delete(&other.key(PAGE))), Ok(false));
    let later = site.crowd(PAGE, 20);
    gate.open();
    std::thread::sleep(Duration::from_millis(100));
    first.reset().unwrap();
    for mut visitor in later {
        assert_eq!(run_of(&visitor.receive().unwrap(), PAGE), 2);
    }
}

/// The visitor who renders does not wait for what only the others need to know.
#[test]
fn a_leader_is_answered_before_the_marker_is_looked_at() {
    let mut memcached = Memcached::start().unwrap();
    let patient = at(&memcached.address()).operation_timeout(Duration::from_secs(5));
    let pages = patient.build().unwrap();
    let (site, gate) = gated(&pages);
    let mut first = rendering(&site, 1).remove(0);
    let later = site.crowd(PAGE, 5);
    memcached.pause();
    gate.open();
    assert_eq!(run_of(&first.receive().unwrap(), PAGE), 1);
    memcached.resume();
    for mut visitor in later {
        assert_eq!(run_of(&visitor.receive().unwrap(), PAGE), 1);
    }
}

/// A page that takes a second or so to pack.
fn slow_to_pack() -> HttpResponse {
    static DIGITS: LazyLock<String> = LazyLock::new(|| {
        let mut state = 1_u64;
        let number = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            format!("{:010}", (state >> 33) * 4)
        };
        (0..600_000).map(number).collect()
    });
    html(DIGITS.as_str())
}

/// Servers, and a site whose pages are slow to pack.
fn packing(servers: usize) -> (Vec<Memcached>, PageCache, Site) {
    let large = || Memcached::builder().args(["-I", "16m"]).start().unwrap();
    let servers: Vec<_> = (0..servers).map(|_| large()).collect();
    // A name has to be resolved, each time that a connection is made.
    let names = servers
        .iter()
        .map(|server| format!("localhost:{}", server.port()));
    let pages = builder()
        .memcached(names)
        .key_prefix(PREFIX)
        .gzip(true)
        .max_entry_size(16_000_000)
        .queue(100, 200_000_000)
        .build();
    let pages = pages.unwrap();
    let site = Site::start(&pages, |_| async { slow_to_pack() });
    (servers, pages, site)
}

#[test]
fn deletes_wait_for_no_page_that_is_packed_for_any_server() {
    let (servers, pages, site) = packing(3);
    for number in 0..6 {
        let page = site.get(&format!("/{number}"));
        assert_eq!(status_of(&page), "fwd=uri-miss; stored");
    }
    let asked = Instant::now();
    let deletes = (0..30).map(|number| {
        let (pages, key) = (pages.clone(), pages.key(&format!("/other/{number}")));
        async move { pages.delete(&key).await }
    });
    let deleted = wait(futures_util::future::join_all(deletes));
    let deleting = asked.elapsed();
    assert_eq!(deleted, vec![Ok(false); 30]);
    wait(pages.flush());
    let packing = asked.elapsed();
    assert!(
        deleting * 10 < packing,
        "deletes took {deleting:?}, packing {packing:?}"
    );
    let items = servers.iter().map(|server| server.stat("curr_items"));
    // Besides the markers: a delete may cost the page of a key that shares its counter.
    assert!(items.sum::<u64>() > 30, "no page was stored");
}

#[test]
fn a_page_that_is_deleted_while_it_is_packed_is_not_stored() {
    let (servers, pages, site) = packing(1);
    let memcached = &servers[0];
    assert_eq!(status_of(&site.get(PAGE)), "fwd=uri-miss; stored");
    // By then the page has gathered, and is being packed.
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(wait(pages.delete(&pages.key(PAGE))), Ok(false));
    wait(pages.flush());
    // The next packed page goes out behind it.
    assert_eq!(status_of(&site.get("/next")), "fwd=uri-miss; stored");
    wait(pages.flush());
    assert_eq!(memcached.get(pages.key(PAGE).to_string()), None);
    assert!(memcached.get(pages.key("/next").to_string()).is_some());
}

/// Also what the test above runs as a process of its own, at its server.
#[test]
fn a_page_that_is_not_stored_is_deleted_all_the_same() {
    let own = Memcached::start().unwrap();
    let address = std::env::var(SERVER).unwrap_or_else(|_| own.address());
    let pages = at(&address).build().unwrap();
    assert_eq!(wait(pages.delete(&pages.key(PAGE))), Ok(false));
}

#[test]
fn a_visitor_after_a_delete_gets_a_new_render() {
    let memcached = Memcached::start().unwrap();
    for pages in [
        builder().build().unwrap(),
        at(&memcached.address()).build().unwrap(),
    ] {
        let site = Site::quick(&pages);
        for run in 1..20 {
            assert_eq!(run_of(&site.get(PAGE), PAGE), run);
            wait(pages.delete(&pages.key(PAGE))).unwrap();
        }
    }
}

#[test]
fn a_stored_page_is_deleted_once() {
    let (memcached, pages, key) = stored();
    assert_eq!(wait(pages.delete(&key)), Ok(true));
    assert_eq!(memcached.get(key.to_string()), None);
    assert_eq!(wait(pages.delete(&key)), Ok(false));
}

#[test]
fn a_page_that_is_still_queued_is_deleted() {
    let memcached = Memcached::start().unwrap();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    proxy.set(Fault::Delay(Duration::from_millis(700)));
    let pages = at(&proxy.address());
    // Of a page in the queue, too, the server is asked whether it was deleted elsewhere.
    let pages = pages.operation_timeout(Duration::from_secs(2));
    let pages = pages.build().unwrap();
    let site = Site::quick(&pages);
    assert_eq!(status_of(&site.get(PAGE)), "fwd=uri-miss; stored");
    assert_eq!(status_of(&site.get(PAGE)), "hit", "it is not queued");
    wait(pages.delete(&pages.key(PAGE))).unwrap();
    proxy.set(Fault::None);
    assert!(run_of(&site.get(PAGE), PAGE) >= 2);
    wait(pages.flush());
    assert!(run_of(&site.get(PAGE), PAGE) >= 2);
}

/// Not knowing is not the same as having deleted.
#[track_caller]
fn a_delete_fails(address: &str) {
    let pages = at(address).build().unwrap();
    let key = pages.key(PAGE);
    let asked = Instant::now();
    for _ in 0..5 {
        let deleted = wait(pages.delete(&key));
        assert!(deleted.is_err(), "{deleted:?}");
    }
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(15), "5 deletes took {took:?}");
}

#[test]
fn a_delete_with_the_server_down_is_an_error() {
    a_delete_fails(&format!("127.0.0.1:{}", free_port()));
}

#[test]
fn a_delete_with_an_unknown_host_is_an_error() {
    a_delete_fails("memcached.invalid:11211");
}

#[test]
fn a_delete_with_a_hung_server_is_an_error() {
    let mut memcached = Memcached::start().unwrap();
    memcached.pause();
    a_delete_fails(&memcached.address());
}

#[test]
fn many_deletes_at_once_with_a_hung_server_fail_together() {
    let mut memcached = Memcached::start().unwrap();
    memcached.pause();
    let pages = at(&memcached.address()).build().unwrap();
    let asked = Instant::now();
    let deletes = (0..100).map(|number| {
        let key = pages.key(&format!("/page/{number}"));
        let pages = pages.clone();
        async move { pages.delete(&key).await }
    });
    let deleted = wait(futures_util::future::join_all(deletes));
    assert!(deleted.iter().all(Result::is_err));
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(10), "100 deletes took {took:?}");
}

#[test]
fn many_purges_at_once_with_a_hung_server_fail_together() {
    let mut memcached = Memcached::start().unwrap();
    memcached.pause();
    let pages = at(&memcached.address()).build().unwrap();
    let asked = Instant::now();
    let purges = (0..200).map(|number| pages.purge(Purge::tag(format!("tag:{number}"))));
    let purged = wait(futures_util::future::join_all(purges));
    assert!(purged.iter().all(Result::is_err));
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(10), "200 purges took {took:?}");
}

#[test]
fn many_purges_of_one_tag_at_once_share_what_has_not_begun() {
    let (memcached, _, _) = stored();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    let pages = at(&proxy.address()).build().unwrap();
    proxy.set(Fault::Delay(Duration::from_millis(50)));
    let asked = Instant::now();
    let purges = (0..60).map(|_| pages.purge(Purge::everything()));
    let purged = wait(futures_util::future::join_all(purges));
    let took = asked.elapsed();
    assert!(
        took < Duration::from_millis(1500),
        "60 purges took {took:?}"
    );
    let purged: Vec<_> = purged.into_iter().map(Result::unwrap).collect();
    assert!(purged.iter().all(djanginxed::Purged::is_complete));
    let deleted: u64 = purged.iter().map(|purged| purged.deleted).sum();
    assert_eq!(deleted, 1, "one page was there");
}

#[test]
fn a_delete_while_a_batch_hangs_ends_and_the_page_does_not_come_back() {
    let mut memcached = Memcached::start().unwrap();
    let pages = at(&memcached.address()).build().unwrap();
    let site = Site::quick(&pages);
    // The connection of the writer exists before the server hangs.
    run_of(&site.get("/first"), "/first");
    wait(pages.flush());
    memcached.pause();
    assert_eq!(run_of(&site.get(PAGE), PAGE), 1);
    let asked = Instant::now();
    assert!(wait(pages.delete(&pages.key(PAGE))).is_err());
    assert!(asked.elapsed() < Duration::from_secs(10));
    // Whoever comes after the attempt gets a new render all the same.
    assert!(run_of(&site.get(PAGE), PAGE) >= 2);
    memcached.resume();
    let key = pages.key(PAGE);
    eventually("the page is deleted", || wait(pages.delete(&key)).is_ok());
    for _ in 0..20 {
        assert!(run_of(&site.get(PAGE), PAGE) >= 2);
        wait(pages.flush());
    }
}

#[test]
fn a_store_that_arrives_after_its_time_out_does_not_undo_a_delete() {
    let memcached = Memcached::start().unwrap();
    let holder = Holder::start(memcached.port());
    // Without lookups, the writer's is the connection that is held.
    let pages = at(&holder.address()).lookup(false).build().unwrap();
    let site = Site::quick(&pages);
    assert_eq!(run_of(&site.get(PAGE), PAGE), 1);
    wait(pages.flush());
    let key = pages.key(PAGE);
    assert_eq!(memcached.get(key.to_string()), None, "it was not held back");
    let other = at(&memcached.address()).build().unwrap();
    assert_eq!(wait(other.delete(&key)), Ok(false));
    holder.deliver();
    eventually("the old render has arrived", || {
        memcached.stat("cmd_set") >= 2
    });
    eventually("the old render is removed again", || {
        memcached.get(key.to_string()).is_none()
    });
}

/// A marker of this process that arrives late takes the place of one by which another has
/// deleted the page meanwhile. `delete` is what both do; `late` is when this one's arrives.
#[track_caller]
fn a_late_marker_hides_no_other(delete: impl Fn(&PageCache) -> bool + Sync, late: Late) {
    let memcached = Memcached::start().unwrap();
    let holder = Holder::start(memcached.port());
    // Without lookups, the writer's is the connection that is held.
    let pages = at(&holder.address()).lookup(false).build().unwrap();
    let other = at(&memcached.address()).build().unwrap();
    let (site, gate) = gated(&pages);
    let delete = &delete;
    std::thread::scope(|scope| {
        let own = scope.spawn(|| delete(&pages));
        let own = match late {
            Late::InTime => {
                // It has noted its delete before the render begins.
                std::thread::sleep(Duration::from_millis(200));
                Some(own)
            }
            Late::AfterItsTimeOut => {
                assert!(!own.join().unwrap(), "its server has not answered");
                None
            }
        };
        let mut visitor = rendering(&site, 1).remove(0);
        assert!(delete(&other), "nothing keeps this one");
        let before = memcached.stat("cmd_set");
        holder.deliver();
        eventually("its marker is there", || memcached.stat("cmd_set") > before);
        if let Some(own) = own {
            assert!(own.join().unwrap(), "it was held back for too long");
        }
        gate.open();
        assert_eq!(run_of(&visitor.receive().unwrap(), PAGE), 1);
    });
    wait(pages.flush());
    let key = pages.key(PAGE).to_string();
    assert_eq!(memcached.get(key), None, "the old render was left behind");
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Late {
    InTime,
    AfterItsTimeOut,
}

#[test]
fn a_delete_that_is_slow_hides_none_of_another_process() {
    let delete = |pages: &PageCache| wait(pages.delete(&pages.key(PAGE))).is_ok();
    a_late_marker_hides_no_other(delete, Late::InTime);
}

#[test]
fn a_delete_that_arrives_after_its_time_out_hides_none_of_another_process() {
    let delete = |pages: &PageCache| wait(pages.delete(&pages.key(PAGE))).is_ok();
    a_late_marker_hides_no_other(delete, Late::AfterItsTimeOut);
}

#[test]
fn a_purge_that_is_slow_hides_none_of_another_process() {
    let purge = |pages: &PageCache| is_purged(pages);
    a_late_marker_hides_no_other(purge, Late::InTime);
}

#[test]
fn a_purge_that_arrives_after_its_time_out_hides_none_of_another_process() {
    let purge = |pages: &PageCache| is_purged(pages);
    a_late_marker_hides_no_other(purge, Late::AfterItsTimeOut);
}

fn is_purged(pages: &PageCache) -> bool {
    let purged = wait(pages.purge(Purge::everything()));
    purged.is_ok_and(|purged| purged.is_complete())
}

/// Who asks after another process's delete gets no render from before it.
#[track_caller]
fn who_asks_after_it_gets_a_new_render(then: impl FnOnce(&PageCache, &FaultProxy)) {
    let memcached = Memcached::start().unwrap();
    let proxy = FaultProxy::start(memcached.port()).unwrap();
    let pages = at(&proxy.address()).build().unwrap();
    let other = at(&memcached.address()).build().unwrap();
    let (site, gate) = gated(&pages);
    let mut before = rendering(&site, 1).remove(0);
    assert_eq!(wait(other.delete(&other.key(PAGE))), Ok(false));
    let mut after = site.ask(PAGE);
    eventually("he waits", || site.arrived() == 2);
    then(&pages, &proxy);
    gate.open();
    assert_eq!(run_of(&before.receive().unwrap(), PAGE), 1);
    assert_eq!(run_of(&after.receive().unwrap(), PAGE), 2);
}

#[test]
fn who_asks_between_two_deletes_of_two_processes_gets_a_new_render() {
    who_asks_after_it_gets_a_new_render(|pages, _| {
        assert_eq!(wait(pages.delete(&pages.key(PAGE))), Ok(false));
    });
}

#[test]
fn who_asks_after_a_delete_that_cannot_be_seen_gets_a_new_render() {
    who_asks_after_it_gets_a_new_render(|_, proxy| proxy.set(Fault::Hang));
}

/// A page that its server has, and of which the writer does not hear; none where the machine
/// was too busy for that.
fn sent_unheard(
    pages: &PageCache,
    site: &Site,
    proxy: &FaultProxy,
    memcached: &Memcached,
) -> Option<testkit::Item> {
    let key = pages.key(PAGE).to_string();
    eventually("the server is not skipped", || {
        run_of(&site.get(PAGE), PAGE);
        wait(pages.flush());
        memcached.get(&key).is_some()
    });
    memcached.command(&format!("md {key}"));
    proxy.set(Fault::Delay(Duration::from_millis(300)));
    run_of(&site.get(PAGE), PAGE);
    let is_announced = || memcached.get(format!("in:{key}")).is_some();
    if !within(Duration::from_secs(2), is_announced) {
        proxy.set(Fault::None);
        return None;
    }
    // The answer to that is to be under way; the next is not.
    std::thread::sleep(Duration::from_millis(100));
    proxy.set(Fault::Hang);
    let begun = Instant::now();
    wait(pages.flush());
    let is_unheard = begun.elapsed() > Duration::from_secs(1);
    let sent = memcached.get(&key).filter(|_| is_unheard);
    if sent.is_none() {
        proxy.set(Fault::None);
        memcached.command(&format!("md in:{key}"));
    }
    sent
}

/// A page that another process deletes after this one has given up storing it, and that the
/// network brings to the server after that.
fn brought_late(pages: &PageCache, site: &Site, proxy: &FaultProxy, memcached: &Memcached) {
    let sent = (0..5).find_map(|_| sent_unheard(pages, site, proxy, memcached));
    let sent = sent.expect("it is sent");
    let key = pages.key(PAGE);
    let other = at(&memcached.address()).build().unwrap();
    assert_eq!(wait(other.delete(&key)), Ok(true));
    memcached.set(key.to_string(), sent.flags, 600, &sent.bytes);
    proxy.set(Fault::None);
}

#[test]
fn an_old_page_that_arrived_late_is_removed_however_busy_its_process_is() {
    type Business = fn(&PageCache, &Site, usize);
    let businesses: [Business; 3] = [
        |_, site, number| drop(site.get(&format!("/busy/{number}"))),
        |pages, _, number| drop(wait(pages.delete(&pages.key(&format!("/busy/{number}"))))),
        |pages, _, number| drop(wait(pages.purge(Purge::tag(number.to_string())))),
    ];
    for business in businesses {
        let memcached = Memcached::start().unwrap();
        let proxy = FaultProxy::start(memcached.port()).unwrap();
        let pages = at(&proxy.address()).lookup(false).build().unwrap();
        let site = Site::quick(&pages);
        brought_late(&pages, &site, &proxy, &memcached);
        let key = pages.key(PAGE).to_string();
        assert!(memcached.get(&key).is_some(), "it is removed already");
        let mut number = 0;
        eventually("the old page is removed", || {
            number += 1;
            business(&pages, &site, number);
            memcached.get(&key).is_none()
        });
    }
}
