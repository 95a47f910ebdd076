//! What a hit is beside a miss.

use std::time::Duration;

use tokio::time::sleep;

use super::Gathering;
use crate::commands::check::facts::{PageFacts, STRANGER};
use crate::http::Response;

impl Gathering {
    pub(super) async fn page(&mut self) {
        let Some((target, miss, hit)) = self.miss_and_hit().await else {
            return;
        };
        let other = self.probe.fresh().await;
        let Ok(other_miss) = self.probe.get(&other).await else {
            return;
        };
        let gzip = [("Accept-Encoding", "gzip")];
        let packed = self.probe.ask("GET", &target, &gzip).await;
        let target = self.probe.fresh().await;
        let all = [("Accept-Encoding", "gzip, deflate, br, zstd")];
        let packed_miss = self.probe.ask("GET", &target, &all).await.ok();
        let target = self.probe.fresh().await;
        let stranger = [("Host", STRANGER), ("X-Forwarded-Host", STRANGER)];
        let for_stranger = self.probe.direct("GET", &target, &stranger).await;
        self.facts.page = Some(PageFacts {
            miss,
            other_miss,
            hit,
            packed,
            packed_miss,
            for_stranger: for_stranger.and_then(Result::ok),
        });
    }

    /// A miss, and the hit that came of it. Where their bytes differ, another
    /// pair: a page that differs each time may have been rendered twice, before
    /// its first render was stored.
    async fn miss_and_hit(&mut self) -> Option<(String, Response, Response)> {
        let mut trial = self.facts.trial()?.clone();
        for _ in 0..2 {
            let bodies = [&trial.first, &trial.second].map(|answer| {
                let answer = answer.as_ref().ok();
                answer.map(|answer| answer.body.clone())
            });
            if bodies[0] == bodies[1] {
                break;
            }
            let target = self.probe.fresh().await;
            let first = self.probe.get(&target).await;
            sleep(Duration::from_millis(300)).await;
            let second = self.probe.get(&target).await;
            let again = self.probe.tried(target, first, second).await;
            if again.is_hit() {
                trial = again;
            }
        }
        let is_hit = trial.is_hit();
        let (Ok(first), Ok(second)) = (trial.first, trial.second) else {
            return None;
        };
        is_hit.then_some((trial.target, first, second))
    }
}
