//! What chance decides about one connection.

use fastrand::Rng;
use std::time::Duration;

/// No connection asks its executor to be woken more often on its way to a session.
const MOST_POLLS: u32 = 40;
/// Within this every honest server is through.
const LONGEST: Duration = Duration::from_millis(100);
/// More than a server says up to ReadyForQuery.
const LAST_BYTE: u64 = 4_000;
/// The reply to SSLRequest and the head of the first record.
const FIRST_BYTES: u64 = 8;

/// Chance, the same for the same seed and number.
pub(crate) fn chance(seed: u64, number: usize) -> Rng {
    let mut of_all = Rng::with_seed(seed);
    Rng::with_seed(of_all.u64(..) ^ number as u64)
}

/// When the client gives up, if it has not come to an end by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// After it was polled so often.
    pub(crate) polls: u32,
    /// After this time.
    pub(crate) time: Duration,
}

impl Patience {
    /// Either number may be the one that counts.
    pub(crate) fn toss(chance: &mut Rng) -> Self {
        if chance.bool() {
            Self { polls: chance.u32(1..MOST_POLLS), time: LONGEST }
        } else {
            Self { polls: u32::MAX, time: LONGEST.mul_f64(chance.f64().powi(3)) }
        }
    }
}

/// What a server does to a client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// What it should.
    Honest,
    /// It says so many bytes of what it should, and then no more.
    Hang(u64),
    /// And then closes the connection.
    Close(u64),
    /// And then resets it.
    Reset(u64),
    /// And then what makes no sense.
    Garbage(u64),
}

impl Fate {
    /// How much the server says of what it should; `None` if all of it.
    pub(crate) fn limit(self) -> Option<u64> {
        match self {
            Self::Honest => None,
            Self::Hang(after) | Self::Close(after) | Self::Reset(after) | Self::Garbage(after) => Some(after),
        }
    }

    pub(crate) fn toss(chance: &mut Rng) -> Self {
        let most = if chance.bool() { FIRST_BYTES } else { LAST_BYTE };
        let after = chance.u64(..most);
        match chance.u8(..8) {
            0 => Self::Hang(after),
            1 => Self::Close(after),
            2 => Self::Reset(after),
            3 => Self::Garbage(after),
            _ => Self::Honest,
        }
    }
}
