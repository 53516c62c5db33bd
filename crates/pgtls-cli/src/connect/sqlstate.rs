//! Our own sentence for the errors that a server answers a startup packet with.
//!
//! The server's text is not shown when nobody knows who wrote it: an attacker could have (CVE-2024-10977). The five
//! characters of the SQLSTATE can only select a sentence.

/// What an error of this SQLSTATE means (PostgreSQL documentation, appendix "PostgreSQL Error Codes").
pub(super) fn sentence(sqlstate: [u8; 5]) -> &'static str {
    match &sqlstate {
        b"08P01" => "protocol violation: the server did not understand the startup packet",
        b"0A000" => "the server does not support what was asked for",
        b"28000" => {
            "authorization refused: pg_hba.conf has no entry for this user, database, address and encryption, or rejects it"
        }
        b"28P01" => "password authentication failed",
        b"3D000" => "the database does not exist",
        b"42501" => "permission denied for the database",
        b"42704" => "a name in the startup packet is not known to the server",
        b"22023" => "a value in the startup packet is not valid",
        b"53300" => "too many connections",
        b"53400" => "a limit of the server's configuration is exceeded",
        b"55000" => "the database does not accept connections",
        b"57P01" => "the server is shutting down by an administrator's command",
        b"57P02" => "the server is shutting down after a crash",
        b"57P03" => {
            "the server cannot accept connections now: it is starting up, shutting down or recovering"
        }
        b"57P04" => "the database was dropped",
        b"58000" | b"58P01" => "the server has trouble with its own system",
        b"XX000" => "internal error of the server",
        [b'2', b'8', ..] => "authorization refused",
        [b'5', b'3', ..] => "the server is short of resources",
        _ => "the server refused the connection",
    }
}
