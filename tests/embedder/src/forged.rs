//! Credentials that nobody has issued.

use crate::{
    credentials::CredentialCache,
    gss::{Connection, Gss, Wrap},
};
use pgtls_core::policy::GssCredentials;

/// Holds a credential cache, forged or not, and has nobody who would give it a ticket for it.
///
/// That is as far as libpq gets with a forged cache too: it asks the server for GSSAPI encryption, and when the server
/// agrees, there is no ticket, nothing is sent, and the method has failed.
#[derive(Clone, Debug)]
pub struct Forged {
    cache: Option<CredentialCache>,
}

impl Forged {
    /// With the credential cache that `KRB5CCNAME` names. One that cannot be read is none.
    pub fn new(krb5ccname: Option<&str>) -> Self {
        Self { cache: krb5ccname.and_then(|name| CredentialCache::open(name).ok()) }
    }
}

impl Gss for Forged {
    fn credentials(&self) -> GssCredentials {
        match &self.cache {
            Some(_) => GssCredentials::Held,
            None => GssCredentials::Absent,
        }
    }

    fn shake_hands(&self, _server: &mut dyn Connection) -> Result<Box<dyn Wrap>, String> {
        let principal = self.cache.as_ref().map_or("", CredentialCache::principal);
        Err(format!("there is no KDC that {principal} could ask for a ticket"))
    }
}
