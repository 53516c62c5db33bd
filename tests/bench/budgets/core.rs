//! Decisions: parameters, plan, negotiation, connections, names.

use crate::measure_again;
use pgtls_bench::work::decisions::{
    CONNINFO, connect, environment, login, named, one_address, prefer, resolve, session, startup_packet,
};
use pgtls_core::{
    negotiation::Encryption,
    param::Settings,
    policy::{GssCredentials, Payload, Transport, plan},
};
use std::hint::black_box;

pub(crate) fn measure_all() {
    let environment = environment();
    let settings = measure_again("parse", || Settings::parse(black_box(CONNINFO)).unwrap());
    let params = measure_again("resolve", || resolve(&settings, &environment));
    measure_again("plan", || {
        plan(&params, Transport::Tcp, GssCredentials::Absent, Payload::Startup).unwrap();
    });
    let session = session();
    let encryption = measure_again("negotiation", || prefer(black_box(b"S"), session));
    assert_eq!(encryption, Encryption::Ssl);
    let encryption = measure_again("negotiation-refused", || prefer(black_box(b"N"), session));
    assert_eq!(encryption, Encryption::Plain);
    let (params, packet, login) = (one_address(), startup_packet(), login());
    measure_again("connection-login", || connect(&params, Some((&packet, &login))));
    measure_again("connection", || connect(&params, None));
    for named in named() {
        let names = named.names();
        assert!(measure_again(named.case, || named.matches(&names)), "{}", named.case);
    }
}
