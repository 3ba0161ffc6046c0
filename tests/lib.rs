//! What the end-to-end tests share: a Hub in this process and clients of it.
