//! A session whose halves are in two tasks: a read must not take the wake-up of a write that waits.

use super::adapter::{Smol, Tokio};
use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
use pgtls_adapter::Config;
use pgtls_conformance::{
    pki::Pki,
    runtime::{Adapter, config},
};
use pgtls_core::message::SSL_REQUEST;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const STARTUP: &[u8] = b"\0\0\0\x10\0\x03\0\0user\0u\0\0";
const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

/// More than the buffers of both kernels.
const SENT: usize = 16 * 1024 * 1024;

/// A server that lets one client in, sends a byte while it does not read, reads everything, and sends another byte.
fn server() -> Config {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        let mut request = [0; 8];
        tcp.read_exact(&mut request).unwrap();
        assert_eq!(request, SSL_REQUEST);
        tcp.write_all(b"S").unwrap();
        let pki = Pki::open();
        let identity = pki.server("good").unwrap();
        let config = ServerConfig::builder_with_provider(pgtls_rustls::aws_lc_rs())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain().to_vec(), identity.key().pkcs8())
            .unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), tcp);
        stream.read_exact(&mut [0; STARTUP.len()]).unwrap();
        stream.write_all(WELCOME).unwrap();
        // Time for the client to fill the buffers.
        thread::sleep(Duration::from_millis(300));
        stream.write_all(b"1").unwrap();
        thread::sleep(Duration::from_millis(100));
        stream.read_exact(&mut vec![0; SENT]).unwrap();
        stream.write_all(b"2").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    config(&format!("host=db.test hostaddr=127.0.0.1 port={port} sslmode=require"))
}

macro_rules! halves {
    ($name:ident, $krate:ident, $adapter:ident, $split:path, $zip:path) => {
        #[test]
        fn $name() {
            super::within_patience(|| {
                let config = server();
                $adapter::wait(async {
                    let mut connecting = $krate::connecting(&config);
                    let mut stream = connecting.advance().await.unwrap();
                    stream.write_all(STARTUP).await.unwrap();
                    stream.flush().await.unwrap();
                    stream.read_exact(&mut [0; WELCOME.len()]).await.unwrap();
                    let stream = connecting.finish_startup(Ok((stream, ()))).unwrap().stream;
                    let (mut reader, mut writer) = $split(stream);
                    let write = async move {
                        writer.write_all(&vec![b'x'; SENT]).await.unwrap();
                        writer.flush().await.unwrap();
                        writer
                    };
                    let read = async move {
                        let mut bytes = [0; 2];
                        reader.read_exact(&mut bytes).await.unwrap();
                        assert_eq!(&bytes, b"12");
                        reader
                    };
                    $zip(write, read).await;
                });
            });
        }
    };
}

/// Each future is a task of its own.
async fn tokio_tasks<A, B>(a: A, b: B)
where
    A: Future<Output: Send + 'static> + Send + 'static,
    B: Future<Output: Send + 'static> + Send + 'static,
{
    let (a, b) = (tokio::spawn(a), tokio::spawn(b));
    let _ends = (a.await.unwrap(), b.await.unwrap());
}

/// Each future is a task of its own.
async fn smol_tasks<A, B>(a: A, b: B)
where
    A: Future<Output: Send + 'static> + Send + 'static,
    B: Future<Output: Send + 'static> + Send + 'static,
{
    let (a, b) = (smol::spawn(a), smol::spawn(b));
    let _ends = (a.await, b.await);
}

halves!(halves_on_tokio, pgtls_tokio, Tokio, tokio::io::split, tokio_tasks);
halves!(halves_on_smol, pgtls_async_std, Smol, futures_lite::io::split, smol_tasks);
