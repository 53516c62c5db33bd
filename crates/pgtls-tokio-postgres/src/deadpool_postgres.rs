//! Pools of deadpool-postgres, with its statement cache (`prepare_cached`), recycling methods and configuration.
//!
//! A [`Connector`] takes the place of the TLS connector:
//!
//! ```no_run
//! use deadpool_postgres::{ManagerConfig, Pool, RecyclingMethod};
//! use pgtls_tokio_postgres::deadpool_postgres::Connector;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = pgtls_tokio_postgres::config("postgresql://db.example.com/shop?sslmode=verify-full").await?;
//! let manager = Connector::new(config).manager(ManagerConfig { recycling_method: RecyclingMethod::Fast });
//! let pool = Pool::builder(manager).max_size(16).build()?;
//! let client = pool.get().await?;
//! let statement = client.prepare_cached("SELECT 1").await?;
//! let row = client.query_one(&statement, &[]).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Host, user and the like may also stay in a `deadpool_postgres::Config`, which programs read by serde. Its values take
//! precedence over those of the connection string, which has the parameters of TLS:
//!
//! ```no_run
//! use deadpool_postgres::{Manager, Pool};
//! use pgtls_tokio_postgres::deadpool_postgres::Connector;
//!
//! # async fn example(file: deadpool_postgres::Config) -> Result<(), Box<dyn std::error::Error>> {
//! let tls = pgtls_tokio_postgres::config("sslmode=verify-full sslrootcert=root.crt").await?;
//! let manager = Manager::from_connect(file.get_pg_config()?, Connector::new(tls), file.get_manager_config());
//! let pool = Pool::builder(manager).config(file.get_pool_config()).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! A pool's error is one of tokio-postgres. Its `code()` is the SQLSTATE of a server's error, and
//! [`Error::of`](crate::Error::of) returns every other error of a connection.

use crate::{Error, connect_with, driver};
use deadpool_postgres::{Connect, Manager, ManagerConfig};
use pgtls_tokio::Config;
use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

/// Makes the connections of a deadpool-postgres pool, each with the files and the servers of the moment, as libpq does.
pub struct Connector {
    config: Arc<Config>,
    merged: Mutex<Option<Merged>>,
}

/// The last configuration of a manager, and its parameters.
struct Merged {
    driver: tokio_postgres::Config,
    config: Arc<Config>,
}

impl Connector {
    /// A connector for these parameters.
    pub fn new(config: Arc<Config>) -> Self {
        Self { config, merged: Mutex::default() }
    }

    /// A manager in which these parameters alone count.
    pub fn manager(self, config: ManagerConfig) -> Manager {
        Manager::from_connect(tokio_postgres::Config::new(), self, config)
    }

    /// The parameters, with the values of the manager's configuration.
    ///
    /// Hosts, addresses and ports of the manager's configuration replace all of those in the connection string, its user,
    /// password, database, options, application name, time limits and the like one each. `SslMode::Require` raises an
    /// `sslmode` that allows plaintext to `require`; its other values do not count, so that `sslmode` is never lowered.
    fn merged(&self, driver: &tokio_postgres::Config) -> Result<Arc<Config>, Error> {
        if *driver == tokio_postgres::Config::new() {
            return Ok(self.config.clone());
        }
        let mut merged = self.merged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(merged) = merged.as_ref().filter(|merged| merged.driver == *driver) {
            return Ok(merged.config.clone());
        }
        let config = Arc::new(driver::overridden(&self.config, driver)?);
        *merged = Some(Merged { driver: driver.clone(), config: config.clone() });
        Ok(config)
    }
}

impl Connect for Connector {
    fn connect(
        &self,
        driver: &tokio_postgres::Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + '_>>
    {
        let config = self.merged(driver);
        Box::pin(async move {
            let session = connect_with(&config.map_err(Error::into_driver_error)?).await;
            let (client, connection) = session.map_err(Error::into_driver_error)?.into_parts();
            // An error of the connection is returned by the client's next request.
            Ok((client, tokio::spawn(async move { drop(connection.await) })))
        })
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("config", &self.config).finish_non_exhaustive()
    }
}
