//! Sessions inside GSSAPI encryption, with a script in the place of Kerberos on both sides.

use pgtls_core::{
    environment::{Environment, Platform},
    message::GSSENC_REQUEST,
    param::{Params, Settings},
    policy::GssCredentials,
};
use pgtls_embedder::{Connection, Gss, Wrap, ability, connect};
use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// A client that says nothing for so long never will.
const PATIENCE: Duration = Duration::from_secs(30);
/// What both sides send in the handshake.
const TOKEN: &[u8; 5] = b"token";

/// What the server does with one connection after the other.
#[derive(Clone, Copy, Debug)]
enum Server {
    /// Agrees to GSSAPI encryption and lets the client in.
    Accepts,
    /// Agrees, and rejects the client inside.
    Rejects,
    /// Agrees, and hangs up in the middle of the handshake.
    HangsUp,
    /// Agrees, and sends more in clear with its reply.
    SaysMore,
    /// Lets the client in, in clear.
    Plain,
}

#[test]
fn sessions_inside_gssapi() {
    use Server::{Accepts, HangsUp, Plain, Rejects, SaysMore};
    let rows: &[(&str, &[Server], &str, &str)] = &[
        // The strictest mode is content: there is no TLS, and no certificate to verify.
        ("prefer sslmode=verify-full", &[Accepts], "gss", "connect gssaccept authok"),
        ("require sslmode=disable", &[Accepts], "gss", "connect gssaccept authok"),
        ("prefer sslmode=disable", &[Rejects, Plain], "plain", "connect gssaccept authfail reconnect authok"),
        ("require sslmode=disable", &[Rejects], "fail", "connect gssaccept authfail"),
        ("prefer sslmode=allow", &[HangsUp, Plain], "plain", "connect gssaccept gssfail reconnect authok"),
        ("require sslmode=allow", &[HangsUp], "fail", "connect gssaccept gssfail"),
        // Plaintext came with the reply, and the handshake succeeds.
        ("prefer sslmode=prefer", &[SaysMore], "fail", "connect gssaccept extrabytes"),
        ("disable sslmode=disable", &[Plain], "plain", "connect authok"),
    ];
    for (modes, servers, outcome, events) in rows {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let servers = servers.to_vec();
        let serving = thread::spawn(move || {
            for server in &servers {
                let (mut socket, _) = listener.accept().unwrap();
                socket.set_read_timeout(Some(PATIENCE)).unwrap();
                serve(*server, &mut socket).unwrap_or_else(|error| panic!("{server:?}: {error}"));
            }
        });
        let text = format!("host=h hostaddr=127.0.0.1 port={port} user=u gssencmode={modes}");
        let environment = Environment::empty(Platform::Unix);
        let settings = Settings::parse(&text).unwrap();
        let params = Params::resolve(&settings, None, &environment, ability()).unwrap();
        let came = connect(&params, &environment, &Scripted).unwrap();
        let words: Vec<_> = came.events.iter().map(ToString::to_string).collect();
        assert_eq!(words.join(" "), *events, "{modes}: {:?}", came.session);
        assert_eq!(came.session.map_or("fail", |encryption| encryption.as_str()), *outcome, "{modes}");
        serving.join().unwrap();
    }
}

fn serve(server: Server, socket: &mut TcpStream) -> io::Result<()> {
    const AUTH_OK: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    const ERROR: &[u8] = b"E\0\0\0\x13SFATAL\0C28000\0\0";
    let mut head = [0; 8];
    socket.read_exact(&mut head)?;
    if matches!(server, Server::Plain) {
        assert_eq!(head[4..], [0, 3, 0, 0], "a StartupMessage");
        socket.write_all(AUTH_OK)?;
        return listen_to_the_end(socket);
    }
    assert_eq!(head, GSSENC_REQUEST);
    socket.write_all(if matches!(server, Server::SaysMore) { b"GR" } else { b"G" })?;
    let mut token = [0; TOKEN.len()];
    socket.read_exact(&mut token)?;
    assert_eq!(&token, TOKEN);
    if matches!(server, Server::HangsUp) {
        return Ok(());
    }
    socket.write_all(TOKEN)?;
    if matches!(server, Server::SaysMore) {
        return listen_to_the_end(socket);
    }
    let mut startup = vec![0; 8];
    socket.read_exact(&mut startup)?;
    assert_eq!(Toy.unwrap(&startup)[4..], [0, 3, 0, 0], "a StartupMessage, and not in clear");
    socket.write_all(&Toy.wrap(if matches!(server, Server::Rejects) { ERROR } else { AUTH_OK }))?;
    listen_to_the_end(socket)
}

/// What was sent is not lost to a reset then.
fn listen_to_the_end(socket: &mut TcpStream) -> io::Result<()> {
    socket.shutdown(std::net::Shutdown::Write)?;
    while socket.read(&mut [0; 512])? > 0 {}
    Ok(())
}

/// Has credentials, and a handshake of one token each way.
struct Scripted;

impl Gss for Scripted {
    fn credentials(&self) -> GssCredentials {
        GssCredentials::Held
    }

    fn shake_hands(&self, server: &mut dyn Connection) -> Result<Box<dyn Wrap>, String> {
        let mut token = [0; TOKEN.len()];
        let shaken = server.write_all(TOKEN).and_then(|()| server.read_exact(&mut token));
        shaken.map_err(|error| error.to_string())?;
        Ok(Box::new(Toy))
    }
}

/// Makes bytes unlike themselves, which is all that has to be seen here.
struct Toy;

impl Wrap for Toy {
    fn wrap(&mut self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().map(|byte| byte ^ 0xaa).collect()
    }

    fn unwrap(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.wrap(bytes)
    }
}
