//! Problems that do not prevent a connection.

use crate::files::{FileError, ReadError};
use alloc::{format, string::String, vec::Vec};
use core::fmt;

/// A problem that does not prevent the connection.
///
/// `Display` is one sentence. It begins with libpq's, where libpq has one, and adds the consequence. A program that prints the
/// warnings of psql, and no others, prints [`libpq_text`](Self::libpq_text).
///
/// ```
/// # use pgtls_core::connect::Report;
/// fn print(report: &Report) {
///     for line in report.warnings.iter().filter_map(|warning| warning.libpq_text()) {
///         eprintln!("{line}");
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The password file is not a regular file, and is not used (libpq: `passwordFromFile`).
    PassfileNotPlain {
        /// The file.
        path: String,
    },
    /// Group or others have access to the password file, which is not used (libpq: `passwordFromFile`).
    PassfilePermissions {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The password file exists and cannot be read. libpq prints no warning.
    PassfileUnreadable {
        /// The file.
        path: String,
        /// The reason.
        error: ReadError,
    },
    /// The password of a host in the password file is not UTF-8, and is not used. libpq sends it.
    PassfileNotUtf8 {
        /// The file.
        path: String,
        /// Number of the line, from 1.
        line: usize,
    },
    /// `sslpassword` is longer than 1023 bytes. Only these decrypt the key (libpq: `PQdefaultSSLKeyPassHook_OpenSSL`).
    SslPasswordTruncated,
    /// The file of `sslkeylogfile` could not be opened (libpq: `SSL_CTX_keylog_cb`).
    KeyLogOpen {
        /// The file.
        path: String,
        /// The text of the operating system.
        reason: String,
    },
    /// The file of `sslkeylogfile` could not be written to (libpq: `SSL_CTX_keylog_cb`).
    KeyLogWrite {
        /// The file.
        path: String,
        /// The text of the operating system.
        reason: String,
    },
    /// The deadline passed before the secrets were written to the file of `sslkeylogfile`, or no thread could write them.
    KeyLogSkipped {
        /// The file.
        path: String,
        /// The error.
        reason: String,
    },
    /// Nothing in the file of `sslcrl` loads: revocation is not checked (libpq: `initialize_SSL`, which prints no warning).
    CrlFileIgnored(FileError),
    /// The files have changed and cannot be used. The content that was read before is used instead.
    FilesKept {
        /// The problem with the present files.
        reason: String,
    },
    /// OpenSSL's configuration file cannot be read or parsed, and is not used.
    OpensslConfIgnored {
        /// The problem, with the path.
        reason: String,
    },
    /// Settings of OpenSSL's configuration file that were not applied.
    OpensslConfUnmapped {
        /// The file.
        path: String,
        /// The settings: `command = value`.
        settings: Vec<String>,
    },
}

impl Warning {
    /// A stable name of the kind of warning, for logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PassfileNotPlain { .. } => "passfile-not-plain",
            Self::PassfilePermissions { .. } => "passfile-permissions",
            Self::PassfileUnreadable { .. } => "passfile-unreadable",
            Self::PassfileNotUtf8 { .. } => "passfile-not-utf8",
            Self::SslPasswordTruncated => "sslpassword-truncated",
            Self::KeyLogOpen { .. } => "keylog-open",
            Self::KeyLogWrite { .. } => "keylog-write",
            Self::KeyLogSkipped { .. } => "keylog-skipped",
            Self::CrlFileIgnored(_) => "crl-file-ignored",
            Self::FilesKept { .. } => "files-kept",
            Self::OpensslConfIgnored { .. } => "openssl-conf-ignored",
            Self::OpensslConfUnmapped { .. } => "openssl-conf-unmapped",
        }
    }

    /// Whether the warning is about the password file, which may be the reason for a missing password.
    pub const fn is_about_passfile(&self) -> bool {
        matches!(
            self,
            Self::PassfileNotPlain { .. }
                | Self::PassfilePermissions { .. }
                | Self::PassfileUnreadable { .. }
                | Self::PassfileNotUtf8 { .. }
        )
    }

    /// The line that libpq 18 prints to stderr, without the end of the line; `None` if libpq prints nothing. Paths are not
    /// escaped.
    pub fn libpq_text(&self) -> Option<String> {
        self.libpq_sentence().map(|sentence| format!("WARNING: {sentence}"))
    }

    fn libpq_sentence(&self) -> Option<String> {
        Some(match self {
            Self::PassfileNotPlain { path } => format!("password file \"{path}\" is not a plain file"),
            Self::PassfilePermissions { path, .. } => format!(
                "password file \"{path}\" has group or world access; permissions should be u=rw (0600) or less"
            ),
            Self::SslPasswordTruncated => "sslpassword truncated".into(),
            Self::KeyLogOpen { path, reason } => {
                format!("could not open SSL key logging file \"{path}\": {reason}")
            }
            Self::KeyLogWrite { path, reason } => {
                format!("could not write to SSL key logging file \"{path}\": {reason}")
            }
            Self::PassfileUnreadable { .. }
            | Self::PassfileNotUtf8 { .. }
            | Self::KeyLogSkipped { .. }
            | Self::CrlFileIgnored(_)
            | Self::FilesKept { .. }
            | Self::OpensslConfIgnored { .. }
            | Self::OpensslConfUnmapped { .. } => return None,
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(sentence) = self.libpq_sentence() {
            f.write_str(&sentence)?;
        }
        match self {
            Self::PassfileNotPlain { .. } => f.write_str("; it is ignored"),
            Self::PassfilePermissions { mode, .. } => {
                write!(f, "; it has mode {:04o} and is ignored", mode & 0o7777)
            }
            Self::SslPasswordTruncated => f.write_str("; OpenSSL reads no more than 1023 bytes of it"),
            // The text of the operating system ends the sentence.
            Self::KeyLogOpen { .. } | Self::KeyLogWrite { .. } => Ok(()),
            Self::PassfileUnreadable { path, error } => {
                write!(f, "could not read password file \"{path}\": {error}; it is ignored")
            }
            Self::PassfileNotUtf8 { path, line } => {
                write!(f, "password in line {line} of password file \"{path}\" is not UTF-8, and is ignored")
            }
            Self::KeyLogSkipped { path, reason } => {
                write!(f, "secrets were not written to SSL key logging file \"{path}\": {reason}")
            }
            Self::CrlFileIgnored(error) => {
                write!(f, "{error}: the file is ignored, and revocation is not checked")
            }
            Self::FilesKept { reason } => {
                write!(
                    f,
                    "files have changed and cannot be used, and their former content remains in use: {reason}"
                )
            }
            Self::OpensslConfIgnored { reason } => {
                write!(f, "OpenSSL's configuration file is ignored: {reason}")
            }
            Self::OpensslConfUnmapped { path, settings } => {
                write!(f, "settings of \"{path}\" that are not applied: {}", settings.join("; "))
            }
        }
    }
}

impl core::error::Error for Warning {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{FileProblem, FileRole};
    use alloc::{string::ToString, vec};

    /// Every variant: name, sentence, and the line of libpq 18.6.
    fn table() -> Vec<(Warning, &'static str, &'static str, Option<&'static str>)> {
        let (path, reason) = (|| "/a b".to_string(), || "Permission denied".to_string());
        vec![
            (
                Warning::PassfileNotPlain { path: path() },
                "passfile-not-plain",
                "password file \"/a b\" is not a plain file; it is ignored",
                Some("WARNING: password file \"/a b\" is not a plain file"),
            ),
            (
                Warning::PassfilePermissions { path: path(), mode: 0o100_640 },
                "passfile-permissions",
                "password file \"/a b\" has group or world access; permissions should be u=rw (0600) or less; it has mode 0640 \
                 and is ignored",
                Some(
                    "WARNING: password file \"/a b\" has group or world access; permissions should be u=rw (0600) or less",
                ),
            ),
            (
                Warning::PassfileUnreadable { path: path(), error: ReadError::PermissionDenied },
                "passfile-unreadable",
                "could not read password file \"/a b\": permission denied; it is ignored",
                None,
            ),
            (
                Warning::PassfileNotUtf8 { path: path(), line: 3 },
                "passfile-not-utf8",
                "password in line 3 of password file \"/a b\" is not UTF-8, and is ignored",
                None,
            ),
            (
                Warning::SslPasswordTruncated,
                "sslpassword-truncated",
                "sslpassword truncated; OpenSSL reads no more than 1023 bytes of it",
                Some("WARNING: sslpassword truncated"),
            ),
            (
                Warning::KeyLogOpen { path: path(), reason: reason() },
                "keylog-open",
                "could not open SSL key logging file \"/a b\": Permission denied",
                Some("WARNING: could not open SSL key logging file \"/a b\": Permission denied"),
            ),
            (
                Warning::KeyLogWrite { path: path(), reason: reason() },
                "keylog-write",
                "could not write to SSL key logging file \"/a b\": Permission denied",
                Some("WARNING: could not write to SSL key logging file \"/a b\": Permission denied"),
            ),
            (
                Warning::KeyLogSkipped { path: path(), reason: "timeout expired".into() },
                "keylog-skipped",
                "secrets were not written to SSL key logging file \"/a b\": timeout expired",
                None,
            ),
            (
                Warning::CrlFileIgnored(FileError::new(FileRole::Crl, Some("/c"), FileProblem::NothingLoads)),
                "crl-file-ignored",
                "could not load certificate revocation list file \"/c\": no revocation list in it can be used: the file is \
                 ignored, and revocation is not checked",
                None,
            ),
            (
                Warning::FilesKept { reason: "the root certificate file is gone".into() },
                "files-kept",
                "files have changed and cannot be used, and their former content remains in use: the root certificate file is \
                 gone",
                None,
            ),
            (
                Warning::OpensslConfIgnored { reason: "no".into() },
                "openssl-conf-ignored",
                "OpenSSL's configuration file is ignored: no",
                None,
            ),
            (
                Warning::OpensslConfUnmapped { path: path(), settings: vec!["A = b".into(), "C = d".into()] },
                "openssl-conf-unmapped",
                "settings of \"/a b\" that are not applied: A = b; C = d",
                None,
            ),
        ]
    }

    /// The number of variants. A new one does not compile here before it has a row in the table.
    const fn variants(warning: &Warning) -> usize {
        match warning {
            Warning::PassfileNotPlain { .. }
            | Warning::PassfilePermissions { .. }
            | Warning::PassfileUnreadable { .. }
            | Warning::PassfileNotUtf8 { .. }
            | Warning::SslPasswordTruncated
            | Warning::KeyLogOpen { .. }
            | Warning::KeyLogWrite { .. }
            | Warning::KeyLogSkipped { .. }
            | Warning::CrlFileIgnored(_)
            | Warning::FilesKept { .. }
            | Warning::OpensslConfIgnored { .. }
            | Warning::OpensslConfUnmapped { .. } => 12,
        }
    }

    #[test]
    fn every_warning_has_a_name_a_sentence_and_the_line_of_libpq() {
        let rows = table();
        for (warning, name, sentence, libpq) in &rows {
            assert_eq!(warning.name(), *name);
            assert_eq!(warning.to_string(), *sentence);
            assert_eq!(warning.libpq_text().as_deref(), *libpq);
            // Display begins with libpq's sentence.
            let verbatim = libpq.and_then(|line| line.strip_prefix("WARNING: "));
            assert!(verbatim.is_none_or(|verbatim| sentence.starts_with(verbatim)), "{name}");
            assert_eq!(variants(warning), rows.len());
            assert_eq!(rows.iter().filter(|row| row.1 == *name).count(), 1);
        }
    }
}
