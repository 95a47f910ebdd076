//! Options that say what the application's page cache is, named as its
//! environment variables.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use djanginxed::{ConfigError, Layout, PageCache, PageCacheBuilder, PageKey, Placement, Vary};
use djanginxed_rules::is_media_type;
use djanginxed_runtime::tool::{
    GroupForger, KeyRecipe, Server, VariantRule, VariantVisitor, group_forgers, variant_rules,
    variant_visitors, variants,
};

use crate::failure::Failure;
use crate::memcached::Servers;

/// The key prefix of the pages.
#[derive(Args, Debug)]
pub(crate) struct PrefixArgs {
    /// The pages' key prefix
    #[arg(
        long = "prefix",
        visible_alias = "key-prefix",
        value_name = "PREFIX",
        env = "DJANGINXED_KEY_PREFIX",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) prefix: String,
}

/// What the keys of pages are made of, beside the request target.
#[derive(Args, Debug)]
pub(crate) struct KeyArgs {
    #[command(flatten)]
    pub(crate) prefix: PrefixArgs,
    /// The pages' content type, where `#[cache_page]` names one
    #[arg(
        long,
        value_name = "TYPE",
        value_parser = media_type,
        default_value = "text/html"
    )]
    content_type: String,
    #[command(flatten)]
    layout: LayoutArgs,
    #[command(flatten)]
    parts: PartsArgs,
    #[command(flatten)]
    pub(crate) vary: VaryArgs,
}

/// A key of a target, and its variant, `~de~mobile`; empty where pages do not vary.
pub(crate) struct VariantKey {
    pub(crate) variant: String,
    pub(crate) key: PageKey,
}

/// What pages vary by, and who shows that nginx and the application tell variants apart.
#[derive(Debug)]
pub(crate) struct Varied {
    pub(crate) rules: Vec<VariantRule>,
    pub(crate) visitors: Visitors,
    /// Whether nginx's file has the secret that is given; none where there is one alone.
    pub(crate) is_secret_of_file: Option<bool>,
}

/// Who shows that variants are told apart.
#[derive(Debug)]
pub(crate) struct Visitors {
    /// One of each variant but the first.
    pub(crate) all: Vec<VariantVisitor>,
    pub(crate) forgers: Vec<GroupForger>,
    /// How many variants have no visitor, since no secret is given to sign for them.
    pub(crate) unsigned: usize,
}

/// Pages that vary by the rules that are given, and the secret by which their visitors are
/// made.
#[derive(Debug)]
pub(crate) struct Varying {
    pages: PageCache,
    secret: Option<String>,
}

impl Varying {
    pub(crate) fn rules(&self) -> Vec<VariantRule> {
        variant_rules(&self.pages)
    }

    /// As in the keys: one, which is empty, where pages do not vary.
    pub(crate) fn variants(&self) -> Vec<String> {
        variants(&self.pages)
    }

    /// Who shows that variants are told apart, as far as the secret is known. What is signed
    /// for members of groups is so for ten minutes.
    pub(crate) fn visitors(&self) -> Visitors {
        let (mut all, mut forgers) = (variant_visitors(&self.pages), group_forgers(&self.pages));
        let count = all.len();
        if self.secret.is_none() {
            all.retain(|visitor| !visitor.is_signed);
            forgers.retain(|forger| !forger.is_signed);
        }
        let unsigned = count - all.len();
        Visitors {
            all,
            forgers,
            unsigned,
        }
    }
}

impl KeyArgs {
    pub(crate) fn content_type(&self) -> &str {
        &self.content_type
    }

    /// The layout, where one is given.
    pub(crate) fn layout(&self) -> Option<Layout> {
        self.layout.given()
    }

    /// Whether the keys are those of pages that may have parts.
    pub(crate) fn parts(&self) -> bool {
        self.parts.parts
    }

    /// Whether pages are said to vary.
    pub(crate) fn varies(&self) -> bool {
        !names(&self.vary.rules).is_empty()
    }

    /// The variants of the pages, once the prefix and the rules are right.
    pub(crate) fn variants(&self) -> Result<Vec<String>, Failure> {
        let pages = PageCache::builder().key_prefix(&self.prefix.prefix);
        Ok(variants(
            &self.vary.add_with(pages, Some(NO_SECRET))?.build()?,
        ))
    }

    /// A variant's prefix: its keys are made as if the mark of pages that may have parts,
    /// and the variant, were a part of it.
    pub(crate) fn prefix_of(&self, variant: &str) -> String {
        let mark = if self.parts() { "+" } else { "" };
        format!("{}{mark}{variant}", self.prefix.prefix)
    }

    /// What pages vary by, and who shows it; `in_file` is the secret that nginx's file has.
    pub(crate) fn varied(&self, in_file: Option<&str>) -> Result<Varied, Failure> {
        let pages = PageCache::builder().key_prefix(&self.prefix.prefix);
        let varying = self.vary.varying(pages)?;
        Ok(Varied {
            rules: varying.rules(),
            visitors: varying.visitors(),
            is_secret_of_file: in_file
                .zip(varying.secret.as_deref())
                .map(|(file, own)| file == own),
        })
    }

    /// The keys of a target in `variants`.
    pub(crate) fn keys(&self, variants: &[String], target: &str) -> Vec<VariantKey> {
        let layout = self.layout.layout();
        let recipe =
            KeyRecipe::of(layout, &self.prefix.prefix, &self.content_type).with_parts(self.parts());
        let key = |variant: &String| VariantKey {
            variant: variant.clone(),
            key: recipe.with_variant(variant).key(target),
        };
        variants.iter().map(key).collect()
    }
}

fn media_type(text: &str) -> Result<String, &'static str> {
    if is_media_type(text) {
        Ok(text.to_owned())
    } else {
        Err("write a media type without parameters, for example application/json")
    }
}

/// What the application's pages vary by.
#[derive(Args, Debug)]
pub(crate) struct VaryArgs {
    /// What pages vary by, in the application's order: language=en,de, cookie:NAME=VALUE,VALUE,
    /// header:NAME=VALUE,VALUE, mobile, group:NAME=VALUE,VALUE or group-hmac:NAME=VALUE,VALUE; separated by semicolons, or given several times
    #[arg(
        long = "vary",
        value_name = "RULE",
        env = "DJANGINXED_VARY",
        value_delimiter = ';'
    )]
    rules: Vec<String>,
    /// A file with the secret of a group; else DJANGINXED_GROUP_SECRET has it
    #[arg(long, value_name = "FILE")]
    group_secret_file: Option<PathBuf>,
}

/// Of keys, which have none.
const NO_SECRET: &str = "00000000000000000000000000000000";

impl VaryArgs {
    /// The rules, added to a cache's settings.
    pub(crate) fn add_to(&self, pages: PageCacheBuilder) -> Result<PageCacheBuilder, Failure> {
        let secret = self.secret()?;
        self.add_with(pages, secret.as_deref())
    }

    /// The pages of `builder` by these rules.
    pub(crate) fn varying(&self, builder: PageCacheBuilder) -> Result<Varying, Failure> {
        let secret = self.secret()?;
        let with = secret.as_deref().unwrap_or(NO_SECRET);
        Ok(Varying {
            pages: self.add_with(builder, Some(with))?.build()?,
            secret,
        })
    }

    /// The secret, which no option has: all users of a machine see those.
    fn secret(&self) -> Result<Option<String>, Failure> {
        let secret = match &self.group_secret_file {
            Some(file) => std::fs::read_to_string(file).map_err(|error| {
                Failure::Failed(format!("--group-secret-file {}: {error}", file.display()))
            })?,
            None => std::env::var("DJANGINXED_GROUP_SECRET").unwrap_or_default(),
        };
        Ok(Some(secret.trim().to_owned()).filter(|secret| !secret.is_empty()))
    }

    fn add_with(
        &self,
        pages: PageCacheBuilder,
        secret: Option<&str>,
    ) -> Result<PageCacheBuilder, Failure> {
        let named = |error: ConfigError| Failure::Usage(format!("--vary: {error}"));
        names(&self.rules).iter().try_fold(pages, |pages, rule| {
            let rule: Vary = rule.parse().map_err(named)?;
            Ok(pages.vary(match secret {
                Some(secret) => rule.with_secret(secret),
                None => rule,
            }))
        })
    }
}

/// The Memcached servers of the application.
#[derive(Args, Debug)]
pub(crate) struct ServerArgs {
    /// Memcached servers in the order of nginx's file, "HOST:PORT [weight=N]" or unix:PATH, comma separated
    #[arg(
        long,
        value_name = "SERVERS",
        env = "DJANGINXED_SERVERS",
        value_delimiter = ','
    )]
    pub(crate) servers: Vec<String>,
    /// How nginx's upstream spreads keys over several servers
    #[arg(long, value_enum, default_value_t = PlacementArg::Consistent)]
    pub(crate) placement: PlacementArg,
}

/// As [`Placement`], on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PlacementArg {
    /// hash $memcached_key consistent;
    Consistent,
    /// hash $memcached_key;
    Modulo,
}

impl PlacementArg {
    pub(crate) fn placement(self) -> Placement {
        match self {
            PlacementArg::Consistent => Placement::Consistent,
            PlacementArg::Modulo => Placement::Modulo,
        }
    }
}

/// Who bypasses the cache.
#[derive(Args, Debug)]
pub(crate) struct RuleArgs {
    /// Cookies whose presence bypasses the cache, comma separated, or given several times
    #[arg(
        long = "bypass-cookie",
        value_name = "NAME",
        env = "DJANGINXED_BYPASS_COOKIES",
        value_delimiter = ','
    )]
    bypass_cookies: Vec<String>,
    /// Headers whose presence bypasses the cache, comma separated, or given several times
    #[arg(
        long = "bypass-header",
        value_name = "NAME",
        env = "DJANGINXED_BYPASS_HEADERS",
        value_delimiter = ','
    )]
    bypass_headers: Vec<String>,
}

impl RuleArgs {
    pub(crate) fn cookies(&self) -> Vec<String> {
        names(&self.bypass_cookies)
    }

    pub(crate) fn headers(&self) -> Vec<String> {
        names(&self.bypass_headers)
    }

    /// The rules, added to a cache's settings.
    pub(crate) fn add_to(&self, mut pages: PageCacheBuilder) -> PageCacheBuilder {
        for name in self.cookies() {
            pages = pages.bypass_cookie(name);
        }
        for name in self.headers() {
            pages = pages.bypass_header(name);
        }
        pages
    }
}

/// As the library reads its environment: an empty list is none.
pub(crate) fn names(given: &[String]) -> Vec<String> {
    let trimmed = given.iter().map(|name| name.trim().to_owned());
    trimmed.filter(|name| !name.is_empty()).collect()
}

/// What the application stores of a page.
#[derive(Args, Debug)]
pub(crate) struct LayoutArgs {
    /// What an entry is, as the application's .layout(…) says [default: body]
    #[arg(long, value_enum, ignore_case = true, env = "DJANGINXED_LAYOUT")]
    layout: Option<LayoutArg>,
}

/// As [`Layout`], on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LayoutArg {
    /// The body alone: stock nginx reads it
    Body,
    /// The whole response: nginx reads it with the module srcache, or by njs (--md5 njs)
    Response,
    /// An empty variable is an unset one.
    #[value(name = "", hide = true)]
    Unset,
}

impl LayoutArgs {
    pub(crate) fn layout(&self) -> Layout {
        self.given().unwrap_or_default()
    }

    fn given(&self) -> Option<Layout> {
        match self.layout? {
            LayoutArg::Body => Some(Layout::Body),
            LayoutArg::Response => Some(Layout::Response),
            LayoutArg::Unset => None,
        }
    }
}

/// Whether the application stores gzip.
#[derive(Args, Debug)]
pub(crate) struct GzipArgs {
    /// The application stores pages as gzip; nginx's file serves such pages either way
    #[arg(
        long,
        env = "DJANGINXED_GZIP",
        value_parser = switch,
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        hide_default_value = true
    )]
    pub(crate) gzip: bool,
}

/// Whether pages may have personal parts.
#[derive(Args, Debug)]
pub(crate) struct PartsArgs {
    /// The application's pages may have personal parts, as its .parts(true) says
    #[arg(
        long,
        env = "DJANGINXED_PARTS",
        value_parser = switch,
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        hide_default_value = true
    )]
    pub(crate) parts: bool,
}

/// As the library reads its environment; empty is unset.
fn switch(text: &str) -> Result<bool, &'static str> {
    if text.trim().is_empty() {
        return Ok(false);
    }
    djanginxed_rules::switch(text).ok_or("write 1 or 0")
}

impl ServerArgs {
    pub(crate) fn given(&self) -> bool {
        self.servers.iter().any(|entry| !entry.trim().is_empty())
    }

    pub(crate) fn builder(&self, prefix: &PrefixArgs) -> Result<PageCacheBuilder, Failure> {
        if !self.given() {
            return Err(Failure::Usage(
                "no Memcached server is named: give --servers or set DJANGINXED_SERVERS, for example to 127.0.0.1:11211"
                    .to_owned(),
            ));
        }
        Ok(PageCache::builder()
            .memcached(self.servers.iter().map(|entry| entry.trim()))
            .placement(self.placement.placement())
            .key_prefix(&prefix.prefix))
    }

    /// The servers that are given, none of which is asked yet.
    pub(crate) fn servers(&self) -> Result<Servers, Failure> {
        Ok(Servers::new(self.list()?, self.placement.placement()))
    }

    /// Empty where none is named.
    pub(crate) fn list(&self) -> Result<Vec<Server>, Failure> {
        if !self.given() {
            return Ok(Vec::new());
        }
        Ok(Server::parse_list(
            self.servers.iter().map(|entry| entry.trim()),
        )?)
    }
}
