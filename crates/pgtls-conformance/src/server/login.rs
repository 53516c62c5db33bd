//! The answer to a startup packet: who is let in, and what must be shown for it.

use super::{
    answer::{SqlState, StartupAnswer},
    backend::{self, auth},
    connection::Connection,
    record::{Channel, Event},
    scram::{Exchange, ScramError, Verifier},
    wire::Gone,
};
use pgtls_core::message::StartupMessage;
use postgres_protocol::authentication::md5_hash;
use rustls::crypto::aws_lc_rs;

const SCRAM: &str = "SCRAM-SHA-256";
const SCRAM_PLUS: &str = "SCRAM-SHA-256-PLUS";
const SCRAM_UNKNOWN: &str = "SCRAM-SHA-512";
const PASSWORD_MESSAGE: u8 = b'p';

/// How the login ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// AuthenticationOk is due.
    In,
    /// The last word has been said.
    Out,
}

/// Carries out `answer` up to, but without, AuthenticationOk.
pub(super) fn log_in(
    connection: &mut Connection<'_>,
    answer: StartupAnswer,
    packet: &StartupMessage,
    channel: Channel,
) -> Result<Outcome, Gone> {
    match answer {
        StartupAnswer::Trust => Ok(Outcome::In),
        StartupAnswer::Cleartext => cleartext(connection, packet, channel),
        StartupAnswer::Md5 => md5(connection, packet, channel),
        StartupAnswer::Scram => sasl(connection, &[SCRAM], packet, channel),
        StartupAnswer::ScramPlus if channel == Channel::Plain => sasl(connection, &[SCRAM], packet, channel),
        StartupAnswer::ScramPlus => sasl(connection, &[SCRAM_PLUS, SCRAM], packet, channel),
        StartupAnswer::ScramPlusOnly => sasl(connection, &[SCRAM_PLUS], packet, channel),
        StartupAnswer::ScramUnknown => sasl(connection, &[SCRAM_UNKNOWN], packet, channel),
        StartupAnswer::Certificate => {
            if connection.wire.tls().is_some_and(|tls| tls.peer_certificates().is_some()) {
                return Ok(Outcome::In);
            }
            refuse(
                connection,
                SqlState::INVALID_AUTHORIZATION,
                "connection requires a valid client certificate",
            )
        }
        StartupAnswer::Unknown => {
            connection.wire.send(&backend::authentication(auth::NONE_SUCH, &[]))?;
            Ok(Outcome::Out)
        }
        StartupAnswer::AuthFail => {
            let how = match channel {
                Channel::Plain => "no encryption",
                Channel::Ssl => "SSL encryption",
            };
            let (user, database) = (user(packet), database(packet));
            let text = format!(
                "no pg_hba.conf entry for host \"127.0.0.1\", user \"{user}\", database \"{database}\", {how}"
            );
            refuse(connection, SqlState::INVALID_AUTHORIZATION, &text)
        }
        StartupAnswer::Error(state) => refuse(connection, state, &format!("the script says {state}")),
        StartupAnswer::FailAfterOk => {
            connection.wire.send(&backend::authentication(auth::OK, &[]))?;
            connection.recorder.event(Event::FatalAfterAuth);
            let text = format!("database \"{}\" does not exist", database(packet));
            connection.wire.send(&backend::fatal(SqlState::INVALID_CATALOG, &text))?;
            Ok(Outcome::Out)
        }
        StartupAnswer::Close => {
            connection.recorder.event(Event::Dropped);
            Ok(Outcome::Out)
        }
        StartupAnswer::Reset => {
            connection.recorder.event(Event::Dropped);
            Err(connection.wire.reset())
        }
        StartupAnswer::Hang => Err(connection.wire.ignore()),
    }
}

/// The user that wants in.
pub(super) fn user(packet: &StartupMessage) -> &str {
    packet.value("user").unwrap_or_default()
}

/// The database: by default that of the user's name.
fn database(packet: &StartupMessage) -> &str {
    packet.value("database").unwrap_or_else(|| user(packet))
}

fn refuse(connection: &mut Connection<'_>, state: SqlState, text: &str) -> Result<Outcome, Gone> {
    connection.recorder.event(Event::AuthFail);
    connection.wire.send(&backend::fatal(state, text))?;
    Ok(Outcome::Out)
}

fn wrong_password(connection: &mut Connection<'_>, packet: &StartupMessage) -> Result<Outcome, Gone> {
    let text = format!("password authentication failed for user \"{}\"", user(packet));
    refuse(connection, SqlState::INVALID_PASSWORD, &text)
}

/// The client's PasswordMessage or SASL response; another message ends the connection, as in PostgreSQL.
fn response(connection: &mut Connection<'_>) -> Result<Vec<u8>, Gone> {
    let (kind, body) = connection.message()?;
    if kind == PASSWORD_MESSAGE {
        return Ok(body);
    }
    let error = backend::fatal(SqlState::PROTOCOL_VIOLATION, "expected password response");
    connection.wire.send(&error)?;
    Err(connection.wire.bye())
}

fn sent(connection: &Connection<'_>, mechanism: &str, channel: Channel) {
    connection.recorder.event(Event::AuthSent { mechanism: mechanism.to_owned(), channel });
}

fn cleartext(
    connection: &mut Connection<'_>,
    packet: &StartupMessage,
    channel: Channel,
) -> Result<Outcome, Gone> {
    connection.wire.send(&backend::authentication(auth::CLEARTEXT_PASSWORD, &[]))?;
    let password = response(connection)?;
    sent(connection, "cleartext", channel);
    connection.recorder.note(|seen| seen.password_in_clear |= channel == Channel::Plain);
    if password.strip_suffix(&[0]) == Some(connection.behaviour.password.as_bytes()) {
        return Ok(Outcome::In);
    }
    wrong_password(connection, packet)
}

fn md5(connection: &mut Connection<'_>, packet: &StartupMessage, channel: Channel) -> Result<Outcome, Gone> {
    let salt = random();
    connection.wire.send(&backend::authentication(auth::MD5_PASSWORD, &salt))?;
    let password = response(connection)?;
    sent(connection, "md5", channel);
    let expected = md5_hash(user(packet).as_bytes(), connection.behaviour.password.as_bytes(), salt);
    if password.strip_suffix(&[0]) == Some(expected.as_bytes()) {
        return Ok(Outcome::In);
    }
    wrong_password(connection, packet)
}

fn sasl(
    connection: &mut Connection<'_>,
    mechanisms: &[&str],
    packet: &StartupMessage,
    channel: Channel,
) -> Result<Outcome, Gone> {
    let list: Vec<u8> =
        mechanisms.iter().flat_map(|name| [name.as_bytes(), &[0]].concat()).chain([0]).collect();
    connection.wire.send(&backend::authentication(auth::SASL, &list))?;
    // SASLInitialResponse: mechanism, NUL, length, data.
    let initial = response(connection)?;
    let mut parts = initial.splitn(2, |&byte| byte == 0);
    let (mechanism, data) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let mechanism = String::from_utf8_lossy(mechanism).into_owned();
    sent(connection, &mechanism, channel);
    if !mechanisms.contains(&mechanism.as_str()) || mechanism == SCRAM_UNKNOWN {
        return refuse(
            connection,
            SqlState::PROTOCOL_VIOLATION,
            "client selected an invalid SASL authentication mechanism",
        );
    }
    match scram(connection, &mechanism, data.get(4..).unwrap_or_default())? {
        Ok(()) => Ok(Outcome::In),
        Err(ScramError::Malformed) => {
            refuse(connection, SqlState::PROTOCOL_VIOLATION, "malformed SCRAM message")
        }
        Err(ScramError::Binding) => {
            connection.recorder.event(Event::BindingMismatch);
            refuse(connection, SqlState::INVALID_AUTHORIZATION, "SCRAM channel binding check failed")
        }
        Err(ScramError::Proof) => wrong_password(connection, packet),
    }
}

fn scram(
    connection: &mut Connection<'_>,
    mechanism: &str,
    first: &[u8],
) -> Result<Result<(), ScramError>, Gone> {
    let verifier = Verifier::new(&connection.behaviour.password);
    let exchange = match Exchange::start(verifier, first, &random::<18>()) {
        Ok(exchange) => exchange,
        Err(error) => return Ok(Err(error)),
    };
    let flag = exchange.gs2_header().split(',').next().unwrap_or_default().to_owned();
    connection.recorder.note(|seen| seen.gs2 = Some(flag));
    connection
        .wire
        .send(&backend::authentication(auth::SASL_CONTINUE, exchange.server_first().as_bytes()))?;
    let last = response(connection)?;
    let bound = connection.wire.tls().and(connection.prepared.end_point.as_deref());
    let binding = match (mechanism == SCRAM_PLUS, bound) {
        (false, _) => None,
        (true, Some(end_point)) => Some(end_point),
        // Without TLS, or without a hash in the certificate's signature, there is nothing that could be bound to.
        (true, None) => return Ok(Err(ScramError::Binding)),
    };
    let finished = exchange.finish(&last, binding);
    // The proof is looked at last: a wrong one says nothing against the binding.
    if binding.is_some() && matches!(finished, Ok(_) | Err(ScramError::Proof)) {
        connection.recorder.event(Event::BindingMatches);
    }
    match finished {
        Ok(message) => {
            connection.wire.send(&backend::authentication(auth::SASL_FINAL, message.as_bytes()))?;
            Ok(Ok(()))
        }
        Err(error) => Ok(Err(error)),
    }
}

/// Fresh bytes for salts and nonces.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // A salt of zeros would be no harm in a server that guards nothing.
    let _ = aws_lc_rs::default_provider().secure_random.fill(&mut bytes);
    bytes
}
