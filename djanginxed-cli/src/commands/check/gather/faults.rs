//! Requests while Memcached is out of reach.

use std::time::{Duration, Instant};

use super::Gathering;
use super::requests::AUTHORIZATION;
use crate::commands::check::answer::Answer;
use crate::commands::check::facts::Timed;

impl Gathering {
    pub(super) async fn faults(&mut self) {
        self.facts.health = self.health().await;
        // The first requests may wait for what later ones know.
        for method in ["GET"; 8].into_iter().chain(["HEAD"; 3]).chain(["POST"; 3]) {
            let target = self.probe.fresh().await;
            let (answer, took) = self.timed(method, &target, &[]).await;
            let hangs = answer.is_err() || took > self.facts.given.within;
            let direct = self.probe.direct(method, &target, &[]).await;
            self.facts.faults.push(Timed {
                method,
                answer,
                direct,
                took,
            });
            if hangs {
                return;
            }
        }
        for _ in 0..3 {
            let target = self.probe.fresh().await;
            let (answer, took) = self.timed("GET", &target, &[AUTHORIZATION]).await;
            self.facts.faults.push(Timed {
                method: "past-the-cache",
                answer,
                direct: None,
                took,
            });
        }
    }

    /// An answer, and how long it took.
    async fn timed(
        &mut self,
        method: &'static str,
        target: &str,
        fields: &[(&str, &str)],
    ) -> (Answer, Duration) {
        let begin = Instant::now();
        let answer = self.probe.ask(method, target, fields).await;
        (answer, begin.elapsed())
    }
}
