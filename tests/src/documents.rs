//! The examples of what people read are compiled with the tests, and run where they do not ask for a server. `cargo xtask
//! tidy` finds a page that is missing here.

/// Pages under the names of these modules.
macro_rules! pages {
    ($($name:ident = $path:literal;)+) => { $(#[doc = include_str!($path)] mod $name {})+ };
}

pages! {
    readme = "../../README.md";
    conformance = "../../docs/conformance.md";
    drivers = "../../docs/drivers.md";
    initialisation = "../../docs/initialisation.md";
    runtimes = "../../docs/runtimes.md";
    from_libpq = "../../docs/migration/libpq.md";
    from_postgres_openssl = "../../docs/migration/postgres-openssl.md";
    from_sqlx = "../../docs/migration/sqlx.md";
    from_tokio_postgres_rustls = "../../docs/migration/tokio-postgres-rustls.md";
}
