//! Cache-Status (RFC 9211).

use super::Response;

/// What one cache on an answer's way says of it: `nginx; hit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) cache: String,
    parameters: Vec<String>,
}

impl Member {
    fn parse(text: &str) -> Member {
        let mut items = text.split(';').map(|item| item.trim().to_owned());
        Member {
            cache: items.next().unwrap_or_default(),
            parameters: items.collect(),
        }
    }

    /// Whether it has `parameter`, `hit` or `fwd=bypass`.
    pub(crate) fn has(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|known| known == parameter)
    }

    /// What its own words are for what has happened (`detail=`).
    pub(crate) fn detail(&self) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        parameters.find_map(|parameter| parameter.strip_prefix("detail="))
    }
}

impl Response {
    /// What the caches on its way say, that of the nearest last.
    pub(crate) fn cache_status(&self) -> Vec<Member> {
        let status = self.header("cache-status");
        let members = status.iter().flat_map(|status| status.split(','));
        members.map(Member::parse).collect()
    }
}
