//! The query about `target_session_attrs`, for servers that do not report their role.

use crate::session::Connection;
use pgtls_tokio::Startup;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};
use tokio_postgres::{Client, SimpleQueryMessage};

/// Establishes the role of the server, if it has not reported it and one is demanded.
pub(crate) async fn establish(client: &Client, connection: &mut Connection, at: Startup<'_>) {
    if let Some(query) = at.role_query() {
        let answer = ask(client, connection, query).await;
        at.role_answer(answer.as_deref().map(str::as_bytes));
    }
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
