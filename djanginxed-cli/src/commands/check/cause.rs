//! What can be wrong with a site: one root cause each, and what to change.
//! docs/check.md says for each how it shows.

use djanginxed::Layout;

use super::facts::Trial;
use super::placing::Difference;

/// The one thing to change.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[cfg_attr(test, derive(strum::EnumIter))]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Cause {
    // Nobody answers.
    /// The URL's name leads to no address.
    UnknownHost,
    /// Nobody listens where the URL leads.
    SiteRefuses,
    /// The network does not lead there.
    Unreachable,
    /// There is no answer in time, and no fact says whose fault it is.
    SiteHangs,
    /// nginx does not know the URL's host.
    ServerName,
    /// `https` to a port without TLS.
    PortWithoutTls,
    /// `http` to a port with TLS.
    PortWithTls,
    /// Nobody whom this machine trusts has signed the certificate.
    CertificateUntrusted,
    /// The certificate is for another name.
    CertificateName,
    /// The certificate's time is over.
    CertificateExpired,
    /// TLS fails in another way.
    Tls,
    /// What answers is no HTTP.
    NotHttp,

    // nginx answers, and not with the page.
    /// The application is down.
    ApplicationDown,
    /// The application runs, and nginx looks for it elsewhere.
    ApplicationAddress,
    /// nginx may not connect to the application's unix socket, as is said.
    ApplicationSocketDenied(String),
    /// nginx cannot reach the application; it is down, or its address is wrong.
    ApplicationUnreachable,
    /// Nobody listens at `--app`, and the site works.
    AppOption(String),
    /// The application takes the request and does not answer.
    ApplicationHangs,
    /// The application answers with a status of its own fault.
    ApplicationError(u16),
    /// There is no such page.
    NoSuchPage,
    /// The page is at another URL.
    Redirect(String),
    /// A password is asked for.
    Password,
    /// The page is forbidden.
    Forbidden,
    /// nginx answers by itself, and the application is never asked.
    NginxAnswers(u16),
    /// Another status than 200.
    OtherStatus(u16),
    /// The URL leads to the application itself.
    ApplicationPort,

    // Memcached.
    /// A server is down.
    MemcachedDown(String),
    /// A server takes connections and does not answer.
    MemcachedHangs(String),
    /// A server wants a password.
    MemcachedPassword(String),
    /// A server has almost, or just, as many connections as it takes.
    MemcachedConnections(String),
    /// A server knows no meta commands.
    MemcachedOld(String),
    /// What answers there is no Memcached.
    NotMemcached(String),
    /// The page is larger than a server takes.
    MemcachedItemSize { server: String, largest: u64 },
    /// A server has no memory for a store.
    MemcachedFull(String),
    /// A server's clock differs.
    MemcachedClock { server: String, seconds: i64 },

    // The page is not stored.
    /// The application does not store it, for the reason it gives.
    Refused(String),
    /// The application's cache is switched off.
    Disabled,
    /// nginx does not pass the site's host on.
    HostNotPassed,
    /// The page cache's `hosts` does not name this host, or it is not passed on.
    HostUnknown { host: String, known: Vec<String> },
    /// nginx's file caches pages of other hosts alone.
    CachedHost { host: String, cached: Vec<String> },
    /// nginx itself says that each request takes no part.
    NginxBypasses,
    /// Something on the way makes the application bypass its cache.
    Bypassed(String),
    /// The handler has no `#[cache_page]`, or the URL leads elsewhere.
    NotCached,
    /// Something between takes Cache-Status away.
    CacheStatusLost,
    /// `error_page` without `=`.
    ErrorPageEquals,
    /// `error_page` lacks codes.
    ErrorPageCodes(&'static str),
    /// A middleware makes the stored page private.
    Private(String),

    // nginx does not find what is stored.
    /// nginx never asks these servers for the page.
    NginxDoesNotAsk,
    /// nginx may not connect to Memcached's unix socket, as is said.
    SocketDenied(String),
    /// nginx's file sends the URL to a location that asks no Memcached.
    OtherLocation(String),
    /// The file asks for stored pages at this address, where no server of it gives them out.
    InnerServer(String),
    /// nginx's key lacks the query.
    KeyPathAlone,
    /// nginx's key has the host in it.
    KeyHost(&'static str),
    /// nginx's key has another prefix.
    NginxPrefix(Option<String>),
    /// nginx looks for this content type under the key of another.
    PageType(String),
    /// nginx reads bodies where whole responses are stored, or the reverse; what is
    /// stored.
    NginxLayout(Layout),
    /// The application stores another layout than the one given, which nginx reads.
    ApplicationLayout(Layout),
    /// nginx's list of servers differs.
    NginxServers(Difference),
    /// The application's list of servers differs.
    ApplicationServers(Difference),
    /// The application's key has another prefix.
    ApplicationPrefix(Option<String>),
    /// `--prefix` is not the site's.
    PrefixOption(Option<String>),
    /// `--content-type` is not the page's.
    ContentTypeOption(String),
    /// `--layout` is not the site's.
    LayoutOption(Layout),
    /// nginx looks for pages that may have parts, or for others, and the application
    /// stores what was said.
    NginxParts(bool),
    /// The application's pages may have parts, or not, and nginx looks for what was said.
    ApplicationParts(bool),
    /// `--parts` is not the site's.
    PartsOption(bool),
    /// nginx finds pages with parts, and does not fill them.
    PartsUnfilled,
    /// `--servers` are not the site's.
    ServersOption(Option<Difference>),
    /// The URL has query parameters that nginx takes out of every target.
    IgnoredQuery(String),
    /// This check's own parameter is one of them; the names that say so, where they are known.
    #[strum(serialize = "ignored-query")]
    IgnoresOurs(Vec<String>),
    /// The application keeps its pages elsewhere, or under other keys; Memcached
    /// lets nobody look on.
    ApplicationElsewhere,
    /// The application keeps its pages elsewhere, or nowhere; the process, where one alone is
    /// known to.
    ApplicationStore(Option<String>),
    /// The application's target is another than nginx's: by nginx.
    RewriteInNginx(String),
    /// The same, by the application.
    RewriteInApplication(String),
    /// The same; no fact says by whom.
    Rewrite(String),
    /// This process of the application does not find what the first stores.
    ProcessesDiffer(String),
    /// Another cache answers between.
    CacheBetween,
    /// nginx finds nothing, and without `--servers` no fact says why.
    NginxFindsNothing,
    /// nginx finds some pages and others not, and without `--servers` no fact
    /// says which.
    SomeNotFound,
    /// The page is rendered each time, and no fact says why.
    NothingKept,
    /// Something else is stored under the page's key.
    SharedMemcached,

    // A hit differs from a miss.
    /// nginx says another content type.
    ContentType { rendered: String, served: String },
    /// nginx serves other bytes.
    OtherBytes,
    /// A hit lacks fields of a miss.
    LostFields(Vec<String>),
    /// The page shows another host than the site's.
    WrongHost(String),
    /// nginx's file lacks what gzip entries need.
    GzipLines(&'static str),

    // Other requests.
    /// nginx answers a method itself.
    MethodByNginx(&'static str),
    /// A method's answer differs from the application's.
    MethodDiffers(&'static str),
    /// nginx answers from Memcached who must not get a stored page.
    NginxRules(Vec<String>),
    /// The application uses its cache for who must not get a stored page.
    ApplicationRules(Vec<String>),
    /// Neither nginx nor the application has such a rule.
    BypassOption(Vec<String>),
    /// nginx takes away the field that decides.
    RuleFieldLost(String),
    /// A strange host gets into a page.
    ForeignHost,
    /// A visitor's forwarding fields get into a page.
    Forwarded(Vec<String>),
    /// nginx and the application choose different pages for a target.
    LocationsDisagree(String),

    // What pages vary by.
    /// nginx gives visitors with this value the page of others.
    NginxVariants(String),
    /// The application has no page of its own for this value.
    ApplicationVariants(String),
    /// nginx and the application have different keys for it; no fact says who is right.
    VariantsDiffer(String),
    /// Both agree, and `--vary` is not the site's; what is to be given, as far as it shows.
    VaryOption(String, Vec<String>),
    /// Hits do not say in Vary that they depend on this field.
    VariantUnsaid(String),
    /// nginx takes who forges a group's cookie for a member.
    GroupForged(String),

    // With --faults.
    /// Memcached answers, so nothing is proved.
    NotOutOfReach,
    /// nginx waits too long for Memcached.
    TimeoutsLong,
    /// Every request waits, since nginx never skips its only server.
    OnlyServer,

    // Nobody waits.
    /// A page past its timeout is not rendered anew.
    StaleNotRenewed,
    /// What answers at `--admin` is no admin page.
    AdminOption,
    /// A purge leaves a page.
    PurgeFails,
    /// A purge deletes what it is to replace.
    NotReplaced,

    // With --wait.
    /// No process of the application refreshes pages.
    RefreshMissing,
    /// One does, and its requests to itself bring no page.
    RefreshFails,
    /// The same; no fact says which of both.
    NotRefreshed,
    /// A page is rendered anew too late.
    RefreshLate,
    /// A page is rendered anew and may not be stored.
    RefreshRefused,

    // With --app-down.
    /// The application answers, so nothing is proved.
    ApplicationAnswers,
    /// nginx gives no copy out.
    NginxCopies,

    /// What was seen fits nothing that we know.
    Unexplained,
}

impl Cause {
    /// Who has made `to` of a target: nginx, where the application, asked directly, stores it
    /// as it was sent.
    pub(super) fn of_rewrite(direct: Option<&Trial>, to: String) -> Cause {
        match direct.map(Trial::holds_page) {
            Some(true) => Cause::RewriteInNginx(to),
            Some(false) => Cause::RewriteInApplication(to),
            None => Cause::Rewrite(to),
        }
    }

    /// One word for machines: its name here; `docs/check.md` has each.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Cause::NginxServers(difference) => difference.word_of_nginx(),
            Cause::ApplicationServers(difference) => difference.word_of_application(),
            cause => cause.into(),
        }
    }
}

impl Difference {
    fn word_of_nginx(&self) -> &'static str {
        match self {
            Difference::Placement(_) => "nginx-placement",
            Difference::Order => "nginx-order",
            Difference::Missing(_) => "nginx-server-missing",
            Difference::Weight(_) => "nginx-weight",
            Difference::Spelling(_) => "nginx-spelling",
            Difference::Further(_) | Difference::Unknown => "nginx-servers",
        }
    }

    fn word_of_application(&self) -> &'static str {
        match self {
            Difference::Placement(_) => "application-placement",
            Difference::Order => "application-order",
            Difference::Missing(_) => "application-server-missing",
            Difference::Weight(_) => "application-weight",
            Difference::Spelling(_) => "application-spelling",
            Difference::Further(_) | Difference::Unknown => "application-servers",
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::super::explain::DOCS;
    use super::super::facts::Given;
    use super::*;

    fn all() -> impl Iterator<Item = Cause> {
        let of_servers = |difference: Difference| {
            [
                Cause::NginxServers(difference.clone()),
                Cause::ApplicationServers(difference),
            ]
        };
        Cause::iter().chain(Difference::iter().flat_map(of_servers))
    }

    #[test]
    fn the_docs_say_how_each_cause_shows_and_its_advice_what_to_change() {
        assert!(all().count() > 110);
        for cause in all() {
            let word = cause.word();
            assert!(DOCS.contains(&format!("`{word}`")), "{word}");
            assert!(!cause.change(&Given::default()).is_empty(), "{word}");
        }
    }
}
