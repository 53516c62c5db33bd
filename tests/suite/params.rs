//! Connection parameters: strings, URIs, arrays, service files, environment.

mod allocations;
#[cfg(unix)]
mod differential;
mod disk;
mod hosts;
#[cfg(unix)]
mod libpq;
mod round_trip;
mod table;
mod typed;
