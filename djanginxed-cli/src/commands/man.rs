//! `djanginxed man`: the manual pages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::{Cli, EXIT_CODES};
use crate::failure::{Failure, Outcome};
use crate::output;

/// Print the manual page, or write those of all commands
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: djanginxed man | man -l -")]
pub(crate) struct Args {
    /// Write a page for each command into this folder
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let mut command = Cli::command();
    command.build();
    match &args.output {
        Some(folder) => write_all(&command, folder)?,
        None => output::print(page(&command).map_err(|error| failed(&error))?)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn failed(error: &std::io::Error) -> Failure {
    Failure::Failed(format!("cannot write the manual: {error}"))
}

fn not_written(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("--output {}: {error}", path.display()))
}

fn write_all(command: &Command, folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| not_written(folder, &error))?;
    let own = command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help");
    for command in [command].into_iter().chain(own) {
        let path = folder.join(Man::new(command.clone()).get_filename());
        let page = page(command).map_err(|error| failed(&error))?;
        fs::write(&path, page).map_err(|error| not_written(&path, &error))?;
    }
    Ok(())
}

/// What clap knows of `command`, and what it leaves out.
fn page(command: &Command) -> std::io::Result<String> {
    let man = Man::new(command.clone());
    let mut bytes = Vec::new();
    man.render_title(&mut bytes)?;
    man.render_name_section(&mut bytes)?;
    man.render_synopsis_section(&mut bytes)?;
    man.render_description_section(&mut bytes)?;
    man.render_options_section(&mut bytes)?;
    if command.get_subcommands().next().is_some() {
        man.render_subcommands_section(&mut bytes)?;
    }
    let mut page = String::from_utf8_lossy(&bytes).into_owned();
    page.push_str(&environment(command));
    page.push_str(&format!(".SH \"EXIT STATUS\"\n{}", codes(EXIT_CODES)));
    page.push_str(&examples(command));
    Ok(page)
}

/// The variables of `command`, or of all commands.
fn environment(command: &Command) -> String {
    let commands = [command].into_iter().chain(command.get_subcommands());
    let mut known: Vec<(String, String, String)> = Vec::new();
    for arg in commands.flat_map(Command::get_arguments) {
        let (Some(name), Some(option)) = (arg.get_env(), arg.get_long()) else {
            continue;
        };
        let name = name.to_string_lossy().into_owned();
        if !known.iter().any(|(other, ..)| *other == name) {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            known.push((name, option.to_owned(), help));
        }
    }
    if known.is_empty() {
        return String::new();
    }
    let mut section = ".SH ENVIRONMENT\n".to_owned();
    for (name, option, help) in known {
        section.push_str(&format!(
            ".TP\n\\fB{name}\\fR\n{} As \\fB\\-\\-{}\\fR, which goes before it; the application reads it, too.\n",
            roff(&format!("{help}.")),
            roff(&option),
        ));
    }
    section
}

/// The examples that `--help` ends with, of `command` or of all commands.
fn examples(command: &Command) -> String {
    let mut section = ".SH EXAMPLES\n".to_owned();
    for command in [command].into_iter().chain(command.get_subcommands()) {
        let help = command.get_after_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let Some(example) = help.strip_prefix("Example: ") else {
            continue;
        };
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        section.push_str(&format!(".PP\n{}:\n.PP\n.nf\n.RS\n", roff(&about)));
        section.push_str(&format!("{}\n.RE\n.fi\n", roff(example)));
    }
    section
}

/// Each code, and what it means.
fn codes(text: &str) -> String {
    let parts = text.split(';').map(str::trim);
    let lines = parts.map(|part| match part.split_once(' ') {
        Some((code, meaning)) => format!(".TP\n\\fB{code}\\fR\n{}\n", roff(meaning)),
        None => format!("{}\n", roff(part)),
    });
    lines.collect()
}

/// Text as roff shows it.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}
