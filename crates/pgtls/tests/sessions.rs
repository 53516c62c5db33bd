//! The same sessions, errors and cancel requests on each runtime, from the scripted server of the kit.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use pgtls::{
    AuthenticationMethod, Canceller, Config, ConfigBuilder, Encryption, Environment, Error, Failure,
    LibraryInit, Platform, Refusal, StartupContext, StartupError, Warning, async_std, blocking, tokio,
};
use pgtls_conformance::{
    pki::Pki,
    server::{Script, Server},
};
use std::{
    fs,
    io::{Read as _, Write as _},
    sync::Arc,
    time::Duration,
};

/// A deadline that no working machine reaches.
const PATIENCE: Duration = Duration::from_secs(60);

/// The SQLSTATE of a server in whose pg_hba.conf no line fits.
const REJECTED: &str = "28000";

/// A session as each runtime reports it.
#[derive(Debug)]
struct Facts {
    encryption: Encryption,
    authentication: AuthenticationMethod,
    canceller: Canceller,
    warnings: Vec<Warning>,
}

macro_rules! facts {
    ($session:expr) => {
        $session.map(|session| Facts {
            encryption: session.stream.encryption(),
            authentication: session.server.authentication,
            canceller: session.canceller().unwrap(),
            warnings: session.report.warnings.clone(),
        })
    };
}

/// Runs a future as a task on a runtime of several threads.
fn spawned<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = ::tokio::runtime::Runtime::new().unwrap();
    let task = async { ::tokio::time::timeout(PATIENCE, ::tokio::spawn(future)).await };
    runtime.block_on(task).unwrap().unwrap()
}

fn logins(config: &Config) -> [(&'static str, Result<Facts, Error>); 3] {
    [
        ("blocking", facts!(blocking::connect(config))),
        ("tokio", facts!(spawned(tokio::connect(config)))),
        ("async-std", facts!(smol::block_on(smol::spawn(async_std::connect(config))))),
    ]
}

fn server(settings: &str) -> Server {
    let script = format!("[[connection]]\n{settings}\n").parse::<Script>().unwrap();
    Server::builder(script, Arc::new(Pki::open())).start().unwrap()
}

/// The configuration for a server. This process's environment has no part in it.
fn config(server: &Server, parameters: &str) -> Config {
    let conninfo = format!("host=db.test {} user=u {parameters}", server.listen().conninfo());
    let builder = ConfigBuilder::new(&conninfo, pgtls::aws_lc_rs());
    let environment = Environment::empty(Platform::Unix);
    let init = LibraryInit { ssl: false, crypto: true };
    Config::new(builder.environment(environment).library_init(init)).unwrap()
}

#[test]
fn futures_can_be_sent_and_borrow_from_no_argument() {
    fn spawnable<F: Future + Send + 'static>(future: F) -> F {
        future
    }
    let conninfo = String::from("host=h user=u");
    let config = Config::new(&conninfo).unwrap();
    let canceller = || Canceller::new(&config, &peer(), pgtls::CancelRequest::new(1, &[0; 4]).unwrap());
    let futures = (
        spawnable(tokio::config(&conninfo)),
        spawnable(tokio::connect(&conninfo)),
        spawnable(tokio::connect_with(&config, tokio::log_in)),
        spawnable(tokio::cancel(&canceller())),
    );
    let more = (
        spawnable(async_std::config(&conninfo)),
        spawnable(async_std::connect(&conninfo)),
        spawnable(async_std::connect_with(&config, async_std::log_in)),
        spawnable(async_std::cancel(&canceller())),
    );
    drop((conninfo, config));
    drop((futures, more));
}

fn peer() -> pgtls::Peer {
    pgtls::Peer::new(0, None, pgtls::Address::Tcp(([127, 0, 0, 1], 1).into()))
}

#[test]
fn sessions_are_logged_in_and_can_be_cancelled() {
    for (settings, parameters, encryption, authentication) in [
        (
            "encrypted = \"scram-plus\"",
            "sslmode=require",
            Encryption::Ssl,
            AuthenticationMethod::ScramSha256Plus,
        ),
        ("encrypted = \"md5\"", "sslmode=require", Encryption::Ssl, AuthenticationMethod::Md5),
        ("plain = \"scram\"", "sslmode=disable", Encryption::Plain, AuthenticationMethod::ScramSha256),
        ("plain = \"trust\"", "sslmode=disable", Encryption::Plain, AuthenticationMethod::Trust),
    ] {
        let server = server(&format!("password = \"secret\"\n{settings}"));
        for (runtime, session) in logins(&config(&server, &format!("password=secret {parameters}"))) {
            let Facts { canceller, .. } =
                session.as_ref().unwrap_or_else(|error| panic!("{runtime}: {error}"));
            let cancelled = match runtime {
                "blocking" => blocking::cancel(canceller),
                "tokio" => spawned(tokio::cancel(canceller)),
                _ => smol::block_on(async_std::cancel(canceller)),
            };
            assert_eq!(cancelled.unwrap().encryption, encryption, "{runtime}");
            let facts = session.unwrap();
            assert_eq!((facts.encryption, facts.authentication), (encryption, authentication), "{runtime}");
        }
    }
}

#[test]
fn errors_have_the_server_s_words() {
    let server = server("encrypted = \"authfail\"");
    for (runtime, session) in logins(&config(&server, "sslmode=require")) {
        let error = session.unwrap_err();
        assert_eq!(error.sqlstate(), Some(REJECTED), "{runtime}: {error}");
        let server_error = error.server_error().unwrap_or_else(|| panic!("{runtime}: {error:?}"));
        assert_eq!(server_error.code(), REJECTED);
        assert!(error.to_string().contains(&server_error.message), "{runtime}: {error}");
        assert_eq!(error.attempts().len(), 1, "{runtime}");
        assert_eq!(error.report().unwrap().connections(), 1, "{runtime}");
    }
    // A driver's own exchange leaves the machine's record.
    let driver = |mut stream: blocking::Stream, at: StartupContext| {
        start_up(&mut stream, &at)?;
        Ok((stream, ()))
    };
    let error = blocking::connect_with(config(&server, "sslmode=require"), driver).unwrap_err();
    assert_eq!((error.sqlstate(), error.server_error()), (Some(REJECTED), None), "{error}");
    // Errors before any server.
    let error = Config::new("sslmode=no").unwrap_err();
    assert!(matches!(error, Error::Param(_)) && error.attempts().is_empty() && error.report().is_none());
    let without = LibraryInit { ssl: true, crypto: false };
    let builder = ConfigBuilder::new("host=h user=u", pgtls::ring()).library_init(without);
    assert!(matches!(Config::new(builder), Err(Error::NoDefaultProvider(_))));
}

/// A server that cannot accept connections now is followed by the next host, where nobody listens.
#[test]
fn a_server_s_error_stays_in_reach_of_later_attempts() {
    const CANNOT_CONNECT_NOW: &str = "57P03";
    let server = server(&format!("encrypted = \"error:{CANNOT_CONNECT_NOW}\""));
    let mut config = config(&server, "");
    let settings = format!(
        "host=db.test,db.test hostaddr=127.0.0.1,127.0.0.1 port={},1 user=u sslmode=require",
        server.port()
    );
    config.params = Config::new(&settings).unwrap().params.clone();
    for (runtime, session) in logins(&config) {
        let error = session.unwrap_err();
        let codes: Vec<_> = error.server_errors().map(pgtls::ServerError::code).collect();
        assert_eq!((error.attempts().len(), codes), (2, vec![CANNOT_CONNECT_NOW]), "{runtime}: {error}");
        assert_eq!((error.server_error(), error.sqlstate()), (None, None), "{runtime}: {error}");
    }
}

#[test]
#[cfg(unix)]
fn passwords_come_from_the_password_file() {
    use std::os::unix::fs::PermissionsExt;
    let server = server("encrypted = \"cleartext\"\npassword = \"secret\"");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passwords");
    fs::write(&file, "db.test:*:*:u:secret\n").unwrap();
    let config = config(&server, &format!("sslmode=require passfile={}", file.display()));
    for (mode, is_used) in [(0o600, true), (0o644, false)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        for (runtime, session) in logins(&config) {
            match session {
                Ok(facts) => assert!(is_used && facts.warnings.is_empty(), "{runtime}"),
                Err(error) => {
                    let failure = error.attempts().last().unwrap().failure;
                    assert_eq!(
                        failure,
                        Some(Failure::LocalRefusal(Refusal::NoPassword)),
                        "{runtime}: {error}"
                    );
                    assert!(!is_used && error.to_string().contains("has group or world access"), "{error}");
                }
            }
        }
    }
}

#[test]
fn drivers_run_their_own_exchange() {
    let server = server("encrypted = \"trust\"");
    let config = config(&server, "sslmode=require");
    let connected = blocking::connect_with(&config, |mut stream, at| {
        start_up(&mut stream, &at)?;
        assert_eq!(at.peer().host.as_deref(), Some("db.test"));
        Ok((Owned(stream), at.params().user().to_owned()))
    });
    let connected = connected.unwrap();
    assert_eq!((connected.value.as_str(), connected.stream.0.encryption()), ("u", Encryption::Ssl));
    // A driver that has sent nothing has no session, whatever it returns.
    let error = blocking::connect_with(&config, |stream, _at| Ok((stream, ()))).unwrap_err();
    assert_eq!(error.attempts().len(), 1, "{error}");

    let on_tokio =
        spawned(tokio::connect_with(&config, async |mut stream: tokio::Stream, at: StartupContext| {
            use ::tokio::io::{AsyncReadExt, AsyncWriteExt};
            let packet = packet(&at)?;
            stream.write_all(&packet).await?;
            stream.flush().await?;
            let mut message = Message::default();
            while !message.is_ready() {
                stream.read_exact(&mut message.head).await?;
                let mut body = vec![0; message.length()];
                stream.read_exact(&mut body).await?;
            }
            Ok((stream, ()))
        }));
    assert_eq!(on_tokio.unwrap().stream.encryption(), Encryption::Ssl);
}

/// A driver's own type in the place of the stream.
struct Owned(blocking::Stream);

#[derive(Default)]
struct Message {
    head: [u8; 5],
}

impl Message {
    fn is_ready(&self) -> bool {
        self.head[0] == b'Z'
    }

    fn length(&self) -> usize {
        let [_, length @ ..] = self.head;
        u32::from_be_bytes(length).saturating_sub(4) as usize
    }
}

fn packet(at: &StartupContext) -> Result<Vec<u8>, StartupError> {
    let version = at.params().max_protocol_version().number();
    Ok(pgtls_core::message::startup_message(version, at.params().startup_pairs())?)
}

fn start_up(stream: &mut blocking::Stream, at: &StartupContext) -> Result<(), StartupError> {
    stream.write_all(&packet(at)?)?;
    stream.flush()?;
    let mut message = Message::default();
    while !message.is_ready() {
        stream.read_exact(&mut message.head)?;
        stream.read_exact(&mut vec![0; message.length()])?;
    }
    Ok(())
}
