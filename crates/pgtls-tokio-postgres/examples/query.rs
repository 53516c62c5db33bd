//! One query: `query "postgresql://alice@db.example.com/shop?sslmode=verify-full"`.

use pgtls_tokio_postgres::{config, connect_with};
use std::{env, error::Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = config(&env::args().nth(1).unwrap_or_default()).await?;
    let session = connect_with(&config).await?;
    for failed in &session.failed {
        eprintln!("failed before: {failed}");
    }
    let client = session.spawn();
    let row = client.query_one("SELECT 40 + $1::int4", &[&2]).await?;
    let tls = client.facts().map_or("none", |facts| facts.protocol);
    println!("{}: {}, TLS {tls}", client.encryption().as_str(), row.get::<_, i32>(0));
    Ok(())
}
