//! One cached handler's settings, checked where they are made.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use djanginxed_rules::{
    MAX_TAGS, MAX_TIMEOUT, are_parameter_names, are_tag_templates, is_key_prefix, is_media_type,
    is_tag_template,
};

use crate::config_error::ConfigError;
use crate::key::KeyRecipe;
use crate::settings::Settings;
use crate::settings::check::check_parameter;
use crate::sync::{Mutex, lock};

/// The settings of one annotated handler, `const`, so that the compiler is the one
/// that refuses a wrong setting; or of one middleware, checked where it is made.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    timeout: u32,
    key_prefix: Option<&'static str>,
    content_type: &'static str,
    /// Where it is not said, the cache's own counts.
    stale: Option<u32>,
    stale_if_error: Option<u32>,
    tags: &'static [&'static str],
    /// The query parameters that the page knows; where it is not said, the cache's own
    /// count.
    query: Option<&'static [&'static str]>,
}

impl Page {
    /// A page that lives for `timeout` seconds, 1 to 315,360,000.
    #[must_use]
    #[track_caller]
    pub const fn new(timeout: u32) -> Page {
        assert!(
            timeout > 0,
            "a page's timeout is at least 1 second; to switch a page's cache off, remove #[cache_page]"
        );
        assert!(
            timeout <= MAX_TIMEOUT,
            "a page's timeout is at most 315360000 seconds (ten years)"
        );
        Page {
            timeout,
            key_prefix: None,
            content_type: "text/html",
            stale: None,
            stale_if_error: None,
            tags: &[],
            query: None,
        }
    }

    /// The page's own key prefix.
    #[must_use]
    #[track_caller]
    pub const fn key_prefix(self, prefix: &'static str) -> Page {
        assert!(
            is_key_prefix(prefix),
            "a key prefix is 1 to 64 of `A-Z a-z 0-9 . _ : -`: it stands unquoted in nginx's file"
        );
        Page {
            key_prefix: Some(prefix),
            ..self
        }
    }

    /// The media type that nginx gives the page.
    #[must_use]
    #[track_caller]
    pub const fn content_type(self, media_type: &'static str) -> Page {
        assert!(
            is_media_type(media_type),
            "a content type is a media type without parameters, such as \"text/html\""
        );
        Page {
            content_type: media_type,
            ..self
        }
    }

    /// For how many seconds after its timeout the page may be given out, while it is
    /// rendered anew.
    #[must_use]
    #[track_caller]
    pub const fn stale(self, seconds: u32) -> Page {
        assert!(
            seconds <= MAX_TIMEOUT,
            "a page is stale for at most 315360000 seconds (ten years)"
        );
        Page {
            stale: Some(seconds),
            ..self
        }
    }

    pub(crate) fn own_stale(&self) -> Option<Duration> {
        let seconds = self.stale?;
        Some(Duration::from_secs(seconds.into()))
    }

    /// For how many seconds after its timeout the page is given out in place of an error.
    #[must_use]
    #[track_caller]
    pub const fn stale_if_error(self, seconds: u32) -> Page {
        assert!(
            seconds <= MAX_TIMEOUT,
            "a page stands in for an error for at most 315360000 seconds (ten years)"
        );
        Page {
            stale_if_error: Some(seconds),
            ..self
        }
    }

    /// The same; where nothing is said, the cache's own.
    pub(crate) fn stands_in(&self, settings: &Settings) -> Duration {
        match self.stale_if_error {
            Some(seconds) => Duration::from_secs(seconds.into()),
            None => settings.stale_if_error,
        }
    }

    /// The page's tags; `{name}` stands for a segment of the route.
    #[must_use]
    #[track_caller]
    pub const fn tags(self, tags: &'static [&'static str]) -> Page {
        assert!(tags.len() <= MAX_TAGS, "a page has at most 1,000 tags");
        assert!(
            are_tag_templates(tags),
            "a tag is 1 to 1,024 visible ASCII characters, in which `{{name}}` stands for a \
             segment of the route"
        );
        Page { tags, ..self }
    }

    /// The names of the query parameters that the page knows.
    #[must_use]
    #[track_caller]
    pub const fn query(self, names: &'static [&'static str]) -> Page {
        assert!(
            are_parameter_names(names),
            "the name of a query parameter is 1 to 64 of `A-Z a-z 0-9 . _ -`"
        );
        Page {
            query: Some(names),
            ..self
        }
    }

    /// Whether the page knows each query parameter of `target`. Names are compared byte
    /// for byte, as nginx compares the ignored ones; an empty one, as in `/a?`, is
    /// another target than `/a`, and so is not known.
    pub(crate) fn knows_query(&self, target: &str, settings: &Settings) -> bool {
        let Some((_, query)) = target.split_once('?') else {
            return true;
        };
        let names = || query.split('&').map(parameter_name);
        match (self.query, &settings.query) {
            (Some(own), _) => names().all(|name| own.contains(&name)),
            (None, Some(known)) => names().all(|name| known.iter().any(|other| other == name)),
            (None, None) => true,
        }
    }

    /// [`key_prefix`](Self::key_prefix) of what only the running program knows.
    #[track_caller]
    pub(crate) fn with_key_prefix(self, prefix: Cow<'static, str>) -> Page {
        if !is_key_prefix(&prefix) {
            panic!("{}", ConfigError::KeyPrefix(prefix.into_owned()));
        }
        self.key_prefix(kept(prefix))
    }

    /// [`content_type`](Self::content_type) of what only the running program knows.
    #[track_caller]
    pub(crate) fn with_content_type(self, media_type: Cow<'static, str>) -> Page {
        assert!(
            is_media_type(&media_type),
            "content type {media_type:?}: use a media type without parameters, such as \
             \"text/html\""
        );
        self.content_type(kept(media_type))
    }

    /// [`tags`](Self::tags) of what only the running program knows.
    #[track_caller]
    pub(crate) fn with_tags(self, tags: Vec<Cow<'static, str>>) -> Page {
        for tag in &tags {
            assert!(
                is_tag_template(tag),
                "tag {tag:?}: use {}, in which {{name}} stands for a segment of the route",
                djanginxed_rules::TAG
            );
        }
        self.tags(kept_list(tags.into_iter().map(kept).collect()))
    }

    /// [`query`](Self::query) of what only the running program knows.
    #[track_caller]
    pub(crate) fn with_query(self, names: Vec<Cow<'static, str>>) -> Page {
        for name in &names {
            if let Err(error) = check_parameter(name) {
                panic!("{error}");
            }
        }
        self.query(kept_list(names.into_iter().map(kept).collect()))
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    /// The key prefix of the page, in a cache with these settings.
    pub(crate) fn prefix<'a>(&self, settings: &'a Settings) -> &'a str {
        self.key_prefix.unwrap_or(&settings.key_prefix)
    }

    /// How the page's keys are made.
    pub(crate) fn recipe<'a>(&self, settings: &'a Settings) -> KeyRecipe<'a> {
        KeyRecipe::of(settings.layout, self.prefix(settings), self.content_type)
            .with_parts(settings.parts)
    }

    pub(crate) fn own_key_prefix(&self) -> Option<&'static str> {
        self.key_prefix
    }

    pub(crate) fn media_type(&self) -> &'static str {
        self.content_type
    }

    pub(crate) fn own_tags(&self) -> &'static [&'static str] {
        self.tags
    }
}

fn parameter_name(parameter: &str) -> &str {
    parameter
        .split_once('=')
        .map_or(parameter, |(name, _)| name)
}

/// A checked setting for as long as the program runs. Each worker makes its own
/// middleware, but a word is kept once: no more of them than settings in the program.
fn kept(word: Cow<'static, str>) -> &'static str {
    static WORDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    match word {
        Cow::Borrowed(word) => word,
        Cow::Owned(word) => {
            let mut words = lock(&WORDS);
            if let Some(known) = words.get(word.as_str()) {
                return known;
            }
            let word: &'static str = word.leak();
            words.insert(word);
            word
        }
    }
}

/// The same for lists of them.
fn kept_list(words: Vec<&'static str>) -> &'static [&'static str] {
    static LISTS: Mutex<BTreeSet<&'static [&'static str]>> = Mutex::new(BTreeSet::new());
    let mut lists = lock(&LISTS);
    if let Some(known) = lists.get(words.as_slice()) {
        return known;
    }
    let list: &'static [&'static str] = words.leak();
    lists.insert(list);
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_of_the_running_program_is_kept_once() {
        let page = |prefix: String| Page::new(1).with_key_prefix(prefix.into());
        let prefixes = [1, 1].map(|n| page(format!("kept{n}")).own_key_prefix());
        let [Some(first), Some(second)] = prefixes else {
            panic!("no prefix: {prefixes:?}");
        };
        assert_eq!(first, "kept1");
        assert!(std::ptr::eq(first, second));
        let tags = || Page::new(1).with_tags(vec!["a".into(), "b:{id}".into()]);
        assert_eq!(tags().own_tags(), ["a", "b:{id}"]);
        assert!(std::ptr::eq(tags().own_tags(), tags().own_tags()));
    }

    #[test]
    fn a_page_knows_the_parameters_that_it_names() {
        let (any, page) = (Settings::default(), Page::new(1));
        let by_default = Settings {
            query: Some(vec!["x".to_owned()]),
            ..Settings::default()
        };
        let named = page.query(&["page", "q"]);
        for known in ["/a", "/a?page=2", "/a?q=x&page=2", "/a?page", "/a?q=b=c?d"] {
            assert!(named.knows_query(known, &any), "{known}");
            assert!(named.knows_query(known, &by_default), "{known}");
        }
        for unknown in [
            "/a?",
            "/a?x=1",
            "/a?page=2&",
            "/a?page=2&x",
            "/a?p%61ge=2",
            "/a?Page=2",
        ] {
            assert!(!named.knows_query(unknown, &any), "{unknown}");
            assert!(!named.knows_query(unknown, &by_default), "{unknown}");
            assert!(page.knows_query(unknown, &any), "{unknown}");
        }
        let none = page.query(&[]);
        assert!(none.knows_query("/a", &any) && !none.knows_query("/a?page=2", &any));
        assert!(page.knows_query("/a?x=1", &by_default));
        assert!(!page.knows_query("/a?page=2", &by_default));
    }
}
