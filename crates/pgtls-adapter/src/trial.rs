//! One address: what the negotiation asks for, in terms of what an adapter can do, and what it is told.

use crate::{
    deadline::{Deadline, has_expired},
    material::Material,
    route::Target,
    step::Step,
    watch::Watch,
};
use pgtls_core::{
    attempt::{Attempt, Ended},
    negotiation::{Action, Input},
    param::{ParamError, Params},
    policy::{GssCredentials, Payload, PlanError, plan},
    startup::ClientCertificate,
};
use pgtls_rustls::{Cause, Session, SessionFacts, StartupError, TlsError};
use rustls::ClientConnection;
use std::{io, time::Duration};

pub(crate) struct Trial<'c> {
    pub(crate) target: Target,
    pub(crate) deadline: Deadline,
    params: &'c Params,
    attempt: Attempt<'c, Cause>,
    limit: Result<Option<Duration>, ParamError>,
    stage: Stage,
    /// A reason to end that the machine knows nothing of.
    abandoned: Option<Cause>,
}

/// What belongs to the action that is under way.
enum Stage {
    Idle,
    /// TLS cannot be set up, which the server is told before the machine.
    Farewell(TlsError),
    Handshake(Box<Session>),
    StartUp(Watch),
}

impl<'c> Trial<'c> {
    /// The time limit begins now.
    pub(crate) fn new(
        params: &'c Params,
        target: Target,
        payload: Payload,
        earlier: ClientCertificate,
    ) -> Result<Self, PlanError> {
        let plan = plan(params, target.transport, GssCredentials::Absent, payload)?;
        let limit = params.connect_timeout();
        let role = target.role;
        Ok(Self {
            target,
            deadline: Deadline::after(limit.as_ref().ok().copied().flatten()),
            params,
            attempt: Attempt::new(params, plan, earlier).with_role(role),
            limit,
            stage: Stage::Idle,
            abandoned: None,
        })
    }

    /// What to do now; `None` when the trial is over.
    pub(crate) fn step<'m>(&mut self, material: &mut Material<'m>) -> Option<Step<'m>> {
        if let Some(unwritten) = material.unwritten() {
            return Some(Step::Work(unwritten));
        }
        loop {
            if self.abandoned.is_some() {
                return None;
            }
            match self.attempt.action() {
                Action::Connect | Action::Reconnect { .. } => return Some(Step::Connect),
                Action::CheckPeer => match self.target.peer_user.take() {
                    Some(user) => self.peer_user(Ok(user)),
                    None => return Some(Step::CheckPeer),
                },
                Action::Send(bytes) => return Some(Step::Send(bytes)),
                Action::Receive { at_most } => return Some(Step::Receive { at_most }),
                Action::StartTls(_) => {
                    if let Some(step) = self.start_tls(material) {
                        return Some(step);
                    }
                }
                Action::Startup { encryption, carry } => {
                    let watch = Watch::new(self.attempt.gate(encryption, carry));
                    self.stage = Stage::StartUp(watch.clone());
                    return Some(Step::StartUp(watch));
                }
                Action::Done(_) | Action::Fail { .. } => return None,
                // There is no GSSAPI here, which the plan has been told.
                _ => self.tell(Input::GssFailed, None),
            }
        }
    }

    fn start_tls<'m>(&mut self, material: &mut Material<'m>) -> Option<Step<'m>> {
        let session = match material.session(self.target.host.as_deref()) {
            Ok(session) => session,
            Err(work) => return Some(Step::Work(work)),
        };
        match session {
            Ok(session) => {
                let step = Step::StartTls { config: session.config(), server_name: session.server_name() };
                self.stage = Stage::Handshake(Box::new(session));
                Some(step)
            }
            Err(error) if error.farewell().is_empty() => {
                self.refused(error);
                None
            }
            Err(error) => {
                let farewell = error.farewell();
                self.stage = Stage::Farewell(error);
                Some(Step::Send(farewell))
            }
        }
    }

    pub(crate) fn connected(&mut self, connected: io::Result<()>) {
        self.answer(connected.map(|()| Input::Connected), Input::ConnectFailed);
    }

    pub(crate) fn peer_user(&mut self, user: io::Result<String>) {
        let wanted = self.params.value("requirepeer").unwrap_or_default();
        match user {
            Ok(found) if found == wanted => self.tell(Input::PeerUser { matches: true }, None),
            Ok(found) => {
                let cause = Cause::PeerUser { wanted: wanted.to_owned(), found };
                self.tell(Input::PeerUser { matches: false }, Some(cause));
            }
            Err(error) => self.answer(Err(error), Input::PeerUser { matches: false }),
        }
    }

    pub(crate) fn sent(&mut self, sent: io::Result<()>) {
        match self.stage.take() {
            // Whether the server has heard it or not, this is over.
            Stage::Farewell(error) => self.refused(error),
            _ => self.answer(sent.map(|()| Input::Sent), Input::Closed),
        }
    }

    pub(crate) fn received(&mut self, received: io::Result<&[u8]>) {
        match received {
            // Then it is tried again.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            received => self.answer(received.map(Input::Received), Input::Closed),
        }
    }

    pub(crate) fn encrypted(&mut self, connection: &ClientConnection) -> Option<SessionFacts> {
        let Stage::Handshake(session) = self.stage.take() else {
            self.misused();
            return None;
        };
        self.attempt.saw_certificate(session.client_certificate());
        let (Some(facts), shown) = (session.facts(connection), session.session_facts(connection)) else {
            self.abandon(misuse("the adapter reports a TLS handshake that is not complete"));
            return None;
        };
        self.tell(Input::TlsEstablished(facts), None);
        shown
    }

    pub(crate) fn not_encrypted(&mut self, error: io::Error) {
        let Stage::Handshake(session) = self.stage.take() else { return self.misused() };
        self.attempt.saw_certificate(session.client_certificate());
        if has_expired(&error) {
            self.tell(Input::TimedOut, None);
        } else {
            self.refused(session.failure(error));
        }
    }

    /// The result of the startup exchange; returns whether there is a session.
    pub(crate) fn conclude(&mut self, outcome: Result<(), StartupError>) -> bool {
        let Stage::StartUp(watch) = self.stage.take() else {
            self.misused();
            return false;
        };
        match watch.conclude(outcome) {
            Ok((input, cause)) => self.tell(input, cause),
            Err(misuse) => self.abandon(misuse.into()),
        }
        self.abandoned.is_none() && matches!(self.attempt.action(), Action::Done(_))
    }

    /// Leaves the startup exchange to the driver of a connection that is not for a session of ours. Returns whether it was
    /// about to begin.
    pub(crate) fn hand_over(&mut self) -> bool {
        let Stage::StartUp(watch) = self.stage.take() else {
            self.misused();
            return false;
        };
        watch.hand_over();
        true
    }

    /// The watch over the startup exchange that is under way.
    pub(crate) fn watch(&self) -> Option<&Watch> {
        match &self.stage {
            Stage::StartUp(watch) => Some(watch),
            Stage::Idle | Stage::Farewell(_) | Stage::Handshake(_) => None,
        }
    }

    /// The deadline passed while files were read or the key log was written.
    pub(crate) fn timed_out(&mut self) {
        // The key log is written after a failure, too.
        if !matches!(self.attempt.action(), Action::Fail { .. }) {
            self.tell(Input::TimedOut, None);
        }
    }

    /// Ends the trial, and with it the walk.
    pub(crate) fn abandon(&mut self, cause: Cause) {
        self.abandoned.get_or_insert(cause);
    }

    pub(crate) fn end(self) -> Ended<Cause> {
        match self.abandoned {
            Some(cause) => self.attempt.abandon(cause),
            None => self.attempt.end(),
        }
    }

    fn answer(&mut self, happened: io::Result<Input<'_>>, failed: Input<'static>) {
        match happened {
            Ok(input) => self.tell(input, None),
            Err(error) if has_expired(&error) => self.tell(Input::TimedOut, None),
            Err(error) => self.tell(failed, Some(error.into())),
        }
    }

    fn refused(&mut self, error: TlsError) {
        self.tell(Input::TlsFailed(error.failure()), Some(error.into()));
    }

    fn tell(&mut self, input: Input<'_>, cause: Option<Cause>) {
        if let Err(misuse) = self.attempt.handle(input, cause) {
            return self.abandon(misuse.into());
        }
        // libpq looks at the time limit when it begins to wait for its first connection.
        if let Err(error) = &self.limit {
            self.abandon(error.clone().into());
        }
    }

    /// The method does not answer the step.
    pub(crate) fn misused(&mut self) {
        self.abandon(misuse("the adapter calls a method that does not answer the step"));
    }
}

fn misuse(text: &str) -> Cause {
    Cause::Io(io::Error::new(io::ErrorKind::InvalidInput, format!("{text}; this is a bug in it")))
}

impl Stage {
    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Idle)
    }
}
