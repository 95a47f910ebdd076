//! What a handler says of its page while it renders it.

use std::collections::BTreeSet;
use std::time::Duration;

use djanginxed_rules::MAX_TAGS;

use crate::reason::Reason;
use crate::tag::{self, TagFault};

/// What has been said so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    tags: BTreeSet<String>,
    max_age: Option<Duration>,
    skip: Option<String>,
    is_wrong: bool,
}

impl Notes {
    /// Adds a tag. With a wrong one the page is not stored.
    pub(crate) fn tag(&mut self, tag: String) -> Result<(), TagFault> {
        let checked = tag::checked(&tag).and_then(|()| {
            self.tags.insert(tag);
            if self.tags.len() > MAX_TAGS {
                self.tags.pop_last();
                return Err(TagFault::TooMany);
            }
            Ok(())
        });
        checked.inspect_err(|_| self.is_wrong = true)
    }

    /// That a tag is missing.
    pub(crate) fn wrong(&mut self) {
        self.is_wrong = true;
    }

    /// The page lives for `limit` at the most; the shortest counts.
    pub(crate) fn max_age(&mut self, limit: Duration) {
        self.max_age = Some(self.max_age.map_or(limit, |known| known.min(limit)));
    }

    pub(crate) fn skip(&mut self, reason: String) {
        self.skip.get_or_insert(reason);
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(String::as_str)
    }

    /// How long the page may live of `life`, if it may be stored at all.
    pub(crate) fn judge(&self, life: Duration) -> Result<Duration, Reason> {
        if self.is_wrong {
            return Err(Reason::Tag);
        }
        if let Some(reason) = &self.skip {
            tracing::debug!(reason, "the handler wants its page not stored");
            return Err(Reason::Skip);
        }
        match self.max_age {
            Some(limit) if limit < Duration::from_secs(1) => Err(Reason::Expired),
            Some(limit) => Ok(life.min(limit)),
            None => Ok(life),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_handler_shortens_a_life_and_never_prolongs_it() {
        let mut notes = Notes::default();
        assert_eq!(notes.judge(HOUR), Ok(HOUR));
        notes.max_age(HOUR * 2);
        assert_eq!(notes.judge(HOUR), Ok(HOUR));
        notes.max_age(Duration::from_secs(5));
        notes.max_age(Duration::from_secs(9));
        assert_eq!(notes.judge(HOUR), Ok(Duration::from_secs(5)));
        notes.max_age(Duration::from_millis(999));
        assert_eq!(notes.judge(HOUR), Err(Reason::Expired));
    }

    #[test]
    fn a_page_that_is_skipped_or_wrongly_tagged_is_not_stored() {
        let mut notes = Notes::default();
        notes.skip("a draft".into());
        assert_eq!(notes.judge(HOUR), Err(Reason::Skip));
        assert!(notes.tag("two words".into()).is_err());
        assert_eq!(notes.judge(HOUR), Err(Reason::Tag));
    }

    #[test]
    fn a_page_has_a_thousand_tags_at_the_most() {
        let mut notes = Notes::default();
        for number in 0..MAX_TAGS {
            notes.tag(format!("tag:{number}")).unwrap();
        }
        assert_eq!(notes.judge(HOUR), Ok(HOUR));
        notes.tag("tag:7".into()).unwrap();
        assert_eq!(notes.judge(HOUR), Ok(HOUR), "it has that one already");
        assert_eq!(notes.tag("one:more".into()), Err(TagFault::TooMany));
        assert_eq!(notes.judge(HOUR), Err(Reason::Tag));
    }
}
