//! Caches around each other: a middleware around a handler with the attribute, or
//! around another middleware. The nearest to the handler is the request's.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use actix_web::{HttpMessage, HttpRequest};

use crate::cache::PageCache;
use crate::key::PageKey;
use crate::visit::{Leading, Visit};

/// What a middleware leaves in the request for those that stand nearer to the
/// handler, each of which takes the place of the one before.
pub(super) struct Around {
    pages: PageCache,
    key: PageKey,
    state: RefCell<State>,
}

enum State {
    /// Nothing is rendered for the page, yet or at all.
    Idle,
    /// The page was looked up in vain, and what is inside renders it; others may
    /// wait for that.
    Rendering(Option<Leading>),
    /// Another is nearer.
    Taken,
}

/// What a cache finds where it stands.
pub(super) enum Place {
    /// It goes its way from the start.
    Own,
    /// The same page is being rendered for a cache around this one, which looked it
    /// up: nobody else waits for this render, or those of the leading that it takes
    /// over, for whom a second one under the same key would be a deadlock.
    Rendering(Option<Box<Leading>>),
}

impl Around {
    pub(super) fn leave_in(request: &HttpRequest, visit: &Visit) -> Standing {
        let around = Rc::new(Around {
            pages: visit.pages.clone(),
            key: visit.key,
            state: RefCell::new(State::Idle),
        });
        request.extensions_mut().insert(Rc::clone(&around));
        Standing(around)
    }

    /// Takes the place of the cache around this one, if there is any.
    pub(super) fn taken_from(request: &HttpRequest, visit: &Visit) -> Place {
        let Some(around) = request.extensions_mut().remove::<Rc<Around>>() else {
            return Place::Own;
        };
        let is_same = around.key == visit.key && around.pages.is(&visit.pages);
        match around.state.replace(State::Taken) {
            State::Rendering(leading) if is_same => Place::Rendering(leading.map(Box::new)),
            State::Rendering(Some(leading)) => {
                // What they wait for is never stored under that key.
                leading.conclude(None);
                Place::Own
            }
            _ => Place::Own,
        }
    }

    /// Takes the place of the cache around what no cache is to have.
    pub(super) fn leave(request: &HttpRequest) {
        let around = request.extensions_mut().remove::<Rc<Around>>();
        let state = around.map(|around| around.state.replace(State::Taken));
        if let Some(State::Rendering(Some(leading))) = state {
            leading.conclude(None);
        }
    }

    pub(super) fn is_taken(&self) -> bool {
        matches!(*self.state.borrow(), State::Taken)
    }
}

/// A cache around another for as long as its visitor waits. The request itself may live
/// longer, in a task that the handler has started; nobody is to wait for that.
pub(super) struct Standing(Rc<Around>);

impl Deref for Standing {
    type Target = Around;

    fn deref(&self) -> &Around {
        &self.0
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        drop(self.0.state.replace(State::Taken));
    }
}

/// Lets a nearer cache take over whom others wait for.
pub(super) fn lend(around: Option<&Around>, leading: Option<Leading>) -> Option<Leading> {
    match around {
        Some(around) => {
            around.state.replace(State::Rendering(leading));
            None
        }
        None => leading,
    }
}

/// What was lent; `None` where a nearer cache has taken it.
pub(super) fn given_back(
    around: Option<&Around>,
    leading: Option<Leading>,
) -> Option<Option<Leading>> {
    let Some(around) = around else {
        return Some(leading);
    };
    match around.state.replace(State::Taken) {
        State::Rendering(leading) => Some(leading),
        _ => None,
    }
}
