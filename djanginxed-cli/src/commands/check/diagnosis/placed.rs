//! Where the application stores and where nginx looks, from all that was seen.

use djanginxed::PageKey;

use crate::commands::check::answer::{By, is_by};
use crate::commands::check::facts::{Facts, Look, Place};
use crate::commands::check::recipe::Recipe;

/// The server on which the application stored each page under the right key.
pub(super) fn application_places(facts: &Facts) -> Vec<(PageKey, usize)> {
    let trials = facts.trials.iter();
    trials
        .filter_map(|trial| trial.held.first().map(|(server, _)| (trial.key, *server)))
        .collect()
}

/// How the application made the keys that it stores under; none where that is
/// not known.
pub(super) fn application_recipe(facts: &Facts) -> Option<Recipe> {
    let mut recipes = facts.stores().filter_map(|place| place.recipe.as_ref());
    recipes.next().cloned()
}

/// No server that was given has been stored on.
pub(super) fn nothing_stored(facts: &Facts) -> bool {
    !in_most(facts, |look| !look.stores.is_empty())
}

/// Whether most looks have it: what only one has may be a visitor's on a busy site, or of
/// an application that has given a slow answer up.
pub(super) fn in_most(facts: &Facts, has: impl Fn(&Look) -> bool) -> bool {
    let all = facts.looks().count();
    facts.looks().filter(|look| has(look)).count() * 2 > all
}

/// Lookups that were not the application's own.
fn by_nginx(look: &Look) -> impl Iterator<Item = &Place> {
    let own = |place: &&Place| {
        !look
            .stores
            .iter()
            .any(|store| store.key == place.key && store.server == place.server)
    };
    look.lookups.iter().filter(own)
}

/// How nginx made a wrong key: `Some(None)` in a way that we do not know.
pub(super) fn nginx_recipe(facts: &Facts) -> Option<Option<Recipe>> {
    let is_wrong = |place: &&Place| place.recipe != Some(Recipe::Exact);
    let mut known = facts
        .looks()
        .flat_map(by_nginx)
        .filter(is_wrong)
        .filter_map(|place| place.recipe.clone());
    if let Some(recipe) = known.next() {
        return Some(Some(recipe));
    }
    let unknown = |look: &Look| by_nginx(look).any(|place| place.recipe.is_none());
    in_most(facts, unknown).then_some(None)
}

/// The server that nginx asked for each right key.
pub(super) fn nginx_places(facts: &Facts) -> Vec<(PageKey, usize)> {
    let mut places = Vec::new();
    for look in facts.looks() {
        let exact = |place: &&Place| place.recipe == Some(Recipe::Exact);
        let asked = by_nginx(look).find(exact).map(|place| place.server);
        let stored = look.stores.iter().find(exact).map(|place| place.server);
        let server = match is_by(&look.second, By::Nginx) {
            true => stored,
            false => asked,
        };
        places.extend(server.map(|server| (look.key, server)));
    }
    places
}
