//! libpq's behaviour where nobody has recorded it: pgtls itself, connected to the same servers.
//!
//! It does what libpq 18 does, as far as the scenarios that were recorded of it tell; a test of this crate runs them. Not quite
//! everything: some server names rustls cannot send.
//!
//! It logs in by itself, in as few lines as that takes. The program `pgtls` has an exchange of its own, which tells what it saw and
//! asks for the server's role; what both must not get wrong is decided below them, by the core's mechanisms and startup monitor.

use crate::{
    bench::own_user,
    client::{Attempt, ClientUnderTest},
    judge::Told,
    scenario::Outcome,
};
use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use pgtls_core::{
    environment::{Environment, Platform},
    mechanism::{Choice, Gs2Flag, Offer, choose},
    message::startup_message,
    negotiation::Encryption,
    param::{Ability, Params, Secret, Settings},
    startup::Refusal,
};
use pgtls_std::{Config, LibraryInit, Startup, StartupError, Stream};
use postgres_protocol::{
    authentication::{
        md5_hash,
        sasl::{ChannelBinding, ScramSha256},
    },
    message::{
        backend::{Message, SaslMechanisms},
        frontend,
    },
};
use rustls::crypto::aws_lc_rs;
use std::{
    io::{self, Read, Write as _},
    sync::Arc,
};

/// The longest message that is taken from a server, as in libpq.
const LONGEST: usize = 30_000;

/// pgtls as a client under test. Cancellation is not for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl ClientUnderTest for Reference {
    fn connect(&self, attempt: &Attempt) -> Told {
        match session(attempt) {
            Ok(Encryption::Ssl) => Told::Connected(Some(Outcome::Ssl)),
            Ok(Encryption::Gss) => Told::Connected(Some(Outcome::Gss)),
            Ok(Encryption::Plain) => Told::Connected(Some(Outcome::Plain)),
            Err(reason) => Told::Failed(Some(reason)),
        }
    }

    fn declines(&self, attempt: &Attempt) -> Option<String> {
        if attempt.run_as.is_some() || !attempt.names.is_empty() {
            return Some("pgtls is no program of its own here".to_owned());
        }
        let by_role = attempt.conninfo.contains("target_session_attrs")
            || attempt.environment.iter().any(|(name, _)| name == "PGTARGETSESSIONATTRS");
        by_role.then(|| "a server's role is not asked for here".to_owned())
    }
}

/// Connects and says goodbye.
fn session(attempt: &Attempt) -> Result<Encryption, String> {
    let mut environment = attempt
        .environment
        .iter()
        .fold(Environment::empty(Platform::Unix), |all, (name, value)| all.with_variable(name, value));
    environment.user = own_user();
    let machine = pgtls_os::environment().map_err(|error| error.to_string())?;
    environment.socket_directory.clone_from(&machine.socket_directory);
    let settings = Settings::parse(&attempt.conninfo).map_err(|error| error.to_string())?;
    let params =
        pgtls_os::params(&settings, &environment, Ability::default()).map_err(|error| error.to_string())?;
    let passwords = pgtls_os::passwords(&params, &environment);
    // What this machine asks of OpenSSL is no part of libpq's behaviour.
    let init = LibraryInit { ssl: false, crypto: true };
    let provider = || Arc::new(aws_lc_rs::default_provider());
    let config =
        Config::initialised(params, environment, init, provider).map_err(|error| error.to_string())?;
    let connected = pgtls_std::connect(&config, |stream, at: Startup<'_>| {
        start_up(stream, &config.params, passwords.password(at.peer.host_index))
    });
    let mut stream = connected.map_err(|error| error.to_string())?.stream;
    let mut goodbye = BytesMut::new();
    frontend::terminate(&mut goodbye);
    // The session was there; that it ends is no news.
    let _ = stream.write_all(&goodbye).and_then(|()| stream.flush()).and_then(|()| stream.shutdown());
    Ok(stream.encryption())
}

/// Sends the StartupMessage, authenticates, and reads up to ReadyForQuery. What must not be answered the stream refuses.
fn start_up(stream: &mut Stream, params: &Params, password: Option<&Secret>) -> Result<(), StartupError> {
    let version = params.max_protocol_version().number();
    send(stream, &startup_message(version, params.startup_pairs())?)?;
    let mut login = Login { params, password, scram: None };
    loop {
        let (kind, mut message) = message(stream)?;
        match kind {
            b'Z' => return Ok(()),
            b'R' => {
                let answer = login.answer(&mut message, stream)?;
                if !answer.is_empty() {
                    send(stream, &answer)?;
                }
            }
            b'S' | b'K' | b'N' | b'v' => {}
            _ => {
                return Err(
                    io::Error::other("the server ended the session, or said what makes no sense").into()
                );
            }
        }
    }
}

struct Login<'p> {
    params: &'p Params,
    password: Option<&'p Secret>,
    scram: Option<ScramSha256>,
}

impl Login<'_> {
    /// The answer to an authentication request; empty when there is none to give.
    fn answer(&mut self, message: &mut BytesMut, stream: &Stream) -> Result<BytesMut, StartupError> {
        let mut out = BytesMut::new();
        let code =
            message.get(5..9).and_then(|code| code.try_into().ok()).map_or(u32::MAX, u32::from_be_bytes);
        if !matches!(code, 0 | 3 | 5 | 10..=12) {
            return Err(refused(Refusal::UnsupportedMethod(code)));
        }
        match Message::parse(message)? {
            Some(Message::AuthenticationOk) => {}
            Some(Message::AuthenticationCleartextPassword) => {
                frontend::password_message(self.password()?, &mut out)?;
            }
            Some(Message::AuthenticationMd5Password(request)) => {
                let hash = md5_hash(self.params.user().as_bytes(), self.password()?, request.salt());
                frontend::password_message(hash.as_bytes(), &mut out)?;
            }
            Some(Message::AuthenticationSasl(request)) => {
                let offer = offer(request.mechanisms())?;
                let Choice { mechanism, gs2, .. } =
                    choose(offer, stream.encryption(), self.params.channel_binding()).map_err(refused)?;
                let scram = ScramSha256::new(self.password()?, binding(gs2, stream)?);
                frontend::sasl_initial_response(mechanism.as_str(), scram.message(), &mut out)?;
                self.scram = Some(scram);
            }
            Some(Message::AuthenticationSaslContinue(request)) => {
                let scram = self.scram.as_mut().ok_or_else(|| refused(Refusal::Exchange))?;
                scram.update(request.data())?;
                frontend::sasl_response(scram.message(), &mut out)?;
            }
            Some(Message::AuthenticationSaslFinal(request)) => {
                let scram = self.scram.as_mut().ok_or_else(|| refused(Refusal::Exchange))?;
                scram.finish(request.data())?;
            }
            _ => return Err(refused(Refusal::Exchange)),
        }
        Ok(out)
    }

    /// An empty one counts as none.
    fn password(&self) -> Result<&[u8], StartupError> {
        let password = self.password.map(|password| password.expose().as_bytes());
        password.filter(|password| !password.is_empty()).ok_or_else(|| refused(Refusal::NoPassword))
    }
}

fn refused(refusal: Refusal) -> StartupError {
    StartupError::Refused { refusal, error: None }
}

fn offer(mechanisms: SaslMechanisms<'_>) -> io::Result<Offer> {
    let names: Vec<&str> = mechanisms.collect()?;
    Ok(Offer::from_names(names))
}

fn binding(gs2: Gs2Flag, stream: &Stream) -> Result<ChannelBinding, StartupError> {
    Ok(match gs2 {
        // `postgres-protocol` calls the flag `y` "unrequested" and the flag `n` "unsupported".
        Gs2Flag::NotOffered => ChannelBinding::unrequested(),
        Gs2Flag::NotSupported => ChannelBinding::unsupported(),
        Gs2Flag::Bound => match stream.facts().map(pgtls_rustls::SessionFacts::tls_server_end_point) {
            Some(Ok(Some(digest))) => ChannelBinding::tls_server_end_point(digest),
            _ => return Err(refused(Refusal::Exchange)),
        },
    })
}

fn send(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

/// One message of the server, whole, and its type.
fn message(stream: &mut impl Read) -> io::Result<(u8, BytesMut)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    let body = length.checked_sub(4).filter(|_| length <= LONGEST);
    let mut rest = vec![0; body.ok_or_else(|| io::Error::other("a message of nonsensical length"))?];
    stream.read_exact(&mut rest)?;
    Ok((kind, BytesMut::from([&head[..], &rest].concat().as_slice())))
}
