//! The application's admin page, by which a page of ours is purged.

use serde::Deserialize;

use crate::commands::check::Args;
use crate::failure::Failure;
use crate::http::{Client, Request, Trust, Url};

/// What is read of it; the rest is for others.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    /// None: an application of an older version.
    pub(super) refreshes: Option<bool>,
    pub(super) pending_purges: Option<u64>,
    pub(super) said: Option<String>,
    pub(super) purged: Option<Pages>,
    token: String,
    #[serde(skip)]
    status: u16,
}

impl Page {
    /// Why nothing was purged, where the application's stores are to blame.
    pub(super) fn failure(&self) -> Option<String> {
        let failures = self.purged.iter().flat_map(|purged| &purged.failures);
        let said = self.said.as_ref().filter(|_| self.status >= 500);
        failures.chain(said).next().cloned()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Pages {
    pub(super) deleted: u64,
    pub(super) replaced: u64,
    pub(super) failures: Vec<String>,
}

/// The admin page of one process.
#[derive(Debug)]
pub(super) struct Admin {
    url: Url,
    client: Client,
    headers: Vec<(String, String)>,
}

impl Admin {
    pub(super) fn new(args: &Args, trust: &Trust) -> Result<Option<Admin>, Failure> {
        let Some(text) = &args.admin else {
            return Ok(None);
        };
        let url = Url::parse(text)?;
        Ok(Some(Admin {
            client: Client::new(url.origin.clone(), None, args.site.patience(), trust),
            url,
            headers: args.admin_headers.clone(),
        }))
    }

    /// Where the process listens.
    pub(super) fn address(&self) -> String {
        self.url.origin.address()
    }

    /// Purges the page of `target`.
    ///
    /// # Errors
    /// A sentence, where what answers is no admin page.
    pub(super) async fn purge(&mut self, target: &str) -> Result<Page, String> {
        let shown = self.ask(self.request("GET")).await?;
        let order = serde_json::json!({"action": "purge", "target": target}).to_string();
        let request = self.request("POST");
        let request = request.header("Content-Type", "application/json");
        let request = request.header("X-Djanginxed-Token", shown.token);
        self.ask(request.body(order)).await
    }

    fn request(&self, method: &'static str) -> Request {
        let request = Request::new(method, &self.url.target).header("Accept", "application/json");
        request.headers(&self.headers)
    }

    async fn ask(&mut self, request: Request) -> Result<Page, String> {
        let answer = self.client.send(&request).await;
        let answer = answer.map_err(|problem| problem.to_string())?;
        // Also where a purge failed, which it says in its own words.
        let page = serde_json::from_slice(&answer.body).map_err(|_| {
            format!(
                "no admin page of djanginxed answers there (status {})",
                answer.status
            )
        })?;
        Ok(Page {
            status: answer.status,
            ..page
        })
    }
}
