//! What the generator refuses, in the words of the command line.

use djanginxed::{ConfigError, nginx};

use super::Args;
use crate::failure::Failure;

/// A refusal of the settings, with the option that they were given by.
pub(super) fn of_settings(args: &Args, error: ConfigError) -> Failure {
    match &error {
        ConfigError::Header { name, .. } => {
            Failure::Usage(format!("{}: {error}", header_option(args, name)))
        }
        _ => error.into(),
    }
}

/// A refusal of the site, with the option that it was given by.
pub(super) fn of_site(args: &Args, error: &nginx::Error) -> Failure {
    Failure::Usage(match error {
        nginx::Error::NoServerName => format!("--server-name: {error}"),
        nginx::Error::NoApplication => format!("--app: {error}"),
        nginx::Error::Twice(location) => format!("{}: {error}", location_option(args, location)),
        nginx::Error::Value { setting, value, .. } => match option(args, setting, value) {
            Some(option) => format!("{option}: {error}"),
            None => error.to_string(),
        },
        other => other.to_string(),
    })
}

fn option(args: &Args, setting: &str, value: &str) -> Option<&'static str> {
    let is = |given: &String| given == value;
    Some(match setting {
        "application" => "--app",
        "listen" => "--listen",
        "inner" => "--inner",
        "public port" => "--public-port",
        "client_max_body_size" => "--client-max-body-size",
        "site name" => "--name",
        "hit sample" => "--hit-sample",
        "micro cache" => "--micro-cache",
        "micro cache path" => "--micro-cache-path",
        "bypass cookie" => "--bypass-cookie",
        "bypass header" => "--bypass-header",
        "header" | "header value" => "--header",
        "ignored query parameter" => "--ignore-query",
        "group-hmac" => "--vary",
        "content type" => "--page",
        "location" => location_option(args, value),
        "key prefix" if args.prefix.prefix == value => "--prefix",
        "key prefix" => "--page",
        _ if args.server_names.iter().any(is) => "--server-name",
        _ if args.hosts.iter().any(is) => "--cached-host",
        _ if args.tls_certificate.as_ref().is_some_and(is) => "--tls-certificate",
        _ if args.tls_key.as_ref().is_some_and(is) => "--tls-key",
        _ if args.script == value => "--script",
        _ if args.modules == value => "--modules",
        _ => return None,
    })
}

/// Pages and what is never cached share their locations.
fn location_option(args: &Args, location: &str) -> &'static str {
    let bare = location.trim_start_matches("= ");
    match args
        .no_cache
        .iter()
        .any(|given| given == location || given == bare)
    {
        true => "--no-cache",
        false => "--page",
    }
}

fn header_option(args: &Args, name: &str) -> &'static str {
    let is = |given: &String| given.eq_ignore_ascii_case(name);
    match args.rules.headers().iter().any(is) {
        true => "--bypass-header",
        false => "--header",
    }
}
