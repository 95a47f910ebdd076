//! From a site to nginx's files.

use super::error::Error;
use super::files::Files;
use super::locations;
use super::plan::Plan;
use super::site::Site;

impl Site {
    /// Writes nginx's files.
    ///
    /// # Errors
    ///
    /// What is missing, or the first value that nginx's file could not carry.
    pub fn generate(&self) -> Result<Files, Error> {
        let plan = Plan::check(self)?;
        locations::refuse_own(&plan)?;
        Ok(Files::write(&plan))
    }
}
