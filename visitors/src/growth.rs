//! Whether something grows, from samples over a long time.

use crate::usage::Usage;

/// A quantity: its name, how to read it, what may be added to a tenth of it, and its unit.
type Quantity = (&'static str, fn(&Usage) -> u64, u64, u64);

const QUANTITIES: [Quantity; 3] = [
    ("memory, kB", |usage| usage.memory, 4 << 20, 1024),
    ("descriptors", |usage| usage.descriptors, 16, 1),
    ("threads", |usage| usage.threads, 2, 1),
];

/// What one quantity did.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Which quantity, with its unit.
    pub name: &'static str,
    /// The median of the second quarter of the time: the first is for warming up.
    pub early: u64,
    /// The median of the last quarter.
    pub late: u64,
    /// The greatest.
    pub most: u64,
    /// `late` is above `early` by more than a tenth and 4 MiB, 16 descriptors or 2 threads.
    pub grows: bool,
}

/// What each quantity did; nothing where there are fewer than eight samples.
#[must_use]
pub fn courses(samples: &[Usage]) -> Vec<Course> {
    let quarter = samples.len() / 4;
    if quarter < 2 {
        return Vec::new();
    }
    let course = |&(name, of, slack, unit): &Quantity| {
        let values: Vec<u64> = samples.iter().map(of).collect();
        let early = median(&values[quarter..2 * quarter]);
        let late = median(&values[values.len() - quarter..]);
        Course {
            name,
            early: early / unit,
            late: late / unit,
            most: values.iter().max().map_or(0, |most| most / unit),
            grows: late > early + early / 10 + slack,
        }
    };
    QUANTITIES.iter().map(course).collect()
}

fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(memory: impl Fn(u64) -> u64) -> Vec<Usage> {
        let sample = |number| Usage {
            memory: memory(number) << 20,
            descriptors: 30,
            threads: 5,
        };
        (0..40).map(sample).collect()
    }

    fn grows(samples: &[Usage]) -> Vec<bool> {
        courses(samples).iter().map(|course| course.grows).collect()
    }

    #[test]
    fn what_grows_all_the_while_is_told_from_warming_up_and_from_a_peak() {
        let steady = samples(|number| 20 + number);
        assert_eq!(grows(&steady), [true, false, false]);
        let warming = samples(|number| 20 + number.min(10) * 10);
        assert_eq!(grows(&warming), [false; 3]);
        let peak = samples(|number| if number == 38 { 500 } else { 20 });
        assert_eq!(grows(&peak), [false; 3]);
        assert_eq!(courses(&peak)[0].most, 500 << 10);
    }

    #[test]
    fn leaked_descriptors_and_threads_are_growth() {
        let mut leaking = samples(|_| 20);
        for (number, usage) in (0..).zip(&mut leaking) {
            usage.descriptors += 2 * number;
            usage.threads += number / 8;
        }
        assert_eq!(grows(&leaking), [false, true, true]);
    }
}
