//! nginx's language: words, `;`, and blocks.

use std::collections::HashMap;
use std::iter;

/// A directive, and what stands in its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directive {
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
    pub(crate) block: Vec<Directive>,
}

impl Directive {
    /// The directives named `name` in the block.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Directive> {
        self.block.iter().filter(move |inner| inner.name == name)
    }

    pub(crate) fn first(&self, name: &str) -> Option<&Directive> {
        self.block.iter().find(|inner| inner.name == name)
    }

    pub(crate) fn arg(&self, at: usize) -> &str {
        self.args.get(at).map_or("", String::as_str)
    }
}

/// `directives`, and all that stand in their blocks.
pub(super) fn deep<'a>(
    directives: &'a [Directive],
) -> Box<dyn Iterator<Item = &'a Directive> + 'a> {
    let each = |directive: &'a Directive| iter::once(directive).chain(deep(&directive.block));
    Box::new(directives.iter().flat_map(each))
}

/// How `nginx -T` begins each file.
const BEGINS: &str = "# configuration file ";

/// Deeper than any real one: what is worse is refused, not overflowed.
const DEEPEST: usize = 32;

/// Reads what `nginx -T` prints: the first file, with what it includes in place.
/// Text without such lines is one file.
pub(super) fn files(text: &str) -> Result<Vec<Directive>, String> {
    let mut names = Vec::new();
    let mut files: HashMap<String, String> = HashMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(found) = line.strip_prefix(BEGINS) {
            name = found.trim_end_matches(':').to_owned();
            names.push(name.clone());
        } else if name.is_empty() && line.starts_with("nginx: ") {
            // Said before the first file, where both outputs went into one.
            continue;
        }
        let file = files.entry(name.clone()).or_default();
        file.push_str(line);
        file.push('\n');
    }
    let main = names.first().cloned().unwrap_or_default();
    let mut parsed = HashMap::new();
    for (name, text) in &files {
        let directives = parse(text).map_err(|problem| match name.as_str() {
            "" => problem,
            name => format!("{name}: {problem}"),
        })?;
        parsed.insert(name.clone(), directives);
    }
    Ok(included(&parsed, &main, &parsed[&main], 0))
}

fn included(
    files: &HashMap<String, Vec<Directive>>,
    main: &str,
    directives: &[Directive],
    depth: usize,
) -> Vec<Directive> {
    let mut all = Vec::new();
    for directive in directives {
        if directive.name == "include" && depth < DEEPEST {
            let mut names: Vec<_> = files
                .keys()
                .filter(|name| matches(main, directive.arg(0), name))
                .collect();
            names.sort();
            for name in names {
                all.extend(included(files, main, &files[name], depth + 1));
            }
            continue;
        }
        all.push(Directive {
            block: included(files, main, &directive.block, depth),
            ..directive.clone()
        });
    }
    all
}

/// Whether `include pattern` names the file `name`; relative ones lie beside the
/// main file.
fn matches(main: &str, pattern: &str, name: &str) -> bool {
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    let whole = if pattern.starts_with('/') {
        pattern.to_owned()
    } else {
        format!("{folder}/{pattern}")
    };
    let mut rest = name;
    let mut parts = whole.split('*');
    let Some(after) = rest.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    rest = after;
    let mut last = None;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
        last = Some(part);
    }
    rest.is_empty() || last.is_some_and(|last| last.is_empty() || name.ends_with(last))
}

fn parse(text: &str) -> Result<Vec<Directive>, String> {
    let mut open: Vec<Directive> = Vec::new();
    let mut top = Vec::new();
    let mut words: Vec<String> = Vec::new();
    for token in Tokens(text.chars().peekable()) {
        match token? {
            Token::Word(word) => words.push(word),
            Token::End if words.is_empty() => {}
            Token::End => {
                let directive = directive(std::mem::take(&mut words));
                open.last_mut()
                    .map_or(&mut top, |block| &mut block.block)
                    .push(directive);
            }
            Token::Open if open.len() == DEEPEST => {
                return Err("its blocks are too deep".to_owned());
            }
            Token::Open => open.push(directive(std::mem::take(&mut words))),
            Token::Close => {
                let block = open.pop().ok_or("a } too many")?;
                open.last_mut()
                    .map_or(&mut top, |block| &mut block.block)
                    .push(block);
            }
        }
    }
    match open.last() {
        Some(block) => Err(format!("the block of {:?} has no end", block.name)),
        None if words.is_empty() => Ok(top),
        None => Err(format!("{:?} has no \";\"", words.join(" "))),
    }
}

fn directive(words: Vec<String>) -> Directive {
    let mut words = words.into_iter();
    Directive {
        name: words.next().unwrap_or_default(),
        args: words.collect(),
        block: Vec::new(),
    }
}

enum Token {
    Word(String),
    End,
    Open,
    Close,
}

struct Tokens<'a>(std::iter::Peekable<std::str::Chars<'a>>);

impl Iterator for Tokens<'_> {
    type Item = Result<Token, String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.0.peek().copied()? {
                c if c.is_whitespace() => drop(self.0.next()),
                '#' => while self.0.next().is_some_and(|c| c != '\n') {},
                ';' => return self.only(Token::End),
                '{' => return self.only(Token::Open),
                '}' => return self.only(Token::Close),
                quote @ ('"' | '\'') => return Some(self.quoted(quote)),
                _ => return Some(Ok(Token::Word(self.word()))),
            }
        }
    }
}

impl Tokens<'_> {
    fn only(&mut self, token: Token) -> Option<Result<Token, String>> {
        self.0.next();
        Some(Ok(token))
    }

    fn quoted(&mut self, quote: char) -> Result<Token, String> {
        self.0.next();
        let mut word = String::new();
        while let Some(c) = self.0.next() {
            match c {
                '\\' => word.extend(self.0.next()),
                c if c == quote => return Ok(Token::Word(word)),
                c => word.push(c),
            }
        }
        Err("a quotation has no end".to_owned())
    }

    /// A word; `${name}` is part of it.
    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(&c) = self.0.peek() {
            let in_variable = word.ends_with('$') && c == '{';
            if c.is_whitespace() || c == ';' || (c == '{' && !in_variable) {
                break;
            }
            if c == '}' && !word.contains("${") {
                break;
            }
            word.push(c);
            self.0.next();
        }
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_blocks_comments_and_quotations_are_read() {
        let text = "a 1 \"two; {\" # b;\n; c { d ${x}y; }\ne;";
        let read = parse(text).unwrap();
        let names: Vec<_> = read.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names, ["a", "c", "e"]);
        assert_eq!(read[0].args, ["1", "two; {"]);
        assert_eq!(read[1].block[0].args, ["${x}y"]);
    }

    #[test]
    fn included_files_stand_in_place() {
        let text = "# configuration file /etc/nginx/nginx.conf:\nhttp { include sites/*; include /x/b.conf; }\n\
            # configuration file /etc/nginx/sites/one:\nserver { listen 80; }\n\
            # configuration file /x/b.conf:\nserver { listen 81; }\n";
        let read = files(text).unwrap();
        let listens: Vec<_> = read[0].block.iter().map(|s| s.block[0].arg(0)).collect();
        assert_eq!(listens, ["80", "81"]);
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        for text in ["server {", "}", "a", "a \"b"] {
            assert!(files(text).is_err(), "{text}");
        }
        let deep = "a {".repeat(1000);
        assert!(files(&deep).is_err());
    }
}
