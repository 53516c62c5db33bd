//! An application that has initialised rustls itself. It has a process of its own, because the default of the process can
//! be installed once.

use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, Params, Settings},
};
use pgtls_std::{Config, LibraryInit, NoDefaultProvider};
use rustls::crypto::CryptoProvider;
use std::sync::Arc;

#[test]
fn the_applications_provider_is_used_when_it_says_so() {
    let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
    let settings = Settings::parse("host=h").unwrap();
    let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
    let config = |init| {
        Config::initialised(params.clone(), environment.clone(), init, pgtls_rustls::aws_lc_rs)
            .map(|config| config.tls.provider)
    };
    let (with, without) = (LibraryInit::default(), LibraryInit { ssl: true, crypto: false });

    assert_eq!(config(without).unwrap_err(), NoDefaultProvider);
    assert!(CryptoProvider::get_default().is_none(), "nothing is installed unasked");

    let mut theirs = CryptoProvider::clone(&pgtls_rustls::aws_lc_rs());
    theirs.cipher_suites.truncate(1);
    theirs.install_default().unwrap();
    let default = CryptoProvider::get_default().unwrap();
    assert!(Arc::ptr_eq(&config(without).unwrap(), default));
    assert!(config(with).unwrap().cipher_suites.len() > 1, "pgtls brings its own");
}
