use super::*;

/// What an honest prefer does at an honest server.
fn expected() -> Expected {
    Expected {
        outcome: Outcome::Ssl,
        reason: None,
        events: words("connect sslaccept authok"),
        startup_in_clear: false,
        sni: vec![Some("db.test".to_owned())],
        alpn: vec![Some("postgresql".to_owned())],
        client_certificates: vec!["zoo".to_owned()],
        startup: Some(Some(
            [("user".to_owned(), "zoo".to_owned()), ("database".to_owned(), "zoo".to_owned())].into(),
        )),
        own_name: false,
    }
}

fn observed() -> Observed {
    let seen = ConnectionRecord {
        session: Some(Channel::Ssl),
        startup_channel: Some(Channel::Ssl),
        startup: vec![("user".to_owned(), "zoo".to_owned()), ("database".to_owned(), "zoo".to_owned())],
        client_certificate: Some("zoo".to_owned()),
        hello: Some(HelloRecord {
            sni: Some("db.test".to_owned()),
            alpn: Some(vec!["postgresql".to_owned()]),
            versions: Vec::new(),
        }),
        ..ConnectionRecord::default()
    };
    Observed {
        claim: ClientClaim::Connected(Some(Outcome::Ssl)),
        events: words("connect sslaccept authok"),
        connections: vec![seen],
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[track_caller]
fn check(change: impl FnOnce(&mut Expected, &mut Observed), differences: &[Difference]) {
    let (mut expected, mut observed) = (expected(), observed());
    change(&mut expected, &mut observed);
    assert_eq!(judge(&expected, &observed), differences);
}

#[test]
fn each_difference_is_found() {
    check(|_, _| {}, &[]);
    check(|_, o| o.claim = ClientClaim::Connected(None), &[]);
    check(|e, _| e.outcome = Outcome::Fail, &[Difference::AcceptsWhatLibpqRefuses]);
    check(|_, o| o.claim = ClientClaim::Connected(Some(Outcome::Plain)), &[Difference::FalseClaim]);
    check(
        |_, o| {
            o.connections[0].session = Some(Channel::Plain);
            o.connections[0].startup_channel = Some(Channel::Plain);
            o.claim = ClientClaim::Connected(None);
        },
        &[Difference::WeakerSession, Difference::StartupInClear],
    );
    check(
        |e, o| {
            e.outcome = Outcome::Plain;
            o.claim = ClientClaim::Connected(None);
        },
        &[Difference::OtherSession],
    );
    check(
        |_, o| {
            o.claim = ClientClaim::Failed(Some("no".to_owned()));
            o.connections[0].session = None;
        },
        &[Difference::RefusesWhatLibpqAccepts(Some("no".to_owned()))],
    );
    check(|_, o| o.connections[0].pipelined = true, &[Difference::Pipelined]);
    check(
        |_, o| {
            o.connections.push(ConnectionRecord::default());
            o.events.push("reconnect".to_owned());
        },
        &[Difference::Connections, Difference::Events],
    );
    check(|_, o| o.connections[0].hello.as_mut().unwrap().sni = None, &[Difference::Sni]);
    check(|_, o| o.connections[0].hello.as_mut().unwrap().alpn = None, &[Difference::Alpn]);
    check(|_, o| o.connections[0].client_certificate = None, &[Difference::FewerCertificates]);
    check(
        |_, o| o.connections[0].client_certificate = Some("other".to_owned()),
        &[Difference::MoreCertificates],
    );
    check(|e, _| e.client_certificates = Vec::new(), &[Difference::MoreCertificates]);
    let startup = |name: &str| Difference::Startup(name.to_owned());
    check(|_, o| o.connections[0].startup.clear(), &[startup("database"), startup("user")]);
    check(|e, _| e.startup = Some(None), &[startup("database"), startup("user")]);
    check(|_, o| o.connections[0].startup.push(("options".to_owned(), String::new())), &[startup("options")]);
    check(|_, o| o.connections[0].startup.push(("application_name".to_owned(), "psql".to_owned())), &[]);
    check(
        |e, _| {
            e.startup
                .as_mut()
                .unwrap()
                .as_mut()
                .unwrap()
                .extend([("application_name".to_owned(), "x".to_owned())]);
        },
        &[startup("application_name")],
    );
    check(|_, o| o.connections[0].startup.push(("search_path".to_owned(), String::new())), &[]);
}

/// `fallback_application_name` is for programs to set: one that gives itself another name in its place is right, one that gives
/// none is not.
#[test]
fn a_program_names_itself() {
    let named = |e: &mut Expected| {
        e.own_name = true;
        let startup = e.startup.as_mut().unwrap().as_mut().unwrap();
        startup.insert("application_name".to_owned(), "fallback".to_owned());
    };
    let sends = |o: &mut Observed, name: &str| {
        o.connections[0].startup.push(("application_name".to_owned(), name.to_owned()));
    };
    for name in ["fallback", "psql"] {
        check(
            |e, o| {
                named(e);
                sends(o, name);
            },
            &[],
        );
    }
    check(|e, _| named(e), &[Difference::Startup("application_name".to_owned())]);
}

#[test]
fn who_gives_up_has_gone_libpqs_way_so_far() {
    let cut = |o: &mut Observed, events: &str| {
        o.claim = ClientClaim::Cancelled;
        o.events = words(events);
        o.connections[0].session = None;
        o.connections[0].client_certificate = None;
        o.connections[0].startup_channel = None;
    };
    check(|_, o| cut(o, "connect sslaccept"), &[]);
    check(|_, o| cut(o, "connect sslreject"), &[Difference::Events]);
    check(|_, o| cut(o, "connect sslaccept authok reconnect"), &[Difference::Events]);
    check(
        |_, o| {
            cut(o, "connect");
            o.connections[0].startup_channel = Some(Channel::Plain);
            o.connections[0].client_certificate = Some("other".to_owned());
        },
        &[Difference::StartupInClear, Difference::MoreCertificates],
    );
    check(
        |e, o| {
            e.outcome = Outcome::Fail;
            e.events = words("connect sslaccept");
            o.claim = ClientClaim::Cancelled;
        },
        &[Difference::AcceptsWhatLibpqRefuses, Difference::Events],
    );
}

/// A client that says it failed, but had been let in where libpq is not, has done the harm.
#[test]
fn a_failure_that_was_a_session_counts_as_one() {
    let fail = |e: &mut Expected, o: &mut Observed| {
        e.outcome = Outcome::Fail;
        o.claim = ClientClaim::Failed(None);
    };
    check(
        |e, o| {
            fail(e, o);
            e.events = words("connect sslaccept");
        },
        &[Difference::AcceptsWhatLibpqRefuses, Difference::Events],
    );
    // libpq as well is let in by this server, and gives up.
    check(fail, &[]);
}

#[test]
fn a_claim_without_any_session_is_false() {
    check(
        |e, o| {
            e.outcome = Outcome::Fail;
            o.connections[0].session = None;
            o.claim = ClientClaim::Connected(Some(Outcome::Ssl));
        },
        &[Difference::AcceptsWhatLibpqRefuses, Difference::FalseClaim],
    );
    check(
        |e, o| {
            e.outcome = Outcome::Fail;
            o.connections[0].session = None;
            o.claim = ClientClaim::Connected(None);
        },
        &[Difference::FalseClaim],
    );
}

/// libpq looks at the host's name after the handshake, others before they disclose their certificate.
#[test]
fn on_a_failure_fewer_certificates_are_no_difference() {
    check(
        |e, o| {
            e.outcome = Outcome::Fail;
            o.claim = ClientClaim::Failed(None);
            o.connections[0].session = None;
            o.connections[0].client_certificate = None;
        },
        &[],
    );
}

#[test]
fn a_client_that_is_lost_is_said_to_be() {
    check(
        |_, o| {
            o.claim = ClientClaim::Lost("it hangs".to_owned());
            o.connections[0].session = None;
        },
        &[Difference::RefusesWhatLibpqAccepts(None), Difference::Lost("it hangs".to_owned())],
    );
}
