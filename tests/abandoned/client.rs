//! The process that connects and gives up.

use crate::{
    random_abort::{Patience, chance},
    resource_usage::{self, Held},
};
use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _, future::or};
use pgtls_adapter::{Config, LibraryInit, Startup, StartupError};
use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, Params, Settings},
};
use std::{
    fmt, future::poll_fn, iter::Sum, ops::Range, pin::pin, str::FromStr, sync::Arc, task::Poll,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    runtime::{Builder, Runtime},
};

/// How many connections there are at the same time.
const LANES: usize = 16;
/// What the heap may have grown by for each connection, on average: less than anything that a connection holds.
const GROWTH: usize = 8;
/// How often it is looked for connections that leave nothing.
const TRIES: usize = 3;

/// One set of parameters for each way to get to a server.
const PARAMETERS: [&str; 9] = [
    "host=db.test hostaddr=127.0.0.1 sslmode=verify-full sslrootcert={folder}/root.crt",
    "host=db.test hostaddr=127.0.0.1 sslmode=require connect_timeout=10",
    "host=db.test hostaddr=127.0.0.1 sslmode=require sslnegotiation=direct",
    "host=db.test hostaddr=127.0.0.1 sslmode=prefer connect_timeout=10",
    "host=db.test hostaddr=127.0.0.1 sslmode=allow",
    "host=db.test hostaddr=127.0.0.1 sslmode=disable connect_timeout=10",
    // Looked up, and perhaps tried at an address where nobody listens.
    "host=localhost sslmode=require",
    "host=db.test,db.test hostaddr=127.0.0.1,127.0.0.1 sslmode=verify-ca sslrootcert={folder}/root.crt",
    "host={folder} requirepeer={user}",
];

/// What a client is told.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) port: u16,
    pub(crate) connections: usize,
    pub(crate) seed: u64,
    pub(crate) folder: String,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.port, self.connections, self.seed, self.folder)
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.splitn(4, ' ');
        let mut word = || words.next().ok_or_else(|| format!("{text:?} is too short"));
        Ok(Self {
            port: number(word()?)?,
            connections: number(word()?)?,
            seed: number(word()?)?,
            folder: word()?.to_owned(),
        })
    }
}

fn number<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

impl Task {
    fn configs(&self) -> Vec<Config> {
        let user = pgtls_os::user_name(rustix::process::geteuid().as_raw()).unwrap();
        let made = PARAMETERS.map(|parameters| {
            let parameters = parameters.replace("{folder}", &self.folder).replace("{user}", &user);
            let settings = Settings::parse(&format!("{parameters} port={} user=u", self.port)).unwrap();
            let environment = Environment::empty(Platform::Unix);
            let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
            let init = LibraryInit { ssl: false, crypto: true };
            Config::initialised(params, environment, init, pgtls_rustls::aws_lc_rs).unwrap()
        });
        made.into()
    }
}

/// An adapter on a runtime.
trait Client: 'static {
    /// Connects, starts a session up, and leaves it. Whether there was one.
    fn connect(config: &Arc<Config>) -> impl Future<Output = bool> + Send;

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send;

    /// Runs these at the same time.
    fn run<T: Send + 'static>(&self, futures: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T>;

    /// Whether no task is left, if the executor says so.
    fn is_idle(&self) -> bool;
}

/// What became of the connections.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    connected: usize,
    failed: usize,
    given_up: usize,
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, tally| Self {
            connected: sum.connected + tally.connected,
            failed: sum.failed + tally.failed,
            given_up: sum.given_up + tally.given_up,
        })
    }
}

/// Connects and gives up, again and again, and compares what the process holds.
fn check<C: Client>(client: &C, task: &Task) {
    let configs: Arc<[Config]> = task.configs().into();
    // The reactor and the executor are there, once and for all, and have done nothing yet.
    client.run((0..LANES).map(|_| C::sleep(Duration::from_millis(1))).collect());
    let before = Held::now();
    let is_idle = || client.is_idle();
    let half = task.connections / 2;
    let first = connect(client, task, &configs, 0..half);
    before.is_all_again(is_idle);
    // The tables of the reactor, among others, have grown to their size. What a leak leaves, it leaves each time; a thread of
    // the runtime, which keeps something for itself, is not new each time.
    let mut tally = first;
    let mut growth = usize::MAX;
    for _ in 0..TRIES {
        let heap = resource_usage::heap();
        let again = connect(client, task, &configs, half..task.connections);
        before.is_all_again(is_idle);
        tally = [tally, again].into_iter().sum();
        growth = growth.min(resource_usage::heap().saturating_sub(heap));
        if growth < half * GROWTH {
            break;
        }
    }
    println!("{tally:?}, the heap has grown by {growth} bytes while it held {before:?}");
    assert!(growth < half * GROWTH, "{growth} bytes are left of {half} connections");
    let Tally { connected, failed, given_up } = tally;
    assert!(connected.min(failed).min(given_up) > task.connections / 50, "chance has left something out");
}

fn connect<C: Client>(client: &C, task: &Task, configs: &Arc<[Config]>, numbers: Range<usize>) -> Tally {
    let lanes = (0..LANES).map(|first| {
        let numbers = numbers.clone().skip(first).step_by(LANES);
        lane::<C>(configs.clone(), task.seed, numbers)
    });
    client.run(lanes.collect()).into_iter().sum()
}

/// These connections, one after the other.
async fn lane<C: Client>(configs: Arc<[Config]>, seed: u64, numbers: impl Iterator<Item = usize>) -> Tally {
    let mut tally = Tally::default();
    for number in numbers {
        let mut chance = chance(seed, number);
        let mut config = chance.choice(&*configs).unwrap().clone();
        if chance.bool() {
            // The files are read.
            config.cache = Arc::default();
        }
        let (config, patience) = (Arc::new(config), Patience::toss(&mut chance));
        match patiently::<C, _>(C::connect(&config), patience).await {
            None => tally.given_up += 1,
            Some(true) => tally.connected += 1,
            Some(false) => tally.failed += 1,
        }
    }
    tally
}

/// What a future returns; `None` if that takes too much patience, and then the future is dropped where it stands.
async fn patiently<C: Client, T>(future: impl Future<Output = T> + Send, patience: Patience) -> Option<T> {
    let mut future = pin!(future);
    let mut polls = patience.polls;
    let counted = poll_fn(|cx| {
        polls -= 1;
        match future.as_mut().poll(cx) {
            Poll::Pending if polls == 0 => Poll::Ready(None),
            polled => polled.map(Some),
        }
    });
    let limit = async {
        C::sleep(patience.time).await;
        None
    };
    or(counted, limit).await
}

/// Sends a StartupMessage and reads up to ReadyForQuery. Both adapters, whose streams have other traits.
macro_rules! start_up {
    ($stream:ident) => {{
        $stream.write_all(b"\0\0\0\x10\0\x03\0\0user\0u\0\0").await?;
        $stream.flush().await?;
        let mut last = [0; 6];
        while last != *b"Z\0\0\0\x05I" {
            last.rotate_left(1);
            $stream.read_exact(&mut last[5..]).await?;
        }
        Ok(())
    }};
}

async fn start_up_on_tokio(stream: &mut pgtls_tokio::Stream, _: Startup<'_>) -> Result<(), StartupError> {
    start_up!(stream)
}

async fn start_up_on_futures(
    stream: &mut pgtls_async_std::Stream,
    _: Startup<'_>,
) -> Result<(), StartupError> {
    start_up!(stream)
}

struct Tokio(Runtime);

impl Client for Tokio {
    async fn connect(config: &Arc<Config>) -> bool {
        pgtls_tokio::connect(config, start_up_on_tokio).await.is_ok()
    }

    async fn sleep(time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn run<T: Send + 'static>(&self, futures: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
        let tasks: Vec<_> = futures.into_iter().map(|future| self.0.spawn(future)).collect();
        tasks.into_iter().map(|task| self.0.block_on(task).unwrap()).collect()
    }

    fn is_idle(&self) -> bool {
        self.0.metrics().num_alive_tasks() == 0
    }
}

/// The driver, which sends the StartupMessage by itself.
struct TokioPostgres(Tokio);

impl Client for TokioPostgres {
    async fn connect(config: &Arc<Config>) -> bool {
        pgtls_tokio_postgres::connect_with(config).await.is_ok()
    }

    async fn sleep(time: Duration) {
        Tokio::sleep(time).await;
    }

    fn run<T: Send + 'static>(&self, futures: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
        self.0.run(futures)
    }

    fn is_idle(&self) -> bool {
        self.0.is_idle()
    }
}

struct AsyncStd;

impl Client for AsyncStd {
    async fn connect(config: &Arc<Config>) -> bool {
        pgtls_async_std::connect(config, start_up_on_futures).await.is_ok()
    }

    async fn sleep(time: Duration) {
        async_std::task::sleep(time).await;
    }

    fn run<T: Send + 'static>(&self, futures: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
        let tasks: Vec<_> = futures.into_iter().map(async_std::task::spawn).collect();
        tasks.into_iter().map(async_std::task::block_on).collect()
    }

    fn is_idle(&self) -> bool {
        true
    }
}

/// `pgtls-async-std` on an executor whose tasks can be counted.
struct Smol(Arc<smol::Executor<'static>>);

impl Client for Smol {
    async fn connect(config: &Arc<Config>) -> bool {
        pgtls_async_std::connect(config, start_up_on_futures).await.is_ok()
    }

    async fn sleep(time: Duration) {
        smol::Timer::after(time).await;
    }

    fn run<T: Send + 'static>(&self, futures: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
        let tasks: Vec<_> = futures.into_iter().map(|future| self.0.spawn(future)).collect();
        tasks.into_iter().map(|task| smol::block_on(self.0.run(task))).collect()
    }

    fn is_idle(&self) -> bool {
        self.0.is_empty()
    }
}

pub(crate) fn tokio(task: &Task) {
    on_tokio(task, |tokio| tokio);
}

pub(crate) fn tokio_postgres(task: &Task) {
    on_tokio(task, TokioPostgres);
}

fn on_tokio<C: Client>(task: &Task, client: fn(Tokio) -> C) {
    let before = Held::now();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        // How long its pool for blocking work keeps a thread that has nothing to do; ten seconds otherwise.
        .thread_keep_alive(Duration::from_millis(100))
        .enable_all()
        .build()
        .unwrap();
    let client = client(Tokio(runtime));
    check(&client, task);
    drop(client);
    before.is_all_again(|| true);
}

pub(crate) fn async_std(task: &Task) {
    check(&AsyncStd, task);
}

pub(crate) fn smol(task: &Task) {
    check(&Smol(Arc::default()), task);
}
