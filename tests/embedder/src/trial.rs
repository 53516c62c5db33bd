//! One address: a [`Link`], a blocking socket, and GSSAPI between them.

use crate::{channel::Channel, gss::Gss};
use pgtls_core::{
    attempt::Ended,
    candidates::{Address, Candidate},
    gate::Exchange,
    negotiation::{Encryption, Misuse},
    param::Params,
    policy::{Payload, plan},
    startup::{ClientCertificate, Refusal},
};
use pgtls_examples::{
    link::{Link, Next},
    messages::{Messages, startup, terminate},
};
use pgtls_rustls::{Cause, Connector};
use std::{
    io::ErrorKind,
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How long an address may take when `connect_timeout` does not say.
const PATIENCE: Duration = Duration::from_secs(15);

/// What all addresses share.
pub(crate) struct Client<'p> {
    pub(crate) params: &'p Params,
    pub(crate) connector: Connector,
    pub(crate) gss: &'p dyn Gss,
}

type Tried = (Option<Encryption>, Ended<Cause>);

impl Client<'_> {
    /// The session with this address, if there is one, and what there is to say of it; or why it cannot be tried.
    ///
    /// # Errors
    /// A bug in the program.
    pub(crate) fn address(
        &self,
        candidate: &Candidate,
        earlier: ClientCertificate,
    ) -> Result<Result<Tried, Cause>, Misuse> {
        // Whether there are credentials is asked for each address (libpq: `init_allowed_encryption_methods`).
        let credentials = self.gss.credentials();
        let plan = match plan(self.params, candidate.address.transport(), credentials, Payload::Startup) {
            Ok(plan) => plan,
            Err(error) => return Ok(Err(Cause::Plan(error))),
        };
        let Address::Tcp(address) = candidate.address else {
            return Ok(Err(Cause::Startup("this program knows no unix sockets".into())));
        };
        let limit = match self.params.connect_timeout() {
            Ok(limit) => limit.unwrap_or(PATIENCE),
            Err(error) => return Ok(Err(error.into())),
        };
        let link = Link::new(self.params, plan, &self.connector, candidate.host.clone(), earlier);
        let mut trial = Trial { client: self, address, deadline: Instant::now() + limit, link };
        let session = trial.run()?;
        Ok(Ok((session, trial.link.end())))
    }
}

struct Trial<'c> {
    client: &'c Client<'c>,
    address: SocketAddr,
    deadline: Instant,
    link: Link<'c>,
}

impl Trial<'_> {
    /// Goes on until there is a session or nothing left.
    fn run(&mut self) -> Result<Option<Encryption>, Misuse> {
        let mut channel: Option<Channel> = None;
        let mut messages = Messages::default();
        loop {
            let next = self.link.poll()?;
            if let Some(channel) = &mut channel
                && !self.link.outgoing().is_empty()
            {
                // If it cannot be sent, reading will tell why.
                let _ = channel.send(&std::mem::take(self.link.outgoing()));
            }
            match (next, &mut channel) {
                (Next::Connect, _) => match Channel::open(self.address, self.deadline) {
                    Ok(opened) => {
                        (channel, messages) = (Some(opened), Messages::default());
                        self.link.connected()?;
                    }
                    Err(error) if error.kind() == ErrorKind::TimedOut => self.link.timed_out()?,
                    Err(error) => self.link.connect_failed(error)?,
                },
                (Next::Gss, Some(channel)) => match channel.shake_hands(self.client.gss) {
                    Ok(()) => self.link.gss_established()?,
                    Err(reason) => self.link.gss_failed(Some(Cause::Startup(reason.into())))?,
                },
                (Next::Start, _) => match startup(self.client.params) {
                    Ok(packet) => self.link.send(&packet),
                    Err(_) => self.link.conclude(Exchange::Failed, None)?,
                },
                (Next::Io { read }, Some(channel)) => match channel.receive(read) {
                    Ok(bytes) if bytes.is_empty() => self.link.closed(None)?,
                    Ok(bytes) => {
                        self.link.received(&bytes)?;
                        messages.push(&self.link.take_incoming());
                        if let Some(encryption) = self.link.up() {
                            self.link.send(&terminate());
                            self.link.close();
                            let _ = channel.send(&std::mem::take(self.link.outgoing()));
                            return Ok(Some(encryption));
                        }
                        self.answer(&mut messages)?;
                    }
                    Err(error) if error.kind() == ErrorKind::TimedOut => self.link.timed_out()?,
                    Err(error) => self.link.closed(Some(error))?,
                },
                (Next::Fail(_) | Next::Closed | Next::Gss | Next::Io { .. }, _) => return Ok(None),
            }
        }
    }

    /// A password is all that the server can want to know before the session is up.
    fn answer(&mut self, messages: &mut Messages) -> Result<(), Misuse> {
        while let Ok(Some(message)) = messages.take() {
            if message.kind == b'R' && message.refusal().is_some() {
                return self.link.conclude(Exchange::Refused(Refusal::NoPassword), None);
            }
        }
        Ok(())
    }
}
