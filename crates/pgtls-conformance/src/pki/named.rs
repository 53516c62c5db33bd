//! Certificates whose names are said by whoever asks for them: good ones but for that.

use super::{
    Entry, Identity, Kind, Pki, PkiError,
    row::{AltName, Attribute, Text, server},
};
use std::{net::IpAddr, sync::OnceLock};

/// What `certificate` of a script begins with when it says the names itself: `named:CN,dns=HOST,ip=ADDRESS`.
pub const NAMED: &str = "named:";

/// One serial number for all of them: no CRL speaks of it.
const SERIAL: u64 = 1;

impl Pki {
    /// A server's certificate from the intermediate with these names: a common name, which may be empty, then any number of
    /// `dns=` and `ip=`, with commas between. Without either it has no subjectAltName.
    pub fn named(&self, names: &str) -> Result<Identity, PkiError> {
        let unknown = || PkiError::unknown(Kind::Server, &format!("{NAMED}{names}"));
        let mut words = names.split(',');
        let common_name = words.next().unwrap_or_default().as_bytes().to_vec();
        let mut row = server("named");
        if !common_name.is_empty() {
            row = row.subject([Attribute::CommonName(Text::Utf8(common_name.into()))]);
        }
        for word in words {
            let (kind, value) = word.split_once('=').ok_or_else(unknown)?;
            row = row.alt(match (kind, value.parse::<IpAddr>()) {
                ("dns", _) => AltName::Dns(value.as_bytes().to_vec().into()),
                ("ip", Ok(IpAddr::V4(address))) => AltName::Ip(address.octets().to_vec().into()),
                ("ip", Ok(IpAddr::V6(address))) => AltName::Ip(address.octets().to_vec().into()),
                _ => return Err(unknown()),
            });
        }
        self.make(Kind::Server, &Entry { row, serial: SERIAL, made: OnceLock::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_cert::{Certificate, der::Decode as _, ext::pkix::SubjectAltName};

    #[test]
    fn a_certificate_has_the_names_that_it_was_given() {
        let pki = Pki::open();
        let made = pki.named("db.test,dns=*.test,ip=127.0.0.1,ip=::1").unwrap();
        let certificate = Certificate::from_der(made.leaf()).unwrap();
        assert_eq!(certificate.tbs_certificate().subject().to_string(), "CN=db.test");
        let (_, names) =
            certificate.tbs_certificate().get_extension::<SubjectAltName>().unwrap().expect("it has names");
        assert_eq!(names.0.len(), 3);
        assert_eq!(made.chain().len(), 2);

        let nameless = pki.named("").unwrap();
        let certificate = Certificate::from_der(nameless.leaf()).unwrap();
        assert!(certificate.tbs_certificate().subject().is_empty());
        assert!(certificate.tbs_certificate().get_extension::<SubjectAltName>().unwrap().is_none());

        for wrong in ["a,b", "a,ip=x", "a,uri=b"] {
            assert!(matches!(pki.named(wrong), Err(PkiError::Unknown { .. })), "{wrong}");
        }
    }
}
