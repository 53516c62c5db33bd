//! Decisions: parameters, plan, negotiation, names.

use crate::measure_again;
use pgtls_bench::work::decisions::{CONNINFO, environment, named, prefer, resolve};
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
    let encryption = measure_again("negotiation", || prefer(black_box(b"S")));
    assert_eq!(encryption, Encryption::Ssl);
    let encryption = measure_again("negotiation-refused", || prefer(black_box(b"N")));
    assert_eq!(encryption, Encryption::Plain);
    for named in named() {
        let names = named.names();
        assert!(measure_again(named.case, || named.matches(&names)), "{}", named.case);
    }
}
