//! Measuring: contestants take turns, and the median counts.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// The medians of what each contestant reports over all rounds. They take turns, and in every other round in the
/// opposite order, so that what the machine does besides hits all of them.
pub(crate) fn medians<const N: usize>(
    rounds: usize,
    contestants: [&mut dyn FnMut() -> anyhow::Result<f64>; N],
) -> anyhow::Result<[f64; N]> {
    let mut figures: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    for round in 0..rounds {
        for turn in 0..N {
            let who = if round % 2 == 0 { turn } else { N - 1 - turn };
            figures[who].push(contestants[who]()?);
        }
    }
    Ok(figures.map(median))
}

/// The middle one.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How long it takes.
pub(crate) fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let done = work();
    (begun.elapsed(), done)
}

/// Nanoseconds for each of `count`.
pub(crate) fn nanos_each(took: Duration, count: usize) -> f64 {
    took.as_nanos() as f64 / count as f64
}

/// What something took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// Of all threads of this process.
    pub(crate) cpu: Duration,
}

/// How long it takes, and how much of the CPU.
pub(crate) fn cost<T>(work: impl FnOnce() -> T) -> anyhow::Result<(Cost, T)> {
    let before = cpu()?;
    let (wall, done) = time(work);
    Ok((Cost { wall, cpu: cpu()?.saturating_sub(before) }, done))
}

fn cpu() -> anyhow::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = |time: TimeVal| time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64;
    Ok(Duration::from_micros(micros(usage.user_time()) + micros(usage.system_time())))
}
