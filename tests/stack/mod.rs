//! A whole site for integration tests: an application whose pages are cached,
//! its Memcached, and nginx with the generated file before both.

mod application;
pub(crate) mod log;
mod script;
mod way;

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::Runtime;
use actix_web::web::ServiceConfig;
use djanginxed::nginx::{Md5, Site};
use djanginxed::{Layout, PageCache, PageCacheBuilder, PageKey};
use testkit::http::{Request, Response};
use testkit::{Item, Memcached, Nginx, free_port};

pub(crate) use application::Application;
pub(crate) use script::{Gate, Render, Script, api, brief, gated, news, ok, page};
pub(crate) use way::{WAYS, Way, nginx};

/// The default key prefix of every stack.
pub(crate) const PREFIX: &str = "site1";

/// What nginx says of a page that it found in Memcached.
pub(crate) const NGINX_HIT: &str = "nginx; hit";

/// All that runs for one test. It ends with this value, nginx first.
pub(crate) struct Stack {
    pub(crate) nginx: Nginx,
    pub(crate) application: Application,
    pub(crate) script: Script,
    pub(crate) pages: PageCache,
    pub(crate) memcached: Memcached,
}

/// What a test wants otherwise.
pub(crate) struct Setup {
    memcached: Option<Memcached>,
    cache: Box<dyn FnOnce(PageCacheBuilder) -> PageCacheBuilder>,
    site: fn(Site) -> Site,
    routes: Routes,
    layout: Layout,
    md5: Md5,
}

type Routes = Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;

impl Setup {
    pub(crate) fn memcached(self, memcached: Memcached) -> Setup {
        Setup {
            memcached: Some(memcached),
            ..self
        }
    }

    /// Another layout than bodies, in the application and in nginx.
    pub(crate) fn layout(self, layout: Layout) -> Setup {
        Setup { layout, ..self }
    }

    /// Another layout, and what reads it in nginx.
    pub(crate) fn way(self, way: Way) -> Setup {
        self.layout(way.layout()).md5(way.md5())
    }

    /// Another module of nginx that computes the keys.
    pub(crate) fn md5(self, md5: Md5) -> Setup {
        Setup { md5, ..self }
    }

    pub(crate) fn cache(
        self,
        cache: impl FnOnce(PageCacheBuilder) -> PageCacheBuilder + 'static,
    ) -> Setup {
        let cache = Box::new(cache);
        Setup { cache, ..self }
    }

    pub(crate) fn site(self, site: fn(Site) -> Site) -> Setup {
        Setup { site, ..self }
    }

    /// Routes besides [`page`], which answers everything else.
    pub(crate) fn routes(
        self,
        routes: impl Fn(&mut ServiceConfig) + Send + Sync + 'static,
    ) -> Setup {
        let routes = Arc::new(routes);
        Setup { routes, ..self }
    }

    /// Starts it all; the handlers answer as `script` says.
    pub(crate) fn start(self, script: Script) -> Stack {
        let routes = Arc::clone(&self.routes);
        self.start_with(script, |pages, script| {
            let pages = pages.clone();
            Application::configured(1, script, move |config| {
                config.app_data(pages.clone());
                routes(config);
            })
        })
    }

    /// Starts it all around the application that `application` starts.
    pub(crate) fn start_with(
        self,
        script: Script,
        application: impl FnOnce(&PageCache, &Script) -> Application,
    ) -> Stack {
        let memcached = self
            .memcached
            .unwrap_or_else(|| Memcached::start().unwrap());
        let settings = cache(&memcached).layout(self.layout);
        let pages = (self.cache)(settings).build().unwrap();
        let application = application(&pages, &script);
        let site = (self.site)(Site::new(&pages).server_name("127.0.0.1").md5(self.md5))
            .app(format!("127.0.0.1:{}", application.port()));
        let conf = |port| {
            let site = site
                .clone()
                .listen(format!("127.0.0.1:{port}"))
                .inner(format!("127.0.0.1:{}", free_port()));
            site.generate().unwrap().site()
        };
        Stack {
            nginx: nginx(self.layout, self.md5).start(conf).unwrap(),
            application,
            script,
            pages,
            memcached,
        }
    }
}

/// Settings that do not give up on a busy machine.
pub(crate) fn cache(memcached: &Memcached) -> PageCacheBuilder {
    PageCache::builder()
        .memcached([memcached.address()])
        .key_prefix(PREFIX)
        .operation_timeout(Duration::from_secs(2))
}

impl Stack {
    pub(crate) fn setup() -> Setup {
        Setup {
            memcached: None,
            cache: Box::new(|builder| builder),
            site: |site| site,
            routes: Arc::new(|_| {}),
            layout: Layout::Body,
            md5: Md5::default(),
        }
    }

    /// A stack whose every page is [`Render::html`].
    pub(crate) fn start() -> Stack {
        Stack::setup().start(Script::html())
    }

    /// Sends a GET through nginx, and waits until its page is stored.
    #[track_caller]
    pub(crate) fn get(&self, target: impl AsRef<[u8]>) -> Response {
        self.send(&Request::get(target))
    }

    /// Sends `request` through nginx, and waits until its page is stored.
    #[track_caller]
    pub(crate) fn send(&self, request: &Request) -> Response {
        let response = request.send(self.nginx.port());
        self.settle();
        response
    }

    /// Sends a GET straight to the application, and waits until its page is
    /// stored.
    #[track_caller]
    pub(crate) fn ask(&self, target: impl AsRef<[u8]>) -> Response {
        self.send_past_nginx(&Request::get(target))
    }

    /// Sends `request` straight to the application, and waits until its page is
    /// stored.
    #[track_caller]
    pub(crate) fn send_past_nginx(&self, request: &Request) -> Response {
        let response = request.send(self.application.port());
        self.settle();
        response
    }

    /// Waits until the background writer has nothing left to do.
    pub(crate) fn settle(&self) {
        settle(&self.pages);
    }

    /// What Memcached holds for `target` under [`PREFIX`].
    #[track_caller]
    pub(crate) fn item(&self, target: &str) -> Option<Item> {
        self.memcached.get(PageKey::new(PREFIX, target).to_string())
    }
}

/// Waits until the background writer of `pages` has nothing left to do.
pub(crate) fn settle(pages: &PageCache) {
    wait(pages.flush());
}

/// Runs a future of the library's from a test.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    Runtime::new().unwrap().block_on(future)
}

/// All Cache-Status fields of a response, as one list.
pub(crate) fn cache_status(response: &Response) -> String {
    response.all("cache-status").collect::<Vec<_>>().join(", ")
}
