//! Where the application stores and where nginx looks, from all that was seen.

use djanginxed::PageKey;

use crate::commands::check::facts::{Facts, Look, Place};
use crate::commands::check::recipe::Recipe;

fn looks(facts: &Facts) -> impl Iterator<Item = &Look> {
    facts.inspection.iter().flat_map(|found| &found.looks)
}

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
    let stores = looks(facts).flat_map(|look| &look.stores);
    stores.filter_map(|place| place.recipe.clone()).next()
}

/// No server that was given has been stored on.
pub(super) fn nothing_stored(facts: &Facts) -> bool {
    looks(facts).all(|look| look.stores.is_empty())
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
    let lookups: Vec<_> = looks(facts).flat_map(by_nginx).collect();
    let wrong = lookups
        .iter()
        .filter(|place| place.recipe != Some(Recipe::Exact));
    let mut recipes: Vec<_> = wrong.map(|place| place.recipe.clone()).collect();
    // A known recipe says more than an unknown one, which may be a stranger's.
    recipes.sort_by_key(Option::is_none);
    recipes.into_iter().next()
}

/// The server that nginx asked for each right key.
pub(super) fn nginx_places(facts: &Facts) -> Vec<(PageKey, usize)> {
    let mut places = Vec::new();
    for look in looks(facts) {
        let exact = |place: &&Place| place.recipe == Some(Recipe::Exact);
        let asked = by_nginx(look).find(exact).map(|place| place.server);
        let hit = look.is_hit();
        let stored = look.stores.iter().find(exact).map(|place| place.server);
        let server = if hit { stored } else { asked };
        places.extend(server.map(|server| (look.key, server)));
    }
    places
}

impl Look {
    fn is_hit(&self) -> bool {
        use crate::commands::check::answer::{By, by};
        matches!(self.second.as_ref().map(by), Ok(By::Nginx))
    }
}
