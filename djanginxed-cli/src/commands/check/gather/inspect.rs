//! Looks on at Memcached while the page is asked for.

use std::collections::HashSet;

use djanginxed::Layout;

use super::Gathering;
use crate::commands::check::answer::Answer;
use crate::commands::check::facts::{Inspection, Look, Place};
use crate::commands::check::recipe::{Cookbook, fewer_rules};
use crate::memcached::{Event, Kind, Watch};

/// What a server was asked for in one window.
type Window = Vec<Event>;

/// A target, its second answer, and its windows: the first request, and two more.
struct Asked {
    target: String,
    second: Answer,
    first_window: usize,
}

const REQUESTS: usize = 3;

impl Gathering {
    pub(super) async fn inspect(&mut self) {
        let mut watches = Vec::new();
        for server in &self.facts.given.servers {
            match Watch::begin(&server.address(), self.probe.mark()).await {
                Ok(watch) => watches.push(watch),
                // Then what lies under known keys has to do.
                Err(_) => break,
            }
        }
        let watched = !watches.is_empty() && watches.len() == self.facts.given.servers.len();
        if !watched {
            watches.clear();
        }
        let asked = self.ask_while(&mut watches).await;
        let mut windows = Vec::new();
        for watch in watches {
            windows.push(watch.end().await);
        }
        let cookbook = self.cookbook();
        let mut looks: Vec<Look> = (asked.iter())
            .map(|asked| self.look(&cookbook, asked, &windows))
            .collect();
        if !watched {
            for (look, asked) in looks.iter_mut().zip(&asked) {
                look.stores = self.found(&cookbook, &asked.target).await;
            }
        }
        let stored_layout = self.stored_layout(&looks).await;
        self.facts.inspection = Some(Inspection {
            watched,
            stored_layout,
            looks,
        });
    }

    async fn stored_layout(&mut self, looks: &[Look]) -> Option<Layout> {
        for place in looks.iter().flat_map(|look| &look.stores) {
            if let Some(item) = self.probe.look(place.server, &place.key).await {
                return Some(item.layout());
            }
        }
        None
    }

    async fn ask_while(&mut self, watches: &mut [Watch]) -> Vec<Asked> {
        let mut asked = Vec::new();
        mark(watches).await;
        for target in self.telling_targets().await {
            let first_window = asked.len() * REQUESTS + 1;
            let mut second = self.probe.get(&target).await;
            mark(watches).await;
            for _ in 1..REQUESTS {
                // The writer needs a moment.
                tokio::time::sleep(std::time::Duration::from_millis(30)).await;
                second = self.probe.get(&target).await;
                mark(watches).await;
            }
            asked.push(Asked {
                target,
                second,
                first_window,
            });
        }
        asked
    }

    fn cookbook(&self) -> Cookbook {
        let origin = &self.facts.url.origin;
        let first = self.facts.trial().and_then(|trial| trial.page());
        let content_type = first.and_then(|first| first.header("content-type"));
        let conf = self.facts.given.conf.as_ref();
        Cookbook {
            prefix: self.facts.given.prefix.clone(),
            start: self.facts.given.recipe().start(),
            host: origin.host_header(),
            scheme: origin.scheme(),
            prefixes: conf.map(|conf| conf.prefixes()).unwrap_or_default(),
            content_type: content_type
                .and_then(|value| value.split(';').next().map(|media| media.trim().to_owned())),
            variants: fewer_rules(&self.facts.given.recipe().start())
                .into_iter()
                .chain((self.visitors.all.iter()).map(|visitor| visitor.variant.clone()))
                .collect(),
        }
    }

    fn look(&self, cookbook: &Cookbook, asked: &Asked, windows: &[Vec<Window>]) -> Look {
        let (mut lookups, mut stores) = (Vec::new(), Vec::new());
        let (mut asked_for, mut found) = (0, 0);
        let key = self.probe.key(&asked.target);
        let own = key.to_string();
        for (server, windows) in windows.iter().enumerate() {
            let mine = asked.first_window..asked.first_window + REQUESTS;
            let strange = |key: &str| {
                let others = windows.iter().enumerate();
                let mut others = others.filter(|(at, _)| !mine.contains(at));
                others.any(|(_, window)| window.iter().any(|event| event.key == key))
            };
            let mine = windows.get(mine.clone()).unwrap_or_default();
            asked_for += count(mine.first(), &own, is_lookup);
            found += count(mine.last(), &own, is_found);
            let place = |key: &String| Place {
                server,
                key: key.clone(),
                recipe: cookbook.recipe_of(key, &asked.target),
            };
            // A key of nobody's recipe is ours only where it comes back.
            let ours = |place: &Place, times: usize| {
                let comes_back = times >= REQUESTS - 1 && !is_beside_pages(&place.key);
                place.recipe.is_some() || comes_back && !strange(&place.key)
            };
            for (key, times) in keys(mine.get(1..).unwrap_or_default(), is_lookup) {
                let place = place(&key);
                if ours(&place, times) {
                    lookups.push(place);
                }
            }
            for (key, _) in keys(mine, is_store) {
                let place = place(&key);
                let all = |event: &Event| is_lookup(event) || is_store(event);
                let times = keys(mine, all).into_iter().find(|(other, _)| *other == key);
                if ours(&place, times.map_or(0, |(_, times)| times)) {
                    stores.push(place);
                }
            }
        }
        Look {
            key,
            second: asked.second.clone(),
            lookups,
            asked: asked_for,
            found,
            stores,
        }
    }

    /// Where nobody could look on: what lies under keys that we know.
    async fn found(&mut self, cookbook: &Cookbook, target: &str) -> Vec<Place> {
        let mut places = Vec::new();
        // A key without our sign may be a visitor's page.
        for (recipe, key) in cookbook.keys(target, self.probe.sign(target)) {
            for (server, _) in self.probe.held(&key).await {
                places.push(Place {
                    server,
                    key: key.to_string(),
                    recipe: Some(recipe.clone()),
                });
            }
        }
        places
    }
}

async fn mark(watches: &mut [Watch]) {
    for watch in watches {
        // A server that is lost meanwhile has no further windows.
        let _ = watch.mark().await;
    }
}

/// Whether it is a name of what the application keeps beside its pages. Its writer, where it
/// is late, asks for some as often as visitors do for a page.
fn is_beside_pages(key: &str) -> bool {
    const KINDS: [&str; 6] = ["in", "tag", "tagdel", "del", "lk", "rq"];
    let kind = key.split_once(':').map(|(kind, _)| kind);
    kind.is_some_and(|kind| KINDS.contains(&kind)) || key.ends_with('!')
}

fn is_lookup(event: &Event) -> bool {
    matches!(event.kind, Kind::Lookup { .. })
}

fn is_found(event: &Event) -> bool {
    event.kind == Kind::Lookup { found: true }
}

fn count(window: Option<&Window>, key: &str, which: impl Fn(&Event) -> bool) -> usize {
    let events = window.into_iter().flatten();
    events
        .filter(|event| event.key == key && which(event))
        .count()
}

fn is_store(event: &Event) -> bool {
    event.kind == Kind::Store
}

/// Each key of `windows`, and in how many of them it is.
fn keys(windows: &[Window], which: impl Fn(&Event) -> bool) -> Vec<(String, usize)> {
    let mut found: Vec<(String, usize)> = Vec::new();
    for window in windows {
        let in_window: HashSet<&String> = (window.iter())
            .filter(|event| which(event))
            .map(|event| &event.key)
            .collect();
        for key in in_window {
            match found.iter_mut().find(|(other, _)| other == key) {
                Some((_, times)) => *times += 1,
                None => found.push((key.clone(), 1)),
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use djanginxed::PageKey;
    use djanginxed_runtime::tool::{copy_name, delete_name, index_items, lock_name, note_name};

    use super::*;

    #[test]
    fn what_lies_beside_pages_is_told_from_them() {
        let page = PageKey::new("site1", "/a");
        let beside = [copy_name, delete_name, lock_name, note_name].map(|name| name(&page));
        let items = index_items("site1", "a tag", &page);
        assert!(!items.is_empty());
        for name in beside.iter().chain(&items) {
            assert!(is_beside_pages(name), "{name}");
        }
        // Also in a file of one's own.
        for key in [&page.to_string(), "/a?b=c:d", "site1:/a"] {
            assert!(!is_beside_pages(key), "{key}");
        }
    }
}
