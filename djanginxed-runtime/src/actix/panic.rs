//! A handler that panics.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::Poll;

/// What a handler has panicked with.
pub(super) struct Panic(Box<dyn Any + Send>);

impl Panic {
    /// Lets it take its course.
    pub(super) fn resume(self) -> ! {
        resume_unwind(self.0)
    }
}

/// What a future gives, unless it panics; then it is not polled again.
pub(super) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Panic> {
    let mut future = pin!(future);
    poll_fn(|context| {
        let poll = || future.as_mut().poll(context);
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(Panic(panic))),
        }
    })
    .await
}
