//! A query that is cancelled: `cancel "postgresql://alice@db.example.com/shop?sslmode=verify-full"`.

use pgtls_tokio_postgres::{config, connect_with};
use std::{env, error::Error, time::Duration};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;

/// A request that comes before the query has begun cancels nothing, so it is sent again.
const AGAIN: Duration = Duration::from_millis(100);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = config(&env::args().nth(1).unwrap_or_default()).await?;
    let client = connect_with(&config).await?.spawn();
    let canceller = client.canceller().clone();
    let mut query = tokio::spawn(async move { client.simple_query("SELECT pg_sleep(60)").await });
    let outcome = loop {
        if let Ok(outcome) = timeout(AGAIN, &mut query).await {
            break outcome?;
        }
        let cancelled = canceller.cancel().await?;
        println!("asked for it: {}", cancelled.encryption.as_str());
    };
    match outcome {
        Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => println!("cancelled"),
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("nobody has cancelled it".into()),
    }
    Ok(())
}
