//! What is wrong with tags.

use djanginxed_rules::{MAX_TAGS, TAG, is_tag, is_tag_template};
use syn::{Error, Expr, Lit, Result};

use crate::list::unwrapped;
use crate::values::literal;

const EXAMPLE: &str = "`tags = [\"articles\", \"article:{id}\"]`";

pub(crate) fn check(value: &Expr) -> Result<()> {
    let tags = match unwrapped(value) {
        Expr::Array(tags) => tags,
        other => {
            return match literal(other) {
                Some(one) => Err(Error::new_spanned(
                    one,
                    format!("tags are a list of strings, such as {EXAMPLE}"),
                )),
                None => Ok(()),
            };
        }
    };
    check_all(tags.elems.iter())
}

/// Checks tags, as far as they can be seen.
pub(crate) fn check_all<'a>(mut tags: impl Iterator<Item = &'a Expr> + Clone) -> Result<()> {
    if let Some(surplus) = tags.clone().nth(MAX_TAGS) {
        return Err(Error::new_spanned(surplus, "a page has at most 1,000 tags"));
    }
    tags.try_for_each(check_one)
}

fn check_one(tag: &Expr) -> Result<()> {
    match literal(tag) {
        None if is_formatted(tag) => Err(Error::new_spanned(
            tag,
            "a tag is a constant, in which `{id}` stands for that segment of the route: write \
             `\"article:{id}\"`; what only the handler knows is for `CachedPage::tag` there, or \
             `PageCache::purge`",
        )),
        None => Ok(()),
        Some(Lit::Str(text)) => match fault(&text.value()) {
            None => Ok(()),
            Some(fault) => Err(Error::new_spanned(text, fault)),
        },
        Some(other) => Err(Error::new_spanned(
            other,
            "a tag is a string, such as `\"article:{id}\"`",
        )),
    }
}

/// Whether it is `format!(…)`.
fn is_formatted(tag: &Expr) -> bool {
    match unwrapped(tag) {
        Expr::Macro(called) => called.mac.path.is_ident("format"),
        Expr::Reference(to) => is_formatted(&to.expr),
        _ => false,
    }
}

fn fault(tag: &str) -> Option<String> {
    if tag.is_empty() {
        return Some(format!("this tag is empty: a tag is {TAG}"));
    }
    if let Some(odd) = tag.chars().find(|c| !c.is_ascii_graphic()) {
        return Some(format!("this tag has {odd:?}: a tag is {TAG}"));
    }
    if !is_tag(tag) {
        return Some(format!("this tag has {} bytes: a tag is {TAG}", tag.len()));
    }
    (!is_tag_template(tag)).then(|| {
        "in a tag, `{name}` stands for a segment of the route: each `{` needs a name and a `}`"
            .to_owned()
    })
}
