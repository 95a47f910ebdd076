//! Lines, blocks and comments in nginx's language.

use std::fmt::Display;

/// A part of a configuration file that is being written.
#[derive(Default)]
pub(super) struct Text {
    out: String,
    depth: usize,
    silent: bool,
}

impl Text {
    /// A directive, without its semicolon.
    pub(super) fn line(&mut self, directive: impl Display) {
        self.raw(format_args!("{directive};"));
    }

    /// Why the next line is there.
    pub(super) fn why(&mut self, comment: &str) {
        if !self.silent {
            self.raw(format_args!("# {comment}"));
        }
    }

    /// Leaves comments out: they stand where the same lines came first.
    pub(super) fn silence(&mut self) {
        self.silent = true;
    }

    pub(super) fn speak(&mut self) {
        self.silent = false;
    }

    pub(super) fn block(&mut self, head: impl Display, body: impl FnOnce(&mut Text)) {
        self.raw(format_args!("{head} {{"));
        self.depth += 1;
        body(self);
        self.depth -= 1;
        self.raw("}");
    }

    pub(super) fn blank(&mut self) {
        self.out.push('\n');
    }

    /// Text of the same kind, one step further in.
    pub(super) fn paste(&mut self, text: &str) {
        for line in text.lines() {
            if line.is_empty() {
                self.blank();
            } else {
                self.raw(line);
            }
        }
    }

    fn raw(&mut self, line: impl Display) {
        let indent = self.depth * 4;
        self.out.push_str(&format!("{:indent$}{line}\n", ""));
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// `value` as a quoted parameter. nginx has no way to write a dollar sign in
/// one, so whoever calls has refused it.
pub(super) fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}
