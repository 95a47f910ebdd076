//! Visitors of each variant that is declared.

use std::time::Duration;

use djanginxed::PageKey;
use djanginxed_runtime::tool::{GroupForger, VariantVisitor};
use tokio::time::sleep;

use super::Gathering;
use crate::commands::check::answer::{Answer, By, by, is_by, is_rendered};
use crate::commands::check::facts::{DirectVariant, Forged, VariantTrial};

/// The writer needs a moment, which is longer on a busy machine; a second in all.
const MOMENTS: [u64; 8] = [5, 10, 20, 40, 80, 160, 320, 400];

impl Gathering {
    /// One page: whoever gets another visitor's of it has that one's key.
    pub(super) async fn variants(&mut self) {
        if self.visitors.all.is_empty() && self.visitors.forgers.is_empty() {
            return;
        }
        self.facts.variants.unsigned = self.visitors.unsigned;
        let target = self.probe.fresh().await;
        self.in_variants.push(target.clone());
        let plain = self.probe.trial(target.clone()).await;
        let is_hit = plain.is_hit();
        self.facts.variants.plain = Some(plain);
        if !is_hit {
            let visitors = self.visitors.all.iter();
            self.facts.variants.unasked = visitors.map(|visitor| visitor.value.clone()).collect();
            return;
        }
        // Before a member has asked for it: what is stored is for those who say nothing.
        for forger in self.visitors.forgers.clone() {
            let forged = self.forged(&target, &forger).await;
            let is_nobody = is_by(&forged.answer, By::Nginx);
            self.facts.variants.forged.push(forged);
            if !is_nobody {
                break;
            }
        }
        self.ask_as_each(&target).await;
    }

    async fn ask_as_each(&mut self, target: &str) {
        let visitors = self.visitors.all.clone();
        for (at, visitor) in visitors.iter().enumerate() {
            let trial = self.variant(target, visitor).await;
            let ends = trial.ends();
            self.facts.variants.trials.push(trial);
            if ends {
                // What others would get follows from that.
                let unasked = visitors[at + 1..].iter();
                self.facts.variants.unasked = unasked.map(|other| other.value.clone()).collect();
                return;
            }
        }
        if !visitors.is_empty() {
            self.facts.variants.after = Some(self.probe.get(target).await);
        }
    }

    async fn variant(&mut self, target: &str, visitor: &VariantVisitor) -> VariantTrial {
        let key = PageKey::new(&self.start_of(&visitor.variant), target);
        if self.is_held(&key).await == Some(true) {
            // An earlier check had other rules, and so could not take it away.
            self.probe.take(&key).await;
        }
        let first = self.as_visitor(target, &visitor.fields).await;
        let second = match is_rendered(&first) {
            true => self.until_hit(target, visitor).await,
            false => first.clone(),
        };
        let is_stored = self.is_held(&key).await;
        let mut trial = VariantTrial {
            value: visitor.value.clone(),
            looks_at: visitor.looks_at.clone(),
            is_signed: visitor.is_signed,
            first,
            second,
            is_stored,
            direct: None,
        };
        if trial.ends() {
            trial.direct = self.directly(target, &key, visitor).await;
        }
        trial
    }

    /// The application itself, which tells nginx's mistakes from its own.
    async fn directly(
        &mut self,
        target: &str,
        key: &PageKey,
        visitor: &VariantVisitor,
    ) -> Option<DirectVariant> {
        let fields = borrowed(&visitor.fields);
        let answer = self.probe.direct("GET", target, &fields).await?;
        let mut is_stored = self.is_held(key).await;
        for moment in MOMENTS {
            if is_stored != Some(false) || !is_rendered(&answer) {
                break;
            }
            sleep(Duration::from_millis(moment)).await;
            is_stored = self.is_held(key).await;
        }
        Some(DirectVariant { answer, is_stored })
    }

    /// A page that only those have asked for who say nothing, asked for by a forger.
    async fn forged(&mut self, target: &str, forger: &GroupForger) -> Forged {
        let mut answer = self.as_visitor(target, &forger.fields).await;
        if !is_by(&answer, By::Nginx) {
            // Perhaps its time has just ended.
            let _ = self.probe.trial(target.to_owned()).await;
            answer = self.as_visitor(target, &forger.fields).await;
        }
        let is_stored = match is_by(&answer, By::Nginx) {
            true => None,
            false => {
                let key = PageKey::new(&self.start_of(&forger.variant), target);
                self.is_held(&key).await
            }
        };
        Forged {
            value: forger.value.clone(),
            fault: forger.fault,
            answer,
            is_stored,
        }
    }

    async fn as_visitor(&mut self, target: &str, fields: &[(String, String)]) -> Answer {
        self.probe.ask("GET", target, &borrowed(fields)).await
    }

    /// The last answer, for a second at the most.
    async fn until_hit(&mut self, target: &str, visitor: &VariantVisitor) -> Answer {
        let mut answer = self.as_visitor(target, &visitor.fields).await;
        for moment in MOMENTS {
            if is_by(&answer, By::Nginx) {
                break;
            }
            sleep(Duration::from_millis(moment)).await;
            answer = self.as_visitor(target, &visitor.fields).await;
        }
        answer
    }

    /// Whether there is a page under `key`; none without `--servers`.
    async fn is_held(&mut self, key: &PageKey) -> Option<bool> {
        match self.facts.given.servers.is_empty() {
            true => None,
            false => Some(!self.probe.held(key).await.is_empty()),
        }
    }

    /// What is hashed before the targets of pages in `variant`.
    pub(super) fn start_of(&self, variant: &str) -> String {
        let prefix = self.args.page.prefix_of(variant);
        self.facts.given.recipe_of(&prefix).start()
    }
}

impl VariantTrial {
    /// Whether it shows something wrong, which goes on for all whom more values tell apart.
    fn ends(&self) -> bool {
        match self.first.as_ref().map(by) {
            Ok(By::Stored | By::Streamed) => {
                !is_by(&self.second, By::Nginx) || self.is_stored == Some(false)
            }
            Ok(By::Refused | By::Unknown) => false,
            Ok(By::Nginx | By::Application) | Err(_) => true,
        }
    }
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    let borrowed = fields.iter();
    borrowed
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}
