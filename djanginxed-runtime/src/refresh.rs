//! A stale page is given out at once, while one visitor's request renders it anew.

use actix_web::http::StatusCode;

use crate::cache::PageCache;
use crate::cache::claim::Claim;
use crate::key::PageKey;
use crate::observe;
use crate::render::Render;

/// That a visitor's request is to render a stale page anew. Dropped, it leaves that to
/// another.
#[derive(Debug)]
pub(crate) struct Turn {
    pages: PageCache,
    key: PageKey,
    /// That no other process renders the page meanwhile.
    claim: Option<Claim>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.pages.refreshing().end(&self.key);
    }
}

/// A stale page's render.
#[derive(Debug)]
pub(crate) struct Refresh {
    pub(crate) render: Render,
    pub(crate) turn: Turn,
}

/// The first who finds a page stale has the turn.
pub(crate) fn turn(pages: &PageCache, key: PageKey) -> Option<Turn> {
    pages.refreshing().begin(key).then(|| Turn {
        pages: pages.clone(),
        key,
        claim: None,
    })
}

impl Turn {
    /// Whether no other process has the turn.
    pub(crate) async fn is_ours(&mut self) -> bool {
        self.claim = match self.pages.has_other_users() {
            true => Claim::take(&self.pages, self.key).await,
            false => return true,
        };
        self.claim.is_some()
    }

    /// The application has answered. What is a page no longer is given out no longer;
    /// a failure leaves what there is until its time is over.
    pub(crate) async fn end(mut self, status: StatusCode, is_kept: bool) {
        observe::refreshed(is_kept);
        if !is_kept && !status.is_server_error() {
            self.pages.delete_until_done(&[self.key]).await;
        }
        if let Some(claim) = self.claim.take() {
            claim.stored();
        }
    }

    /// The same in a task of its own, for which the visitor does not wait.
    pub(crate) fn end_soon(self, status: StatusCode, is_kept: bool) {
        tokio::spawn(self.end(status, is_kept));
    }
}
