//! What was deleted without a marker is deleted again.

use std::time::Instant;

use super::Lane;
use crate::observe;
use crate::purged::Effort;
use crate::store::error::StoreError;
use crate::writer::owed::Debt;

impl Lane {
    /// Something was deleted; whether its server has taken the marker.
    pub(super) fn note_marker(
        &mut self,
        effort: Effort,
        debts: &[Debt],
        begun: Instant,
        refusal: Option<&StoreError>,
    ) {
        match (effort, refusal) {
            (Effort::Unmarked, _) => self.unmarked.deleted(debts, begun, refusal.is_none()),
            (_, None) => self.unmarked.marked(debts, begun),
            // Who asked is told.
            (Effort::Once, Some(_)) => {}
            (Effort::UntilDone | Effort::Again, Some(refusal)) => {
                if self.unmarked.is_empty() {
                    observe::unmarked(self.upstream.address(), refusal);
                }
                self.unmarked.add(debts, Instant::now());
            }
        }
    }

    /// Deletes again what renders under way may have stored since.
    pub(super) async fn guard(&mut self) {
        if self.unmarked.is_empty() || self.upstream.check().is_err() {
            return;
        }
        let debts = self.unmarked.take(Instant::now());
        self.ask(debts, Effort::Unmarked).await;
    }
}
