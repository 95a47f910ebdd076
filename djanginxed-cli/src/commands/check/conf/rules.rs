//! What pages vary by, read from the maps of a generated file.

use super::Conf;
use super::maps::plain;
use super::read::Directive;

/// Before what an expression has found, in a generated file.
const FOUND: &str = "(?<djanginxed_found>";

impl Conf {
    /// The rules of which a key has the values, as `--vary` has them, the longer languages
    /// first; none where one of them is not written as a generated file has it.
    pub(super) fn rules(&self, key: &str) -> Option<Vec<String>> {
        let parts = key.split('~').skip(1);
        parts.map(|part| self.rule(variable(part)?)).collect()
    }

    fn rule(&self, variable: &str) -> Option<String> {
        let map = self.map_to(variable)?;
        let source = map.arg(0);
        if source == "$secure_link" || source.ends_with("_believed") {
            let kind = match source {
                "$secure_link" => "group",
                _ => "group-hmac",
            };
            return self.group(kind, map.first("1")?.arg(0));
        }
        if source == "$http_sec_ch_ua_mobile" {
            return Some("mobile".to_owned());
        }
        let values = values(map).join(",");
        if let Some(name) = source.strip_prefix("$http_") {
            return Some(format!("header:{}={values}", name.replace('_', "-")));
        }
        let field = self.map_to(source)?;
        match field.arg(0) {
            "$http_accept_language" => Some(format!("language={values}")),
            "$http_cookie" => Some(format!("cookie:{}={values}", cookie(field)?)),
            _ => None,
        }
    }

    /// A group's values stand in one expression.
    fn group(&self, kind: &str, variable: &str) -> Option<String> {
        let map = self.map_to(variable)?;
        let name = cookie(self.map_to(map.arg(0))?)?;
        let (_, found) = expression(map)?.split_once(FOUND)?;
        let values = plain(found.split(')').next()?).replace('|', ",");
        Some(format!("{kind}:{name}={values}"))
    }
}

/// The variable that `text` begins with.
fn variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let is_in = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = name.find(|c: char| !is_in(c)).unwrap_or(name.len());
    Some(&text[..end + 1])
}

/// What a map gives, its default first.
fn values(map: &Directive) -> Vec<&str> {
    let mut values: Vec<&str> = map
        .first("default")
        .map(|first| first.arg(0))
        .into_iter()
        .collect();
    for entry in map.block.iter().filter(|entry| entry.name != "default") {
        if !values.contains(&entry.arg(0)) {
            values.push(entry.arg(0));
        }
    }
    values
}

/// The expression of a map that has one.
fn expression(map: &Directive) -> Option<&str> {
    let mut all = map.block.iter().map(|entry| entry.name.as_str());
    all.find(|name| name.starts_with('~'))
}

/// The name of the cookie that a map looks for.
fn cookie(map: &Directive) -> Option<String> {
    let (_, rest) = expression(map)?.split_once("]*+")?;
    Some(plain(rest.split_once('[')?.0))
}

#[cfg(test)]
mod tests {
    use djanginxed::nginx::{Md5, Site};
    use djanginxed::{PageCache, Vary};

    use crate::commands::check::conf::Conf;
    use crate::http::Url;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn read(rules: &[&str], md5: Md5) -> Vec<String> {
        let site = site(rules, md5);
        let has_group = rules.iter().any(|rule| rule.starts_with("group"));
        assert_eq!(site.secret.as_deref(), has_group.then_some(SECRET));
        site.rules
    }

    fn site(rules: &[&str], md5: Md5) -> crate::commands::check::conf::Site {
        let builder = PageCache::builder()
            .memcached(["127.0.0.1:11211"])
            .key_prefix("site1");
        let pages = rules.iter().fold(builder, |pages, rule| {
            pages.vary(rule.parse::<Vary>().unwrap().with_secret(SECRET))
        });
        let pages = pages.build().unwrap();
        let site = Site::new(&pages).server_name("www.example.com");
        let site = site.app("127.0.0.1:8080").md5(md5).generate().unwrap();
        let conf = Conf::parse(&site.site()).unwrap();
        let url = Url::parse("http://www.example.com/a").unwrap();
        conf.site(&url).unwrap()
    }

    #[test]
    fn rules_are_read_from_a_generated_file() {
        let all = [
            "language=en,de",
            "cookie:a.b=c,d.e",
            "header:x-region=eu,us",
            "mobile",
        ];
        for md5 in [Md5::SetMisc, Md5::Njs] {
            assert!(read(&[], md5).is_empty());
            assert_eq!(read(&all, md5), all);
            let group = ["group:group=member,a.b", "mobile"];
            assert_eq!(read(&group, md5), group);
        }
        let hmac = ["group-hmac:group=member"];
        assert_eq!(read(&hmac, Md5::Njs), hmac);
    }

    #[test]
    fn what_is_not_generated_is_not_guessed() {
        let conf = |maps: &str| {
            let conf = Conf::parse(maps).unwrap();
            conf.rules("site1~$a_vary0$request_uri")
        };
        assert_eq!(conf("map $http_x $b { default c; }"), None);
        assert_eq!(conf("map $uri $a_vary0 { default c; ~d e; }"), None);
    }
}
