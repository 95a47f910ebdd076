//! What a server has failed to purge or delete is asked of it again.

use std::time::Instant;

use super::{Lane, probe};
use crate::observe;
use crate::purged::Effort;
use crate::store::error::StoreError;
use crate::writer::owed::{Debt, Owed};
use crate::writer::purging::{Purge, Purging};
use crate::writer::queue::Delete;

impl Lane {
    /// Whether its server is to be asked again for something.
    pub(super) fn owes(&self) -> bool {
        !self.unmarked.is_empty() || self.shared.owed(self.number, |owed| !owed.is_empty())
    }

    /// The server has failed to do this.
    pub(super) fn failed(&mut self, effort: Effort, debts: Vec<Debt>, failure: &StoreError) {
        let (server, now) = (self.upstream.address(), Instant::now());
        match effort {
            Effort::Once => {}
            Effort::Unmarked => self.unmarked.failed(debts.len()),
            Effort::UntilDone => {
                let count = debts.len();
                self.shared.put_off(self.number, debts, failure);
                self.shared.queue.settled(self.number, count);
            }
            Effort::Again => {
                self.shared
                    .owed(self.number, |owed| owed.failed(debts, now));
                observe::repeated_in_vain(server, failure);
            }
        }
    }

    /// Where the server is skipped and has failed once more, nobody else waits for it who
    /// would wait for nothing: what is under way, or waits for its turn, has had its part in
    /// that attempt.
    pub(super) fn share_failure(&mut self) {
        let Err(skipped) = self.upstream.check() else {
            return;
        };
        let (deletes, purges) = self.shared.queue.waiting(self.number);
        let begun = std::mem::take(&mut self.purging);
        for purging in begun
            .into_iter()
            .chain(purges.into_iter().map(Purging::new))
        {
            self.failed(purging.effort(), purging.debts(), &skipped);
            purging.end(Some(skipped.clone()));
        }
        for delete in deletes {
            self.failed(delete.effort, vec![Debt::Page(delete.key)], &skipped);
            // The caller may have given up.
            let _ = delete.sender.send(Err(skipped.clone()));
        }
    }

    /// The server has done this, as far as it still could.
    pub(super) fn done(
        &self,
        effort: Effort,
        debts: Vec<Debt>,
        deleted: u64,
        lost: Option<&StoreError>,
    ) {
        match effort {
            Effort::Once | Effort::Unmarked => {}
            Effort::UntilDone => self.shared.queue.settled(self.number, debts.len()),
            Effort::Again => {
                observe::repeated(self.upstream.address(), debts.len(), deleted, lost);
                self.shared.owed(self.number, |owed| owed.done(debts));
            }
        }
    }

    /// Asks again, where the server answers again.
    pub(super) async fn repeat(&mut self) {
        if !self.is_due() {
            return;
        }
        if !self.answers().await {
            let now = Instant::now();
            return self.shared.owed(self.number, |owed| owed.put_off(now));
        }
        let debts = self.shared.owed(self.number, Owed::take);
        self.ask(debts, Effort::Again).await;
    }

    /// Purges and deletes for nobody who would wait.
    pub(super) async fn ask(&mut self, debts: Vec<Debt>, effort: Effort) {
        let (mut tags, mut deletes) = (Vec::new(), Vec::new());
        for debt in debts {
            match debt {
                Debt::Tag(tag) => tags.push(tag),
                Debt::Page(key) => deletes.push(Delete::again(key, effort)),
            }
        }
        if !tags.is_empty() {
            let purge = Purge::again(tags.into(), effort);
            self.purging.push_back(Purging::new(purge));
        }
        if !deletes.is_empty() {
            self.delete(deletes).await;
        }
    }

    fn is_due(&self) -> bool {
        let is_skipped = self.upstream.check().is_err();
        self.shared.owed(self.number, |owed| {
            if is_skipped {
                owed.without_pause();
            }
            !is_skipped && owed.is_due(Instant::now())
        })
    }

    /// Whether the server answers; one that has failed when it was last asked is asked for
    /// something small first, since others wait for their purges meanwhile.
    pub(super) async fn answers(&self) -> bool {
        if !self.upstream.breaker().is_failing() {
            return true;
        }
        let probed = probe(&self.upstream).await;
        self.upstream.note(probed.as_ref().err());
        probed.is_ok()
    }
}
