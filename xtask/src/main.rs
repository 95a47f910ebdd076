//! `cargo xtask`: the project's own commands.

mod api;
mod bench;
mod cache_tests;
mod ci;
mod demo;
mod install;
mod msrv;
mod picture;
mod run;
mod soak;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  demo     start memcached, nginx and the example site on free ports, show a
           miss and a hit, and serve until Ctrl-C; demo shop: the example shop
  test     run every test, against real memcached and nginx processes
  bench    measure what djanginxed costs beside its peers; bench help shows its options,
           once it is compiled
  soak     half an hour of visitors, edits and faults on the example shop: fails when
           something grows or a page is wrong; soak help shows its options, once
           it is compiled
  cache-tests FOLDER
           run http-tests/cache-tests, a checkout of it after `npm i --omit=dev`
           (Node.js), through an annotated handler behind nginx
  picture  write docs/pictures/top.svg: djanginxed top in a terminal of 80 by 24, beside the
           example shop with visitors
  api      compare the public API with the files in api; --bless writes them
  msrv     check that no dependency needs a newer Rust than we say
  ci       check format, lints, documentation, licences, the public API, the
           oldest Rust that dependencies need, and that packages can be built
  install  install what demo and test need (Debian and Ubuntu), and nothing else

demo, test, bench, soak and picture install what is missing before they start.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args[..] {
        [command, "--help" | "-h"] => match help(command) {
            Some(words) => {
                println!("{words}");
                return ExitCode::SUCCESS;
            }
            None => Err(format!("no such command: {command}\n\n{USAGE}")),
        },
        ["bench", "help"] => bench::bench(&["--help"]),
        ["soak", "help"] => soak::soak(&["--help"]),
        ["demo"] => demo::demo("site"),
        ["demo", name] => demo::demo(name),
        ["test", ref for_cargo @ ..] => test::test(for_cargo),
        ["bench", ref options @ ..] => bench::bench(options),
        ["soak", ref options @ ..] => soak::soak(options),
        ["cache-tests", folder] => cache_tests::cache_tests(folder),
        ["picture"] => picture::picture(),
        ["api"] => api::api(false),
        ["api", "--bless"] => api::api(true),
        ["msrv"] => msrv::msrv(),
        ["ci"] => ci::ci(),
        ["install"] => install::install_with(install::FOR_TESTS),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => Err(format!("no such command: {}\n\n{USAGE}", args.join(" "))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// What the usage says of one command.
fn help(command: &str) -> Option<String> {
    let begins = |line: &&str| {
        line.strip_prefix("  ")
            .is_some_and(|rest| rest.split(' ').next() == Some(command))
    };
    let mut lines = USAGE.lines().skip_while(|line| !begins(line));
    let first = lines.next()?;
    let more = lines.take_while(|line| line.starts_with("    "));
    let words = [first].into_iter().chain(more);
    Some(format!(
        "cargo xtask {}",
        words.map(str::trim).collect::<Vec<_>>().join(" ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_for_a_command_is_about_that_command() {
        let soak = help("soak").unwrap();
        assert!(
            soak.starts_with("cargo xtask soak     half an hour"),
            "{soak}"
        );
        assert!(
            soak.contains("its options") && !soak.contains("cache-tests"),
            "{soak}"
        );
        for command in [
            "demo",
            "test",
            "bench",
            "cache-tests",
            "picture",
            "api",
            "msrv",
            "ci",
            "install",
        ] {
            assert!(help(command).unwrap().contains(command), "{command}");
        }
        assert_eq!(help("half"), None);
    }
}
