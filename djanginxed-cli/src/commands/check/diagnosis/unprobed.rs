//! A page that cannot be asked for as nobody has: what to check instead.

use crate::commands::check::facts::{Facts, SPELLINGS, Unprobed};
use crate::commands::check::recipe::OUR_PARAMETER;
use crate::http::path_and_query;

/// A value that can be written in enough ways, whatever the path is.
const VALUE: &str = "12345678";

/// Why the page cannot be checked, and what can.
pub(super) fn unprobed(facts: &Facts, why: Unprobed) -> String {
    let example = example(facts);
    let named = "the page names the query parameters that it knows (query = […]), so it is not asked for under one of this check's, but in other spellings";
    let declared = format!(
        "or name {OUR_PARAMETER} among its parameters (query = […]) for as long as you check"
    );
    match why {
        Unprobed::FewSpellings(count) => format!(
            "this page cannot be checked, and nothing is known to be wrong with it: {named}, of which it has {count} and this check needs {SPELLINGS}. Give a page of it with a longer path, or with a longer value of a parameter that it knows, such as {example}; {declared}"
        ),
        Unprobed::When(count) => format!(
            "this page cannot be checked, and nothing is known to be wrong with it: {named}; its .when(…) takes no other spelling of a path (detail=when), and of its query's values there are {count} where this check needs {SPELLINGS}. Give it a longer value of a parameter that it knows, such as {example}; {declared}"
        ),
        Unprobed::AllStored => format!(
            "{named}; each that was tried is stored already, by earlier checks, or since nginx's key lacks something of the target. Give --servers, which tells and takes away what is stored; or check again when that has expired, or another page"
        ),
    }
}

/// The page's URL with a value that is long enough, of its first parameter where it has one.
fn example(facts: &Facts) -> String {
    let (path, query) = path_and_query(&facts.url.target);
    let first = query.trim_start_matches('?').split('&').next();
    let name = first.and_then(|pair| pair.split('=').next());
    let name = name.filter(|name| !name.is_empty()).unwrap_or("PARAMETER");
    let origin = &facts.url.origin;
    format!(
        "{}://{}{path}?{name}={VALUE}",
        origin.scheme(),
        origin.host_header()
    )
}
