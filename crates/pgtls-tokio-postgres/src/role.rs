//! `target_session_attrs`, asked of a server whose session is up.

use crate::session::Connection;
use pgtls_core::{
    param::TargetSessionAttrs,
    role::{RoleCheck, WrongRole},
};
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};
use tokio_postgres::{Client, SimpleQueryMessage};

/// What a server may report of itself.
const REPORTS: [&str; 2] = ["in_hot_standby", "default_transaction_read_only"];

/// Whether it is the kind of server that is wanted.
pub(crate) async fn check(
    client: &Client,
    connection: &mut Connection,
    wanted: TargetSessionAttrs,
) -> Result<(), WrongRole> {
    let mut role = RoleCheck::new(wanted);
    for name in REPORTS {
        if let Some(value) = connection.parameter(name) {
            role.status(name, value);
        }
    }
    while let Some(query) = role.verdict()? {
        if let Some(value) = ask(client, connection, query).await {
            role.row(value.as_bytes());
        }
        role.query_complete()?;
    }
    Ok(())
}

/// The one value that a query returns. The connection has to be driven meanwhile.
async fn ask(client: &Client, connection: &mut Connection, query: &str) -> Option<String> {
    let mut answer = pin!(client.simple_query(query));
    let messages = poll_fn(|cx| {
        let ended = Pin::new(&mut *connection).poll(cx).is_ready();
        match answer.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(answer.ok()),
            Poll::Pending if ended => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    messages.await?.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
}
