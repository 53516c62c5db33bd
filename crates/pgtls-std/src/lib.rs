//! The blocking adapter: performs the machine's actions on std sockets. It decides nothing.
