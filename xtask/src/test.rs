//! `cargo xtask test`: every test there is.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::install::{FOR_TESTS, install_with};
use crate::run::{Outcome, cargo, shown};

/// Unit, compile-time, integration and documentation tests; `for_cargo` goes to
/// `cargo test`, such as the name of one test. Ends with the sum of them all.
pub(crate) fn test(for_cargo: &[&str]) -> Outcome {
    install_with(FOR_TESTS)?;
    // One program that fails says nothing of the others.
    let all = ["test", "--workspace", "--all-features", "--no-fail-fast"];
    let mut command = cargo(all.into_iter().chain(for_cargo.iter().copied()));
    let line = shown(&command);
    println!("$ {line}");
    let failed = |error: std::io::Error| format!("`{line}` cannot be run: {error}");
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut sum = Sum::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            println!("{line}");
            if sum.add(&line) {
                println!("so far: {}", sum.words());
            }
        }
    }
    let status = child.wait().map_err(failed)?;
    println!("\n{}", sum.words());
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{line}` failed ({status})"))
    }
}

/// How many tests did what, over all programs with tests.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    /// With tests; the documentation's of a package are one.
    programs: u64,
    passed: u64,
    failed: u64,
}

impl Sum {
    /// Whether `line` is the result of a program.
    fn add(&mut self, line: &str) -> bool {
        let Some(result) = line.trim().strip_prefix("test result: ") else {
            return false;
        };
        self.programs += 1;
        self.passed += before(result, " passed");
        self.failed += before(result, " failed");
        true
    }

    fn words(&self) -> String {
        let Sum {
            programs,
            passed,
            failed,
        } = self;
        format!("{passed} passed, {failed} failed in {programs} programs")
    }
}

/// The number before `word`.
fn before(result: &str, word: &str) -> u64 {
    let number = result.split_once(word).map(|(number, _)| number);
    let number = number.and_then(|text| text.rsplit(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_summed_up_and_other_lines_are_not() {
        let mut sum = Sum::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
            "12 passed; 1 failed",
            "test result: FAILED. 40 passed; 2 failed; 1 ignored; 0 measured",
        ] {
            assert_eq!(sum.add(line), line.starts_with("test result"), "{line}");
        }
        let expected = Sum {
            programs: 2,
            passed: 43,
            failed: 2,
        };
        assert_eq!(sum, expected);
    }
}
