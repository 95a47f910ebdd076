//! Query parameters that make no other page.
//!
//! nginx takes them out of the request target before it works out the key and
//! before it asks the application, which so cannot write them into a page that
//! others get. nginx's maps do it with one regular expression, in which a run of
//! ignored parameters follows what is kept, a fixed number of times: it has no
//! way to say "each". A target with more runs goes past the cache, as it is.

use djanginxed_rules::is_parameter_name;

use super::error::{Error, refuse};
use super::text::{Text, quoted};
use super::values::MAX_PARAMETER;

/// How many runs of adjacent ignored parameters nginx takes out of a target.
const RUNS: usize = 12;

/// The names of the query parameters that a site ignores.
///
/// ```
/// use djanginxed_runtime::nginx::{IgnoredQuery, Target};
///
/// # fn main() -> Result<(), djanginxed_runtime::nginx::Error> {
/// let ignored = IgnoredQuery::new(["utm_*", "gclid"])?;
/// let asked = ignored.target_of(b"/a?utm_source=x&page=2&gclid=1");
/// assert_eq!(asked, Target::Without(b"/a?page=2".to_vec()));
/// assert_eq!(ignored.target_of(b"/a?page=2"), Target::Unchanged);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoredQuery {
    names: Vec<String>,
}

/// What nginx makes of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// Nothing in it is ignored.
    Unchanged,
    /// The key is that of this target, and the application is asked for it.
    Without(Vec<u8>),
    /// Ignored parameters stand in more than twelve places, or in a target that does
    /// not begin with `/`: the application is asked for the target as it is,
    /// and its answer is not stored.
    Past,
}

impl IgnoredQuery {
    /// Parameters of these names; a `*` at the end stands for any characters.
    ///
    /// # Errors
    ///
    /// A name that is not 1 to 64 of A-Z a-z 0-9 . _ - and a `*` at the end, or
    /// the first one with which nginx could not read them all.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Result<IgnoredQuery, Error> {
        let mut ignored = IgnoredQuery::default();
        for name in names {
            let name = checked(name.into())?;
            if ignored.names.contains(&name) {
                continue;
            }
            ignored.names.push(name);
            if quoted(&ignored.runs()).len() > MAX_PARAMETER {
                let name = ignored.names.pop().unwrap_or_default();
                return Err(refuse(SETTING, &name, TOO_MANY));
            }
        }
        Ok(ignored)
    }

    /// What nginx makes of `target`, path and query as the client sent them.
    ///
    /// Parameters are separated by `&`, and names are compared byte for byte: a
    /// percent-encoded `utm%5Fsource` is another parameter. What is kept stays as
    /// it is, in its order; a query of which nothing is left loses its `?`.
    #[must_use]
    pub fn target_of(&self, target: &[u8]) -> Target {
        let Some(mark) = target.iter().position(|&byte| byte == b'?') else {
            return Target::Unchanged;
        };
        let (path, query) = (&target[..mark], &target[mark + 1..]);
        let (mut kept, mut runs, mut in_run) = (Vec::new(), 0, false);
        for parameter in query.split(|&byte| byte == b'&') {
            let ignored = self.has(parameter);
            if ignored && !in_run {
                runs += 1;
            }
            in_run = ignored;
            if !ignored {
                kept.push(parameter);
            }
        }
        if runs == 0 {
            return Target::Unchanged;
        }
        if runs > RUNS || !target.starts_with(b"/") {
            return Target::Past;
        }
        let query = kept.join(&b'&');
        Target::Without(match query.is_empty() {
            true => path.to_vec(),
            false => [path, b"?", &query].concat(),
        })
    }

    fn has(&self, parameter: &[u8]) -> bool {
        let end = parameter.iter().position(|&byte| byte == b'=');
        let name = &parameter[..end.unwrap_or(parameter.len())];
        self.names
            .iter()
            .any(|ignored| match ignored.strip_suffix('*') {
                Some(start) => name.starts_with(start.as_bytes()),
                None => name == ignored.as_bytes(),
            })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names, as alternatives of a regular expression.
    fn alternatives(&self) -> String {
        let names: Vec<String> = (self.names.iter())
            .map(|name| name.replace('.', "\\.").replace('*', "[^=&]*"))
            .collect();
        names.join("|")
    }

    /// A target with ignored parameters and a `&` at its end. Group 1 is an ignored
    /// name, 2 a parameter that is kept, 3 one that is not. No step of it is
    /// ever taken back, so that it is linear in the target. Sites share the names of
    /// what is kept, which are read where they are set: the regular expressions
    /// of PCRE have names of 32 characters at most.
    fn runs(&self) -> String {
        let names = self.alternatives();
        let mut pattern = format!(
            "~^(?(DEFINE)((?:{names})(?=[=&]))((?!(?1))[^&]*&)((?1)[^&]*&))\
             (?<{KEPT}1>/[^?]*\\?(?2)*+)(?3)++"
        );
        for run in 2..=RUNS {
            pattern.push_str(&format!("(?<{KEPT}{run}>(?2)*+)(?3)*+"));
        }
        pattern.push_str(&format!("(?<{KEPT}0>(?2)*+)$"));
        pattern
    }

    /// What is kept of such a target.
    fn kept() -> String {
        let parts = (1..=RUNS).chain([0]);
        parts.map(|run| format!("${KEPT}{run}")).collect()
    }

    /// A target that still has ignored parameters, with a `&` at its end.
    fn left(&self) -> String {
        format!("~^[^?]*\\?(?:.*&)?(?:{})[=&]", self.alternatives())
    }

    /// The maps from `$request_uri` to `…_target`, and to `…_ignored` where more
    /// is ignored than they take out.
    pub(super) fn maps(&self, text: &mut Text, site: &str) {
        text.why("Query parameters that make no other page are taken out of the target, up to");
        text.why(&format!(
            "{RUNS} runs of them. Each parameter ends with \"&\" here."
        ));
        let head = format!("map \"$request_uri&\" ${site}_kept");
        text.block(head, |text| {
            text.line("default \"\"");
            let value = IgnoredQuery::kept();
            text.line(format_args!("{} {value}", quoted(&self.runs())));
        });
        text.why(
            "Without the last \"&\"; and a query of which nothing is left, without its \"?\".",
        );
        text.block(format_args!("map ${site}_kept ${site}_target"), |text| {
            text.line("default $request_uri");
            for pattern in ["[^?]*)\\?&?$", ".*)&$"] {
                let pattern = format!("~^(?<{KEPT}1>{pattern}");
                text.line(format_args!("{} ${KEPT}1", quoted(&pattern)));
            }
        });
        text.why("Where some are left, the request goes past the cache.");
        text.block(
            format_args!("map \"${site}_target&\" ${site}_ignored"),
            |text| {
                text.line("default \"\"");
                text.line(format_args!("{} 1", quoted(&self.left())));
            },
        );
    }

    /// The map to `…_asked`, the target that the application is asked for; `past`
    /// is the variable that says that a request goes past the cache.
    pub(super) fn asked_map(text: &mut Text, site: &str, past: &str) {
        text.why("What goes past the cache goes to the application as it was sent.");
        text.block(format_args!("map ${past} ${site}_asked"), |text| {
            text.line("default $request_uri");
            text.line(format_args!("\"\" ${site}_target"));
        });
    }
}

const SETTING: &str = "ignored query parameter";

/// Begins the names of the parts that are kept.
const KEPT: &str = "djanginxed_kept";

const TOO_MANY: &str = "with it, the names of all are longer than nginx takes; \
                        write a common beginning and \"*\" for several";

fn checked(name: String) -> Result<String, Error> {
    if is_parameter_name(name.strip_suffix('*').unwrap_or(&name)) {
        return Ok(name);
    }
    Err(refuse(
        SETTING,
        &name,
        "use 1 to 64 of A-Z a-z 0-9 . _ -, and a \"*\" at the end for all names that begin so",
    ))
}

#[cfg(test)]
mod tests;
