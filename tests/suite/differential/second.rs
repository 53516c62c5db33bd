//! A second OpenSSL as the judge: the tests of chains, CRLs and keys again, in a process of its own.

use crate::support::skip;
use std::{
    env,
    process::{Command, Stdio},
};

/// The variable that names a folder with the other `libssl.so.3` and `libcrypto.so.3`.
const FOLDER: &str = "PGTLS_SECOND_OPENSSL";

/// Modules that ask OpenSSL.
const MODULES: [&str; 3] = ["differential::", "keys::", "limbo::"];

#[test]
fn another_openssl_gives_the_same_verdicts() {
    let Some(folder) = env::var_os(FOLDER) else {
        return skip("verdicts of a second OpenSSL", &format!("{FOLDER} names no folder"));
    };
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(MODULES).env("LD_LIBRARY_PATH", folder).env_remove(FOLDER).stdin(Stdio::null());
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "with the OpenSSL in {FOLDER}:\n{said}");
    // A filter that fits nothing succeeds, too.
    assert!(!said.contains("running 0 tests"), "{said}");
    println!("{}", said.lines().filter(|line| line.starts_with("test result")).collect::<String>());
}
