//! Who shows that nginx and the application tell variants apart.

use std::time::{Duration, SystemTime};

use super::{FOR_ONE_REQUEST, Kind, Rule, Rules, Seal, Secret, Test, Values, Vary};

/// A rule as people write it.
#[derive(Clone, Debug)]
pub struct VariantRule {
    /// For the tool, `language=en,de`.
    pub option: String,
    /// For the application, `Vary::language(["en", "de"])`.
    pub code: String,
    /// The fields of a request that it looks at.
    pub fields: Vec<String>,
}

/// Somebody whose request has values of which one at least is not the first of its rule.
#[derive(Clone, Debug)]
pub struct VariantVisitor {
    /// Those that are not the first, `language=de, currency=usd`.
    pub value: String,
    /// The variant, `~de~desktop`.
    pub variant: String,
    /// What the request says.
    pub fields: Vec<(String, String)>,
    /// The fields that decide: of the rules whose value is not the first.
    pub looks_at: Vec<String>,
    /// Whether it is the member of a group, which a signature says.
    pub is_signed: bool,
}

/// Somebody who says that he is in a group, and is not: nobody is to believe him.
#[derive(Clone, Debug)]
pub struct GroupForger {
    /// `group=member`.
    pub value: String,
    /// What is wrong with his cookie, `with a wrong signature`.
    pub fault: &'static str,
    /// The variant of members, whose pages are not for him.
    pub variant: String,
    /// What the request says, and no other rule looks at.
    pub fields: Vec<(String, String)>,
    /// Whether the group's own secret has signed it.
    pub is_signed: bool,
}

/// What a forger signs with: the cookie is as long as a true one.
const FORGERS_SECRET: &str = "nobody-knows-the-secret-of-others";

/// Whatever the clocks of two machines differ by.
const LONG_AGO: Duration = Duration::from_secs(86_400);

impl Rules {
    /// The rules as people write them.
    pub(crate) fn shown(&self) -> Vec<VariantRule> {
        let shown = |rule: &Rule| {
            let declared = rule.declared();
            VariantRule {
                option: declared.to_string(),
                code: declared.code(),
                fields: rule.fields().into_iter().map(str::to_owned).collect(),
            }
        };
        self.iter().map(shown).collect()
    }

    /// A visitor of each variant but for the first; first those whom one value tells from
    /// who says nothing, then those whom two do, and so on, in the order of their rules.
    pub(crate) fn visitors(&self, now: SystemTime) -> Vec<VariantVisitor> {
        let others = self.all().into_iter().skip(1);
        let mut visitors: Vec<_> = others
            .map(|values| {
                let further = self.further(&values);
                let at: Vec<_> = further
                    .iter()
                    .map(|(rule, _)| self.position(&rule.name))
                    .collect();
                (at, self.visitor(&values, &further, now))
            })
            .collect();
        visitors.sort_by(|(one, _), (other, _)| (one.len(), one).cmp(&(other.len(), other)));
        visitors.into_iter().map(|(_, visitor)| visitor).collect()
    }

    /// The rules whose value is not the first, and that value.
    fn further<'a>(&'a self, values: &'a Values) -> Vec<(&'a Rule, &'a String)> {
        let pairs = self.iter().zip(&values.0);
        let is_further = |(rule, value): &(&Rule, &String)| rule.values.first() != Some(*value);
        pairs.filter(is_further).collect()
    }

    fn visitor(
        &self,
        values: &Values,
        further: &[(&Rule, &String)],
        now: SystemTime,
    ) -> VariantVisitor {
        let said = further.iter().map(|(rule, value)| said(rule, value));
        let mut looks_at: Vec<String> = Vec::new();
        for field in further.iter().flat_map(|(rule, _)| rule.fields()) {
            if !looks_at.iter().any(|known| known == field) {
                looks_at.push(field.to_owned());
            }
        }
        let fields = self.request_fields(values, now).into_iter();
        VariantVisitor {
            value: said.collect::<Vec<_>>().join(", "),
            variant: values.to_string(),
            fields: fields
                .map(|(name, value)| (name.to_string(), value))
                .collect(),
            looks_at,
            is_signed: (further.iter()).any(|(rule, _)| matches!(rule.test, Test::Group(_))),
        }
    }

    /// For each group those who forge its cookie, and those whose time is over.
    pub(crate) fn forgers(&self, now: SystemTime) -> Vec<GroupForger> {
        let of = |(rule, seal): (&Rule, &Seal)| {
            let values = rule.values.iter().skip(1);
            values
                .flat_map(|value| self.forgers_of(rule, seal, value, now))
                .collect::<Vec<_>>()
        };
        self.seals().flat_map(of).collect()
    }

    fn forgers_of(
        &self,
        rule: &Rule,
        seal: &Seal,
        value: &str,
        now: SystemTime,
    ) -> [GroupForger; 3] {
        let first = |other: &Rule| match other.name == rule.name {
            true => value.to_owned(),
            false => other.values.first().cloned().unwrap_or_default(),
        };
        let variant = Values(self.iter().map(first).collect()).to_string();
        let stranger = Seal {
            signature: seal.signature,
            secret: Secret::new(FORGERS_SECRET.to_owned()),
        };
        let forger = |fault, cookie: String, is_signed| GroupForger {
            value: said(rule, value),
            fault,
            variant: variant.clone(),
            fields: vec![("cookie".to_owned(), format!("{}={cookie}", rule.name))],
            is_signed,
        };
        let signed = |seal: &Seal, now| seal.signed(&rule.name, value, FOR_ONE_REQUEST, now);
        let past = now.checked_sub(LONG_AGO).unwrap_or(now);
        [
            forger("with a wrong signature", signed(&stranger, now), false),
            forger("without a signature", value.to_owned(), false),
            forger("whose time is over", signed(seal, past), true),
        ]
    }
}

fn said(rule: &Rule, value: &str) -> String {
    format!("{}={value}", rule.name)
}

impl Rule {
    /// As it was declared, without its secret.
    fn declared(&self) -> Vary {
        let (kind, values) = match &self.test {
            Test::Language(_) => (Kind::Language, &self.values[..]),
            Test::Cookie => (Kind::Cookie, &self.values[..]),
            Test::Header(_) => (Kind::Header, &self.values[..]),
            Test::Mobile => (Kind::Mobile, &self.values[..]),
            // The first is nobody's.
            Test::Group(seal) => (Kind::Group(seal.signature), &self.values[1..]),
        };
        Vary::new(kind, &self.name, values)
    }
}
