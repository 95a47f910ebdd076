//! The shop of examples/shop behind nginx and Memcached, in one process or in several, and
//! the same shop without any cache beside it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use djanginxed::{Layout, PageCache};
use serde_json::Value;
use tempfile::TempDir;
use testkit::http::{Request, Response};
use testkit::{Memcached, Module, Nginx, free_port};

use crate::prices::FIRST;
use crate::served::Served;
use crate::shop::settings;
use crate::shop::store::{Changed, Store};

/// The categories of products.
pub const CATEGORIES: [&str; 4] = ["kitchen", "light", "paper", "toys"];

/// Of sessions and groups.
pub const SECRET: &str = "a-secret-of-the-tests-that-is-long-enough";

const PASSWORD: &str = "tested";

/// How a shop is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where the shop is, with its requests counted.
    pub program: PathBuf,
    /// Of the stored pages.
    pub layout: Layout,
    /// Processes of the cached application.
    pub processes: usize,
    /// So many products; none: those that a new shop has.
    pub products: usize,
    /// For how many seconds a product's page lives.
    pub life: u64,
    /// Whether the application renders anew what is read and purged.
    pub replaces: bool,
}

/// All that runs. It ends with this value, nginx first.
#[derive(Debug)]
pub struct Stand {
    /// In front of the cached application.
    pub nginx: Nginx,
    /// The cached application.
    pub apps: Vec<Served>,
    /// The same without a cache; nginx does not know it.
    pub plain: Served,
    /// Where the pages are.
    pub memcached: Memcached,
    /// The cache's settings, as nginx and the applications have them.
    pub pages: PageCache,
    /// Who changes products.
    pub owner: Owner,
    setup: Setup,
    folder: TempDir,
}

impl Stand {
    /// Starts everything.
    ///
    /// # Errors
    /// What does not start, with its own words.
    pub fn start(setup: Setup) -> Result<Stand> {
        let memcached = Memcached::start()?;
        let folder = tempfile::tempdir()?;
        fill(&database(&folder), setup.products)?;
        let run = |cached| {
            let command = shop(&setup, &memcached, &database(&folder), cached, None);
            Served::run(&mut command?)
        };
        let apps = (0..setup.processes).map(|_| run(true));
        let apps: Vec<_> = apps.collect::<Result<_>>()?;
        let plain = run(false)?;
        let pages = pages(&memcached.address(), setup.layout)?;
        let ports: Vec<_> = apps.iter().map(|app| app.port).collect();
        // Refused settings are refused at any port.
        nginx(&pages, &ports, 1)?;
        let started = Nginx::builder()
            .modules([Module::SetMisc, Module::Srcache])
            .start(|port| nginx(&pages, &ports, port).unwrap_or_default());
        let nginx = started?;
        let owner = Owner::log_in(nginx.port())?;
        Ok(Stand {
            nginx,
            apps,
            plain,
            memcached,
            pages,
            owner,
            setup,
            folder,
        })
    }

    /// How it was set up.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Starts a killed process of the application again, where it was.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&mut self, number: usize) -> Result<()> {
        let port = Some(self.apps[number].port);
        let database = database(&self.folder);
        let command = shop(&self.setup, &self.memcached, &database, true, port);
        self.apps[number] = Served::run(&mut command?)?;
        Ok(())
    }

    /// How many purges the processes have yet to make again, which servers have failed to
    /// carry out; none where a process does not say it.
    #[must_use]
    pub fn pending_purges(&self) -> Option<u64> {
        let of =
            |app: &Served| ask(app, Request::get("/internal/_pages"))?.1["pending_purges"].as_u64();
        self.apps.iter().map(of).sum()
    }

    /// Purges everything by the first process's admin page; how many pages that has
    /// replaced, if it is complete.
    #[must_use]
    pub fn purge(&self) -> Option<u64> {
        let (_, report) = ask(&self.apps[0], Request::get("/internal/_pages"))?;
        let order = Request::new("POST", "/internal/_pages")
            .header("Content-Type", "application/json")
            .header("X-Djanginxed-Token", report["token"].as_str()?)
            .body(r#"{"action": "purge-everything"}"#);
        let (status, report) = ask(&self.apps[0], order)?;
        report["purged"]["replaced"]
            .as_u64()
            .filter(|_| status == 200)
    }
}

/// What the admin page says to a request: its status, and its report.
fn ask(app: &Served, request: Request) -> Option<(u16, Value)> {
    let request = request.header("Accept", "application/json");
    let answer = request.try_send(app.port).ok()?;
    Some((answer.status, serde_json::from_slice(&answer.body).ok()?))
}

/// Who changes products.
#[derive(Clone, Debug)]
pub struct Owner(String);

impl Owner {
    /// Logs in, through nginx or where the application listens.
    ///
    /// # Errors
    /// When he is not let in.
    pub fn log_in(port: u16) -> Result<Owner> {
        let nobody = Owner(String::new());
        let request = nobody.form("/desk/login", &format!("password={PASSWORD}"));
        let answer = request.try_send(port)?;
        let line = answer.header("set-cookie");
        let cookie = line.and_then(|line| line.split(';').next());
        let cookie = cookie.with_context(|| format!("the owner is not let in: {answer:?}"))?;
        Ok(Owner(cookie.to_owned()))
    }

    /// Sends a form.
    #[must_use]
    pub fn form(&self, target: &str, form: &str) -> Request {
        Request::new("POST", target)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Cookie", &self.0)
            .body(form)
    }

    /// Changes the price of one of the products that [`fill`] has made.
    #[must_use]
    pub fn reprice(&self, id: usize, cents: u32) -> Request {
        let Changed { name, category, .. } = product(id);
        let form = format!("name={name}&category={category}&cents={cents}");
        self.form(&format!("/desk/products/{id}"), &form)
    }

    /// Whether a form was taken.
    #[must_use]
    pub fn is_taken(answer: &Response) -> bool {
        answer.status == 303
    }
}

/// The program of a shop that listens on `port`, or on a free one.
///
/// # Errors
/// When there is no free port.
pub fn shop(
    setup: &Setup,
    memcached: &Memcached,
    database: &Path,
    cached: bool,
    port: Option<u16>,
) -> Result<Command> {
    // Who asks itself must know its port before it listens.
    let port = match port {
        Some(port) => port,
        None => TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port(),
    };
    let mut command = Command::new(&setup.program);
    command
        .env("SHOP_LISTEN", format!("127.0.0.1:{port}"))
        .env("SHOP_DATABASE", database)
        .env("SHOP_PASSWORD", PASSWORD)
        .env("SHOP_SECRET", SECRET)
        .env("SHOP_LIFE", setup.life.to_string())
        .env("DJANGINXED_SERVERS", memcached.address())
        .env("DJANGINXED_LAYOUT", setup.layout.to_string())
        .env("DJANGINXED_ENABLED", u8::from(cached).to_string());
    if setup.replaces {
        let own = format!("http://127.0.0.1:{port}");
        command.env("DJANGINXED_REFRESH_THROUGH", own);
    }
    Ok(command)
}

/// The cache's settings, which nginx's file is generated from, too.
///
/// # Errors
/// When they are refused.
pub fn pages(memcached: &str, layout: Layout) -> Result<PageCache> {
    let settings = PageCache::builder().memcached([memcached]).layout(layout);
    Ok(settings::pages(settings, SECRET)?)
}

/// nginx's file for an nginx on `port`, in front of the applications on `apps`.
///
/// # Errors
/// When a setting is refused.
pub fn nginx(pages: &PageCache, apps: &[u16], port: u16) -> Result<String> {
    let site = settings::nginx(pages)
        .listen(format!("127.0.0.1:{port}"))
        .inner(format!("127.0.0.1:{}", free_port()));
    let app = |site: djanginxed::nginx::Site, port: &u16| site.app(format!("127.0.0.1:{port}"));
    let files = apps.iter().fold(site, app).generate()?;
    Ok(format!("access_log off;\n{}", files.site()))
}

/// Makes products in a database, with the numbers from 1.
///
/// # Errors
/// When the database refuses.
pub fn fill(database: &Path, products: usize) -> Result<()> {
    let store = Store::open(database)?;
    for id in 1..=products {
        if store.change(id as i64, &product(id))?.is_none() {
            store.add(&product(id))?;
        }
    }
    Ok(())
}

fn product(id: usize) -> Changed {
    Changed {
        name: format!("Product-{id}"),
        category: CATEGORIES[id % CATEGORIES.len()].to_owned(),
        cents: FIRST,
    }
}

fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("shop.sqlite")
}
