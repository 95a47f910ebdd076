//! What keys are made of.

use super::Conf;
use super::read::{Directive, deep};

impl Conf {
    /// Every prefix that a key is made of.
    pub(crate) fn prefixes(&self) -> Vec<String> {
        let mut found: Vec<String> = deep(&self.directives).filter_map(prefix_of).collect();
        found.sort();
        found.dedup();
        found
    }

    /// The text under the md5, for a request that says nothing.
    pub(super) fn key(&self, location: &Directive) -> Option<String> {
        let key = hashed(location)?;
        Some(self.with_request_uri(self.with_default_variant(key)))
    }

    /// `key` with the values of what pages vary by, for a request that says nothing.
    fn with_default_variant(&self, mut key: String) -> String {
        for map in self.named("map") {
            let variable = map.arg(1);
            if let Some(value) = self.default_of(variable, 2)
                && let Some((before, after)) = key.split_once(&format!("~{variable}"))
                && !after.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_')
            {
                key = format!("{before}~{value}{after}");
            }
        }
        key
    }

    /// The default of a map to `variable`; of another map where that one names it.
    fn default_of(&self, variable: &str, depth: usize) -> Option<&str> {
        let value = self.map_to(variable)?.first("default")?.arg(0);
        match (value.starts_with('$'), depth) {
            (false, _) => Some(value),
            (true, 0) => None,
            (true, depth) => self.default_of(value, depth - 1),
        }
    }

    /// `key` with `$request_uri` for a variable that is the target but for ignored
    /// parameters, none of which is sent here.
    fn with_request_uri(&self, key: String) -> String {
        let is_target = |inner: &Directive| inner.arg(0) == "$request_uri";
        let maps = self.named("map");
        let maps = maps.filter(|map| map.first("default").is_some_and(is_target));
        match maps.filter_map(|map| key.strip_suffix(map.arg(1))).last() {
            Some(prefix) if !prefix.contains('$') => format!("{prefix}$request_uri"),
            _ => key,
        }
    }
}

/// The text under the md5 as written, in a location or in the block of an `if` there.
pub(super) fn hashed(location: &Directive) -> Option<String> {
    deep(&location.block).filter_map(hashed_by).last()
}

/// The text that a directive has hashed.
fn hashed_by(directive: &Directive) -> Option<String> {
    match (directive.name.as_str(), directive.arg(0)) {
        ("set_md5", "$memcached_key") => Some(directive.arg(1).to_owned()),
        ("set", "$djanginxed_prefix") => Some(format!("{}$request_uri", directive.arg(1))),
        _ => None,
    }
}

fn prefix_of(directive: &Directive) -> Option<String> {
    let hashed = hashed_by(directive)?;
    hashed.split_once('$').map(|(prefix, _)| prefix.to_owned())
}
