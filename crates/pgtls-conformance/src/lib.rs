//! What is needed to judge a PostgreSQL client's TLS: a certificate zoo, and a scripted server that misbehaves on demand.

pub mod server;
pub mod zoo;
