//! Why a request takes no part, why a response is not stored, why a page was dropped.

/// Why a request takes no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bypass {
    /// The cache is switched off.
    Disabled,
    /// The method is neither GET nor HEAD.
    Method,
    /// The request has an Authorization field.
    Authorization,
    /// The request has one of the bypass cookies.
    Cookie,
    /// The request has one of the bypass headers.
    Header,
    /// nginx says that it takes no part: see `Djanginxed-Bypass` in docs/nginx.md.
    Proxy,
    /// The request is for another host.
    Host,
    /// The request's scheme, or what a forwarding header calls it, is not
    /// http or https, or not one that the site's hosts are named with.
    Scheme,
    /// The request asks for another protocol, so that a page is not its answer.
    Upgrade,
    /// A GET or HEAD with content, which the page may depend on.
    Content,
    /// The target does not begin with `/`.
    Target,
    /// The middleware's `when` says no.
    When,
    /// The target has a query parameter that the page does not know.
    Query,
}

impl Bypass {
    /// The reason word of logs and counters.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Bypass::Disabled => "disabled",
            Bypass::Method => "method",
            Bypass::Authorization => "authorization",
            Bypass::Cookie => "cookie",
            Bypass::Header => "header",
            Bypass::Proxy => "proxy",
            Bypass::Host => "host",
            Bypass::Scheme => "scheme",
            Bypass::Content => "content",
            Bypass::Upgrade => "upgrade",
            Bypass::Target => "target",
            Bypass::When => "when",
            Bypass::Query => "query",
        }
    }
}

/// Why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The request is not a GET.
    Method,
    /// The status is not 200.
    Status,
    /// The response sets a cookie.
    SetCookie,
    /// CDN-Cache-Control, else Cache-Control, has private, no-store or no-cache;
    /// or Surrogate-Control or Pragma says as much.
    CacheControl,
    /// Vary names something besides Accept-Encoding and what pages vary by; or Cookie.
    Vary,
    /// The handler has encoded the content itself.
    ContentEncoding,
    /// nginx would serve the body under another type.
    ContentType,
    /// A header would be lost that is not known to be harmless to lose.
    Header,
    /// No life is left.
    Expired,
    /// The body is empty; nginx would serve it as a page.
    Empty,
    /// The body is larger than `max_entry_size`.
    TooLarge,
    /// The copies of streamed bodies under way take all the memory they may.
    Memory,
    /// The body failed, or was not read to its end.
    Incomplete,
    /// The handler does not want it, by `CachedPage::skip`.
    Skip,
    /// A tag is wrong, or names a segment that the route has not.
    Tag,
    /// The page has personal parts, and the cache has none switched on; or has more than are
    /// included in one page.
    Parts,
}

impl Reason {
    /// The word of logs, counters and Cache-Status.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Reason::Method => "method",
            Reason::Status => "status",
            Reason::SetCookie => "set-cookie",
            Reason::CacheControl => "cache-control",
            Reason::Vary => "vary",
            Reason::ContentEncoding => "content-encoding",
            Reason::ContentType => "content-type",
            Reason::Header => "header",
            Reason::Expired => "expired",
            Reason::Empty => "empty",
            Reason::TooLarge => "too-large",
            Reason::Memory => "memory",
            Reason::Incomplete => "incomplete",
            Reason::Skip => "skip",
            Reason::Tag => "tag",
            Reason::Parts => "parts",
        }
    }
}

/// Why a page was not taken into the queue, or not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// The queue is full.
    QueueFull,
    /// The page's server is being skipped.
    Skipped,
    /// The page was deleted since its render began.
    Deleted,
    /// The page's life ended, or its render took too long to tell whether it
    /// was deleted meanwhile.
    Expired,
    /// Packed, the page is larger than an entry may be.
    TooLarge,
    /// The index of one of the page's tags does not take it, so that a purge would not
    /// find it.
    Unlisted,
    /// The writer's thread could not be started, or is stopping.
    NoWriter,
}

impl Dropped {
    /// The word of logs, counters and Cache-Status.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Dropped::QueueFull => "queue-full",
            Dropped::Skipped => "skipped",
            Dropped::Deleted => "deleted",
            Dropped::Expired => "expired",
            Dropped::TooLarge => "too-large",
            Dropped::Unlisted => "unlisted",
            Dropped::NoWriter => "no-writer",
        }
    }
}
