//! The `djanginxed` command line tool.

fn main() {}
