//! The plan for one address.

use super::{Method, Methods, RootPresence, Row, Verification, row, verification};
use crate::{
    hardening::Hardening,
    param::{GssEncMode, Params, SslMode, SslNegotiation},
};

/// How the packets get to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// A unix socket: never encrypted, `sslmode` is ignored.
    Unix,
}

/// Whether GSSAPI encryption can be tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GssCredentials {
    /// A credential cache is held.
    Held,
    /// None, or the embedder has no GSSAPI.
    Absent,
}

/// What goes in the place of the startup packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payload {
    /// A StartupMessage.
    Startup,
    /// A CancelRequest: same modes, same rules, and then the server closes (libpq: `PQcancelStart`).
    Cancel,
}

/// The parameters that a plan is made from; embedders without connection strings fill it in by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PolicyInput {
    /// `sslmode`.
    pub sslmode: SslMode,
    /// `sslnegotiation`.
    pub sslnegotiation: SslNegotiation,
    /// `gssencmode`.
    pub gssencmode: GssEncMode,
    /// `sslrootcert=system`.
    pub system_roots: bool,
    /// `requirepeer` is given and not empty.
    pub requirepeer: bool,
    /// Deviations from libpq that the user asked for.
    pub hardening: Hardening,
}

impl PolicyInput {
    /// What libpq does with this mode when nothing else is said and it has no GSSAPI.
    pub const fn new(sslmode: SslMode) -> Self {
        Self {
            sslmode,
            sslnegotiation: SslNegotiation::Postgres,
            gssencmode: GssEncMode::Disable,
            system_roots: false,
            requirepeer: false,
            hardening: Hardening::NONE,
        }
    }
}

impl From<&Params> for PolicyInput {
    fn from(params: &Params) -> Self {
        Self {
            sslmode: params.sslmode(),
            sslnegotiation: params.sslnegotiation(),
            gssencmode: params.gssencmode(),
            system_roots: params.value("sslrootcert") == Some("system"),
            requirepeer: params.value("requirepeer").is_some_and(|user| !user.is_empty()),
            hardening: params.hardening(),
        }
    }
}

/// Makes the plan for one address.
pub fn plan(
    params: &Params,
    transport: Transport,
    gss: GssCredentials,
    payload: Payload,
) -> Result<EncryptionPlan, PlanError> {
    EncryptionPlan::new(PolicyInput::from(params), transport, gss, payload)
}

/// A plan for one address that can be carried out.
///
/// It has at least one method, and it cannot say what libpq would refuse: there is no place in it for `direct` or `system` in
/// a mode that does not allow them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncryptionPlan {
    route: Route,
    payload: Payload,
    hardening: Hardening,
}

/// Which methods there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Route {
    /// A unix socket: plain and nothing else.
    Unix { tls: Tls, requirepeer: bool },
    /// `gssencmode=require`: GSSAPI encryption and nothing else.
    Gss { tls: Tls },
    /// The methods of `sslmode`, with GSSAPI encryption in front or not.
    Tcp { tls: Tls, gss: bool },
}

/// `sslmode` with the options that are legal beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Tls {
    Disable,
    Allow,
    Prefer,
    Require { direct: bool },
    VerifyCa { direct: bool },
    VerifyFull { direct: bool, system_roots: bool },
}

impl EncryptionPlan {
    /// Makes the plan for one address (libpq: `init_allowed_encryption_methods`).
    pub fn new(
        input: PolicyInput,
        transport: Transport,
        gss: GssCredentials,
        payload: Payload,
    ) -> Result<Self, PlanError> {
        let tls = Tls::new(&input)?;
        let route = match (transport, input.gssencmode, gss) {
            (Transport::Unix, GssEncMode::Require, _) => return Err(PlanError::GssOverUnixSocket),
            (Transport::Unix, GssEncMode::Disable | GssEncMode::Prefer, _) => {
                Route::Unix { tls, requirepeer: input.requirepeer }
            }
            (Transport::Tcp, GssEncMode::Require, GssCredentials::Absent) => {
                return Err(PlanError::NoGssCredentials);
            }
            (Transport::Tcp, GssEncMode::Require, GssCredentials::Held) => Route::Gss { tls },
            (Transport::Tcp, GssEncMode::Prefer, GssCredentials::Held) => Route::Tcp { tls, gss: true },
            (Transport::Tcp, GssEncMode::Prefer, GssCredentials::Absent)
            | (Transport::Tcp, GssEncMode::Disable, _) => Route::Tcp { tls, gss: false },
        };
        Ok(Self { route, payload, hardening: input.hardening })
    }

    /// The methods in the order in which they are tried.
    pub fn methods(&self) -> impl Iterator<Item = Method> + use<> {
        let (first, second, third) = self.order();
        core::iter::once(first).chain(second).chain(third)
    }

    /// The first of the methods.
    pub fn first(&self) -> Method {
        self.order().0
    }

    /// The first method that has not failed (libpq: `select_next_encryption_method`).
    pub(crate) fn next(&self, failed: Methods) -> Option<Method> {
        self.methods().find(|method| !failed.contains(*method))
    }

    /// The mode of the parameters; without meaning on a unix socket and with GSSAPI encryption.
    pub fn sslmode(&self) -> SslMode {
        self.tls().row().sslmode
    }

    /// TLS starts without an SSLRequest.
    pub fn direct(&self) -> bool {
        match self.tls() {
            Tls::Disable | Tls::Allow | Tls::Prefer => false,
            Tls::Require { direct } | Tls::VerifyCa { direct } | Tls::VerifyFull { direct, .. } => direct,
        }
    }

    /// The trusted roots are the operating system's.
    pub fn system_roots(&self) -> bool {
        match self.tls() {
            Tls::Disable | Tls::Allow | Tls::Prefer | Tls::Require { .. } | Tls::VerifyCa { .. } => false,
            Tls::VerifyFull { system_roots, .. } => system_roots,
        }
    }

    /// What has to be proven about the server's certificate; `None` means that there can be no TLS session at all.
    pub fn verification(&self, root: RootPresence) -> Option<Verification> {
        verification(self.sslmode(), root)
    }

    /// The user of the peer is to be compared with `requirepeer` after connecting.
    pub fn checks_peer(&self) -> bool {
        match self.route {
            Route::Unix { requirepeer, .. } => requirepeer,
            Route::Gss { .. } | Route::Tcp { .. } => false,
        }
    }

    /// What is sent once the connection is protected as the plan wants.
    pub fn payload(&self) -> Payload {
        self.payload
    }

    /// The hardenings in force.
    pub fn hardening(&self) -> Hardening {
        self.hardening
    }

    fn order(&self) -> (Method, Option<Method>, Option<Method>) {
        match self.route {
            Route::Unix { .. } => (Method::Plain, None, None),
            Route::Gss { .. } => (Method::Gss, None, None),
            Route::Tcp { tls, gss: false } => (tls.row().first, tls.row().fallback, None),
            Route::Tcp { tls, gss: true } => (Method::Gss, Some(tls.row().first), tls.row().fallback),
        }
    }

    fn tls(&self) -> Tls {
        match self.route {
            Route::Unix { tls, .. } | Route::Gss { tls } | Route::Tcp { tls, .. } => tls,
        }
    }
}

impl Tls {
    /// The checks of libpq's `pqConnectOptions2`, in its order: `direct` first, then `system`.
    fn new(input: &PolicyInput) -> Result<Self, PlanError> {
        let sslmode = input.sslmode;
        let direct = match input.sslnegotiation {
            SslNegotiation::Postgres => false,
            SslNegotiation::Direct if row(sslmode).direct => true,
            SslNegotiation::Direct => return Err(PlanError::DirectWithWeakMode(sslmode)),
        };
        if input.system_roots && !row(sslmode).system_roots {
            return Err(PlanError::SystemRootsWithWeakMode(sslmode));
        }
        Ok(match sslmode {
            SslMode::Disable => Self::Disable,
            SslMode::Allow => Self::Allow,
            SslMode::Prefer => Self::Prefer,
            SslMode::Require => Self::Require { direct },
            SslMode::VerifyCa => Self::VerifyCa { direct },
            SslMode::VerifyFull => Self::VerifyFull { direct, system_roots: input.system_roots },
        })
    }

    fn row(self) -> &'static Row {
        row(match self {
            Self::Disable => SslMode::Disable,
            Self::Allow => SslMode::Allow,
            Self::Prefer => SslMode::Prefer,
            Self::Require { .. } => SslMode::Require,
            Self::VerifyCa { .. } => SslMode::VerifyCa,
            Self::VerifyFull { .. } => SslMode::VerifyFull,
        })
    }
}

/// Parameters that leave no method, or that no plan can hold. All of them end the whole attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PlanError {
    /// `gssencmode=require` on a unix socket.
    GssOverUnixSocket,
    /// `gssencmode=require` without a credential cache.
    NoGssCredentials,
    /// `sslnegotiation=direct` in a mode that allows plaintext. Resolved parameters never have it.
    DirectWithWeakMode(SslMode),
    /// `sslrootcert=system` in a mode other than `verify-full`. Resolved parameters never have it.
    SystemRootsWithWeakMode(SslMode),
}

impl core::fmt::Display for PlanError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::GssOverUnixSocket => f.write_str(
                "GSSAPI encryption required but it is not supported over a local socket; connect to a host name or address, or set gssencmode=prefer",
            ),
            Self::NoGssCredentials => f.write_str(
                "GSSAPI encryption required but no credential cache; obtain a ticket, or set gssencmode=prefer",
            ),
            Self::DirectWithWeakMode(mode) => write!(
                f,
                "weak sslmode \"{mode}\" may not be used with sslnegotiation=direct (use \"require\", \"verify-ca\" or \"verify-full\")"
            ),
            Self::SystemRootsWithWeakMode(mode) => {
                write!(f, "weak sslmode \"{mode}\" may not be used with sslrootcert=system (use \"verify-full\")")
            }
        }
    }
}

impl core::error::Error for PlanError {}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::{string::String, vec::Vec};

    #[track_caller]
    fn check(input: PolicyInput, transport: Transport, gss: GssCredentials, methods: &str) {
        let plan = EncryptionPlan::new(input, transport, gss, Payload::Startup);
        let got = match plan {
            Ok(plan) => plan.methods().map(Method::as_str).collect::<Vec<_>>().join(" "),
            Err(error) => std::format!("{error:?}"),
        };
        assert_eq!(got, methods);
    }

    #[test]
    fn methods_by_mode_and_gss() {
        use GssCredentials::{Absent, Held};
        let rows = [
            (SslMode::Disable, "plain", "gss plain"),
            (SslMode::Allow, "plain ssl", "gss plain ssl"),
            (SslMode::Prefer, "ssl plain", "gss ssl plain"),
            (SslMode::Require, "ssl", "gss ssl"),
            (SslMode::VerifyCa, "ssl", "gss ssl"),
            (SslMode::VerifyFull, "ssl", "gss ssl"),
        ];
        for (mode, without, with) in rows {
            let input = |gssencmode| PolicyInput { gssencmode, ..PolicyInput::new(mode) };
            check(input(GssEncMode::Disable), Transport::Tcp, Held, without);
            check(input(GssEncMode::Disable), Transport::Tcp, Absent, without);
            check(input(GssEncMode::Prefer), Transport::Tcp, Held, with);
            check(input(GssEncMode::Prefer), Transport::Tcp, Absent, without);
            check(input(GssEncMode::Require), Transport::Tcp, Held, "gss");
            check(input(GssEncMode::Require), Transport::Tcp, Absent, "NoGssCredentials");
            check(input(GssEncMode::Disable), Transport::Unix, Held, "plain");
            check(input(GssEncMode::Prefer), Transport::Unix, Held, "plain");
            check(input(GssEncMode::Require), Transport::Unix, Held, "GssOverUnixSocket");
        }
    }

    #[test]
    fn illegal_combinations_make_no_plan() {
        for mode in SslMode::ALL.iter().copied() {
            let direct = PolicyInput { sslnegotiation: SslNegotiation::Direct, ..PolicyInput::new(mode) };
            let system = PolicyInput { system_roots: true, ..PolicyInput::new(mode) };
            // On unix sockets too: libpq validates before it looks at the address.
            for transport in [Transport::Tcp, Transport::Unix] {
                let made =
                    |input| EncryptionPlan::new(input, transport, GssCredentials::Absent, Payload::Startup);
                match mode {
                    SslMode::Disable | SslMode::Allow | SslMode::Prefer => {
                        assert_eq!(made(direct), Err(PlanError::DirectWithWeakMode(mode)));
                    }
                    SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                        assert!(made(direct).unwrap().direct());
                    }
                }
                match made(system) {
                    Ok(plan) => assert!(plan.system_roots() && mode == SslMode::VerifyFull),
                    Err(error) => assert_eq!(error, PlanError::SystemRootsWithWeakMode(mode)),
                }
            }
        }
    }

    #[test]
    fn requirepeer_matters_on_unix_sockets_alone() {
        let input = PolicyInput { requirepeer: true, ..PolicyInput::new(SslMode::Prefer) };
        let made = |transport| {
            EncryptionPlan::new(input, transport, GssCredentials::Absent, Payload::Startup)
                .unwrap()
                .checks_peer()
        };
        assert!(made(Transport::Unix));
        assert!(!made(Transport::Tcp));
    }

    #[test]
    fn messages() {
        let texts = [
            PlanError::GssOverUnixSocket,
            PlanError::NoGssCredentials,
            PlanError::DirectWithWeakMode(SslMode::Prefer),
            PlanError::SystemRootsWithWeakMode(SslMode::Require),
        ]
        .map(|error| std::format!("{error}"));
        let expected: [String; 4] = [
            "GSSAPI encryption required but it is not supported over a local socket; connect to a host name or address, or set gssencmode=prefer".into(),
            "GSSAPI encryption required but no credential cache; obtain a ticket, or set gssencmode=prefer".into(),
            "weak sslmode \"prefer\" may not be used with sslnegotiation=direct (use \"require\", \"verify-ca\" or \"verify-full\")".into(),
            "weak sslmode \"require\" may not be used with sslrootcert=system (use \"verify-full\")".into(),
        ];
        assert_eq!(texts, expected);
    }
}
