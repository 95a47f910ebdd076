//! What a process holds and takes, as Linux says.

use std::time::Duration;

use procfs::process::Process;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::served::Outcome;

/// What a process holds.
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
        let process = process(id)?;
        let stat = process.stat().map_err(|error| error.to_string())?;
        let descriptors = process.fd_count().map_err(|error| error.to_string())?;
        Ok(Usage {
            memory: stat.rss * procfs::page_size(),
            descriptors: descriptors as u64,
            threads: u64::try_from(stat.num_threads).unwrap_or_default(),
        })
    }
}

fn process(id: u32) -> Outcome<Process> {
    let id = i32::try_from(id).map_err(|error| error.to_string())?;
    Process::new(id).map_err(|error| format!("process {id}: {error}"))
}

/// The processor time that process `id` has taken, in the kernel too; in steps of a
/// hundredth of a second.
///
/// # Errors
/// When there is no such process.
pub fn processor_time(id: u32) -> Outcome<Duration> {
    let stat = process(id)?.stat().map_err(|error| error.to_string())?;
    let ticks = (stat.utime + stat.stime) as f64;
    Ok(Duration::from_secs_f64(
        ticks / procfs::ticks_per_second() as f64,
    ))
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
    let main = process(parent)?.task_main_thread();
    let children = main.and_then(|thread| thread.children());
    children.map_err(|error| format!("the children of {parent}: {error}"))
}
