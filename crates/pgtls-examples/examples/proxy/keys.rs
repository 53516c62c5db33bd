//! Cancel keys: a client gets one of the proxy's own, so that two servers cannot hand out the same.

use pgtls_core::{candidates::Candidate, message::CancelRequest};
use pgtls_examples::walk::Target;
use rustls::crypto::SecureRandom;
use std::collections::BTreeMap;

/// What a key of ours stands for.
#[derive(Clone)]
pub(crate) struct Original<'w> {
    /// Where the session is.
    pub(crate) target: &'w Target,
    /// At which of its addresses.
    pub(crate) candidate: Candidate,
    /// By which name the server knows it.
    pub(crate) request: CancelRequest,
}

/// The keys of the sessions that live now: as many as there are sessions.
#[derive(Default)]
pub(crate) struct Keys<'w> {
    live: BTreeMap<u32, ([u8; 4], Original<'w>)>,
}

impl<'w> Keys<'w> {
    /// A key for a session; the number of its slot takes the place of the process id. `None` without randomness.
    pub(crate) fn register(
        &mut self,
        slot: u32,
        original: Original<'w>,
        random: &dyn SecureRandom,
    ) -> Option<CancelRequest> {
        let mut key = [0; 4];
        random.fill(&mut key).ok()?;
        self.live.insert(slot, (key, original));
        CancelRequest::new(slot, &key).ok()
    }

    /// The session has ended.
    pub(crate) fn forget(&mut self, slot: u32) {
        self.live.remove(&slot);
    }

    /// What is to be cancelled, if the request is one of ours.
    pub(crate) fn original(&self, request: &CancelRequest) -> Option<&Original<'w>> {
        let (key, original) = self.live.get(&request.process_id())?;
        // In constant time, so that a key cannot be found out byte by byte.
        let given = <[u8; 4]>::try_from(request.key()).ok()?;
        let difference = key.iter().zip(given).fold(0, |seen, (ours, theirs)| seen | (ours ^ theirs));
        (difference == 0).then_some(original)
    }
}
