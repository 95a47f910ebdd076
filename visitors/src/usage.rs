//! What a process holds and takes, as Linux says.

use std::time::Duration;

use anyhow::{Context, Result};
use procfs::process::Process;

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
    pub fn of(id: u32) -> Result<Usage> {
        let process = process(id)?;
        let stat = process.stat()?;
        Ok(Usage {
            memory: stat.rss * procfs::page_size(),
            descriptors: process.fd_count()? as u64,
            threads: u64::try_from(stat.num_threads)?,
        })
    }
}

fn process(id: u32) -> Result<Process> {
    Process::new(i32::try_from(id)?).with_context(|| format!("process {id}"))
}

/// The processor time that process `id` has taken, in the kernel too; in steps of a
/// hundredth of a second.
///
/// # Errors
/// When there is no such process.
pub fn processor_time(id: u32) -> Result<Duration> {
    let stat = process(id)?.stat()?;
    let ticks = (stat.utime + stat.stime) as f64;
    Ok(Duration::from_secs_f64(
        ticks / procfs::ticks_per_second() as f64,
    ))
}

/// The processes that `parent` has started and that run.
///
/// # Errors
/// When the system does not say.
pub fn children(parent: u32) -> Result<Vec<u32>> {
    let main = process(parent)?.task_main_thread();
    let children = main.and_then(|thread| thread.children());
    children.with_context(|| format!("the children of {parent}"))
}
