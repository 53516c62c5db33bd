//! The servers of the demo, as their file lists them.

use super::cell::Cell;
use pgtls_conformance::server::Script;
use serde::Deserialize;

/// One server and what libpq does with it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DemoServer {
    /// A word or two.
    pub(super) name: String,
    /// What is so special about it.
    pub(super) story: String,
    /// What it does on each connection.
    #[serde(rename = "connection")]
    pub(super) script: Script,
    /// Settings that its row needs beside the root file.
    #[serde(default)]
    pub(super) settings: String,
    /// Expected for each sslmode, without a root file.
    pub(super) without: [Cell; 6],
    /// Expected for each sslmode, with the CA's certificate as root file.
    pub(super) with: [Cell; 6],
}

impl DemoServer {
    /// All of them, in the order of their file.
    pub(super) fn all() -> Result<Vec<Self>, toml::de::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Text {
            server: Vec<DemoServer>,
        }
        toml::from_str::<Text>(include_str!("servers.toml")).map(|text| text.server)
    }
}
