//! A purge that leaves nobody waiting: what is read is rendered anew, the rest deleted,
//! and so is, at the deadline, what is not rendered by then.

use std::rc::Rc;
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::list::MAX_BYTES;
use super::work::Work;
use super::{Order, Replace, Wanted, What, note};
use crate::cache::PageCache;
use crate::key::PageKey;
use crate::life::Life;
use crate::purged::{Effort, Purged};
use crate::store::client::Look;
use crate::store::error::StoreError;
use crate::sync::{Arc, lock};

/// Of so many pages it is asked at once how they are asked for.
const BATCH: usize = 256;

/// A page that somebody reads, which version of it there is, and how to ask for it.
struct Read {
    key: PageKey,
    number: Option<u64>,
    wanted: Arc<Wanted>,
    is_slow: bool,
}

/// A page that is being rendered.
struct Waiting {
    page: Read,
    is_stored: oneshot::Receiver<bool>,
}

impl Work {
    pub(super) async fn replace(self: Rc<Self>, replace: Replace) {
        let Some(pages) = self.pages.upgrade() else {
            return;
        };
        let effort = replace.effort;
        let answer = match replace.what {
            What::Keys(keys) => {
                let looks = pages.mark(&self.clients, &keys).await;
                let count = keys.len();
                let purged = self.replace_each(&pages, keys, looks, effort).await;
                purged.of(count)
            }
            What::Tags(tags) => match pages.purge_sparing(&tags, effort).await {
                Ok((mut purged, spared)) => {
                    let looks = pages.looks(&self.clients, &spared).await;
                    purged.append(self.replace_each(&pages, spared, looks, effort).await);
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
        effort: Effort,
    ) -> Purged {
        // Deleting very many pages takes longer than a render may.
        let until = Instant::now() + self.shared.care.deadline;
        let (mut rest, mut read) = (Vec::new(), Vec::new());
        for (key, look) in keys.into_iter().zip(looks) {
            match look {
                Ok(Some(look)) if look.was_read => read.push((key, look.number)),
                _ => rest.push(key),
            }
        }
        let (mut read, unknown) = self.ways(pages, read, until).await;
        rest.extend(unknown);
        pages.sort_by_heat(&mut read, |page| &page.wanted.target);
        let waiting = self.begin(read, until);
        let mut purged = pages.delete_counted(&rest, effort).await;
        let (mut left, refused) = self.replaced(pages, waiting, until, &mut purged).await;
        // Of another process's purge a writer knows the age in whole seconds, until it has
        // seen it: what begins to render now is newer.
        let again = self.begin(refused, until);
        let (late, refused) = self.replaced(pages, again, until, &mut purged).await;
        left.extend(late);
        left.extend(refused.iter().map(|page| page.key));
        purged.append(pages.delete_counted(&left, effort).await);
        purged
    }

    /// How pages are asked for: as this process knows, or another has noted; and those of
    /// which nobody says.
    async fn ways(
        &self,
        pages: &PageCache,
        read: Vec<(PageKey, Option<u64>)>,
        until: Instant,
    ) -> (Vec<Read>, Vec<PageKey>) {
        let (mut known, mut others) = (Vec::with_capacity(read.len()), Vec::new());
        {
            let list = lock(&self.shared.list);
            for (key, number) in read {
                match list.get(&key) {
                    Some(page) => known.push(Read {
                        key,
                        number,
                        wanted: Arc::clone(&page.wanted),
                        is_slow: page.is_slow,
                    }),
                    None => others.push((key, number)),
                }
            }
        }
        let (mut unknown, mut bytes) = (Vec::new(), 0);
        for batch in others.chunks(BATCH) {
            let keys: Vec<_> = batch.iter().map(|(key, _)| *key).collect();
            if bytes > MAX_BYTES || Instant::now() >= until {
                unknown.extend(keys);
                continue;
            }
            let notes = pages.notes(&self.clients, &keys).await;
            for ((key, number), note) in batch.iter().copied().zip(notes) {
                match note.and_then(|note| note::read(&note, &key, pages.settings())) {
                    Some(noted) => {
                        bytes += noted.wanted.len();
                        known.push(Read {
                            key,
                            number,
                            wanted: Arc::new(noted.wanted),
                            is_slow: noted.is_slow,
                        });
                    }
                    None => unknown.push(key),
                }
            }
        }
        (known, unknown)
    }

    /// Has pages rendered, those first that come first.
    fn begin(&self, read: Vec<Read>, until: Instant) -> Vec<Waiting> {
        let begin = |page: Read| {
            let (done, is_stored) = oneshot::channel();
            let (wanted, is_slow) = (Arc::clone(&page.wanted), page.is_slow);
            self.shared.order(Order {
                key: page.key,
                wanted,
                life: Life::UNBOUNDED,
                is_slow,
                urgency: Some((until, done)),
            });
            Waiting { page, is_stored }
        };
        read.into_iter().map(begin).collect()
    }

    /// Waits for renders; the pages that are not replaced, and apart from these those that
    /// were rendered, but that the writer has not stored.
    async fn replaced(
        &self,
        pages: &PageCache,
        waiting: Vec<Waiting>,
        until: Instant,
        purged: &mut Purged,
    ) -> (Vec<PageKey>, Vec<Read>) {
        let (mut left, mut refused, mut stored) = (Vec::new(), Vec::new(), Vec::new());
        for Waiting { page, is_stored } in waiting {
            match timeout_at(until.into(), is_stored).await {
                Ok(Ok(true)) => stored.push(page),
                _ => left.push(page.key),
            }
        }
        if stored.is_empty() {
            return (left, refused);
        }
        // What the writer has taken, its server may have refused.
        pages.flush().await;
        let keys: Vec<_> = stored.iter().map(|page| page.key).collect();
        let looks = pages.looks(&self.clients, &keys).await;
        for (page, look) in stored.into_iter().zip(looks) {
            match look {
                // Of what is in this process there is one version.
                Ok(Some(look)) if look.number.is_none() || look.number != page.number => {
                    pages.flights().detach(&page.key);
                    purged.replaced += 1;
                }
                // What was deleted meanwhile is nobody's old page.
                Ok(None) => purged.deleted += 1,
                Ok(Some(_)) => refused.push(page),
                Err(_) => left.push(page.key),
            }
        }
        (left, refused)
    }
}
