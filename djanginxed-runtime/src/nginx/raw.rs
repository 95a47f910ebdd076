//! The route that the application takes a request for.
//!
//! nginx chooses a location by the path decoded and normalised, the application
//! a route by the path as it was sent: for nginx `/feed/../a` is `/a` and
//! `/feed%2Fa` is `/feed/a`; for actix neither is. Where routes have keys of
//! their own, a page would be stored under a key that nginx never asks for. So
//! nginx is given the application's view beside its own.

use super::routes::Route;

/// For each location, a regular expression for the targets that the application
/// takes for it, and what it is compared by; the first that matches counts.
pub(super) fn patterns(routes: &[Route]) -> Vec<(String, usize)> {
    let mut routes: Vec<&Route> = routes.iter().filter(|route| route.matches != "/").collect();
    routes.sort_by_key(|route| (!route.is_exact(), std::cmp::Reverse(route.path().len())));
    routes
        .into_iter()
        .map(|route| (pattern(route), route.kind))
        .collect()
}

fn pattern(route: &Route) -> String {
    let path: String = route.path().chars().map(character).collect();
    // nginx keeps a fragment in $request_uri, though no client should send one.
    let end = if route.is_exact() { "([?#]|$)" } else { "" };
    format!("~^{path}{end}")
}

/// `character`, as it is or percent-encoded: actix decodes all but `%2F`, `%2B`
/// and `%25`.
fn character(character: char) -> String {
    let itself = match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '/' => character.to_string(),
        other => format!("[{other}]"),
    };
    match character {
        '/' | '+' => itself,
        other => {
            let digits: String = format!("{:02X}", u32::from(other))
                .chars()
                .map(hex_digit)
                .collect();
            format!("({itself}|%{digits})")
        }
    }
}

fn hex_digit(digit: char) -> String {
    match digit {
        '0'..='9' => digit.to_string(),
        letter => format!("[{letter}{}]", letter.to_ascii_lowercase()),
    }
}
