//! Many queries through a pool of deadpool: `pool_deadpool "postgresql://alice@db.example.com/shop?sslmode=verify-full"`.

use deadpool::managed::Pool;
use pgtls_tokio_postgres::{config, deadpool::Manager};
use std::{env, error::Error};
use tokio::task::JoinSet;

const QUERIES: i32 = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let config = config(&env::args().nth(1).unwrap_or_default()).await?;
    let pool: Pool<Manager> = Pool::builder(Manager::new(config)).max_size(4).build()?;
    let mut answers = JoinSet::new();
    for number in 0..QUERIES {
        let pool = pool.clone();
        answers.spawn(async move { echo(&pool, number).await });
    }
    let sum: i32 = answers.join_all().await.into_iter().sum::<Result<_, _>>()?;
    println!("{}: {sum}", pool.get().await?.encryption().as_str());
    Ok(())
}

async fn echo(pool: &Pool<Manager>, number: i32) -> Result<i32, Box<dyn Error + Send + Sync>> {
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    Ok(transaction.query_one("SELECT $1::int4", &[&number]).await?.get(0))
}
