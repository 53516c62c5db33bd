//! How a call ended.

/// How a call ended.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum pgtls_status {
    /// Well.
    PGTLS_OK = 0,
    /// An argument is NULL, no UTF-8, or a number without a meaning.
    PGTLS_ARGUMENT = 1,
    /// The parameters make no sense; the error says why.
    PGTLS_PARAMETERS = 2,
    /// A file, or what is in it, cannot be used; the error says why.
    PGTLS_FILE = 3,
    /// The chain does not hold, or the name is not the host's; the error says why.
    PGTLS_UNVERIFIED = 4,
    /// The call does not answer the machine's action, or a trust or proof does not belong to it: an error of the program. The
    /// connection has failed, the next action is `PGTLS_FAILED`, and `pgtls_machine_error` returns the reason.
    PGTLS_MISUSE = 5,
    /// A bug in this library. Whatever the handle was used for, use it for nothing but to free it.
    PGTLS_BUG = 6,
}
