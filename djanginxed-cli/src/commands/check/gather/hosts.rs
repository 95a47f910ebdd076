//! Other hosts of the site, where the page's own takes no part.

use std::net::IpAddr;

use super::Gathering;
use crate::commands::check::answer::detail;
use crate::commands::check::facts::OtherHost;

/// As many hosts are asked for.
const MOST: usize = 8;

impl Gathering {
    pub(super) async fn other_hosts(&mut self) {
        let first = self.facts.trial().and_then(|trial| trial.page());
        let reason = first.and_then(detail).unwrap_or_default();
        if reason != "host" && reason != "proxy" {
            return;
        }
        for host in self.hosts_of_the_site() {
            let target = self.probe.fresh().await;
            let answer = self.probe.ask("GET", &target, &[("Host", &host)]).await;
            let target = self.probe.fresh().await;
            let fields = [("Host", host.as_str()), ("X-Forwarded-Host", &host)];
            let direct = self.probe.direct("GET", &target, &fields).await;
            self.facts.other_hosts.push(OtherHost {
                host,
                answer,
                direct,
            });
        }
    }

    /// Those that nginx's file names, and those that sites usually have beside the URL's.
    fn hosts_of_the_site(&self) -> Vec<String> {
        let own = self.facts.url.origin.host.to_ascii_lowercase();
        let site = self.facts.site();
        let named = site.iter().flat_map(|site| site.names.iter().cloned());
        let cached = site
            .iter()
            .flat_map(|site| site.cached_hosts.iter().flatten());
        let mut hosts: Vec<String> = Vec::new();
        for host in cached.cloned().chain(named).chain(usual(&own)) {
            if host != own && !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts.truncate(MOST);
        hosts
    }
}

fn usual(own: &str) -> Vec<String> {
    let bare = own.trim_matches(['[', ']']);
    match own.strip_prefix("www.") {
        Some(rest) => vec![rest.to_owned()],
        None if bare.parse::<IpAddr>().is_ok() => vec!["localhost".to_owned()],
        None if own == "localhost" => vec!["127.0.0.1".to_owned()],
        None => vec![format!("www.{own}")],
    }
}
