//! Visitors of each variant that is declared.

use std::time::Duration;

use djanginxed::PageKey;
use djanginxed_runtime::tool::VariantVisitor;
use tokio::time::sleep;

use super::Gathering;
use crate::commands::check::answer::{By, by};
use crate::commands::check::facts::{Answer, VariantTrial};

impl Gathering {
    pub(super) async fn variants(&mut self) {
        for visitor in self.visitors.clone() {
            let Some(trial) = self.variant(&visitor).await else {
                continue;
            };
            self.facts.variants.push(trial);
        }
    }

    /// A page that only those have asked for who say nothing, asked for by `visitor`.
    async fn variant(&mut self, visitor: &VariantVisitor) -> Option<VariantTrial> {
        let target = self.probe.fresh();
        let plain = self.probe.trial(target.clone()).await;
        if !plain.is_hit() {
            return None;
        }
        let first = self.as_visitor(&target, &visitor.fields).await;
        let second = self.until_hit(&target, visitor).await;
        let is_stored = match self.facts.given.servers.is_empty() {
            true => None,
            false => {
                let key = PageKey::new(&self.start_of(visitor), &target);
                Some(!self.probe.held(&key).await.is_empty())
            }
        };
        let forged = match visitor.is_signed {
            true => Some(self.forged(visitor).await),
            false => None,
        };
        Some(VariantTrial {
            value: visitor.value.clone(),
            looks_at: visitor.looks_at.clone(),
            first,
            second,
            is_stored,
            forged,
        })
    }

    /// A page that only a member has asked for, asked for by somebody who signs for
    /// himself.
    async fn forged(&mut self, member: &VariantVisitor) -> Answer {
        let target = self.probe.fresh();
        let _ = self.as_visitor(&target, &member.fields).await;
        let _ = self.until_hit(&target, member).await;
        let fields = member.fields.iter().map(|(name, value)| {
            let value = match name.eq_ignore_ascii_case("cookie") {
                true => with_another_signature(value),
                false => value.clone(),
            };
            (name.clone(), value)
        });
        let fields: Vec<_> = fields.collect();
        self.as_visitor(&target, &fields).await
    }

    async fn as_visitor(&mut self, target: &str, fields: &[(String, String)]) -> Answer {
        let fields: Vec<_> = (fields.iter())
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.probe.ask("GET", target, &fields).await
    }

    /// The last answer, for a second at the most.
    async fn until_hit(&mut self, target: &str, visitor: &VariantVisitor) -> Answer {
        let mut answer = self.as_visitor(target, &visitor.fields).await;
        for _ in 0..10 {
            if answer.as_ref().is_ok_and(|answer| by(answer) == By::Nginx) {
                break;
            }
            // The writer needs a moment.
            sleep(Duration::from_millis(100)).await;
            answer = self.as_visitor(target, &visitor.fields).await;
        }
        answer
    }

    /// What is hashed before the targets of such a visitor's pages.
    pub(super) fn start_of(&self, visitor: &VariantVisitor) -> String {
        let prefix = self.args.page.prefix_of(&visitor.variant);
        self.facts.given.recipe_of(&prefix).start()
    }
}

/// A group's cookie ends with its signature; another letter stands in its middle.
fn with_another_signature(cookies: &str) -> String {
    let at = cookies.len().saturating_sub(9);
    let other = if cookies.as_bytes().get(at) == Some(&b'x') {
        "y"
    } else {
        "x"
    };
    match (cookies.get(..at), cookies.get(at + 1..)) {
        (Some(start), Some(rest)) => format!("{start}{other}{rest}"),
        _ => String::new(),
    }
}
