//! Several processes of one application.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Gathering;
use crate::commands::check::answer::{Answer, By, is_by, is_rendered};
use crate::commands::check::facts::Process;
use crate::http::Problem;

/// How often a process is asked for all pages where it does not find one: who is busy may
/// look for some in vain.
const ROUNDS: u32 = 3;

/// How often a page is taken away that a process has stored late.
const LATE: u32 = 5;

/// So many pages: where one process has three servers and another two of them, all are found
/// by chance once in a million times.
const ENOUGH: usize = 34;

/// Of a slow page fewer have to do.
const LEAST: usize = 12;
const PATIENCE: Duration = Duration::from_secs(5);

impl Gathering {
    /// What the first process stores, each other one is asked for.
    pub(super) async fn processes(&mut self) {
        let apps = self.args.apps.clone();
        let Some((first, others)) = apps.split_first() else {
            return;
        };
        let direct = self.facts.direct.as_ref();
        if direct.is_some_and(|direct| !is_by(&direct.second, By::Application)) {
            self.forgets(first).await;
        }
        for other in others {
            let mut process = self.process(first, other).await;
            for _ in 1..ROUNDS {
                if is_own_hit(&process.found) {
                    break;
                }
                process = self.process(first, other).await;
            }
            if !is_own_hit(&process.found) {
                self.forgets(other).await;
            }
            self.facts.processes.push(process);
        }
    }

    /// Asks a process for a page until it finds what it has rendered itself, or says why it
    /// keeps none: it gives a Memcached up after some failures.
    async fn forgets(&mut self, address: &str) {
        let target = self.probe.fresh().await;
        let is_last = |answer: &Answer| !is_rendered(answer);
        let answer = self.ask_until(is_last, address, &target).await;
        self.facts.forgetful.push((address.to_owned(), answer));
    }

    /// Asks for many pages, since lists of servers that differ agree on some: up to the first
    /// that is not found.
    async fn process(&mut self, first: &str, other: &str) -> Process {
        let mut process = Process {
            address: other.to_owned(),
            stored: Err(Problem::Closed),
            found: Err(Problem::Closed),
        };
        for target in self.rendered_by(first).await {
            process.stored = self.ask_until(is_own_hit, first, &target).await;
            process.found = self.probe.ask_process(other, &target).await;
            if is_rendered(&process.found) && is_own_hit(&process.stored) {
                process.found = self.found_again(other, &target, process.found).await;
            }
            if !is_own_hit(&process.stored) || !is_own_hit(&process.found) {
                break;
            }
        }
        process
    }

    /// Targets that a process was asked for, and that other lists of servers place otherwise.
    async fn rendered_by(&mut self, address: &str) -> Vec<String> {
        let begun = Instant::now();
        let mut targets = self.telling_targets().await;
        let further = ENOUGH.saturating_sub(targets.len());
        targets.extend(self.candidates(further as u64).await);
        let mut asked = Vec::new();
        for target in targets {
            if asked.len() >= LEAST && begun.elapsed() > PATIENCE {
                break;
            }
            // Whether it is stored, the next answer tells.
            let _ = self.probe.ask_process(address, &target).await;
            asked.push(target);
        }
        asked
    }

    /// The answer of a process to a page that it has looked for in vain, as `missed` says, and
    /// has stored itself since: that is where it was before, where the process has none left
    /// once it is taken away there.
    async fn found_again(&mut self, address: &str, target: &str, missed: Answer) -> Answer {
        let own = self.ask_until(is_own_hit, address, target).await;
        let key = self.probe.key(target);
        for _ in 0..LATE {
            // It finds what waits for its writer, too.
            sleep(Duration::from_millis(100)).await;
            if self.probe.held(&key).await.len() > 1 || !self.probe.take(&key).await {
                break;
            }
            if !is_own_hit(&self.probe.ask_process(address, target).await) {
                return own;
            }
        }
        missed
    }

    /// The last answer of a process, which is asked for half a second at the most: its writer
    /// needs a moment.
    async fn ask_until(
        &mut self,
        is_last: impl Fn(&Answer) -> bool,
        address: &str,
        target: &str,
    ) -> Answer {
        let mut answer = self.probe.ask_process(address, target).await;
        for _ in 0..10 {
            if is_last(&answer) {
                break;
            }
            sleep(Duration::from_millis(50)).await;
            answer = self.probe.ask_process(address, target).await;
        }
        answer
    }
}

/// Whether the application has found what is stored.
fn is_own_hit(answer: &Answer) -> bool {
    is_by(answer, By::Application)
}
