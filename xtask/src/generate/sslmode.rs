//! `docs/sslmode.md`: the policy table, and the behaviour of the machine in each mode.

use super::{
    negotiation::{proven, rejected},
    template::{fill, table},
};
use pgtls_core::{
    hardening::Hardening,
    negotiation::{Action, AfterFailure, Encryption, Input, Negotiation, TlsFailure},
    param::{SslMode, SslNegotiation},
    policy::{
        EncryptionPlan, GssCredentials, Method, Payload, PolicyInput, RootPresence, Row, TABLE, Transport,
        Verification, verification,
    },
};

pub(super) fn content() -> String {
    fill(
        include_str!("sslmode.md"),
        &[
            ("modes", modes()),
            ("verified", verified()),
            ("beside", beside()),
            ("hardenings", hardenings()),
            ("sources", sources()),
        ],
    )
}

/// A certificate that does not verify, for example.
const TLS_FAILURE: Input<'static> = Input::Tls(Err(TlsFailure::Handshake));

fn modes() -> String {
    let header = [
        "sslmode",
        "Tried, in order",
        "Server answers `N`",
        "TLS cannot be set up, or its handshake or verification fails",
        "Server rejects the user in plaintext",
        "Server rejects the user inside TLS",
    ];
    table(
        header,
        TABLE.map(|row| {
            let methods: Vec<_> = row.methods().map(Method::as_str).collect();
            let follows = |state, input| follow(&PolicyInput::new(row.sslmode), state, input);
            [
                mode(&row),
                methods.join(", "),
                follows("awaiting reply to SSLRequest", Input::Received(b"N")),
                follows("TLS handshake", TLS_FAILURE),
                follows("startup in clear", rejected()),
                follows("startup inside TLS", rejected()),
            ]
        }),
    )
}

/// The machine's reaction to this input in this state, on the path of a server that accepts every request.
fn follow(input: &PolicyInput, state: &str, happens: Input<'_>) -> String {
    let plan = EncryptionPlan::new(*input, Transport::Tcp, GssCredentials::Absent, Payload::Startup);
    let mut negotiation = Negotiation::new(plan.expect("the document has legal modes only"));
    while negotiation.state() != state {
        let next = match negotiation.poll_action() {
            Action::Connect | Action::Reconnect { .. } => Input::Opened { success: true },
            Action::Send(_) => Input::Sent,
            Action::Receive { .. } => Input::Received(b"S"),
            Action::StartTls(_) => Input::Tls(Ok(proven())),
            // A rejection in plaintext is what leads `allow` to TLS.
            Action::Startup { encryption: Encryption::Plain, .. } => rejected(),
            _ => return "–".to_owned(),
        };
        negotiation.handle_input(next).expect("each action gets its own answer");
    }
    negotiation.handle_input(happens).expect("the state waits for this");
    consequence(negotiation)
}

fn consequence(mut negotiation: Negotiation) -> String {
    let place = match negotiation.poll_action() {
        Action::Fail { then: AfterFailure::Stop, .. } => return "fails".to_owned(),
        Action::Reconnect { .. } => {
            negotiation.handle_input(Input::Opened { success: true }).expect("a reconnect is answered so");
            "a new connection"
        }
        _ => "the same connection",
    };
    let method = match negotiation.poll_action() {
        Action::Startup { encryption, .. } => encryption.as_str(),
        Action::Send(_) | Action::StartTls(_) => Encryption::Ssl.as_str(),
        other => unreachable!("{other:?} does not follow a failure"),
    };
    format!("{method} on {place}")
}

fn verified() -> String {
    let header = ["sslmode", "Roots are there", "Root file is missing", "`sslrootcert=system`"];
    let words = |verified| match verified {
        None => "TLS fails",
        Some(Verification::None) => "nothing",
        Some(Verification::Ca) => "the chain",
        Some(Verification::Full) => "the chain and the host name",
    };
    table(
        header,
        TABLE.into_iter().filter(|row| row.methods().any(|method| method == Method::Ssl)).map(|row| {
            let system = PolicyInput { system_roots: true, ..PolicyInput::new(row.sslmode) };
            let by = |root| words(verification(row.sslmode, root)).to_owned();
            [
                mode(&row),
                by(RootPresence::Found),
                by(RootPresence::Missing),
                if is_legal(system) { by(RootPresence::System) } else { "refused".to_owned() },
            ]
        }),
    )
}

fn beside() -> String {
    let yes = |legal| if legal { "yes" } else { "no" }.to_owned();
    table(
        ["sslmode", "`sslnegotiation=direct`", "`sslrootcert=system`"],
        TABLE.map(|row| {
            let input = PolicyInput::new(row.sslmode);
            let direct = PolicyInput { sslnegotiation: SslNegotiation::Direct, ..input };
            let system = PolicyInput { system_roots: true, ..input };
            [mode(&row), yes(is_legal(direct)), yes(is_legal(system))]
        }),
    )
}

fn is_legal(input: PolicyInput) -> bool {
    EncryptionPlan::new(input, Transport::Tcp, GssCredentials::Absent, Payload::Startup).is_ok()
}

fn hardenings() -> String {
    let mut failure = Hardening::NONE;
    failure.no_plaintext_after_tls_failure = true;
    let mut rejection = Hardening::NONE;
    rejection.no_plaintext_after_rejection = true;
    let rows = [
        ("none (libpq)", Hardening::NONE),
        ("`no_plaintext_after_tls_failure`", failure),
        ("`no_plaintext_after_rejection`", rejection),
    ];
    table(
        ["Hardening", "TLS fails", "Server rejects the user inside TLS"],
        rows.map(|(name, hardening)| {
            let input = PolicyInput { hardening, ..PolicyInput::new(SslMode::Prefer) };
            let follows = |state, happens| follow(&input, state, happens);
            [
                name.to_owned(),
                follows("TLS handshake", TLS_FAILURE),
                follows("startup inside TLS", rejected()),
            ]
        }),
    )
}

fn sources() -> String {
    table(["sslmode", "Source"], TABLE.map(|row| [mode(&row), row.source.to_owned()]))
}

fn mode(row: &Row) -> String {
    format!("`{}`", row.sslmode)
}
