//! How a page is asked for by a request to oneself.

use crate::host::Scheme;
use crate::vary::Values;

/// A page whose target and host are longer together is not looked after, in bytes.
const MAX: usize = 2048;

/// A page by what may stand in its own links, and by its variant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(super) target: Box<str>,
    pub(super) host: Box<str>,
    pub(super) scheme: Scheme,
    pub(super) values: Values,
}

impl Wanted {
    /// None for what is too long to be kept, or has another scheme than HTTP's.
    pub(crate) fn new(target: &str, host: &str, scheme: &str, values: Values) -> Option<Wanted> {
        let scheme = Scheme::of(scheme.as_bytes())?;
        (target.len() + host.len() <= MAX).then(|| Wanted {
            target: target.into(),
            host: host.into(),
            scheme,
            values,
        })
    }

    /// The bytes that it keeps of a request.
    pub(super) fn len(&self) -> usize {
        self.target.len() + self.host.len()
    }
}
