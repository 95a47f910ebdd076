//! Requests that are more than a GET of a page.

use std::time::Instant;

use super::Gathering;
use crate::commands::check::answer::{By, by};
use crate::commands::check::diagnosis::{FOREIGN, STRANGER};
use crate::commands::check::facts::{Answer, Method, Rule, Strangers, Timed};

const AUTHORIZATION: (&str, &str) = ("Authorization", "Basic ZGphbmdpbnhlZDo=");

impl Gathering {
    /// A target that is a hit now.
    fn hit(&mut self) -> String {
        let stored = self.facts.trial().map(|trial| trial.target.clone());
        stored.unwrap_or_else(|| self.probe.fresh())
    }

    pub(super) async fn methods(&mut self) {
        let target = self.hit();
        for name in ["POST", "OPTIONS", "HEAD"] {
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
        for name in self.args.bypass_cookies.clone() {
            let value = format!("{name}=1");
            self.rule("bypass-cookie", &name, "Cookie", &value).await;
        }
        for name in self.args.bypass_headers.clone() {
            self.rule("bypass-header", &name, &name, "1").await;
        }
    }

    async fn rule(&mut self, fact: &'static str, name: &str, field: &str, value: &str) {
        let target = self.hit();
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
        let target = self.probe.fresh();
        let host = self.probe.ask("GET", &target, &[("Host", STRANGER)]).await;
        let after = self.probe.get(&target).await;
        let all: Vec<_> = FOREIGN.iter().map(|name| (*name, foreign(name))).collect();
        let mut believed = Vec::new();
        if self.is_believed(&all).await {
            for field in &all {
                if self.is_believed(std::slice::from_ref(field)).await {
                    believed.push(field.0.to_owned());
                }
            }
        }
        self.facts.strangers = Some(Strangers {
            host,
            after,
            believed,
            sent: FOREIGN.len(),
        });
    }

    /// Whether a page that is stored shows what these fields say.
    async fn is_believed(&mut self, fields: &[(&'static str, String)]) -> bool {
        let target = self.probe.fresh();
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = self.probe.ask("GET", &target, &fields).await;
        let Ok(answer) = answer else {
            return false;
        };
        let body = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
        body.contains(SIGN) && by(&answer) != By::Refused
    }

    pub(super) async fn faults(&mut self) {
        self.health().await;
        // The first requests may wait for what later ones know.
        for method in ["GET"; 8].into_iter().chain(["HEAD"; 3]).chain(["POST"; 3]) {
            let target = self.probe.fresh();
            let begin = Instant::now();
            let answer = self.probe.ask(method, &target, &[]).await;
            let took = begin.elapsed();
            let hangs = answer.is_err();
            let direct = self.probe.direct(method, &target, &[]).await;
            self.time(method, answer, direct, took);
            if hangs {
                return;
            }
        }
        for _ in 0..3 {
            let target = self.probe.fresh();
            let begin = Instant::now();
            let answer = self.probe.ask("GET", &target, &[AUTHORIZATION]).await;
            self.time("past-the-cache", answer, None, begin.elapsed());
        }
    }

    fn time(
        &mut self,
        method: &'static str,
        answer: Answer,
        direct: Option<Answer>,
        took: std::time::Duration,
    ) {
        self.facts.faults.push(Timed {
            method,
            answer,
            direct,
            took,
        });
    }
}

/// What is looked for in pages: no scheme and no address has it.
const SIGN: &str = "djanginxed-check";

fn foreign(name: &str) -> String {
    match name {
        "Forwarded" => format!("host={STRANGER};proto={SIGN};for={STRANGER}"),
        "X-Forwarded-Proto" | "X-Forwarded-Scheme" => SIGN.to_owned(),
        _ => STRANGER.to_owned(),
    }
}
