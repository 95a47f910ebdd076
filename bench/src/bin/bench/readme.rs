//! The part of the README that shows what was measured.

use std::fs;

use crate::contest::Outcome;
use crate::groups::names::{HIT, MISS, NGINX_HIT};
use crate::report::{Report, table};
use crate::stage::root;
use crate::table::Column;

const BEGIN: &str = "<!-- bench:begin -->\n";
const END: &str = "<!-- bench:end -->";

/// What the README shows of a run; the rest is in latest.md.
pub(crate) const SHOWN: [&str; 3] = [NGINX_HIT, HIT, MISS];

/// Puts `report` between the README's two marks.
pub(crate) fn update(report: &Report) -> Outcome {
    let file = root().join("README.md");
    let failed = |error: std::io::Error| format!("README.md: {error}");
    let text = fs::read_to_string(&file).map_err(failed)?;
    let new = replaced(&text, &section(report))
        .ok_or_else(|| format!("README.md has no {} and {END}", BEGIN.trim()))?;
    fs::write(&file, new).map_err(failed)
}

fn section(report: &Report) -> String {
    let tables = report
        .tables
        .iter()
        .filter(|table| SHOWN.contains(&table.id));
    let tables: Vec<String> = tables
        .map(|measured| {
            let reference = measured.reference.unwrap_or_default();
            // A README is no report, but speed alone would hide who drops pages.
            let columns: Vec<Column> = (measured.columns.iter().copied())
                .filter(|column| ["requests_per_second", "dropped"].contains(&column.metric))
                .collect();
            format!(
                "{} (reference: {reference}):\n\n{}",
                measured.title,
                table(measured, &columns)
            )
        })
        .collect();
    format!(
        "![Requests per second, djanginxed beside its peers](benches/results/latest.svg)\n\n{}\n\
         {} Everything measured, and the targets that were missed: [latest.md](benches/results/latest.md); \
         how: [docs/benchmarks.md](docs/benchmarks.md).\n",
        tables.join("\n"),
        report.machine.text()
    )
}

fn replaced(text: &str, section: &str) -> Option<String> {
    let (head, rest) = text.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}{section}{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stood_between_the_marks_is_replaced_and_the_rest_stays() {
        let text = format!("# A\n\n{BEGIN}old\n{END}\n\nB\n");
        let new = replaced(&text, "new\n").unwrap();
        assert_eq!(new, format!("# A\n\n{BEGIN}new\n{END}\n\nB\n"));
        assert_eq!(replaced(&new, "new\n").unwrap(), new);
        assert_eq!(replaced("# A\n", "new\n"), None);
    }
}
