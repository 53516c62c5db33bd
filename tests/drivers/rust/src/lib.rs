//! What the clients share: the last line that the conformance kit reads, and the exit code.

use std::{fmt, process::ExitCode};

/// Why there is no session.
pub enum End {
    /// The driver cannot be asked this, for this reason.
    Declined(String),
    /// It failed.
    Failed(String),
}

impl<E: fmt::Display> From<E> for End {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Says how it ended.
pub fn report(ended: Result<(), End>) -> ExitCode {
    match ended {
        Ok(()) => {
            println!("{}", serde_json::json!({"outcome": "connected"}));
            ExitCode::SUCCESS
        }
        Err(End::Failed(error)) => {
            println!("{}", serde_json::json!({"outcome": "fail", "error": error}));
            ExitCode::from(2)
        }
        Err(End::Declined(reason)) => {
            eprintln!("{reason}");
            ExitCode::from(77)
        }
    }
}

/// The settings of a connection string `name=value name='value' …`; none for a URI.
pub fn settings(text: &str) -> Option<Vec<(String, String)>> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return None;
    }
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let (mut value, mut quoted) = (String::new(), false);
        let mut characters = after.trim_start().char_indices().peekable();
        let after = after.trim_start();
        let mut end = after.len();
        while let Some((at, c)) = characters.next() {
            match c {
                '\'' => quoted = !quoted,
                '\\' => value.extend(characters.next().map(|(_, c)| c)),
                c if c.is_whitespace() && !quoted => {
                    end = at;
                    break;
                }
                c => value.push(c),
            }
        }
        found.push((name.trim().to_owned(), value));
        rest = after[end..].trim_start();
    }
    Some(found)
}

/// Declines scenarios that are about what the driver does not read at all.
pub fn needs_nothing_else(driver: &str) -> Result<(), End> {
    let variable = std::env::vars().find(|(name, _)| name.starts_with("PG") && name != "PGSYSCONFDIR");
    if let Some((name, _)) = variable {
        return Err(End::Declined(format!("{driver} does not read {name}")));
    }
    if std::env::home_dir().is_some_and(|home| home.join(".postgresql").exists()) {
        return Err(End::Declined(format!("{driver} does not read ~/.postgresql")));
    }
    Ok(())
}

/// Where Linux distributions install the library that answers for the names of a file.
const NSS_WRAPPER: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/libnss_wrapper.so",
    "/usr/lib/aarch64-linux-gnu/libnss_wrapper.so",
    "/usr/lib64/libnss_wrapper.so",
];

/// For drivers that have no `hostaddr`: starts the program again where its host names lead to it.
pub fn resolve(settings: &[(String, String)]) -> Result<(), End> {
    use std::os::unix::process::CommandExt as _;
    let value = |name: &str| settings.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (Some(hosts), Some(addresses)) = (value("host"), value("hostaddr")) else { return Ok(()) };
    if std::env::var_os("NSS_WRAPPER_HOSTS").is_some() || hosts == addresses {
        return Ok(());
    }
    let library = NSS_WRAPPER.iter().find(|path| std::path::Path::new(path).is_file());
    let library = library.ok_or_else(|| End::Declined("nss_wrapper is not installed".to_owned()))?;
    let names: Vec<String> =
        hosts.split(',').zip(addresses.split(',')).map(|(name, address)| format!("{address} {name}\n")).collect();
    let file = std::env::temp_dir().join(format!("pgtls-hosts-{}", std::process::id()));
    std::fs::write(&file, names.concat())?;
    let error = std::process::Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env("LD_PRELOAD", library)
        .env("NSS_WRAPPER_HOSTS", &file)
        .exec();
    Err(error.into())
}

/// Removes what [`resolve`] left.
pub fn forget() {
    if let Some(file) = std::env::var_os("NSS_WRAPPER_HOSTS") {
        // It may belong to the scenario, which removes it by itself.
        let _ = std::fs::remove_file(file);
    }
}
