//! Two clocks: the one on the wall, and that of the processor.

use cpu_time::ProcessTime;
use std::time::{Duration, Instant};

/// What something has cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Time that has passed.
    pub wall: Duration,
    /// Time that processors have spent on this process, on any thread, the kernel's share included.
    pub cpu: Duration,
}

/// Both clocks, when something began.
#[derive(Debug)]
pub struct Meter {
    wall: Instant,
    cpu: ProcessTime,
}

/// Something begins. callgrind is told to begin to count where this is left; its name stands in xtask.
#[inline(never)]
pub fn begin() -> Meter {
    Meter { wall: Instant::now(), cpu: ProcessTime::now() }
}

/// Something has ended: what was spent on it. callgrind writes its count down where this is entered.
#[inline(never)]
pub fn end(meter: &Meter) -> Cost {
    Cost { wall: meter.wall.elapsed(), cpu: meter.cpu.elapsed() }
}
