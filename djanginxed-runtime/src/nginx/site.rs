//! What nginx is to serve, and what only the site knows about it.

use super::md5::Md5;
use crate::cache::PageCache;
use crate::settings::Settings;

/// A site, from which nginx's [`Files`](super::Files) are generated.
///
/// Nothing is checked before [`generate`](Site::generate), which names the first
/// value that nginx's file could not carry.
///
/// ```
/// # use djanginxed_runtime::{PageCache, nginx};
/// use nginx::Site;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pages = PageCache::builder()
///     .memcached(["127.0.0.1:11211"])
///     .key_prefix("site1")
///     .bypass_cookie("sessionid")
///     .build()?;
/// let files = Site::new(&pages)
///     .server_name("www.example.com")
///     .app("127.0.0.1:8080")
///     .page("/feed/", "site2", "application/rss+xml")
///     .never_cache("/admin/")
///     .generate()?;
/// assert!(files.site().contains("set_md5 $memcached_key site2=application/rss+xml$request_uri;"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Site {
    pub(super) settings: Settings,
    pub(super) name: Option<String>,
    pub(super) server_names: Vec<String>,
    pub(super) listens: Vec<String>,
    pub(super) inner: String,
    pub(super) public_port: Option<u16>,
    pub(super) tls: Option<(String, String)>,
    pub(super) applications: Vec<String>,
    pub(super) pages: Vec<(String, String, String)>,
    pub(super) never_cached: Vec<String>,
    pub(super) ignored_query: Vec<String>,
    pub(super) md5: Md5,
    pub(super) script_path: String,
    pub(super) modules: Option<String>,
    pub(super) client_max_body_size: String,
    pub(super) hit_sample: u32,
    pub(super) stale_if_error: bool,
    pub(super) micro_cache: Option<u32>,
    pub(super) micro_cache_path: Option<String>,
}

impl Site {
    /// A site whose pages are those of `pages`.
    #[must_use]
    pub fn new(pages: &PageCache) -> Site {
        Site {
            settings: pages.settings().clone(),
            name: None,
            server_names: Vec::new(),
            listens: Vec::new(),
            inner: "127.0.0.1:11280".to_owned(),
            public_port: None,
            tls: None,
            applications: Vec::new(),
            pages: Vec::new(),
            never_cached: Vec::new(),
            ignored_query: Vec::new(),
            md5: Md5::default(),
            script_path: "djanginxed.js".to_owned(),
            modules: Some("/usr/lib/nginx/modules".to_owned()),
            client_max_body_size: "10m".to_owned(),
            hit_sample: 1,
            stale_if_error: false,
            micro_cache: None,
            micro_cache_path: None,
        }
    }

    /// A host of this site. All of them show the same pages; a request for any
    /// other host is closed without an answer (nginx's 444). Where none is
    /// given, the hosts of the page cache are taken.
    #[must_use]
    pub fn server_name(mut self, host: impl Into<String>) -> Site {
        self.server_names.push(host.into());
        self
    }

    /// Where the application listens: `"127.0.0.1:8080"` or
    /// `"unix:/run/app.sock"`. Given several times, nginx takes turns.
    #[must_use]
    pub fn app(mut self, address: impl Into<String>) -> Site {
        self.applications.push(address.into());
        self
    }

    /// Where nginx listens: a port, or an address with one. Port 80, or 443
    /// with [`tls`](Site::tls), unless told.
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Site {
        self.listens.push(address.into());
        self
    }

    /// Where nginx's inner server listens, which alone asks Memcached, so that no
    /// visitor who reads slowly holds a connection to it. `"127.0.0.1:11280"`
    /// unless told; another loopback port, or `"unix:/run/pages.sock"`, which is
    /// a little faster, but which nginx cannot listen on again after it was
    /// killed until somebody removes that file. Sites in one nginx may share it.
    #[must_use]
    pub fn inner(mut self, address: impl Into<String>) -> Site {
        self.inner = address.into();
        self
    }

    /// The port in the site's public URLs, where it is not the one that nginx
    /// listens on, as with a container's port mapping.
    #[must_use]
    pub fn public_port(mut self, port: u16) -> Site {
        self.public_port = Some(port);
        self
    }

    /// Listens with TLS, with this certificate and its key (paths of PEM files).
    #[must_use]
    pub fn tls(mut self, certificate: impl Into<String>, key: impl Into<String>) -> Site {
        self.tls = Some((certificate.into(), key.into()));
        self
    }

    /// Pages below `location` that have a key prefix or a content type of their
    /// own, as in `#[cache_page(900, key_prefix = …, content_type = …)]`. All
    /// others have the page cache's prefix and are `text/html`; `"/"` changes
    /// that. `"= /feed.xml"` is the page of that path alone.
    #[must_use]
    pub fn page(
        mut self,
        location: impl Into<String>,
        key_prefix: impl Into<String>,
        content_type: impl Into<String>,
    ) -> Site {
        self.pages
            .push((location.into(), key_prefix.into(), content_type.into()));
        self
    }

    /// Requests below `location`, or of one path as in `"= /status"`, go to the application
    /// and never to Memcached.
    #[must_use]
    pub fn never_cache(mut self, location: impl Into<String>) -> Site {
        self.never_cached.push(location.into());
        self
    }

    /// A query parameter that makes no other page, such as `gclid`; `utm_*` is every
    /// name that begins so. nginx takes it out of the request target of a GET or
    /// HEAD before it works out the key and before it asks the application,
    /// which so never sees it and needs no rule of its own; what goes past the
    /// cache keeps it. [`IgnoredQuery`](super::IgnoredQuery) says what is taken out.
    #[must_use]
    pub fn ignore_query(mut self, name: impl Into<String>) -> Site {
        self.ignored_query.push(name.into());
        self
    }

    /// Which module computes the keys.
    #[must_use]
    pub fn md5(mut self, module: Md5) -> Site {
        self.md5 = module;
        self
    }

    /// Where nginx finds [`Files::script`](super::Files::script); relative to the folder of its
    /// nginx.conf. `djanginxed.js` unless told.
    #[must_use]
    pub fn script_path(mut self, path: impl Into<String>) -> Site {
        self.script_path = path.into();
        self
    }

    /// The folder of nginx's dynamic modules, for [`Files::full`](super::Files::full);
    /// `/usr/lib/nginx/modules` unless told, `None` where the module is built in.
    #[must_use]
    pub fn modules(mut self, folder: Option<impl Into<String>>) -> Site {
        self.modules = folder.map(Into::into);
        self
    }

    /// The largest request body that nginx lets through to the application, as
    /// nginx writes sizes; `"10m"` unless told, `"0"` for no limit.
    #[must_use]
    pub fn client_max_body_size(mut self, size: impl Into<String>) -> Site {
        self.client_max_body_size = size.into();
        self
    }

    /// Of how many hits nginx tells of one, where the page cache has a
    /// [`hit_feed`](crate::PageCacheBuilder::hit_feed): 1, every hit, unless told. The
    /// application counts a datagram for as many hits as it stands for. 10,000 must be
    /// a multiple of it.
    #[must_use]
    pub fn hit_sample(mut self, hits: u32) -> Site {
        self.hit_sample = hits;
        self
    }

    /// Serves pages that stand in for errors
    /// ([`PageCacheBuilder::stale_if_error`](crate::PageCacheBuilder::stale_if_error))
    /// where the application cannot be reached, or answers 500, 502, 503 or 504. Off
    /// unless told: a page that has no such copy is then asked for a second time, to show
    /// the application's own error, but for one that has timed out.
    #[must_use]
    pub fn stale_if_error(mut self, serves: bool) -> Site {
        self.stale_if_error = serves;
        self
    }

    /// Answers the hottest pages out of nginx's own `proxy_cache` for so many seconds, 1 to
    /// 60, before Memcached is asked again: at its speed, and through a restart of Memcached.
    /// Off unless told, since **a purge or delete is seen that much later**. Only pages that
    /// Memcached has are in there, and only with [`Layout::Body`](crate::Layout::Body).
    #[must_use]
    pub fn micro_cache(mut self, seconds: u32) -> Site {
        self.micro_cache = Some(seconds);
        self
    }

    /// The folder of the [`micro_cache`](Site::micro_cache), which nginx makes; best in memory.
    /// `/run/djanginxed_micro` (with the site's name, if it has one) unless told, and
    /// `micro_cache` in [`Files::full`](super::Files::full).
    #[must_use]
    pub fn micro_cache_path(mut self, path: impl Into<String>) -> Site {
        self.micro_cache_path = Some(path.into());
        self
    }

    /// Tells this site's upstreams and variables from those of another site on
    /// the same nginx.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Site {
        self.name = Some(name.into());
        self
    }
}
