//! Pools of bb8.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = pgtls_tokio_postgres::config("postgresql://db.example.com/shop?sslmode=verify-full").await?;
//! let pool = bb8::Pool::builder().max_size(16).build(pgtls_tokio_postgres::bb8::Manager::new(config)).await?;
//! let client = pool.get().await?;
//! let row = client.query_one("SELECT 1", &[]).await?;
//! # Ok(())
//! # }
//! ```

use crate::{connect_with, error::Error, session::SpawnedClient};
use bb8::ManageConnection;
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

impl ManageConnection for Manager {
    type Connection = SpawnedClient;
    type Error = Error;

    async fn connect(&self) -> Result<SpawnedClient, Error> {
        Ok(connect_with(&self.0).await?.spawn())
    }

    async fn is_valid(&self, client: &mut SpawnedClient) -> Result<(), Error> {
        client.simple_query("").await.map(drop).map_err(Error::Driver)
    }

    fn has_broken(&self, client: &mut SpawnedClient) -> bool {
        client.is_closed()
    }
}
