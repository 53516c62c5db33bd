//! A second OpenSSL as the judge: the tests of chains, CRLs and keys again, in a process of its own.

use pgtls_tests::skip_optional;
use std::{
    env,
    process::{Command, Stdio},
};

/// The variable that names a folder with the other `libssl.so.3` and `libcrypto.so.3`.
const FOLDER: &str = "PGTLS_SECOND_OPENSSL";

/// Random chains of this run. The run with the installed OpenSSL tries more.
const CASES: &str = "400";
/// This test, and tests that cost much and do not depend on the release of OpenSSL.
const LEFT_OUT: [&str; 3] = ["second::", "worst::", "every_identifier"];

/// Modules that compare with OpenSSL.
const MODULES: [&str; 3] = ["differential::", "keys::", "limbo::"];

#[test]
fn another_openssl_gives_the_same_verdicts() {
    let Some(folder) = env::var_os(FOLDER) else {
        return skip_optional("verdicts of a second OpenSSL", &format!("{FOLDER} names no folder"));
    };
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(MODULES).args(LEFT_OUT.into_iter().flat_map(|name| ["--skip", name]));
    command.env("LD_LIBRARY_PATH", folder).env("PGTLS_DIFFERENTIAL_CASES", CASES).env_remove(FOLDER);
    // The other OpenSSL may lack its legacy provider, which the installed one has.
    command.env_remove("PGTLS_REQUIRE_LIVE");
    command.stdin(Stdio::null());
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "with the OpenSSL in {FOLDER}:\n{said}");
    // A filter that fits nothing succeeds, too.
    assert!(!said.contains("running 0 tests"), "{said}");
    println!("{}", said.lines().filter(|line| line.starts_with("test result")).collect::<String>());
}
