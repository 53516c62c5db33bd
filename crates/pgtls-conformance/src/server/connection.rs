//! One connection from its first byte to its last, as a behaviour has it.

mod handshake;

use self::handshake::ALERT;
use super::{
    answer::{AfterTls, Alpn, DirectAnswer, Greeting, GssAnswer, SqlState, SslAnswer},
    backend,
    behaviour::Behaviour,
    login,
    record::{CancelRecord, Channel, ClearMessage, Event, Recorder},
    tls::Prepared,
    wire::{Gone, MAX_MESSAGE, Wire},
};
use pgtls_core::{
    accept::{Accepted, Acceptor, Rejection, ServerAbility},
    message::{ALPN_POSTGRESQL, CancelRequest, StartupMessage, TLS_HANDSHAKE},
    negotiation::{Alpn as CoreAlpn, Encryption, Request},
};
use std::{thread, time::Duration};

/// How late the late answer to SSLRequest is.
const LATE: Duration = Duration::from_millis(400);
/// Bytes of an ErrorResponse that is cut off.
const PARTIAL: usize = 9;

/// One connection.
pub(super) struct Connection<'a> {
    pub(super) wire: Wire,
    pub(super) behaviour: &'a Behaviour,
    pub(super) prepared: &'a Prepared,
    pub(super) recorder: Recorder,
}

impl Connection<'_> {
    /// Serves the client until one of the two has had enough.
    pub(super) fn serve(mut self) {
        let (Ok(gone) | Err(gone)) = self.greet().and_then(|()| self.in_clear());
        if let Gone::Tls(reason) = gone {
            self.recorder.note(|seen| seen.tls_failure = Some(reason));
        }
    }

    fn greet(&mut self) -> Result<(), Gone> {
        match self.behaviour.greeting {
            Greeting::Wait => Ok(()),
            Greeting::Close => {
                self.recorder.event(Event::Dropped);
                Err(self.wire.linger())
            }
            Greeting::Reset => {
                self.recorder.event(Event::Dropped);
                Err(self.wire.reset())
            }
            Greeting::Banner => self.wire.send(b"220 mail.test ESMTP\r\n"),
            Greeting::Http => {
                // A client may hang up before it has read all of it.
                self.recorder.event(Event::BadReply);
                self.wire.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
                Err(self.wire.linger())
            }
        }
    }

    /// Everything before TLS, and all of it when there is none.
    fn in_clear(&mut self) -> Result<Gone, Gone> {
        let direct = self.wire.peek()? == TLS_HANDSHAKE;
        let mut acceptor = Acceptor::new(ServerAbility {
            // A script may refuse the one way to TLS and grant the other.
            tls: direct || self.behaviour.sslrequest.grants(),
            gss: self.behaviour.gssencrequest.grants(),
        });
        loop {
            match self.next(&mut acceptor)? {
                Accepted::Ssl(_) | Accepted::Refuse(Request::Ssl, _) => {
                    self.note_request(ClearMessage::SslRequest, &acceptor);
                    self.answer_ssl()?;
                }
                Accepted::Gss(_) | Accepted::Refuse(Request::Gss, _) => {
                    self.note_request(ClearMessage::GssEncRequest, &acceptor);
                    self.answer_gss()?;
                }
                Accepted::DirectTls => {
                    self.recorder.note(|seen| seen.clear.push(ClearMessage::ClientHello));
                    self.wire.put_back(&acceptor.take_rest());
                    self.answer_direct()?;
                }
                Accepted::Startup(message) => {
                    self.recorder.note(|seen| seen.clear.push(ClearMessage::StartupMessage));
                    self.wire.put_back(&acceptor.take_rest());
                    return self.start_up(&message, Channel::Plain);
                }
                Accepted::Cancel(request) => {
                    self.recorder.note(|seen| seen.clear.push(ClearMessage::CancelRequest));
                    self.note_cancel(&request, Channel::Plain);
                    return Ok(self.wire.linger());
                }
                Accepted::Reject(rejection) => return self.reject(rejection),
                other => return Err(unknown(&other)),
            }
            if let Some(tls) = self.wire.tls() {
                let alpn = match (tls.alpn_protocol(), self.behaviour.clienthello) {
                    // Such a script wants to see what the client does next.
                    (_, DirectAnswer::NoAlpn | DirectAnswer::WrongAlpn) | (Some(ALPN_POSTGRESQL), _) => {
                        CoreAlpn::Postgresql
                    }
                    (Some(_), _) => CoreAlpn::Other,
                    (None, _) => CoreAlpn::Absent,
                };
                return match acceptor.encrypted(Encryption::Ssl, alpn) {
                    Ok(()) => self.inside_tls(acceptor),
                    Err(rejection) => self.reject(rejection),
                };
            }
        }
    }

    /// Reads until the acceptor knows what the client wants.
    fn next(&mut self, acceptor: &mut Acceptor) -> Result<Accepted, Gone> {
        if let Some(accepted) = acceptor.poll() {
            return Ok(accepted);
        }
        loop {
            self.wire.peek()?;
            if let Some(accepted) = acceptor.received(&self.wire.take(usize::MAX)) {
                return Ok(accepted);
            }
        }
    }

    /// Turns a client away that broke the rules, in PostgreSQL's way.
    fn reject(&mut self, rejection: Rejection) -> Result<Gone, Gone> {
        if let Rejection::UnencryptedData(request) = rejection {
            let message = match request {
                Request::Ssl => ClearMessage::SslRequest,
                Request::Gss => ClearMessage::GssEncRequest,
            };
            self.recorder.note(|seen| {
                seen.clear.push(message);
                seen.pipelined = true;
            });
        }
        if let Some(state) = rejection.sqlstate().and_then(|state| state.parse().ok()) {
            self.wire.send(&backend::fatal(state, &rejection.to_string()))?;
        }
        Ok(self.wire.bye())
    }

    /// A request, and whether more came before its answer was sent.
    fn note_request(&self, message: ClearMessage, acceptor: &Acceptor) {
        self.recorder.note(|seen| {
            seen.clear.push(message);
            seen.pipelined |= acceptor.has_rest();
        });
    }

    fn note_cancel(&self, request: &CancelRequest, channel: Channel) {
        let seen = CancelRecord { process_id: request.process_id(), key: request.key().to_vec() };
        self.recorder.note(|connection| connection.cancel = Some(seen));
        self.recorder.event(Event::Cancel(channel));
    }

    /// TLS is up afterwards, or the client may go on in clear.
    fn answer_ssl(&mut self) -> Result<(), Gone> {
        let too_many = || backend::fatal(SqlState::TOO_MANY_CONNECTIONS, "sorry, too many clients already");
        let authentication_ok = || backend::authentication(backend::auth::OK, &[]);
        match self.behaviour.sslrequest {
            SslAnswer::Accept => self.accept_ssl(b"S"),
            SslAnswer::AcceptLate => {
                thread::sleep(LATE);
                self.accept_ssl(b"S")
            }
            SslAnswer::AcceptExtra => self.accept_ssl(&[b"S", &authentication_ok()[..]].concat()),
            SslAnswer::AcceptGarbage => {
                self.say(Event::SslAccept, b"S")?;
                self.read_hello()?;
                self.wire.send(b"this is not a TLS server, really\r\n")?;
                Err(self.wire.linger())
            }
            SslAnswer::AcceptClose => Err(self.last_word(Event::SslAccept, b"S")),
            SslAnswer::AcceptReset => {
                self.say(Event::SslAccept, b"S")?;
                self.read_hello()?;
                Err(self.wire.reset())
            }
            SslAnswer::Reject => self.say(Event::SslReject, b"N"),
            SslAnswer::RejectExtra => self.say(Event::SslReject, &[b"N", &authentication_ok()[..]].concat()),
            SslAnswer::RejectClose => Err(self.last_word(Event::SslReject, b"N")),
            SslAnswer::ErrorV3 => Err(self.last_word(Event::BackendError, &too_many())),
            SslAnswer::ErrorV3Partial => {
                let error = too_many();
                Err(self.last_word(Event::BackendError, error.get(..PARTIAL).unwrap_or(&error)))
            }
            SslAnswer::ErrorV2 => {
                let text =
                    b"EFATAL:  unsupported frontend protocol 1234.5679: server supports 1.0 to 3.0\n\0";
                Err(self.last_word(Event::V2Error, text))
            }
            SslAnswer::ErrorV2Long => {
                let text = [&b"Efork failed: "[..], &b"x".repeat(9000), b"\n\0"].concat();
                Err(self.last_word(Event::V2Error, &text))
            }
            SslAnswer::Close => Err(self.last_word(Event::Dropped, b"")),
            SslAnswer::Reset => {
                self.recorder.event(Event::Dropped);
                Err(self.wire.reset())
            }
            SslAnswer::Hang => Err(self.wire.ignore()),
            SslAnswer::Byte(byte) => Err(self.last_word(Event::BadReply, &[byte.0])),
        }
    }

    fn accept_ssl(&mut self, answer: &[u8]) -> Result<(), Gone> {
        self.say(Event::SslAccept, answer)?;
        self.handshake(self.behaviour.tls.alpn)
    }

    /// GSSAPI itself is not spoken: no answer leads to an encrypted session.
    fn answer_gss(&mut self) -> Result<(), Gone> {
        match self.behaviour.gssencrequest {
            GssAnswer::Reject => self.say(Event::GssReject, b"N"),
            GssAnswer::Accept => {
                self.say(Event::GssAccept, b"G")?;
                self.wire.receive()?;
                Err(self.wire.linger())
            }
            GssAnswer::AcceptClose => Err(self.last_word(Event::GssAccept, b"G")),
            GssAnswer::ErrorV3 => {
                let error =
                    backend::fatal(SqlState::NOT_SUPPORTED, "unsupported frontend protocol 1234.5680");
                Err(self.last_word(Event::BackendError, &error))
            }
            GssAnswer::Close => Err(self.last_word(Event::Dropped, b"")),
            GssAnswer::Byte(byte) => Err(self.last_word(Event::BadReply, &[byte.0])),
        }
    }

    fn answer_direct(&mut self) -> Result<(), Gone> {
        let alpn = match self.behaviour.clienthello {
            DirectAnswer::Accept => self.behaviour.tls.alpn,
            DirectAnswer::NoAlpn => Alpn::None,
            DirectAnswer::WrongAlpn => Alpn::Wrong,
            turned_away => {
                self.read_hello()?;
                return Err(match turned_away {
                    DirectAnswer::Reset => {
                        self.recorder.event(Event::DirectSslReject);
                        self.wire.reset()
                    }
                    DirectAnswer::Alert => self.last_word(Event::DirectSslReject, ALERT),
                    DirectAnswer::PlainError => {
                        let error =
                            backend::fatal(SqlState::PROTOCOL_VIOLATION, "invalid length of startup packet");
                        self.last_word(Event::DirectSslReject, &error)
                    }
                    DirectAnswer::Hang => self.wire.ignore(),
                    DirectAnswer::Close
                    | DirectAnswer::Accept
                    | DirectAnswer::NoAlpn
                    | DirectAnswer::WrongAlpn => self.last_word(Event::DirectSslReject, b""),
                });
            }
        };
        self.recorder.event(Event::DirectSslAccept);
        self.handshake(alpn)
    }

    fn inside_tls(&mut self, mut acceptor: Acceptor) -> Result<Gone, Gone> {
        match self.behaviour.tls.after {
            AfterTls::Continue => {}
            AfterTls::Close | AfterTls::Reset => {
                // Only a client that has begun to send has surely finished its handshake.
                self.wire.need(1)?;
                self.recorder.event(Event::Dropped);
                let reset = self.behaviour.tls.after == AfterTls::Reset;
                return Ok(if reset { self.wire.reset() } else { self.wire.bye() });
            }
        }
        loop {
            match self.next(&mut acceptor)? {
                Accepted::Startup(message) => {
                    self.wire.put_back(&acceptor.take_rest());
                    return self.start_up(&message, Channel::Ssl);
                }
                Accepted::Cancel(request) => {
                    self.note_cancel(&request, Channel::Ssl);
                    return Ok(self.wire.bye());
                }
                // There is no TLS inside TLS.
                Accepted::Refuse(Request::Ssl, answer) => self.say(Event::SslReject, &[answer])?,
                Accepted::Refuse(Request::Gss, answer) => self.say(Event::GssReject, &[answer])?,
                Accepted::Reject(rejection) => return self.reject(rejection),
                other => return Err(unknown(&other)),
            }
        }
    }

    fn start_up(&mut self, packet: &StartupMessage, channel: Channel) -> Result<Gone, Gone> {
        self.recorder.note(|seen| {
            seen.startup_channel = Some(channel);
            seen.startup_version = Some(format!("{}.{}", packet.version >> 16, packet.version & 0xFFFF));
            seen.startup.clone_from(&packet.pairs);
        });
        let answer = match channel {
            Channel::Plain => self.behaviour.plain,
            Channel::Ssl => self.behaviour.encrypted,
        };
        match login::log_in(self, answer, packet, channel)? {
            login::Outcome::In => {}
            login::Outcome::Out => return Ok(self.wire.bye()),
        }
        self.recorder.note(|seen| seen.session = Some(channel));
        self.recorder.event(Event::AuthOk);
        self.wire.send(&backend::authentication(backend::auth::OK, &[]))?;
        self.wire.send(&backend::session(login::user(packet)))?;
        self.queries()
    }

    fn queries(&mut self) -> Result<Gone, Gone> {
        loop {
            let (kind, body) = self.message()?;
            let Some(reply) = backend::reply(kind, &body) else {
                self.recorder.note(|seen| seen.terminated = kind == b'X');
                return Ok(self.wire.bye());
            };
            self.wire.send(&reply)?;
        }
    }

    /// The next message of the client: type and body.
    pub(super) fn message(&mut self) -> Result<(u8, Vec<u8>), Gone> {
        let header = self.wire.need(5)?;
        let (kind, length) = match header.as_slice() {
            &[kind, a, b, c, d] => (kind, u32::from_be_bytes([a, b, c, d])),
            _ => return Err(Gone::Closed),
        };
        let length = usize::try_from(length).map_err(|_| Gone::TooMuch)?;
        if length > MAX_MESSAGE {
            return Err(Gone::TooMuch);
        }
        Ok((kind, self.wire.need(length.saturating_sub(4))?))
    }

    fn say(&mut self, event: Event, bytes: &[u8]) -> Result<(), Gone> {
        self.recorder.event(event);
        self.wire.send(bytes)
    }

    /// Says this and nothing more.
    fn last_word(&mut self, event: Event, bytes: &[u8]) -> Gone {
        match self.say(event, bytes) {
            Ok(()) => self.wire.linger(),
            Err(gone) => gone,
        }
    }
}

/// The acceptor may learn to say more; a script knows no answer to it.
fn unknown(accepted: &Accepted) -> Gone {
    Gone::Tls(format!("the server has no answer to {accepted:?}"))
}
