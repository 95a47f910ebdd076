//! Targets that nobody has asked for.

use crate::commands::check::recipe::OUR_PARAMETER;
use crate::http::path_of;

/// Begins otherwise than ours, so that what fits ours does not fit it.
const OTHER_PARAMETER: &str = "X-djanginxed-check";

/// Where what a check leaves behind cannot be taken away, another one may meet it: so
/// many spellings make that unlikely. Else they need only be enough for one check.
const MANY: u64 = 1 << 20;
const ENOUGH: u64 = 200;

/// Makes targets that nobody has asked for.
#[derive(Debug)]
pub(super) struct Fresh {
    /// No other check has it.
    mark: String,
    count: u64,
    /// Where spellings begin; none: a query is added.
    spelled: Option<u64>,
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
    /// letters are percent-encoded, which changes nothing of what is asked for. Whether
    /// there are enough of them in `target`.
    pub(super) fn spell(&mut self, target: &str, is_cleaned: bool) -> bool {
        let total = spellings(target);
        let least = if is_cleaned { ENOUGH } else { MANY };
        if total < least {
            return false;
        }
        let unique = u128::from_str_radix(&self.mark, 16).unwrap_or_default();
        // The time's low digits are those that differ.
        self.spelled = Some(u64::try_from(unique % u128::from(total)).unwrap_or_default());
        true
    }

    /// `target`, as nobody has asked for it.
    pub(super) fn of(&mut self, target: &str) -> String {
        self.count += 1;
        match self.spelled {
            // The first one is the target as it stands.
            Some(begin) => {
                let others = spellings(target).saturating_sub(1).max(1);
                spelling(target, 1 + (begin + self.count) % others)
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
            Some(_) => most.min(spellings(target) / 4),
            None => most,
        }
    }

    /// What all that is made of one of these targets has, and no visitor's.
    pub(super) fn sign<'a>(&'a self, target: &'a str) -> &'a str {
        match self.spelled {
            Some(_) => path_of(target),
            None => &self.mark,
        }
    }
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

/// Each character of `target`, and whether it may be percent-encoded: letters and digits
/// of the path and of the query's values. The names of parameters are compared as they stand.
fn characters(target: &str) -> Vec<(char, bool)> {
    let (mut in_query, mut in_name, mut encoded) = (false, false, 0u8);
    let character = |character: char| {
        let free = encoded == 0 && !in_name && character.is_ascii_alphanumeric();
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
fn spellings(target: &str) -> u64 {
    let free = characters(target).into_iter().filter(|(_, free)| *free);
    free.fold(1, |total: u64, (character, _)| {
        total.saturating_mul(forms(character).len() as u64)
    })
}

/// One of these ways; the first is the target as it stands.
fn spelling(target: &str, mut number: u64) -> String {
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
    characters(target).into_iter().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_spelling_is_another_and_names_of_parameters_stay() {
        let target = "/a/%41j?page=2&q=";
        // Of "j" there are three: hexadecimal digits have letters in two cases.
        assert_eq!(spellings(target), 2 * 3 * 2);
        let all: HashSet<String> = (0..12).map(|number| spelling(target, number)).collect();
        assert_eq!(all.len(), 12);
        assert!(all.contains(target) && all.contains("/%61/%41%6a?page=%32&q="));
        assert!(
            all.iter()
                .all(|one| one.contains("?page=") && one.ends_with("&q="))
        );
    }

    #[test]
    fn another_parameter_makes_another_target_where_a_query_is_added() {
        let mut fresh = Fresh::new(26);
        let renamed = fresh.renamed("/a?djanginxed-check").unwrap();
        assert_eq!(renamed, "/a?djanginxed-check&X-djanginxed-check=1a-1");
        assert!(fresh.spell("/articles/1", true));
        assert_eq!(fresh.renamed("/articles/1"), None);
    }

    #[test]
    fn no_target_is_made_twice_nor_as_it_was_given() {
        let target = "/articles/1";
        let mut fresh = Fresh::new(u128::MAX / 3);
        assert!(!fresh.spell(target, false) && !fresh.spell("/", true));
        assert!(fresh.spell(target, true));
        let made: Vec<String> = (0..ENOUGH).map(|_| fresh.of(target)).collect();
        let different: HashSet<&String> = made.iter().collect();
        assert_eq!(different.len(), made.len());
        assert!(made.iter().all(|one| one != target && !one.contains('?')));
    }
}
