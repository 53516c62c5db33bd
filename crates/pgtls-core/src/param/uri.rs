//! Connection URIs (spec 1.4).
