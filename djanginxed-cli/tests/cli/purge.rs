use std::io::{Read, Write};

use testkit::{Memcached, eventually, free_port, http};

use crate::impostor::impostor;
use crate::site::Running;
use crate::tool::{Done, command, run};

/// A site whose pages `/articles/1`, `/articles/2` and `/text` are stored.
fn stored() -> Running {
    let site = Running::start();
    let targets = ["/articles/1", "/articles/2", "/text"];
    for target in targets {
        assert_eq!(http::get(site.nginx.port(), target).status, 200);
    }
    eventually("all are stored", || {
        targets.iter().all(|target| is_hit(&site, target))
    });
    site
}

fn is_hit(site: &Running, target: &str) -> bool {
    let answer = http::get(site.nginx.port(), target);
    answer.header("cache-status") == Some("nginx; hit")
}

fn purge(servers: &str, options: &[&str]) -> Done {
    let mut command = command();
    command.args(["purge", "--servers", servers, "--prefix", "site1"]);
    crate::tool::finish(command.args(options), "")
}

#[test]
fn pages_of_a_tag_are_purged_and_others_stay() {
    let site = stored();
    let servers = site.memcached.address();
    let done = purge(&servers, &["--tag", "article:1", "--tag", "nothing"]);
    assert_eq!((done.code, done.out.as_str()), (0, "1 deleted, 0 failed\n"));
    assert!(done.err.contains("2 seconds") && done.err.lines().count() == 1);
    assert!(!is_hit(&site, "/articles/1"));
    assert!(is_hit(&site, "/articles/2") && is_hit(&site, "/text"));
    let done = purge(&servers, &["--tag=articles"]);
    assert_eq!(done.code, 0);
    assert!(!is_hit(&site, "/articles/2"));
    assert!(is_hit(&site, "/text"));
}

#[test]
fn all_pages_are_purged_and_nothing_of_others() {
    let site = stored();
    site.memcached.set("another's", 0, 0, "item");
    let done = purge(&site.memcached.address(), &["--all"]);
    assert_eq!((done.code, done.out.as_str()), (0, "3 deleted, 0 failed\n"));
    assert!(!is_hit(&site, "/articles/2") && !is_hit(&site, "/text"));
    assert!(site.memcached.get("another's").is_some());
}

#[test]
fn where_nothing_has_the_tag_nothing_is_deleted_and_that_is_no_failure() {
    let site = stored();
    let servers = site.memcached.address();
    let done = purge(&servers, &["--tag", "article:3"]);
    assert_eq!((done.code, done.out.as_str()), (0, "0 deleted, 0 failed\n"));
    let told = "no page with such a tag was stored under the key prefix \"site1\"";
    assert!(done.err.contains(told), "{}", done.err);
    let other = run(["purge", "--servers", &servers, "--prefix=site2", "--all"]);
    assert_eq!(
        (other.code, other.out.as_str()),
        (0, "0 deleted, 0 failed\n")
    );
    let told = "no page was stored under the key prefix \"site2\"";
    assert!(other.err.contains(told), "{}", other.err);
    assert_eq!(other.err.lines().count(), 2, "{}", other.err);
    let bare = run(["purge", "--servers", &servers, "--all"]);
    let told = "no page was stored without a key prefix (--prefix)";
    assert!(bare.err.contains(told), "{}", bare.err);
    assert!(is_hit(&site, "/articles/1"));
}

#[test]
fn one_dead_server_of_several_is_told_and_the_others_pages_are_purged() {
    let site = stored();
    let dead = format!("127.0.0.1:{}", free_port());
    let servers = format!("{},{dead}", site.memcached.address());
    let done = purge(&servers, &["--tag", "articles"]);
    assert_eq!((done.code, done.out.as_str()), (1, "2 deleted, 0 failed\n"));
    assert_eq!(done.err.matches(&dead).count(), 1, "{}", done.err);
    assert!(done.err.contains("purge again"), "{}", done.err);
    assert!(!is_hit(&site, "/articles/1"));
}

#[test]
fn memcached_out_of_reach_is_one_sentence() {
    let mut memcached = Memcached::start().unwrap();
    let address = memcached.address();
    memcached.pause();
    let hanging = purge(&address, &["--all"]);
    memcached.resume();
    memcached.stop();
    for done in [hanging, purge(&address, &["--all"])] {
        assert_eq!((done.code, done.out.as_str()), (1, ""), "{done:?}");
        assert_eq!(done.err.lines().count(), 1, "{}", done.err);
        assert!(done.err.contains(&address), "{}", done.err);
    }
}

#[test]
fn what_a_server_says_does_not_steer_the_terminal() {
    let address = impostor(|mut stream| {
        let mut asked = [0; 4096];
        while let Ok(1..) = stream.read(&mut asked) {
            // More answers than there were questions.
            let _ = stream.write_all(&b"SERVER_ERROR \x1b[31mred\r\n".repeat(500));
        }
    });
    let done = purge(&address, &["--all"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.err.contains("\\u{1b}[31mred"), "{}", done.err);
    assert!(!done.err.contains('\u{1b}'), "{}", done.err);
}

#[test]
fn a_wrong_command_line_is_named() {
    let address = "127.0.0.1:1";
    for (options, part) in [
        (&["--tag", "two words"][..], "two words"),
        (&["--tag", ""], "visible ASCII"),
        (&[], "--tag"),
        (&["--all", "--tag", "a"], "cannot be used with"),
    ] {
        let done = purge(address, options);
        assert_eq!(done.code, 2, "{done:?}");
        assert!(done.err.contains(part), "{}", done.err);
    }
    let done = run(["purge", "--all"]);
    assert_eq!(done.code, 2);
    assert!(done.err.contains("--servers"), "{}", done.err);
}

#[test]
fn show_tells_which_of_the_tags_a_page_has() {
    let site = stored();
    let servers = site.memcached.address();
    let show = |options: &[&str]| {
        let mut command = command();
        command.args(["show", "--servers", &servers]);
        command.args(["--tag=articles", "--tag=article:2", "--tag=article:1"]);
        crate::tool::finish(command.args(options), "")
    };
    let done = show(&["--prefix=site1", "/articles/1"]);
    assert_eq!(done.code, 0, "{done:?}");
    let last = done.out.lines().last().unwrap();
    assert_eq!(last, "  tags        articles, article:1");
    let of_text = ["--prefix=text", "--content-type=text/plain", "/text"];
    let own = show(&[&of_text[..], &["--tag-prefix=site1", "--tag=texts"]].concat());
    assert_eq!(own.out.lines().last(), Some("  tags        texts"));
    let none = show(&of_text);
    let last = none.out.lines().last();
    assert_eq!(last, Some("  tags        none of those asked for"));
    let json = show(&["--prefix=site1", "--json", "/articles/2", "/articles/3"]);
    let shown: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        shown[0]["tags"],
        serde_json::json!(["articles", "article:2"])
    );
    assert_eq!(shown[1].get("tags"), None);
}
