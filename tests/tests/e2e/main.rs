//! End-to-end tests: the crates of the workspace against a Hub in the same process, a module by area.

mod account;
mod cache_state;
mod commit;
mod download;
mod downloading;
mod files;
mod hub;
mod integrity;
mod listing;
mod local_dir;
mod refs;
mod repos;
mod snapshot;
mod upload_faults;
mod upload_file;
mod upload_folder;
mod uploading;
