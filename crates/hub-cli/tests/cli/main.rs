//! The `hub` binary against a Hub in this process: its output, its warnings and its exit codes.
mod deletion;
mod download;
mod hub;
mod names;
mod output;
mod reports;
mod safetensors;
mod signals;
mod upload;
