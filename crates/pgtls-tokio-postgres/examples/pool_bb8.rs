//! Many queries through a pool of bb8: `pool_bb8 "postgresql://alice@db.example.com/shop?sslmode=verify-full"`.

use bb8::Pool;
use pgtls_tokio_postgres::{bb8::Manager, config};
use std::{env, error::Error};
use tokio::task::JoinSet;

const QUERIES: i32 = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let config = config(&env::args().nth(1).unwrap_or_default()).await?;
    let pool = Pool::builder().max_size(4).build(Manager::new(config)).await?;
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
