//! As whom pages are asked for.

use std::time::{Duration, Instant};

use djanginxed::PageCache;

use crate::cache_args::{VaryArgs, Varying};
use crate::failure::Failure;
use crate::output::tell;

/// A crawl may take longer than the signature of a group's member is good for, and pages
/// would be asked for as nobody then.
const RENEWED_AFTER: Duration = Duration::from_secs(60);

/// Who says nothing, and a visitor of each other variant.
#[derive(Debug)]
pub(super) struct Visitors {
    varying: Varying,
    made: Instant,
    all: Vec<Visitor>,
    unsigned: usize,
}

#[derive(Debug)]
struct Visitor {
    /// `~de~mobile`; empty where pages do not vary.
    variant: String,
    fields: Vec<(String, String)>,
}

impl Visitors {
    /// Those of the rules that are given, beside the `headers` that all of them send.
    pub(super) fn new(args: &VaryArgs, headers: &[(String, String)]) -> Result<Visitors, Failure> {
        let varying = args.varying(PageCache::builder())?;
        refuse_double(&varying, headers)?;
        let (all, unsigned) = all(&varying);
        if unsigned > 0 {
            tell(format_args!(
                "{unsigned} variants of groups are not asked for: give DJANGINXED_GROUP_SECRET, or --group-secret-file"
            ));
        }
        Ok(Visitors {
            all,
            made: Instant::now(),
            varying,
            unsigned,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// How many variants have no visitor, since no secret is given to sign for them.
    pub(super) fn unsigned(&self) -> usize {
        self.unsigned
    }

    pub(super) fn variant(&self, number: usize) -> &str {
        &self.all[number].variant
    }

    /// What the request of this visitor says now.
    pub(super) fn fields(&mut self, number: usize, now: Instant) -> &[(String, String)] {
        if now.duration_since(self.made) >= RENEWED_AFTER {
            (self.all, self.unsigned) = all(&self.varying);
            self.made = now;
        }
        &self.all[number].fields
    }
}

/// A field that is sent twice makes another visitor than is said.
fn refuse_double(varying: &Varying, headers: &[(String, String)]) -> Result<(), Failure> {
    let fields: Vec<String> = (varying.rules().into_iter())
        .flat_map(|rule| rule.fields)
        .collect();
    let double = headers.iter().find(|(name, _)| {
        let mut fields = fields.iter();
        fields.any(|field| field.eq_ignore_ascii_case(name))
    });
    match double {
        Some((name, _)) => Err(Failure::Usage(format!(
            "--header {name}: pages vary by it, and --vary asks with each of its values: leave one of both out"
        ))),
        None => Ok(()),
    }
}

/// And how many there cannot be.
fn all(varying: &Varying) -> (Vec<Visitor>, usize) {
    let first = varying.variants().into_iter().take(1);
    let first = first.map(|variant| Visitor {
        variant,
        fields: Vec::new(),
    });
    let made = varying.visitors();
    let others = made.all.into_iter().map(|other| Visitor {
        variant: other.variant,
        fields: other.fields,
    });
    (first.chain(others).collect(), made.unsigned)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        vary: VaryArgs,
    }

    #[test]
    fn a_members_signature_is_renewed_while_pages_are_asked_for() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "0123456789abcdef0123456789abcdef").unwrap();
        let secret = file.path().to_str().unwrap();
        let rules = ["", "--vary", "group:group=member", "--group-secret-file"];
        let line = Line::parse_from(rules.into_iter().chain([secret]));
        let mut visitors = Visitors::new(&line.vary, &[]).unwrap();
        let made = visitors.made;
        assert_eq!(visitors.count(), 2);
        assert_eq!(visitors.fields(0, made), []);
        let first = visitors.fields(1, made).to_vec();
        // Signatures count seconds.
        std::thread::sleep(Duration::from_millis(1_100));
        let before = made + RENEWED_AFTER - Duration::from_millis(1);
        assert_eq!(visitors.fields(1, before), first);
        assert_ne!(visitors.fields(1, made + RENEWED_AFTER), first);
    }
}
