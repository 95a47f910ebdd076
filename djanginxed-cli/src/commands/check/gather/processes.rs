//! Several processes of one application.

use std::time::Duration;

use tokio::time::sleep;

use super::Gathering;
use crate::commands::check::answer::{Answer, By, is_by, is_rendered};
use crate::commands::check::facts::Process;

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
            // Who is busy may once look for a page in vain.
            for _ in 0..2 {
                if is_by(&process.found, By::Application) {
                    break;
                }
                process = self.process(first, other).await;
            }
            if !is_by(&process.found, By::Application) {
                self.forgets(other).await;
            }
            self.facts.processes.push(process);
        }
    }

    /// Asks a process for a page until it finds what it has rendered itself, or says why it
    /// keeps none: it gives a Memcached up after some failures.
    async fn forgets(&mut self, address: &str) {
        let target = self.probe.fresh();
        let is_last = |answer: &Answer| !is_rendered(answer);
        let answer = self.ask_until(is_last, address, &target).await;
        self.facts.forgetful.push((address.to_owned(), answer));
    }

    async fn process(&mut self, first: &str, other: &str) -> Process {
        let target = self.probe.fresh();
        let is_last = |answer: &Answer| is_by(answer, By::Application);
        let stored = self.ask_until(is_last, first, &target).await;
        // Once: what it stores itself it finds, under whatever key.
        let found = self.probe.ask_process(other, &target).await;
        Process {
            address: other.to_owned(),
            stored,
            found,
        }
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
