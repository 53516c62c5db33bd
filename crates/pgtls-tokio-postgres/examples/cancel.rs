//! A query that is cancelled: `cancel "postgresql://alice@db.example.com/shop?sslmode=verify-full"`.

use pgtls_tokio_postgres::{config, connect_with};
use std::{env, error::Error, time::Duration};
use tokio::time::sleep;
use tokio_postgres::error::SqlState;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = config(&env::args().nth(1).unwrap_or_default()).await?;
    let client = connect_with(&config).await?.spawn();
    let canceller = client.canceller().clone();
    let cancelling = tokio::spawn(async move {
        // A request that comes before the query has begun cancels nothing, so it is sent again.
        loop {
            sleep(Duration::from_millis(100)).await;
            match canceller.cancel().await {
                Ok(cancelled) => println!("asked for it: {}", cancelled.encryption.as_str()),
                Err(error) => break error,
            }
        }
    });
    let outcome = client.simple_query("SELECT pg_sleep(60)").await;
    cancelling.abort();
    match outcome {
        Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => println!("cancelled"),
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("nobody has cancelled it".into()),
    }
    Ok(())
}
