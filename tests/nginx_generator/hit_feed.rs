//! nginx tells of its hits, and of nothing else; and where nobody listens it
//! loses nothing by it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use djanginxed::nginx::{Md5, Site};
use djanginxed::{Hot, Layout, PageCache};
use djanginxed_runtime::tool::{FeedReport, ask_feed, denied_to_nginx};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tempfile::TempDir;
use testkit::http::Request;
use testkit::{Memcached, eventually, eventually_within, folder_shared_with_nginx, free_port};

use crate::stand::{Stand, cache, is_hit};

/// A folder for the feed's socket, and its path.
fn place() -> (TempDir, String) {
    let folder = folder_shared_with_nginx().unwrap();
    let path = folder.path().join("hits.sock").display().to_string();
    (folder, path)
}

/// A cache that reads nothing itself, for nginx's file.
fn silent(path: &str) -> impl Fn(&Memcached) -> PageCache {
    move |memcached| {
        let pages = cache(memcached).hit_feed(path).enabled(false);
        pages.build().unwrap()
    }
}

fn stand(path: &str, site: impl Fn(Site) -> Site) -> Stand {
    let memcached = Memcached::start().unwrap();
    let pages = silent(path)(&memcached);
    Stand::over(memcached, &pages, Md5::SetMisc, site)
}

fn reader(path: &str) -> PageCache {
    PageCache::builder().hit_feed(path).build().unwrap()
}

fn report(path: &str) -> Option<FeedReport> {
    ask_feed(path, 100, Duration::from_secs(5)).ok()
}

#[track_caller]
fn until_read(path: &str) -> FeedReport {
    eventually("somebody reads the feed", || report(path).is_some());
    report(path).unwrap()
}

/// Waits until all that nginx has sent so far is counted: its one worker sends in
/// order.
#[track_caller]
fn settled(stand: &Stand, path: &str) -> FeedReport {
    stand.store("site1", "/last", "last");
    let mut known = None;
    eventually("the last hit is counted", || {
        assert!(is_hit(&stand.get("/last")));
        known = report(path);
        let last = |report: &FeedReport| report.hottest.iter().any(|hot| hot.target == "/last");
        known.as_ref().is_some_and(last)
    });
    known.unwrap()
}

/// The targets but the last, with their hits.
fn told(report: &FeedReport) -> Vec<(&str, u64)> {
    targets(&report.hottest)
}

fn targets(hottest: &[Hot]) -> Vec<(&str, u64)> {
    let mut told: Vec<_> = hottest
        .iter()
        .map(|hot| (hot.target.as_str(), hot.hits))
        .filter(|(target, _)| *target != "/last")
        .collect();
    told.sort_unstable();
    told
}

fn every_hit_is_told_and_nothing_else(layout: Layout, md5: Md5) {
    static COUNTERS: LazyLock<PrometheusHandle> =
        LazyLock::new(|| PrometheusBuilder::new().install_recorder().unwrap());
    let counters = &*COUNTERS;
    let (_folder, path) = place();
    let pages = reader(&path);
    until_read(&path);
    let memcached = Memcached::start().unwrap();
    let settings = cache(&memcached)
        .hit_feed(&path)
        .enabled(false)
        .layout(layout)
        .bypass_cookie("sessionid");
    let settings = settings.build().unwrap();
    let site = |site: Site| {
        site.never_cache("/never")
            .ignore_query("utm_*")
            .page("/feed/", "site2", "text/plain")
    };
    let mut stand = Stand::over(memcached, &settings, md5, site);
    if layout == Layout::Response {
        stand = stand.of_responses();
    }
    let odd = "/a%2Fb?x=a|b&c=\"%E9\"";
    for target in ["/a", odd, "/never"] {
        stand.store("site1", target, "0123456789");
    }
    // Hits.
    for _ in 0..3 {
        assert!(is_hit(&stand.get("/a")));
    }
    assert!(is_hit(&stand.get(odd)));
    assert!(is_hit(&stand.get("/a?utm_source=x")));
    assert_eq!(stand.send(Request::new("HEAD", "/a")).status, 200);
    // None of these.
    for target in ["/miss", "/never", "/never", "/feed/"] {
        assert!(!is_hit(&stand.get(target)));
    }
    assert!(!is_hit(
        &stand.send(Request::get("/a").header("Cookie", "sessionid=1"))
    ));
    assert!(!is_hit(&stand.send(Request::new("POST", "/a"))));
    assert_eq!(stand.get("/bad%00").status, 400);
    let stranger = Request::get("/a").header("Host", "stranger.example");
    assert!(stranger.try_send(stand.nginx.port()).is_err());

    let report = settled(&stand, &path);
    assert_eq!(told(&report), [("/a", 5), (odd, 1)]);
    assert_eq!(report.refused, 0);
    let last = report.hits - 6;
    assert_eq!(report.bytes, 5 * 10 + last * 4, "{report:?}");
    let counted = |name: &str| -> u64 {
        let text = counters.render();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.and_then(|value| value.parse().ok()).unwrap_or(0)
    };
    // Other tests of this process count there, too.
    assert!(counted("djanginxed_nginx_hits_total") >= report.hits);
    assert!(counted("djanginxed_nginx_hit_bytes_total") >= report.bytes);
    // The handle of whoever reads says the same; a last hit may have come since.
    assert_eq!(targets(&pages.hottest(100)), told(&report));
    assert_eq!(pages.hottest(1).len(), 1);
    assert!(settings.hottest(1).is_empty());
}

#[test]
fn every_hit_is_told_and_nothing_else_is() {
    every_hit_is_told_and_nothing_else(Layout::Body, Md5::SetMisc);
}

#[test]
fn every_hit_of_a_whole_response_is_told_and_nothing_else_is() {
    every_hit_is_told_and_nothing_else(Layout::Response, Md5::SetMisc);
    every_hit_is_told_and_nothing_else(Layout::Response, Md5::Njs);
}

#[test]
fn of_two_sites_in_one_nginx_each_tells_of_its_own_hits() {
    let (_folder, path) = place();
    let _pages = reader(&path);
    let (_other_folder, other_path) = place();
    let _others = reader(&other_path);
    until_read(&path);
    until_read(&other_path);
    let second = Memcached::start().unwrap();
    let other = silent(&other_path)(&second);
    let first = Memcached::start().unwrap();
    let own = silent(&path)(&first);
    let both = |port: u16, file: String| {
        let listen = format!("127.0.0.1:{port}");
        let other = Site::new(&other)
            .server_name("blog.example.com")
            .inner(format!("127.0.0.1:{}", free_port()))
            .app("127.0.0.1:1")
            .listen(&listen)
            .name("blog");
        file + &other.generate().unwrap().site()
    };
    let stand = Stand::edited(first, &own, Md5::SetMisc, |site| site, both);
    second.set(other.key("/b").to_string(), 0, 0, "second");
    let on_other = Request::get("/b").header("Host", "blog.example.com");
    for _ in 0..3 {
        assert!(is_hit(&on_other.send(stand.nginx.port())));
    }
    hits(&stand, 2);
    assert_eq!(told(&settled(&stand, &path)), [("/a", 2)]);
    let others = report(&other_path).unwrap();
    assert_eq!((told(&others), others.hits), (vec![("/b", 3)], 3));
    let log = stand.nginx.error_log();
    assert!(!log.contains("uninitialized"), "{log}");
}

#[test]
fn a_sample_that_nginx_cannot_take_is_refused() {
    let pages = silent("/run/hits.sock")(&Memcached::start().unwrap());
    for sample in [0, 3, 10_001, u32::MAX] {
        let site = Site::new(&pages)
            .server_name("www.example.com")
            .app("127.0.0.1:8080")
            .hit_sample(sample);
        let said = site.generate().unwrap_err().to_string();
        assert!(
            said.contains(&sample.to_string()) && said.contains("10,000"),
            "{said}"
        );
    }
    for path in [
        "",
        "hits.sock",
        "/run/a b",
        "/run/$a",
        "/run/../a",
        &"/a".repeat(54),
    ] {
        let said = PageCache::builder().hit_feed(path).build().unwrap_err();
        assert!(
            said.to_string()
                .starts_with(&format!("hit feed {path:?}: ")),
            "{said}"
        );
    }
}

#[test]
fn of_many_hits_a_share_is_told_that_stands_for_all() {
    let (_folder, path) = place();
    let _pages = reader(&path);
    until_read(&path);
    let stand = stand(&path, |site| site.hit_sample(10));
    stand.store("site1", "/a", "a");
    for _ in 0..3_000 {
        assert!(is_hit(&stand.get("/a")));
    }
    let counted = report(&path).unwrap().hits;
    // 300 datagrams; by chance none of these bounds is met once in a million runs.
    assert!((2_180..3_820).contains(&counted), "{counted}");
    assert_eq!(counted % 10, 0);
}

/// Hits, each of them whole and at once; how long the slowest took.
#[track_caller]
fn hits(stand: &Stand, count: usize) -> Duration {
    stand.store("site1", "/a", "a");
    let mut slowest = Duration::ZERO;
    for _ in 0..count {
        let asked = Instant::now();
        let response = stand.get("/a");
        slowest = slowest.max(asked.elapsed());
        assert!(is_hit(&response));
        assert_eq!(response.text(), "a");
    }
    slowest
}

/// What nginx complains of, beside the notices of its start.
fn complaints(stand: &Stand) -> Vec<String> {
    let log = stand.nginx.error_log();
    let complaint = |line: &&str| {
        ["[alert]", "[crit]", "[error]"]
            .iter()
            .any(|l| line.contains(l))
    };
    log.lines().filter(complaint).map(str::to_owned).collect()
}

#[test]
fn where_the_socket_or_its_folder_is_missing_nginx_neither_waits_nor_complains() {
    let (folder, path) = place();
    let stand = stand(&path, |site| site);
    hits(&stand, 300);
    folder.close().unwrap();
    hits(&stand, 300);
    assert_eq!(complaints(&stand), [""; 0]);
}

#[test]
fn a_reader_that_reads_nothing_costs_nginx_nothing() {
    let (_folder, path) = place();
    // As a process that is stopped (SIGSTOP) or busy for ever has it.
    let stopped = UnixDatagram::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
    symlink("/proc/self", format!("{path}.live")).unwrap();
    let stand = stand(&path, |site| site);
    let slowest = hits(&stand, 2_000);
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    assert_eq!(complaints(&stand), [""; 0]);
    stopped.set_nonblocking(true).unwrap();
    let queued = std::iter::from_fn(|| stopped.recv(&mut [0; 99]).ok()).count();
    assert!(
        (1..2_000).contains(&queued),
        "{queued} in a queue that was never full"
    );
}

const PATH: &str = "HIT_FEED_OF_CHILD";

/// This process once more, which reads `path` until it is killed.
fn reading_process(path: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "hit_feed::after_its_reader_is_killed_nginx_sends_nothing",
        ])
        .env(PATH, path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn after_its_reader_is_killed_nginx_sends_nothing() {
    if let Ok(path) = std::env::var(PATH) {
        let _pages = reader(&path);
        return std::thread::sleep(Duration::from_secs(60));
    }
    let (_folder, path) = place();
    let mut child = reading_process(&path);
    until_read(&path);
    let stand = stand(&path, |site| site);
    hits(&stand, 10);
    assert_eq!(settled(&stand, &path).refused, 0);
    // SIGKILL: it can tidy nothing up.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(fs::exists(&path).unwrap(), "it has left its socket");
    hits(&stand, 300);
    if sees_all_processes() {
        assert_eq!(complaints(&stand), [""; 0]);
    } else {
        // A line for each: only in a container, where the link cannot tell.
        assert!(complaints(&stand).len() <= 300);
    }

    // And the next process reads what the first one left.
    let _pages = reader(&path);
    let report = until_read(&path);
    assert_eq!((report.hits, report.refused), (0, 0));
    hits(&stand, 10);
    // nginx finds out with one datagram that the former reader is gone.
    assert_eq!(told(&settled(&stand, &path)), [("/a", 9)]);
}

/// Whether processes have the same number for everybody here.
fn sees_all_processes() -> bool {
    let space = fs::read_link("/proc/self/ns/pid");
    space.is_ok_and(|space| space.to_string_lossy() == "pid:[4026531836]")
}

#[test]
fn processes_share_a_feed_and_another_one_takes_over() {
    let (_folder, path) = place();
    let first = reader(&path);
    until_read(&path);
    let mut child = reading_process(&path);
    let stand = stand(&path, |site| site);
    hits(&stand, 20);
    settled(&stand, &path);
    // A handle that does not read knows what the one that reads knows.
    let second = reader(&path);
    eventually("the second knows of them", || {
        !second.hottest(9).is_empty() && second.hottest(9) == first.hottest(9)
    });
    drop(first);
    // One of the two others: both tell of the same hits from now on.
    eventually("another one reads", || {
        hits(&stand, 1);
        let known = report(&path);
        known.is_some_and(|known| known.hits > 0) && !second.hottest(9).is_empty()
    });
    // One datagram is lost where the reader changes.
    let complaints = complaints(&stand);
    assert!(complaints.len() <= 1, "{complaints:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the last one reads", || {
        hits(&stand, 1);
        report(&path).is_some_and(|known| known.hits > 0)
    });
}

#[test]
fn where_nginx_may_not_write_to_the_socket_it_soon_does_not_try() {
    // Of the group of whoever runs this, which nginx is not in.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().join("hits.sock").display().to_string();
    let stand = stand(&path, |site| site);
    let _pages = reader(&path);
    until_read(&path);
    let is_live = || fs::exists(format!("{path}.live")).unwrap();
    if denied_to_nginx(Path::new(&path), None).is_none() {
        // It is nginx's own user, or another nginx of this machine may write.
        std::thread::sleep(Duration::from_secs(2));
        assert!(is_live());
        return;
    }
    let patience = Duration::from_secs(30);
    eventually_within(patience, "nginx is not to try", || !is_live());
    let before = complaints(&stand);
    hits(&stand, 300);
    assert_eq!(complaints(&stand), before);
    assert!(report(&path).is_some_and(|report| report.hits == 0));
}

#[test]
fn what_is_not_nginxs_is_refused_and_harms_nothing() {
    let (_folder, path) = place();
    let pages = reader(&path);
    until_read(&path);
    let anybody = UnixDatagram::unbound().unwrap();
    let large = vec![b'a'; 100_000];
    for datagram in [
        &b""[..],
        b"\0\xff",
        b"<190>Nov 26 11:55:48 s: hit 1 200 99999999999999999999 /a",
        b"djanginxed-hottest x",
        &large,
    ] {
        anybody.send_to(datagram, &path).unwrap();
    }
    // A question from nowhere has no answer.
    anybody.send_to(b"djanginxed-hottest x 5", &path).unwrap();
    let known = report(&path).unwrap();
    assert_eq!((known.refused, known.hits), (5, 0));
    let hit = b"<190>Nov 26 11:55:48 s: hit 2 200 5 /b";
    anybody.send_to(hit, &path).unwrap();
    eventually("a hit is counted", || pages.hottest(1).len() == 1);
    // Of a location that is not a page's, or that the visitor gave up.
    anybody
        .send_to(b"<190>Nov 26 11:55:48 s: hit 2 499 5 /c", &path)
        .unwrap();
    assert_eq!(report(&path).unwrap().refused, 6);
}

#[test]
fn a_socket_that_somebody_removes_is_made_again() {
    let (_folder, path) = place();
    let _pages = reader(&path);
    until_read(&path);
    fs::remove_file(&path).unwrap();
    assert!(report(&path).is_none());
    until_read(&path);
}
