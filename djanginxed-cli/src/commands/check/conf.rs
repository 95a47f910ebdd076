//! What `nginx -T` prints, as far as it matters here.

mod key;
mod maps;
mod read;
mod rules;
mod site;

use std::path::Path;

use crate::failure::Failure;
use read::Directive;
pub(super) use site::{Site, Upstream, weight};

/// nginx's whole configuration.
#[derive(Debug)]
pub(super) struct Conf {
    directives: Vec<Directive>,
}

impl Conf {
    /// Reads `file`; `-` is standard input.
    pub(super) fn open(file: &Path) -> Result<Conf, Failure> {
        let refuse =
            |problem: String| Failure::Usage(format!("--conf {}: {problem}", file.display()));
        let text = if file == Path::new("-") {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        let text = text.map_err(|error| refuse(error.to_string()))?;
        Conf::parse(&text).map_err(refuse)
    }

    pub(super) fn parse(text: &str) -> Result<Conf, String> {
        let directives = read::files(text)?;
        if directives.is_empty() {
            return Err("it is empty; write what nginx -T prints into it".to_owned());
        }
        Ok(Conf { directives })
    }

    /// All directives of this name, at whatever depth.
    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Directive> {
        read::deep(&self.directives).filter(move |directive| directive.name == name)
    }

    /// The map that gives `variable` its value.
    fn map_to(&self, variable: &str) -> Option<&Directive> {
        let maps = self.named("map");
        maps.filter(|map| map.arg(1) == variable).last()
    }
}
