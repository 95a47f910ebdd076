//! Targets asked for twice: one for each server and each other list of servers.

use std::time::{Duration, Instant};

use djanginxed::{Layout, PageKey};
use djanginxed_runtime::tool::{KeyRecipe, flags_of};
use tokio::time::sleep;

use super::Gathering;
use super::lasting::{STAND_IN, stand_in};
use crate::commands::check::answer::{Answer, By, by, is_by, is_nginx_error_page, may_be_nginx};
use crate::commands::check::facts::{Trial, Unprobed};

/// How many further pages are asked for where nothing tells which.
const UNTOLD: u64 = 11;

/// As many pages in all are asked for then, while nginx finds each: of three servers one may
/// be missing, and twelve pages all lie on the others by chance once in 130 checks, these
/// once in a million.
const ENOUGH: usize = 34;

/// Of a slow page fewer have to do.
const UNTOLD_PATIENCE: Duration = Duration::from_secs(5);

/// How often pages are asked for until nginx finds them; on a busy machine the application's
/// writer, and nginx, are late.
const ROUNDS: u32 = 4;

/// How long what was put there lives if it is not taken away, in seconds.
const LIFE: u32 = 5;

impl Gathering {
    pub(super) async fn store(&mut self) {
        let target = self.probe.fresh().await;
        let trial = self.probe.trial(target).await;
        let trial = self.told_layout(trial).await;
        if self.probe.is_spent() {
            self.facts.unprobed = Some(Unprobed::AllStored);
        }
        let worked = trial.is_hit();
        self.facts.trials.push(trial);
        self.other_hosts().await;
        self.renamed().await;
        if worked && self.all_well() && self.may_be_elsewhere() {
            self.further_trials().await;
        }
        if self.facts.given.servers.is_empty() && self.is_page() {
            // One page may be found by luck where there are several servers.
            self.untold_trials().await;
        }
        if self.facts.trial().is_some_and(Trial::is_silent) {
            let seen = self.seen_hit().await;
            for trial in &mut self.facts.trials {
                trial.seen_hit = seen;
            }
        }
        self.another_cache().await;
        let found = self
            .facts
            .trials
            .iter()
            .all(|trial| trial.is_hit() && trial.holds_page());
        if !found {
            self.facts.health_after = self.health().await;
        }
        if !found && self.is_page() {
            self.facts.behind_nginx = Some(self.is_nginx_in_front().await);
            if self.all_well() && !self.facts.given.servers.is_empty() {
                if self.facts.trials.len() == 1 && self.may_be_elsewhere() {
                    self.further_trials().await;
                }
                self.inspect().await;
                self.facts.reads_responses = self.reads_responses().await;
            }
        }
    }

    /// Puts a whole response where nginx looks for such, and asks for it.
    async fn reads_responses(&mut self) -> Option<bool> {
        let given = &self.facts.given;
        let page = self.facts.trial()?.page()?;
        let content_type = page.header("content-type").unwrap_or_default();
        if given.layout == Layout::Response || content_type.starts_with("text/html") {
            return None;
        }
        let start = KeyRecipe::of(Layout::Response, &given.prefix, &content_type).start();
        let target = self.probe.fresh().await;
        let key = PageKey::new(&start, &target);
        let entry = stand_in(Layout::Response);
        let entry = (flags_of(Layout::Response, false), entry.as_str());
        let (servers, index) = self.probe.server_of(&key)?;
        if servers.add(index, key, entry, LIFE).await != Ok(true) {
            return None;
        }
        let answer = self.probe.get(&target).await;
        self.probe.take(&key).await;
        Some(may_be_nginx(&answer) && answer.is_ok_and(|page| page.body == STAND_IN.as_bytes()))
    }

    /// A page of another type than text/html lies under its type, or is a whole
    /// response: where nobody said which, this trial shows it.
    async fn told_layout(&mut self, trial: Trial) -> Trial {
        let given = &self.facts.given;
        if given.says_layout || trial.holds_page() {
            return trial;
        }
        let whole = KeyRecipe::of(Layout::Response, &given.prefix, &given.content_type);
        let held = self.probe.held(&whole.key(&trial.target)).await;
        if !held
            .iter()
            .any(|(_, item)| item.layout() == Layout::Response)
        {
            return trial;
        }
        self.adopt(Layout::Response);
        if let Some(direct) = self.facts.direct.take() {
            let again = self.probe.tried(direct.target, direct.first, direct.second);
            self.facts.direct = Some(again.await);
        }
        self.probe
            .tried(trial.target, trial.first, trial.second)
            .await
    }

    /// Where no answer says who gave it, what Memcached is asked for does: of a page
    /// that is new, nginx and the application both look for the entry, and of one
    /// that is there nginx alone does. None where one alone asks both times.
    async fn seen_hit(&mut self) -> Option<bool> {
        self.inspect().await;
        let look = self.facts.inspection.as_ref()?.looks.first()?;
        match (look.asked, look.found) {
            (2.., 1) => Some(true),
            (_, 1) => None,
            _ => Some(false),
        }
    }

    /// Whether other pages may lie on another server than the first; also where one server is
    /// given, since one side may spread pages over others, too. Then it takes answers that
    /// say who gave them: what is late is not elsewhere.
    fn may_be_elsewhere(&self) -> bool {
        let is_known = |answer: &Answer| !matches!(answer.as_ref().map(by), Ok(By::Unknown));
        match self.facts.given.servers.len() {
            0 => false,
            1 => (self.facts.trial())
                .is_some_and(|trial| is_known(&trial.first) && is_known(&trial.second)),
            _ => true,
        }
    }

    /// Takes a page's entry away, and looks whether it comes back when the next
    /// answer says that it is stored. Not one of the trials', whose answers go
    /// on being compared.
    async fn another_cache(&mut self) {
        let is_held = |trial: &Trial| trial.holds_page();
        if !self.facts.trials.iter().any(is_held) {
            return;
        }
        let target = self.probe.fresh().await;
        let key = self.probe.key(&target);
        if !self.stored_for(&target).await.1 || !self.probe.take(&key).await {
            return;
        }
        let (answer, held) = self.stored_for(&target).await;
        let says_stored = matches!(answer.as_ref().map(by), Ok(By::Stored));
        self.facts.another_cache = Some(says_stored && !held);
    }

    /// Asks for `target`; the answer, and whether its page is there soon after.
    pub(super) async fn stored_for(&mut self, target: &str) -> (Answer, bool) {
        let answer = self.probe.get(target).await;
        let key = self.probe.key(target);
        (answer, self.probe.is_soon_held(&key).await)
    }

    /// Whether the application took the request as one for a page.
    fn is_page(&self) -> bool {
        let first = self.facts.trial().map(|trial| &trial.first);
        matches!(
            first.map(|first| first.as_ref().map(by)),
            Some(Ok(By::Stored | By::Streamed | By::Unknown | By::Nginx))
        )
    }

    /// What nobody has asked for is there: perhaps nginx takes our parameter out of it.
    async fn renamed(&mut self) {
        let first = self.facts.trial().map(|trial| &trial.first);
        if first.is_some_and(|first| is_by(first, By::Nginx) || is_by(first, By::Application))
            && let Some(target) = self.probe.renamed()
        {
            self.facts.renamed = Some(self.probe.get(&target).await);
        }
    }

    async fn untold_trials(&mut self) {
        let begun = Instant::now();
        loop {
            self.further_trials().await;
            let all_found = self.facts.trials.iter().all(Trial::is_hit);
            if !all_found || self.facts.trials.len() >= ENOUGH || begun.elapsed() > UNTOLD_PATIENCE
            {
                break;
            }
        }
    }

    async fn further_trials(&mut self) {
        let targets = self.telling_targets().await;
        // All first, then all a second time: so nothing waits for a writer.
        let mut firsts = Vec::new();
        for target in targets {
            let first = self.probe.get(&target).await;
            firsts.push((target, first));
        }
        for round in 1..=ROUNDS {
            let mut missing = false;
            for (target, first) in firsts.clone() {
                let second = self.probe.get(&target).await;
                missing |= !may_be_nginx(&second);
                if round == ROUNDS || may_be_nginx(&second) {
                    let trial = self.probe.tried(target.clone(), first, second).await;
                    self.facts.trials.push(trial);
                    firsts.retain(|(other, _)| *other != target);
                }
            }
            if !missing || round == ROUNDS {
                break;
            }
            sleep(Duration::from_millis(100) * round).await;
        }
    }

    /// Fresh targets that the given list and other lists place differently.
    pub(super) async fn telling_targets(&mut self) -> Vec<String> {
        let Some(placing) = self.facts.placing() else {
            return self.candidates(UNTOLD).await;
        };
        let candidates: Vec<(String, PageKey)> = (self.candidates(300).await.into_iter())
            .map(|target| {
                let key = self.probe.key(&target);
                (target, key)
            })
            .collect();
        placing.telling(candidates.into_iter())
    }

    pub(super) async fn candidates(&mut self, most: u64) -> Vec<String> {
        let mut targets = Vec::new();
        for _ in 0..self.probe.choice(most) {
            targets.push(self.probe.fresh().await);
        }
        targets
    }

    /// Asks for what no nginx lets through, and the application never sees.
    async fn is_nginx_in_front(&mut self) -> bool {
        let answer: Answer = self.probe.ask("GET", "/%00", &[]).await;
        match answer {
            Ok(answer) => {
                let server = answer
                    .header("server")
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                let named = server.contains("nginx") || server.contains("openresty");
                named || is_nginx_error_page(&answer)
            }
            Err(_) => false,
        }
    }
}
