//! The shop behind nginx and Memcached, in one process or in several.

use std::process::{Command, Stdio};

use djanginxed::PageCache;
use testkit::http::{Connection, Request, Response};
use testkit::{Memcached, Nginx, Process, eventually, free_port};

use crate::shop::settings;

const PASSWORD: &str = "tested";

/// Everything, running. It ends with this value.
pub(crate) struct Stand {
    pub(crate) nginx: Nginx,
    ports: Vec<u16>,
    cookie: String,
    _shops: Vec<Process>,
    pub(crate) memcached: Memcached,
    _folder: tempfile::TempDir,
}

impl Stand {
    /// `replaces`: a purge renders anew what is read.
    pub(crate) fn start(processes: usize, replaces: bool) -> Stand {
        let memcached = Memcached::start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("shop.sqlite");
        let mut shops = Vec::new();
        let ports: Vec<_> = (0..processes).map(|_| free_port()).collect();
        for port in &ports {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command
                .args(["--exact", "the_shop_itself", "--ignored", "--nocapture"])
                .env("SHOP_LISTEN", format!("127.0.0.1:{port}"))
                .env("SHOP_DATABASE", &database)
                .env("SHOP_PASSWORD", PASSWORD)
                .env("SHOP_SECRET", "a secret of the test, as long as it must be")
                .env("DJANGINXED_SERVERS", memcached.address())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            if replaces {
                let own = format!("http://127.0.0.1:{port}");
                command.env("DJANGINXED_REFRESH_THROUGH", own);
            }
            shops.push(Process::spawn("the shop", &mut command, None).unwrap());
            eventually("the shop listens", || Connection::open(*port).is_ok());
        }
        let apps: Vec<_> = ports
            .iter()
            .map(|port| format!("127.0.0.1:{port}"))
            .collect();
        let pages = PageCache::builder().memcached([memcached.address()]);
        let pages = settings::with(pages).build().unwrap();
        let conf = |port: u16| {
            let (listen, inner) = (port, free_port());
            let [listen, inner] = [listen, inner].map(|port| format!("127.0.0.1:{port}"));
            settings::nginx(&pages, &apps, &listen, &inner).unwrap()
        };
        let nginx = Nginx::start(conf).unwrap();
        let mut stand = Stand {
            nginx,
            ports,
            cookie: String::new(),
            _shops: shops,
            memcached,
            _folder: folder,
        };
        let answer = stand.post("/desk/login", &format!("password={PASSWORD}"));
        let cookie = answer.header("set-cookie").unwrap();
        stand.cookie = cookie.split(';').next().unwrap().to_owned();
        stand
    }

    /// Sends a form through nginx, as the owner.
    pub(crate) fn post(&self, target: &str, form: &str) -> Response {
        let request = Request::new("POST", target)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Cookie", &self.cookie)
            .body(form);
        let answer = request.send(self.nginx.port());
        assert_eq!(answer.status, 303, "{target} {form}: {answer:?}");
        answer
    }

    /// Purges everything by the first process's admin page; how many pages that has
    /// replaced, if it is complete.
    pub(crate) fn purge_everything(&self) -> Option<u64> {
        let json = |request: Request| request.header("Accept", "application/json");
        let report = json(Request::get("/internal/_pages")).send(self.ports[0]);
        let report: serde_json::Value = serde_json::from_slice(&report.body).unwrap();
        let order = json(Request::new("POST", "/internal/_pages"))
            .header("Content-Type", "application/json")
            .header("X-Djanginxed-Token", report["token"].as_str().unwrap())
            .body(r#"{"action": "purge-everything"}"#);
        let answer = order.send(self.ports[0]);
        let report: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        (answer.status == 200).then(|| report["purged"]["replaced"].as_u64().unwrap())
    }
}
