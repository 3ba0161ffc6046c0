//! End-to-end tests: the crates of the workspace against a Hub in the same process, a module by area.
