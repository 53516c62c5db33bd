//! I/O by completion with compio (io_uring, IOCP or polling). An operation owns its buffer until it completes.
//!
//! ```sh
//! cargo run -p pgtls-examples --example completion -- "host=localhost user=me sslmode=require"
//! ```

use compio::{
    BufResult,
    io::{AsyncRead, AsyncWriteExt},
    net::TcpStream,
    runtime::spawn_blocking,
    time::timeout_at,
};
use pgtls_adapter::{ByteAction, ByteConnection, ByteStream, Config, ConnectError, Connected};
use pgtls_core::{
    connect::{Address, Peer},
    param::{Ability, Settings},
};
use pgtls_examples::{
    DisplayError,
    login::{Answer, Login},
    messages::query,
};
use pgtls_startup::TERMINATE;
use std::{
    io::{self, ErrorKind, Write},
    net::ToSocketAddrs,
    sync::Arc,
    task::Poll,
    time::Instant,
};

#[compio::main]
async fn main() -> Result<(), DisplayError> {
    let conninfo = std::env::args().nth(1).ok_or("usage: completion CONNINFO")?;
    let environment = pgtls_os::environment()?;
    let params = pgtls_os::params(&Settings::parse(&conninfo)?, &environment, Ability::default())?;
    let config = Arc::new(Config::new(params, environment, pgtls_rustls::aws_lc_rs()));
    let (mut tcp, Connected { mut stream, .. }) = connect(config).await?;

    stream.write_all(&query("SELECT 1"))?;
    let mut answer = Answer::default();
    let value = loop {
        match answer.read(&mut stream) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            value => break value?,
        }
        if let Some(written) = write(&mut tcp, stream.outgoing()).await {
            stream.written(written);
        }
        let BufResult(read, buffer) = tcp.read(Vec::with_capacity(stream.room())).await;
        stream.received(read.map(|_| buffer.as_slice()));
    };
    println!("{}: SELECT 1 is {value}", stream.encryption());
    stream.write_all(&TERMINATE)?;
    stream.close();
    write(&mut tcp, stream.outgoing()).await.transpose()?;
    Ok(())
}

/// Performs the actions of a connection until there is a session.
async fn connect(config: Arc<Config>) -> Result<(TcpStream, Connected<ByteStream, ()>), ConnectError> {
    let mut connection = ByteConnection::new(&config);
    let (mut socket, mut login) = (None, Login::default());
    loop {
        let action = connection.poll();
        let deadline = connection.deadline().instant();
        match action {
            ByteAction::Resolve { name, port } => {
                let task = move || (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
                connection.resolved(spawn_blocking(task).await.unwrap_or_else(|_| Err(lost())));
            }
            ByteAction::Run(task) => match within(deadline, spawn_blocking(|| task.run())).await {
                Ok(result) => connection.completed(result.map_err(|_| lost())),
                Err(passed) => connection.handle_timeout(passed),
            },
            ByteAction::Open => {
                (socket, login) = (None, Login::default());
                match within(deadline, open(connection.peer())).await {
                    Ok(opened) => connection.opened(opened.map(|tcp| socket = Some(tcp))),
                    Err(passed) => connection.handle_timeout(passed),
                }
            }
            ByteAction::Transfer { read } => {
                let Some(tcp) = &mut socket else { continue };
                let outgoing = connection.outgoing();
                let transfer = async {
                    let written = write(tcp, outgoing).await;
                    let received =
                        if read > 0 { Some(tcp.read(Vec::with_capacity(read)).await) } else { None };
                    (written, received)
                };
                match within(deadline, transfer).await {
                    Ok((written, received)) => {
                        if let Some(written) = written {
                            connection.written(written);
                        }
                        if let Some(BufResult(read, buffer)) = received {
                            connection.received(read.map(|_| buffer.as_slice()));
                        }
                    }
                    Err(passed) => connection.handle_timeout(passed),
                }
            }
            ByteAction::Startup => {
                if let Poll::Ready(outcome) = login.advance(&mut connection, &config.params) {
                    connection.finish_startup(outcome);
                }
            }
            ByteAction::Failed => return Err(connection.take_error()),
            // A socket of this program is TCP.
            ByteAction::CheckPeer => connection.peer_user(Err(ErrorKind::Unsupported.into())),
            _ => {
                if let (Some(tcp), Some(connected)) = (socket.take(), connection.take_session()) {
                    return Ok((tcp, connected));
                }
            }
        }
    }
}

async fn open(peer: Option<&Peer>) -> io::Result<TcpStream> {
    let Some(Address::Tcp(address)) = peer.and_then(|peer| peer.address.as_ref()) else {
        return Err(io::Error::new(ErrorKind::Unsupported, "this program supports TCP alone"));
    };
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

/// Writes all of these bytes, if there are any.
async fn write(tcp: &mut TcpStream, bytes: &[u8]) -> Option<io::Result<usize>> {
    if bytes.is_empty() {
        return None;
    }
    let BufResult(written, bytes) = tcp.write_all(bytes.to_vec()).await;
    Some(written.map(|()| bytes.len()))
}

/// The output of a future, or the deadline that has passed before.
async fn within<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Result<T, Instant> {
    match deadline {
        Some(deadline) => timeout_at(deadline, future).await.map_err(|_| deadline),
        None => Ok(future.await),
    }
}

fn lost() -> io::Error {
    io::Error::other("a thread has panicked")
}
