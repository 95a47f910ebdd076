//! What asks a program to end.

use std::process::ExitCode;

/// Waits for Ctrl-C, or for what cron, systemd and `timeout` end a program with; the exit
/// code that a shell has for it.
#[cfg(unix)]
pub(crate) async fn end() -> ExitCode {
    use tokio::signal::unix::{SignalKind, signal};
    let arrival = |kind, code: u8| async move {
        match signal(kind) {
            Ok(mut signal) => drop(signal.recv().await),
            // Then it ends the program without us.
            Err(_) => std::future::pending().await,
        }
        ExitCode::from(code)
    };
    tokio::select! {
        code = arrival(SignalKind::interrupt(), 130) => code,
        code = arrival(SignalKind::terminate(), 143) => code,
        code = arrival(SignalKind::hangup(), 129) => code,
    }
}

#[cfg(not(unix))]
pub(crate) async fn end() -> ExitCode {
    // Without it Ctrl-C ends the program by itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
    ExitCode::from(130)
}
