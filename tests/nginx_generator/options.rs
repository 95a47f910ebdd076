use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use djanginxed::nginx::{Md5, Site};
use djanginxed::{PageCache, Placement, Vary};
use testkit::http::Request;
use testkit::{Memcached, Module, Nginx, free_port};

use crate::application::Application;
use crate::stand::{Stand, cache, is_hit};

/// A site that nothing has to run for.
fn site() -> Site {
    let pages = PageCache::builder()
        .memcached(["127.0.0.1:11211"])
        .key_prefix("site1")
        .build()
        .unwrap();
    Site::new(&pages)
        .server_name("www.example.com")
        .app("127.0.0.1:8080")
}

#[track_caller]
fn accepted(site: &Site) {
    Nginx::test(&site.generate().unwrap().site()).unwrap();
}

#[test]
fn nginx_accepts_every_form_of_an_address() {
    for listen in ["8099", "*:8099", "127.0.0.1:8099", "[::1]:8099"] {
        accepted(&site().listen(listen));
    }
    for address in [
        "127.0.0.1:8080",
        "[::1]:8080",
        "localhost:8080",
        "unix:/run/app.sock",
    ] {
        accepted(&site().listen("8099").app(address));
    }
    accepted(&site().listen("127.0.0.1:8099").listen("127.0.0.1:8098"));
    for inner in ["127.0.0.1:8097", "[::1]:8097"] {
        accepted(&site().listen("8099").inner(inner));
    }
}

#[test]
fn nginx_accepts_names_locations_types_and_sizes_of_every_character_allowed() {
    let site = site()
        .listen("8099")
        .server_name("a-b_c.Example.com")
        .server_name("127.0.0.1")
        .server_name(format!("{}.example.com", "n".repeat(40)))
        .page(
            "/feed-_.~+@:,!&()*=/x/",
            "A-z.0_9:",
            "application/vnd.x-y_z+xml",
        )
        .page("/plain", "p", "text/plain")
        .never_cache("/admin")
        .client_max_body_size("0");
    accepted(&site);
}

#[test]
fn nginx_accepts_every_bypass_rule_and_header() {
    let pages = PageCache::builder()
        .memcached(["127.0.0.1:11211"])
        .bypass_cookie("sessionid")
        .bypass_cookie("a.b-c_D")
        .bypass_header("X-Preview")
        .hosts(["www.example.com"])
        .vary(Vary::language(
            (0..32).map(|n| format!("{}-{n}", "x".repeat(60))),
        ))
        .vary(Vary::mobile())
        .header("X-A", "a \"b\" \\ 'c' ; { } # \\n")
        .build()
        .unwrap();
    accepted(&Site::new(&pages).app("127.0.0.1:8080").listen("8099"));
}

#[test]
fn two_sites_stand_in_one_nginx_under_different_names() {
    let files = |name: Option<&str>, host: &str| {
        let site = site().listen("8099").server_name(host);
        let site = site.ignore_query("utm_*");
        let long = format!("{}.{host}", "n".repeat(50));
        let site = name.into_iter().fold(site.server_name(long), Site::name);
        site.generate().unwrap().site()
    };
    let (blog, shop) = (
        files(Some("blog"), "blog.example"),
        files(Some("shop"), "shop.example"),
    );
    let unnamed = files(None, "www.example");
    for sites in [[&unnamed, &blog], [&blog, &shop], [&shop, &unnamed]] {
        Nginx::test(&format!("{}\n{}", sites[0], sites[1])).unwrap();
    }
}

#[test]
fn a_host_of_none_of_two_named_sites_is_closed_without_an_answer() {
    let nginx = Nginx::start(|port| {
        let files = |name: &str, host: &str| {
            let site = site().listen(format!("127.0.0.1:{port}")).name(name);
            let files = Site::generate(&site.server_name(host)).unwrap();
            files
                .site()
                .replace("server_name www.example.com ", "server_name ")
        };
        format!(
            "{}\n{}",
            files("blog", "blog.example"),
            files("shop", "shop.example")
        )
    })
    .unwrap();
    let ask = |host: &str| {
        Request::get("/")
            .header("Host", host)
            .try_send(nginx.port())
    };
    for host in ["evil.example", "_djanginxed_blog", "_djanginxed_shop"] {
        assert!(ask(host).is_err(), "{host}");
    }
    for host in ["blog.example", "shop.example"] {
        assert!(ask(host).is_ok(), "{host}");
    }
}

#[test]
fn a_host_or_a_port_written_in_several_ways_stands_there_once() {
    let pages = PageCache::builder()
        .memcached(["127.0.0.1:11211"])
        .hosts(["h", "H", "h:80", "h.", "H.:8080"])
        .build()
        .unwrap();
    let site = Site::new(&pages).app("127.0.0.1:8080");
    let site = site
        .listen("8099")
        .listen("08099")
        .listen("*:8099")
        .listen("0.0.0.0:8099");
    let site = site.listen("[::1]:8099").listen("[0::1]:8099");
    accepted(&site);
    let text = site.generate().unwrap().site();
    assert!(text.contains("server_name h;\n"), "{text}");
    assert_eq!(text.matches("listen 8099").count(), 2, "{text}");
    assert_eq!(text.matches("listen [::1]:8099").count(), 2, "{text}");
    accepted(
        &self::site()
            .listen("8099")
            .server_name("www.example.com.")
            .server_name("WWW.example.com"),
    );
}

#[test]
fn a_host_named_like_a_word_of_map_is_a_host() {
    let words = ["default", "hostnames", "include", "volatile"];
    let stand = Stand::with(
        |memcached| cache(memcached).hosts(words),
        |site| {
            words
                .into_iter()
                .fold(site.server_name("other"), Site::server_name)
        },
    );
    stand.store("site1", "/a", "stored");
    let ask = |host: &str| {
        Request::get("/a")
            .header("Host", host)
            .send(stand.nginx.port())
    };
    for word in words {
        assert!(is_hit(&ask(word)), "{word}");
    }
    assert!(!is_hit(&ask("other")));
}

#[test]
fn long_lists_and_long_values_are_written_so_that_nginx_takes_them() {
    let many = |word: &str| {
        (0..300)
            .map(|number| format!("{word}-{number}"))
            .collect::<Vec<_>>()
    };
    let mut pages = PageCache::builder()
        .memcached(["127.0.0.1:11211"])
        .hosts(many("www.example"))
        .header("X-Long", "\"".repeat(1_700))
        .operation_timeout(std::time::Duration::MAX)
        .bypass_cookie("c".repeat(128));
    for name in many("cookie") {
        pages = pages.bypass_cookie(name);
    }
    let site = Site::new(&pages.build().unwrap())
        .app("127.0.0.1:8080")
        .listen("8099");
    let site = many("shop.example")
        .into_iter()
        .fold(site, Site::server_name);
    accepted(&site.page(format!("/{}/", "._~".repeat(60)), "p", "text/html"));
}

#[test]
fn nginx_has_room_for_the_longest_name_of_a_bypass_header() {
    for length in [60, 64, 120, 128, 200, 500] {
        let pages = PageCache::builder()
            .memcached(["127.0.0.1:11211"])
            .key_prefix("site1")
            .bypass_header("x".repeat(length));
        let site = Site::new(&pages.build().unwrap()).server_name("www.example.com");
        accepted(&site.app("127.0.0.1:8080"));
    }
}

#[test]
fn two_sites_share_an_inner_server_and_each_has_its_own_memcached() {
    let second = Memcached::start().unwrap();
    let pages = cache(&second).build().unwrap();
    let first = Memcached::start().unwrap();
    let own = cache(&first).build().unwrap();
    let inner = format!("127.0.0.1:{}", free_port());
    let site = |site: Site| site.inner(&inner);
    let both = |port: u16, file: String| {
        let listen = format!("127.0.0.1:{port}");
        let other = site(Site::new(&pages).server_name("blog.example.com"))
            .app("127.0.0.1:1")
            .listen(&listen)
            .name("blog");
        let other = other.generate().unwrap().site();
        let default = format!("listen {listen} default_server");
        file + &other.replace(&default, &format!("listen {listen}"))
    };
    let stand = Stand::edited(first, &own, Md5::SetMisc, site, both);
    stand.store("site1", "/a", "first");
    second.set(pages.key("/a").to_string(), 0, 0, "second");
    assert_eq!(stand.get("/a").text(), "first");
    let request = Request::get("/a").header("Host", "blog.example.com");
    assert_eq!(request.send(stand.nginx.port()).text(), "second");
}

#[test]
fn the_inner_server_may_listen_on_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let inner = format!("unix:{}/pages.sock", folder.path().display());
    let stand = Stand::with(cache, |site| site.inner(&inner));
    stand.store("site1", "/a", "stored");
    assert!(is_hit(&stand.get("/a")));
}

/// nginx's worker runs as another user where root starts it.
fn open_to_all(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder, mode).unwrap();
}

#[test]
fn several_applications_take_turns() {
    let second = Application::start();
    let stand = Stand::with(cache, |site| site.app(second.address()));
    for _ in 0..4 {
        assert!(!is_hit(&stand.get("/a")));
    }
}

/// An application that takes its time.
fn slow_application(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                // What is asked does not matter.
                let _ = stream.read(&mut [0; 8192]).unwrap();
                thread::sleep(Duration::from_millis(300));
                let answer =
                    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage";
                stream.write_all(answer.as_bytes()).unwrap();
            });
        }
    });
}

#[test]
fn applications_that_were_all_down_are_asked_by_all_visitors_once_they_are_back() {
    let memcached = Memcached::start().unwrap();
    let pages = cache(&memcached).build().unwrap();
    let ports = [free_port(), free_port()];
    let files = |port| {
        let site = Site::new(&pages).server_name("www.example.com");
        let site = site.inner(format!("127.0.0.1:{}", free_port()));
        let site = ports
            .iter()
            .fold(site, |site, port| site.app(format!("127.0.0.1:{port}")));
        site.listen(format!("127.0.0.1:{port}")).generate().unwrap()
    };
    let nginx = Nginx::builder().modules([Module::SetMisc]);
    let nginx = nginx.start(|port| files(port).site()).unwrap();
    let status = |number: usize| {
        let request = Request::get(format!("/{number}")).header("Host", "www.example.com");
        request.send(nginx.port()).status
    };
    // Each is asked each time, so that nginx knows of both that they fail.
    assert_eq!([status(0), status(1), status(2)], [502; 3]);
    for port in ports {
        slow_application(port);
    }
    let statuses: Vec<u16> = thread::scope(|scope| {
        let visitors: Vec<_> = (0..20).map(|n| scope.spawn(move || status(n))).collect();
        visitors
            .into_iter()
            .map(|one| one.join().unwrap())
            .collect()
    });
    assert_eq!(statuses, [200; 20]);
}

#[test]
fn pages_are_found_on_the_server_where_the_application_puts_them() {
    for placement in [Placement::Consistent, Placement::Modulo] {
        let (first, second) = (Memcached::start().unwrap(), Memcached::start().unwrap());
        let servers = [first.address(), format!("{} weight=2", second.address())];
        let pages = cache(&first)
            .memcached(&servers)
            .placement(placement)
            .build()
            .unwrap();
        let lines = Site::new(&pages)
            .server_name("www.example.com")
            .app("127.0.0.1:8080");
        let lines = lines.generate().unwrap().http().to_owned();
        assert!(lines.contains(&format!(
            "server {} max_fails=2 fail_timeout=5s;",
            servers[1]
        )));
        let stand = Stand::over(first, &pages, Md5::SetMisc, |site| site);
        for target in 0..20 {
            is_hit(&stand.get(&format!("/{target}")));
        }
        let asked = [&stand.memcached, &second].map(|server| server.stat("cmd_get"));
        assert_eq!(asked.iter().sum::<u64>(), 20);
        assert!(asked.iter().all(|&number| number > 0), "{asked:?}");
    }
}

#[test]
fn limits_of_a_server_that_the_site_sets_are_kept() {
    let pages = PageCache::builder()
        .memcached(["127.0.0.1:11211 max_fails=7 fail_timeout=1m"])
        .build()
        .unwrap();
    let site = Site::new(&pages)
        .server_name("a.example")
        .app("127.0.0.1:8080");
    let files = site.listen("8099").generate().unwrap();
    let line = "server 127.0.0.1:11211 max_fails=7 fail_timeout=60s;";
    assert!(files.http().contains(line), "{}", files.http());
}

#[test]
fn a_body_over_the_limit_is_refused_by_nginx_and_none_below_it() {
    let stand = Stand::with(cache, |site| site.client_max_body_size("2k"));
    let post = |size| stand.send(Request::new("POST", "/a").body("x".repeat(size)));
    assert_eq!(post(2048).status, 200);
    assert_eq!(post(2049).status, 413);
    let unlimited = Stand::with(cache, |site| site.client_max_body_size("0"));
    let body = "x".repeat(12_000_000);
    assert_eq!(
        unlimited.send(Request::new("POST", "/a").body(body)).status,
        200
    );
}

#[test]
fn the_public_port_stands_in_the_urls_that_the_application_makes() {
    for (port, url) in [
        (80, "http://www.example.com/a"),
        (81, "http://www.example.com:81/a"),
    ] {
        let stand = Stand::with(cache, |site| site.public_port(port));
        let response = stand.get("/a");
        assert!(response.text().contains(&format!("url: {url}\n")));
    }
}

#[test]
fn locations_alone_work_in_a_server_of_ones_own() {
    let memcached = Memcached::start().unwrap();
    let application = Application::start();
    let pages = cache(&memcached).build().unwrap();
    let files = Site::new(&pages)
        .server_name("www.example.com")
        .app(application.address())
        .never_cache("/admin/")
        .inner(format!("127.0.0.1:{}", free_port()))
        .generate()
        .unwrap();
    assert!(!files.locations().contains("server {") && !files.locations().contains("upstream"));
    let own = |port| {
        let (http, locations) = (files.http(), files.locations());
        format!("{http}\nserver {{ listen 127.0.0.1:{port};\n{locations}\n}}")
    };
    let nginx = Nginx::start(own).unwrap();
    memcached.set(pages.key("/a").to_string(), 0, 0, "stored");
    assert!(is_hit(&testkit::get(nginx.port(), "/a")));
    assert!(!is_hit(&testkit::get(nginx.port(), "/admin/a")));
}

#[test]
fn the_whole_file_runs_from_a_folder_without_privileges() {
    for md5 in [Md5::SetMisc, Md5::Njs] {
        let memcached = Memcached::start().unwrap();
        let application = Application::start();
        let pages = cache(&memcached).build().unwrap();
        let port = free_port();
        let files = Site::new(&pages)
            .server_name("127.0.0.1")
            .app(application.address())
            .listen(format!("127.0.0.1:{port}"))
            .md5(md5)
            .inner(format!("127.0.0.1:{}", free_port()))
            .generate()
            .unwrap();
        let running = full::Running::start(&files, port);
        memcached.set(pages.key("/a").to_string(), 0, 0, "stored");
        assert!(is_hit(&testkit::get(port, "/a")), "{md5:?}");
        assert!(!is_hit(&testkit::get(port, "/b")), "{md5:?}");
        drop(running);
    }
}

#[test]
fn with_tls_the_file_loads_and_other_names_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(folder.path());
    let port = free_port();
    let files = site()
        .listen(format!("127.0.0.1:{port}"))
        .tls(certificate, key)
        .inner(format!("127.0.0.1:{}", free_port()))
        .generate()
        .unwrap();
    Nginx::test(&files.site()).unwrap();
    let nginx = Nginx::start(|_| files.site()).unwrap();
    assert!(handshake(port, "www.example.com"));
    assert!(!handshake(port, "evil.example.com"));
    drop(nginx);
}

/// Whether `openssl s_client` gets a certificate for `name`.
fn handshake(port: u16, name: &str) -> bool {
    let address = format!("127.0.0.1:{port}");
    let output = openssl(&["s_client", "-connect", &address, "-servername", name]);
    String::from_utf8_lossy(&output.stdout).contains("BEGIN CERTIFICATE")
}

mod full {
    use std::process::Command;

    use djanginxed::nginx::Files;
    use testkit::{Process, eventually};

    /// nginx with the whole generated file.
    pub(super) struct Running {
        // Dropped in this order.
        process: Process,
        #[allow(dead_code, reason = "nginx's folder")]
        folder: tempfile::TempDir,
    }

    impl Running {
        pub(super) fn start(files: &Files, port: u16) -> Running {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("nginx.conf"), files.full()).unwrap();
            if let Some(script) = files.script() {
                std::fs::write(folder.path().join("djanginxed.js"), script).unwrap();
            }
            let mut command = Command::new("nginx");
            command.arg("-p").arg(folder.path()).args([
                "-c",
                "nginx.conf",
                "-e",
                "error.log",
                "-g",
                "daemon off;",
            ]);
            let process = Process::spawn("nginx", &mut command, None).unwrap();
            eventually("nginx listens", || {
                std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
            });
            Running { process, folder }
        }
    }

    impl Drop for Running {
        fn drop(&mut self) {
            self.process.stop();
        }
    }
}

/// A certificate and its key in `folder`, under a name that nginx's file must quote.
pub(crate) fn certificate(folder: &std::path::Path) -> (String, String) {
    let paths = ["cert ;{\".pem", "key.pem"].map(|name| folder.join(name));
    let [certificate, key] = paths.map(|path| path.to_str().unwrap().to_owned());
    let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj"];
    let rest = ["/CN=www.example.com", "-out", &certificate, "-keyout", &key];
    openssl(&[&request[..], &rest].concat());
    (certificate, key)
}

fn openssl(arguments: &[&str]) -> Output {
    Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("`cargo xtask test` installs openssl where it is missing")
}
