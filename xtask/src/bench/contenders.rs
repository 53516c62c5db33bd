//! The contenders of the benchmarks.

/// Who is compared.
pub(crate) struct Contender {
    /// As the package is called.
    pub(crate) name: &'static str,
    /// What carries its bytes.
    pub(crate) on: &'static str,
    /// The contender whose cost is 1.
    pub(crate) beside: &'static str,
    /// Whether its TLS is that of rustls, so that it can be given another crypto provider.
    pub(crate) rustls: bool,
}

/// The part that the other contenders' program lacks.
pub(super) const LIBPQ: &str = "libpq";

const fn on(runtime: &'static str, name: &'static str, beside: &'static str) -> Contender {
    Contender { name, on: runtime, beside, rustls: true }
}

/// All of them, in the order of the tables.
pub(crate) const CONTENDERS: &[Contender] = &[
    on("std", "rustls", "rustls"),
    on("std", "pgtls-std", "rustls"),
    Contender { rustls: false, ..on("std", LIBPQ, "rustls") },
    on("tokio", "tokio-rustls", "tokio-rustls"),
    on("tokio", "pgtls-tokio", "tokio-rustls"),
    on("tokio", "tokio-postgres-rustls", "tokio-rustls"),
    on("tokio", "pgtls-tokio-postgres", "tokio-rustls"),
    Contender { rustls: false, ..on("tokio", "postgres-openssl", "tokio-rustls") },
    on("smol", "futures-rustls", "futures-rustls"),
    on("smol", "pgtls-async-std", "futures-rustls"),
];
