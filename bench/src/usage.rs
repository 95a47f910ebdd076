//! What a process holds, as Linux says.

use std::fs;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

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

/// The processor time that process `id` has taken, in the kernel too; in steps of a
/// hundredth of a second.
///
/// # Errors
/// When there is no such process.
pub fn processor_time(id: u32) -> Outcome<Duration> {
    let file = format!("/proc/{id}/stat");
    let stat = fs::read_to_string(&file).map_err(|error| format!("cannot read {file}: {error}"))?;
    // Behind the program's name, which may have any character: from the state on.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let times: Vec<u64> = (fields.split_whitespace().skip(11).take(2))
        .flat_map(str::parse)
        .collect();
    match times[..] {
        [user, kernel] => Ok(Duration::from_secs_f64(
            (user + kernel) as f64 / clock_ticks_per_second() as f64,
        )),
        _ => Err(format!("{file} is not as Linux writes it")),
    }
}

/// Waits until the child `id` has ended, and leaves it to be waited for; the processor time that
/// it took.
///
/// # Errors
/// When there is no such child.
pub fn until_it_ends(id: u32) -> Outcome<Duration> {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| format!("{id} is no process"))?;
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(pid), options).map_err(|error| format!("cannot wait for {id}: {error}"))?;
    processor_time(id)
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
