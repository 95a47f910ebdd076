//! Requests that are more than a GET of a page.

use djanginxed::nginx::FORWARDING_HEADERS;

use super::Gathering;
use crate::commands::check::answer::{By, by};
use crate::commands::check::facts::{Method, Rule, STRANGER, Strangers};

/// What the generated file sets, besides what it clears.
const SET_BY_NGINX: &[&str] = &["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"];

pub(super) const AUTHORIZATION: (&str, &str) = ("Authorization", "Basic ZGphbmdpbnhlZDo=");

impl Gathering {
    /// A target that is a hit now.
    async fn hit(&mut self) -> String {
        match self.facts.trial() {
            Some(trial) => trial.target.clone(),
            None => self.probe.fresh().await,
        }
    }

    pub(super) async fn methods(&mut self) {
        let target = self.hit().await;
        // Last that which takes the page away.
        for name in ["HEAD", "OPTIONS", "POST"] {
            let answer = self.probe.ask(name, &target, &[]).await;
            let direct = self.probe.direct(name, &target, &[]).await;
            self.facts.methods.push(Method {
                name,
                answer,
                direct,
            });
        }
    }

    pub(super) async fn rules(&mut self) {
        let (name, value) = AUTHORIZATION;
        self.rule("authorization", name, name, value).await;
        for name in self.args.rules.cookies() {
            let value = format!("{name}=1");
            self.rule("bypass-cookie", &name, "Cookie", &value).await;
        }
        for name in self.args.rules.headers() {
            self.rule("bypass-header", &name, &name, "1").await;
        }
    }

    async fn rule(&mut self, fact: &'static str, name: &str, field: &str, value: &str) {
        let target = self.hit().await;
        let fields = [(field, value)];
        let answer = self.probe.ask("GET", &target, &fields).await;
        let direct = self.probe.direct("GET", &target, &fields).await;
        self.facts.rules.push(Rule {
            fact,
            name: name.to_owned(),
            value: value.to_owned(),
            answer,
            direct,
        });
    }

    pub(super) async fn strangers(&mut self) {
        let target = self.probe.fresh().await;
        let host = self.probe.ask("GET", &target, &[("Host", STRANGER)]).await;
        let after = self.probe.get(&target).await;
        let all = SET_BY_NGINX.iter().chain(FORWARDING_HEADERS);
        let all: Vec<_> = all.map(|name| (*name, self.foreign(name))).collect();
        let mut believed = Vec::new();
        if self.is_believed(&all).await != Some(false) {
            for field in &all {
                if self.is_believed(std::slice::from_ref(field)).await == Some(true) {
                    believed.push(field.0.to_owned());
                }
            }
        }
        self.facts.strangers = Some(Strangers {
            host,
            after,
            believed,
            sent: all.len(),
        });
    }

    /// Whether a page that is stored shows what these fields say; none where it
    /// is not stored.
    async fn is_believed(&mut self, fields: &[(&'static str, String)]) -> Option<bool> {
        let target = self.probe.fresh().await;
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = self.probe.ask("GET", &target, &fields).await.ok()?;
        if by(&answer) == By::Refused {
            return None;
        }
        let body = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
        let other = format!("{}://{}", self.other_scheme(), self.facts.url.origin.host);
        let usual = self.facts.trial().and_then(|trial| trial.page());
        let usual = usual.map(|page| String::from_utf8_lossy(&page.body).to_ascii_lowercase());
        let is_new = |sign: &str| {
            let known = usual.as_ref().is_some_and(|usual| usual.contains(sign));
            body.contains(sign) && !known
        };
        Some(is_new(STRANGER) || is_new(&other))
    }

    /// The scheme that the site's URL has not.
    fn other_scheme(&self) -> &'static str {
        match self.facts.url.origin.tls {
            true => "http",
            false => "https",
        }
    }

    /// What a visitor may make up for a field. An odd scheme would keep the page
    /// from being stored.
    fn foreign(&self, name: &str) -> String {
        let name = name.to_ascii_lowercase();
        let scheme = self.other_scheme();
        match name.as_str() {
            "forwarded" => format!("host={STRANGER};proto={scheme};for={STRANGER}"),
            name if name.contains("proto") || name.contains("scheme") => scheme.to_owned(),
            name if name.contains("ssl") || name.contains("https") => "on".to_owned(),
            _ => STRANGER.to_owned(),
        }
    }
}
