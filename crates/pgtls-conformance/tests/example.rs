//! The example `driver` has a fault when it is told to have one: the kit finds it, and finds none in the driver that is right.

use std::{env, io, process::Command};

/// The exit code of the example.
fn driver(fault: &str) -> io::Result<Option<i32>> {
    // This test is target/<profile>/deps/example-<hash>. `cargo test` of the whole crate builds the examples before it.
    let test = env::current_exe()?;
    let folder = test.ancestors().nth(2).unwrap_or(&test);
    Ok(Command::new(folder.join("examples/driver")).arg(fault).status()?.code())
}

#[test]
fn nothing_is_found_in_the_driver_that_is_right() {
    assert_eq!(driver("right").unwrap(), Some(0));
}

#[test]
fn a_session_in_clear_that_nobody_wanted_is_found() {
    assert_eq!(driver("fallback").unwrap(), Some(1));
}

#[test]
fn a_host_that_is_not_compared_with_the_certificate_is_found() {
    assert_eq!(driver("name").unwrap(), Some(1));
}

#[test]
fn a_server_name_that_is_not_sent_is_found() {
    assert_eq!(driver("sni").unwrap(), Some(1));
}
