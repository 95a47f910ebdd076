//! Targets that nobody has asked for.

use crate::commands::check::facts::SPELLINGS;
use crate::commands::check::recipe::OUR_PARAMETER;
use crate::http::{path_and_query, path_of};

/// Begins otherwise than ours, so that what fits ours does not fit it.
const OTHER_PARAMETER: &str = "X-djanginxed-check";

/// Makes targets that nobody has asked for.
#[derive(Debug)]
pub(super) struct Fresh {
    /// No other check has it.
    mark: String,
    count: u64,
    /// What is spelt otherwise, and where spellings begin; none: a query is added.
    spelled: Option<(Where, u64)>,
}

/// Which characters of a target are percent-encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// Those of the path and of the query's values.
    All,
    /// Those of the query's values.
    Values,
}

impl Fresh {
    /// `unique` is a number that no other check has.
    pub(super) fn new(unique: u128) -> Fresh {
        Fresh {
            mark: format!("{unique:x}"),
            count: 0,
            spelled: None,
        }
    }

    pub(super) fn mark(&self) -> &str {
        &self.mark
    }

    /// From now on no query is added, which a page with `query = […]` does not know:
    /// characters are percent-encoded, which changes nothing of what is asked for. Whether
    /// there are enough of them in `target`; else nothing changes.
    pub(super) fn spell(&mut self, target: &str, place: Where) -> bool {
        let total = spellings(target, place);
        if total < SPELLINGS {
            return false;
        }
        let unique = u128::from_str_radix(&self.mark, 16).unwrap_or_default();
        // The time's low digits are those that differ.
        let begin = u64::try_from(unique % u128::from(total)).unwrap_or_default();
        self.spelled = Some((place, begin));
        true
    }

    /// From now on a query is added.
    pub(super) fn add(&mut self) {
        self.spelled = None;
    }

    /// Whether an earlier check may have left what is made now.
    pub(super) fn may_be_there(&self) -> bool {
        self.spelled.is_some()
    }

    /// `target`, as nobody has asked for it.
    pub(super) fn of(&mut self, target: &str) -> String {
        self.count += 1;
        match self.spelled {
            // The first one is the target as it stands.
            Some((place, begin)) => {
                let others = spellings(target, place).saturating_sub(1).max(1);
                let steps = u128::from(self.count) * u128::from(step(others));
                let number = (u128::from(begin) + steps) % u128::from(others);
                spelling(target, place, 1 + u64::try_from(number).unwrap_or_default())
            }
            None => {
                let joint = if target.contains('?') { '&' } else { '?' };
                format!(
                    "{target}{joint}{OUR_PARAMETER}={}-{}",
                    self.mark, self.count
                )
            }
        }
    }

    /// The same with another parameter than ours; none where a query is not added.
    pub(super) fn renamed(&mut self, target: &str) -> Option<String> {
        if self.spelled.is_some() {
            return None;
        }
        let ours = self.of(target);
        let (before, after) = ours.rsplit_once(OUR_PARAMETER)?;
        Some(format!("{before}{OTHER_PARAMETER}{after}"))
    }

    /// How many there are to choose from, of `most`.
    pub(super) fn some(&self, target: &str, most: u64) -> u64 {
        match self.spelled {
            Some((place, _)) => most.min(spellings(target, place) / 4),
            None => most,
        }
    }

    /// What all that is made of one of these targets has, and no visitor's.
    pub(super) fn sign<'a>(&'a self, target: &'a str) -> &'a str {
        match self.spelled {
            Some((Where::All, _)) => path_of(target),
            Some((Where::Values, _)) => path_and_query(target).1,
            None => &self.mark,
        }
    }
}

/// How far apart two that follow each other are: none comes twice in `count`, and what an
/// earlier check has left is spread over all.
fn step(count: u64) -> u64 {
    let mut step = count / 8 * 5 + 1;
    while common_divisor(step, count) != 1 {
        step += 1;
    }
    step
}

fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The ways to write a character that means the same percent-encoded.
fn forms(character: char) -> Vec<String> {
    let plain = character.to_string();
    let upper = format!("%{:02X}", u32::from(character));
    let lower = upper.to_ascii_lowercase();
    let mut forms = vec![plain, upper, lower];
    forms.dedup();
    forms
}

/// Each character of `target`, and whether it may be percent-encoded: letters, digits and
/// what else means the same then (RFC 3986, section 2.3), but for dots, by which paths are
/// shortened. The names of parameters are compared as they stand.
fn characters(target: &str, place: Where) -> Vec<(char, bool)> {
    let (mut in_query, mut in_name, mut encoded) = (false, false, 0u8);
    let character = |character: char| {
        let same = character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '~');
        let is_there = place == Where::All || in_query;
        let free = encoded == 0 && !in_name && is_there && same;
        encoded = if character == '%' {
            2
        } else {
            encoded.saturating_sub(1)
        };
        match character {
            '?' if !in_query => (in_query, in_name) = (true, true),
            '&' => in_name = in_query,
            '=' => in_name = false,
            _ => {}
        }
        (character, free)
    };
    target.chars().map(character).collect()
}

/// How many ways there are to write `target`.
pub(super) fn spellings(target: &str, place: Where) -> u64 {
    let free = characters(target, place)
        .into_iter()
        .filter(|(_, free)| *free);
    free.fold(1, |total: u64, (character, _)| {
        total.saturating_mul(forms(character).len() as u64)
    })
}

/// One of these ways; the first is the target as it stands.
fn spelling(target: &str, place: Where, mut number: u64) -> String {
    let spell = |(character, free): (char, bool)| {
        if !free {
            return character.to_string();
        }
        let mut forms = forms(character);
        let count = forms.len() as u64;
        let chosen = usize::try_from(number % count).unwrap_or_default();
        number /= count;
        forms.swap_remove(chosen)
    };
    characters(target, place).into_iter().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_spelling_is_another_and_names_of_parameters_stay() {
        let target = "/a/%41j?page=2&q=";
        // Of "j" there are three: hexadecimal digits have letters in two cases.
        assert_eq!(spellings(target, Where::All), 2 * 3 * 2);
        let all: HashSet<String> = (0..12)
            .map(|number| spelling(target, Where::All, number))
            .collect();
        assert_eq!(all.len(), 12);
        assert!(all.contains(target) && all.contains("/%61/%41%6a?page=%32&q="));
        assert!(
            all.iter()
                .all(|one| one.contains("?page=") && one.ends_with("&q="))
        );
        assert_eq!(spellings(target, Where::Values), 2);
        assert_eq!(spelling(target, Where::Values, 1), "/a/%41j?page=%32&q=");
        assert_eq!(spellings("/-._~", Where::All), 3 * 3 * 3);
    }

    #[test]
    fn another_parameter_makes_another_target_where_a_query_is_added() {
        let mut fresh = Fresh::new(26);
        let renamed = fresh.renamed("/a?djanginxed-check").unwrap();
        assert_eq!(renamed, "/a?djanginxed-check&X-djanginxed-check=1a-1");
        assert!(fresh.spell("/articles/1", Where::All));
        assert_eq!(fresh.renamed("/articles/1"), None);
        fresh.add();
        assert!(fresh.renamed("/articles/1").is_some());
    }

    #[test]
    fn no_target_is_made_twice_nor_as_it_was_given() {
        for (target, place) in [
            ("/topics/1", Where::All),
            ("/articles/1", Where::All),
            ("/?page=12345678", Where::Values),
        ] {
            let mut fresh = Fresh::new(u128::MAX / 3);
            assert!(!fresh.spell("/", Where::All) && !fresh.spell("/articles/1", Where::Values));
            assert!(fresh.spell(target, place), "{target}");
            let all = spellings(target, place) - 1;
            let made: Vec<String> = (0..all).map(|_| fresh.of(target)).collect();
            let different: HashSet<&String> = made.iter().collect();
            assert_eq!(different.len(), made.len(), "{target}");
            assert!(made.iter().all(|one| one != target));
        }
    }
}
