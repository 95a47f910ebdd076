//! What is generated.

use std::fmt;

use super::md5::Md5;
use super::micro::Place;
use super::plan::Plan;
use super::{http, locations, server};

/// The script of [`Md5::Njs`], the same for every site.
pub const SCRIPT: &str = include_str!("script.js");

/// The parts of nginx's configuration for one [`Site`](super::Site); each way of
/// using them needs one or two.
#[derive(Clone)]
pub struct Files {
    pub(super) http: String,
    pub(super) locations: String,
    pub(super) servers: String,
    pub(super) full: String,
    pub(super) script: Option<&'static str>,
    has_secret: bool,
}

/// Without the text, which may have a secret.
impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("script", &self.script.is_some())
            .field("has_secret", &self.has_secret)
            .finish_non_exhaustive()
    }
}

impl Files {
    pub(super) fn write(plan: &Plan) -> Files {
        let http = http::write(plan, Place::System);
        let locations = locations::write(plan);
        let servers = server::write(plan, &locations);
        let own = http::write(plan, Place::Own);
        let full = server::full(plan, &format!("{own}\n{servers}"));
        let script = (plan.md5 == Md5::Njs).then_some(SCRIPT);
        Files {
            http,
            locations,
            servers,
            full,
            script,
            has_secret: plan.vary.has_secret(),
        }
    }

    /// Everything for one site, to be included in the `http` block (Debian's
    /// `sites-enabled`, nginx.org's `conf.d`): upstreams, maps and servers.
    #[must_use]
    pub fn site(&self) -> String {
        format!("{}\n{}", self.http, self.servers)
    }

    /// Upstreams, maps and the inner server alone, to be included in the `http` block beside a
    /// server of one's own that includes [`locations`](Files::locations).
    #[must_use]
    pub fn http(&self) -> &str {
        &self.http
    }

    /// The locations alone, to be included in a `server` block of one's own.
    #[must_use]
    pub fn locations(&self) -> &str {
        &self.locations
    }

    /// A whole nginx.conf that needs no privileges, for
    /// `nginx -p DIRECTORY/ -c nginx.conf`; everything nginx writes lies in that directory.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.full
    }

    /// Whether the secret of a [group](crate::Vary::group) stands in the files, which
    /// then are for nginx's user alone to read.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.has_secret
    }

    /// `djanginxed.js`, which lies beside the file that is loaded, where
    /// [`Md5::Njs`](super::Md5::Njs) computes the keys.
    #[must_use]
    pub fn script(&self) -> Option<&'static str> {
        self.script
    }
}
