//! What a certificate may be used for, and what trust settings say of it.

use super::{ACCEPTED, Row, chain, hold, refused, usage};
use crate::differential::grammar::{
    Change, Extension,
    ExtensionKind::{ExtendedKeyUsage, KeyUsage},
    Scenario, TrustSetting,
};
use pgtls_x509::Verdict::{CertRejected, InvalidPurpose};

const SERVER: &str = "1.3.6.1.5.5.7.3.1";
const CLIENT: &str = "1.3.6.1.5.5.7.3.2";
const ANY: &str = "2.5.29.37.0";
/// Server gated crypto, Netscape's and Microsoft's, which was for servers.
const GATED: [&str; 2] = ["2.16.840.1.113730.4.1", "1.3.6.1.4.1.311.10.3.3"];

fn purposes(purposes: &[&'static str]) -> Change {
    Change::Set(Extension::ExtendedKeyUsage(purposes.to_vec()), false)
}

fn netscape(kind: u8) -> Change {
    Change::Set(Extension::NetscapeType(0, kind), false)
}

fn server(changes: Vec<(usize, Change)>) -> Scenario {
    chain(3, changes)
}

fn client(changes: Vec<(usize, Change)>) -> Scenario {
    Scenario { client: true, ..chain(3, changes) }
}

#[test]
fn the_peers_key_is_for_tls() {
    let no = || refused(InvalidPurpose, 0);
    hold(&[
        ("a server that says nothing", server(vec![(0, Change::Drop(KeyUsage))]), ACCEPTED),
        ("signs", server(vec![(0, usage(0x80))]), ACCEPTED),
        ("is encrypted to", server(vec![(0, usage(0x20))]), ACCEPTED),
        ("agrees on keys", server(vec![(0, usage(0x08))]), ACCEPTED),
        ("all of them", server(vec![(0, usage(0xa8))]), ACCEPTED),
        ("all there is", server(vec![(0, usage(0xff))]), ACCEPTED),
        ("signs contracts", server(vec![(0, usage(0x40))]), no()),
        ("signs certificates", server(vec![(0, usage(0x04))]), no()),
        ("a client that says nothing", client(vec![(0, Change::Drop(KeyUsage))]), ACCEPTED),
        ("signs", client(vec![(0, usage(0x80))]), ACCEPTED),
        ("agrees on keys", client(vec![(0, usage(0x08))]), ACCEPTED),
        ("both", client(vec![(0, usage(0x88))]), ACCEPTED),
        ("is encrypted to", client(vec![(0, usage(0x20))]), no()),
        ("a server by its Netscape type", server(vec![(0, netscape(0x40))]), ACCEPTED),
        ("and a client", server(vec![(0, netscape(0xc0))]), ACCEPTED),
        ("a client alone", server(vec![(0, netscape(0x80))]), no()),
        ("of no type", server(vec![(0, netscape(0))]), no()),
        ("a client by its Netscape type", client(vec![(0, netscape(0x80))]), ACCEPTED),
        ("a server alone", client(vec![(0, netscape(0x40))]), no()),
    ]);
}

#[test]
fn an_extended_key_usage_names_the_purpose() {
    let no = |depth| refused(InvalidPurpose, depth);
    let mut rows: Vec<Row> = vec![
        ("a server that says nothing", server(vec![(0, Change::Drop(ExtendedKeyUsage))]), ACCEPTED),
        ("a server", server(vec![(0, purposes(&[SERVER]))]), ACCEPTED),
        ("a server among others", server(vec![(0, purposes(&[CLIENT, SERVER]))]), ACCEPTED),
        ("a client", server(vec![(0, purposes(&[CLIENT]))]), no(0)),
        ("anything, which is no server", server(vec![(0, purposes(&[ANY]))]), no(0)),
        ("a client", client(vec![(0, purposes(&[CLIENT]))]), ACCEPTED),
        ("a server", client(vec![(0, purposes(&[SERVER]))]), no(0)),
        ("anything, which is no client", client(vec![(0, purposes(&[ANY]))]), no(0)),
        ("a CA for servers", server(vec![(1, purposes(&[SERVER]))]), ACCEPTED),
        ("a CA for clients", server(vec![(1, purposes(&[CLIENT]))]), no(1)),
        ("a root for clients", server(vec![(2, purposes(&[CLIENT]))]), no(2)),
        ("a CA for clients", client(vec![(1, purposes(&[CLIENT]))]), ACCEPTED),
    ];
    for gated in GATED {
        rows.push(("a server by its gated crypto", server(vec![(0, purposes(&[gated]))]), ACCEPTED));
        rows.push(("a CA by its gated crypto", server(vec![(1, purposes(&[gated]))]), ACCEPTED));
        rows.push(("gated crypto of a client", client(vec![(0, purposes(&[gated]))]), no(0)));
    }
    hold(&rows);
}

#[test]
fn trust_settings_decide_and_overrule() {
    use TrustSetting::{Any, Client, Nothing, RejectAny, RejectServer, Server};
    let rejected = |depth| refused(CertRejected, depth);
    let with = |place, setting| (place, Change::Trusted(setting));
    hold(&[
        ("a root for servers", server(vec![with(2, Server)]), ACCEPTED),
        ("for anything", server(vec![with(2, Any)]), ACCEPTED),
        ("without a word", server(vec![with(2, Nothing)]), ACCEPTED),
        ("for clients", server(vec![with(2, Client)]), rejected(2)),
        ("not for servers", server(vec![with(2, RejectServer)]), rejected(2)),
        ("for nothing", server(vec![with(2, RejectAny)]), rejected(2)),
        ("for clients", client(vec![with(2, Client)]), ACCEPTED),
        ("not for servers", client(vec![with(2, RejectServer)]), ACCEPTED),
        ("for nothing", client(vec![with(2, RejectAny)]), rejected(2)),
        ("for servers", client(vec![with(2, Server)]), rejected(2)),
        ("an intermediate ends the chain", server(vec![with(1, Server)]), ACCEPTED),
        ("with its root unknown", server(vec![with(1, Server), (2, Change::NotInRootFile)]), ACCEPTED),
        ("an intermediate is rejected", server(vec![with(1, RejectServer)]), rejected(1)),
        ("an intermediate without a word", server(vec![with(1, Nothing)]), ACCEPTED),
        (
            "trusted for servers, certified for clients",
            server(vec![with(2, Server), (2, purposes(&[CLIENT]))]),
            ACCEPTED,
        ),
        (
            "which does not hold for those below",
            server(vec![with(2, Server), (1, purposes(&[CLIENT]))]),
            refused(InvalidPurpose, 1),
        ),
    ]);
}
