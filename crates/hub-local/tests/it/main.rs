//! What clients of any kind rely on, over plain HTTP.
mod accounts;
mod client;
mod commits;
mod faults;
mod lifecycle;
mod listings;
mod ranges;
mod repos;
mod uploads;
