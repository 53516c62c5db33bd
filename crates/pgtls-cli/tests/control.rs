//! `pgtls serve --control`, driven from Python by a driver written in Python.

use std::process::{Command, Stdio};

#[test]
fn a_test_in_another_language_drives_the_servers() {
    let python = ["python3", "/usr/bin/python3"].into_iter().find(|python| {
        Command::new(python)
            .args(["-c", "import ssl"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    let Some(python) = python else {
        assert!(std::env::var_os("PGTLS_REQUIRE_LIVE").is_none(), "Python is not installed");
        return eprintln!("skipped: pgtls serve --control from Python, which is not installed");
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/control.py");
    let output = Command::new(python).args([script, env!("CARGO_BIN_EXE_pgtls")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "the servers did what they were told");
}
