//! Inference Endpoints: their own API below `/ie/v2`, and the URLs of the endpoints. No model is really run.
mod config;
mod manage;
mod run;

use crate::{state::HubState, store::Schema};
use axum::Router;

pub(crate) const SCHEMA: Schema = Schema {
    noun: "inference_endpoints",
    steps: &["
        CREATE TABLE inference_endpoints (
            namespace TEXT NOT NULL COLLATE NOCASE REFERENCES accounts (name),
            name TEXT NOT NULL,
            config TEXT NOT NULL,
            phase TEXT NOT NULL CHECK (phase IN ('deployed', 'paused', 'scaledToZero')),
            ready_at INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            created_by TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            updated_by TEXT NOT NULL,
            PRIMARY KEY (namespace, name)
        );
        "],
};

pub(crate) fn routes() -> Router<HubState> {
    manage::routes().merge(run::routes())
}
