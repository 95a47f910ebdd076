//! What the maps of a generated file say of hosts and of ignored parameters.

use super::Conf;

impl Conf {
    /// The hosts whose pages the site of this name caches; none where all are.
    pub(super) fn cached_hosts(&self, name: &str) -> Option<Vec<String>> {
        let map = self.map_to(&format!("${name}_foreign"))?;
        let entries = map.block.iter().map(|entry| entry.name.as_str());
        Some(
            entries
                .filter(|name| *name != "default")
                .map(host)
                .collect(),
        )
    }

    /// The query parameters that the site of this name ignores, as `--ignore-query` has them.
    pub(super) fn ignored(&self, name: &str) -> Vec<String> {
        let Some(map) = self.map_to(&format!("${name}_ignored")) else {
            return Vec::new();
        };
        let entries = map.block.iter().map(|entry| entry.name.as_str());
        let mut names = entries.filter_map(|entry| {
            let (_, rest) = entry.split_once("(?:.*&)?(?:")?;
            rest.strip_suffix(")[=&]")
        });
        let names = names.next().unwrap_or_default().split('|');
        let names = names.filter(|name| !name.is_empty());
        names
            .map(|name| plain(name).replace("[^=&]*", "*"))
            .collect()
    }
}

/// A host as it was given: long ones stand there as expressions, and the words of maps
/// behind a `\`.
pub(super) fn host(written: &str) -> String {
    let expression = written.strip_prefix("~^");
    match expression.and_then(|text| text.strip_suffix('$')) {
        Some(text) => plain(text),
        None => written.trim_start_matches('\\').to_owned(),
    }
}

/// What was quoted for an expression.
pub(super) fn plain(text: &str) -> String {
    text.replace("\\.", ".")
}

#[cfg(test)]
mod tests {
    use djanginxed::PageCache;
    use djanginxed::nginx::{Md5, Site};

    use crate::commands::check::conf::Conf;
    use crate::http::Url;

    #[test]
    fn hosts_and_ignored_parameters_are_read_from_a_generated_file() {
        let long = format!("{}.example.com", "long-name".repeat(6));
        let hosts = ["a.example.com", "default", &long];
        let ignored = ["utm_*", "a.b", "d*"];
        for (hosts, ignored) in [(&hosts[..], &ignored[..]), (&[], &[])] {
            let pages = PageCache::builder().memcached(["127.0.0.1:11211"]);
            let pages = pages.hosts(hosts).build().unwrap();
            for md5 in [Md5::SetMisc, Md5::Njs] {
                let site = Site::new(&pages).server_name("a.example.com");
                let site = site.app("127.0.0.1:8080").md5(md5).server_name(&long);
                let site = site.stale_if_error(true).name("one");
                let site = ignored
                    .iter()
                    .fold(site, |site, name| site.ignore_query(*name));
                let conf = Conf::parse(&site.generate().unwrap().site()).unwrap();
                let url = Url::parse("http://a.example.com/a").unwrap();
                let found = conf.site(&url).unwrap();
                let has_hosts = (!hosts.is_empty()).then(|| hosts.to_vec());
                assert_eq!(
                    found.cached_hosts,
                    has_hosts.map(|all| all.iter().map(|host| (*host).to_owned()).collect())
                );
                assert_eq!(found.ignored, ignored);
                assert_eq!(found.names, ["a.example.com", &long]);
            }
        }
    }
}
