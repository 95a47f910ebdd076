//! Asks, and remembers what for.

use std::collections::HashSet;
use std::fmt::Display;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use djanginxed::PageKey;
use djanginxed_runtime::tool::{KeyRecipe, copy_name, delete_name, lock_name, note_name};
use tokio::time::sleep;

use super::fresh::{Fresh, Where, spellings};
use crate::commands::check::Args;
use crate::commands::check::answer::{Answer, By, by, is_by, is_rendered};
use crate::commands::check::facts::{Facts, SPELLINGS, Trial};
use crate::commands::check::recipe::rewritten;
use crate::http::{Client, Request, Trust, Url};
use crate::memcached::{Item, Servers};

/// So many spellings in a row are passed over that are there already: where earlier checks
/// have left nine tenths of them, all are once in 800 times.
const MOST_LEFT: usize = 64;

#[derive(Debug)]
pub(super) struct Probe {
    url: Url,
    /// What is hashed before a target.
    start: String,
    headers: Vec<(String, String)>,
    nginx: Client,
    app: Option<Client>,
    servers: Option<Servers>,
    fresh: Fresh,
    /// Whether what nobody has asked for was found there, however it was spelt.
    spent: bool,
    /// Targets that were asked for, and may be stored now.
    used: Vec<String>,
}

impl Probe {
    pub(super) fn new(args: &Args, facts: &Facts, trust: &Trust) -> Probe {
        let Facts { url, given, .. } = facts;
        let nginx = args.site.client(&url.origin, trust);
        let app = given.app.as_ref();
        let app = app.map(|app| nginx.again().at(app).without_tls());
        let list = given.servers.clone();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let unique = now.map_or(0, |now| now.as_nanos());
        Probe {
            nginx,
            app,
            servers: (!list.is_empty()).then(|| Servers::new(list, given.placement)),
            start: given.recipe().start(),
            headers: args.site.headers.clone(),
            fresh: Fresh::new(unique),
            spent: false,
            used: Vec::new(),
            url: url.clone(),
        }
    }

    pub(super) fn mark(&self) -> &str {
        self.fresh.mark()
    }

    /// What all that is made of one of our targets has, and no visitor's.
    pub(super) fn sign<'a>(&'a self, target: &'a str) -> &'a str {
        self.fresh.sign(target)
    }

    /// Of a page that knows no query of ours; whether it can be asked for all the same.
    pub(super) fn spell(&mut self, place: Where) -> bool {
        self.fresh.spell(&self.url.target, place)
    }

    /// In how many ways the page can be asked for without another query.
    pub(super) fn spellings(&self, place: Where) -> u64 {
        spellings(&self.url.target, place)
    }

    /// The page is asked for under queries of ours again.
    pub(super) fn add(&mut self) {
        self.fresh.add();
    }

    pub(super) fn adopt(&mut self, recipe: KeyRecipe<'_>) {
        self.start = recipe.start();
    }

    /// The page's target as nobody has asked for it.
    pub(super) async fn fresh(&mut self) -> String {
        let target = self.url.target.clone();
        self.fresh_at(&target).await
    }

    /// The same with another parameter than ours, where it has ours.
    pub(super) fn renamed(&mut self) -> Option<String> {
        self.fresh.renamed(&self.url.target)
    }

    pub(super) async fn fresh_at(&mut self, target: &str) -> String {
        let mut made = self.fresh.of(target);
        // Where there are few, those come back that were chosen from.
        for _ in 0..SPELLINGS {
            if !self.used.contains(&made) {
                break;
            }
            made = self.fresh.of(target);
        }
        // With servers nothing is left behind.
        if self.spent || self.servers.is_some() || !self.fresh.may_be_there() {
            return made;
        }
        for _ in 0..MOST_LEFT {
            if !self.is_there(&made).await {
                return made;
            }
            made = self.fresh.of(target);
        }
        self.spent = true;
        made
    }

    /// Whether what an earlier check has left, or a wrong key, is found however a target is
    /// spelt.
    pub(super) fn is_spent(&self) -> bool {
        self.spent
    }

    /// Whether a page is stored, by a request that stores none.
    async fn is_there(&mut self, target: &str) -> bool {
        let request = Request::new("HEAD", target).headers(&self.headers);
        let answer = self.nginx.send(&request).await;
        is_by(&answer, By::Nginx) || is_by(&answer, By::Application)
    }

    /// How many such targets there are to choose from, `most` at the most.
    pub(super) fn choice(&self, most: u64) -> u64 {
        self.fresh.some(&self.url.target, most)
    }

    pub(super) fn key(&self, target: &str) -> PageKey {
        PageKey::new(&self.start, target)
    }

    fn request(&mut self, method: &'static str, target: &str) -> Request {
        if !self.used.iter().any(|used| used == target) {
            self.used.push(target.to_owned());
        }
        Request::new(method, target).headers(&self.headers)
    }

    pub(super) async fn ask(
        &mut self,
        method: &'static str,
        target: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let request = self.request(method, target).headers(fields);
        self.nginx.send(&request).await
    }

    pub(super) async fn get(&mut self, target: &str) -> Answer {
        self.ask("GET", target, &[]).await
    }

    /// Asks the application itself, as nginx does.
    pub(super) async fn direct(
        &mut self,
        method: &'static str,
        target: &str,
        fields: &[(&str, &str)],
    ) -> Option<Answer> {
        self.app.as_ref()?;
        let request = self.as_nginx(method, target, fields);
        Some(self.app.as_mut()?.send(&request).await)
    }

    fn as_nginx(&mut self, method: &'static str, target: &str, fields: &[(&str, &str)]) -> Request {
        let mut request = self.request(method, target);
        let origin = &self.url.origin;
        if !fields.iter().any(|(name, _)| *name == "Host") {
            request = request.header("X-Forwarded-Host", origin.host_header());
        }
        let request = request.header("X-Forwarded-Proto", origin.scheme());
        request.headers(fields)
    }

    /// Asks nginx for `target`, and then until nginx answers it, which is at
    /// once where all is well, for a second at the most.
    pub(super) async fn trial(&mut self, target: String) -> Trial {
        let first = self.get(&target).await;
        let patience = match first.as_ref().map(by) {
            Ok(By::Stored | By::Streamed) => 10,
            // Perhaps stored, and not said.
            Ok(By::Unknown) if first.as_ref().is_ok_and(|first| first.status == 200) => 2,
            _ => 0,
        };
        let second = self.get(&target).await;
        let mut trial = self.tried(target.clone(), first.clone(), second).await;
        for _ in 0..patience {
            if trial.is_hit() {
                break;
            }
            sleep(Duration::from_millis(100)).await;
            let second = self.get(&target).await;
            trial = self.tried(target.clone(), first.clone(), second).await;
        }
        trial
    }

    /// The same of the application itself.
    pub(super) async fn direct_trial(&mut self, target: String) -> Option<Trial> {
        let first = self.direct("GET", &target, &[]).await?;
        let mut second = first.clone();
        if first.is_ok() {
            // The writer needs a moment.
            sleep(Duration::from_millis(20)).await;
            second = self.direct("GET", &target, &[]).await?;
        }
        let stored = is_rendered(&first);
        let mut trial = self.tried(target, first, second).await;
        // On a busy machine it needs more of them.
        for _ in 0..10 {
            if trial.holds_page() || !stored || self.servers.is_none() {
                break;
            }
            sleep(Duration::from_millis(100)).await;
            trial.held = self.held(&trial.key).await;
        }
        Some(trial)
    }

    pub(super) async fn tried(&mut self, target: String, first: Answer, second: Answer) -> Trial {
        let key = self.key(&target);
        let held = self.held(&key).await;
        Trial {
            target,
            key,
            first,
            second,
            held,
            seen_hit: None,
        }
    }

    /// The servers that hold something under `key`, and what.
    pub(super) async fn held(&mut self, key: &PageKey) -> Vec<(usize, Item)> {
        let mut held = Vec::new();
        if let Some(servers) = &mut self.servers {
            for index in 0..servers.list().len() {
                // Whoever cannot be asked has a fact of his own.
                if let Ok(Some(item)) = servers.peek_at(index, key).await {
                    held.push((index, item));
                }
            }
        }
        held
    }

    /// Whether a page lies under `key` within half a second: the application's writer needs a
    /// moment.
    pub(super) async fn is_soon_held(&mut self, key: &PageKey) -> bool {
        for _ in 0..20 {
            if !self.held(key).await.is_empty() {
                return true;
            }
            sleep(Duration::from_millis(25)).await;
        }
        false
    }

    /// What the server at `index` holds under a key that was seen.
    pub(super) async fn look(&mut self, index: usize, key: impl Display) -> Option<Item> {
        let servers = self.servers.as_mut()?;
        servers.peek_at(index, key).await.ok().flatten()
    }

    /// The page of `key` on its own server, or why that does not say.
    pub(super) async fn watched(&mut self, key: &PageKey) -> Result<Option<Item>, String> {
        let Some((servers, index)) = self.server_of(key) else {
            return Ok(None);
        };
        let found = servers.peek_at(index, key).await;
        found.map_err(|trouble| format!("{}: {trouble}", servers.address(index)))
    }

    /// The servers, and the index of the one that has `key`.
    pub(super) fn server_of(&mut self, key: &PageKey) -> Option<(&mut Servers, usize)> {
        let servers = self.servers.as_mut()?;
        let index = servers.index_of(key);
        Some((servers, index))
    }

    /// What may be under way: one request at a time through nginx, and one past it.
    pub(super) fn last(&self) -> impl Iterator<Item = &str> {
        self.used.iter().rev().take(2).map(String::as_str)
    }

    /// The port that nginx listens on, as far as it is known here.
    pub(super) fn site_port(&self) -> u16 {
        self.nginx.port()
    }

    /// A request that goes out on a connection of its own.
    pub(super) fn apart(&mut self, target: &str) -> impl Future<Output = Answer> + use<> {
        let request = self.request("GET", target);
        let mut client = self.nginx.again();
        async move { client.send(&request).await }
    }

    /// Asks a process of the application, as nginx does for the site's host.
    pub(super) async fn ask_process(&mut self, address: &str, target: &str) -> Answer {
        let request = self.as_nginx("GET", target, &[]);
        let mut process = self.nginx.again().at(address).without_tls();
        process.send(&request).await
    }

    /// Takes `key` away from every server; whether all could be asked.
    pub(super) async fn take(&mut self, key: &PageKey) -> bool {
        let Some(servers) = &mut self.servers else {
            return false;
        };
        let mut all = true;
        for index in 0..servers.list().len() {
            all &= servers.take(index, &[key.to_string()]).await.is_ok();
        }
        all
    }

    /// Takes away every page that may have been stored, also the `further` ones, and those
    /// under `places`. Returns how many pages are not within reach.
    pub(super) async fn clean(
        &mut self,
        starts: &[String],
        further: Vec<PageKey>,
        places: &[(usize, String)],
    ) -> usize {
        let used = self.used.iter();
        let usual = used.flat_map(|target| self.keys(target, starts));
        let keys: HashSet<String> = (usual.chain(further))
            // Beside a page lie its copy, its lock, how it is asked for and, after a POST,
            // the note of a delete.
            .flat_map(|key| {
                let beside = [copy_name, lock_name, delete_name, note_name].map(|name| name(&key));
                beside.into_iter().chain([key.to_string()])
            })
            .collect();
        let count = self.used.len();
        let Some(servers) = &mut self.servers else {
            return count;
        };
        // Twice: the application's writer may be a moment late.
        for round in 0..2 {
            for index in 0..servers.list().len() {
                let found = places.iter().filter(|(server, _)| *server == index);
                let found = found.map(|(_, key)| key.clone()).filter(|key| is_page(key));
                let all: Vec<String> = keys.iter().cloned().chain(found).collect();
                // Whoever cannot be asked has a fact of his own.
                let _ = servers.take(index, &all).await;
            }
            if round == 0 {
                sleep(Duration::from_millis(60)).await;
            }
        }
        0
    }

    /// The keys of `target`, and of what may have been made of it.
    pub(super) fn keys(&self, target: &str, starts: &[String]) -> Vec<PageKey> {
        let others = rewritten(target).into_iter().map(|(other, _)| other);
        // Never a page of a visitor's.
        let sign = self.sign(target);
        let ours = others.filter(|other| other.contains(sign));
        let targets: Vec<String> = ours.chain([target.to_owned()]).collect();
        let keys = targets.iter().flat_map(|target| {
            let keys = starts.iter();
            keys.map(move |start| PageKey::new(start, target))
        });
        keys.collect()
    }
}

/// Whether a key is one of a page.
fn is_page(key: &str) -> bool {
    key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit())
}
