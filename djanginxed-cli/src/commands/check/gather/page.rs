//! What a hit is beside a miss, and other spellings of its target.

use std::time::Duration;

use tokio::time::sleep;

use super::Gathering;
use crate::commands::check::answer::is_rendered;
use crate::commands::check::diagnosis::STRANGER;
use crate::commands::check::facts::{PageFacts, Spelling};
use crate::http::{Response, path_and_query};

impl Gathering {
    pub(super) async fn page(&mut self) {
        let Some((target, miss, hit)) = self.miss_and_hit().await else {
            return;
        };
        let other = self.probe.fresh();
        let Ok(other_miss) = self.probe.get(&other).await else {
            return;
        };
        let gzip = [("Accept-Encoding", "gzip")];
        let packed = self.probe.ask("GET", &target, &gzip).await;
        let target = self.probe.fresh();
        let all = [("Accept-Encoding", "gzip, deflate, br, zstd")];
        let packed_miss = self.probe.ask("GET", &target, &all).await.ok();
        let target = self.probe.fresh();
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
            let target = self.probe.fresh();
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

    /// Asks for the page in spellings that a rewrite on the way would change.
    pub(super) async fn spellings(&mut self) {
        let others = self.other_locations();
        for (name, spelling) in spellings(&self.facts.url.target, &others) {
            let target = self.probe.fresh_at(&spelling);
            let trial = self.probe.trial(target).await;
            let mut direct = None;
            if is_rendered(&trial.first) && !trial.is_hit() {
                let target = self.probe.fresh_at(&spelling);
                direct = self.probe.direct_trial(target).await;
            }
            self.facts.spellings.push(Spelling {
                name,
                trial,
                direct,
            });
        }
    }

    /// Paths of pages that nginx serves by other locations than this one.
    fn other_locations(&self) -> Vec<String> {
        let conf = self.facts.given.conf.as_ref();
        let mut found = conf
            .map(|conf| conf.locations(&self.facts.url))
            .unwrap_or_default();
        found.truncate(8);
        found.push("/djanginxed-check".to_owned());
        found
    }
}

/// Other spellings of `target`. The page's own query stays, since the page may need it.
fn spellings(target: &str, others: &[String]) -> Vec<(&'static str, String)> {
    let (path, query) = path_and_query(target);
    let joint = if query.is_empty() { '?' } else { '&' };
    let mut spellings = vec![
        ("odd query", format!("{target}{joint}b=%2F|x&&a=//y")),
        ("doubled slash", format!("/{target}")),
        (
            "slash at the end",
            match path.strip_suffix('/') {
                Some(bare) if !bare.is_empty() => format!("{bare}{query}"),
                _ => format!("{path}/{query}"),
            },
        ),
    ];
    if let Some(at) = path.rfind(|c: char| c.is_ascii_alphanumeric()) {
        let (before, rest) = path.split_at(at);
        let encoded = format!("{before}%{:02X}{}{query}", rest.as_bytes()[0], &rest[1..]);
        // A digit of a percent-encoding is not a letter of its own.
        if !path.contains('%') {
            spellings.push(("percent-encoded letter", encoded));
        }
    }
    spellings.push(("dot segment", format!("/djanginxed-check/..{target}")));
    // nginx decodes and shortens these before it chooses a location; the
    // application sees one segment where they were.
    let up = "..%2F".repeat(path.matches('/').count());
    for other in others {
        let other = other.trim_start_matches('/').replace('/', "%2F");
        spellings.push(("encoded slash", format!("{path}%2F{up}{other}{query}")));
    }
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_keep_the_query_and_lead_to_other_locations() {
        let found = spellings("/a/b?x=1", &["/feed/".to_owned()]);
        let texts: Vec<_> = found.iter().map(|(_, text)| text.as_str()).collect();
        assert!(texts.contains(&"/a/b/?x=1") && texts.contains(&"//a/b?x=1"));
        assert!(texts.contains(&"/a/%62?x=1"));
        assert!(texts.contains(&"/djanginxed-check/../a/b?x=1"));
        assert!(texts.contains(&"/a/b%2F..%2F..%2Ffeed%2F?x=1"), "{texts:?}");
    }
}
