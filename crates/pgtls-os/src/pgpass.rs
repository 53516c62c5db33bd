//! The password file of this machine.

use crate::Disk;
use pgtls_core::{
    environment::Environment,
    param::{Params, Passwords},
};

/// The passwords for the hosts of a connection, from `password` or the password file. What is wrong with the file is
/// no error: see [`Passwords::problem`].
pub fn passwords(params: &Params, environment: &Environment) -> Passwords {
    Passwords::load(params, environment, &Disk)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use pgtls_core::{
        environment::Platform,
        param::{Ability, Settings},
    };
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn a_file_that_others_can_read_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pw");
        fs::write(&file, "*:*:*:*:secret\n").unwrap();
        let settings = Settings::parse(&format!("user=u passfile={}", file.display())).unwrap();
        let environment = Environment::empty(Platform::Unix);
        let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
        for (mode, used) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o700, true)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let passwords = passwords(&params, &environment);
            assert_eq!(passwords.password(0).is_some(), used, "{mode:o}");
            assert_eq!(passwords.problem().is_some(), !used, "{mode:o}");
        }
    }
}
