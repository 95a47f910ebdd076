//! The live view: looks, draws, and ends when it is told to.

use std::io::{IsTerminal, stdout};
use std::process::ExitCode;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::sleep;

use super::screen;
use super::sources::Sources;
use super::view::View;
use crate::failure::{Failure, Outcome};
use crate::signals;

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    End,
    /// The window has another size.
    Draw,
}

pub(super) async fn watch(sources: &mut Sources, interval: Duration) -> Outcome {
    if !stdout().is_terminal() {
        return Err(Failure::Usage(
            "standard output is no terminal: add --once, or --once --json".to_owned(),
        ));
    }
    let failed = |error: std::io::Error| Failure::Failed(format!("the terminal: {error}"));
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let ended = run(&mut terminal, sources, interval).await;
    ratatui::restore();
    ended.map_err(failed)
}

async fn run(
    terminal: &mut DefaultTerminal,
    sources: &mut Sources,
    interval: Duration,
) -> std::io::Result<ExitCode> {
    let mut wishes = wishes();
    let mut before = None;
    loop {
        let look = tokio::select! {
            look = sources.look() => look,
            code = end(&mut wishes) => return Ok(code),
        };
        let view = View::between(before.as_ref(), &look);
        before = Some(look);
        let next = sleep(interval);
        tokio::pin!(next);
        loop {
            terminal.draw(|frame| screen::draw(frame.buffer_mut(), &view))?;
            tokio::select! {
                () = &mut next => break,
                wish = wishes.recv() => if wish != Some(Wish::Draw) { return Ok(ExitCode::SUCCESS) },
                code = signals::end() => return Ok(code),
            }
        }
    }
}

/// Waits for whatever ends it: in raw mode Ctrl-C is a key, and a signal comes from elsewhere.
async fn end(wishes: &mut Receiver<Wish>) -> ExitCode {
    loop {
        tokio::select! {
            wish = wishes.recv() => if wish != Some(Wish::Draw) { return ExitCode::SUCCESS },
            code = signals::end() => return code,
        }
    }
}

/// Keys, read by a thread that ends with the process, since reading blocks.
fn wishes() -> Receiver<Wish> {
    let (send, receive) = channel(16);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if let Some(wish) = wish(&event)
                && send.blocking_send(wish).is_err()
            {
                return;
            }
        }
    });
    receive
}

fn wish(event: &Event) -> Option<Wish> {
    let key = match event {
        Event::Resize(..) => return Some(Wish::Draw),
        Event::Key(key) if key.kind != KeyEventKind::Release => key,
        _ => return None,
    };
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('q') | KeyCode::Esc => Some(Wish::End),
        KeyCode::Char('c') if ctrl => Some(Wish::End),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyEvent;

    use super::*;

    #[test]
    fn q_escape_and_ctrl_c_end_it() {
        let key = |code, modifiers| wish(&Event::Key(KeyEvent::new(code, modifiers)));
        let none = KeyModifiers::NONE;
        assert_eq!(key(KeyCode::Char('q'), none), Some(Wish::End));
        assert_eq!(key(KeyCode::Esc, none), Some(Wish::End));
        assert_eq!(
            key(KeyCode::Char('c'), KeyModifiers::CONTROL),
            Some(Wish::End)
        );
        assert_eq!(key(KeyCode::Char('c'), none), None);
        assert_eq!(wish(&Event::Resize(80, 24)), Some(Wish::Draw));
    }
}
