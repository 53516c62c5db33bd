//! Shows that the `no_std` crates build where there is no std.
//!
//! No target without std needs to be installed for that: rustc is given a sysroot that holds `core` and `alloc` of this
//! machine's own toolchain and nothing else.

use crate::workspace::Error;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// Crates that promise it.
pub(crate) const CRATES: &[&str] = &["pgtls-core", "pgtls-x509"];

/// Libraries of the toolchain that are left.
const LEFT: &[&str] = &["libcore-", "liballoc-", "libcompiler_builtins-"];

/// The cargo command that checks them; the sysroot lives as long as the folder that is handed in.
pub(crate) fn command(folder: &Path, target_directory: &Path) -> Result<Command, Error> {
    let host = rustc(&["--print", "host-tuple"])?;
    let sysroot = rustc(&["--print", "sysroot"])?;
    let libraries = PathBuf::from(sysroot).join("lib/rustlib").join(&host).join("lib");
    let bare = folder.join("lib/rustlib").join(&host).join("lib");
    bring(&libraries, &bare).map_err(|error| {
        Error(format!("a sysroot without std cannot be made of {}: {error}", libraries.display()))
    })?;
    let mut command = Command::new("cargo");
    command.args(["check", "--lib", "--no-default-features", "--target", &host]);
    command.args(CRATES.iter().flat_map(|name| ["--package", name]));
    command.arg("--target-dir").arg(target_directory.join("no-std"));
    // Because of `--target` these flags reach neither build scripts nor procedural macros, which do need std.
    command.env("RUSTFLAGS", format!("--sysroot={}", folder.display()));
    Ok(command)
}

fn rustc(arguments: &[&str]) -> Result<String, Error> {
    let output = Command::new("rustc")
        .args(arguments)
        .output()
        .map_err(|error| Error(format!("rustc cannot be run: {error}")))?;
    if !output.status.success() {
        return Err(Error(format!("rustc {} failed", arguments.join(" "))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn bring(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if LEFT.iter().any(|left| name.to_string_lossy().starts_with(left)) {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}
