//! tokio-postgres with tokio-postgres-rustls: `tokio_postgres_rustls CONNINFO`
//!
//! The driver knows of `sslmode` only disable, prefer and require, and of files nothing: `sslrootcert` becomes rustls' root
//! store, and verify-full what it always does with one. Without a root file it gets an empty store: nothing can be verified.
//! `sslcert` and `sslkey` it is not asked about.

use pgtls_drivers::{End, needs_nothing_else, report, settings};
use rustls::{ClientConfig, RootCertStore, pki_types::{CertificateDer, pem::PemObject}};
use std::process::ExitCode;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

fn main() -> ExitCode {
    let conninfo = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    report(runtime.block_on(connect(&conninfo)))
}

async fn connect(conninfo: &str) -> Result<(), End> {
    needs_nothing_else("tokio-postgres")?;
    let mut roots = RootCertStore::empty();
    let mut kept = String::new();
    for (name, value) in settings(conninfo).unwrap_or_default() {
        let value = match (name.as_str(), value.as_str()) {
            ("sslrootcert", "system") => return Err(End::Declined("no system roots".to_owned())),
            ("sslrootcert", path) => {
                for certificate in CertificateDer::pem_file_iter(path)? {
                    roots.add(certificate?)?;
                }
                continue;
            }
            ("sslmode", "verify-full") => "require".to_owned(),
            ("sslmode", "verify-ca" | "allow") => {
                return Err(End::Declined(format!("tokio-postgres has no sslmode={value}")));
            }
            ("gssencmode", "disable") => continue,
            _ => value,
        };
        let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
        kept.push_str(&format!("{name}='{quoted}' "));
    }
    let text = if settings(conninfo).is_none() { conninfo } else { &kept };
    let config: Config = text.parse().map_err(|error: tokio_postgres::Error| {
        let detail = std::error::Error::source(&error).map_or_else(String::new, ToString::to_string);
        if detail.contains("unknown option") { End::Declined(detail) } else { End::Failed(format!("{error}: {detail}")) }
    })?;
    let provider = rustls::crypto::ring::default_provider();
    let mut tls = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Direct TLS needs it, and libpq offers it always.
    tls.alpn_protocols = vec![b"postgresql".to_vec()];
    let (client, connection) = config.connect(MakeRustlsConnect::new(tls)).await.map_err(|error| {
        let detail = std::error::Error::source(&error).map_or_else(String::new, ToString::to_string);
        End::Failed(format!("{error}: {detail}"))
    })?;
    drop(client);
    connection.await?;
    Ok(())
}
