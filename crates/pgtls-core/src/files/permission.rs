//! Who may read a private key: libpq's rule on its permission bits.

use super::Metadata;
use crate::environment::Platform;
use core::fmt;

/// Whether the permissions of the key file are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum KeyPermissions {
    /// libpq's rule.
    #[default]
    Check,
    /// Not at all. For programs whose keys are mounted with fixed permissions that the rule refuses, as Kubernetes
    /// does with secrets; it is then up to the program that nobody else reads them.
    Ignore,
}

/// A key that others than its owner can reach. `Display` continues a sentence that began with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct InsecurePermissions {
    /// The permission bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
}

impl fmt::Display for InsecurePermissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, uid } = self;
        write!(
            f,
            "has group or world access (mode {mode:04o}, owner uid {uid}); allow at most u=rw (0600), or u=rw,g=r (0640) \
             if root owns it"
        )
    }
}

/// What group and others may not have on a key of root's: group may read it.
const FORBIDDEN_FOR_ROOT: u32 = 0o037;
/// What group and others may not have on anybody else's key.
const FORBIDDEN: u32 = 0o077;

/// libpq's rule on a key file, Unix only (libpq: `initialize_SSL`; the exception for root since PostgreSQL 15).
///
/// The owner's own bits, set-id and sticky do not matter, and the owner is not compared with the caller: root may use
/// another user's key.
pub fn key_permissions(metadata: &Metadata, platform: Platform) -> Result<(), InsecurePermissions> {
    let Metadata { mode, uid, .. } = *metadata;
    let forbidden = match (platform, uid) {
        (Platform::Windows, _) => 0,
        (Platform::Unix, 0) => FORBIDDEN_FOR_ROOT,
        (Platform::Unix, _) => FORBIDDEN,
    };
    if mode & forbidden == 0 { Ok(()) } else { Err(InsecurePermissions { mode: mode & 0o7777, uid }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{FileIdentity, FileKind};

    /// Says the rule again, bit by bit and from the side of what is allowed.
    fn naive(mode: u32, root: bool) -> bool {
        (0..12).filter(|bit| mode & (1 << bit) != 0).all(|bit| match bit {
            // Others: execute, write, read. Group: execute, write.
            0..=4 => false,
            // Group: read.
            5 => root,
            // The owner; sticky, set-group-id, set-user-id.
            _ => true,
        })
    }

    #[test]
    fn every_mode_of_root_and_of_another_owner() {
        let mut allowed = [0; 2];
        for uid in [0, 1, 1000, u32::MAX] {
            for mode in 0..=0o7777 {
                let metadata =
                    Metadata { kind: FileKind::Regular, mode, uid, identity: FileIdentity::default() };
                let expected = naive(mode, uid == 0);
                let verdict = key_permissions(&metadata, Platform::Unix);
                assert_eq!(verdict.is_ok(), expected, "mode {mode:04o} uid {uid}");
                assert_eq!(verdict.err(), (!expected).then_some(InsecurePermissions { mode, uid }));
                assert_eq!(key_permissions(&metadata, Platform::Windows), Ok(()));
                if uid < 2 && expected {
                    allowed[uid as usize] += 1;
                }
            }
        }
        // Owner, set-id and sticky are free: 64 modes; for root times group read or not.
        assert_eq!(allowed, [128, 64]);
    }
}
