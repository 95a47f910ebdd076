//! `cargo xtask picture`: docs/pictures/top.svg, what `djanginxed top` shows in a terminal of
//! the usual size, of the example shop with visitors.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anstyle_svg::Term;
use tempfile::TempDir;
use testkit::http::Request;
use testkit::is_installed;

use crate::demo::{SHOP, Stack};
use crate::install::{Need, install_with};
use crate::run::{Outcome, cargo, root, run, shown};

const NEEDS: &[Need] = &[Need {
    what: "tmux",
    package: "tmux",
    is_there: || is_installed("tmux"),
}];

const PICTURE: &str = "docs/pictures/top.svg";

/// The size that most terminals have at first.
const SIZE: [&str; 4] = ["-x", "80", "-y", "24"];

/// Of so many characters, in pixels.
const WIDTH: usize = 80 * 42 / 5;

/// Of the shop's owner.
const PASSWORD: &str = "pictured";

/// No line of tmux's own, and the colours of most terminals.
const SETTINGS: &str = "set -g status off\nset -g default-terminal tmux-256color\n";

/// For how long there are visitors before the picture is taken.
const VISITS: Duration = Duration::from_secs(20);

/// How long the view may take to be drawn.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn picture() -> Outcome {
    install_with(NEEDS)?;
    run(&mut cargo(["build", "--package", "djanginxed-cli"]))?;
    run(&mut cargo(["build", "--example", "shop"]))?;
    let folder = tempfile::tempdir().map_err(|error| format!("cannot make a folder: {error}"))?;
    let database = folder.path().join("shop.sqlite").display().to_string();
    let settings = [
        ("SHOP_DATABASE", database),
        ("SHOP_PASSWORD", PASSWORD.to_owned()),
    ];
    let stack = Stack::start(SHOP, &settings)?;
    let taken = with_visitors(stack.nginx.port(), || {
        thread::sleep(VISITS);
        let terminal = Terminal::start(&stack.top())?;
        terminal.when_drawn()
    });
    stack.stop();
    let svg = Term::new()
        .min_width_px(WIDTH)
        .render_svg(taken?.trim_end());
    let file = root().join(PICTURE);
    fs::write(&file, svg).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    println!("{PICTURE} is written.");
    Ok(())
}

/// A terminal in which a program runs. It ends with this value.
struct Terminal {
    folder: TempDir,
}

impl Terminal {
    fn start(program: &Command) -> Outcome<Terminal> {
        let failed = |error: std::io::Error| format!("cannot make a folder for tmux: {error}");
        let folder = tempfile::tempdir().map_err(failed)?;
        fs::write(settings(folder.path()), SETTINGS).map_err(failed)?;
        let terminal = Terminal { folder };
        terminal.tmux(&[&["new-session", "-d"], &SIZE[..], &[&shown(program)]].concat())?;
        Ok(terminal)
    }

    /// What is on the screen, with its colours, once rates are there.
    fn when_drawn(&self) -> Outcome<String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let screen = self.tmux(&["capture-pane", "-e", "-p"])?;
            if screen.contains("the last ") {
                return Ok(screen);
            }
            if Instant::now() > end {
                return Err(format!("nothing was drawn but\n{screen}"));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Of a server of its own, so that nobody else's terminals are touched.
    fn tmux(&self, words: &[&str]) -> Outcome<String> {
        let folder = self.folder.path();
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(folder.join("socket"));
        tmux.arg("-f").arg(settings(folder)).args(words);
        // It draws what this terminal cannot, otherwise.
        tmux.env("LC_ALL", "C.UTF-8").current_dir(root());
        let output = tmux.output();
        let output = output.map_err(|error| format!("tmux cannot be run: {error}"))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.tmux(&["kill-server"]);
    }
}

fn settings(folder: &Path) -> std::path::PathBuf {
    folder.join("tmux.conf")
}

/// Visitors of the shop at nginx, and its owner, until the end of `during`.
fn with_visitors<T>(nginx: u16, during: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let is_over = &is_over;
        for number in 0..4 {
            scope.spawn(move || {
                let pause = Duration::from_millis(10);
                ask(nginx, pause, is_over, |step| visitor(number + 4 * step));
            });
        }
        scope.spawn(move || {
            let login = form("/desk/login", &format!("password={PASSWORD}"));
            let answer = login.try_send(nginx).ok();
            let cookie = answer.and_then(|answer| answer.header("set-cookie").map(str::to_owned));
            let session = cookie.unwrap_or_default();
            let session = session.split(';').next().unwrap_or_default();
            let pause = Duration::from_millis(150);
            ask(nginx, pause, is_over, |step| {
                owner(step).header("Cookie", session)
            });
        });
        let result = during();
        is_over.store(true, Ordering::Relaxed);
        result
    })
}

/// One after the other. What fails shows on the picture.
fn ask(nginx: u16, pause: Duration, is_over: &AtomicBool, request: impl Fn(usize) -> Request) {
    for step in 0.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let _ = request(step).try_send(nginx);
        thread::sleep(pause);
    }
}

/// Most ask for few pages, and some for what is theirs alone.
fn visitor(step: usize) -> Request {
    const CATEGORIES: [&str; 4] = ["kitchen", "light", "paper", "toys"];
    let category = CATEGORIES[step / 7 % 4];
    // Each is asked for half as often as the one before.
    let product = 1 + (step / 3).trailing_zeros().min(5);
    let target = match step % 23 {
        0..=7 => format!("/products/{product}"),
        8..=11 => "/".to_owned(),
        12..=15 => format!("/categories/{category}"),
        16 | 17 => format!("/api/products/{product}"),
        18 => "/feed.xml".to_owned(),
        19 => "/basket".to_owned(),
        20 => format!("/products/{product}?utm_source=letter"),
        _ => format!("/old/{product}"),
    };
    let request = Request::get(target).header("Host", "127.0.0.1");
    let request = request.header("Accept-Language", ["en", "en", "de"][step % 3]);
    match step % 29 {
        0 => request.header("Authorization", "Basic c29tZWJvZHk6"),
        _ => request,
    }
}

/// Changes a price now and then, and looks at what has come of it.
fn owner(step: usize) -> Request {
    match step % 6 {
        0 => {
            let cents = 3900 + step;
            let change = format!("name=Kettle&category=kitchen&cents={cents}");
            form("/desk/products/2", &change)
        }
        1 | 2 => Request::get("/products/2"),
        _ => Request::get("/desk"),
    }
}

fn form(target: &str, body: &str) -> Request {
    Request::new("POST", target)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body)
}
