use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::look::{Hot, Slow, Unreached};
use super::super::view::Refusal;
use super::*;

fn count(total: u64, per_second: f64) -> Count {
    Count {
        total,
        per_second: Some(per_second),
    }
}

fn ratios(total: f64, now: f64) -> Ratio {
    Ratio {
        total: Some(total),
        now: Some(now),
    }
}

fn nothing() -> View {
    View {
        seconds: None,
        nginx: None,
        application: None,
        asks_application: false,
        refusals: Vec::new(),
        hottest: None,
        slowest: None,
        servers: Vec::new(),
        unreached: Vec::new(),
    }
}

fn busy() -> View {
    View {
        seconds: Some(2.0),
        nginx: Some(Nginx {
            hits: count(123_456, 1250.4),
            bytes: count(9_000_000, 4_700_000.0),
            hit_ratio: ratios(0.95, 0.931),
        }),
        application: Some(Application {
            processes: 2,
            requests: count(6_500, 92.6),
            hits: count(600, 12.0),
            stale: count(1, 0.0),
            bypasses: count(70, 3.0),
            stores: count(5_000, 80.0),
            hit_ratio: ratios(0.1, 0.129),
            render_seconds: ratios(0.012, 0.0042),
            queue_entries: Some(3),
            queue_bytes: Some(30_100),
            pending_purges: Some(0),
        }),
        asks_application: true,
        refusals: vec![Refusal {
            kind: "not stored",
            reason: "set-cookie".to_owned(),
            count: count(42, 0.5),
        }],
        hottest: Some(vec![Hot {
            target: "/articles/1".to_owned(),
            hits: 9_100,
        }]),
        slowest: Some(vec![Slow {
            target: "/reports".to_owned(),
            milliseconds: 1_204,
        }]),
        servers: vec![Server {
            address: "127.0.0.1:11211".to_owned(),
            reached: true,
            memory: Some(12_300_000),
            memory_limit: Some(268_435_456),
            items: Some(1_234),
            hit_ratio: ratios(0.9, 0.914),
            evictions: Some(count(17, 0.5)),
            connections: Some(66),
            max_connections: Some(1024),
            breaker_open: Some(true),
        }],
        unreached: Vec::new(),
    }
}

#[test]
fn all_that_is_known_is_on_the_screen() {
    let screen = text(&busy());
    for words in [
        "djanginxed top  the last 2 s",
        "nginx        93.1% hits (all: 95.0%)  1250 hits/s  4.7 MB/s  123456 hits in all",
        "application  12.9% hits (all: 10.0%)  92.6 requests/s  3.0 bypasses/s  0 stale/s  render 4.20 ms (all: 12 ms)\n",
        "\n             80.0 stores/s  queue 3 pages, 30.1 kB  2 processes\n",
        "not stored set-cookie",
        "42 0.5/s",
        "/articles/1",
        "9100",
        "/reports",
        "1204 ms",
        "12.3 of 268.4 MB",
        "17 0.5/s",
        "66 of 1024",
        "OPEN",
    ] {
        assert!(screen.contains(words), "{words:?} is not in\n{screen}");
    }
}

#[test]
fn purges_that_wait_are_shown_where_there_are_some() {
    let waiting = |purges| {
        let mut view = busy();
        view.application.as_mut().unwrap().pending_purges = purges;
        text(&view)
    };
    for none in [None, Some(0)] {
        assert!(!waiting(none).contains("purge"), "{}", waiting(none));
    }
    let screen = waiting(Some(1));
    assert!(screen.contains("2 processes  1 purge waits\n"), "{screen}");
    let screen = waiting(Some(12));
    assert!(screen.contains("2 processes  12 purges wait\n"), "{screen}");
}

#[test]
fn what_is_not_known_is_said() {
    let view = View {
        unreached: vec![Unreached {
            what: "http://127.0.0.1:1/metrics".to_owned(),
            why: "connection refused".to_owned(),
        }],
        ..nothing()
    };
    let screen = text(&view);
    for words in [
        "nginx        not known",
        "application  not known",
        "cannot reach http://127.0.0.1:1/metrics: connection refused",
        "not known: --hit-feed",
        "not known: --admin",
    ] {
        assert!(screen.contains(words), "{words:?} is not in\n{screen}");
    }
    assert!(!screen.contains('%'), "{screen}");
}

#[test]
fn why_something_cannot_be_reached_is_said_to_its_end() {
    let view = View {
        unreached: vec![Unreached {
            what: "http://127.0.0.1:8080/internal/metrics".to_owned(),
            why: "cannot connect to 127.0.0.1:8080: connection refused".to_owned(),
        }],
        ..nothing()
    };
    let screen = drawn(80, 24, &view).replace('\n', "");
    assert!(
        screen.contains("127.0.0.1:8080: connection refused"),
        "{screen}"
    );
}

#[test]
fn where_nobody_asks_there_is_no_share_of_hits() {
    let mut view = busy();
    let nginx = view.nginx.as_mut().unwrap();
    nginx.hit_ratio.now = None;
    let screen = text(&view);
    assert!(
        screen.contains("nginx        idle (all: 95.0% hits)"),
        "{screen}"
    );
}

#[test]
fn nothing_that_steers_a_terminal_is_drawn() {
    let mut view = busy();
    for target in ["/\u{1b}[2J\u{7}", "/\u{9b}31m", "/a\r\nb"] {
        let slow = Slow {
            target: target.to_owned(),
            milliseconds: 1,
        };
        view.slowest.get_or_insert_default().push(slow);
    }
    let screen = text(&view);
    let steers = |c: char| c.is_control() && c != '\n';
    assert!(!screen.contains(steers), "{screen:?}");
}

/// What a window of this size shows.
fn drawn(width: u16, height: u16, view: &View) -> String {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    draw(&mut buffer, view);
    lines(&buffer)
}

#[test]
fn a_usual_window_shows_all_of_it() {
    let mut view = busy();
    let hot = |number: u64| Hot {
        target: format!("/categories/kitchen?page={number}"),
        hits: 100_000 - number,
    };
    view.hottest = Some((1..=20).map(hot).collect());
    let screen = drawn(80, 24, &view);
    let expected = "\
djanginxed top  the last 2 s
nginx        93.1% hits (all: 95.0%)  1250 hits/s  4.7 MB/s  123456 hits in all
application  12.9% hits (all: 10.0%)  92.6 requests/s  3.0 bypasses/s  0 stale/s
             render 4.20 ms (all: 12 ms)  80.0 stores/s  queue 3 pages, 30.1 kB
             2 processes

Memcached───────────────────────────────────────────────────────────────────────
                                memory items  hits evictions connections breaker
127.0.0.1:11211       12.3 of 268.4 MB  1234 91.4%  17 0.5/s  66 of 1024    OPEN

hottest, 5 min";
    assert!(screen.starts_with(expected), "{screen}");
    assert!(
        screen.contains("/categories/kitchen?page=13       99987"),
        "{screen}"
    );
    for words in [
        "slowest renders",
        "/reports",
        "1204 ms",
        "refusals",
        "not stored set-cookie",
        "42 0.5/s",
    ] {
        assert!(screen.contains(words), "{words:?} is not in\n{screen}");
    }
}

#[test]
fn what_is_too_long_is_cut_where_it_says_least() {
    let mut view = busy();
    view.servers[0].address = "unix:/run/memcached-pages/memcached.sock".to_owned();
    view.slowest = Some(vec![Slow {
        target: "/categories/kitchen?page=1&order=price-descending".to_owned(),
        milliseconds: 1_204,
    }]);
    let screen = drawn(80, 24, &view);
    assert!(screen.contains("\n…/memcached.sock "), "{screen}");
    assert!(
        screen.contains("/categories/kitchen?page=1&ord… 1204 ms"),
        "{screen}"
    );
    assert_eq!(end_of("/a/bc", 4), "…/bc");
    assert_eq!(end_of("abcdef", 4), "…def");
    assert_eq!(end_of("abc", 0), "…");
    assert_eq!(beginning_of("abc".to_owned(), 2), "a…");
}

#[test]
fn any_size_of_window_is_drawn() {
    let mut view = busy();
    let server = view.servers[0].clone();
    view.servers = vec![server; 300];
    for (width, height) in [(0, 0), (1, 1), (20, 5), (80, 24), (300, 100)] {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let drawn = terminal.draw(|frame| draw(frame.buffer_mut(), &view));
        assert_eq!(drawn.unwrap().area.width, width);
    }
    assert!(text(&view).contains("slowest renders"));
}
