//! How else a key may have been made: from another prefix, another target, or
//! other parts of the request.

use djanginxed::PageKey;
use djanginxed_runtime::tool::KeyRecipe;

use crate::http::{decoded, path_and_query, path_of};

/// What a key was made of, besides what it should be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipe {
    /// As it should be: the prefix, and the target as sent.
    Exact,
    /// Another prefix.
    Prefix(String),
    /// The prefix, and the path alone: nginx's `$uri`.
    PathAlone,
    /// Something with the host in it.
    WithHost(&'static str),
    /// Another target, and what makes it of ours.
    Target(String, Rewrite),
    /// The key of a page of that content type.
    OfType(String),
    /// The key where pages may have personal parts, or, where they were said to, of pages
    /// that have none.
    Parts(bool),
    /// Another variant, or pages that vary by other rules; what is in the key of it.
    Vary(String),
}

/// What makes another target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rewrite {
    /// A slash at the end comes or goes, or slashes become one.
    Slashes,
    /// The query is lost.
    QueryLost,
    /// The beginning of the path is cut off.
    Beginning,
    /// Some of the query's parameters are lost.
    ParametersLost,
}

/// What is known about how keys may be made.
#[derive(Clone, Debug)]
pub(super) struct Cookbook {
    pub(super) prefix: String,
    /// The prefix, and the type that was given.
    pub(super) start: String,
    pub(super) host: String,
    pub(super) scheme: &'static str,
    /// Prefixes that nginx's file names.
    pub(super) prefixes: Vec<String>,
    pub(super) content_type: Option<String>,
    /// What else may be in keys of what pages vary by.
    pub(super) variants: Vec<String>,
}

impl Cookbook {
    /// The recipe of `key`, if it is one that we know.
    pub(super) fn recipe_of(&self, key: &str, target: &str) -> Option<Recipe> {
        let mut keys = self.keys(target, "").into_iter();
        keys.find_map(|(recipe, known)| (known.to_string() == key).then_some(recipe))
    }

    /// Every key that we know for `target` and that is made of `mark`, too; the
    /// right one first.
    pub(super) fn keys(&self, target: &str, mark: &str) -> Vec<(Recipe, PageKey)> {
        let mut recipes = self.recipes(target);
        recipes.retain(|(_, (_, target))| target.contains(mark));
        recipes
            .into_iter()
            .map(|(recipe, (start, target))| (recipe, PageKey::new(&start, &target)))
            .collect()
    }

    fn recipes(&self, target: &str) -> Vec<(Recipe, (String, String))> {
        let prefix = || self.start.clone();
        let mut recipes = vec![(Recipe::Exact, (prefix(), target.to_owned()))];
        let found = self.content_type.iter().map(String::as_str);
        for content_type in found.chain(["text/html"]) {
            let typed = KeyRecipe::new(&self.prefix, content_type).start();
            let text = (typed, target.to_owned());
            recipes.push((Recipe::OfType(content_type.to_owned()), text));
        }
        let (start, has_parts) = with_other_mark(&self.start);
        recipes.push((Recipe::Parts(has_parts), (start, target.to_owned())));
        recipes.extend(self.variants.iter().map(|variant| {
            let text = (with_variant(&self.start, variant), target.to_owned());
            (Recipe::Vary(variant.clone()), text)
        }));
        let prefixes = [String::new()].into_iter().chain(self.prefixes.clone());
        recipes.extend(prefixes.map(|other| {
            let text = (other.clone(), target.to_owned());
            if let Some(variant) = other_variant(&self.start, &other) {
                return (Recipe::Vary(variant.to_owned()), text);
            }
            // What nginx's file has may have a type behind it.
            let prefix = other.split('=').next().unwrap_or_default();
            (Recipe::Prefix(prefix.to_owned()), text)
        }));
        let path = path_of(target);
        for path in [path.to_owned(), decoded(path)] {
            recipes.push((Recipe::PathAlone, (prefix(), path.clone())));
            recipes.push((Recipe::PathAlone, (String::new(), path)));
        }
        recipes.extend(self.with_host(target, path));
        for (other, rewrite) in rewritten(target) {
            let text = (prefix(), other.clone());
            recipes.push((Recipe::Target(other, rewrite), text));
        }
        recipes
    }

    fn with_host(&self, target: &str, path: &str) -> Vec<(Recipe, (String, String))> {
        let Cookbook {
            prefix,
            host,
            scheme,
            ..
        } = self;
        let bare = host.split(':').next().unwrap_or(host);
        let mut found = Vec::new();
        for (named, written) in [("$host", bare), ("$http_host", host.as_str())] {
            for rest in [target, path] {
                for before in [prefix.as_str(), ""] {
                    for between in ["", "/", ":", scheme, &format!("{scheme}://")] {
                        let text = (format!("{before}{between}{written}"), rest.to_owned());
                        found.push((Recipe::WithHost(named), text));
                    }
                }
            }
        }
        found
    }
}

/// Of what is hashed before a target: what stands before the variant, it, and the rest.
fn around_variant(start: &str) -> (&str, &str, &str) {
    let end = start.find('=').unwrap_or(start.len());
    let at = start[..end].find('~').unwrap_or(end);
    (&start[..at], &start[at..end], &start[end..])
}

/// What is hashed before a target, with another variant.
pub(super) fn with_variant(start: &str, variant: &str) -> String {
    let (before, _, rest) = around_variant(start);
    format!("{before}{variant}{rest}")
}

/// The variant of `other`, where it is all that differs.
pub(super) fn other_variant<'a>(start: &str, other: &'a str) -> Option<&'a str> {
    let (before, variant, rest) = around_variant(start);
    let (other_before, other, other_rest) = around_variant(other);
    let is_same = (before, rest) == (other_before, other_rest);
    (is_same && other != variant).then_some(other)
}

/// What may be in keys where rules are missing, or in another order, of what `start` has.
pub(super) fn fewer_rules(start: &str) -> Vec<String> {
    let (_, variant, _) = around_variant(start);
    let values: Vec<&str> = variant.split('~').skip(1).collect();
    let one = values.iter().map(|value| format!("~{value}"));
    let turned: String = values
        .iter()
        .rev()
        .map(|value| format!("~{value}"))
        .collect();
    let mut found: Vec<String> = one.chain([String::new(), turned]).collect();
    found.retain(|other| other != variant);
    found
}

/// What is hashed before a target, with the mark of pages that may have parts, or without
/// it where it has one.
pub(super) fn with_other_mark(start: &str) -> (String, bool) {
    let at = start.find(['+', '~', '=']).unwrap_or(start.len());
    let (prefix, rest) = start.split_at(at);
    match rest.strip_prefix('+') {
        Some(rest) => (format!("{prefix}{rest}"), false),
        None => (format!("{prefix}+{rest}"), true),
    }
}

/// Targets that the application may have seen instead.
pub(super) fn rewritten(target: &str) -> Vec<(String, Rewrite)> {
    let (path, query) = path_and_query(target);
    let trimmed = path.trim_end_matches('/');
    let mut variants = vec![
        (format!("{trimmed}{query}"), Rewrite::Slashes),
        (format!("{trimmed}/{query}"), Rewrite::Slashes),
        (format!("{}{query}", single_slashes(path)), Rewrite::Slashes),
        (path.to_owned(), Rewrite::QueryLost),
    ];
    // As a proxy_pass with a path does.
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    for cut in 1..parts.len() {
        let target = format!("/{}{query}", parts[cut..].join("/"));
        variants.push((target, Rewrite::Beginning));
    }
    let fewer = fewer_parameters(path, query).into_iter();
    variants.extend(fewer.map(|target| (target, Rewrite::ParametersLost)));
    variants.retain(|(variant, _)| variant != target);
    variants
}

/// What this check adds to a query.
pub(super) const OUR_PARAMETER: &str = "djanginxed-check";

/// A target without some of its parameters: each of them, where there are few, or one.
fn fewer_parameters(path: &str, query: &str) -> Vec<String> {
    const FEW: usize = 4;
    let all: Vec<&str> = query.trim_start_matches('?').split('&').collect();
    let others = all.iter().filter(|parameter| !is_ours(parameter));
    let others: Vec<&str> = others.copied().filter(|text| !text.is_empty()).collect();
    let sets: Vec<Vec<&str>> = match others.len() {
        0 => Vec::new(),
        count @ 1..=FEW => (1..1_usize << count)
            .map(|bits| {
                let is_in = |at: &usize| bits & (1 << at) != 0;
                (0..count).filter(is_in).map(|at| others[at]).collect()
            })
            .collect(),
        _ => (others.iter().map(|one| vec![*one]))
            .chain([others.clone()])
            .collect(),
    };
    let without = |lost: &Vec<&str>| {
        let kept = all.iter().filter(|parameter| !lost.contains(parameter));
        let kept: Vec<&str> = kept.copied().collect();
        match kept.is_empty() {
            true => path.to_owned(),
            false => format!("{path}?{}", kept.join("&")),
        }
    };
    sets.iter().map(without).collect()
}

fn is_ours(parameter: &str) -> bool {
    parameter.split('=').next() == Some(OUR_PARAMETER)
}

/// The names of the parameters of `target` that `other` lacks.
pub(super) fn lost_parameters(target: &str, other: &str) -> Vec<String> {
    let of = |target: &str| -> Vec<String> {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let names = query.split('&').map(|pair| pair.split('=').next());
        names.flatten().map(str::to_owned).collect()
    };
    let kept = of(other);
    let mut lost = of(target);
    lost.retain(|name| !name.is_empty() && !kept.contains(name));
    lost
}

fn single_slashes(path: &str) -> String {
    let mut single = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !single.ends_with('/') {
            single.push(c);
        }
    }
    single
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_parts_stands_behind_the_prefix() {
        for (without, with) in [
            ("site1", "site1+"),
            ("site1~de", "site1+~de"),
            (
                "site1=application/xhtml+xml",
                "site1+=application/xhtml+xml",
            ),
        ] {
            assert_eq!(with_other_mark(without), (with.to_owned(), true));
            assert_eq!(with_other_mark(with), (without.to_owned(), false));
        }
    }

    fn recipe(prefix: &str, text: &str) -> Option<Recipe> {
        let cookbook = Cookbook {
            prefix: "site1".to_owned(),
            start: "site1".to_owned(),
            host: "www.example.com:81".to_owned(),
            scheme: "http",
            prefixes: vec!["site2".to_owned()],
            content_type: Some("application/json".to_owned()),
            variants: Vec::new(),
        };
        let key = PageKey::new(prefix, text).to_string();
        cookbook.recipe_of(&key, "/a/b?x=1")
    }

    #[test]
    fn a_key_tells_what_it_was_made_of() {
        assert_eq!(recipe("site1", "/a/b?x=1"), Some(Recipe::Exact));
        assert_eq!(recipe("", "/a/b?x=1"), Some(Recipe::Prefix(String::new())));
        assert_eq!(
            recipe("site2", "/a/b?x=1"),
            Some(Recipe::Prefix("site2".into()))
        );
        assert_eq!(recipe("site1", "/a/b"), Some(Recipe::PathAlone));
        let host = Some(Recipe::WithHost("$host"));
        assert_eq!(recipe("site1www.example.com", "/a/b?x=1"), host);
        let port = Some(Recipe::WithHost("$http_host"));
        assert_eq!(recipe("www.example.com:81", "/a/b"), port);
        let cut = Some(Recipe::Target("/b?x=1".into(), Rewrite::Beginning));
        assert_eq!(recipe("site1", "/b?x=1"), cut);
        let typed = Some(Recipe::OfType("application/json".into()));
        assert_eq!(recipe("site1=application/json", "/a/b?x=1"), typed);
        assert_eq!(recipe("site1+", "/a/b?x=1"), Some(Recipe::Parts(true)));
        assert_eq!(recipe("other", "/a/b?x=1"), None);
    }

    #[test]
    fn parameters_that_nginx_takes_out_are_known_and_ours_stays() {
        let found = |target: &str| -> Vec<String> {
            let all = rewritten(target).into_iter();
            let fewer = all.filter(|(_, how)| *how == Rewrite::ParametersLost);
            fewer.map(|(target, _)| target).collect()
        };
        let ours = "djanginxed-check=1-2";
        assert_eq!(
            found(&format!("/a?utm=1&page=2&{ours}")),
            [
                format!("/a?page=2&{ours}"),
                format!("/a?utm=1&{ours}"),
                format!("/a?{ours}")
            ]
        );
        assert_eq!(found("/%61?utm=1"), ["/%61"]);
        assert!(found(&format!("/a?{ours}")).is_empty());
        let many = "/a?b=1&c=1&d=1&e=1&f=1&g=1";
        assert_eq!(found(many).len(), 7);
        let target = format!("/a?utm=1&page=2&gclid&{ours}");
        let lost = lost_parameters(&target, &format!("/a?page=2&{ours}"));
        assert_eq!(lost, ["utm", "gclid"]);
    }

    #[test]
    fn slashes_that_come_and_go_are_known() {
        let variants: Vec<_> = rewritten("//a/?x").into_iter().map(|(v, _)| v).collect();
        assert!(variants.contains(&"//a?x".to_owned()) && variants.contains(&"/a/?x".to_owned()));
    }
}
