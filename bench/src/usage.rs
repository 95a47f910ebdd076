//! What a process holds, as Linux says.

use std::fs;

use crate::served::Outcome;

/// Resident memory in bytes, open descriptors, threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Resident memory, in bytes.
    pub memory: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
}

impl Usage {
    /// What process `id` holds now.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of(id: u32) -> Outcome<Usage> {
        let folder = format!("/proc/{id}/fd");
        let descriptors =
            fs::read_dir(&folder).map_err(|error| format!("cannot read {folder}: {error}"))?;
        Ok(Usage {
            memory: number(id, "VmRSS:")? * 1024,
            descriptors: descriptors.count() as u64,
            threads: number(id, "Threads:")?,
        })
    }
}

fn number(id: u32, name: &str) -> Outcome<u64> {
    let file = format!("/proc/{id}/status");
    let status =
        fs::read_to_string(&file).map_err(|error| format!("cannot read {file}: {error}"))?;
    (status.lines())
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| format!("{file} has no {name}"))
}

/// The processes that `parent` has started and that run.
///
/// # Errors
/// When the system does not say.
pub fn children(parent: u32) -> Outcome<Vec<u32>> {
    let file = format!("/proc/{parent}/task/{parent}/children");
    let text = fs::read_to_string(&file).map_err(|error| format!("cannot read {file}: {error}"))?;
    Ok(text.split_whitespace().flat_map(str::parse).collect())
}
