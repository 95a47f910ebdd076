//! Requests of the application to itself.

use std::time::SystemTime;

use actix_web::http::header;
use actix_web::http::uri::{PathAndQuery, Uri};
use awc::Client;
use awc::error::PayloadError;
use awc::http::header::HeaderMap;
use futures_core::Stream;

use super::{REFRESH, REFRESHED, Wanted};
use crate::cache::refreshing::LONGEST;
use crate::vary::Rules;

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The new page is stored, or on its way.
    Stored,
    /// The application has answered with what may not be stored.
    NotStored,
    /// It has failed, or somebody else has answered.
    Failed(String),
}

pub(super) struct Caller {
    client: Client,
    base: Uri,
}

impl Caller {
    pub(super) fn new(base: &Uri) -> Caller {
        Caller {
            client: Client::builder()
                .disable_redirects()
                .timeout(LONGEST)
                .finish(),
            base: base.clone(),
        }
    }

    /// Asks for a page; `word` says to the application that it is to be rendered.
    pub(super) async fn ask(&self, wanted: &Wanted, rules: &Rules, word: &str) -> Verdict {
        match self.asked(wanted, rules, word).await {
            Ok(verdict) => verdict,
            Err(failure) => Verdict::Failed(failure),
        }
    }

    async fn asked(&self, wanted: &Wanted, rules: &Rules, word: &str) -> Result<Verdict, String> {
        let uri = self.uri(wanted)?;
        let mut request = self
            .client
            .get(uri)
            .insert_header((header::HOST, &*wanted.host))
            .insert_header((header::USER_AGENT, "djanginxed"))
            .insert_header(("x-forwarded-proto", wanted.scheme.to_string()))
            .insert_header((REFRESH, word));
        for (name, value) in rules.request_fields(&wanted.values, SystemTime::now()) {
            request = request.insert_header((name, value));
        }
        let mut response = request.send().await.map_err(|error| error.to_string())?;
        let verdict = verdict(response.status().as_u16(), response.headers());
        // It is stored when its last byte has been read.
        while let Some(chunk) = next(&mut response).await {
            chunk.map_err(|error| error.to_string())?;
        }
        Ok(verdict)
    }

    fn uri(&self, wanted: &Wanted) -> Result<Uri, String> {
        let target = PathAndQuery::try_from(&*wanted.target).map_err(|error| error.to_string())?;
        let mut parts = self.base.clone().into_parts();
        parts.path_and_query = Some(target);
        Uri::from_parts(parts).map_err(|error| error.to_string())
    }
}

async fn next<S>(stream: &mut S) -> Option<Result<actix_web::web::Bytes, PayloadError>>
where
    S: Stream<Item = Result<actix_web::web::Bytes, PayloadError>> + Unpin,
{
    std::future::poll_fn(|context| std::pin::Pin::new(&mut *stream).poll_next(context)).await
}

fn verdict(status: u16, headers: &HeaderMap) -> Verdict {
    match headers.get(REFRESHED).map(|said| said.as_bytes()) {
        Some(b"stored") => Verdict::Stored,
        Some(_) if status < 500 => Verdict::NotStored,
        Some(_) => Verdict::Failed(format!("the application has answered {status}")),
        None => Verdict::Failed(format!(
            "it was answered {status} by something other than the page's handler in this process"
        )),
    }
}
