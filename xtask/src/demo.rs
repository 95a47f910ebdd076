//! `cargo xtask demo`: the whole way of a page, to look at.

use std::io::{BufRead, BufReader};
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::http::{Connection, Request, Response};
use testkit::{Memcached, Module, Nginx, Process, folder_shared_with_nginx, free_port};

use crate::install::install;
use crate::run::{Outcome, cargo, run, shown};

/// An example that is shown.
#[derive(Clone, Copy)]
pub(crate) struct Example {
    name: &'static str,
    /// The variable that says where it listens.
    listen: &'static str,
    key_prefix: &'static str,
    /// Its page for Prometheus.
    metrics: &'static str,
    /// Its admin page.
    admin: Option<&'static str>,
}

const SITE: Example = Example {
    name: "site",
    listen: "SITE_LISTEN",
    key_prefix: "docs",
    metrics: "/metrics",
    admin: None,
};

pub(crate) const SHOP: Example = Example {
    name: "shop",
    listen: "SHOP_LISTEN",
    key_prefix: "shop",
    metrics: "/internal/metrics",
    admin: Some("/internal/_pages"),
};

/// What signs cookies: the shop and nginx must have the same.
const SECRET: &str = "a-secret-of-the-demo-that-is-long-enough";

/// How long the site may take to listen, and its page to be stored.
const PATIENCE: Duration = Duration::from_secs(10);

/// Shows the example of this name.
pub(crate) fn demo(name: &str) -> Outcome {
    let known = [SITE, SHOP].into_iter().find(|one| one.name == name);
    let example = known.ok_or_else(|| format!("no such demo: {name}; there are site and shop"))?;
    install()?;
    run(&mut cargo(["build", "--example", example.name]))?;
    let interrupt = on_interrupt()?;
    let mut stack = Stack::start(example, &[])?;
    stack.introduce();
    stack.show_a_miss_and_a_hit()?;
    let url = format!("http://127.0.0.1:{}/", stack.nginx.port());
    println!(
        "\nWatch the cache at work in another terminal:\n  {}",
        shown(&stack.top())
    );
    println!("\nOpen {url} and reload a page: only its first request reaches the site below.");
    println!("Ctrl-C stops everything.\n");
    let result = stack.wait(&interrupt);
    stack.stop();
    result
}

/// Receives when the demo is to end: Ctrl-C, SIGTERM or a closed terminal.
fn on_interrupt() -> Outcome<Receiver<()>> {
    let (send, receive) = channel();
    let handler = move || {
        // An error means that the demo is ending already.
        let _ = send.send(());
    };
    ctrlc::set_handler(handler).map_err(|error| format!("cannot wait for Ctrl-C: {error}"))?;
    Ok(receive)
}

/// What the demo starts, in the order in which it ends: whoever asks ends
/// before whoever answers.
pub(crate) struct Stack {
    pub(crate) nginx: Nginx,
    site: Process,
    memcached: Memcached,
    feed: Feed,
    example: Example,
    site_port: u16,
}

/// The folder in which nginx tells the site of its hits.
struct Feed(TempDir);

impl Feed {
    fn socket(&self) -> String {
        self.0.path().join("hits.sock").display().to_string()
    }
}

impl Stack {
    /// With these variables in the environment of the example, too.
    pub(crate) fn start(example: Example, settings: &[(&str, String)]) -> Outcome<Stack> {
        let memcached = Memcached::builder().socket(0o666).start();
        let memcached = memcached.map_err(|error| error.to_string())?;
        let feed = Feed(folder_shared_with_nginx().map_err(|error| error.to_string())?);
        let place = Place {
            example,
            memcached: &memcached,
            feed: &feed,
            settings,
        };
        let (site, site_port) = place.start()?;
        let conf = |port| {
            place.nginx_file(site_port, port).unwrap_or_else(|error| {
                eprintln!("{error}");
                String::new()
            })
        };
        // Both layouts: `DJANGINXED_LAYOUT=response` is for the site to read.
        let nginx = Nginx::builder()
            .modules([Module::SetMisc, Module::Srcache])
            .start(conf)
            .map_err(|error| error.to_string())?;
        Ok(Stack {
            nginx,
            site,
            memcached,
            feed,
            example,
            site_port,
        })
    }

    /// `djanginxed top` of all of it.
    pub(crate) fn top(&self) -> Command {
        let own = |target: &str| format!("http://127.0.0.1:{}{target}", self.site_port);
        let mut command = cargo(["run", "--quiet", "--package", "djanginxed-cli", "--", "top"]);
        command.args(["--metrics", &own(self.example.metrics)]);
        if let Some(admin) = self.example.admin {
            command.args(["--admin", &own(admin)]);
        }
        command.args(["--hit-feed", &self.feed.socket()]);
        command.args(["--servers", &self.memcached.address()]);
        command
    }

    fn introduce(&self) {
        println!("\nmemcached  {}", self.memcached.address());
        println!("site       127.0.0.1:{}", self.site_port);
        println!("nginx      127.0.0.1:{}", self.nginx.port());
        println!("its file   {}/nginx.conf\n", self.nginx.folder().display());
    }

    fn show_a_miss_and_a_hit(&self) -> Outcome {
        self.ask("/", "fwd=uri-miss")?;
        // The site answers first and stores in the background.
        let end = Instant::now() + PATIENCE;
        while self.memcached.pages().is_empty() && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        self.ask("/", "nginx; hit")
    }

    /// Asks nginx for `target`, prints how it went, and checks that its
    /// Cache-Status has `expected`.
    fn ask(&self, target: &str, expected: &str) -> Outcome {
        let (response, time) = timed_get(self.nginx.port(), target)
            .map_err(|error| format!("GET {target} from nginx failed: {error}"))?;
        let cache_status = response.header("cache-status").unwrap_or("none");
        println!(
            "GET {target}  {}  {:6.2} ms  Cache-Status: {cache_status}",
            response.status,
            time.as_secs_f64() * 1000.0
        );
        if response.status == 200 && cache_status.contains(expected) {
            Ok(())
        } else {
            Err(format!(
                "GET {target} should have been answered with 200 and {expected:?}; nginx's log:\n{}",
                self.nginx.error_log()
            ))
        }
    }

    /// Returns when we are asked to end, or when a part has ended by itself.
    fn wait(&mut self, interrupt: &Receiver<()>) -> Outcome {
        loop {
            match interrupt.recv_timeout(Duration::from_millis(200)) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            let ends: [(&str, Option<ExitStatus>); 3] = [
                ("nginx", self.nginx.ended()),
                ("the site", self.site.ended()),
                ("memcached", self.memcached.ended()),
            ];
            for (name, end) in ends {
                if let Some(status) = end {
                    return Err(format!("{name} has ended by itself ({status})"));
                }
            }
        }
    }

    pub(crate) fn stop(mut self) {
        println!("\nStopping nginx, the site and memcached.");
        self.nginx.stop();
        self.site.stop();
        self.memcached.stop();
    }
}

fn timed_get(port: u16, target: &str) -> std::io::Result<(Response, Duration)> {
    let mut connection = Connection::open(port)?;
    let start = Instant::now();
    connection.send(&Request::get(target))?;
    let response = connection.receive()?;
    Ok((response, start.elapsed()))
}

/// An example, and what it works with.
struct Place<'a> {
    example: Example,
    memcached: &'a Memcached,
    feed: &'a Feed,
    /// Further variables of its environment.
    settings: &'a [(&'a str, String)],
}

impl Place<'_> {
    /// The example on a port of 127.0.0.1.
    fn site(&self, port: u16) -> Command {
        let example = self.example;
        let mut command = cargo(["run", "--quiet", "--example", example.name, "--"]);
        command
            .env(example.listen, format!("127.0.0.1:{port}"))
            .env("SHOP_SECRET", SECRET)
            .env("DJANGINXED_SERVERS", self.memcached.address())
            .env("DJANGINXED_HIT_FEED", self.feed.socket())
            .env("DJANGINXED_KEY_PREFIX", example.key_prefix)
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What the site says that nginx's file must be. Whatever need not be reached from
    /// outside has a unix socket.
    fn nginx_file(&self, site_port: u16, nginx_port: u16) -> Outcome<String> {
        let mut command = self.site(site_port);
        let listen = format!("127.0.0.1:{nginx_port}");
        let inner = match self.memcached.socket() {
            Some(socket) => format!("unix:{}", socket.with_file_name("pages.sock").display()),
            None => format!("127.0.0.1:{}", free_port()),
        };
        command.args(["--nginx", &listen, &inner]);
        let output = command
            .output()
            .map_err(|error| format!("cannot ask the site for nginx's file: {error}"))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn start(&self) -> Outcome<(Process, u16)> {
        let mut command = self.site(0);
        command.stdout(Stdio::piped());
        let mut site = Process::spawn("the site", &mut command, None).map_err(|e| e.to_string())?;
        let (send, receive) = channel();
        if let Some(lines) = site.stdout() {
            thread::spawn(move || pass_on(lines, &send));
        }
        let port = receive
            .recv_timeout(PATIENCE)
            .map_err(|_| "the example site did not say where it listens".to_owned())?;
        Ok((site, port))
    }
}

/// Prints what the site says, and sends the port that it listens on.
fn pass_on(lines: ChildStdout, listening: &Sender<u16>) {
    for line in BufReader::new(lines).lines().map_while(Result::ok) {
        println!("site | {line}");
        if let Some(port) = line
            .strip_prefix("listening on http://127.0.0.1:")
            .and_then(|port| port.parse().ok())
        {
            // An error means that nobody waits any more.
            let _ = listening.send(port);
        }
    }
}
