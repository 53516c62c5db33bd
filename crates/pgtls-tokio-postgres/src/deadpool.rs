//! Pools of deadpool.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = pgtls_tokio_postgres::config("postgresql://db.example.com/shop?sslmode=verify-full").await?;
//! let manager = pgtls_tokio_postgres::deadpool::Manager::new(config);
//! let pool: deadpool::managed::Pool<_> = deadpool::managed::Pool::builder(manager).max_size(16).build()?;
//! let client = pool.get().await?;
//! let row = client.query_one("SELECT 1", &[]).await?;
//! # Ok(())
//! # }
//! ```

use crate::{connect_with, error::Error, session::SpawnedClient};
use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use pgtls_tokio::Config;
use std::sync::Arc;

/// Makes sessions for a pool, each with the files and the servers of the moment, as libpq does.
#[derive(Clone, Debug)]
pub struct Manager(Arc<Config>);

impl Manager {
    /// A manager for these parameters.
    pub fn new(config: Arc<Config>) -> Self {
        Self(config)
    }
}

impl managed::Manager for Manager {
    type Type = SpawnedClient;
    type Error = Error;

    async fn create(&self) -> Result<SpawnedClient, Error> {
        Ok(connect_with(&self.0).await?.spawn())
    }

    async fn recycle(&self, client: &mut SpawnedClient, _: &Metrics) -> RecycleResult<Error> {
        if client.is_closed() { Err(RecycleError::message("the connection has ended")) } else { Ok(()) }
    }
}
