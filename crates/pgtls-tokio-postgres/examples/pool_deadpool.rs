//! Many queries through a pool of deadpool: `pool_deadpool "postgresql://alice@db.example.com/shop?sslmode=verify-full"`.

use deadpool::managed::Pool;
use pgtls_tokio_postgres::{config, deadpool::Manager};
use std::{env, error::Error};

const QUERIES: i32 = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = config(&env::args().nth(1).unwrap_or_default()).await?;
    let pool: Pool<Manager> = Pool::builder(Manager::new(config)).max_size(4).build()?;
    let tasks: Vec<_> = (0..QUERIES)
        .map(|number| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut client = pool.get().await.map_err(|error| error.to_string())?;
                let transaction = client.transaction().await.map_err(|error| error.to_string())?;
                let row = transaction.query_one("SELECT $1::int4", &[&number]).await;
                row.map(|row| row.get::<_, i32>(0)).map_err(|error| error.to_string())
            })
        })
        .collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await??;
    }
    let client = pool.get().await?;
    println!("{}: {sum}", client.encryption().as_str());
    Ok(())
}
