//! Access to std, the environment, the disk, the clock and decisions, which few crates have.

use super::Finding;
use crate::{code::Code, workspace::Workspace};

/// A path that some crates must not name in code that ships.
struct Absence {
    crates: &'static [&'static str],
    paths: &'static [&'static str],
    because: &'static str,
}

/// `pgtls-os` reads for all; `pgtls-cli` and `pgtls-conformance` are programs of their own.
const ABSENCES: &[Absence] = &[
    Absence {
        crates: &["pgtls-core", "pgtls-x509"],
        paths: &["std::", "extern crate std"],
        because: "this crate is no_std: use core:: or alloc::",
    },
    Absence {
        crates: &[
            "pgtls-rustls",
            "pgtls-adapter",
            "pgtls-std",
            "pgtls-tokio",
            "pgtls-async-std",
            "pgtls-tokio-postgres",
            "pgtls",
            "pgtls-ffi",
        ],
        paths: &["std::env", "std::fs", "SystemTime"],
        because: "pgtls-os is the only crate that reads environment, disk and clock: take the value as an argument",
    },
    Absence {
        crates: &["pgtls-rustls"],
        paths: &["TcpStream", "UdpSocket", "UnixStream", "ToSocketAddrs", "Instant"],
        because: "sockets and deadlines belong to the adapters",
    },
    Absence {
        // pgtls-tokio-postgres is not here: it has to name the driver's own types, which are called so too.
        crates: &["pgtls-adapter", "pgtls-std", "pgtls-tokio", "pgtls-async-std"],
        paths: &["SslMode", "SslNegotiation", "GssEncMode"],
        because: "an adapter performs actions; what sslmode means is decided in pgtls-core",
    },
];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &workspace.members {
        let absences: Vec<_> =
            ABSENCES.iter().filter(|absence| absence.crates.contains(&member.name.as_str())).collect();
        if absences.is_empty() {
            continue;
        }
        for file in workspace.sources(member) {
            let code = match Code::parse(file) {
                Ok(code) => code,
                Err(advice) => {
                    findings.push(Finding::error(&file.path, 0, advice));
                    continue;
                }
            };
            for absence in &absences {
                for path in absence.paths {
                    findings.extend(code.lines_naming(path).into_iter().map(|line| {
                        Finding::error(
                            &file.path,
                            line,
                            format!("`{path}` stands here, but {}", absence.because),
                        )
                    }));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::example::{member, places, tree};
    use super::*;

    #[track_caller]
    fn check_file(path: &str, text: &str, expected: &[usize]) {
        let mut workspace = tree(&[(path, text)]);
        for name in ["pgtls-core", "pgtls-rustls", "pgtls-std", "pgtls-os"] {
            workspace.members.push(member(name));
        }
        let expected: Vec<_> = expected.iter().map(|line| format!("{path}:{line}")).collect();
        assert_eq!(places(&check(&workspace)), expected, "{text:?}");
    }

    #[test]
    fn finds_what_must_not_be_reached() {
        check_file("crates/pgtls-core/src/a.rs", "use core::fmt;\nuse alloc::vec::Vec;", &[]);
        check_file("crates/pgtls-core/src/a.rs", "use core::fmt;\nuse std::vec::Vec;", &[2]);
        check_file("crates/pgtls-core/src/a.rs", "extern crate std;", &[1]);
        check_file("crates/pgtls-core/src/a.rs", "#[cfg(test)]\nextern crate std;", &[]);
        check_file("crates/pgtls-core/src/a/tests.rs", "use std::vec::Vec;", &[]);
        check_file("crates/pgtls-core/examples/a.rs", "use std::vec::Vec;", &[]);
        check_file("crates/pgtls-core/src/a.rs", "/// ```\n/// std::env::vars();\n/// ```\nfn f() {}", &[]);
        check_file("crates/pgtls-rustls/src/a.rs", "use std::{sync::Arc, fs};", &[1]);
        check_file("crates/pgtls-rustls/src/a.rs", "use std::sync::Arc;", &[]);
        check_file("crates/pgtls-rustls/src/a.rs", "use std::net::{IpAddr, TcpStream};", &[1]);
        check_file("crates/pgtls-rustls/src/a.rs", "use std::net::IpAddr;", &[]);
        check_file("crates/pgtls-std/src/a.rs", "use std::net::TcpStream;", &[]);
        check_file("crates/pgtls-std/src/a.rs", "fn f(mode: SslMode) {}", &[1]);
        check_file("crates/pgtls-os/src/a.rs", "use std::{env, fs};", &[]);
        check_file("crates/pgtls-core/src/a.rs", "not Rust", &[0]);
    }
}
