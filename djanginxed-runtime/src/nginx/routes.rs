//! Which location has which prefix and content type, and which is never cached.

use std::collections::BTreeSet;

use super::error::Error;
use super::site::Site;
use super::values;
use crate::key::KeyRecipe;
use crate::layout::Layout;
use crate::media::HTML;

/// A `location` of nginx's file.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// What stands after `location`.
    pub(super) matches: String,
    /// `None`: never cached.
    pub(super) page: Option<Page>,
    /// The same number where requests are treated the same: one key, one type.
    pub(super) kind: usize,
}

impl Route {
    fn new(matches: String, page: Option<Page>) -> Route {
        Route {
            matches,
            page,
            kind: 0,
        }
    }

    pub(super) fn is_exact(&self) -> bool {
        self.matches.starts_with('=')
    }

    pub(super) fn path(&self) -> &str {
        self.matches.trim_start_matches("= ")
    }
}

/// What nginx must know of the pages in a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) key_prefix: String,
    pub(super) content_type: String,
}

impl Page {
    pub(super) fn recipe(&self) -> KeyRecipe<'_> {
        KeyRecipe::new(&self.key_prefix, &self.content_type)
    }
}

/// All locations of `site`, in the order in which they are written.
pub(super) fn routes(site: &Site) -> Result<Vec<Route>, Error> {
    let mut routes = Vec::new();
    if !site.pages.iter().any(|(location, ..)| location == "/") {
        let prefix = &site.settings.key_prefix;
        routes.push(page(site, "/", prefix, HTML)?);
    }
    for (location, prefix, content_type) in &site.pages {
        routes.push(page(site, location, prefix, content_type)?);
    }
    for location in &site.never_cached {
        routes.push(Route::new(values::location(location)?, None));
    }
    refuse_twice(&routes)?;
    let extra = without_slash(&routes);
    routes.extend(extra);
    number(&mut routes);
    Ok(routes)
}

fn number(routes: &mut [Route]) {
    for at in 0..routes.len() {
        let same = |route: &Route| route.page == routes[at].page;
        routes[at].kind = routes[..at].iter().position(same).unwrap_or(at);
    }
}

fn page(site: &Site, location: &str, prefix: &str, content_type: &str) -> Result<Route, Error> {
    let content_type = values::media_type(content_type)?;
    let page = Page {
        key_prefix: values::key_prefix(prefix)?,
        content_type: match site.settings.layout {
            Layout::Body => content_type,
            // Each response says its own.
            Layout::Response => HTML.to_owned(),
        },
    };
    Ok(Route::new(values::location(location)?, Some(page)))
}

fn refuse_twice(routes: &[Route]) -> Result<(), Error> {
    for (at, route) in routes.iter().enumerate() {
        if routes[..at]
            .iter()
            .any(|other| other.matches == route.matches)
        {
            return Err(Error::Twice(route.matches.clone()));
        }
    }
    Ok(())
}

/// nginx answers `/feed` with a redirect of its own where a location `/feed/`
/// passes requests on. An exact location for it keeps that decision with the
/// application.
fn without_slash(routes: &[Route]) -> Vec<Route> {
    let pages = routes.iter().filter(|route| route.page.is_some());
    // Of `/feed/` and `= /feed/` once.
    let paths: BTreeSet<&str> = pages
        .filter_map(|route| route.path().strip_suffix('/'))
        .collect();
    (paths.into_iter())
        .filter(|path| !path.is_empty() && !routes.iter().any(|route| route.path() == *path))
        .filter_map(|path| {
            let outer = (routes.iter())
                .filter(|route| path.starts_with(&route.matches))
                .max_by_key(|route| route.matches.len())?;
            Some(Route::new(format!("= {path}"), outer.page.clone()))
        })
        .collect()
}
