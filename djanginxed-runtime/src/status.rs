//! What Cache-Status says of an answer (RFC 9211).

use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;

use crate::reason::{Bypass, Dropped, Reason};

/// A field's value, checked by the compiler instead of with each response.
macro_rules! constant {
    ($value:literal) => {{
        static VALUE: HeaderValue = HeaderValue::from_static($value);
        Some(VALUE.clone())
    }};
}
pub(crate) use constant;

/// What the cache did for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Answered from a store.
    Hit,
    /// Answered from a store with a page whose time is over, since so many seconds.
    Stale(u64),
    /// Answered from a store in place of an error of this status.
    StandIn(u16),
    /// Rendered, and accepted by the writer, whose server answers as far as is known.
    Stored,
    /// Answered with another request's render.
    Collapsed,
    /// Rendered; the outcome is not known when the head goes out.
    Miss,
    /// Rendered, and not to be stored for this reason.
    Refused(Reason),
    /// Rendered, and not taken by the store for this reason.
    Dropped(Dropped),
    /// Not asked for, for this reason.
    Bypass(Bypass),
}

impl Status {
    /// The field's value; `None` for none.
    pub(crate) fn value(self) -> Option<HeaderValue> {
        match self {
            Status::Hit => constant!("djanginxed; hit"),
            // RFC 9211, section 2.5: what is left of its time is less than nothing.
            Status::Stale(past) => text(format!("djanginxed; hit; ttl=-{past}")),
            Status::StandIn(status) => text(format!(
                "djanginxed; fwd=stale; fwd-status={status}; detail=stale-if-error"
            )),
            Status::Stored => constant!("djanginxed; fwd=uri-miss; stored"),
            Status::Collapsed => constant!("djanginxed; fwd=uri-miss; collapsed"),
            Status::Miss => constant!("djanginxed; fwd=uri-miss"),
            Status::Refused(reason) => detailed("uri-miss", reason.word()),
            Status::Dropped(reason) => detailed("uri-miss", reason.word()),
            Status::Bypass(Bypass::Method) => constant!("djanginxed; fwd=method"),
            Status::Bypass(reason) => detailed("bypass", reason.word()),
        }
    }
}

fn detailed(forwarded: &str, reason: &str) -> Option<HeaderValue> {
    text(format!("djanginxed; fwd={forwarded}; detail={reason}"))
}

fn text(value: String) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from(value)).ok()
}
