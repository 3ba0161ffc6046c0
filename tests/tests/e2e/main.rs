//! End-to-end tests: the crates of the workspace against a Hub in the same process, a module by area.

mod access;
mod account;
mod cache_state;
mod collections;
mod commit;
mod discussions;
mod download;
mod downloading;
mod endpoints;
mod files;
mod hub;
mod integrity;
mod likes;
mod listing;
mod local_dir;
mod refs;
mod repos;
mod safetensors;
mod snapshot;
mod spaces;
mod upload_faults;
mod upload_file;
mod upload_folder;
mod uploading;
mod users;
mod webhooks;
