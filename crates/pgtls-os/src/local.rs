//! Whether a path can be looked at without waiting for a network or another program.

use std::path::Path;

/// Links on the way to a file; as many as Linux follows (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// It is on the file systems of this machine, and so is every directory and every link on the way to it. What is looked at
/// often is in memory there; at worst it takes a read from the machine's own disk.
pub(crate) fn is_local(path: &Path) -> bool {
    let mut links = MAX_LINKS;
    std::path::absolute(path).is_ok_and(|path| is_local_way(&path, &mut links))
}

fn is_local_way(path: &Path, links: &mut usize) -> bool {
    path.ancestors().all(|step| {
        platform::is_local(step)
            && step.read_link().map_or(true, |target| {
                let left = links.checked_sub(1);
                *links = left.unwrap_or(0);
                left.is_some() && is_local_way(&step.parent().unwrap_or(step).join(target), links)
            })
    })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod platform {
    use rustix::{
        fs::{FsWord, statfs},
        io::Errno,
    };
    use std::path::Path;

    /// What `statfs` says of file systems on disks and in memory (Linux: `linux/magic.h`). Those over a network are not
    /// among them, nor FUSE, where a program answers, nor autofs, which may have to mount something first.
    const LOCAL: [FsWord; 11] = [
        0x0000_ef53, // ext2, ext3, ext4
        0x0102_1994, // tmpfs
        0x2fc1_2fc1, // zfs
        0x5846_5342, // xfs
        0x7371_7368, // squashfs
        0x794c_7630, // overlayfs
        0x8584_58f6, // ramfs
        0x9123_683e, // btrfs
        0xca45_1a4e, // bcachefs
        0xe0f5_e1e2, // erofs
        0xf2f5_2010, // f2fs
    ];

    pub(super) fn is_local(path: &Path) -> bool {
        match statfs(path) {
            Ok(found) => LOCAL.contains(&found.f_type),
            // It is looked for in the directory above.
            Err(error) => matches!(error, Errno::NOENT | Errno::NOTDIR),
        }
    }
}

/// Elsewhere nobody says it in a way that needs no unsafe code.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod platform {
    pub(super) fn is_local(_path: &std::path::Path) -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_a_program_answers_is_not_local() {
        // The kernel answers for these, as a program might.
        assert!(!is_local("/proc/self/environ".as_ref()));
        assert!(!is_local("/proc/self/there/is/none".as_ref()));
    }

    #[test]
    fn neither_is_what_is_reached_by_such_a_way() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        assert_eq!(is_local(&file), is_local(folder.path()));
        // A link of the kernel's that leads back to where we are.
        assert!(!is_local("/proc/self/cwd/file".as_ref()));
        symlink("/proc/self/cwd", folder.path().join("link")).unwrap();
        assert!(!is_local(&folder.path().join("link/file")));
        symlink(folder.path().join("link"), folder.path().join("second")).unwrap();
        assert!(!is_local(&folder.path().join("second")));
    }

    #[test]
    fn links_that_lead_nowhere_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        symlink(path("round"), path("about")).unwrap();
        symlink(path("about"), path("round")).unwrap();
        assert!(!is_local(&path("round")));
        symlink(path("missing"), path("link")).unwrap();
        assert_eq!(is_local(&path("link")), is_local(folder.path()));
    }
}
