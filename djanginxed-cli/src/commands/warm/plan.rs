//! What is asked for next: pages in their order, and again those that are said to be stored.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::outcome::Outcome;
use crate::http::Url;

/// When a page is asked for again, to see whether it is there. The application says
/// "stored" when its writer has taken the page; what was rendered within three seconds
/// after another process has deleted it is then not kept: the third time is later than
/// that, and the fourth sees what became of it.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(3_000),
    Duration::from_millis(500),
];

/// A page, and as whom it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) url: Url,
    /// The visitor's number.
    pub(super) visitor: usize,
}

/// A page to ask for.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) page: Page,
    /// How often it was asked for before.
    times: usize,
}

/// What to do now.
#[derive(Debug)]
pub(super) enum Next {
    /// Ask for this.
    Ask(Asking),
    /// Nothing before that moment.
    Wait(Instant),
    /// There is nothing left.
    Nothing,
}

/// The pages that are still to be asked for.
#[derive(Debug)]
pub(super) struct Plan {
    urls: std::vec::IntoIter<Url>,
    /// As how many visitors each is asked for, before the next.
    visitors: usize,
    /// The last that was new.
    last: Option<Page>,
    /// By when they are due, and in the order in which they came.
    again: BTreeMap<(Instant, u64), Asking>,
    count: u64,
}

impl Plan {
    pub(super) fn new(urls: Vec<Url>, visitors: usize) -> Plan {
        Plan {
            urls: urls.into_iter(),
            visitors,
            last: None,
            again: BTreeMap::new(),
            count: 0,
        }
    }

    pub(super) fn next(&mut self, now: Instant) -> Next {
        let due = self.again.first_key_value().map(|((due, _), _)| *due);
        if due.is_some_and(|due| due <= now)
            && let Some((_, asking)) = self.again.pop_first()
        {
            return Next::Ask(asking);
        }
        match (self.fresh(), due) {
            (Some(page), _) => Next::Ask(Asking { page, times: 0 }),
            (None, Some(due)) => Next::Wait(due),
            (None, None) => Next::Nothing,
        }
    }

    fn fresh(&mut self) -> Option<Page> {
        let next = match self.last.take() {
            Some(Page { url, visitor }) if visitor + 1 < self.visitors => Page {
                url,
                visitor: visitor + 1,
            },
            _ => Page {
                url: self.urls.next()?,
                visitor: 0,
            },
        };
        self.last = Some(next.clone());
        Some(next)
    }

    /// What has become of a page, unless it is to be asked for again.
    pub(super) fn became(
        &mut self,
        asking: Asking,
        outcome: Outcome,
        now: Instant,
    ) -> Option<(Page, Outcome)> {
        let Asking { page, times } = asking;
        match (outcome, PAUSES.get(times)) {
            (Outcome::Stored | Outcome::Open, Some(pause)) => {
                self.count += 1;
                let times = times + 1;
                self.again
                    .insert((now + *pause, self.count), Asking { page, times });
                None
            }
            (Outcome::AlreadyThere, _) if times > 0 => Some((page, Outcome::Stored)),
            (Outcome::Stored, None) => Some((page, Outcome::Refused("not kept".to_owned()))),
            (outcome, _) => Some((page, outcome)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &str) -> Url {
        Url::parse(&format!("http://a.example{path}")).unwrap()
    }

    fn ask(plan: &mut Plan, now: Instant) -> Asking {
        match plan.next(now) {
            Next::Ask(asking) => asking,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_page_said_to_be_stored_is_asked_for_until_it_is_there() {
        let (mut plan, now) = (Plan::new(vec![url("/a"), url("/b")], 1), Instant::now());
        let first = ask(&mut plan, now);
        assert!(plan.became(first, Outcome::Stored, now).is_none());
        // New pages do not wait for it.
        let other = ask(&mut plan, now);
        let there = plan.became(other, Outcome::AlreadyThere, now).unwrap();
        assert_eq!((there.0.url, there.1), (url("/b"), Outcome::AlreadyThere));
        let Next::Wait(due) = plan.next(now) else {
            panic!("nothing to wait for");
        };
        assert_eq!(due, now + PAUSES[0]);
        let again = ask(&mut plan, due);
        let stored = plan.became(again, Outcome::AlreadyThere, due).unwrap();
        assert_eq!((stored.0.url, stored.1), (url("/a"), Outcome::Stored));
        assert!(matches!(plan.next(due), Next::Nothing));
    }

    #[test]
    fn each_page_is_asked_for_as_each_visitor_before_the_next() {
        let mut plan = Plan::new(vec![url("/a"), url("/b")], 2);
        let mut asked = Vec::new();
        while let Next::Ask(Asking { page, .. }) = plan.next(Instant::now()) {
            asked.push((page.url.target, page.visitor));
        }
        let of = |path: &str, visitor: usize| (path.to_owned(), visitor);
        assert_eq!(asked, [of("/a", 0), of("/a", 1), of("/b", 0), of("/b", 1)]);
    }

    #[test]
    fn a_page_that_is_rendered_each_time_is_not_kept() {
        let (mut plan, mut now) = (Plan::new(vec![url("/a")], 1), Instant::now());
        for pause in PAUSES {
            let asking = ask(&mut plan, now);
            assert!(plan.became(asking, Outcome::Stored, now).is_none());
            now += pause;
        }
        let last = ask(&mut plan, now);
        let refused = plan.became(last, Outcome::Stored, now).unwrap();
        assert_eq!(refused.1, Outcome::Refused("not kept".to_owned()));
    }
}
