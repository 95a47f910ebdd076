//! nginx with the generated file, Memcached and an application.

use djanginxed::nginx::{Files, Md5, Site};
use djanginxed::{PageCache, PageCacheBuilder, PageKey};
use testkit::http::{Request, Response};
use testkit::{Memcached, Module, Nginx, free_port};

use crate::application::Application;

pub(crate) struct Stand {
    pub(crate) nginx: Nginx,
    pub(crate) memcached: Memcached,
    #[allow(dead_code, reason = "kept so that it runs")]
    application: Application,
    /// What is stored is a whole response.
    whole: bool,
}

/// The settings that most tests need.
pub(crate) fn cache(memcached: &Memcached) -> PageCacheBuilder {
    PageCache::builder()
        .memcached([memcached.address()])
        .key_prefix("site1")
}

pub(crate) fn stand() -> Stand {
    Stand::with(cache, |site| site)
}

impl Stand {
    /// The stand for `www.example.com`, with what `cache` and `site` change.
    pub(crate) fn with(
        cache: impl Fn(&Memcached) -> PageCacheBuilder,
        site: impl Fn(Site) -> Site,
    ) -> Stand {
        let memcached = Memcached::start().unwrap();
        let pages = cache(&memcached).build().unwrap();
        Stand::over(memcached, &pages, Md5::SetMisc, site)
    }

    pub(crate) fn over(
        memcached: Memcached,
        pages: &PageCache,
        md5: Md5,
        site: impl Fn(Site) -> Site,
    ) -> Stand {
        Stand::edited(memcached, pages, md5, site, |_, file| file)
    }

    /// As `over`, with nginx's port and its file given to `edit`.
    pub(crate) fn edited(
        memcached: Memcached,
        pages: &PageCache,
        md5: Md5,
        site: impl Fn(Site) -> Site,
        edit: impl Fn(u16, String) -> String,
    ) -> Stand {
        let application = Application::start();
        let modules = match md5 {
            Md5::Njs => vec![Module::Njs],
            _ => vec![Module::SetMisc, Module::Srcache],
        };
        let files = |port: u16| -> Files {
            let listen = format!("127.0.0.1:{port}");
            let inner = format!("127.0.0.1:{}", free_port());
            let own = Site::new(pages).server_name("www.example.com").md5(md5);
            let site = site(own.inner(inner))
                .app(application.address())
                .listen(listen);
            site.generate().unwrap()
        };
        let script = files(1).script().unwrap_or_default();
        let nginx = Nginx::builder()
            .modules(modules)
            .file("djanginxed.js", script)
            // As every packaged nginx.conf has it: extensions decide on types.
            .file(
                "mime.types",
                "types { text/html html; text/plain txt; text/javascript js; }",
            )
            .start(|port| {
                let file = edit(port, files(port).site());
                format!("include mime.types;\n{file}")
            })
            .unwrap();
        Stand {
            nginx,
            memcached,
            application,
            whole: false,
        }
    }

    /// The same, whose pages are stored as whole responses.
    pub(crate) fn of_responses(self) -> Stand {
        Stand {
            whole: true,
            ..self
        }
    }

    pub(crate) fn store(&self, prefix: &str, target: &str, body: &str) {
        self.store_with_flags(prefix, target, 0, body.as_bytes());
    }

    pub(crate) fn store_with_flags(&self, prefix: &str, target: &str, flags: u32, body: &[u8]) {
        let key = PageKey::new(prefix, target).to_string();
        if !self.whole {
            return self.memcached.set(key, flags, 0, body);
        }
        let coding = match flags {
            2 => "content-encoding: gzip\r\n",
            _ => "",
        };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n{coding}\r\n");
        self.memcached
            .set(key, 4, 0, [head.as_bytes(), body].concat());
    }

    pub(crate) fn store_as(&self, prefix: &str, content_type: &str, target: &str, body: &str) {
        let key = PageKey::with_type(prefix, content_type, target).to_string();
        self.memcached.set(key, 0, 0, body);
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        self.send(Request::get(target))
    }

    /// Sends `request` to the site's host.
    pub(crate) fn send(&self, request: Request) -> Response {
        request
            .header("Host", "www.example.com")
            .send(self.nginx.port())
    }
}

/// Whether nginx answered it from Memcached.
#[track_caller]
pub(crate) fn is_hit(response: &Response) -> bool {
    assert_eq!(response.status, 200, "{response:?}");
    match response.header("cache-status") {
        Some("nginx; hit") => true,
        Some("application") => false,
        other => panic!("neither nginx's hit nor the application's answer: {other:?}"),
    }
}
