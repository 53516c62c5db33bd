//! One configuration from all its sources, and one crypto provider whatever else is linked.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use pgtls::{
    Config, ConfigBuilder, Environment, Error, IntoConfig, Platform, Settings, SettingsBuilder, SslMode,
};
use std::{sync::Arc, thread};

/// The parameters as text: names and values.
fn parameters(source: impl IntoConfig) -> Vec<(String, String)> {
    let config = Config::new(source).unwrap();
    let settings = ["host", "port", "user", "sslmode", "dbname"];
    settings
        .iter()
        .map(|name| ((*name).to_owned(), config.params.value(name).unwrap_or_default().to_owned()))
        .collect()
}

#[test]
fn all_sources_make_the_same_configuration() {
    let text = "host=h port=5433 user=u dbname=d sslmode=verify-full";
    let expected = parameters(text);
    let pairs = [("host", "h"), ("port", "5433"), ("user", "u"), ("dbname", "d"), ("sslmode", "verify-full")];
    let builder = SettingsBuilder::new().host("h", 5433).user("u").dbname("d").sslmode(SslMode::VerifyFull);
    let config = Config::new(text).unwrap();
    let settings = Settings::parse(text).unwrap();
    for (source, found) in [
        ("a string", parameters(&text.to_owned())),
        ("a URI", parameters("postgresql://u@h:5433/d?sslmode=verify-full")),
        ("pairs", parameters(pairs)),
        ("a slice of pairs", parameters(pairs.as_slice())),
        ("settings", parameters(Settings::parse(text).unwrap())),
        ("borrowed settings", parameters(&settings)),
        ("a builder", parameters(builder)),
        ("a builder of the configuration", parameters(ConfigBuilder::new(text, pgtls::ring()))),
        ("a configuration", parameters(&config)),
    ] {
        assert_eq!(found, expected, "{source}");
    }
    // A database whose name is a connection string is no connection string: that would let it choose the server.
    let config = Config::new([("host", "h"), ("user", "u"), ("dbname", "host=elsewhere")]).unwrap();
    assert_eq!(
        (config.params.value("host"), config.params.value("dbname")),
        (Some("h"), Some("host=elsewhere"))
    );
    assert!(matches!(Config::new("hos=h"), Err(Error::Param(_))));
}

#[test]
fn runtimes_make_the_same_configuration() {
    let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "from the environment");
    let builder = ConfigBuilder::new("host=h", pgtls::aws_lc_rs()).environment(environment);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let on_tokio = runtime.block_on(pgtls::tokio::config(builder.clone())).unwrap();
    let on_async_std = smol::block_on(pgtls::async_std::config(builder.clone())).unwrap();
    let blocking = Config::new(builder).unwrap();
    assert_eq!(blocking.params.user(), "from the environment");
    assert_eq!((&on_tokio.params, &on_async_std.params), (&blocking.params, &blocking.params));
}

/// Both providers are linked here. The same one is used as with one, and the process gets no default.
#[test]
fn a_string_means_aws_lc_rs() {
    let groups =
        |config: &Config| config.tls.provider.kx_groups.iter().map(|group| group.name()).collect::<Vec<_>>();
    let names = |provider: &Arc<pgtls::CryptoProvider>| {
        provider.kx_groups.iter().map(|group| group.name()).collect::<Vec<_>>()
    };
    let (aws_lc_rs, ring) = (pgtls::aws_lc_rs(), pgtls::ring());
    assert_ne!(names(&aws_lc_rs), names(&ring), "the groups tell them apart");
    assert_eq!(groups(&Config::new("host=h user=u").unwrap()), names(&aws_lc_rs));
    let builder = ConfigBuilder::new("host=h user=u", ring.clone());
    assert_eq!(groups(&Config::new(builder).unwrap()), names(&ring));
}

#[test]
fn clones_share_the_cache_until_they_are_changed() {
    let config = Config::new("host=h user=u").unwrap();
    let mut changed = config.clone();
    assert!(Arc::ptr_eq(&config.cache, &changed.cache));
    changed.params = Config::new("host=h user=other").unwrap().params.clone();
    assert!(!Arc::ptr_eq(&config.cache, &changed.cache));
    assert_eq!((config.params.user(), changed.params.user()), ("u", "other"));
    // A thread may make it and another use it.
    thread::spawn(move || drop(config)).join().unwrap();
}

#[test]
fn settings_are_read_from_configuration_files() {
    let settings: Settings = serde_json::from_str(r#"{"host": "h", "user": "u", "port": 5433}"#).unwrap();
    assert_eq!(Config::new(settings).unwrap().params.value("port"), Some("5433"));
}
