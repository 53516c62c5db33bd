//! Files that have not changed are looked at on the spot: nothing has to be done where it may block.

use pgtls_adapter::{Config, Driver};
use pgtls_conformance::{pki::Pki, runtime::config};
use pgtls_core::{connect::Action, files::ReadFile as _};
use pgtls_os::Disk;
use std::{fs, path::Path, time::Duration};

/// How often something has to be done that may block, until TLS starts.
fn works(config: &Config) -> usize {
    let mut driver = Driver::new(config);
    let mut count = 0;
    loop {
        if let Some(task) = driver.task() {
            count += 1;
            driver.completed(Ok(task.run()));
            continue;
        }
        match driver.poll() {
            Action::Open => assert_eq!(driver.opened(Ok(())), Some(())),
            Action::Send(_) => driver.sent(Ok(())),
            Action::Receive { .. } => driver.received(Ok(b"S")),
            Action::StartTls { .. } => return count,
            action => panic!("{action:?}"),
        }
    }
}

/// Where the root is, and a configuration that is a minute ahead, so that files that were changed just now are known.
fn verifying(folder: &Path) -> (String, Config) {
    let root = folder.join("root.pem").to_str().unwrap().to_owned();
    let mut config = config(&format!(
        "host=db.test hostaddr=127.0.0.1 port=1 sslmode=verify-full sslrootcert={root} sslcert={root}.none"
    ));
    config.environment = config.environment.with_variable("HOME", folder.to_str().unwrap());
    config.tls.clock = pgtls_rustls::clock(|| Duration::from_secs(pgtls_os::unix_time() + 60));
    (root, config)
}

#[test]
fn unchanged_files_need_no_work() {
    let folder = tempfile::tempdir().unwrap();
    let (root, config) = verifying(folder.path());
    // Where temporary files are on a network, looking may block.
    let unchanged = usize::from(!Disk.answers_at_once(&root));
    for change in 0..3 {
        fs::write(&root, Pki::open().root_file("root").unwrap()).unwrap();
        let counts = [works(&config), works(&config), works(&config)];
        assert_eq!(counts, [1, unchanged, unchanged], "{change}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_reached_through_a_file_system_that_answers_late_needs_work_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let (root, config) = verifying(folder.path());
    let open = fs::File::create(folder.path().join("content")).unwrap();
    fs::write(folder.path().join("content"), Pki::open().root_file("root").unwrap()).unwrap();
    let way = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open));
    std::os::unix::fs::symlink(way, &root).unwrap();
    assert_eq!([works(&config), works(&config)], [1, 1]);
}
