//! tokio-postgres against scripted servers: what its own errors do not say, and still has to be decided as libpq does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up has failed")]

use pgtls_conformance::{
    pki::Pki,
    server::{Behaviour, Script, Server},
};
use pgtls_core::{
    environment::{Environment, Platform},
    negotiation::{Encryption, Failure},
    param::{Ability, Params, Settings},
    startup::Refusal,
};
use pgtls_tokio_postgres::{Config, ConnectError, DriverConfig, Error, Session, connect_with};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};

static PKI: LazyLock<Arc<Pki>> = LazyLock::new(|| Arc::new(Pki::open()));
/// A deadline that no working machine reaches.
const PATIENCE: Duration = Duration::from_secs(60);

fn server(behaviour: &str, certificate: &str) -> Server {
    let behaviour = Behaviour::named(behaviour).unwrap().with_certificate(certificate);
    Server::builder(Script::always(behaviour), PKI.clone()).start().unwrap()
}

fn config(conninfo: &str) -> Arc<Config> {
    let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
    let settings = Settings::parse(conninfo).unwrap();
    let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
    Arc::new(Config::new(params, environment, pgtls_rustls::aws_lc_rs()))
}

async fn connect(conninfo: &str) -> Result<Session, ConnectError> {
    match timeout(PATIENCE, connect_with(&config(conninfo))).await.unwrap() {
        Ok(session) => Ok(session),
        Err(Error::Connect(error)) => Err(*error),
        Err(other) => panic!("{other}"),
    }
}

async fn connect_to(server: &Server, more: &str) -> Result<Session, ConnectError> {
    connect(&format!("host=db.test {} password=secret {more}", server.listen().conninfo())).await
}

/// What the client said about channel binding, on the last connection.
fn gs2(server: &Server) -> Option<String> {
    assert!(
        server
            .log()
            .wait_until(PATIENCE, |all| all.last().is_some_and(|last| last.session.is_some() || last.ended))
    );
    server.log().connections().pop().unwrap().gs2
}

#[tokio::test]
async fn scram_is_bound_to_the_certificate() {
    let bound = server("scram-plus", "good");
    connect_to(&bound, "sslmode=require channel_binding=require").await.unwrap();
    assert_eq!(gs2(&bound).as_deref(), Some("p=tls-server-end-point"));
    assert!(bound.log().words().contains(&"cbind-ok".to_owned()));
    connect_to(&bound, "sslmode=require channel_binding=disable").await.unwrap();
    assert_eq!(gs2(&bound).as_deref(), Some("n"));

    let unbound = server("scram", "good");
    connect_to(&unbound, "sslmode=require").await.unwrap();
    assert_eq!(gs2(&unbound).as_deref(), Some("y"));
    let error = connect_to(&unbound, "sslmode=require channel_binding=require").await.unwrap_err();
    assert!(matches!(error.last().unwrap().failure, Some(Failure::LocalRefusal(Refusal::ChannelBinding(_)))));
}

#[tokio::test]
async fn nothing_is_bound_to_a_certificate_without_a_digest() {
    let bound = server("scram-plus", "selfsigned-ed25519");
    for binding in ["prefer", "require"] {
        let error =
            connect_to(&bound, &format!("sslmode=require channel_binding={binding}")).await.unwrap_err();
        assert_eq!(error.last().unwrap().failure, Some(Failure::LocalRefusal(Refusal::Exchange)), "{error}");
        assert!(error.to_string().contains("could not find a digest"), "{error}");
    }
    assert!(!bound.log().words().iter().any(|word| word.starts_with("authsent")), "no proof was sent");
    connect_to(&bound, "sslmode=require channel_binding=disable").await.unwrap();
    assert_eq!(gs2(&bound).as_deref(), Some("n"));

    // Where it is not offered, libpq does not look for a digest.
    let unbound = server("scram", "selfsigned-ed25519");
    connect_to(&unbound, "sslmode=require").await.unwrap();
    assert_eq!(gs2(&unbound).as_deref(), Some("y"));
}

#[tokio::test]
async fn a_rejection_over_tls_is_followed_by_plaintext() {
    let server = server("password-thief", "good");
    let session = connect_to(&server, "sslmode=prefer").await.unwrap();
    assert_eq!(session.encryption, Encryption::Plain);
    assert_eq!(session.failed.len(), 1);
    // As libpq does; sslmode=require is the remedy.
    assert!(server.log().words().contains(&"authsent:cleartext-plain".to_owned()));
    connect_to(&server, "sslmode=require").await.unwrap_err();
}

#[tokio::test]
async fn the_next_host_is_tried() {
    let good = server("ok", "good");
    for (first, more) in [("starting-up", ""), ("hang", "connect_timeout=1")] {
        let first = server(first, "good");
        let hosts = format!(
            "host=a.test,b.test hostaddr=127.0.0.1,127.0.0.1 port={},{} sslmode=require {more}",
            first.port(),
            good.port()
        );
        let session = connect(&hosts).await.unwrap();
        assert_eq!(session.report.attempts.len(), 2, "{more}");
    }
}

#[tokio::test]
async fn a_method_that_may_not_be_asked_for_gets_no_password() {
    let server = server("cleartext", "good");
    let error = connect_to(&server, "sslmode=require require_auth=scram-sha-256").await.unwrap_err();
    assert!(matches!(error.last().unwrap().failure, Some(Failure::LocalRefusal(Refusal::AuthNotAllowed(_)))));
    assert!(!server.log().words().iter().any(|word| word.starts_with("authsent")));
}

/// tokio-postgres opens the connection, by the configuration that is derived for it.
async fn drive(server: &Server, more: &str) -> Result<(), String> {
    let conninfo = format!("host=db.test {} password=secret {more}", server.listen().conninfo());
    let driver = DriverConfig::new(config(&conninfo)).await.map_err(|error| error.to_string())?;
    let connected = timeout(PATIENCE, driver.connect()).await.unwrap();
    // The connector's error is the source of the driver's.
    connected.map(drop).map_err(|error| std::error::Error::source(&error).unwrap_or(&error).to_string())
}

#[tokio::test]
async fn the_driver_opens_connections_as_strictly_as_the_parameters() {
    let root = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(root.path(), PKI.root_file("root").unwrap()).unwrap();
    let verified = format!("sslmode=verify-full sslrootcert={}", root.path().display());
    for (parameters, behaviour, words) in [
        ("sslmode=disable", "ok", ["connect", "authok"].as_slice()),
        ("sslmode=prefer", "ok", &["connect", "sslaccept", "authok"]),
        ("sslmode=prefer", "plain-only", &["connect", "sslreject", "authok"]),
        ("sslmode=require", "ssl-only", &["connect", "sslaccept", "authok"]),
        ("sslmode=require sslnegotiation=direct", "direct-only", &["connect", "directsslaccept", "authok"]),
        (&verified, "ssl-only", &["connect", "sslaccept", "authok"]),
        ("sslmode=require target_session_attrs=read-write", "ssl-only", &["connect", "sslaccept", "authok"]),
    ] {
        let server = server(behaviour, "good");
        let driven = drive(&server, parameters).await;
        assert!(driven.is_ok(), "{parameters} at {behaviour}: {driven:?}");
        assert_eq!(server.log().words(), words, "{parameters} at {behaviour}");
    }
}

/// A server that answers `N` and asks for the password in clear. psql 15 and libpq 18 end with "server does not support SSL".
#[tokio::test]
async fn no_password_is_sent_in_clear() {
    let script = "[[connection]]\nsslrequest = \"reject\"\nplain = \"cleartext\"\n";
    for parameters in [
        "sslmode=require",
        "sslmode=verify-ca sslrootcert=/does/not/exist",
        "sslmode=require require_auth=scram-sha-256 channel_binding=require",
        "sslmode=require sslcertmode=require",
    ] {
        let server = Server::builder(script.parse().unwrap(), PKI.clone()).start().unwrap();
        let error = drive(&server, parameters).await.unwrap_err();
        assert!(error.contains("server does not support SSL"), "{parameters}: {error}");
        assert_eq!(server.log().words(), ["connect", "sslreject"], "{parameters}");
    }
    // Where plaintext is allowed, the driver enforces channel_binding by itself.
    let server = Server::builder(script.parse().unwrap(), PKI.clone()).start().unwrap();
    drive(&server, "sslmode=prefer channel_binding=require").await.unwrap_err();
    assert_eq!(server.log().words(), ["connect", "sslreject"]);
}

/// A configuration of another origin works with no server that has TLS, so that nobody comes to rely on it.
#[tokio::test]
async fn a_connector_needs_its_configuration() {
    let server = server("ok", "good");
    let conninfo = format!("host=db.test {} sslmode=require", server.listen().conninfo());
    let (derived, tls) = DriverConfig::new(config(&conninfo)).await.unwrap().into_parts();
    timeout(PATIENCE, derived.connect(tls.clone())).await.unwrap().map(drop).unwrap();
    let foreign = format!("host=db.test hostaddr=127.0.0.1 port={} user=u", server.port());
    let connected = timeout(PATIENCE, tokio_postgres::connect(&foreign, tls)).await.unwrap();
    assert!(connected.is_err());
}

#[tokio::test]
async fn a_stream_enforces_what_the_driver_does_not() {
    for (behaviour, parameters, words) in [
        ("cleartext", "require_auth=scram-sha-256", ["connect", "sslaccept"].as_slice()),
        ("cleartext", "channel_binding=require", &["connect", "sslaccept"]),
        ("ok", "require_auth=scram-sha-256", &["connect", "sslaccept", "authok"]),
        ("ok", "sslcertmode=require", &["connect", "sslaccept", "authok"]),
    ] {
        let server = server(behaviour, "good");
        let driven = drive(&server, &format!("sslmode=require {parameters}")).await;
        assert!(driven.is_err(), "{behaviour} {parameters}");
        assert!(server.log().settle(PATIENCE), "{behaviour} {parameters}");
        assert!(server.log().words().starts_with(&words.iter().map(ToString::to_string).collect::<Vec<_>>()));
        assert!(!server.log().words().iter().any(|word| word.starts_with("authsent")), "{parameters}");
    }
}

#[tokio::test]
async fn a_missing_password_is_told() {
    for method in ["cleartext", "md5", "scram"] {
        let server = server(method, "good");
        let error = connect(&format!("host=db.test {} sslmode=require", server.listen().conninfo()))
            .await
            .unwrap_err();
        assert_eq!(
            error.last().unwrap().failure,
            Some(Failure::LocalRefusal(Refusal::NoPassword)),
            "{error}"
        );
        assert!(error.to_string().contains("no password supplied"), "{error}");
    }
}

/// The warning about the password file is in the report of a session and of an error, and is observed first.
#[cfg(unix)]
#[tokio::test]
async fn a_password_file_that_is_not_used_is_a_warning() {
    use pgtls_core::connect::{Peer, Warning};
    use pgtls_tokio::Observation;
    use std::{os::unix::fs::PermissionsExt, sync::Mutex};

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let expected = [Warning::PassfilePermissions { path: path.clone(), mode: 0o644 }];
    for (behaviour, is_up) in [("ok", true), ("plain-only", false)] {
        let server = server(behaviour, "good");
        let conninfo = format!("host=db.test {} sslmode=require passfile={path}", server.listen().conninfo());
        let mut config = Config::clone(&config(&conninfo));
        let first = Arc::new(Mutex::new(None));
        let seen = first.clone();
        config.observer = Some(Arc::new(move |_: Option<&Peer>, observation: Observation<'_>| {
            seen.lock().unwrap().get_or_insert_with(|| format!("{observation:?}"));
        }));
        let outcome = timeout(PATIENCE, connect_with(&Arc::new(config))).await.unwrap();
        let report = match outcome {
            Ok(session) if is_up => session.report,
            Err(Error::Connect(error)) if !is_up => error.report,
            other => panic!("{behaviour}: {:?}", other.map(drop)),
        };
        assert_eq!(report.warnings.iter().filter(|warning| expected.contains(warning)).count(), 1);
        assert_eq!(first.lock().unwrap().as_deref(), Some(&*format!("Warning({:?})", expected[0])));
    }
}

#[cfg(all(feature = "deadpool", feature = "bb8"))]
#[tokio::test]
async fn pools_tell_what_was_wrong() {
    use pgtls_tokio_postgres::{bb8, deadpool};

    let server = server("plain-only", "good");
    let config = config(&format!("host=db.test {} sslmode=require", server.listen().conninfo()));
    let pool: ::deadpool::managed::Pool<_> =
        ::deadpool::managed::Pool::builder(deadpool::Manager::new(config.clone()))
            .max_size(1)
            .build()
            .unwrap();
    let Err(error) = timeout(PATIENCE, pool.get()).await.unwrap() else { panic!("there is no TLS") };
    assert!(error.to_string().contains("does not support SSL"), "{error}");

    let manager = bb8::Manager::new(config);
    let outcome = timeout(PATIENCE, ::bb8::ManageConnection::connect(&manager)).await.unwrap();
    let Err(error) = outcome else { panic!("there is no TLS") };
    assert!(error.to_string().contains("does not support SSL"), "{error}");
}

/// `Display` prints the whole error. Its sources repeat nothing, except for the driver's own error.
#[tokio::test]
async fn sources_repeat_nothing() {
    let alert = server("tls-alert", "good");
    let good = server("ok", "good");
    let refusing = server("authfail", "good");
    let nowhere = "hostaddr=127.0.0.1 port=1".to_owned();
    for (place, parameters) in [
        (alert.listen().conninfo(), "sslmode=require"),
        (good.listen().conninfo(), "sslmode=verify-full sslrootcert=/nonexistent"),
        (good.listen().conninfo(), "sslmode=verify-full sslrootcert=/"),
        (refusing.listen().conninfo(), "sslmode=require"),
        (nowhere, ""),
        ("hostaddr=nonsense".to_owned(), ""),
    ] {
        let error = connect(&format!("host=db.test {place} {parameters}")).await.unwrap_err();
        let said = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(further) = source.filter(|source| !source.is::<tokio_postgres::Error>()) {
            assert!(!said.contains(&further.to_string()), "{said:?} and then {further}");
            source = further.source();
        }
    }
}

/// A server in clear that answers its first packet with these bytes and closes.
async fn answering(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut length = [0; 4];
            stream.read_exact(&mut length).await.unwrap();
            let mut rest = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap() - 4];
            stream.read_exact(&mut rest).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    port
}

fn error_response(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut body: Vec<u8> =
        fields.iter().flat_map(|(kind, value)| [&[*kind], *value, &[0]].concat()).collect();
    body.push(0);
    [b"E".as_slice(), &u32::try_from(body.len() + 4).unwrap().to_be_bytes(), &body].concat()
}

#[tokio::test]
async fn the_text_of_a_server_is_safe_to_print() {
    let fields: &[(u8, &[u8])] = &[
        (b'S', b"FATAL"),
        (b'V', b"FATAL"),
        (b'C', b"57P03"),
        (b'M', b"no\x1b[2J\nconnection\r to server \xff"),
        (b'D', "d\u{202e}etail".as_bytes()),
        (b'H', b"hint\x07"),
        (b'W', b"where\x7f"),
        (b'P', b"7"),
        (b'F', b"file\x1b"),
        (b'L', b"12"),
    ];
    let port = answering(error_response(fields)).await;
    let text = format!("hostaddr=127.0.0.1 port={port} sslmode=disable");
    let error = connect_with(&config(&text)).await.unwrap_err();
    let expected = format!(
        "connection to server at \"127.0.0.1\", port {port} failed: FATAL:  no [2J connection  to server \u{fffd}\n\
         DETAIL:  d etail\nHINT:  hint \nCONTEXT:  where "
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.sqlstate().unwrap().code(), "57P03");
    let of_driver = error.driver_error().unwrap().as_db_error().unwrap();
    assert_eq!((of_driver.line(), of_driver.file()), (Some(12), Some("file ")));
    assert_eq!(of_driver.position(), Some(&tokio_postgres::error::ErrorPosition::Original(7)));
    let mut source = std::error::Error::source(&error);
    while let Some(further) = source {
        assert!(!further.to_string().chars().any(|c| c.is_control() && c != '\n'), "{further:?}");
        source = further.source();
    }
    let of_driver = error.into_driver_error();
    assert_eq!(of_driver.code().unwrap().code(), "57P03");

    // As much as libpq reads before the login, and no more.
    let long = vec![b'x'; 40_000];
    let after_login = [
        b"R\0\0\0\x08\0\0\0\0".to_vec(),
        error_response(&[(b'S', b"FATAL"), (b'C', b"57P03"), (b'M', &long)]),
    ];
    let port = answering(after_login.concat()).await;
    let text = format!("hostaddr=127.0.0.1 port={port} sslmode=disable");
    let error = connect_with(&config(&text)).await.unwrap_err().to_string();
    let text = error.split_once(" failed: ").unwrap().1;
    assert_eq!(text.len(), pgtls_core::startup::MAX_SERVER_TEXT);
}

/// CVE-2024-10977.
#[tokio::test]
async fn text_before_tls_is_not_read() {
    let port = answering(error_response(&[(b'S', b"FATAL"), (b'C', b"57P03"), (b'M', b"forged")])).await;
    for more in ["sslmode=require", "sslmode=require target_session_attrs=read-write"] {
        let error =
            connect_with(&config(&format!("hostaddr=127.0.0.1 port={port} {more}"))).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("forged") && !text.contains("57P03"), "{text}");
        assert_eq!(error.sqlstate(), None);
        assert!(error.driver_error().is_none());
        let error = error.into_driver_error();
        assert_eq!(error.code(), None);
        assert!(Error::of(&error).unwrap().to_string().contains("error response during SSL"), "{error:?}");
    }
}
