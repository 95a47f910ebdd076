//! Asks the site, under targets that nobody has asked for before.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use djanginxed::PageKey;
use tokio::time::sleep;

use super::Args;
use super::answer::{By, by};
use crate::cache_args::KeyArgs;
use crate::failure::Failure;
use crate::http::{Client, Request, Response, Url};
use crate::memcached::Servers;

/// Longer than any page takes that a visitor waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The site, and how to ask it.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) url: Url,
    pub(super) servers: Option<Servers>,
    page: KeyArgs,
    pub(super) app: Option<Client>,
    nginx: Client,
    /// No other check has it.
    mark: u128,
    count: u32,
}

/// A target that was asked for twice.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) target: String,
    pub(super) first: Response,
    /// The last answer that was waited for.
    pub(super) second: Response,
}

impl Probe {
    pub(super) fn new(args: &Args, url: Url) -> Result<Probe, Failure> {
        // Checks prefix and servers, and names what is wrong with them.
        args.page.prefix.cache()?;
        let servers = match args.servers.given() {
            false => None,
            true => {
                let placement = args.servers.placement.placement();
                Some(Servers::new(args.servers.list()?, placement))
            }
        };
        let client = |connect| Client::new(url.origin.clone(), connect, PATIENCE);
        let mut app = None;
        if args.app.is_some() {
            app = Some(client(args.app.clone()).without_tls());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(Probe {
            nginx: client(args.connect.clone()),
            app,
            servers,
            page: args.page.clone(),
            mark: now.map_or(0, |now| now.as_nanos()),
            count: 0,
            url,
        })
    }

    /// The page's target with a query that nobody has asked for.
    pub(super) fn fresh(&mut self) -> String {
        let target = self.url.target.clone();
        self.fresh_at(&target)
    }

    pub(super) fn fresh_at(&mut self, target: &str) -> String {
        self.count += 1;
        let joint = if target.contains('?') { '&' } else { '?' };
        format!(
            "{target}{joint}djanginxed-check={:x}-{}",
            self.mark, self.count
        )
    }

    pub(super) async fn ask(&mut self, request: &Request) -> Result<Response, String> {
        self.nginx.send(request).await
    }

    pub(super) async fn get(&mut self, target: &str) -> Result<Response, String> {
        self.ask(&Request::get(target)).await
    }

    /// Asks for `target`, and then until nginx answers it, which is at once
    /// where all is well, for a second at the most.
    pub(super) async fn trial(&mut self, target: String) -> Result<Trial, String> {
        let first = self.get(&target).await?;
        let mut second = self.get(&target).await?;
        for _ in 0..10 {
            if by(&first) != By::Stored || by(&second) == By::Nginx {
                break;
            }
            sleep(Duration::from_millis(100)).await;
            second = self.get(&target).await?;
        }
        Ok(Trial {
            target,
            first,
            second,
        })
    }

    pub(super) fn key(&self, target: &str) -> PageKey {
        self.page.key(target)
    }
}

impl Trial {
    /// Whether nginx answered the second time. A file of one's own may leave
    /// out Cache-Status, which the application always sends.
    pub(super) fn is_hit(&self) -> bool {
        match by(&self.second) {
            By::Nginx => true,
            By::Unknown => by(&self.first) == By::Stored && self.second.status == 200,
            _ => false,
        }
    }
}
