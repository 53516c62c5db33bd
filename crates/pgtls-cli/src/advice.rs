//! What to change, for each kind of failure.

/// What a person can do about a failure of this class; nothing where the error itself says it all.
pub(crate) fn advice(error_class: &str) -> Option<&'static str> {
    ADVICE.iter().find(|(class, _)| *class == error_class).map(|(_, advice)| *advice)
}

const ADVICE: &[(&str, &str)] = &[
    (
        "server-no-ssl",
        "the server speaks no TLS on this port: set ssl = on in its postgresql.conf, or check that host and port are the right ones; sslmode=prefer would go on in plain text",
    ),
    (
        "server-error",
        "the server refused the login: look into its log; pg_hba.conf decides by user, database, address and whether TLS is used (hostssl, hostnossl)",
    ),
    (
        "server-error-in-negotiation",
        "the server answered the request for TLS with an error, which nobody vouches for and which is not shown: look into its log (too many connections is a common cause)",
    ),
    (
        "bad-reply",
        "what answers on this port is not a PostgreSQL server, or a proxy stands in between: check host and port",
    ),
    (
        "eof",
        "the server, or something in between, closed the connection: look into its log, and check that a PostgreSQL server listens there; sslnegotiation=direct needs version 17 or later",
    ),
    (
        "unencrypted-data",
        "bytes in clear came after the agreement to use TLS: somebody on the way may be injecting data (CVE-2021-23222), or a proxy is broken",
    ),
    (
        "name-mismatch",
        "connect by a name that the certificate has (host; hostaddr can give the address beside it), or have a certificate made with this name as subjectAltName",
    ),
    (
        "bad-server-name",
        "give host as well as hostaddr, and have a certificate made with the host as subjectAltName",
    ),
    ("nul-in-name", "the certificate is forged or broken: do not trust it"),
    ("missing-root-file", "get the certificate of the authority from whoever runs the server"),
    (
        "bad-root-file",
        "sslrootcert must name a file of PEM certificates, -----BEGIN CERTIFICATE----- and so on, unbroken",
    ),
    (
        "server-rejected-client-cert",
        "the server does not accept the client certificate: it must be issued by an authority in the server's ssl_ca_file, be valid and be made for clients",
    ),
    (
        "client-cert-missing",
        "the server wants a client certificate, or sslcertmode=require wants the server to ask for one: put one at sslcert and its key at sslkey; the server asks when ssl_ca_file is set",
    ),
    (
        "key-mismatch",
        "sslcert and sslkey must be a pair: have the certificate made for this key, or name the other key",
    ),
    (
        "bad-client-cert-file",
        "sslcert must name a file of PEM certificates, the client's own first; sslcertmode=disable does without one",
    ),
    (
        "missing-key-file",
        "name the key of the certificate with sslkey, or do without the certificate with sslcertmode=disable",
    ),
    ("key-not-regular", "sslkey must name the file itself, not a directory, pipe or device"),
    ("key-permissions", "chmod 0600 the key file"),
    (
        "bad-key-file",
        "check the key with openssl pkey -in FILE -noout; give the passphrase of an encrypted key with sslpassword",
    ),
    (
        "protocol-version",
        "client and server have no version in common: see ssl_min_protocol_version and ssl_max_protocol_version here, and the settings of the same names in the server's postgresql.conf; a port that speaks no TLS looks like this too",
    ),
    (
        "bad-alpn",
        "sslnegotiation=direct needs PostgreSQL 17 or later, and nothing in between that takes TLS apart",
    ),
    ("handshake", "look into the server's log for its side of the handshake"),
    (
        "channel-binding",
        "channel_binding=require needs TLS and a role whose password is stored with SCRAM; set password_encryption = scram-sha-256 and set the password anew, or use channel_binding=prefer",
    ),
    (
        "auth-requirement",
        "the server asks for another kind of authentication than require_auth allows: see pg_hba.conf",
    ),
    (
        "no-password",
        "give the password with a password file (~/.pgpass), PGPASSWORD or the parameter password",
    ),
    ("peer-requirement", "requirepeer must be the operating-system user that runs the server"),
    (
        "could-not-resolve",
        "check the host name, and that it can be looked up from here; hostaddr takes addresses alone",
    ),
    (
        "refused",
        "check that the server is running, listens there (listen_addresses, unix_socket_directories) and that no firewall is in between",
    ),
    (
        "timeout",
        "check host and port, and that no firewall drops the packets; raise connect_timeout or --timeout for a slow server",
    ),
    ("server-no-gss", "this program has no GSSAPI: leave gssencmode out, or set it to disable"),
    ("weak-mode-for-direct", "use sslmode=verify-full, or sslnegotiation=postgres"),
    ("weak-mode-for-system", "use sslmode=verify-full, or leave sslmode out"),
];
