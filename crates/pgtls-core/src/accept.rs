//! The server's side of the negotiation: first bytes in, what the client wants out (spec 3.13).
