//! Connections to a server in this process, beside those of bare rustls.

use crate::measure;
use pgtls_bench::{
    bare,
    exchange::{Then, start_up, start_up_on_tokio},
    material::{HOST, Material},
    server::{self, RECORD},
};
use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, Params, Settings},
};
use pgtls_rustls::clock;
use rustls::ClientConfig;
use std::{
    io::{Read, Write as _},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::NamedTempFile;

/// Handshakes have random numbers in them, whose lengths differ by a byte or two.
const ROUNDS: usize = 5;

pub(crate) fn measure_all() {
    let material = Material::new();
    let address = server::start(material.server_config()).unwrap();
    for (roots, pem) in [("one-root", &material.root), ("bundle", &material.bundle())] {
        let file = file(pem);
        let config = config(address, file.path().to_str().unwrap());
        let bare_config = bare::config(pem);
        connect(&config, Then::Idle);
        bare::connect(address, &bare_config, Then::Idle).unwrap();
        for _ in 0..ROUNDS {
            measure(&format!("connect-bare-{roots}"), || {
                bare::connect(address, &bare_config, Then::Idle).unwrap()
            });
            measure(&format!("connect-std-{roots}"), || connect(&config, Then::Idle));
        }
        connect_on_tokio(address, roots, &bare_config, &config);
        if roots == "one-root" {
            records("bare", &mut bare::connect(address, &bare_config, Then::Source).unwrap());
            records("std", &mut connect(&config, Then::Source));
        }
    }
}

/// A runtime of one thread, which is counted. What tokio's threads for blocking work do is not: look at the files.
fn connect_on_tokio(
    address: SocketAddr,
    roots: &str,
    bare_config: &Arc<ClientConfig>,
    config: &pgtls_tokio::Config,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bare = || runtime.block_on(bare::connect_on_tokio(address, bare_config, Then::Idle)).unwrap();
    let ours = || {
        let startup =
            pgtls_tokio::connect(config, async |stream, _| Ok(start_up_on_tokio(stream, Then::Idle).await?));
        runtime.block_on(startup).unwrap().stream
    };
    drop((bare(), ours()));
    for _ in 0..ROUNDS {
        measure(&format!("connect-bare-tokio-{roots}"), bare);
        measure(&format!("connect-tokio-{roots}"), ours);
    }
}

fn records(adapter: &str, stream: &mut impl Read) {
    let mut record = vec![0; RECORD];
    stream.read_exact(&mut record).unwrap();
    for _ in 0..ROUNDS {
        measure(&format!("record-{adapter}"), || stream.read_exact(&mut record).unwrap());
    }
}

fn connect(config: &pgtls_std::Config, then: Then) -> pgtls_std::Stream {
    pgtls_std::connect(config, |stream, _| Ok(start_up(stream, then)?)).unwrap().stream
}

fn config(address: SocketAddr, roots: &str) -> pgtls_std::Config {
    let settings = Settings::parse(&format!(
        "host={HOST} hostaddr={} port={} user=bench sslmode=verify-full sslrootcert={roots}",
        address.ip(),
        address.port()
    ))
    .unwrap();
    let environment = Environment::empty(Platform::Unix);
    let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
    let mut config = pgtls_std::Config::new(params, environment, pgtls_rustls::aws_lc_rs());
    // Files that were not changed just now are looked at only.
    let later = || SystemTime::now() + Duration::from_secs(60);
    config.tls.clock = clock(move || later().duration_since(UNIX_EPOCH).unwrap());
    config
}

fn file(content: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}
