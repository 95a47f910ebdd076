//! One page in a few variants: which there are, and which one a request is for.
//!
//! nginx works the same out with maps (`nginx/vary.rs`), from the same bytes.

mod check;
mod group;
mod headers;
mod language;
mod text;
mod visitor;

use std::fmt;
use std::time::{Duration, SystemTime};

use actix_web::http::header::{self, HeaderMap, HeaderName};

use crate::config_error::ConfigError;

pub(crate) use self::group::{Seal, Secret, Signature, message};
use self::headers::{cookie, joined, line};
pub(crate) use self::language::{Languages, TENTHS};
pub use self::visitor::{GroupForger, VariantRule, VariantVisitor};

/// What pages vary by: one of a few values of a request, the first of which stands
/// for all others.
///
/// Given to [`PageCacheBuilder::vary`](crate::PageCacheBuilder::vary), or written as
/// the tool's `--vary` and `DJANGINXED_VARY` have it: `language=en,de`,
/// `cookie:currency=eur,usd`, `header:X-Region=eu,us`, `mobile`,
/// `group:group=member,editor` or `group-hmac:group=member,editor` (whose secret is in
/// `DJANGINXED_GROUP_SECRET`).
///
/// A value is 1 to 64 of `A-Z a-z 0-9 . _ -`. What is read of a request, nginx reads
/// in the very same way: [`Variant`](crate::Variant) gives it to handlers.
///
/// ```
/// # use djanginxed_runtime::{ConfigError, PageCache, Vary};
/// # fn main() -> Result<(), ConfigError> {
/// let pages = PageCache::builder()
///     .vary(Vary::language(["en", "de"]))
///     .vary("cookie:currency=eur,usd".parse()?)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vary {
    kind: Kind,
    name: String,
    values: Vec<String>,
    secret: Option<Secret>,
    /// Whether `DJANGINXED_VARY` has it, which errors then say.
    is_of_environment: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Language,
    Cookie,
    Header,
    Mobile,
    Group(Signature),
}

impl Vary {
    /// By Accept-Language; the first language is the default. Its name is `language`.
    ///
    /// A language of the field is looked up as RFC 4647, section 3.4, says: `de-AT` is
    /// `de` where no `de-AT` is declared. One that is shorter than what is declared is
    /// the first that begins so: `pt` is `pt-BR`. `*` and what is not well formed count
    /// for nothing. Of those that are found, the one with the highest weight is taken
    /// and the first of equal ones, a weight's first decimal place alone being looked
    /// at (`0.85` is as `0.8`); one with `q=0` never is.
    pub fn language<I>(values: I) -> Vary
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Vary::new(Kind::Language, "language", values)
    }

    /// By a cookie's value; any other, or none, is as the first.
    ///
    /// The first cookie of exactly this name counts, and its value byte for byte:
    /// neither is unquoted or decoded. A handler that reads the cookie by itself may
    /// see another value; use [`Variant`](crate::Variant).
    pub fn cookie<I>(name: impl Into<String>, values: I) -> Vary
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Vary::new(Kind::Cookie, name, values)
    }

    /// By a header's value, byte for byte; any other, or none, is as the first. nginx's
    /// file passes the field on as nginx has read it.
    pub fn header<I>(name: impl Into<String>, values: I) -> Vary
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Vary::new(Kind::Header, name, values)
    }

    /// By what the client is: `mobile` where Sec-CH-UA-Mobile is `?1`, or is neither
    /// `?1` nor `?0` and User-Agent has `Mobi`; else `desktop`. Its name is `mobile`.
    #[must_use]
    pub fn mobile() -> Vary {
        Vary::new(Kind::Mobile, "mobile", ["desktop", "mobile"])
    }

    /// By the group that a signed cookie says, which
    /// [`PageCache::group_cookie`](crate::PageCache::group_cookie) makes; forged, ended
    /// or none: `""`, as any visitor. One such rule a cache. nginx checks the cookie by
    /// itself: an md5 with the secret behind what is signed (`secure_link_md5`), which
    /// nginx can without njs; or an HMAC, see [`hmac`](Self::hmac).
    ///
    /// The secret is 32 to 256 of `A-Z a-z 0-9 + / = _ . -`, the same for all processes,
    /// and known to nobody else: `openssl rand -base64 32`. It stands in nginx's file.
    pub fn group<I>(name: impl Into<String>, values: I, secret: impl Into<String>) -> Vary
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Vary::new(Kind::Group(Signature::Md5), name, values).with_secret(secret)
    }

    /// A [`group`](Self::group)'s cookie is signed by HMAC-SHA256, which nginx works out
    /// where njs computes the keys ([`Md5::Njs`](crate::nginx::Md5::Njs), `--md5 njs`)
    /// and nowhere else. Cookies of the other kind are not believed. Other rules stay as
    /// they are.
    ///
    /// ```
    /// # use djanginxed_runtime::Vary;
    /// let secret = "kEjl0ZSMQ0ysUvbOTWlG5t7hXXzVJNm1w0R1J2cKJ1o=";
    /// let rule = Vary::group("group", ["member", "editor"], secret).hmac();
    /// assert_eq!(rule.to_string(), "group-hmac:group=member,editor");
    /// ```
    #[must_use]
    pub fn hmac(self) -> Vary {
        match self.kind {
            Kind::Group(_) => Vary {
                kind: Kind::Group(Signature::Hmac),
                ..self
            },
            _ => self,
        }
    }

    /// The secret of a [`group`](Self::group) that was read from text; other rules have
    /// none.
    #[must_use]
    pub fn with_secret(self, secret: impl Into<String>) -> Vary {
        Vary {
            secret: matches!(self.kind, Kind::Group(_)).then(|| Secret::new(secret.into())),
            ..self
        }
    }

    fn new<I>(kind: Kind, name: impl Into<String>, values: I) -> Vary
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let values = values.into_iter().map(|value| value.as_ref().to_owned());
        Vary {
            kind,
            name: name.into(),
            values: values.collect(),
            secret: None,
            is_of_environment: false,
        }
    }

    /// As a rule of `DJANGINXED_VARY`.
    ///
    /// # Errors
    /// Where it is no rule.
    pub(crate) fn of_environment(text: &str) -> Result<Vary, ConfigError> {
        let mut vary = text.parse::<Vary>().map_err(|error| match error {
            ConfigError::Vary {
                rule,
                value,
                problem,
            } => ConfigError::Vary {
                rule: format!("{rule}{OF_ENVIRONMENT}"),
                value,
                problem,
            },
            other => other,
        })?;
        vary.is_of_environment = true;
        Ok(vary)
    }
}

/// Behind a rule in an error.
const OF_ENVIRONMENT: &str = " of DJANGINXED_VARY";

/// A [`Vary`] that has been checked.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    /// The first is the default.
    pub(crate) values: Vec<String>,
    pub(crate) test: Test,
}

/// What a rule looks at.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Language(Languages),
    Cookie,
    Header(HeaderName),
    Mobile,
    Group(Seal),
}

/// A signed cookie that one request is made with.
const FOR_ONE_REQUEST: Duration = Duration::from_secs(600);

pub(crate) const CLIENT_HINT: &str = "sec-ch-ua-mobile";

impl Rule {
    /// The value that a request with these headers has.
    fn value(&self, headers: &HeaderMap, now: SystemTime) -> &str {
        let found = match &self.test {
            Test::Language(languages) => {
                languages.best(&joined(headers, &header::ACCEPT_LANGUAGE, b", "))
            }
            Test::Cookie => {
                let cookies = joined(headers, &header::COOKIE, b"; ");
                self.position(cookie(&cookies, self.name.as_bytes()))
            }
            Test::Header(name) => self.position(Some(&joined(headers, name, b", "))),
            Test::Mobile => Some(usize::from(is_mobile(headers))),
            Test::Group(seal) => {
                let cookies = joined(headers, &header::COOKIE, b"; ");
                let given = cookie(&cookies, self.name.as_bytes()).map(line);
                let given = given.and_then(|given| str::from_utf8(given).ok());
                let believed = given.and_then(|given| seal.believed(&self.name, given, now));
                self.position(believed.map(str::as_bytes))
            }
        };
        found
            .and_then(|at| self.values.get(at))
            .or(self.values.first())
            .map_or("", String::as_str)
    }

    fn position(&self, value: Option<&[u8]>) -> Option<usize> {
        let value = line(value?);
        self.values.iter().position(|own| own.as_bytes() == value)
    }

    /// The request's fields that it looks at.
    fn fields(&self) -> Vec<&str> {
        match &self.test {
            Test::Language(_) => vec!["Accept-Language"],
            Test::Cookie | Test::Group(_) => vec!["Cookie"],
            Test::Header(_) => vec![&self.name],
            Test::Mobile => vec!["Sec-CH-UA-Mobile", "User-Agent"],
        }
    }
}

fn is_mobile(headers: &HeaderMap) -> bool {
    let hint = joined(headers, &HeaderName::from_static(CLIENT_HINT), b", ");
    let agent = joined(headers, &header::USER_AGENT, b", ");
    match line(&hint) {
        b"?1" => true,
        b"?0" => false,
        _ => agent.windows(4).any(|word| word == b"Mobi"),
    }
}

/// All rules of a cache, in the order in which they were declared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules(Vec<Rule>);

impl Rules {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }

    /// The values that a request with these headers has.
    pub(crate) fn of(&self, headers: &HeaderMap, now: SystemTime) -> Values {
        Values(
            (self.iter())
                .map(|rule| rule.value(headers, now).to_owned())
                .collect(),
        )
    }

    /// The variant that is written so, if there is one.
    pub(crate) fn read(&self, text: &str) -> Option<Values> {
        let mut parts = text.split('~');
        let is_start = parts.next().is_some_and(str::is_empty);
        let values: Vec<_> = parts.map(str::to_owned).collect();
        let mut pairs = self.iter().zip(&values);
        let are_declared =
            values.len() == self.0.len() && pairs.all(|(rule, value)| rule.values.contains(value));
        (is_start && are_declared).then_some(Values(values))
    }

    /// Every variant that there is, that of a request which says nothing first. One
    /// where nothing is declared.
    pub(crate) fn all(&self) -> Vec<Values> {
        self.iter().fold(vec![Values::default()], |known, rule| {
            let longer = |values: &Values| {
                let values = values.clone();
                let with = move |value: &String| {
                    let mut values = values.clone();
                    values.0.push(value.clone());
                    values
                };
                rule.values.iter().map(with).collect::<Vec<_>>()
            };
            known.iter().flat_map(longer).collect()
        })
    }

    /// A cookie's value that puts its bearer into a group; none where there is no such
    /// group.
    pub(crate) fn signed(
        &self,
        name: &str,
        value: &str,
        life: Duration,
        now: SystemTime,
    ) -> Option<String> {
        let rule = self.iter().find(|rule| rule.name == name)?;
        match &rule.test {
            Test::Group(seal) if rule.values[1..].iter().any(|own| own == value) => {
                Some(seal.signed(name, value, life, now))
            }
            _ => None,
        }
    }

    /// The fields by which a request has these values.
    pub(crate) fn request_fields(
        &self,
        values: &Values,
        now: SystemTime,
    ) -> Vec<(HeaderName, String)> {
        let mut fields = Vec::new();
        let mut cookies = Vec::new();
        for (rule, value) in self.iter().zip(&values.0) {
            let mut field = |name: HeaderName| fields.push((name, value.clone()));
            match &rule.test {
                Test::Language(_) => field(header::ACCEPT_LANGUAGE),
                Test::Header(name) => field(name.clone()),
                Test::Cookie => cookies.push(format!("{}={value}", rule.name)),
                Test::Group(_) if value.is_empty() => {}
                Test::Group(seal) => {
                    let signed = seal.signed(&rule.name, value, FOR_ONE_REQUEST, now);
                    cookies.push(format!("{}={signed}", rule.name));
                }
                Test::Mobile => {
                    let hint = if *value == rule.values[1] { "?1" } else { "?0" };
                    fields.push((HeaderName::from_static(CLIENT_HINT), hint.to_owned()));
                }
            }
        }
        if !cookies.is_empty() {
            fields.push((header::COOKIE, cookies.join("; ")));
        }
        fields
    }

    /// The rules of signed cookies, one at the most.
    pub(crate) fn seals(&self) -> impl Iterator<Item = (&Rule, &Seal)> {
        self.iter().filter_map(|rule| match &rule.test {
            Test::Group(seal) => Some((rule, seal)),
            _ => None,
        })
    }

    pub(crate) fn has_secret(&self) -> bool {
        self.seals().next().is_some()
    }

    /// Whether a rule knows this cookie.
    pub(crate) fn know_cookie(&self, name: &str) -> bool {
        (self.iter())
            .any(|rule| rule.name == name && matches!(rule.test, Test::Cookie | Test::Group(_)))
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.iter().position(|rule| rule.name == name)
    }

    /// The request's fields that variants depend on, each once.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let mut fields: Vec<&str> = Vec::new();
        for field in self.iter().flat_map(Rule::fields) {
            if !fields.iter().any(|known| known.eq_ignore_ascii_case(field)) {
                fields.push(field);
            }
        }
        fields
    }

    /// Whether a response may name this field of a request in Vary. Not Cookie: a rule
    /// looks at one cookie, and a response that depends on another says the same.
    pub(crate) fn cover(&self, field: &[u8]) -> bool {
        !field.eq_ignore_ascii_case(b"cookie")
            && (self.iter().flat_map(Rule::fields))
                .any(|own| field.eq_ignore_ascii_case(own.as_bytes()))
    }
}

/// A variant: the value of each rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values(Vec<String>);

impl Values {
    pub(crate) fn get(&self, at: usize) -> Option<&str> {
        self.0.get(at).map(String::as_str)
    }
}

/// As it stands in a key: `~de~mobile`.
impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|value| write!(f, "~{value}"))
    }
}

#[cfg(test)]
mod tests;
