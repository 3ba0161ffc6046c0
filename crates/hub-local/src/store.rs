//! The SQLite database: everything that is neither git nor content.
use crate::{Error, web::Result};
use rusqlite::Connection;
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// The tables of one noun: the steps that bring a database from nothing to the present, in order.
///
/// A step that has been released is never changed; a change is a further step.
pub(crate) struct Schema {
    pub(crate) noun: &'static str,
    pub(crate) steps: &'static [&'static str],
}

/// All tables, in the order they are made.
const SCHEMAS: &[Schema] = &[
    crate::accounts::SCHEMA,
    crate::repos::SCHEMA,
    crate::discussions::SCHEMA,
    crate::access::SCHEMA,
    crate::social::SCHEMA,
    crate::papers::SCHEMA,
    crate::collections::SCHEMA,
    crate::spaces::SCHEMA,
    crate::endpoints::SCHEMA,
    crate::webhooks::SCHEMA,
];

/// The database. Clones share one connection; calls take turns.
#[derive(Clone)]
pub(crate) struct Store(Arc<Mutex<Connection>>);

impl Store {
    /// Opens or creates a database and brings its tables up to date.
    ///
    /// With `durable`, what a call has written outlives a power failure.
    pub(crate) fn open(path: &Path, durable: bool) -> Result<Self, Error> {
        let refuse = |cause| Error::with(format!("could not open the database `{}`", path.display()), cause);
        let mut connection = Connection::open(path).map_err(refuse)?;
        let synchronous = if durable { "FULL" } else { "OFF" };
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON;
                 PRAGMA busy_timeout = 5000;
                 CREATE TABLE IF NOT EXISTS schema_versions (noun TEXT PRIMARY KEY, version INTEGER NOT NULL);"
            ))
            .map_err(refuse)?;
        connection.set_prepared_statement_cache_capacity(128);
        for schema in SCHEMAS {
            migrate(&mut connection, schema).map_err(refuse)?;
        }
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Runs `f` in a transaction on the database; for blocking threads. An error undoes what it wrote.
    pub(crate) fn with<T>(&self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        // A call that panicked has had its transaction undone.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        let value = f(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Runs `f` in a transaction on a blocking thread.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        blocking(move || store.with(f)).await
    }
}

/// Runs work that reads or writes files on a blocking thread.
pub(crate) async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(f).await {
        Ok(result) => result,
        Err(cause) => std::panic::resume_unwind(cause.into_panic()),
    }
}

fn migrate(connection: &mut Connection, schema: &Schema) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let done: u32 = transaction.query_row(
        "SELECT COALESCE((SELECT version FROM schema_versions WHERE noun = ?1), 0)",
        [schema.noun],
        |row| row.get(0),
    )?;
    for step in schema.steps.iter().skip(done as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.execute(
        "INSERT OR REPLACE INTO schema_versions (noun, version) VALUES (?1, ?2)",
        (schema.noun, done.max(schema.steps.len() as u32)),
    )?;
    transaction.commit()
}
