//! Other spellings of the page's target.

use super::Gathering;
use crate::commands::check::answer::is_rendered;
use crate::commands::check::facts::Spelling;
use crate::http::path_and_query;

impl Gathering {
    /// Asks for the page in spellings that a rewrite on the way would change.
    pub(super) async fn spellings(&mut self) {
        let others = self.other_locations();
        for (name, spelling) in spellings(&self.facts.url.target, &others) {
            let target = self.probe.fresh_at(&spelling).await;
            let trial = self.probe.trial(target).await;
            let mut direct = None;
            if is_rendered(&trial.first) && !trial.is_hit() {
                let target = self.probe.fresh_at(&spelling).await;
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
