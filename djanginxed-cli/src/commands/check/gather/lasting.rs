//! What keeps visitors from waiting: stale pages, copies, locks, purges that replace.

use std::fmt::Display;
use std::time::Duration;

use djanginxed::{Layout, PageKey};
use djanginxed_runtime::tool::{copy_name, flags_of, lock_name};
use tokio::time::{sleep, timeout};

use super::Gathering;
use super::admin::Admin;
use crate::commands::check::answer::{Answer, may_be_nginx};
use crate::commands::check::facts::{Copied, Locked, Purge, Purged, Stale, WithoutApp};
use crate::memcached::{Item, Kind, Watch};

/// How long a page lives that was made stale, in seconds; some less where it is stale for less.
const STALE: u32 = 60;

/// How long a lock of ours lives, in seconds, if we end before we give it back.
const LOCK: u32 = 3;

/// How long the application is watched waiting for it.
const HELD: Duration = Duration::from_millis(600);

/// What is put in place of an application that is down.
pub(super) const STAND_IN: &str = "<p>put there by djanginxed check";

impl Gathering {
    pub(super) async fn lasting(&mut self) {
        if self.facts.given.servers.is_empty() || !self.all_well() {
            return;
        }
        self.copy().await;
        self.stale().await;
        self.lock().await;
        self.purge().await;
    }

    /// The item of `key`, on its own server.
    async fn item(&mut self, key: impl Display, of: &PageKey) -> Option<Item> {
        let (_, index) = self.probe.server_of(of)?;
        self.probe.look(index, key).await
    }

    async fn copy(&mut self) {
        let Some(key) = self.facts.trial().map(|trial| trial.key) else {
            return;
        };
        let stored = self.item(copy_name(&key), &key).await.is_some();
        let by_nginx = self.facts.site().map(|site| site.has_copies);
        self.facts.lasting.copy = Some(Copied { stored, by_nginx });
    }

    /// Looks twice before it says that a page is not rendered anew: an edit may purge one
    /// meanwhile, and its new render with it.
    async fn stale(&mut self) {
        for _ in 0..2 {
            let found = self.made_stale().await;
            let is_last = found.as_ref().is_none_or(Stale::is_renewed);
            self.facts.lasting.stale = found.or(self.facts.lasting.stale.take());
            if is_last {
                return;
            }
        }
    }

    /// Makes a page's timeout end: what is left of its life is its stale time.
    async fn made_stale(&mut self) -> Option<Stale> {
        let (target, key) = self.stored_page().await?;
        let item = self.item(key, &key).await?;
        let seconds = item.stale_for();
        // Less is over before anybody has asked.
        if seconds < 3 {
            return None;
        }
        let left = STALE.min(seconds - 1);
        if let Some((servers, index)) = self.probe.server_of(&key)
            && servers.shorten(index, key, left).await != Ok(true)
        {
            return None;
        }
        let through_nginx = self.probe.get(&target).await;
        let direct = self.probe.direct("GET", &target, &[]).await;
        let mut renewed = false;
        for _ in 0..50 {
            let item = self.item(key, &key).await;
            renewed = item.is_some_and(|item| item.seconds_left > Some(left.into()));
            if renewed || direct.is_none() {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        Some(Stale {
            seconds,
            through_nginx,
            direct,
            renewed,
        })
    }

    /// A page that is stored now and that nobody knows.
    async fn stored_page(&mut self) -> Option<(String, PageKey)> {
        let target = self.probe.fresh().await;
        let key = self.probe.key(&target);
        self.stored_for(&target).await.1.then_some((target, key))
    }

    /// Takes the lock of a page that is not there, and looks whether who renders it waits.
    async fn lock(&mut self) {
        let target = self.probe.fresh().await;
        let key = self.probe.key(&target);
        let lock = lock_name(&key);
        let mark = self.probe.mark().to_owned();
        let Some((servers, index)) = self.probe.server_of(&key) else {
            return;
        };
        let address = servers.address(index);
        let watch = Watch::begin(&address, &mark).await;
        if servers.add(index, &lock, (0, ""), LOCK).await != Ok(true) {
            return;
        }
        let answer = self.probe.apart(&target);
        tokio::pin!(answer);
        let early = timeout(HELD, &mut answer).await;
        if let Some((servers, index)) = self.probe.server_of(&key) {
            // It ends by itself.
            let _ = servers.take(index, std::slice::from_ref(&lock)).await;
        }
        let waited = early.is_err() && answer.await.is_ok();
        let asked = match watch {
            Ok(watch) => Some(was_refused(watch, &lock).await),
            Err(_) => None,
        };
        self.facts.lasting.lock = Some(Locked { asked, waited });
    }

    /// Has a page purged that this process has stored and nginx has read.
    async fn purge(&mut self) {
        let Some(address) = self.admin.as_ref().map(Admin::address) else {
            return;
        };
        let target = self.probe.fresh().await;
        let key = self.probe.key(&target);
        let _ = self.probe.ask_process(&address, &target).await;
        let is_read = self.is_read(&target, &key).await;
        let Some(admin) = self.admin.as_mut() else {
            return;
        };
        let page = admin.purge(&target).await;
        let left = self.item(key, &key).await;
        self.facts.lasting.pending_purges = page.as_ref().ok().and_then(|page| page.pending_purges);
        self.facts.lasting.purge = Some(match page {
            Err(problem) => Purge::NoAdmin(problem),
            Ok(page) => match (&page.purged, page.failure()) {
                (None, None) => Purge::NoAdmin(page.said.unwrap_or_default()),
                (Some(_), None) if !is_read => Purge::NotRead(page.refreshes),
                (purged, failure) => Purge::Done(Purged {
                    refreshes: page.refreshes,
                    deleted: purged.as_ref().map_or(0, |purged| purged.deleted),
                    replaced: purged.as_ref().map_or(0, |purged| purged.replaced),
                    failure,
                    old_is_there: left.is_some_and(|item| item.read),
                }),
            },
        });
    }

    /// Whether nginx finds the page, as soon as it is stored.
    pub(super) async fn is_read(&mut self, target: &str, key: &PageKey) -> bool {
        if !self.probe.is_soon_held(key).await {
            return false;
        }
        let answer = self.probe.get(target).await;
        let item = self.item(key, key).await;
        may_be_nginx(&answer) && item.is_some_and(|item| item.read)
    }

    pub(super) async fn without_app(&mut self) {
        self.facts.health = self.health().await;
        let target = self.probe.fresh().await;
        let cold = self.probe.get(&target).await;
        let direct = self.probe.direct("GET", &target, &[]).await;
        let copied = self.copied().await;
        self.facts.without_app = Some(WithoutApp {
            cold,
            direct,
            copied,
        });
    }

    /// Puts a copy of a page there that nobody else asks for, and asks for it.
    async fn copied(&mut self) -> Option<Answer> {
        let target = self.probe.fresh().await;
        let key = self.probe.key(&target);
        let layout = self.facts.given.layout;
        let entry = stand_in(layout);
        let (servers, index) = self.probe.server_of(&key)?;
        let entry = (flags_of(layout, false), entry.as_str());
        let put = servers.add(index, copy_name(&key), entry, STALE).await;
        match put {
            Ok(true) => Some(self.probe.get(&target).await),
            _ => None,
        }
    }
}

/// It, as an entry.
pub(super) fn stand_in(layout: Layout) -> String {
    let head = match layout {
        Layout::Response => "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n",
        _ => "",
    };
    format!("{head}{STAND_IN}")
}

/// Whether somebody wanted the lock that another has.
async fn was_refused(mut watch: Watch, lock: &str) -> bool {
    if watch.mark().await.is_err() {
        return false;
    }
    let windows = watch.end().await;
    let mut events = windows.iter().flatten();
    events.any(|event| event.kind == Kind::Refused && event.key == lock)
}
