//! A rule on the command line and in the environment.

use std::fmt;
use std::str::FromStr;

use super::{Kind, Signature, Vary};
use crate::config_error::ConfigError;

impl Vary {
    /// Without its values: `cookie:currency`.
    pub(super) fn label(&self) -> String {
        match self.kind {
            Kind::Language => "language".to_owned(),
            Kind::Cookie => format!("cookie:{}", self.name),
            Kind::Header => format!("header:{}", self.name),
            Kind::Mobile => "mobile".to_owned(),
            Kind::Group(Signature::Md5) => format!("group:{}", self.name),
            Kind::Group(Signature::Hmac) => format!("group-hmac:{}", self.name),
        }
    }

    /// As it stands in an application: `Vary::language(["en", "de"])`.
    pub(super) fn code(&self) -> String {
        let Vary { name, values, .. } = self;
        match self.kind {
            Kind::Language => format!("Vary::language({values:?})"),
            Kind::Cookie => format!("Vary::cookie({name:?}, {values:?})"),
            Kind::Header => format!("Vary::header({name:?}, {values:?})"),
            Kind::Mobile => "Vary::mobile()".to_owned(),
            Kind::Group(Signature::Md5) => format!("Vary::group({name:?}, {values:?}, secret)"),
            Kind::Group(Signature::Hmac) => {
                format!("Vary::group({name:?}, {values:?}, secret).hmac()")
            }
        }
    }
}

/// As [`FromStr`] reads it; a secret is not shown.
impl fmt::Display for Vary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label())?;
        match self.kind {
            Kind::Mobile => Ok(()),
            _ => write!(f, "={}", self.values.join(",")),
        }
    }
}

/// `language=en,de`, `cookie:currency=eur,usd`, `header:X-Region=eu,us`, `mobile`,
/// `group:group=member,editor` or `group-hmac:group=member,editor`. Names and values are
/// checked where the cache is built.
impl FromStr for Vary {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Vary, ConfigError> {
        let text = text.trim();
        let refused = || ConfigError::Vary {
            rule: text.to_owned(),
            value: String::new(),
            problem: "write language=en,de, cookie:NAME=VALUE,VALUE, header:NAME=VALUE,VALUE, \
                      mobile, group:NAME=VALUE,VALUE or group-hmac:NAME=VALUE,VALUE",
        };
        if text == "mobile" {
            return Ok(Vary::mobile());
        }
        let (label, values) = text.split_once('=').ok_or_else(refused)?;
        let values = values.split(',').map(str::trim);
        match label.trim().split_once(':') {
            None if label.trim() == "language" => Ok(Vary::language(values)),
            Some(("cookie", name)) => Ok(Vary::cookie(name, values)),
            Some(("header", name)) => Ok(Vary::header(name, values)),
            Some(("group", name)) => Ok(Vary::new(Kind::Group(Signature::Md5), name, values)),
            Some(("group-hmac", name)) => Ok(Vary::new(Kind::Group(Signature::Hmac), name, values)),
            _ => Err(refused()),
        }
    }
}
