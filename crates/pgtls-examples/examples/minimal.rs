//! A blocking driver from a connection string to `SELECT 1`, on the machine of the core and rustls.
//!
//! ```sh
//! cargo run -p pgtls-examples --example minimal -- "host=localhost user=me sslmode=verify-full sslrootcert=root.crt"
//! ```
//!
//! It prints the encryption of the session and the answer of the server. It supports TCP alone.

use pgtls_core::{
    connect::{Action, Connection, MAX_RECEIVE, Options},
    files,
    param::{Ability, Settings},
};
use pgtls_examples::{
    DisplayError,
    actions::{TlsStream, perform, start_tls},
    login::Answer,
    messages::query,
    socket::Wire as AnyWire,
};
use pgtls_rustls::{Connector, TlsOptions, clock};
use pgtls_startup::TERMINATE;
use std::{
    io::Write,
    time::{Duration, Instant},
};

/// The present connection.
type Wire = AnyWire<TlsStream>;

fn main() -> Result<(), DisplayError> {
    let conninfo = std::env::args().nth(1).ok_or("usage: minimal CONNINFO")?;

    // Parameters: the string, the service file, the environment, libpq's defaults.
    let environment = pgtls_os::environment()?;
    let params = pgtls_os::params(&Settings::parse(&conninfo)?, &environment, Ability::default())?;

    // Roots, CRLs and identity. libpq reads them when TLS starts; a program may read them once.
    let loaded = files::load(&params, &environment, &pgtls_os::Disk);
    let now = clock(|| Duration::from_secs(pgtls_os::unix_time()));
    let tls = TlsOptions::new(pgtls_rustls::aws_lc_rs(), now);
    let connector = Connector::new(&params, &loaded, &tls);

    let mut options = Options::default();
    options.seed = tls.seed();
    let mut connection = Connection::new(&params, &environment, options);
    let mut wire = Wire::None;
    let mut reply = [0; MAX_RECEIVE];
    let start = Instant::now();
    loop {
        let action = connection.poll(start.elapsed());
        let deadline = connection.deadline().map(|deadline| start + deadline);
        let input = match action {
            Action::StartTls { .. } => start_tls(&connection, &mut wire, &connector, Box::new),
            Action::Done(encryption) => {
                wire.end_startup(|tls| &mut tls.sock);
                wire.write_all(&query("SELECT 1"))?;
                println!("{encryption}: SELECT 1 is {}", Answer::default().read(&mut wire)?);
                return Ok(wire.write_all(&TERMINATE)?);
            }
            Action::Failed => return Err(connection.take_error().into()),
            action => {
                let certificate = |tls: &TlsStream| Some(tls.conn.peer_certificates()?.first()?.to_vec());
                let channel = |wire: &Wire| wire.channel(certificate);
                perform(action, &mut connection, &mut wire, &params, deadline, (channel, &mut reply))
            }
        };
        connection.handle(input)?;
    }
}
