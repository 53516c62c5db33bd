//! Observers: the observations of a connection are those of its report and its errors, and `tracing` has the same.

use super::through_each_adapter;
use pgtls_adapter::{AttemptError, Config, Observation, Observer, Purpose};
use pgtls_conformance::runtime::{Adapter, config, connect, start_up};
use pgtls_conformance::{
    pki::Pki,
    server::{Behaviour, Script, Server},
};
use pgtls_core::{
    connect::{self, Action, Peer, Report, Warning},
    files::FileReport,
    message::CancelRequest,
    negotiation::Event,
};
use std::{
    io::Write as _,
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, LazyLock, Mutex, MutexGuard},
    thread,
};

static PKI: LazyLock<Arc<Pki>> = LazyLock::new(|| Arc::new(Pki::open()));

/// Everything that was observed on one connection.
#[derive(Debug, Default)]
struct Log {
    /// One word for each observation.
    order: Vec<String>,
    events: Vec<(Peer, Event)>,
    failures: Vec<(Option<Peer>, String)>,
    files: Vec<FileReport>,
    warnings: Vec<Warning>,
}

#[derive(Debug, Default)]
struct Recorder(Mutex<Log>);

impl Recorder {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap()
    }
}

impl Observer for Recorder {
    fn observe(&self, peer: Option<&Peer>, observation: Observation<'_>) {
        let mut log = self.log();
        let word = match observation {
            Observation::Action(action) => word(action).to_owned(),
            Observation::Event(event) => {
                log.events.push((peer.unwrap().clone(), event));
                event.to_string()
            }
            Observation::Tls(facts) => format!("tls:{}", facts.verified.as_str()),
            Observation::Failure(error) => {
                assert_eq!(peer, error.peer.as_ref());
                log.failures.push((peer.cloned(), error.to_string()));
                "failure".to_owned()
            }
            Observation::File(file) => {
                log.files.push(file.clone());
                file.role.rule().parameter.to_owned()
            }
            Observation::Warning(warning) => {
                log.warnings.push(warning.clone());
                warning.name().to_owned()
            }
            other => panic!("{other:?}"),
        };
        log.order.push(word);
    }
}

fn word(action: &Action) -> &'static str {
    match action {
        Action::Resolve { .. } => "Resolve",
        Action::Open => "Open",
        Action::Send(_) => "Send",
        Action::Receive { .. } => "Receive",
        Action::StartTls { .. } => "StartTls",
        Action::Startup => "Startup",
        Action::Done(_) => "Done",
        Action::Established(_) => "Established",
        Action::Failed => "Failed",
        other => panic!("{other:?}"),
    }
}

/// The observations are those of the report and the errors, and their end is the end of the connection.
#[track_caller]
fn check(log: &Log, report: &Report, errors: &[AttemptError], end: &str) {
    let attempts = &report.attempts;
    let events =
        attempts.iter().flat_map(|tried| tried.events.iter().map(|event| (tried.peer.clone(), *event)));
    assert_eq!(log.events, events.collect::<Vec<_>>());
    let failures = errors.iter().map(|error| (error.peer.clone(), error.to_string()));
    assert_eq!(log.failures, failures.collect::<Vec<_>>());
    assert_eq!(log.files, report.files);
    assert_eq!(log.warnings, report.warnings);
    let ends: Vec<_> =
        log.order.iter().filter(|word| ["Done", "Established", "Failed"].contains(&word.as_str())).collect();
    assert_eq!(ends, [end]);
    assert_eq!(log.order.last().unwrap(), end);
}

fn server(behaviour: &str) -> Server {
    Server::builder(Script::always(Behaviour::named(behaviour).unwrap()), PKI.clone()).start().unwrap()
}

/// A file with this text.
fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

const HOST: &str = "host=db.test hostaddr=127.0.0.1 port={port}";
const TWO: &str = "host=a.test,db.test hostaddr=127.0.0.1,127.0.0.1";

/// Behaviour of the server, host, other parameters.
const CASES: &[(&str, &str, &str)] = &[
    ("ok", HOST, "sslmode=verify-full sslrootcert={root}"),
    ("ok", HOST, "sslmode=require sslnegotiation=direct"),
    ("ok", HOST, "sslmode=disable"),
    ("plain-only", HOST, "sslmode=prefer"),
    ("plain-only", HOST, "sslmode=require"),
    ("tls-alert", HOST, "sslmode=prefer"),
    ("tls-alert", HOST, "sslmode=require"),
    ("starting-up", HOST, "sslmode=prefer"),
    ("ok", HOST, "sslmode=verify-full sslrootcert=/nonexistent/root.crt"),
    ("ok", HOST, "sslmode=require sslrootcert={root} sslcrl={text}"),
    ("ok", HOST, "sslmode=require sslkeylogfile=/nonexistent/keys"),
    ("ok", HOST, "sslmode=require sslcert={text} sslkey={text}"),
    ("ok", TWO, "port=1,{port} sslmode=require"),
    ("ok", TWO, "port=70000,{port} sslmode=require"),
    ("ok", TWO, "port=1,1 sslmode=require"),
    ("ok", "host=name.invalid", "port={port} sslmode=require"),
];

/// Calls `test` with each configuration.
fn each_case(mut test: impl FnMut(&str, Config)) {
    let (root, text) = (file(&PKI.root_file("root").unwrap()), file("no list"));
    for (behaviour, host, more) in CASES {
        let server = server(behaviour);
        let conninfo = format!("{host} {more}")
            .replace("{port}", &server.port().to_string())
            .replace("{root}", root.path().to_str().unwrap())
            .replace("{text}", text.path().to_str().unwrap());
        test(&format!("{behaviour} {more}"), config(&conninfo));
    }
}

fn observations_are_those_of_the_report<A: Adapter>() {
    each_case(|case, mut config| {
        let alone =
            connect::<A>(&config).map(|connected| connected.report).map_err(|error| error.to_string());
        let recorder = Arc::new(Recorder::default());
        config.observer = Some(recorder.clone());
        let observed = match connect::<A>(&config) {
            Ok(connected) => {
                check(&recorder.log(), &connected.report, &connected.failed, "Done");
                Ok(connected.report)
            }
            Err(error) => {
                check(&recorder.log(), &error.report, &error.attempts, "Failed");
                Err(error.to_string())
            }
        };
        // The outcome is the same without an observer.
        match (alone, observed) {
            (Ok(alone), Ok(observed)) => {
                assert_eq!(
                    alone.events().collect::<Vec<_>>(),
                    observed.events().collect::<Vec<_>>(),
                    "{case}"
                );
                assert_eq!(alone.warnings, observed.warnings, "{case}");
            }
            (alone, observed) => assert_eq!(alone.unwrap_err(), observed.unwrap_err(), "{case}"),
        }
    });
}

fn observations_come_in_order<A: Adapter>() {
    let (root, server) = (file(&PKI.root_file("root").unwrap()), server("ok"));
    let (root, place) = (root.path().to_str().unwrap(), server.listen().conninfo());
    let mut config = config(&format!(
        "host=db.test {place} sslmode=verify-full sslrootcert={root} sslkeylogfile=/nonexistent/keys"
    ));
    let recorder = Arc::new(Recorder::default());
    config.observer = Some(recorder.clone());
    let connected = connect::<A>(&config).unwrap();
    let order = recorder.log().order.join(" ");
    let (before, after) = order.split_once(" keylog-open").unwrap();
    assert_eq!(
        before,
        "Open connect Send Receive sslaccept StartTls sslrootcert sslcrl sslcrldir sslcert sslkey tls:full"
    );
    assert_eq!(after.replace(" keylog-open", ""), " Startup authok Done");

    let lines: Vec<_> = connected.report.warnings.iter().filter_map(Warning::libpq_text).collect();
    assert!(!lines.is_empty());
    let expected =
        "WARNING: could not open SSL key logging file \"/nonexistent/keys\": No such file or directory";
    assert!(lines.iter().all(|line| line == expected), "{lines:?}");
}

fn cancel_requests_and_own_connections_are_observed<A: Adapter>() {
    let server = server("ok");
    let mut config =
        config(&format!("host=db.test hostaddr=127.0.0.1 port={} sslmode=require", server.port()));
    let recorder = Arc::new(Recorder::default());
    config.observer = Some(recorder.clone());
    let peer = Peer::new(
        0,
        Some("db.test".to_owned()),
        connect::Address::Tcp(([127, 0, 0, 1], server.port()).into()),
    );
    let cancelled = A::cancel(&config, &peer, &CancelRequest::new(77, &[1, 2, 3, 4]).unwrap()).unwrap();
    check(&recorder.log(), &cancelled.report, &cancelled.failed, "Done");

    let recorder = Arc::new(Recorder::default());
    config.observer = Some(recorder.clone());
    let open = || TcpStream::connect(("127.0.0.1", server.port()));
    let connected = A::negotiate(&config, Some("db.test"), open().unwrap(), open, start_up).unwrap();
    check(&recorder.log(), &connected.report, &connected.failed, "Done");
}

/// An observer with one value for each connection.
#[derive(Debug, Default)]
struct PerConnection(Mutex<Vec<Arc<Recorder>>>);

impl Observer for PerConnection {
    fn observe(&self, _: Option<&Peer>, observation: Observation<'_>) {
        panic!("{observation:?} belongs to a connection");
    }

    fn connection(&self, purpose: Purpose) -> Option<Arc<dyn Observer>> {
        assert_eq!(purpose, Purpose::Session);
        let recorder = Arc::new(Recorder::default());
        self.0.lock().unwrap().push(recorder.clone());
        Some(recorder)
    }
}

fn connections_are_told_apart<A: Adapter>() {
    let server = server("ok");
    let mut config = config(&format!("host=db.test {} sslmode=require", server.listen().conninfo()));
    let observer = Arc::new(PerConnection::default());
    config.observer = Some(observer.clone());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| drop(connect::<A>(&config).unwrap()));
        }
    });
    let recorders = observer.0.lock().unwrap();
    assert_eq!(recorders.len(), 3);
    for recorder in recorders.iter() {
        assert_eq!(recorder.log().order.last().unwrap(), "Done");
        assert_eq!(Arc::strong_count(recorder), 1, "the observer is dropped with the connection");
    }
}

fn a_panic_is_the_programs<A: Adapter>() {
    let server = server("ok");
    let mut config = config(&format!("host=db.test {} sslmode=require", server.listen().conninfo()));
    config.observer = Some(Arc::new(|_: Option<&Peer>, observation: Observation<'_>| {
        assert!(!matches!(observation, Observation::Tls(_)), "a fault of the observer");
    }));
    assert!(catch_unwind(AssertUnwindSafe(|| connect::<A>(&config).map(|_| ()))).is_err());
    config.observer = None;
    connect::<A>(&config).unwrap();
}

through_each_adapter!(
    observations_are_those_of_the_report,
    observations_come_in_order,
    cancel_requests_and_own_connections_are_observed,
    connections_are_told_apart,
    a_panic_is_the_programs,
    events_have_the_fields,
);

use traced::events_have_the_fields;

/// The feature `tracing`.
mod traced {
    use super::*;
    use std::{collections::BTreeMap, fmt};
    use tracing::{
        Id, Metadata, Subscriber,
        field::{Field, Visit},
        span::{Attributes, Record},
    };

    /// The fields of an event or span, with its message.
    #[derive(Clone, Debug, Default)]
    struct Fields(BTreeMap<&'static str, String>);

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.0.insert(field.name(), format!("{value:?}"));
        }

        fn record_str(&mut self, field: &Field, value: &str) {
            self.0.insert(field.name(), value.to_owned());
        }
    }

    /// Spans with their purpose, the spans that are entered, and the events with their span.
    #[derive(Debug, Default)]
    struct State {
        spans: Vec<Fields>,
        entered: Vec<u64>,
        events: Vec<(Option<u64>, Fields)>,
    }

    #[derive(Clone, Debug, Default)]
    struct Collector(Arc<Mutex<State>>);

    impl Subscriber for Collector {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == "pgtls"
        }

        fn new_span(&self, span: &Attributes<'_>) -> Id {
            let mut state = self.0.lock().unwrap();
            let mut fields = Fields::default();
            span.record(&mut fields);
            state.spans.push(fields);
            Id::from_u64(state.spans.len() as u64)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &tracing::Event<'_>) {
            let mut fields = Fields::default();
            event.record(&mut fields);
            fields.0.insert("level", event.metadata().level().to_string());
            let mut state = self.0.lock().unwrap();
            let span = state.entered.last().copied();
            state.events.push((span, fields));
        }

        fn enter(&self, span: &Id) {
            self.0.lock().unwrap().entered.push(span.into_u64());
        }

        fn exit(&self, _: &Id) {
            self.0.lock().unwrap().entered.pop();
        }
    }

    /// The events of a connection, each with its fields, and the outcome.
    fn collect<A: Adapter>(config: &Config) -> (Vec<Fields>, Result<Report, String>) {
        let collector = Collector::default();
        let outcome = tracing::subscriber::with_default(collector.clone(), || connect::<A>(config));
        let outcome = outcome.map(|connected| connected.report).map_err(|error| error.to_string());
        let state = std::mem::take(&mut *collector.0.lock().unwrap());
        assert_eq!(state.spans.len(), 1, "one span for the connection");
        assert_eq!(state.spans[0].0["purpose"], "session");
        assert!(state.events.iter().all(|(span, _)| *span == Some(1)), "all events are within it");
        (state.events.into_iter().map(|(_, fields)| fields).collect(), outcome)
    }

    pub(super) fn events_have_the_fields<A: Adapter>() {
        each_case(|case, config| {
            let alone =
                connect::<A>(&config).map(|connected| connected.report).map_err(|error| error.to_string());
            let (events, outcome) = collect::<A>(&config);
            let field = |name| events.iter().filter_map(move |fields| fields.0.get(name).cloned());
            match (&alone, &outcome) {
                (Ok(alone), Ok(report)) => {
                    let words: Vec<_> = report.events().map(|event| event.to_string()).collect();
                    assert_eq!(field("event").collect::<Vec<_>>(), words, "{case}");
                    assert_eq!(words, alone.events().map(|event| event.to_string()).collect::<Vec<_>>());
                    let warnings: Vec<_> = report.warnings.iter().map(Warning::name).collect();
                    assert_eq!(field("warning").collect::<Vec<_>>(), warnings, "{case}");
                    assert_eq!(field("role").count(), report.files.len(), "{case}");
                    assert_eq!(field("method").count(), 1, "{case}");
                }
                (Err(alone), Err(error)) => {
                    assert_eq!(alone, error, "{case}");
                    assert!(field("failure").count() > 0, "{case}");
                }
                (alone, outcome) => panic!("{case}: {alone:?} {outcome:?}"),
            }
            let text = format!("{events:?}");
            assert!(!text.contains("secret"), "{text}");
        });

        let (root, server) = (file(&PKI.root_file("root").unwrap()), server("ok"));
        let (root, port) = (root.path().to_str().unwrap(), server.port());
        let config = config(&format!(
            "host=db.test hostaddr=127.0.0.1 port={port} sslmode=verify-full sslrootcert={root} password=secret"
        ));
        let (events, outcome) = collect::<A>(&config);
        outcome.unwrap();
        let find = |message: &str| {
            let found = events.iter().find(|fields| fields.0["message"] == message);
            found.unwrap_or_else(|| panic!("no {message}: {events:?}")).0.clone()
        };
        for message in ["open", "send", "event", "start TLS", "file", "TLS established", "startup", "done"] {
            let fields = find(message);
            assert_eq!(fields["host"], "db.test", "{message}");
            assert_eq!((&*fields["addr"], &fields["port"]), ("127.0.0.1", &port.to_string()), "{message}");
        }
        assert_eq!(find("send")["request"], "SSLRequest");
        let tls = find("TLS established");
        assert_eq!((&*tls["protocol"], &*tls["verified"]), ("TLSv1.3", "full"));
        assert!(tls["cipher"].starts_with("TLS_"), "{tls:?}");
        assert_eq!((&*tls["matched_name"], &*find("done")["method"]), ("db.test", "ssl"));
        assert_eq!((&*find("done")["level"], &*find("event")["level"]), ("INFO", "DEBUG"));
        assert!(!format!("{events:?}").contains("secret"));
    }
}
