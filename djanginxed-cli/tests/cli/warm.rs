use std::process::Stdio;
use std::time::{Duration, Instant};

use actix_web::rt;
use djanginxed::{Layout, PageKey, Vary};
use testkit::Process;

use crate::site::{Build, Running};
use crate::tool::{command, finish, run};

#[test]
fn pages_are_stored_refused_and_failed_and_summed_up() {
    let site = Running::start();
    let urls = ["/articles/1", "/text", "/session", "/missing"].map(|target| site.url(target));
    let list = urls.join("\n");
    let done = finish(command().args(["warm", "-", "--file", "/dev/null"]), &list);
    assert_eq!(done.code, 1);
    assert!(
        done.out
            .contains("2 stored, 0 already there, 1 refused, 1 failed\n"),
        "{}",
        done.out
    );
    assert!(done.out.contains("  1 refused: set-cookie\n"));
    assert!(
        done.out
            .contains(&format!("failed         {}: status 404", urls[3]))
    );
    rt::System::new().block_on(site.pages.flush());
    let again = run(["warm", &urls[0], &urls[1], &urls[0]]);
    assert_eq!(again.code, 0);
    assert!(
        again
            .out
            .contains("0 stored, 2 already there, 0 refused, 0 failed\n"),
        "{}",
        again.out
    );
}

#[test]
fn a_stored_redirect_and_a_stored_error_are_stored_pages() {
    let build = Build {
        layout: Layout::Response,
        ..Build::default()
    };
    let site = Running::with(build, |pages| pages.statuses([200, 301, 404]), |file| file);
    let urls = ["/moved", "/gone"].map(|target| site.url(target));
    let done = run(["warm", &urls[0], &urls[1]]);
    assert_eq!(done.code, 0, "{done:?}");
    let sum = "2 stored, 0 already there, 0 refused, 0 failed\n";
    assert!(done.out.contains(sum), "{}", done.out);
    let again = run(["warm", &urls[0], &urls[1], &site.url("/missing")]);
    assert_eq!(again.code, 1, "{again:?}");
    let sum = "0 stored, 2 already there, 0 refused, 1 failed\n";
    assert!(again.out.contains(sum), "{}", again.out);
}

/// A site whose pages vary by language and by the members of a group.
fn varied() -> Running {
    let vary = |pages: djanginxed::PageCacheBuilder| {
        pages
            .vary(Vary::language(["en", "de"]))
            .vary(Vary::group("group", ["member"], SECRET))
    };
    Running::with(Build::default(), vary, |file| file)
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const RULES: &str = "language=en,de; group:group=member";

#[test]
fn a_page_is_stored_in_each_variant() {
    let site = varied();
    let warm = |more: &[&str]| {
        let mut command = command();
        command
            .args(["warm", &site.url("/articles/1"), "-n", "1"])
            .args(more)
            .env("DJANGINXED_GROUP_SECRET", SECRET);
        command
    };
    let done = finish(&mut warm(&["--vary", RULES]), "");
    assert_eq!(done.code, 0, "{done:?}");
    let sum = "4 stored, 0 already there, 0 refused, 0 failed\n";
    assert!(done.out.contains(sum), "{}", done.out);
    for variant in ["~en~", "~de~", "~en~member", "~de~member"] {
        let line = format!("stored         {} {variant}\n", site.url("/articles/1"));
        assert!(done.out.contains(&line), "{variant}: {}", done.out);
        let key = PageKey::new(&format!("site1{variant}"), "/articles/1");
        assert!(site.memcached.get(key.to_string()).is_some(), "{variant}");
    }
    let again = finish(warm(&["--json"]).env("DJANGINXED_VARY", RULES), "");
    let sum: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(sum["already_there"], 4, "{again:?}");
    let pages = sum["pages"].as_array().unwrap().iter();
    let variants: Vec<_> = pages
        .map(|page| page["variant"].as_str().unwrap())
        .collect();
    assert_eq!(variants, ["~en~", "~de~", "~en~member", "~de~member"]);
}

#[test]
fn members_who_cannot_be_asked_as_are_told() {
    let site = varied();
    let done = run(["warm", &site.url("/articles/1"), "--vary", RULES]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.out.contains("2 stored, 0 already there"), "{done:?}");
    let told = "2 variants of groups are not asked for: give DJANGINXED_GROUP_SECRET";
    assert!(done.err.contains(told), "{}", done.err);
}

#[test]
fn a_field_that_pages_vary_by_is_not_given_as_well() {
    let language = "accept-language: de";
    let done = run([
        "warm",
        "http://a.example/",
        "--vary",
        "language=en,de",
        "-H",
        language,
    ]);
    assert_eq!((done.code, done.out.as_str()), (2, ""), "{done:?}");
    let told = "--header accept-language: pages vary by it";
    assert!(done.err.contains(told), "{}", done.err);
}

#[test]
fn what_is_said_to_be_stored_is_there_right_after_a_delete_too() {
    let site = Running::start();
    let (url, servers) = (site.url("/articles/1"), site.memcached.address());
    assert_eq!(run(["warm", &url]).code, 0);
    let place = ["--servers", &servers, "--prefix", "site1"];
    let deleted = finish(command().args(["delete", "/articles/1"]).args(place), "");
    assert!(deleted.out.starts_with("1 deleted"), "{deleted:?}");
    let done = run(["warm", &url]);
    assert!(done.out.contains("1 stored"), "{done:?}");
    let key = site.pages.key("/articles/1").to_string();
    assert!(site.memcached.get(key).is_some(), "{done:?}");
}

#[test]
fn nested_sitemaps_are_read_once() {
    let site = Running::start();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let entry = |tag: &str, place: &str| format!("<{tag}><loc>{place}</loc></{tag}>");
    let pages: String = (0..20)
        .map(|id| entry("url", &site.url(&format!("/articles/{id}?a=1&amp;b=2"))))
        .collect();
    std::fs::write(path("pages.xml"), format!("<urlset>{pages}</urlset>")).unwrap();
    let index = entry("sitemap", &path("pages.xml")) + &entry("sitemap", &path("index.xml"));
    std::fs::write(
        path("index.xml"),
        format!("<sitemapindex>{index}</sitemapindex>"),
    )
    .unwrap();
    let done = run(["warm", "--sitemap", &path("index.xml"), "-n", "8"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("20 stored"), "{}", done.out);
    rt::System::new().block_on(site.pages.flush());
    assert!(
        site.memcached
            .get(site.pages.key("/articles/7?a=1&b=2").to_string())
            .is_some()
    );
}

#[test]
fn the_rate_is_kept() {
    let site = Running::start();
    let list: Vec<_> = (0..11)
        .map(|id| site.url(&format!("/articles/{id}")))
        .collect();
    let begin = Instant::now();
    let done = finish(
        command().args(["warm", "-", "--rate", "20"]),
        &list.join("\n"),
    );
    assert!(done.out.contains("11 stored"), "{}", done.out);
    // The first goes out at once, the eleventh half a second later.
    assert!(begin.elapsed() >= Duration::from_millis(450));
}

#[test]
fn with_memcached_down_pages_are_asked_for_all_the_same() {
    let mut site = Running::start();
    site.memcached.stop();
    let done = run(["warm", &site.url("/articles/1")]);
    assert!(!done.out.contains("failed         "), "{}", done.out);
}

#[test]
fn a_site_that_is_down_and_a_bad_sitemap_are_told() {
    let port = testkit::free_port();
    let done = run(["warm", &format!("http://127.0.0.1:{port}/")]);
    assert_eq!(done.code, 1);
    assert!(done.out.contains("cannot connect") && done.out.contains("1 failed"));
    let done = run(["warm", "--sitemap", "/dev/null"]);
    assert_eq!((done.code, done.err.lines().count()), (1, 1));
    assert!(done.err.contains("sitemap /dev/null"), "{}", done.err);
    let done = run(["warm", "ftp://h/"]);
    assert_eq!(done.code, 2);
    assert_eq!(run(["warm"]).code, 2);
}

#[test]
fn ctrl_c_ends_it_with_the_sum() {
    let site = Running::start();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("urls");
    let urls: String = (0..100)
        .map(|id| site.url(&format!("/articles/{id}")) + "\n")
        .collect();
    std::fs::write(&list, urls).unwrap();
    let out = folder.path().join("out");
    let mut command = command();
    command
        .args(["warm", "--rate", "10", "--file"])
        .arg(&list)
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&out).unwrap());
    let mut process = Process::spawn("djanginxed", &mut command, None).unwrap();
    let printed = || std::fs::read_to_string(&out).unwrap();
    testkit::eventually("some pages are stored", || printed().contains("stored  "));
    let kill = std::process::Command::new("kill")
        .args(["-INT", &process.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    testkit::eventually("it ends", || process.ended().is_some());
    assert_eq!(process.ended().unwrap().code(), Some(130));
    assert!(printed().contains("not asked for"), "{}", printed());
}

#[test]
fn https_is_spoken_with_the_certificates_that_the_machine_trusts() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(path("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let nginx = testkit::Nginx::start(|port| {
        let (cert, key) = (path("cert.pem"), path("key.pem"));
        format!(
            "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {cert}; ssl_certificate_key {key};
            add_header Cache-Status \"nginx; hit\"; return 200 page; }}"
        )
    })
    .unwrap();
    let url = format!("https://localhost:{}/", nginx.port());
    let connect = format!("127.0.0.1:{}", nginx.port());
    let mut trusting = command();
    trusting
        .args(["warm", &url, "--connect", &connect])
        .env("SSL_CERT_FILE", path("cert.pem"));
    let done = finish(&mut trusting, "");
    assert!(done.out.contains("1 already there"), "{done:?}");
    let done = run(["warm", &url, "--connect", &connect]);
    assert!(done.out.contains("TLS failed"), "{done:?}");
}

/// nginx in front of files, with redirects.
fn files(files: &[(&str, &str)]) -> testkit::Nginx {
    let mut nginx = testkit::Nginx::builder();
    for (name, text) in files {
        nginx = nginx.file(*name, *text);
    }
    nginx
        .start(|port| {
            format!(
                "server {{ listen 127.0.0.1:{port}; root .; add_header Cache-Status \"nginx; hit\";
                location = /old.xml {{ return 301 /maps.xml; }}
                location = /round.xml {{ return 302 /round.xml; }}
                location = /moved {{ add_header X-From nginx; return 301 /new?caf%C3%A9; }}
                location /page {{ return 200 page; }} location /caf {{ return 200 page; }} }}"
            )
        })
        .unwrap()
}

#[test]
fn a_sitemap_that_cannot_be_read_is_told_and_the_others_are_read() {
    let nginx = files(&[
        (
            "maps.xml",
            "<sitemapindex><sitemap><loc>/missing.xml</loc></sitemap><sitemap><loc>half.xml</loc></sitemap>
            <sitemap><loc>/round.xml</loc></sitemap><sitemap><loc>whole.xml</loc></sitemap></sitemapindex>",
        ),
        ("half.xml", "<urlset><url><loc>/page/1</loc></url><url><loc>/page/2"),
        (
            "whole.xml",
            "<urlset><url><loc>page/3</loc></url><url><loc>/caf\u{e9} au lait</loc></url></urlset>",
        ),
    ]);
    let url = |path: &str| format!("http://127.0.0.1:{}{path}", nginx.port());
    let done = run(["warm", "--sitemap", &url("/old.xml")]);
    assert_eq!(done.code, 1);
    for page in ["/page/1", "/page/3", "/caf%C3%A9%20au%20lait"] {
        let line = format!("already there  {}\n", url(page));
        assert!(done.out.contains(&line), "{line} in {done:?}");
    }
    assert!(
        done.out
            .contains("0 stored, 3 already there, 0 refused, 0 failed")
    );
    let told = |name: &str, problem: &str| {
        let mut lines = done.err.lines();
        lines.any(|line| line.contains(&url(name)) && line.contains(problem))
    };
    assert!(told("/missing.xml", "status 404"), "{}", done.err);
    assert!(told("/half.xml", "cut off"), "{}", done.err);
    assert!(told("/round.xml", "5 times"), "{}", done.err);
    assert_eq!(done.err.lines().count(), 3);
}

#[test]
fn where_a_redirect_leads_is_said() {
    let nginx = files(&[]);
    let url = |path: &str| format!("http://127.0.0.1:{}{path}", nginx.port());
    let done = run(["warm", &url("/moved")]);
    let to = format!("redirect, status 301, to {}\n", url("/new?caf%C3%A9"));
    assert!(done.out.contains(&to), "{}", done.out);
    assert!(done.out.contains("  1 refused: redirect, status 301\n"));
}

#[test]
fn what_became_of_the_pages_is_json_where_asked() {
    let site = Running::start();
    let done = run([
        "warm",
        "--json",
        &site.url("/articles/1"),
        &site.url("/session"),
    ]);
    assert_eq!(done.code, 1);
    let sum: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(
        (&sum["stored"], &sum["refused"]["set-cookie"]),
        (&1.into(), &1.into())
    );
    let mut became: Vec<_> = (sum["pages"].as_array().unwrap().iter())
        .map(|page| page["became"].as_str().unwrap())
        .collect();
    became.sort_unstable();
    assert_eq!(became, ["refused", "stored"]);
}

#[test]
fn a_file_and_a_dumb_terminal_get_a_line_a_page() {
    let nginx = files(&[]);
    let url = format!("http://127.0.0.1:{}/page", nginx.port());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let on_terminal = |line: &str, term: &str| {
        let mut script = std::process::Command::new("script");
        script.args(["-qec", line, "/dev/null"]).env("TERM", term);
        finish(&mut script, "").out
    };
    let warm = format!("{} warm {url}", env!("CARGO_BIN_EXE_djanginxed"));
    let expected = format!("already there  {url}");
    let dumb = on_terminal(&warm, "dumb");
    assert!(
        dumb.contains(&expected) && !dumb.contains('\u{1b}'),
        "{dumb:?}"
    );
    assert!(!on_terminal(&warm, "xterm").contains(&expected));
    let bar = on_terminal(&format!("{warm} > {}", file.display()), "xterm");
    assert!(bar.contains("1/1 pages"), "{bar:?}");
    let lines = std::fs::read_to_string(&file).unwrap();
    assert!(
        lines.starts_with(&format!("{expected}\n0 stored, 1 already")),
        "{lines}"
    );
}
