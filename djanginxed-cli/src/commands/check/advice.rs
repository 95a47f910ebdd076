//! What to change, for each cause.

use djanginxed::{Layout, Placement};
use djanginxed_runtime::tool::VariantRule;

use super::cause::Cause;
use super::diagnosis::options;
use super::facts::Given;
use super::placing::Difference;
use super::recipe::OUR_PARAMETER;

const ERROR_PAGE: &str = "error_page 404 405 418 500 502 504 = @…;";
const GENERATE: &str = "generate it again from the application's settings (djanginxed nginx), then nginx -t and nginx -s reload";

impl Cause {
    /// What to change; where several things fit, which fact would tell them apart, unless it
    /// was `given`.
    pub(super) fn change(&self, given: &Given) -> String {
        let rules = &given.rules;
        (self.hangs(given))
            .or_else(|| self.unreached())
            .or_else(|| self.no_page())
            .or_else(|| self.memcached())
            .or_else(|| self.of_hosts(given))
            .or_else(|| self.not_stored(given))
            .or_else(|| self.not_found(given))
            .or_else(|| self.differs())
            .or_else(|| self.lasting())
            .or_else(|| self.signed(rules))
            .or_else(|| self.varied(rules))
            .unwrap_or_else(|| self.other_requests())
    }

    fn hangs(&self, given: &Given) -> Option<String> {
        if *self != Cause::SiteHangs {
            return None;
        }
        let is_known = !given.servers.is_empty();
        Some(match (&given.app, is_known) {
            (Some(_), true) => "The application and Memcached answer when they are asked directly: nginx waits for something else (another location, auth_request, a proxy before it), or does not answer itself. Its error log says more.".to_owned(),
            (Some(_), false) => "The application answers when it is asked directly: nginx waits for something else, such as Memcached without time-outs (give --servers), or does not answer itself.".to_owned(),
            (None, _) => format!("Something behind nginx does not answer. Give --app: where the application does not answer either, it is the application that hangs; where it does, nginx waits for something else{}.", match is_known {
                true => "",
                false => " (Memcached without time-outs: give --servers)",
            }),
        })
    }

    fn unreached(&self) -> Option<String> {
        let text = match self {
            Cause::UnknownHost => {
                "Correct the URL's host, or give --connect HOST:PORT where its name does not lead to this nginx."
            }
            Cause::SiteRefuses => "Start nginx, or correct the URL's host and port.",
            Cause::Unreachable => {
                "Correct the URL's host and port, or the network and its firewalls."
            }
            Cause::ServerName => {
                "nginx's default server closes the connection (444): add the URL's host to server_name (--server-name of djanginxed nginx), or ask for a host that is there, with --connect HOST:PORT where its name does not lead to this nginx."
            }
            Cause::PortWithoutTls => {
                "No TLS is spoken on this port: write http:// or another port into the URL, or \"ssl\" into nginx's listen."
            }
            Cause::PortWithTls => "TLS is spoken on this port: write https:// into the URL.",
            Cause::CertificateUntrusted => {
                "Nobody whom this machine trusts has signed the certificate: give the signer's with --cacert FILE; where browsers complain too, mend ssl_certificate (the intermediate certificates belong into that file)."
            }
            Cause::CertificateName => {
                "The certificate is for another name: ask for a name that it has, or get one for this name."
            }
            Cause::CertificateExpired => {
                "Renew the certificate and reload nginx; or correct this machine's clock."
            }
            Cause::Tls => "nginx's error log says why TLS fails.",
            Cause::NotHttp => "What listens there is no web server: correct the URL's port.",
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn no_page(&self) -> Option<String> {
        Some(match self {
            Cause::ApplicationDown => "Start the application: nobody listens where it should.".to_owned(),
            Cause::ApplicationAddress => "The application runs, and nginx does not reach it: correct the address in nginx's upstream (--app of djanginxed nginx).".to_owned(),
            Cause::ApplicationUnreachable => "Start the application, or correct its address in nginx's upstream. Give --app HOST:PORT: where it answers there, nginx's address is wrong. Where it has a unix socket, nginx's user may have no right to write to it (its error log says \"Permission denied\"): --conf tells.".to_owned(),
            Cause::ApplicationSocketDenied(why) => format!("{why}: let the application give its socket mode 0660 once it is bound (actix-web makes it 0755), and put nginx's user into its group; or let it listen on a port."),
            Cause::AppOption(app) => format!("The process at {app} may be down, though the site works: start it, or see why it does not answer. Where none is to listen there, correct --app, or leave it out."),
            Cause::ApplicationHangs => "The application takes the request and does not answer: its log, a database that it waits for.".to_owned(),
            Cause::ApplicationError(status) => format!("The application answers with status {status}: see its log. Such answers are never stored."),
            Cause::NoSuchPage => "Give the URL of a page that exists and is cached.".to_owned(),
            Cause::Redirect(to) => format!("This redirect is not stored (it could be with layout response and .statuses); give the URL that it leads to: {to}"),
            Cause::Password => "A page behind a password is not for everybody, and requests with Authorization always bypass the cache: check another page, or send what opens this one with -H \"NAME: VALUE\".".to_owned(),
            Cause::Forbidden => "Where nginx has deny or allow, run this from where visitors may come from; else see the application's own rules.".to_owned(),
            Cause::NginxAnswers(status) => format!("nginx answers with its own status {status}, and the application is not asked: a location of its own (return, root, maintenance) stands before the page's."),
            Cause::OtherStatus(status) => format!("Only answers with status 200 are stored, and this page's is {status}: give another URL."),
            Cause::ApplicationPort => "The URL leads past nginx to the application itself: give the URL that visitors have. Where another server stands before nginx, give nginx's own with --connect HOST:PORT.".to_owned(),
            _ => return None,
        })
    }

    fn memcached(&self) -> Option<String> {
        Some(match self {
            Cause::MemcachedDown(server) => format!(
                "Start Memcached at {server}, or correct the address. Pages that belong there are rendered each time."
            ),
            Cause::MemcachedHangs(server) => format!("Memcached at {server} hangs: restart it."),
            Cause::MemcachedPassword(server) => format!(
                "Memcached at {server} wants a password, and nginx cannot give one: start it without -S and -Y, where only this site reaches it."
            ),
            Cause::MemcachedConnections(server) => format!(
                "Memcached at {server} has no connections left, or will soon have none, and then nginx finds no page there and the application stores none: start it with a larger -c (and LimitNOFILE of its unit above that), and see who holds them (ss -tp). Each of nginx's workers keeps up to 64 idle ones (keepalive), and each process of the application a few for each of its workers."
            ),
            Cause::MemcachedOld(server) => format!(
                "Memcached at {server} is older than 1.6 and knows no meta commands: update it."
            ),
            Cause::NotMemcached(server) => {
                format!("What answers at {server} is no Memcached: correct the address.")
            }
            Cause::MemcachedItemSize { server, largest } => format!(
                "Memcached at {server} takes items up to {largest} bytes: start it with a larger -I, and give max_entry_size the same."
            ),
            Cause::MemcachedFull(server) => format!(
                "Memcached at {server} is full and refuses to store: start it with a larger -m, and without -M (--disable-evictions), so that old pages make room for new ones. Pages that belong there are rendered each time."
            ),
            Cause::MemcachedClock { server, seconds } => format!(
                "The clock of {server} differs by {seconds} s: set both clocks (NTP) and restart Memcached. Pages of more than 30 days are stored with a date, and expire by its clock."
            ),
            _ => return None,
        })
    }

    /// The site's hosts, at each side.
    fn of_hosts(&self, given: &Given) -> Option<String> {
        Some(match self {
            Cause::HostNotPassed => "nginx does not pass the site's host on: proxy_set_header Host $host; where it sends requests to the application.".to_owned(),
            Cause::HostUnknown { host, known } => {
                let said = match (given.app.is_some(), known.is_empty()) {
                    (true, _) => format!("The application's .hosts([…]) (DJANGINXED_HOSTS) does not have {host:?}: asked directly it says so, too"),
                    (false, false) => format!("The application's .hosts([…]) (DJANGINXED_HOSTS) does not have {host:?}"),
                    (false, true) => format!("The application's .hosts([…]) (DJANGINXED_HOSTS) does not have the host that arrives, which is to be {host:?}. Unless it is there already, give --app: where the application stores the page for this host directly, nginx does not pass it on (proxy_set_header Host $host)"),
                };
                let has = match known.is_empty() {
                    true => String::new(),
                    false => format!("; it has {}", known.join(", ")),
                };
                format!("{said}{has}. Add it there, and to nginx's file where that names hosts (--cached-host {host}); or check a page of a host that it has.")
            }
            Cause::CachedHost { host, cached } => {
                format!("nginx's file caches pages of {} (--cached-host, or DJANGINXED_HOSTS where it was generated), and not of {host}, which the application takes: {GENERATE}, with --cached-host {host} for each host of the application's .hosts([…]), and with none where it has none.", cached.join(", "))
            }
            _ => return None,
        })
    }

    fn not_stored(&self, given: &Given) -> Option<String> {
        Some(match self {
            Cause::Refused(reason) => refusal(reason),
            Cause::Disabled => "The cache is switched off: DJANGINXED_ENABLED=0 in the application's environment, or .enabled(false).".to_owned(),
            Cause::NginxBypasses => {
                let general = "nginx's bypass rules fit this plain request, as its Djanginxed-Bypass says: compare its maps with a generated file; a field that something before nginx adds (Authorization, a cookie) fits them, too.";
                match given.conf {
                    Some(_) => general.to_owned(),
                    None => format!("{general} So does every request to a location of --no-cache, or for a host that is none of --cached-host: give --conf with what nginx -T prints, which names them."),
                }
            }
            Cause::Bypassed(reason) if reason == "scheme" => "The application's .hosts([…]) names this host with another scheme than the request has (https:// or http://): give this check the URL that visitors ask for. Where it is that one, a proxy before nginx ends TLS, and nginx passes its own scheme on: write .hosts without a scheme.".to_owned(),
            Cause::Bypassed(reason) if reason == "when" => "The .when(…) of this page's cache does not take the page, so it is never stored: check a page that it takes.".to_owned(),
            Cause::Bypassed(reason) => format!("The application takes this plain request for one with {reason}: nginx, something before it or a -H of this check adds that. {}", match given.app {
                Some(_) => "The fact \"application\" says whether it stores the page directly: where it does, look between.",
                None => "Give --app: where the application stores the page directly, look between.",
            }),
            Cause::NotCached => {
                let missing = match (&given.app, given.servers.is_empty()) {
                    (None, true) => " It may also be a location of nginx that leads elsewhere: give --app and --servers, which tell.",
                    (None, false) => " It may also be a location of nginx that leads elsewhere: give --app, which tells.",
                    (Some(_), _) => "",
                };
                format!("Annotate the handler with #[cache_page], and leave cache_status on; or another program listens in the application's place (`ss -ltnp` names it).{missing}")
            }
            Cause::CacheStatusLost => "The application sends Cache-Status, and visitors do not get it: remove proxy_hide_header Cache-Status or what else takes it away.".to_owned(),
            Cause::ErrorPageEquals => format!("Write \"=\" into error_page: {ERROR_PAGE}"),
            Cause::ErrorPageCodes(codes) => format!("error_page lacks {codes}: write {ERROR_PAGE}"),
            Cause::Private(field) => format!("A middleware adds {field} to the page after it was stored: take that middleware off this page, or remove #[cache_page]. Where the application has personal parts (.parts(true)), it says so itself: give --parts here, and to the generator."),
            _ => return None,
        })
    }

    fn not_found(&self, given: &Given) -> Option<String> {
        // The mark of parts and the variant, which may stand behind it, cannot be given.
        let bare = |prefix: &str| prefix.split(['+', '~']).next().map(str::to_owned);
        let known = |prefix: &Option<String>| match prefix.as_deref().and_then(bare).as_deref() {
            Some("") => "none".to_owned(),
            Some(prefix) => format!("{prefix:?}"),
            None => "another".to_owned(),
        };
        Some(match self {
            Cause::SocketDenied(why) => format!("{why}: start Memcached with -a 0660 (its socket's mode), and put nginx's user into the socket's group (docs/operations.md of djanginxed)."),
            Cause::NginxDoesNotAsk if given.conf.is_some() => "nginx asks none of these servers, and the file that is given would: its bypass rules fit each request; nginx runs with another file (nginx -s reload), or another nginx answers; or another program listens where its inner server (the upstream that ends in _pages) should.".to_owned(),
            Cause::NginxDoesNotAsk => "nginx asks none of these servers: (a) its bypass rules fit each request, (b) another location answers the URL, (c) its memcached_pass leads to other servers, or (d) the inner server of the generated file, which asks Memcached, does not answer (nginx's error log says so: the upstream that ends in _pages and that server's listen must be the same). Give --conf with what nginx -T prints, which tells them apart; or generate nginx's file again.".to_owned(),
            Cause::OtherLocation(location) => format!("nginx answers the URL by \"location {location}\", which asks no Memcached: remove it, or make it narrower. Where it is meant to (--no-cache of djanginxed nginx), its pages are never answered by nginx: take #[cache_page] off them, and check another page."),
            Cause::InnerServer(address) => format!("nginx's file asks for stored pages at {address}, and its inner server, which gives them out, does not listen there, so that each page is a miss: write the same address into the upstream that ends in _pages and into that server's listen (--inner of djanginxed nginx), or generate the file again, whole."),
            Cause::KeyPathAlone => "nginx's key is made of $uri, which lacks the query and is decoded: set_md5 $memcached_key PREFIX$request_uri;".to_owned(),
            Cause::KeyHost(variable) => format!("nginx's key contains {variable}, and the application's has no host: set_md5 $memcached_key PREFIX$request_uri; and a prefix for each host that shows other pages."),
            Cause::NginxPrefix(prefix) => format!("nginx's prefix is {}, and the application's is the one given: correct nginx's file ({GENERATE}).", known(prefix)),
            Cause::PageType(content_type) => format!("Pages of {content_type} have keys of their own, and nginx looks under another: {OWN_PAGE}"),
            Cause::ContentTypeOption(content_type) => format!("The site works, and this page is {content_type}: give --content-type {content_type}."),
            Cause::NginxLayout(layout) => format!("The application stores {}, and nginx's file is for the other layout: generate it with --layout {layout}, or give the application the file's (.layout(…), DJANGINXED_LAYOUT).", stored(*layout)),
            Cause::ApplicationLayout(layout) => format!("The application stores {}, and nginx reads the layout that was given: correct .layout(…) or DJANGINXED_LAYOUT of the application.", stored(*layout)),
            Cause::NginxServers(difference) => format!("nginx's list of Memcached servers differs from the one given: {}; {GENERATE}.", difference.words()),
            Cause::ApplicationServers(difference) => format!("The application's list of Memcached servers differs from the one given, which nginx has: {}. Correct DJANGINXED_SERVERS or .memcached([…]).", difference.words()),
            Cause::ApplicationPrefix(prefix) => format!("The application's prefix is {}, and nginx's is the one given: correct DJANGINXED_KEY_PREFIX, .key_prefix(…), or the handler's key_prefix.", known(prefix)),
            Cause::PrefixOption(prefix) => format!("The site's prefix is {}, and works: correct --prefix.", known(prefix)),
            Cause::NginxParts(true) => format!("nginx looks for pages that may have personal parts, and the application stores pages without: {GENERATE}, without --parts; or switch them on with .parts(true)."),
            Cause::NginxParts(false) => format!("The application's pages may have personal parts (.parts(true)), and nginx looks for pages without, having no SSI: {GENERATE}, with --parts."),
            Cause::ApplicationParts(true) => "The application's pages may have personal parts, and nginx looks for pages without: take .parts(true) or DJANGINXED_PARTS away, or give --parts here and generate nginx's file with it.".to_owned(),
            Cause::ApplicationParts(false) => "nginx fills personal parts, and the application has none switched on: add .parts(true), or DJANGINXED_PARTS=1.".to_owned(),
            Cause::PartsOption(true) => "The site works, and its pages may have personal parts: give --parts.".to_owned(),
            Cause::PartsOption(false) => "The site works, and its pages have no personal parts: leave --parts out.".to_owned(),
            Cause::PartsUnfilled => format!("nginx serves pages with their parts unfilled: its location needs \"ssi on;\" ({GENERATE}, with --parts)."),
            Cause::LayoutOption(layout) => format!("The site works, and stores {}: give --layout {layout}.", stored(*layout)),
            Cause::ServersOption(difference) => match difference {
                Some(difference) => format!("nginx and the application agree on another list of servers: {}. Correct --servers and --placement.", difference.words()),
                None => "nginx and the application agree on other servers: correct --servers.".to_owned(),
            },
            Cause::IgnoresOurs(names) => {
                let names = match names.is_empty() {
                    true => String::new(),
                    false => format!(" {}", names.join(",")),
                };
                format!("nginx takes this check's own parameter, {OUR_PARAMETER}, out of every target (--ignore-query{names}), so that the check cannot ask for the page as nobody has before. What it has seen speaks of nothing else: to check the site, generate nginx's file again with names in --ignore-query that {OUR_PARAMETER} does not begin with.")
            }
            Cause::IgnoredQuery(names) => format!("The site works: nginx takes {names} out of every target (--ignore-query) before it looks for the page and asks the application. Give the URL without it."),
            Cause::ApplicationElsewhere => "The application keeps this page under none of the keys that it may have, on none of these servers: it has another prefix, other servers or its own memory. Its log says at start which store it has; a Memcached that lets itself be watched (without -W) would tell more.".to_owned(),
            Cause::ApplicationStore(Some(process)) => format!("The process at {process} keeps no pages: it does not reach its Memcached, or that takes nothing. Compare DJANGINXED_SERVERS (.memcached([…])) and the network of this process with the others'; its log says at start which servers it has, and why pages are not stored. A server that has just come back is asked again within 20 s (detail=skipped until then)."),
            Cause::ApplicationStore(None) => "The application keeps this page on none of these servers: it has other ones, it cannot reach them, or it keeps pages in its own memory (no DJANGINXED_SERVERS, .in_memory). Its log says at start which store it has, and why pages are not stored. A server that has just come back is asked again within 20 s (detail=skipped until then).".to_owned(),
            Cause::RewriteInNginx(to) => format!("nginx asks the application for {to:?} instead: let proxy_pass end after the host, and remove the rewrite."),
            Cause::RewriteInApplication(to) => format!("A middleware of the application (NormalizePath) makes {to:?} of it before the page is stored: remove it from cached pages, and let nginx redirect."),
            Cause::Rewrite(to) => format!("The application sees {to:?} instead. Give --app: where the application stores it under the target as sent, nginx rewrites it (rewrite, a path in proxy_pass), else a middleware (NormalizePath)."),
            Cause::ProcessesDiffer(address) => format!("The process at {address} does otherwise than another of --app: it stores and looks elsewhere, or refuses what the other takes. Give all the same settings (key prefix, servers and their order, placement, layout, .vary and its secrets, .parts, .hosts, .enabled, DJANGINXED_…), and restart those that run an older build."),
            Cause::CacheBetween => "Another cache answers between nginx and the application (proxy_cache, a CDN): take it off cached pages. It would serve pages that were deleted. Where nginx asks several processes, give --app for each: one with other settings looks alike.".to_owned(),
            Cause::NginxFindsNothing => {
                let general = "The application finds its page and nginx does not: nginx asks under another key, asks other servers, or does not ask";
                match (given.servers.is_empty(), &given.conf) {
                    (true, None) => format!("{general}; or the application keeps pages in its own memory. Give --servers (of a Memcached that lets itself be watched, without -W) and --prefix, which tell these apart, or --conf."),
                    (true, Some(_)) => format!("{general}; or the application keeps pages in its own memory. Give --servers (of a Memcached that lets itself be watched, without -W) and --prefix, which tell these apart; nginx's file is as it should be, if nginx runs with it."),
                    (false, None) => format!("{general}. Give --conf with what nginx -T prints, or a Memcached that lets itself be watched (without -W), which tell these apart."),
                    (false, Some(_)) => format!("{general}, though the file that is given does: nginx runs with another (nginx -s reload), or its bypass rules fit each request. A Memcached that lets itself be watched (without -W) would tell."),
                }
            }
            Cause::SomeNotFound => "nginx finds some pages and others not: with several Memcached servers, one of them is down, or nginx's list differs from the application's (order, weights, placement, a server less). Give --servers, which tells these apart.".to_owned(),
            Cause::NothingKept => "The application renders the page each time: its Memcached is out of reach or takes nothing. Give --servers, to see how they are; the application's log says why pages are not stored.".to_owned(),
            Cause::SharedMemcached => "Something else is stored under this page's key: give each site on one Memcached its own key prefix.".to_owned(),
            Cause::Unexplained => "This fits no cause that is known: compare nginx's file with a generated one, and see the application's log (\"not stored\") and nginx's error log.".to_owned(),
            _ => return None,
        })
    }

    fn differs(&self) -> Option<String> {
        Some(match self {
            Cause::ContentType { rendered, served } if media(rendered) == media(served) => format!("The application says {rendered}, nginx {served}: write charset utf-8; into nginx's location (and let no other charset stand there)."),
            Cause::ContentType { rendered, .. } => format!("nginx serves {} as another type: {OWN_PAGE}", media(rendered)),
            Cause::OtherBytes => "nginx changes hits: let no filter (sub_filter, ssi, addition) work on the cached location.".to_owned(),
            Cause::LostFields(fields) => format!("Hits lack {}, or have another value there. Declare what is constant with .header(NAME, VALUE) and generate nginx's file again (--header), also where such a value has changed; take middleware off whose field differs from request to request, or remove #[cache_page].", fields.join(", ")),
            Cause::WrongHost(shown) => format!("The page shows {shown:?} where the site's host belongs: proxy_set_header Host $host; where nginx sends requests to the application."),
            Cause::GzipLines(line) => format!("Write \"{line}\" into nginx's location; gzip entries need memcached_gzip_flag 2, gunzip on and gzip_vary on."),
            _ => return None,
        })
    }

    fn lasting(&self) -> Option<String> {
        Some(match self {
            Cause::StaleNotRenewed => "The application has a page past its timeout and leaves it as it is: its render fails (5xx), takes longer than 5 s, or is not stored any more; see its log. The page goes when its stale time ends.".to_owned(),
            Cause::AdminOption => "Give the URL of the page that pages.admin(…) configures, as the application itself has it (not through nginx), and what opens it with --admin-header \"NAME: VALUE\".".to_owned(),
            Cause::PurgeFails => "Purges do not reach all servers: whoever purges gets told so (Purged::failures) and is to try again; see how the application reaches Memcached.".to_owned(),
            Cause::NotReplaced => "refresh_through is set, and the request of this process to itself brought no page in time: it is to name where this very process listens (each process its own port, no nginx between), and the page's render is to be shorter than purge_deadline; the log says \"refresh\".".to_owned(),
            Cause::RefreshMissing => format!("The application has no refresh_through: add .refresh_through(\"http://HOST:PORT\"), {OWN_ADDRESS}; or leave --wait out."),
            Cause::RefreshFails => format!("refresh_through is set, and its request brings no page: correct its address, {OWN_ADDRESS}. The log says why (\"a page is not rendered anew\")."),
            Cause::NotRefreshed => format!("The application has no refresh_through, or its address is wrong: give it .refresh_through(\"http://HOST:PORT\"), {OWN_ADDRESS}. Of a wrong address the log says \"a page is not rendered anew\"; --admin tells the two apart."),
            Cause::RefreshLate => "refresh_through works, and is late: the render takes longer than the time before the page's end (a tenth of its timeout, 1 to 30 s), or other renders that fail or take long are before it (\"a page is not rendered anew\" in the log). Give the page a stale time of 3 s or more (stale = …), and more renders at a time (refresh_at_once).".to_owned(),
            Cause::RefreshRefused => "The application has rendered the page for its own request and may not store it, so the page is taken away, and its log says why (\"not stored\"): something treats this request otherwise than a visitor's. It comes without nginx and without cookies, with the User-Agent djanginxed.".to_owned(),
            Cause::ApplicationAnswers => "Stop the application, all its processes, and check again.".to_owned(),
            Cause::NginxCopies => format!("nginx has no copy to give out in place of the application: {GENERATE}, with --stale-if-error."),
            _ => return None,
        })
    }

    /// Who is told apart by a group's signature alone is told apart by the secret first.
    fn signed(&self, rules: &[VariantRule]) -> Option<String> {
        let (nginx, application) = (of_nginx(rules), of_application(rules));
        let is_group = |what: &String| rules.iter().any(|rule| is_group_of(rule, what));
        Some(match self {
            Cause::NginxVariants(what) if is_group(what) => format!(
                "nginx does not believe a cookie of {what} that is signed with the secret given here: nginx's file has another secret than the application, or else another rule for the group: {GENERATE}, with the application's secret in DJANGINXED_GROUP_SECRET or --group-secret-file, and {nginx}."
            ),
            Cause::ApplicationVariants(what) if is_group(what) => format!(
                "nginx believes a cookie of {what} that is signed with the secret given here, and the application does not: the application has another secret than nginx's file, or else another rule for the group. Give all its processes this one, and {application}; where it reads its environment (from_env), DJANGINXED_GROUP_SECRET and {}. Where it has them already, something between takes the cookie away, which --app tells. Where the application's secret is the right one, generate nginx's file again with that, and give it here.",
                of_environment(rules)
            ),
            Cause::VariantsDiffer(what) if is_group(what) => format!(
                "nginx and the application do not both believe a cookie of {what} that is signed with the secret given here: one of them has another secret of the group (DJANGINXED_GROUP_SECRET), or else another rule for it. Give the application {application}, and generate nginx's file again with {nginx}, both with the same secret. With --servers it shows whose is another."
            ),
            Cause::VaryOption(what, known) if is_group(what) => format!(
                "nginx and the application agree, and neither believes a cookie of {what} that is signed with the secret given here: the secret of this check (--group-secret-file, DJANGINXED_GROUP_SECRET) is another than theirs. Give theirs, and {} as the application has it.",
                match known.is_empty() {
                    true => "--vary".to_owned(),
                    false => known.join(" "),
                }
            ),
            _ => return None,
        })
    }

    fn varied(&self, rules: &[VariantRule]) -> Option<String> {
        let (nginx, application) = (of_nginx(rules), of_application(rules));
        let secret = secret(rules);
        Some(match self {
            Cause::NginxVariants(what) => format!(
                "nginx's file varies pages otherwise than --vary says ({what}), so visitors get another variant's page or none: {GENERATE}, with {nginx}, which is to be what the application has: {application}{secret}. Where the application has other rules, correct --vary."
            ),
            Cause::ApplicationVariants(what) => format!(
                "The application varies pages otherwise than --vary says ({what}), and nginx as --vary does: give it {application}; where it reads its environment (from_env), {}{secret}. Where that is there already, something between takes the field away, which --app tells. Where the application is right, correct --vary and generate nginx's file again.",
                of_environment(rules)
            ),
            Cause::VariantsDiffer(what) => format!(
                "nginx and the application do not make the same keys of what pages vary by ({what}): give the application {application}, and generate nginx's file again with {nginx}{secret}. With --servers it shows whose is another."
            ),
            Cause::VaryOption(what, known) if known.is_empty() => format!(
                "nginx and the application agree, and not with --vary ({what}): give the rules as the application has them{secret}, or leave --vary out where it has none."
            ),
            Cause::VaryOption(what, known) => format!(
                "nginx and the application agree, and not with --vary ({what}): give {} as the application has it{secret}.",
                known.join(" ")
            ),
            Cause::VariantUnsaid(field) => format!(
                "A hit must say \"Vary: {field}\", or browsers and proxies show one variant for another: {GENERATE}, with {nginx}, which writes {}; take out what removes Vary.",
                vary_line(rules)
            ),
            Cause::GroupForged(whose) => format!(
                "nginx takes a cookie of {whose} for a member's: {GENERATE}, with {nginx}. Until then whoever writes such a cookie sees the group's pages."
            ),
            _ => return None,
        })
    }

    fn other_requests(&self) -> String {
        match self {
            Cause::MethodByNginx(method) => format!("nginx answers {method} itself. Write {ERROR_PAGE} and let no limit_except, if or return answer it."),
            Cause::MethodDiffers(method) => format!("nginx changes the application's answer to {method}: write {ERROR_PAGE} with its \"=\", and let no limit_except, if or return answer it."),
            Cause::NginxRules(rules) => format!("nginx serves stored pages in spite of {}: {GENERATE}, with the application's bypass rules. It answers hits before the application sees them.", rules.join(", ")),
            Cause::ApplicationRules(rules) => format!("nginx passes it on, and the application uses its cache in spite of {}: add {} to it. Where it has that already, a middleware removes the field before the handler; the page's log line at debug level says what it saw. Without --servers it may also be another cache between nginx and the application that answers.", rules.join(", "), builder_lines(rules)),
            Cause::BypassOption(rules) => format!("Neither nginx nor the application, asked directly, bypasses for {}: correct --bypass-cookie or --bypass-header; or add {} to the application, and generate nginx's file again.", rules.join(", "), builder_lines(rules)),
            Cause::RuleFieldLost(field) => format!("nginx does not pass {field} on (proxy_set_header {field} \"\"), and the application needs it: remove that line."),
            Cause::ForeignHost => "Name the site in server_name, add a default server with return 444, and send proxy_set_header Host $host.".to_owned(),
            Cause::Forwarded(fields) => format!("A visitor's {} get into a page that is stored. Clear them towards the application, as the generated file does: proxy_set_header NAME \"\"; and X-Forwarded-Host $host;", fields.join(", ")),
            Cause::LocationsDisagree(target) => format!("nginx chooses the location of {target:?} by its normalised path, the application by the raw one, so they have different prefixes for it: generate nginx's file again with a djanginxed that bypasses such targets."),
            Cause::NotOutOfReach => "Stop Memcached (systemctl stop memcached) or let it hang (kill -STOP), and check again.".to_owned(),
            Cause::TimeoutsLong => "Put memcached_connect_timeout, memcached_send_timeout and memcached_read_timeout of 100ms where nginx asks Memcached.".to_owned(),
            Cause::OnlyServer => "nginx never skips its only server: write \"server 127.0.0.1:1 down;\" beside it, and max_fails=2 fail_timeout=5s behind its address.".to_owned(),
            _ => String::new(),
        }
    }
}

const OWN_ADDRESS: &str =
    "where this very process listens (each process its own port, no nginx between)";

const OWN_PAGE: &str = "give its type to the handler (content_type = …), to nginx's file (--page PATH=PREFIX,TYPE) and to this check (--content-type TYPE), since the type is a part of the key.";

fn stored(layout: Layout) -> &'static str {
    match layout {
        Layout::Response => "whole responses",
        _ => "bodies",
    }
}

fn media(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// What pages vary by, as an application's builder has it.
fn of_application(rules: &[VariantRule]) -> String {
    match rules {
        [] => "no .vary(…)".to_owned(),
        rules => (rules.iter())
            .map(|rule| format!(".vary({})", rule.code))
            .collect(),
    }
}

/// As its environment has it.
fn of_environment(rules: &[VariantRule]) -> String {
    match rules {
        [] => "no DJANGINXED_VARY".to_owned(),
        rules => {
            let rules: Vec<_> = rules.iter().map(|rule| rule.option.as_str()).collect();
            format!("DJANGINXED_VARY=\"{}\"", rules.join(";"))
        }
    }
}

/// As the generator's command line has it.
fn of_nginx(rules: &[VariantRule]) -> String {
    match rules {
        [] => "no --vary".to_owned(),
        rules => options(rules.iter().map(|rule| &rule.option)).join(" "),
    }
}

/// Whether `what` is a value of this rule alone, and the rule a group's.
fn is_group_of(rule: &VariantRule, what: &str) -> bool {
    let (kind, rest) = rule.option.split_once(':').unwrap_or_default();
    let name = rest.split('=').next().unwrap_or_default();
    let value = what
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('='));
    kind.starts_with("group") && value.is_some_and(|value| !value.contains(", "))
}

/// Rules of groups are not all that must be the same.
fn secret(rules: &[VariantRule]) -> &'static str {
    match rules.iter().any(|rule| rule.option.starts_with("group")) {
        true => ", and the same DJANGINXED_GROUP_SECRET everywhere",
        false => "",
    }
}

/// What a generated file says to caches on the way.
fn vary_line(rules: &[VariantRule]) -> String {
    let mut fields: Vec<&str> = Vec::new();
    for field in rules.iter().flat_map(|rule| &rule.fields) {
        if !fields.iter().any(|known| known.eq_ignore_ascii_case(field)) {
            fields.push(field);
        }
    }
    format!("add_header Vary \"{}\";", fields.join(", "))
}

/// The builder's methods for rules, each of which is a field or `Cookie: NAME`.
fn builder_lines(rules: &[String]) -> String {
    let lines = rules
        .iter()
        .map(|rule| match rule.strip_prefix("Cookie: ") {
            Some(name) => format!(".bypass_cookie({name:?})"),
            None => format!(".bypass_header({rule:?})"),
        });
    lines.collect()
}

fn refusal(reason: &str) -> String {
    let what = match reason {
        "set-cookie" => "The handler sets a cookie: set it elsewhere, or remove #[cache_page].",
        "cache-control" => {
            "The handler's Cache-Control (private, no-store or no-cache) forbids it: remove that, or #[cache_page]."
        }
        "vary" => {
            "The handler's Vary, or that of a middleware inside of the cache, says that the page differs by a field of the request: remove that, or #[cache_page]. What .vary(…) declares the cache says itself. \"Vary: Cookie\" is always refused, since it does not say which cookie: where the page depends on declared ones alone, leave it to the cache."
        }
        "content-encoding" => {
            "The handler encodes its content itself: leave that to the page cache (.gzip(true)) and to nginx."
        }
        "header" => {
            "The handler's answer has a field that hits would lack: declare it with .header(NAME, VALUE) where it is constant; the application's log says which."
        }
        "expired" => "The handler's own max-age, s-maxage, Expires or Age leave the page no life.",
        "empty" => "The page is empty, and nginx would serve it as a page.",
        "too-large" => {
            "The page is larger than .max_entry_size: raise it, and Memcached's -I with it."
        }
        "incomplete" => "The page's stream ended early: see the application's log.",
        "status" => "Only answers with status 200 are stored.",
        "method" => "Only GET is stored.",
        "query" => {
            "The URL has a query parameter that the page does not know (query = […]; what stands there without a name, as in \"/a?\", is one, too), and such requests are never stored: give the URL without it, or name it there."
        }
        "content-type" => {
            "nginx would serve the page under another type or charset: send UTF-8 and the page's content_type. Where it is not text/html, give its type to the handler (content_type = …), to nginx's file (--page PATH=PREFIX,TYPE) and to this check (--content-type TYPE)."
        }
        _ => "The application does not store this page; its log says why (\"not stored\").",
    };
    what.to_owned()
}

impl Difference {
    fn words(&self) -> String {
        match self {
            Difference::Placement(Placement::Consistent) => {
                "\"hash $memcached_key consistent;\" stands there".to_owned()
            }
            Difference::Placement(_) => "\"consistent\" is missing behind hash".to_owned(),
            Difference::Order => "the servers stand in another order".to_owned(),
            Difference::Missing(server) => format!("{server} is missing"),
            Difference::Further(server) => format!("{server} stands there, too"),
            Difference::Weight(server) => format!("{server} has another weight"),
            Difference::Spelling(server) => {
                format!("the host of {server} is written otherwise, and its text is what counts")
            }
            Difference::Unknown => "addresses (perhaps further ones), order or weights".to_owned(),
        }
    }
}
