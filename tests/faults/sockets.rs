//! Memcached on a unix socket, in every way in which that fails.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::thread;

use testkit::{Memcached, eventually, get, heed_modes_of_files};

use crate::app::{Site, at, run_of, wait};
use crate::nginx::{in_front_of, visitors_in_front_of_nginx_do_not_notice, visits};
use crate::outages::{until_skipped, until_stored, visitors_do_not_notice, visits_do_not_wait};

fn on_a_socket() -> Memcached {
    Memcached::builder().socket(0o666).start().unwrap()
}

#[test]
fn a_hung_process_behind_a_socket_is_not_noticed() {
    let mut memcached = on_a_socket();
    visitors_do_not_notice(&memcached.address(), |broken| match broken {
        true => memcached.pause(),
        false => memcached.resume(),
    });
}

/// Linux does not wait for a place in a socket's queue: it says `EAGAIN`.
#[test]
fn a_socket_whose_queue_is_full_has_not_answered_in_time() {
    let mut memcached = (Memcached::builder().socket(0o666))
        .args(["-b", "1"])
        .start()
        .unwrap();
    let pages = at(&memcached.address()).build().unwrap();
    let site = Site::quick(&pages);
    until_stored(&site, "before");
    memcached.pause();
    let path = memcached.socket().unwrap();
    let queue: Vec<_> = (0..8)
        .filter_map(|_| {
            let (send, receive) = std::sync::mpsc::channel();
            let path = path.clone();
            // The one for which there is no place waits, for us, in a thread of its own.
            thread::spawn(move || send.send(std::os::unix::net::UnixStream::connect(path)));
            receive
                .recv_timeout(std::time::Duration::from_millis(100))
                .ok()
        })
        .collect();
    assert!(queue.len() < 8, "the queue takes all");
    let error = wait(pages.delete(&pages.key("/page"))).unwrap_err();
    let expected = format!(
        "Memcached server {} did not answer in time",
        memcached.address()
    );
    assert_eq!(error.to_string(), expected);
    until_skipped(&site, "during");
    visits_do_not_wait(&site, "during");
    memcached.resume();
    until_stored(&site, "after");
}

#[test]
fn a_process_that_is_killed_and_started_again_on_its_socket_is_not_noticed() {
    let mut memcached = on_a_socket();
    visitors_do_not_notice(&memcached.address(), |broken| match broken {
        true => memcached.kill(),
        false => memcached.restart_empty().unwrap(),
    });
}

#[test]
fn a_socket_that_hangs_behind_nginx_is_not_noticed() {
    visitors_in_front_of_nginx_do_not_notice(on_a_socket(), |memcached, broken| match broken {
        true => memcached.pause(),
        false => memcached.resume(),
    });
}

#[test]
fn a_socket_whose_process_is_killed_behind_nginx_is_not_noticed() {
    visitors_in_front_of_nginx_do_not_notice(on_a_socket(), |memcached, broken| match broken {
        true => memcached.kill(),
        false => memcached.restart_empty().unwrap(),
    });
}

/// What a delete says while `broken` holds; visitors do not notice, and pages are
/// stored again after `mend`.
#[track_caller]
fn is_said(
    memcached: &mut Memcached,
    broken: fn(&mut Memcached),
    mend: fn(&mut Memcached),
) -> String {
    let pages = at(&memcached.address()).build().unwrap();
    let site = Site::quick(&pages);
    until_stored(&site, "before");
    broken(memcached);
    let mut said = String::new();
    // Connections that were open go on until the server ends them.
    eventually("a delete fails", || {
        let deleted = wait(pages.delete(&pages.key("/page")));
        said = deleted
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        said.contains("cannot be reached")
    });
    assert!(said.contains(&memcached.address()), "{said}");
    until_skipped(&site, "during");
    visits_do_not_wait(&site, "during");
    mend(memcached);
    until_stored(&site, "after");
    said
}

#[test]
fn a_missing_socket_is_named() {
    let said = is_said(
        &mut on_a_socket(),
        |memcached| {
            memcached.stop();
            // memcached leaves it behind; after a boot it is not there.
            let _ = fs::remove_file(memcached.socket().unwrap());
        },
        |memcached| memcached.restart_empty().unwrap(),
    );
    assert!(said.contains("there is no such socket"), "{said}");
}

#[test]
fn a_socket_that_was_left_over_is_named() {
    let said = is_said(&mut on_a_socket(), Memcached::kill, |memcached| {
        memcached.restart_empty().unwrap();
    });
    assert!(said.contains("left over"), "{said}");
}

fn with_mode(memcached: &Memcached, mode: u32) {
    let path = memcached.socket().unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_socket_that_may_not_be_written_to_is_named_with_what_to_look_at() {
    let mut memcached = on_a_socket();
    heed_modes_of_files();
    let said = is_said(
        &mut memcached,
        |memcached| {
            memcached.kill();
            memcached.restart_empty().unwrap();
            with_mode(memcached, 0);
        },
        |memcached| with_mode(memcached, 0o666),
    );
    for part in ["permission denied", "-a", "group"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_socket_that_nginx_may_not_write_to_costs_hits_and_no_page() {
    let memcached = on_a_socket();
    let pages = at(&memcached.address()).build().unwrap();
    let site = Site::quick(&pages);
    // Of the user that memcached runs as; nginx's worker is another, where root starts both.
    with_mode(&memcached, 0o000);
    heed_modes_of_files();
    let nginx = in_front_of(&site, &memcached);
    visits(&nginx, "page");
    assert!(
        nginx.error_log().contains("(13: Permission denied)"),
        "{}",
        nginx.error_log()
    );
    with_mode(&memcached, 0o666);
    eventually("nginx finds pages", || {
        let response = get(nginx.port(), "/page/1");
        run_of(&response, "/page/1");
        response.header("cache-status") == Some("nginx; hit")
    });
}
