//! What tells a request of this process to itself from all others.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::key::PageKey;
use crate::sync::{Arc, Mutex, lock};
use crate::token::Token;

/// The requests under way, each by a random word of its own, and the page that it is to
/// render. A handler may show the word to its visitors: by then it is worth nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Tickets(Arc<Mutex<HashMap<String, PageKey, RandomState>>>);

/// Good for as long as it lives.
#[derive(Debug)]
pub(super) struct Ticket {
    tickets: Tickets,
    word: String,
}

impl Tickets {
    /// None where the system has no randomness.
    pub(super) fn issue(&self, key: PageKey) -> Option<Ticket> {
        let token = Token::random();
        let word = Some(token.digits()).filter(|word| !word.is_empty())?;
        lock(&self.0).insert(word.to_owned(), key);
        Some(Ticket {
            tickets: self.clone(),
            word: word.to_owned(),
        })
    }

    /// Whether a request with this word is to render the page of `key`.
    pub(super) fn are_for(&self, word: &[u8], key: &PageKey) -> bool {
        let word = str::from_utf8(word).unwrap_or_default();
        lock(&self.0).get(word) == Some(key)
    }
}

impl Ticket {
    pub(super) fn word(&self) -> &str {
        &self.word
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.tickets.0).remove(&self.word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_for_one_page_and_for_one_request() {
        let (tickets, key) = (Tickets::default(), PageKey::new("", "/"));
        let other = PageKey::new("", "/other");
        let ticket = tickets.issue(key).unwrap();
        let word = ticket.word().to_owned();
        assert!(tickets.are_for(word.as_bytes(), &key));
        assert!(!tickets.are_for(word.as_bytes(), &other));
        assert!(!tickets.are_for(b"", &key) && !tickets.are_for(b"\xff", &key));
        drop(ticket);
        assert!(!tickets.are_for(word.as_bytes(), &key));
    }
}
