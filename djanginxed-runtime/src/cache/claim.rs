//! One render of a page that is not there, over all processes: the first to lock it
//! renders, the others look until it is there.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::cache::PageCache;
use crate::entry::Found;
use crate::key::PageKey;

/// The first pause of who looks again, and the longest: each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// A lock lives for two seconds at the most, and for one at the least.
const KEEP: Duration = Duration::from_millis(900);

/// That no other process renders the page meanwhile, however long that takes. Dropped, it
/// lets them at once.
#[derive(Debug)]
pub(crate) struct Claim {
    pages: PageCache,
    key: PageKey,
    keeper: Option<AbortHandle>,
}

/// Who renders a page that was not there.
pub(crate) enum Cold {
    /// This process: with a claim, or without regard to others.
    Ours(Option<Claim>),
    /// Another one has.
    Theirs(Found),
}

impl Claim {
    fn new(pages: PageCache, key: PageKey) -> Claim {
        let (keeper, kept) = (Handle::try_current(), pages.clone());
        let keep = async move {
            loop {
                sleep(KEEP).await;
                kept.keep_lock(key).await;
            }
        };
        Claim {
            keeper: keeper
                .ok()
                .map(|runtime| runtime.spawn(keep).abort_handle()),
            pages,
            key,
        }
    }

    /// Takes the lock of a page, where no other process has it.
    pub(crate) async fn take(pages: &PageCache, key: PageKey) -> Option<Claim> {
        let pages = pages.clone();
        let taken = uninterrupted(async move {
            // A server that cannot be asked would not take the page either.
            let is_taken = matches!(pages.lock(key).await, Ok(true));
            is_taken.then(|| Claim::new(pages, key))
        });
        taken.await.flatten()
    }

    /// The page was handed to the store; once it is there, others may render it again.
    pub(crate) fn stored(self) {
        // Without a runtime it is dropped, and lets them at once.
        spawn(async move { self.pages.flush().await });
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            keeper.abort();
        }
        let (pages, key) = (self.pages.clone(), self.key);
        spawn(async move { pages.unlock(key).await });
    }
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    // Without a runtime the lock ends by itself.
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(task);
    }
}

/// Asks for the lock of a page that was not there, and for the page, until one of them
/// can be had, and for no longer than `coalesce_timeout`.
pub(crate) async fn claim(pages: &PageCache, key: PageKey) -> Cold {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let (claim, found) = ask(pages.clone(), key).await;
        if let Some(found) = found {
            return Cold::Theirs(found);
        }
        if claim.is_some() {
            return Cold::Ours(claim);
        }
        if begun.elapsed() + pause > pages.settings().coalesce_timeout {
            return Cold::Ours(None);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Asks for the lock and for the page, in this order, with one write: what another has
/// rendered is stored before the lock is given back. Without a claim another has it.
async fn ask(pages: PageCache, key: PageKey) -> (Option<Claim>, Option<Found>) {
    let asked = uninterrupted(async move {
        let (locked, found) = tokio::join!(pages.lock(key), pages.look_again(key));
        // A server that does not say may have taken it, so it is to be given back; and a
        // broken cache never breaks a page.
        let may_render = locked.unwrap_or(true);
        let claim = may_render.then(|| Claim::new(pages, key));
        (claim, found.unwrap_or_default())
    });
    asked.await.unwrap_or_default()
}

/// Runs a future in a task of its own: a visitor who leaves meanwhile must not leave a
/// lock behind. The claim that it makes for nobody is dropped.
async fn uninterrupted<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    tokio::spawn(future).await.ok()
}
