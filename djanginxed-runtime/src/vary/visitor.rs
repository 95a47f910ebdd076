//! Who shows that nginx and the application tell variants apart.

use std::time::SystemTime;

use super::{Rule, Rules, Test, Values};

/// Somebody whose request has one value that is not the first of its rule.
#[derive(Clone, Debug)]
pub struct VariantVisitor {
    /// The rule and the value, `language=de`.
    pub value: String,
    /// The variant, `~de~desktop`.
    pub variant: String,
    /// What the request says.
    pub fields: Vec<(String, String)>,
    /// The fields that the rule looks at.
    pub looks_at: Vec<String>,
    /// Whether it is the member of a group, which a signature says.
    pub is_signed: bool,
}

impl Rules {
    /// A visitor for each value of each rule, but for the first ones.
    pub(crate) fn visitors(&self, now: SystemTime) -> Vec<VariantVisitor> {
        let first = |rule: &Rule| rule.values.first().cloned().unwrap_or_default();
        let visitor = |at: usize, rule: &Rule, value: &String| {
            let mut values: Vec<String> = self.iter().map(first).collect();
            values[at].clone_from(value);
            let values = Values(values);
            let fields = self.request_fields(&values, now).into_iter();
            VariantVisitor {
                value: format!("{}={value}", rule.name),
                variant: values.to_string(),
                fields: fields
                    .map(|(name, value)| (name.to_string(), value))
                    .collect(),
                looks_at: rule.fields().into_iter().map(str::to_owned).collect(),
                is_signed: matches!(rule.test, Test::Group(_)),
            }
        };
        let of = |(at, rule): (usize, &Rule)| {
            let others = rule.values.iter().skip(1);
            others
                .map(|value| visitor(at, rule, value))
                .collect::<Vec<_>>()
        };
        self.iter().enumerate().flat_map(of).collect()
    }
}
