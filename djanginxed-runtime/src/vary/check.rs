//! What may be declared.

use djanginxed_rules::{is_cookie_name, is_variant_value};

use super::{Kind, Languages, OF_ENVIRONMENT, Rule, Rules, Seal, Test, Vary};
use crate::config_error::ConfigError;
use crate::nginx::{FORWARDING_HEADERS, NOT_PASSED};
use crate::settings::check::header_name;

/// How many variants a page may have.
const MAX_VARIANTS: usize = 64;

/// Rules with one value make no further variant.
const MAX_RULES: usize = 8;

/// A cookie's name of more characters makes no expression that nginx reads.
const MAX_NAME: usize = 128;

/// All languages, or groups, stand in one expression, of which nginx reads 4,095 characters.
const MAX_EXPRESSION: usize = 3_000;

/// A longer one does not fit into nginx's hash of the headers that it sets.
const MAX_HEADER: usize = 40;

/// What no rule can be made of, beside the fields that nginx's file sets or clears.
const NOT_PASSED_ON: [&str; 3] = ["accept-encoding", "cookie", "date"];

impl Rules {
    pub(crate) fn check(declared: &[Vary]) -> Result<Rules, ConfigError> {
        let mut rules: Vec<Rule> = Vec::new();
        let mut variants = 1_usize;
        let is_mixed = declared.iter().any(|vary| vary.is_of_environment);
        for vary in declared {
            // Whose rules there are too many of does not show in the code alone.
            let refused = |problem| vary.refused_among(is_mixed, problem);
            let rule = vary.checked()?;
            let is_group = |rule: &Rule| matches!(rule.test, Test::Group(_));
            if is_group(&rule) && rules.iter().any(is_group) {
                return Err(refused(
                    "there is a group already, and nginx checks one signature a request: make it \
                     one rule with more values",
                ));
            }
            if rules.iter().any(|other| other.name == rule.name) {
                return Err(refused("a rule of this name is there already"));
            }
            variants = variants.saturating_mul(rule.values.len());
            if variants > MAX_VARIANTS {
                return Err(refused(
                    "with it a page has more than 64 variants, each stored and rendered apart: \
                     name fewer values",
                ));
            }
            if rules.len() == MAX_RULES {
                return Err(refused("there are eight rules already"));
            }
            rules.push(rule);
        }
        Ok(Rules(rules))
    }
}

impl Vary {
    fn checked(&self) -> Result<Rule, ConfigError> {
        let test = self.test()?;
        self.check_values()?;
        let nobody = matches!(test, Test::Group(_)).then(String::new);
        Ok(Rule {
            name: self.name.clone(),
            values: nobody.into_iter().chain(self.values.clone()).collect(),
            test,
        })
    }

    fn test(&self) -> Result<Test, ConfigError> {
        match self.kind {
            Kind::Language => {
                let languages = Languages::new(&self.values);
                let ranges = languages.ranges().iter();
                if ranges.map(|(range, _)| range.len() + 1).sum::<usize>() > MAX_EXPRESSION {
                    return Err(self.refused(
                        "",
                        "its languages, with what they begin with, are longer than nginx takes: \
                         write shorter ones",
                    ));
                }
                Ok(Test::Language(languages))
            }
            Kind::Cookie | Kind::Group(_)
                if !is_cookie_name(&self.name) || self.name.len() > MAX_NAME =>
            {
                Err(self.refused(
                    &self.name,
                    "use a cookie name of A-Z a-z 0-9 . _ -, 128 characters at most",
                ))
            }
            Kind::Cookie => Ok(Test::Cookie),
            Kind::Group(signature) => match &self.secret {
                // As nginx's file quotes them.
                Some(_) if self.values.join("|").replace('.', "123").len() > MAX_EXPRESSION => {
                    Err(self.refused("", "its values are longer than nginx takes"))
                }
                Some(secret) if secret.is_good() => Ok(Test::Group(Seal {
                    signature,
                    secret: secret.clone(),
                })),
                Some(_) => Err(self.refused(
                    "",
                    "use a secret of 32 to 256 of A-Z a-z 0-9 + / = _ . -, for example from \
                     `openssl rand -base64 32`",
                )),
                None => Err(self.refused(
                    "",
                    "it has no secret: set DJANGINXED_GROUP_SECRET to the application's",
                )),
            },
            Kind::Header => {
                let refused = || {
                    self.refused(
                        &self.name,
                        "use a header name of A-Z a-z 0-9 -, 40 characters at most",
                    )
                };
                if self.name.len() > MAX_HEADER {
                    return Err(refused());
                }
                let name = header_name(&self.name).map_err(|_| refused())?;
                let is = |known: &str| known.eq_ignore_ascii_case(name.as_str());
                let mut others = NOT_PASSED_ON
                    .iter()
                    .chain(NOT_PASSED)
                    .chain(FORWARDING_HEADERS);
                if others.any(|known| is(known)) {
                    return Err(self.refused(
                        &self.name,
                        "nginx does not hand this header on as the client has sent it",
                    ));
                }
                Ok(Test::Header(name))
            }
            Kind::Mobile => Ok(Test::Mobile),
        }
    }

    fn check_values(&self) -> Result<(), ConfigError> {
        if self.values.is_empty() {
            return Err(self.refused("", "name its values, the default first"));
        }
        let is_language = self.kind == Kind::Language;
        for (at, value) in self.values.iter().enumerate() {
            if !is_variant_value(value) {
                return Err(self.refused(value, "use 1 to 64 of A-Z a-z 0-9 . _ -"));
            }
            if is_language && (value.contains(['.', '_']) || value.split('-').any(str::is_empty)) {
                return Err(self.refused(
                    value,
                    "write a language as in Accept-Language, for example \"de\" or \"pt-BR\"",
                ));
            }
            let same = |other: &String| match is_language {
                true => other.eq_ignore_ascii_case(value),
                false => other == value,
            };
            if self.values[..at].iter().any(same) {
                return Err(self.refused(value, "it is there twice"));
            }
        }
        Ok(())
    }

    fn refused(&self, value: &str, problem: &'static str) -> ConfigError {
        let whose = if self.is_of_environment {
            OF_ENVIRONMENT
        } else {
            ""
        };
        ConfigError::Vary {
            rule: format!("{}{whose}", self.label()),
            value: value.to_owned(),
            problem,
        }
    }

    /// For what others of the rules have to do with.
    fn refused_among(&self, is_mixed: bool, problem: &'static str) -> ConfigError {
        if self.is_of_environment || !is_mixed {
            return self.refused("", problem);
        }
        ConfigError::Vary {
            rule: format!("{} (DJANGINXED_VARY adds rules, too)", self.label()),
            value: String::new(),
            problem,
        }
    }
}
