//! Where settings stand in the environment.

use std::env::{self, VarError};
use std::ffi::OsString;

use crate::config_error::ConfigError;

/// Where variables are read: that of the process, except in tests, which cannot
/// change it without racing each other.
pub(crate) type Environment = fn(&str) -> Result<String, VarError>;

/// All that are settings.
const NAMES: [&str; 13] = [
    "DJANGINXED_BYPASS_COOKIES",
    "DJANGINXED_BYPASS_HEADERS",
    "DJANGINXED_ENABLED",
    "DJANGINXED_GROUP_SECRET",
    "DJANGINXED_GZIP",
    "DJANGINXED_HIT_FEED",
    "DJANGINXED_HOSTS",
    "DJANGINXED_KEY_PREFIX",
    "DJANGINXED_LAYOUT",
    "DJANGINXED_PARTS",
    "DJANGINXED_REFRESH_THROUGH",
    "DJANGINXED_SERVERS",
    "DJANGINXED_VARY",
];

/// What looks like a setting and is none: a name that is misspelt, whose setting is not made.
pub(crate) fn unknown(names: impl Iterator<Item = OsString>) -> Vec<String> {
    let names = names.filter_map(|name| name.into_string().ok());
    let is_unknown =
        |name: &String| name.starts_with("DJANGINXED_") && !NAMES.contains(&name.as_str());
    names.filter(is_unknown).collect()
}

pub(crate) fn process(name: &str) -> Result<String, VarError> {
    env::var(name)
}

/// An environment variable that is set to something.
pub(crate) fn variable(
    name: &'static str,
    environment: Environment,
) -> Result<Option<String>, ConfigError> {
    match environment(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.trim().is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(value)) => Err(ConfigError::Environment {
            name,
            value: value.to_string_lossy().into_owned(),
            problem: "it is not UTF-8",
        }),
    }
}

/// A variable that is yes or no, where it is set.
pub(crate) fn switch(
    name: &'static str,
    environment: Environment,
) -> Result<Option<bool>, ConfigError> {
    let Some(value) = variable(name, environment)? else {
        return Ok(None);
    };
    match djanginxed_rules::switch(&value) {
        Some(on) => Ok(Some(on)),
        None => Err(ConfigError::Environment {
            name,
            value,
            problem: "write 1 or 0",
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_misspelt_name_is_told() {
        let names = ["PATH", "DJANGINXED_BYPASS_COOKIE", "DJANGINXED_GZIP"];
        let unknown = unknown(names.map(OsString::from).into_iter());
        assert_eq!(unknown, ["DJANGINXED_BYPASS_COOKIE"]);
    }

    #[test]
    fn all_that_the_documentation_lists_are_known() {
        let documented = include_str!("../cache/mod.rs").lines();
        let documented = documented.filter_map(|line| line.trim().strip_prefix("/// | `"));
        let documented = documented.filter_map(|line| line.split('`').next());
        let documented: BTreeSet<_> = documented
            .filter(|name| name.starts_with("DJANGINXED_"))
            .collect();
        assert_eq!(documented, BTreeSet::from(NAMES));
    }
}
