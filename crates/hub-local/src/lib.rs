//! A Hugging Face Hub served from a folder.
//!
//! [`LocalHub`] serves the Hub's HTTP API: repositories, which are real bare git repositories; LFS files, stored by
//! their sha256, checked on arrival and served by redirect from a second origin, as the real Hub does; users,
//! organizations and tokens. Unmodified clients work on it with `HF_ENDPOINT` set to [`LocalHub::endpoint`]. What is
//! in the folder is there again after a restart.
//!
//! For tests it runs in the same process, logs each request ([`LocalHub::requests`]) and breaks on demand
//! ([`LocalHub::fault`], [`Fault`]).

mod access;
mod accounts;
mod api;
mod builder;
mod collections;
mod content;
mod discussions;
mod endpoints;
mod error;
mod fault;
mod git;
mod hub;
mod lfs;
mod log;
mod papers;
mod repos;
mod social;
mod spaces;
mod stamp;
mod state;
mod store;
mod tags;
mod uploads;
mod web;
mod webhooks;
mod yaml;

pub use accounts::TokenRole;
pub use axum::http::Method;
pub use builder::LocalHubBuilder;
pub use error::Error;
pub use fault::{Cut, Fault, FaultHandle, Late, RequestHead};
pub use hub::{LocalHub, serve};
pub use log::{LoggedRequest, Origin};
