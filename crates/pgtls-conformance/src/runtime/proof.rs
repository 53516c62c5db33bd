//! A session needs proof: careless drivers get none.

use super::{
    Adapter, Wire, cases,
    peer::{Peer, WELCOME, connect, failure, start_up},
};
use pgtls_adapter::{Cause, ConnectError, Startup, StartupError};
use pgtls_core::{
    message::{PROTOCOL_3_0, PROTOCOL_3_2, startup_message},
    negotiation::{Failure, MissingProof},
    param::ProtocolVersion,
    startup::Refusal,
};
use std::io::Read;

/// AuthenticationOk, these parameters, ReadyForQuery.
fn welcome(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut all = WELCOME[..9].to_vec();
    for (name, value) in parameters {
        let body = [name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat();
        all.push(b'S');
        all.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        all.extend(body);
    }
    all.extend(&WELCOME[9..]);
    all
}

/// A server that lets everybody in and reports these parameters.
fn reporting(parameters: &'static [(&str, &str)]) -> Peer {
    Peer::start(move |mut connection| {
        connection.asked_to_start();
        connection.send(&welcome(parameters));
        connection.rest();
    })
}

#[track_caller]
fn missing(error: &ConnectError) -> MissingProof {
    let cause = error.last().and_then(|last| last.cause.as_ref());
    let Some(Cause::Misuse(misuse)) = cause else { panic!("{error}") };
    assert!(error.to_string().contains("the startup exchange was reported as complete, but"), "{error}");
    misuse.missing_proof().unwrap()
}

fn a_driver_that_does_nothing_has_no_session<A: Adapter>() {
    let peer = reporting(&[]);
    let modes =
        ["sslmode=disable", "require_auth=scram-sha-256 sslmode=disable", "target_session_attrs=standby"];
    for mode in modes {
        let claimed = A::connect(&peer.config(&format!("sslmode=disable {mode}")), async |_, _| Ok(()));
        assert_eq!(missing(&claimed.map(drop).unwrap_err()), MissingProof::StartupMessage, "{mode}");
    }
}

fn a_driver_that_stops_early_has_no_session<A: Adapter>() {
    let peer = reporting(&[]);
    let claimed = A::connect(&peer.config("sslmode=disable"), async |stream: &mut A::Stream, _| {
        stream.send(b"\0\0\0\x10\0\x03\0\0user\0u\0\0").await?;
        stream.fill(&mut [0; 9]).await?;
        Ok(())
    });
    assert_eq!(missing(&claimed.map(drop).unwrap_err()), MissingProof::ReadyForQuery);
}

/// A version that the parameters do not allow, in a driver that has one in its source.
fn the_version_of_the_message_is_checked<A: Adapter>() {
    for (parameters, version, refused) in [
        ("min_protocol_version=3.2", PROTOCOL_3_0, true),
        ("", PROTOCOL_3_2, true),
        ("max_protocol_version=3.2", PROTOCOL_3_0, false),
        ("", PROTOCOL_3_0, false),
    ] {
        let peer = Peer::start(|mut connection| {
            connection.stream.read_exact(&mut [0; 16]).unwrap();
            connection.send(WELCOME);
            connection.rest();
        });
        let config = peer.config(&format!("sslmode=disable {parameters}"));
        let outcome = A::connect(&config, async |stream: &mut A::Stream, _| {
            stream.send(&startup_message(version, [("user", "u")])?).await?;
            stream.fill(&mut [0; WELCOME.len()]).await?;
            Ok(())
        });
        let outcome = outcome.map(drop);
        if refused {
            assert_eq!(failure(&outcome), Failure::LocalRefusal(Refusal::RequestedVersion(version)));
        } else {
            outcome.unwrap();
        }
    }
}

/// libpq 18: "server only supports protocol version 3.0, but "min_protocol_version" was set to 3.2".
fn an_older_server_is_refused<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        connection.stream.read_exact(&mut [0; 16]).unwrap();
        connection.send(b"v\0\0\0\x0c\0\x03\0\0\0\0\0\0");
        connection.send(WELCOME);
        connection.rest();
    });
    let config = peer.config("sslmode=disable min_protocol_version=3.2");
    let outcome = A::connect(&config, async |stream: &mut A::Stream, _| {
        stream.send(&startup_message(PROTOCOL_3_2, [("user", "u")])?).await?;
        stream.fill(&mut [0; 13 + WELCOME.len()]).await?;
        Ok(())
    });
    let outcome = outcome.map(drop);
    let refusal = Refusal::ProtocolVersion { server: PROTOCOL_3_0, minimum: ProtocolVersion::V3_2 };
    assert_eq!(failure(&outcome), Failure::LocalRefusal(refusal));
}

/// The sentences are libpq's. The start-up code knows nothing of roles.
fn the_role_that_a_server_reports_is_checked<A: Adapter>() {
    const PRIMARY: &[(&str, &str)] = &[("default_transaction_read_only", "off"), ("in_hot_standby", "off")];
    const READ_ONLY: &[(&str, &str)] = &[("default_transaction_read_only", "on"), ("in_hot_standby", "off")];
    const STANDBY: &[(&str, &str)] = &[("default_transaction_read_only", "off"), ("in_hot_standby", "on")];
    for (wanted, reports, expected) in [
        ("any", PRIMARY, None),
        ("standby", PRIMARY, Some("server is not in hot standby mode")),
        ("standby", STANDBY, None),
        ("prefer-standby", PRIMARY, None),
        ("primary", PRIMARY, None),
        ("primary", STANDBY, Some("server is in hot standby mode")),
        ("read-write", PRIMARY, None),
        ("read-write", READ_ONLY, Some("session is read-only")),
        ("read-write", STANDBY, Some("session is read-only")),
        ("read-only", PRIMARY, Some("session is not read-only")),
        ("read-only", STANDBY, None),
    ] {
        let peer = reporting(reports);
        let config = peer.config(&format!("sslmode=disable target_session_attrs={wanted}"));
        match (connect::<A>(&config).map(drop), expected) {
            (Ok(()), None) => {}
            (Err(error), Some(expected)) => {
                assert_eq!(error.last().unwrap().failure, Some(Failure::WrongRole));
                let text = error.to_string();
                assert!(text.ends_with(&format!("failed: {expected}")), "{wanted}: {text}");
            }
            (outcome, _) => panic!("{wanted} {reports:?}: {outcome:?}"),
        }
    }
}

/// A server before release 14.
fn a_server_that_reports_no_role_is_asked<A: Adapter>() {
    let row = |value: &[u8]| {
        let length = u8::try_from(value.len()).unwrap();
        [&[b'D', 0, 0, 0, 10 + length, 0, 1, 0, 0, 0, length], value, &WELCOME[9..]].concat()
    };
    for (wanted, value, connects) in
        [("standby", b"t".as_slice(), true), ("standby", b"f", false), ("read-write", b"on", false)]
    {
        let answer = row(value);
        let peer = Peer::start(move |mut connection| {
            connection.asked_to_start();
            connection.send(WELCOME);
            let mut kind = [0; 1];
            if connection.stream.read_exact(&mut kind).is_ok() && kind == *b"Q" {
                connection.send(&answer);
            }
            connection.rest();
        });
        let config = peer.config(&format!("sslmode=disable target_session_attrs={wanted}"));
        assert_eq!(missing(&connect::<A>(&config).map(drop).unwrap_err()), MissingProof::Role, "{wanted}");

        let asked = async |stream: &mut A::Stream, at: Startup<'_>| {
            start_up(stream, at).await?;
            let sql = at.role_query().ok_or("the role is known")?;
            let length = u32::try_from(sql.len() + 5).unwrap().to_be_bytes();
            stream.send(&[b"Q", length.as_slice(), sql.as_bytes(), b"\0"].concat()).await?;
            let mut answer = vec![0; 11 + value.len() + 6];
            stream.fill(&mut answer).await?;
            at.role_answer(answer.get(11..11 + value.len()));
            Ok::<_, StartupError>(())
        };
        let outcome = A::connect(&config, asked).map(drop);
        if connects {
            outcome.unwrap();
        } else {
            assert_eq!(failure(&outcome), Failure::WrongRole, "{wanted}");
        }
    }
}

cases!(
    a_driver_that_does_nothing_has_no_session,
    a_driver_that_stops_early_has_no_session,
    the_version_of_the_message_is_checked,
    an_older_server_is_refused,
    the_role_that_a_server_reports_is_checked,
    a_server_that_reports_no_role_is_asked,
);
