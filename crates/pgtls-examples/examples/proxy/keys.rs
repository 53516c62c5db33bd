//! Cancel keys: a client gets one of the proxy's own, because two servers can issue the same.

use pgtls_adapter::Config;
use pgtls_core::{connect::Peer, message::CancelRequest};
use rustls::crypto::SecureRandom;
use std::{collections::BTreeMap, sync::Arc};

/// The session that a key of the proxy stands for.
#[derive(Clone)]
pub(crate) struct Original {
    /// The route.
    pub(crate) config: Arc<Config>,
    /// The server.
    pub(crate) peer: Peer,
    /// The key of the server.
    pub(crate) request: CancelRequest,
}

/// The keys of the sessions that live now: as many as there are sessions.
#[derive(Default)]
pub(crate) struct Keys {
    live: BTreeMap<u32, ([u8; 4], Original)>,
}

impl Keys {
    /// A key for a session; the number of its slot takes the place of the process id. `None` without randomness.
    pub(crate) fn register(
        &mut self,
        slot: u32,
        original: Original,
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
    pub(crate) fn original(&self, request: &CancelRequest) -> Option<&Original> {
        let (key, original) = self.live.get(&request.process_id())?;
        // In constant time, so that a key cannot be found out byte by byte.
        let given = <[u8; 4]>::try_from(request.key()).ok()?;
        let difference = key.iter().zip(given).fold(0, |seen, (ours, theirs)| seen | (ours ^ theirs));
        (difference == 0).then_some(original)
    }
}
