//! Keyword/value strings (spec 1.3).
