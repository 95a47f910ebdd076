//! A purge that leaves nobody waiting: what is read is rendered anew, the rest deleted,
//! and so is, at the deadline, what is not rendered by then.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::work::Work;
use super::{Order, Replace, What};
use crate::cache::PageCache;
use crate::key::PageKey;
use crate::purged::Purged;
use crate::store::client::Look;
use crate::store::error::StoreError;
use crate::sync::{Arc, lock};

/// A page that is being rendered, and which version of it there was.
struct Waiting {
    key: PageKey,
    number: Option<u64>,
    is_stored: oneshot::Receiver<bool>,
}

impl Work {
    pub(super) async fn replace(self: Rc<Self>, replace: Replace) {
        let until = Instant::now() + self.shared.care.deadline;
        let Some(pages) = self.pages.upgrade() else {
            return;
        };
        let answer = match replace.what {
            What::Keys(keys) => {
                let looks = pages.mark(&self.clients, &keys).await;
                let count = keys.len();
                let purged = self.replace_each(&pages, keys, looks, until).await;
                purged.of(count)
            }
            What::Tags(tags) => match pages.purge_sparing(&tags).await {
                Ok((mut purged, spared)) => {
                    let looks = pages.looks(&self.clients, &spared).await;
                    purged.append(self.replace_each(&pages, spared, looks, until).await);
                    Ok(purged)
                }
                Err(failure) => Err(failure),
            },
        };
        // Who purges may have stopped waiting.
        let _ = replace.done.send(answer);
    }

    /// Of pages whose delete or purge is noted.
    async fn replace_each(
        &self,
        pages: &PageCache,
        keys: Vec<PageKey>,
        looks: Vec<Result<Option<Look>, StoreError>>,
        until: Instant,
    ) -> Purged {
        let (mut rest, mut read) = (Vec::new(), Vec::new());
        for (key, look) in keys.into_iter().zip(looks) {
            let known = lock(&self.shared.list).get(&key).cloned();
            match (look, known) {
                (Ok(Some(look)), Some(known)) if look.was_read => {
                    read.push((key, look.number, known));
                }
                _ => rest.push(key),
            }
        }
        pages.sort_by_heat(&mut read, |(_, _, known)| &known.wanted.target);
        let waiting: Vec<_> = read
            .into_iter()
            .map(|(key, number, known)| {
                let (done, is_stored) = oneshot::channel();
                self.shared.order(Order {
                    key,
                    wanted: Arc::clone(&known.wanted),
                    life: known.life,
                    is_slow: known.is_slow,
                    urgency: Some((until, done)),
                });
                Waiting {
                    key,
                    number,
                    is_stored,
                }
            })
            .collect();
        let mut purged = pages.delete_counted(&rest).await;
        let left = self.replaced(pages, waiting, until, &mut purged).await;
        purged.append(pages.delete_counted(&left).await);
        pages.settle_replaced();
        purged
    }

    /// Waits for renders; the pages that are not replaced.
    async fn replaced(
        &self,
        pages: &PageCache,
        waiting: Vec<Waiting>,
        until: Instant,
        purged: &mut Purged,
    ) -> Vec<PageKey> {
        let (mut left, mut stored) = (Vec::new(), HashMap::new());
        for page in waiting {
            match timeout_at(until.into(), page.is_stored).await {
                Ok(Ok(true)) => drop(stored.insert(page.key, page.number)),
                _ => left.push(page.key),
            }
        }
        if stored.is_empty() {
            return left;
        }
        // What the writer has taken, its server may have refused.
        pages.flush().await;
        let keys: Vec<_> = stored.keys().copied().collect();
        let looks = pages.looks(&self.clients, &keys).await;
        for (key, look) in keys.into_iter().zip(looks) {
            let before = stored.get(&key).copied().flatten();
            match look {
                // Of what is in this process there is one version.
                Ok(Some(look)) if look.number.is_none() || look.number != before => {
                    pages.flights().detach(&key);
                    purged.replaced += 1;
                }
                // What was deleted meanwhile is nobody's old page.
                Ok(None) => purged.deleted += 1,
                _ => left.push(key),
            }
        }
        left
    }
}
