//! The adapters that can make a connection, seen as one.

use futures_lite::{AsyncWriteExt as _, future::block_on};
use pgtls_adapter::{Config, ConnectError, Connected, Startup, StartupError};
use pgtls_core::{
    negotiation::Encryption,
    param::{Params, Secret},
};
use pgtls_rustls::SessionFacts;
use pgtls_startup::{ServerSession, TERMINATE};
use std::io::{self, Write as _};
use tokio::io::AsyncWriteExt as _;

/// Which adapter makes the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Adapter {
    /// Blocking sockets
    #[default]
    Std,
    /// tokio
    Tokio,
    /// futures-io, as under async-std and smol
    AsyncStd,
}

/// The stream of a session.
pub(crate) trait Session {
    /// How the bytes are protected.
    fn encryption(&self) -> Encryption;

    /// Facts of the TLS session.
    fn facts(&self) -> Option<&SessionFacts>;

    /// Runs the startup exchange.
    async fn log_in(
        &mut self,
        at: Startup<'_>,
        params: &Params,
        password: Option<Secret>,
    ) -> Result<ServerSession, StartupError>;

    /// Ends the session as libpq does. A connection that has ended already does not matter.
    async fn terminate(&mut self);
}

/// What is done with whatever session an adapter makes.
pub(crate) trait Visit {
    /// What the startup exchange returns.
    type Value;
    /// What comes of it all.
    type Outcome;

    /// The startup exchange.
    async fn start_up(
        &self,
        session: &mut impl Session,
        at: Startup<'_>,
    ) -> Result<Self::Value, StartupError>;

    /// The end.
    async fn end<S: Session>(&self, ended: Result<Connected<S, Self::Value>, ConnectError>) -> Self::Outcome;
}

impl Adapter {
    /// Connects, and waits for everything. An error when there is nothing to wait with.
    pub(crate) fn connect<V: Visit>(self, config: &Config, visit: &V) -> io::Result<V::Outcome> {
        match self {
            Self::Std => {
                let ended = pgtls_std::connect(config, |stream, at| block_on(visit.start_up(stream, at)));
                Ok(block_on(visit.end(ended)))
            }
            Self::Tokio => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let outcome = runtime.block_on(async {
                    let start_up = async |stream: &mut pgtls_tokio::Stream, at: Startup<'_>| {
                        visit.start_up(stream, at).await
                    };
                    visit.end(pgtls_tokio::connect(config, start_up).await).await
                });
                // A name that is still being looked up is waited for by nobody.
                runtime.shutdown_background();
                Ok(outcome)
            }
            Self::AsyncStd => Ok(block_on(async {
                let start_up = async |stream: &mut pgtls_async_std::Stream, at: Startup<'_>| {
                    visit.start_up(stream, at).await
                };
                visit.end(pgtls_async_std::connect(config, start_up).await).await
            })),
        }
    }
}

impl Session for pgtls_std::Stream {
    fn encryption(&self) -> Encryption {
        self.encryption()
    }

    fn facts(&self) -> Option<&SessionFacts> {
        self.facts()
    }

    async fn log_in(
        &mut self,
        at: Startup<'_>,
        params: &Params,
        password: Option<Secret>,
    ) -> Result<ServerSession, StartupError> {
        pgtls_std::log_in(self, at, params, || password)
    }

    async fn terminate(&mut self) {
        let _ = self.write_all(&TERMINATE).and_then(|()| self.flush());
        let _ = self.shutdown();
    }
}

impl Session for pgtls_tokio::Stream {
    fn encryption(&self) -> Encryption {
        self.encryption()
    }

    fn facts(&self) -> Option<&SessionFacts> {
        self.facts()
    }

    async fn log_in(
        &mut self,
        at: Startup<'_>,
        params: &Params,
        password: Option<Secret>,
    ) -> Result<ServerSession, StartupError> {
        pgtls_tokio::log_in(self, at, params, async { password }).await
    }

    async fn terminate(&mut self) {
        let _ = self.write_all(&TERMINATE).await;
        let _ = self.shutdown().await;
    }
}

impl Session for pgtls_async_std::Stream {
    fn encryption(&self) -> Encryption {
        self.encryption()
    }

    fn facts(&self) -> Option<&SessionFacts> {
        self.facts()
    }

    async fn log_in(
        &mut self,
        at: Startup<'_>,
        params: &Params,
        password: Option<Secret>,
    ) -> Result<ServerSession, StartupError> {
        pgtls_async_std::log_in(self, at, params, async { password }).await
    }

    async fn terminate(&mut self) {
        let _ = self.write_all(&TERMINATE).await;
        let _ = self.close().await;
    }
}
