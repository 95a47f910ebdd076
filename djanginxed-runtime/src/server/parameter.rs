//! The parameters of nginx's `server` directive.

use std::fmt;

/// Those that say when nginx leaves a server alone that does not answer. They
/// stand in the generated file; the application has its own breaker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    max_fails: Option<u32>,
    /// In seconds.
    fail_timeout: Option<u32>,
}

impl Parameters {
    pub(super) fn set(&mut self, word: &str) -> Result<(), &'static str> {
        match word.split_once('=') {
            Some(("max_fails", value)) => {
                self.max_fails = Some(number(value).ok_or("its max_fails is not a number")?);
            }
            Some(("fail_timeout", value)) => {
                let time =
                    seconds(value).ok_or("its fail_timeout is not a time such as 5s or 1m")?;
                self.fail_timeout = Some(time);
            }
            _ => return Err(refusal(name(word))),
        }
        Ok(())
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fails) = self.max_fails {
            write!(f, " max_fails={fails}")?;
        }
        if let Some(seconds) = self.fail_timeout {
            write!(f, " fail_timeout={seconds}s")?;
        }
        Ok(())
    }
}

pub(super) fn name(word: &str) -> &str {
    word.split('=').next().unwrap_or(word)
}

/// Decimal digits only: `parse` alone would take a sign.
pub(super) fn number(value: &str) -> Option<u32> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|_| digits)
}

fn seconds(value: &str) -> Option<u32> {
    let (count, unit) = match value.as_bytes().last()? {
        b's' => (&value[..value.len() - 1], 1),
        b'm' => (&value[..value.len() - 1], 60),
        b'h' => (&value[..value.len() - 1], 3_600),
        _ => (value, 1),
    };
    number(count)?.checked_mul(unit)
}

fn refusal(name: &str) -> &'static str {
    match name {
        "backup" => "nginx has no \"backup\" beside hash; leave the server out",
        "down" => "with \"down\" nginx looks for its pages elsewhere; leave the server out",
        "resolve" | "service" => {
            "nginx would follow a name's addresses as they change; list each address as an entry"
        }
        "max_conns" => {
            "with max_conns a busy nginx looks for its pages on another server, where they are not"
        }
        "slow_start" => "nginx has no slow_start beside hash",
        _ => "it has a parameter other than weight=, max_fails= and fail_timeout=",
    }
}
