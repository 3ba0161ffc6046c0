//! End-to-end tests: the crates of the workspace against a Hub in the same process, a module by area.

mod account;
mod commit;
mod files;
mod hub;
mod listing;
mod refs;
mod repos;
mod upload_faults;
mod upload_file;
mod upload_folder;
mod uploading;
