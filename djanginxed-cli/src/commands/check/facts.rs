//! What was seen, as plain data: what nginx answered, what the application
//! answers to the same, and what each Memcached server holds under which key.

use std::time::Duration;

use djanginxed::{Layout, PageKey, Placement};
use djanginxed_runtime::tool::{KeyRecipe, Server, VariantRule};

use super::answer::{Answer, By, by};
use super::conf::{Conf, Site};
use super::placing::Placing;
use super::recipe::Recipe;
use crate::http::{Problem, Response, Url};
use crate::memcached::{Health, Item};

/// A name that nobody has (RFC 6761), by which the site is asked for.
pub(super) const STRANGER: &str = "djanginxed-check.invalid";

/// The longest `--wait`, in seconds.
pub(super) const LONGEST_WAIT: u64 = 86_400;

/// So many spellings of a target are enough for one check.
pub(super) const SPELLINGS: u64 = 160;

/// Everything that was seen so far. A diagnosis is a function of this alone.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) url: Url,
    pub(super) given: Given,
    /// nginx's answer to a target that nobody had asked for.
    pub(super) first: Answer,
    /// Why nothing that this check asks for can be a page that nobody has asked for.
    pub(super) unprobed: Option<Unprobed>,
    /// Why nginx may not write to the application's unix socket; asked only where nginx
    /// answers by itself that it does not reach the application.
    pub(super) app_denied: Option<String>,
    /// The application itself, asked for such a target twice, where --app is given.
    pub(super) direct: Option<Trial>,
    /// Each further process that was given, asked for what the first has just stored.
    pub(super) processes: Vec<Process>,
    /// Each process that was given and did not find a page at once, and its last answer to
    /// who asks it for one several times.
    pub(super) forgetful: Vec<(String, Answer)>,
    /// Each server that was given, and how it is.
    pub(super) health: Vec<(String, Health)>,
    /// The same once pages were to be stored; only where one was not found.
    pub(super) health_after: Vec<(String, Health)>,
    /// Whether what answers is nginx: it refuses what no nginx lets through.
    pub(super) behind_nginx: Option<bool>,
    pub(super) trials: Vec<Trial>,
    /// Whether nginx reads whole responses; asked only where it does not find a page whose
    /// type is a part of its key, which it is in bodies alone.
    pub(super) reads_responses: Option<bool>,
    /// What nginx answers where this check's own parameter has another name; asked only
    /// where a page was there that nobody had asked for.
    pub(super) renamed: Option<Answer>,
    /// The page for other hosts of the site; asked only where its own takes no part.
    pub(super) other_hosts: Vec<OtherHost>,
    /// The page's entry was taken away, and the next answer says that it is
    /// stored, and it is not: another cache gave that answer.
    pub(super) another_cache: Option<bool>,
    pub(super) inspection: Option<Inspection>,
    pub(super) page: Option<PageFacts>,
    pub(super) spellings: Vec<Spelling>,
    pub(super) methods: Vec<Method>,
    pub(super) rules: Vec<Rule>,
    pub(super) variants: Variants,
    pub(super) strangers: Option<Strangers>,
    pub(super) lasting: Lasting,
    /// With `--app-down`.
    pub(super) without_app: Option<WithoutApp>,
    /// With `--faults`.
    pub(super) faults: Vec<Timed>,
}

/// Why a page cannot be asked for as nobody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unprobed {
    /// It names its query parameters, and so many spellings without another are too few.
    FewSpellings(u64),
    /// The same of its query's values alone: its `when` refuses other spellings of its path.
    When(u64),
    /// Each spelling that was tried is stored already.
    AllStored,
}

/// A further process, asked for a page that the first has stored.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) address: String,
    /// The first process's last answer, by which it is to have found its own page.
    pub(super) stored: Answer,
    /// This one's only answer.
    pub(super) found: Answer,
}

/// What the command line says.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) prefix: String,
    pub(super) content_type: String,
    /// What the application stores: as given, else as it was seen.
    pub(super) layout: Layout,
    /// Whether the layout was given.
    pub(super) says_layout: bool,
    /// The servers, in order, and their placement; empty where none is given.
    pub(super) servers: Vec<Server>,
    pub(super) placement: Placement,
    pub(super) app: Option<String>,
    /// With `--faults`: the longest that a page may take.
    pub(super) within: Duration,
    /// What pages vary by.
    pub(super) rules: Vec<VariantRule>,
    /// Whether nginx's file has the group's secret that was given; none where either is
    /// missing.
    pub(super) is_secret_of_file: Option<bool>,
    pub(super) conf: Option<Conf>,
}

/// A target that nobody had asked for, asked for twice.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    pub(super) target: String,
    pub(super) key: PageKey,
    pub(super) first: Answer,
    /// The last answer that was waited for.
    pub(super) second: Answer,
    /// The given servers that hold something under the page's key.
    pub(super) held: Vec<(usize, Item)>,
    /// Whether nginx was seen to find a page, where no answer says who gave it.
    pub(super) seen_hit: Option<bool>,
}

/// What the servers were asked for meanwhile, and where pages lie instead.
#[derive(Clone, Debug, Default)]
pub(super) struct Inspection {
    /// Whether we could look on at every server.
    pub(super) watched: bool,
    /// What was found where the application stores.
    pub(super) stored_layout: Option<Layout>,
    pub(super) looks: Vec<Look>,
}

/// One target of an inspection.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) key: PageKey,
    pub(super) second: Answer,
    /// Lookups while the second request was answered.
    pub(super) lookups: Vec<Place>,
    /// How often the page's own key was asked for while the first request was
    /// answered.
    pub(super) asked: usize,
    /// How often the page's own key was found while the last request was answered.
    pub(super) found: usize,
    /// Where the page was stored.
    pub(super) stores: Vec<Place>,
}

/// The page, asked for with another Host.
#[derive(Clone, Debug)]
pub(super) struct OtherHost {
    pub(super) host: String,
    pub(super) answer: Answer,
    /// The application itself.
    pub(super) direct: Option<Answer>,
}

/// A key on a server, and which recipe makes such a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) server: usize,
    pub(super) key: String,
    /// None: no recipe that we know.
    pub(super) recipe: Option<Recipe>,
}

/// A page: two misses, a hit, and what a hit is for clients that take gzip.
#[derive(Clone, Debug)]
pub(super) struct PageFacts {
    pub(super) miss: Response,
    pub(super) other_miss: Response,
    pub(super) hit: Response,
    pub(super) packed: Answer,
    /// A miss for a client that takes every encoding.
    pub(super) packed_miss: Option<Response>,
    /// What the application itself shows to somebody who names another host.
    pub(super) for_stranger: Option<Response>,
}

/// The page under another spelling of its target.
#[derive(Clone, Debug)]
pub(super) struct Spelling {
    pub(super) name: &'static str,
    pub(super) trial: Trial,
    /// The application itself, asked for such a spelling.
    pub(super) direct: Option<Trial>,
}

/// An answer to a method, and the application's own.
#[derive(Clone, Debug)]
pub(super) struct Method {
    pub(super) name: &'static str,
    pub(super) answer: Answer,
    pub(super) direct: Option<Answer>,
}

/// A request that must not get a stored page.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) fact: &'static str,
    pub(super) name: String,
    pub(super) value: String,
    pub(super) answer: Answer,
    pub(super) direct: Option<Answer>,
}

/// One page, asked for by a visitor of each variant.
#[derive(Clone, Debug, Default)]
pub(super) struct Variants {
    /// By those who say nothing, before all others; none where there is one variant.
    pub(super) plain: Option<Trial>,
    /// By those who say that they are in a group, and are not.
    pub(super) forged: Vec<Forged>,
    pub(super) trials: Vec<VariantTrial>,
    /// By those who say nothing, once each of the others has got his own.
    pub(super) after: Option<Answer>,
    /// The values of those who were not asked for.
    pub(super) unasked: Vec<String>,
    /// How many variants nobody could ask for, since no secret is given to sign for them.
    pub(super) unsigned: usize,
}

/// The page, asked for by somebody of another variant.
#[derive(Clone, Debug)]
pub(super) struct VariantTrial {
    /// `language=de, currency=usd`.
    pub(super) value: String,
    /// The fields of a request that say so.
    pub(super) looks_at: Vec<String>,
    /// Whether one of them is a group's cookie.
    pub(super) is_signed: bool,
    pub(super) first: Answer,
    /// The last answer that was waited for.
    pub(super) second: Answer,
    /// Whether there is a page under the variant's own key; none without `--servers`.
    pub(super) is_stored: Option<bool>,
    /// The application's own answer where nginx does not find what it should.
    pub(super) direct: Option<DirectVariant>,
}

/// The application itself, asked by such a visitor.
#[derive(Clone, Debug)]
pub(super) struct DirectVariant {
    pub(super) answer: Answer,
    /// Whether there is a page under the variant's own key now.
    pub(super) is_stored: Option<bool>,
}

/// A page that is stored for those who say nothing, asked for by a forger.
#[derive(Clone, Debug)]
pub(super) struct Forged {
    /// `group=member`.
    pub(super) value: String,
    /// `with a wrong signature`.
    pub(super) fault: &'static str,
    pub(super) answer: Answer,
    /// Whether there is a page under the members' key then; none without `--servers`.
    pub(super) is_stored: Option<bool>,
}

/// What became of names that a stranger made up.
#[derive(Clone, Debug)]
pub(super) struct Strangers {
    /// The answer to another Host, and the site's own visitor's afterwards.
    pub(super) host: Answer,
    pub(super) after: Answer,
    /// Fields whose value shows up in a page that is stored.
    pub(super) believed: Vec<String>,
    pub(super) sent: usize,
}

/// What keeps visitors from waiting; none of what was not asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Lasting {
    pub(super) stale: Option<Stale>,
    pub(super) copy: Option<Copied>,
    pub(super) lock: Option<Locked>,
    pub(super) purge: Option<Purge>,
    /// How many purges of changes wait for a server to answer again, as the admin page says.
    pub(super) pending_purges: Option<u64>,
    /// With `--wait`.
    pub(super) refresh: Option<Awaited>,
}

/// A page whose timeout was made to end.
#[derive(Clone, Debug)]
pub(super) struct Stale {
    /// For so many seconds behind its timeout the page is kept.
    pub(super) seconds: u32,
    pub(super) through_nginx: Answer,
    pub(super) direct: Option<Answer>,
    /// Whether it was rendered anew.
    pub(super) renewed: bool,
}

/// A copy that stands in for errors.
#[derive(Clone, Debug)]
pub(super) struct Copied {
    pub(super) stored: bool,
    /// Whether nginx's file gives copies out, where it is given.
    pub(super) by_nginx: Option<bool>,
}

/// A page that is not there, whose lock another process has.
#[derive(Clone, Debug)]
pub(super) struct Locked {
    /// Whether the application asked for the lock; none: nobody may look on.
    pub(super) asked: Option<bool>,
    /// Whether it answered only when the lock was free.
    pub(super) waited: bool,
}

/// A page that was purged by the admin page.
#[derive(Clone, Debug)]
pub(super) enum Purge {
    /// What answers is no admin page, or does as it is not told.
    NoAdmin(String),
    /// nginx did not find the page, so nothing is proved; whether the application refreshes
    /// pages.
    NotRead(Option<bool>),
    Done(Purged),
}

/// What the admin page says of a purge, and what is there then.
#[derive(Clone, Debug)]
pub(super) struct Purged {
    /// Whether the application refreshes pages by requests to itself; none: it does not say.
    pub(super) refreshes: Option<bool>,
    pub(super) deleted: u64,
    pub(super) replaced: u64,
    pub(super) failure: Option<String>,
    /// Whether the page that nginx read is still there.
    pub(super) old_is_there: bool,
}

/// What became of a page whose timeout was waited for, while nobody asked the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// The process that stores it refreshes no pages, so nobody waited.
    Off,
    /// nginx did not find the page, so nothing is proved.
    NotRead,
    /// It has no end.
    Endless,
    /// Its timeout ends in so many seconds, which is longer than `--wait`.
    TooLong(u64),
    /// A new entry came in the place of this one.
    Renewed(Times),
    /// This one went away; whether another came later.
    Gone(Times, bool),
    /// This one was still there some time after its timeout.
    Left(Times),
    /// The server could not be asked any more, as it says.
    Unseen(String),
}

/// An entry's times, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// What was left of its timeout when it was first seen.
    pub(super) timeout: u64,
    /// For so long behind its timeout it is kept.
    pub(super) stale: u32,
    /// What was left of timeout and stale time when it was last seen.
    pub(super) left: u64,
}

/// What nginx answers without the application.
#[derive(Clone, Debug)]
pub(super) struct WithoutApp {
    /// To a page that nobody has stored.
    pub(super) cold: Answer,
    pub(super) direct: Option<Answer>,
    /// To one of which there is a copy; none: there are no servers to put it on.
    pub(super) copied: Option<Answer>,
}

/// A request while Memcached was out of reach.
#[derive(Clone, Debug)]
pub(super) struct Timed {
    pub(super) method: &'static str,
    pub(super) answer: Answer,
    pub(super) direct: Option<Answer>,
    pub(super) took: Duration,
}

impl Stale {
    /// Whether it was rendered anew, or nobody could see it.
    pub(super) fn is_renewed(&self) -> bool {
        self.renewed || self.direct.is_none()
    }
}

impl Times {
    /// What was left of its timeout when it was last seen.
    pub(super) fn timeout_left(&self) -> u64 {
        self.left.saturating_sub(self.stale.into())
    }
}

impl Purge {
    /// Whether the application refreshes pages by requests to itself; none: it is not
    /// known.
    pub(super) fn refreshes(&self) -> Option<bool> {
        match self {
            Purge::NoAdmin(_) => None,
            Purge::NotRead(refreshes) => *refreshes,
            // One of an older version does not say so.
            Purge::Done(purged) if purged.replaced > 0 => Some(true),
            Purge::Done(purged) => purged.refreshes,
        }
    }
}

impl Given {
    /// How the page's key is made.
    pub(super) fn recipe(&self) -> KeyRecipe<'_> {
        self.recipe_of(&self.prefix)
    }

    /// The same with another prefix.
    pub(super) fn recipe_of<'a>(&'a self, prefix: &'a str) -> KeyRecipe<'a> {
        KeyRecipe::of(self.layout, prefix, &self.content_type)
    }

    /// Whether the page's type is a part of its key.
    pub(super) fn has_type(&self) -> bool {
        self.recipe().start().contains('=')
    }
}

impl Facts {
    /// Nothing was seen yet.
    pub(super) fn new(url: Url, given: Given) -> Facts {
        Facts {
            url,
            given,
            first: Err(Problem::Closed),
            unprobed: None,
            app_denied: None,
            direct: None,
            processes: Vec::new(),
            forgetful: Vec::new(),
            health: Vec::new(),
            health_after: Vec::new(),
            behind_nginx: None,
            trials: Vec::new(),
            reads_responses: None,
            renamed: None,
            other_hosts: Vec::new(),
            another_cache: None,
            inspection: None,
            page: None,
            spellings: Vec::new(),
            methods: Vec::new(),
            rules: Vec::new(),
            variants: Variants::default(),
            strangers: None,
            lasting: Lasting::default(),
            without_app: None,
            faults: Vec::new(),
        }
    }

    pub(super) fn looks(&self) -> impl Iterator<Item = &Look> {
        self.inspection.iter().flat_map(|found| &found.looks)
    }

    /// Where pages were stored while somebody looked on.
    pub(super) fn stores(&self) -> impl Iterator<Item = &Place> {
        self.looks().flat_map(|look| &look.stores)
    }

    /// The trial that the other facts build on.
    pub(super) fn trial(&self) -> Option<&Trial> {
        self.trials.first()
    }

    /// The site that answers the URL, by the file that was given.
    pub(super) fn site(&self) -> Option<Site> {
        self.given.conf.as_ref()?.site(&self.url)
    }

    /// Where the given servers are, as nginx places keys on them.
    pub(super) fn placing(&self) -> Option<Placing> {
        let Given {
            servers, placement, ..
        } = &self.given;
        (!servers.is_empty()).then(|| Placing::new(servers.clone(), *placement))
    }
}

impl Trial {
    /// The first answer, where there is one.
    pub(super) fn page(&self) -> Option<&Response> {
        self.first.as_ref().ok()
    }

    /// Whether nginx answered the second time. A file of one's own may leave
    /// out Cache-Status, which the application always sends.
    pub(super) fn is_hit(&self) -> bool {
        let (Ok(first), Ok(second)) = (&self.first, &self.second) else {
            return false;
        };
        match (by(first), by(second)) {
            (_, By::Nginx) => true,
            (By::Stored | By::Streamed, By::Unknown) => second.status == 200,
            (By::Unknown, By::Unknown) if self.seen_hit.is_some() => self.seen_hit == Some(true),
            // Where neither says anything: nginx serves ranges of what is stored.
            (By::Unknown, By::Unknown) => {
                let ranges = |answer: &Response| answer.header("accept-ranges").is_some();
                second.status == 200 && ranges(second) && !ranges(first)
            }
            _ => false,
        }
    }

    /// Whether nothing in either answer tells who gave it: a whole response is the
    /// same from nginx and from the application.
    pub(super) fn is_silent(&self) -> bool {
        let unknown = |answer: &Answer| matches!(answer.as_ref().map(by), Ok(By::Unknown));
        let whole = |(_, item): &(usize, Item)| item.layout() == Layout::Response;
        unknown(&self.first) && unknown(&self.second) && self.held.iter().any(whole)
    }

    /// Whether the application has stored the page: it says so, or it is there.
    pub(super) fn is_stored(&self) -> bool {
        match self.first.as_ref().map(by) {
            Ok(By::Stored) => true,
            Ok(By::Streamed | By::Unknown) => self.is_hit() || self.holds_page(),
            _ => false,
        }
    }

    pub(super) fn holds_page(&self) -> bool {
        !self.held.is_empty()
    }
}
