//! What a driver's own tests look like: `cargo run -p pgtls-conformance --features proptest --example driver -- right`.
//!
//! The driver here is `pgtls-std`, right or with a fault that drivers have had: say `name` (it verifies the chain and not the
//! host's name), `fallback` (it goes on in clear where that is not wanted) or `sni` (it sends no server name). A driver that is
//! wrong is shown the smallest situation in which it is, and fails.

use pgtls_conformance::{
    Run,
    client::{Attempt, ClientUnderTest},
    judge::ClientClaim,
    property::{conforms, strategy},
    reference::Reference,
};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::process::ExitCode;

/// How many situations are tried that nobody recorded.
const SITUATIONS: u32 = 128;

/// The driver: anything that connects with a connection string.
fn connect(attempt: &Attempt, fault: &str) -> ClientClaim {
    let mut attempt = attempt.clone();
    attempt.conninfo = match fault {
        "name" => attempt.conninfo.replace("verify-full", "verify-ca"),
        "fallback" => attempt.conninfo.replace("require", "prefer"),
        "sni" => format!("{} sslsni=0", attempt.conninfo),
        _ => attempt.conninfo,
    };
    Reference.connect(&attempt)
}

fn main() -> ExitCode {
    let fault = std::env::args().nth(1).unwrap_or_else(|| "right".to_owned());
    if !["right", "name", "fallback", "sni"].contains(&fault.as_str()) {
        eprintln!("\"{fault}\" is no fault that this driver can have: say right, name, fallback or sni");
        return ExitCode::from(64);
    }
    let driver = |attempt: &Attempt| connect(attempt, &fault);

    // What was recorded of libpq: a sample of one group, for a driver's everyday tests.
    let report = match Run::new().name("driver").groups(&["negotiation"]).every(10).client(&driver) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    print!("{}", report.text(1));

    // What nobody recorded: the same situations every time, so that a run can be repeated.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config =
        Config { cases: SITUATIONS, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let outcome = TestRunner::new_with_rng(config, random)
        .run(&strategy::in_process(), |situation| Ok(conforms(&driver, &situation)?));
    match outcome {
        Ok(()) if report.total().differ == 0 => {
            println!("\nin {SITUATIONS} situations more it did what libpq does");
            ExitCode::SUCCESS
        }
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            println!("\n{error}");
            ExitCode::FAILURE
        }
    }
}
