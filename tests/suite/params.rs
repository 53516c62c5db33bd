//! Connection parameters: strings, URIs, arrays, service files, environment.

mod allocations;
mod hosts;
mod round_trip;
mod table;
