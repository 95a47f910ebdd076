//! The markers that this process leaves where it deletes and purges.

use std::collections::BTreeSet;

use super::error::StoreError;
use crate::sync::{Mutex, lock};

/// More that servers have said nothing of are not remembered one by one.
const MAX_OPEN: usize = 4096;

/// Whose markers these are, and of which of them it is known when they were made.
///
/// A marker takes the place of the one before it, of another process perhaps. A process that
/// finds its own knows what came before only where its server has answered by then: else the
/// marker may have been on its way for as long as a server hangs.
#[derive(Debug)]
pub(crate) struct Marks {
    owner: u64,
    sent: Mutex<Sent>,
}

#[derive(Debug, Default)]
struct Sent {
    last: u64,
    /// Not answered, or not yet.
    open: BTreeSet<u64>,
    /// Of the oldest up to this one it is not known.
    forgotten: u64,
}

/// What the markers of one exchange have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Marks {
    pub(crate) fn new(owner: u64) -> Marks {
        Marks {
            owner,
            sent: Mutex::default(),
        }
    }

    /// A mark that no other exchange has had.
    pub(crate) fn begin(&self) -> Mark {
        let mut sent = lock(&self.sent);
        sent.last += 1;
        let mark = sent.last;
        sent.open.insert(mark);
        if sent.open.len() > MAX_OPEN {
            sent.forgotten = sent.open.pop_first().unwrap_or(mark);
        }
        Mark(mark)
    }

    /// The server has answered, and what it has done is noted where renders look.
    pub(crate) fn end(&self, mark: Mark) {
        lock(&self.sent).open.remove(&mark.0);
    }

    /// The same of an exchange that is over, where all of it was answered: a marker that
    /// was not may still come.
    pub(crate) fn end_if_answered<T>(&self, mark: Mark, answers: &[Result<T, StoreError>]) {
        let is_answered = |answer: &Result<T, StoreError>| match answer {
            Ok(_) => true,
            Err(error) => error.is_an_answer(),
        };
        if answers.iter().all(is_answered) {
            self.end(mark);
        }
    }

    pub(crate) fn value(&self, mark: Mark) -> String {
        format!("{:x}.{:x}", self.owner, mark.0)
    }

    /// Whether a marker is this process's own, and its server has answered.
    pub(crate) fn is_ended(&self, value: &[u8]) -> bool {
        let number = || {
            let (owner, mark) = str::from_utf8(value).ok()?.split_once('.')?;
            let is_own = u64::from_str_radix(owner, 16) == Ok(self.owner);
            is_own.then(|| u64::from_str_radix(mark, 16).ok())?
        };
        number().is_some_and(|mark| {
            let sent = lock(&self.sent);
            mark > sent.forgotten && mark <= sent.last && !sent.open.contains(&mark)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_known_when_its_server_has_answered() {
        let marks = Marks::new(7);
        let [first, second] = [marks.begin(), marks.begin()];
        let is_ended = |mark| marks.is_ended(marks.value(mark).as_bytes());
        assert!(!is_ended(first) && !is_ended(second));
        marks.end_if_answered(first, &[Ok(()), Err(StoreError::timed_out("one"))]);
        marks.end_if_answered(second, &[Ok(())]);
        assert!(!is_ended(first) && is_ended(second));
        assert!(!Marks::new(8).is_ended(marks.value(second).as_bytes()));
        for foreign in ["7", "7.3", "7.", ".1", "7.2.2", "x.2", ""] {
            assert!(!marks.is_ended(foreign.as_bytes()), "{foreign}");
        }
    }

    #[test]
    fn of_too_many_without_an_answer_the_oldest_are_not_taken_as_answered() {
        let marks = Marks::new(7);
        let lost: Vec<_> = (0..=MAX_OPEN).map(|_| marks.begin()).collect();
        let known = marks.begin();
        marks.end(known);
        let is_ended = |mark| marks.is_ended(marks.value(mark).as_bytes());
        assert!(lost.into_iter().all(|mark| !is_ended(mark)));
        assert!(is_ended(known));
        assert!(lock(&marks.sent).open.len() <= MAX_OPEN);
    }
}
