//! An interpreter that has imported its driver already, and runs the client in a child process on request.

use super::clients::system_python;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// Runs until it is dropped.
pub(super) struct Warm {
    child: Child,
    folder: TempDir,
}

impl Warm {
    /// Starts it; `None` when the driver cannot be imported. Clients of other users can use it too.
    pub(super) fn start(python: &Path, drivers: &Path, client: &str, module: &str) -> Option<Self> {
        let folder = tempfile::tempdir().ok()?;
        open_to_all(folder.path());
        fs::copy(drivers.join("warm.py"), folder.path().join("warm.py")).ok()?;
        let mut child = Command::new(python)
            .args(["-I", "warm.py", "serve", "socket"])
            .arg(drivers.join(client))
            .arg(module)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let output = child.stdout.take()?;
        let warm = Self { child, folder };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).ok()?;
        (line.trim() == "ready").then_some(warm)
    }

    /// The command line of a client.
    pub(super) fn command(&self) -> String {
        let folder = self.folder.path().display();
        format!("{} -I -S {folder}/warm.py ask {folder}/socket {{conninfo}}", system_python())
    }
}

impl Drop for Warm {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    // If it fails, the clients of other users fail, and the report contains that.
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o755));
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) {}
