//! Gathers the facts: asks the site under targets that nobody has asked for
//! before, the application, and Memcached.

mod admin;
mod faults;
mod fresh;
mod hosts;
mod inspect;
mod lasting;
mod page;
mod probe;
mod processes;
mod refresh;
mod requests;
mod store;
mod target;
mod variants;

use djanginxed::{Layout, PageKey};
use djanginxed_runtime::tool::{KeyRecipe, denied_to_nginx};

use super::Args;
use super::answer::{Answer, By, detail, is_by, is_nginx_error_page};
use super::diagnosis::Stage;
use super::facts::{Facts, Unprobed};
use super::recipe::{Recipe, with_other_mark, with_variant};
use crate::cache_args::Visitors;
use crate::failure::Failure;
use crate::memcached::{Health, health};
use admin::Admin;
use fresh::Where;
use probe::Probe;

/// The site, how to ask it, and what it has shown so far.
#[derive(Debug)]
pub(super) struct Gathering {
    pub(super) facts: Facts,
    args: Args,
    probe: Probe,
    admin: Option<Admin>,
    visitors: Visitors,
    /// What visitors of other variants asked for.
    in_variants: Vec<String>,
}

impl Gathering {
    pub(super) fn new(args: Args, facts: Facts, visitors: Visitors) -> Result<Gathering, Failure> {
        let trust = args.site.trust.trust()?;
        Ok(Gathering {
            probe: Probe::new(&args, &facts, &trust),
            admin: Admin::new(&args, &trust)?,
            facts,
            args,
            visitors,
            in_variants: Vec::new(),
        })
    }

    pub(super) async fn gather(&mut self, stage: Stage) {
        match stage {
            Stage::Reach => self.reach().await,
            Stage::Store => {
                self.processes().await;
                self.store().await;
            }
            Stage::Page => self.page().await,
            Stage::Target => self.spellings().await,
            Stage::Methods => self.methods().await,
            Stage::Rules => self.rules().await,
            Stage::Variants => self.variants().await,
            Stage::Strangers => self.strangers().await,
            Stage::Lasting => self.lasting().await,
            Stage::Refresh => self.refresh().await,
            Stage::Faults => self.faults().await,
            Stage::WithoutApp => self.without_app().await,
        }
    }

    async fn reach(&mut self) {
        self.facts.health = self.health().await;
        let target = self.probe.fresh().await;
        self.facts.first = self.probe.get(&target).await;
        if self.is_refused_for("query", &target).await {
            self.respell().await;
        }
        let found = &self.facts.first;
        let says_404 = found
            .as_ref()
            .is_ok_and(|first| first.status == 404 && is_nginx_error_page(first));
        if says_404 {
            self.inspect().await;
        }
        let found = self.facts.first.as_ref();
        if found.is_ok_and(|first| first.status == 502 && is_nginx_error_page(first)) {
            self.facts.app_denied = self.app_denied();
        }
        let target = self.probe.fresh().await;
        self.facts.direct = self.probe.direct_trial(target).await;
    }

    fn app_denied(&self) -> Option<String> {
        let sockets = self.facts.site()?.app_sockets;
        let port = Some(self.probe.site_port());
        sockets.iter().find_map(|path| denied_to_nginx(path, port))
    }

    /// The page names the query parameters that it knows, and ours is none: asks for it in
    /// other spellings. A `when` takes paths that are spelt as browsers do alone.
    async fn respell(&mut self) {
        let mut is_by_when = false;
        for place in [Where::All, Where::Values] {
            if !self.probe.spell(place) {
                continue;
            }
            let target = self.probe.fresh().await;
            let first = self.probe.get(&target).await;
            let usual = std::mem::replace(&mut self.facts.first, first);
            if !self.is_refused_for("when", &target).await {
                return;
            }
            self.facts.first = usual;
            is_by_when = true;
        }
        self.probe.add();
        self.facts.unprobed = Some(match is_by_when {
            true => Unprobed::When(self.probe.spellings(Where::Values)),
            false => Unprobed::FewSpellings(self.probe.spellings(Where::All)),
        });
    }

    /// Whether the application refuses `target` for that reason: through nginx or, where
    /// another process may have answered that one, when a process is asked directly.
    async fn is_refused_for(&mut self, reason: &str, target: &str) -> bool {
        let says = |answer: &Answer| {
            let said = answer.as_ref().ok().and_then(detail);
            said.is_some_and(|said| said == reason)
        };
        let first = &self.facts.first;
        if says(first) || !(is_by(first, By::Refused) || is_by(first, By::Unknown)) {
            return says(first);
        }
        for process in self.args.apps.clone() {
            if says(&self.probe.ask_process(&process, target).await) {
                return true;
            }
        }
        false
    }

    /// What the application stores, where nobody said it and it shows.
    fn adopt(&mut self, layout: Layout) {
        self.facts.given.layout = layout;
        self.probe.adopt(self.facts.given.recipe());
    }

    async fn health(&self) -> Vec<(String, Health)> {
        let servers = self.facts.given.servers.iter();
        let port = self.probe.site_port();
        let addresses: Vec<String> = servers
            .map(djanginxed_runtime::tool::Server::address)
            .collect();
        let asked = addresses.into_iter().map(|address| {
            tokio::spawn(async move {
                let found = health(&address, port).await;
                (address, found)
            })
        });
        let mut all = Vec::new();
        for asked in asked.collect::<Vec<_>>() {
            all.extend(asked.await);
        }
        all
    }

    /// Whether every server that was given can be asked.
    fn all_well(&self) -> bool {
        let mut health = self.facts.health.iter();
        health.all(|(_, health)| matches!(health, Health::Well(_)))
    }

    /// Takes away what this check has stored; how many pages it cannot reach.
    pub(super) async fn clean(&mut self) -> usize {
        let places = self.facts.stores();
        let places: Vec<_> = places
            .map(|place| (place.server, place.key.clone()))
            .collect();
        let of_variants = self.starts_of_variants();
        let in_variants = self.in_variants.iter();
        let in_variants = in_variants.flat_map(|target| self.probe.keys(target, &of_variants));
        let further = in_variants.collect();
        self.probe.clean(&self.starts(), further, &places).await
    }

    /// What was asked for last may still be rendered. As after a delete, that is not kept.
    pub(super) async fn forbid_the_last(&self) {
        let servers = &self.args.servers;
        if !servers.given() {
            return;
        }
        let pages = servers.builder(&self.args.page.prefix);
        let Some(pages) = pages.ok().and_then(|pages| pages.build().ok()) else {
            return;
        };
        for start in self.starts().into_iter().chain(self.starts_of_variants()) {
            for target in self.probe.last() {
                // Whoever cannot be asked takes no page either.
                let _ = pages.delete(&PageKey::new(&start, target)).await;
            }
        }
    }

    /// What was hashed before the targets of pages that were stored.
    fn starts(&self) -> Vec<String> {
        let given = &self.facts.given;
        let others = self
            .facts
            .stores()
            .filter_map(|place| match place.recipe.as_ref()? {
                Recipe::Prefix(other) => Some(given.recipe_of(other).start()),
                Recipe::Parts(_) => Some(with_other_mark(&given.recipe().start()).0),
                Recipe::Vary(variant) => Some(with_variant(&given.recipe().start(), variant)),
                Recipe::OfType(other) => Some(KeyRecipe::new(&given.prefix, other).start()),
                _ => None,
            });
        let mut starts: Vec<String> = others.chain([given.recipe().start()]).collect();
        starts.sort();
        starts.dedup();
        starts
    }

    /// The same of pages that visitors of other variants asked for.
    fn starts_of_variants(&self) -> Vec<String> {
        if self.in_variants.is_empty() {
            return Vec::new();
        }
        let visitors = self.visitors.all.iter().map(|visitor| &visitor.variant);
        let forgers = self.visitors.forgers.iter().map(|forger| &forger.variant);
        let mut starts: Vec<String> = visitors
            .chain(forgers)
            .map(|variant| self.start_of(variant))
            .collect();
        starts.sort();
        starts.dedup();
        starts
    }
}
