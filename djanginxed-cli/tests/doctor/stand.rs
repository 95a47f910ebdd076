//! A site that is broken in one way, or in none.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use djanginxed::nginx::Site;
use djanginxed::{Layout, PageCache, PageCacheBuilder, Placement, Vary};
use testkit::{Memcached, Module, Nginx, free_port};

use crate::app::{Application, Build};

/// What a set-up is made of; the default is a site that works.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    /// What it shows.
    pub(crate) name: &'static str,
    /// The cause that `check` is to name; none: all is well.
    pub(crate) cause: Option<&'static str>,
    pub(crate) target: &'static str,
    /// What each Memcached is started with.
    pub(crate) memcached: &'static [&'static [&'static str]],
    /// The mode of their unix sockets, where they have no ports.
    pub(crate) sockets: Option<u32>,
    pub(crate) build: Build,
    pub(crate) pages: fn(PageCacheBuilder) -> PageCacheBuilder,
    /// Each list of servers, made from the addresses.
    pub(crate) of_app: fn(&[String]) -> Vec<String>,
    pub(crate) of_nginx: fn(&[String]) -> Vec<String>,
    pub(crate) given: fn(&[String]) -> Vec<String>,
    /// The placements of the application, nginx and the command line.
    pub(crate) placements: [Placement; 3],
    /// The layouts of the application and of nginx's file.
    pub(crate) layouts: [Layout; 2],
    /// What pages of each vary by, as `--vary` has it.
    pub(crate) vary: [&'static [&'static str]; 2],
    /// Whether each of them has personal parts switched on.
    pub(crate) parts: [bool; 2],
    pub(crate) app_prefix: &'static str,
    pub(crate) prefix: &'static str,
    pub(crate) site: fn(Site) -> Site,
    pub(crate) njs: bool,
    /// Whether the application renders pages anew by requests to itself.
    pub(crate) refreshes: bool,
    /// Whether visitors ask for other pages meanwhile.
    pub(crate) busy: bool,
    /// Further files in nginx's folder.
    pub(crate) files: fn() -> Vec<(String, String)>,
    pub(crate) nginx: fn(String) -> String,
    /// Once all of it runs.
    pub(crate) then: fn(&mut Stand),
    /// Further arguments.
    pub(crate) args: fn(&Stand) -> Vec<String>,
    /// The URL, where it is not the target at nginx.
    pub(crate) url: Option<fn(&Stand) -> String>,
    /// Whether --app, --servers and --conf are given.
    pub(crate) tells_app: bool,
    pub(crate) tells_servers: bool,
    pub(crate) tells_conf: bool,
}

pub(crate) const SOUND: Setup = Setup {
    name: "",
    cause: None,
    target: "/articles/1",
    memcached: &[&[]],
    sockets: None,
    build: Build {
        normalize_path: false,
        adds: None,
        takes: None,
        admin: false,
        admin_apart: false,
        at_socket: false,
    },
    pages: |pages| pages,
    of_app: all,
    of_nginx: all,
    given: all,
    placements: [Placement::Consistent; 3],
    layouts: [Layout::Body; 2],
    vary: [&[]; 2],
    parts: [false; 2],
    app_prefix: "site1",
    prefix: "site1",
    site: |site| site,
    njs: false,
    refreshes: false,
    busy: false,
    files: Vec::new,
    nginx: |file| file,
    then: |_| {},
    args: |_| Vec::new(),
    url: None,
    tells_app: true,
    tells_servers: true,
    tells_conf: false,
};

pub(crate) fn all(addresses: &[String]) -> Vec<String> {
    addresses.to_vec()
}

/// The secret of groups.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn varied(pages: PageCacheBuilder, rules: &[&str]) -> PageCacheBuilder {
    rules.iter().fold(pages, |pages, rule| {
        pages.vary(rule.parse::<Vary>().unwrap().with_secret(SECRET))
    })
}

/// A set-up that runs.
pub(crate) struct Stand {
    pub(crate) nginx: Nginx,
    pub(crate) memcached: Vec<Memcached>,
    pub(crate) application: Option<Application>,
    /// Another process of it.
    pub(crate) second: Option<Application>,
    /// Connections to Memcached that somebody holds.
    pub(crate) held: Vec<TcpStream>,
    /// The application's address, also where it has ended.
    pub(crate) app: String,
    target: &'static str,
    visitors: Option<Visitors>,
}

/// Visitors of other pages, until their end.
struct Visitors {
    gone: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Visitors {
    fn of(port: u16) -> Visitors {
        let gone = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&gone);
        let thread = std::thread::spawn(move || {
            let mut count = 0u32;
            while !ended.load(Ordering::Relaxed) {
                // Each page comes back some times.
                let target = format!("/articles/{}?visitor={}", count % 7, count / 5);
                let _ = testkit::get(port, &target);
                count += 1;
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Visitors {
            gone,
            thread: Some(thread),
        }
    }
}

impl Drop for Visitors {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        // Before nginx, or they would meet nobody.
        self.visitors = None;
    }
}

impl Stand {
    pub(crate) fn start(setup: &Setup) -> Stand {
        let memcached: Vec<Memcached> = (setup.memcached.iter())
            .map(|args| {
                let builder = Memcached::builder().args(args.iter().copied());
                let builder = match setup.sockets {
                    Some(mode) => builder.socket(mode),
                    None => builder,
                };
                builder.start().unwrap()
            })
            .collect();
        let addresses: Vec<String> = memcached.iter().map(Memcached::address).collect();
        let pages = |servers: Vec<String>, placement, prefix, layout| {
            let builder = PageCache::builder()
                .placement(placement)
                .key_prefix(prefix)
                .layout(layout);
            // No server at all is the application's own memory.
            if servers.is_empty() {
                return builder;
            }
            builder.memcached(servers)
        };
        let [of_app, of_nginx, _] = setup.placements;
        let [layout_of_app, layout_of_nginx] = setup.layouts;
        let own = pages(
            (setup.of_app)(&addresses),
            of_app,
            setup.app_prefix,
            layout_of_app,
        );
        let own = varied(own.parts(setup.parts[0]), setup.vary[0]);
        // None that the system gives to another set-up once this application has ended.
        let port = free_port();
        let own = match setup.refreshes {
            true => own.refresh_through(format!("http://127.0.0.1:{port}")),
            false => own,
        };
        let own = (setup.pages)(own).build().unwrap();
        let application = Application::start(port, own, setup.build);
        let app = application.address();
        let shown = pages(
            (setup.of_nginx)(&addresses),
            of_nginx,
            "site1",
            layout_of_nginx,
        );
        let shown = varied(shown.parts(setup.parts[1]), setup.vary[1]);
        let shown = (setup.pages)(shown).build().unwrap();
        let site = |port: u16| {
            let site = Site::new(&shown)
                .server_name("127.0.0.1")
                .app(&app)
                .listen(format!("127.0.0.1:{port}"))
                .inner(format!("127.0.0.1:{}", free_port()))
                .page("/json/", "json", "application/json")
                .page("/feed.xml", "feed", "application/rss+xml");
            let site = if setup.njs {
                site.md5(djanginxed::nginx::Md5::Njs)
            } else {
                site
            };
            (setup.site)(site).generate().unwrap()
        };
        let file = |port: u16| (setup.nginx)(site(port).site());
        let mut builder = Nginx::builder();
        if layout_of_nginx == Layout::Response {
            builder = builder.modules([Module::SetMisc, Module::Srcache]);
        }
        if setup.njs {
            let script = site(1).script().unwrap().to_owned();
            builder = builder.modules([Module::Njs]).file("djanginxed.js", script);
        }
        for (name, text) in (setup.files)() {
            builder = builder.file(name, text);
        }
        let nginx = builder.start(file).unwrap();
        let visitors = setup.busy.then(|| Visitors::of(nginx.port()));
        let mut stand = Stand {
            visitors,
            nginx,
            memcached,
            application: Some(application),
            second: None,
            held: Vec::new(),
            app,
            target: setup.target,
        };
        (setup.then)(&mut stand);
        stand
    }

    /// Starts another process of the application, with pages of this prefix.
    pub(crate) fn start_second(&mut self, prefix: &str) {
        self.start_second_with(prefix, self.addresses());
    }

    /// The same, with pages on these servers.
    pub(crate) fn start_second_with(&mut self, prefix: &str, servers: Vec<String>) {
        self.start_second_at(free_port(), prefix, servers);
    }

    /// The same, on this port.
    pub(crate) fn start_second_at(&mut self, port: u16, prefix: &str, servers: Vec<String>) {
        let pages = PageCache::builder().memcached(servers);
        self.start_second_of(port, pages.key_prefix(prefix));
    }

    /// The same on this port, with the usual pages but for `edit`.
    pub(crate) fn start_other(
        &mut self,
        port: u16,
        edit: fn(PageCacheBuilder) -> PageCacheBuilder,
    ) {
        let pages = PageCache::builder().memcached(self.addresses());
        self.start_second_of(port, edit(pages.key_prefix("site1")));
    }

    fn start_second_of(&mut self, port: u16, pages: PageCacheBuilder) {
        let pages = pages.build().unwrap();
        let build = Build {
            admin: true,
            ..SOUND.build
        };
        self.second = Some(Application::start(port, pages, build));
    }

    /// Holds so many connections to the first Memcached, or as many as it takes.
    pub(crate) fn hold(&mut self, most: usize) {
        let port = self.memcached[0].port();
        while self.held.len() < most {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let mut answer = [0; 4];
            let noop = stream.write_all(b"mn\r\n");
            if noop.and_then(|()| stream.read_exact(&mut answer)).is_err() || &answer != b"MN\r\n" {
                return;
            }
            self.held.push(stream);
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.nginx.port()
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.memcached.iter().map(Memcached::address).collect()
    }

    /// The command line of `check`.
    pub(crate) fn command(&self, setup: &Setup) -> Vec<String> {
        let url = match setup.url {
            Some(url) => url(self),
            None => format!("http://127.0.0.1:{}{}", self.port(), self.target),
        };
        let mut words = vec!["check".to_owned(), url];
        let mut give = |option: &str, value: String| words.extend([option.to_owned(), value]);
        give("--prefix", setup.prefix.to_owned());
        let servers = (setup.given)(&self.addresses());
        if setup.tells_servers {
            give("--servers", servers.join(","));
            if setup.placements[2] == Placement::Modulo {
                give("--placement", "modulo".to_owned());
            }
        }
        if setup.tells_app {
            give("--app", self.app.clone());
            if let Some(second) = &self.second {
                give("--app", second.address());
            }
        }
        if setup.tells_conf {
            let path = self.nginx.folder().join("nginx.conf");
            give("--conf", path.display().to_string());
        }
        words.extend((setup.args)(self));
        words
    }
}
