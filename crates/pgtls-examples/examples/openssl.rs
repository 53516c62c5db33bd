//! OpenSSL in the place of rustls: the core works with any TLS library that verifies certificates.
//!
//! ```sh
//! cargo run -p pgtls-examples --example openssl -- "host=localhost user=me sslmode=verify-full sslrootcert=root.crt"
//! ```
//!
//! OpenSSL verifies the chain, the core compares the name, and the machine demands the proof of both. The example supports
//! TCP alone, and no client certificates.

use openssl::ssl::{HandshakeError, Ssl, SslContext, SslMethod, SslStream, SslVerifyMode, SslVersion};
use pgtls_core::{
    connect::{Action, Connection, Input, MAX_RECEIVE, Options},
    files::{self, Loaded, Roots},
    message::ALPN_POSTGRESQL,
    name::{NameRules, NameVerified, match_host},
    negotiation::{Alpn, ChainVerified, TlsFacts, TlsFailure},
    param::{Ability, Params, Settings},
    policy::{Verification, verification},
    startup::ClientCertificate,
};
use pgtls_examples::{
    DisplayError,
    actions::perform,
    login::Answer,
    messages::query,
    socket::{TimedSocket, Wire as AnyWire},
};
use pgtls_startup::TERMINATE;
use pgtls_x509::presented_names;
use std::{
    error::Error,
    io::{self, ErrorKind, Write},
    time::Instant,
};

/// The present connection.
type Wire = AnyWire<SslStream<TimedSocket>>;

fn main() -> Result<(), DisplayError> {
    let conninfo = std::env::args().nth(1).ok_or("usage: openssl CONNINFO")?;
    let environment = pgtls_os::environment()?;
    let params = pgtls_os::params(&Settings::parse(&conninfo)?, &environment, Ability::default())?;
    let loaded = files::load(&params, &environment, &pgtls_os::Disk);
    let client = Client { params: &params, loaded: &loaded };

    let mut connection = Connection::new(&params, &environment, Options::default());
    let mut wire = Wire::None;
    let mut reply = [0; MAX_RECEIVE];
    let start = Instant::now();
    loop {
        let action = connection.poll(start.elapsed());
        let deadline = connection.deadline().map(|deadline| start + deadline);
        let input = match action {
            Action::StartTls { server_name, .. } => {
                let host = connection.peer().and_then(|peer| peer.host.as_deref());
                let name = server_name.map_err(|error| setup(&error));
                let facts = name.and_then(|name| client.start_tls(&mut wire, host, name.as_deref()));
                let certificate = ClientCertificate::NONE;
                match facts {
                    Ok(facts) => Input::TlsEstablished { facts, certificate },
                    Err((_, cause)) if cause.kind() == ErrorKind::TimedOut => Input::TimedOut,
                    Err((failure, cause)) => {
                        Input::TlsFailed { failure, certificate, alert: b"", cause: cause.into() }
                    }
                }
            }
            Action::Done(encryption) => {
                wire.end_startup(SslStream::get_mut);
                wire.write_all(&query("SELECT 1"))?;
                println!("{encryption}: SELECT 1 is {}", Answer::default().read(&mut wire)?);
                return Ok(wire.write_all(&TERMINATE)?);
            }
            Action::Failed => return Err(connection.take_error().into()),
            action => {
                let certificate = |tls: &SslStream<_>| tls.ssl().peer_certificate()?.to_der().ok();
                let channel = |wire: &Wire| wire.channel(certificate);
                perform(action, &mut connection, &mut wire, &params, deadline, (channel, &mut reply))
            }
        };
        connection.handle(input)?;
    }
}

/// A failure of TLS.
type Refused = (TlsFailure, io::Error);

fn setup(error: &dyn Error) -> Refused {
    (TlsFailure::Setup, io::Error::other(error.to_string()))
}

fn refused(error: &dyn Error) -> Refused {
    (TlsFailure::Handshake, io::Error::other(error.to_string()))
}

/// The parameters and files of TLS.
struct Client<'a> {
    params: &'a Params,
    loaded: &'a Loaded,
}

impl Client<'_> {
    /// Runs the handshake; the facts carry the proofs of OpenSSL and of the core.
    fn start_tls(
        &self,
        wire: &mut Wire,
        host: Option<&str>,
        name: Option<&str>,
    ) -> Result<TlsFacts, Refused> {
        let root = self.loaded.roots.presence();
        let wanted = match (verification(self.params.sslmode(), root), &self.loaded.roots) {
            (Some(wanted), _) => wanted,
            (None, Roots::Missing(error)) => return Err(setup(error)),
            (None, _) => return Err((TlsFailure::Setup, io::Error::other("there are no roots"))),
        };
        let ssl = self.ssl(name, wanted).map_err(|error| setup(&*error))?;
        let tcp = wire.take_plain().map_err(|error| (TlsFailure::Closed, error))?;
        let stream = ssl.connect(tcp).map_err(|error| match &error {
            HandshakeError::Failure(broken) => match broken.error().io_error() {
                Some(io) => (TlsFailure::Closed, io::Error::new(io.kind(), error.to_string())),
                None if broken.error().ssl_error().is_none() => {
                    (TlsFailure::Closed, io::Error::new(ErrorKind::UnexpectedEof, error.to_string()))
                }
                None => refused(&error),
            },
            _ => refused(&error),
        })?;
        // SSL_VERIFY_PEER: OpenSSL completes no handshake without a valid chain.
        let chain = (wanted != Verification::None).then(ChainVerified::assertion);
        let name = if wanted == Verification::Full { Some(self.match_name(&stream, host)?) } else { None };
        let alpn = match stream.ssl().selected_alpn_protocol() {
            None => Alpn::Absent,
            Some(ALPN_POSTGRESQL) => Alpn::Postgresql,
            Some(_) => Alpn::Other,
        };
        *wire = Wire::Encrypted(Box::new(stream));
        Ok(TlsFacts { alpn, root, chain, name })
    }

    fn ssl(&self, name: Option<&str>, wanted: Verification) -> Result<Ssl, Box<dyn Error>> {
        let mut context = SslContext::builder(SslMethod::tls_client())?;
        context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
        if wanted != Verification::None {
            match &self.loaded.roots {
                Roots::File(file) => context.set_ca_file(&file.path)?,
                _ => context.set_default_verify_paths()?,
            }
            context.set_verify(SslVerifyMode::PEER);
        }
        let mut ssl = Ssl::new(&context.build())?;
        if let Some(name) = name {
            ssl.set_hostname(name)?;
        }
        let length = u8::try_from(ALPN_POSTGRESQL.len())?;
        ssl.set_alpn_protos(&[&[length], ALPN_POSTGRESQL].concat())?;
        Ok(ssl)
    }

    /// Compares the name by libpq's rules, which differ from those of OpenSSL.
    fn match_name(
        &self,
        stream: &SslStream<TimedSocket>,
        host: Option<&str>,
    ) -> Result<NameVerified, Refused> {
        let certificate = stream.ssl().peer_certificate();
        let der = certificate.map(|certificate| certificate.to_der()).transpose();
        let der = der.map_err(|error| refused(&error))?.unwrap_or_default();
        let names = presented_names(&der).map_err(|error| refused(&error))?;
        match_host(host, &names.peer_names(), NameRules::default(), self.params.hardening())
            .map(|matched| matched.proof())
            .map_err(|error| refused(&error))
    }
}
