//! Where settings stand in the environment.

use std::env::{self, VarError};

use crate::config_error::ConfigError;

/// Where variables are read: that of the process, except in tests, which cannot
/// change it without racing each other.
pub(crate) type Environment = fn(&str) -> Result<String, VarError>;

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
