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

use crate::{connect_with, error::Error, running::Running};
use bb8::ManageConnection;
use pgtls_tokio::Config;
use std::{io, sync::Arc};

/// Makes sessions for a pool. Each is made as libpq would make it, from the files and the servers as they are then.
#[derive(Clone, Debug)]
pub struct Manager(Arc<Config>);

impl Manager {
    /// From these parameters.
    pub fn new(config: Arc<Config>) -> Self {
        Self(config)
    }
}

impl ManageConnection for Manager {
    type Connection = Running;
    type Error = Error;

    async fn connect(&self) -> Result<Running, Error> {
        Ok(connect_with(&self.0).await?.spawn())
    }

    async fn is_valid(&self, client: &mut Running) -> Result<(), Error> {
        client.simple_query("").await.map(drop).map_err(|error| Error::Io(io::Error::other(error)))
    }

    fn has_broken(&self, client: &mut Running) -> bool {
        client.is_closed()
    }
}
