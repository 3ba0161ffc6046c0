//! How far a transfer is.
use crate::context::ProgressMode;
use crate::output::size;
use crate::terminal::{bars, note};
use hub_upload::UploadEvent;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What takes less is over before a bar is read.
const QUIET: Duration = Duration::from_secs(1);
const JSON_EVERY: Duration = Duration::from_millis(200);

/// Shows transfers in the way that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    mode: ProgressMode,
}

impl Progress {
    /// Shows transfers in this way.
    pub fn new(mode: ProgressMode) -> Self {
        Self { mode }
    }

    /// Performs an upload, shows how far it is, and tells what it did.
    pub async fn upload<U: IntoFuture>(self, work: U) -> (U::Output, Uploaded) {
        let meter = Arc::new(Meter::new(self.mode, "uploading"));
        let uploaded = Arc::new(Mutex::new(Uploaded::default()));
        let (shown, counted) = (meter.clone(), uploaded.clone());
        let watch = move |event: UploadEvent<'_>| {
            counted.lock().unwrap_or_else(PoisonError::into_inner).count(event);
            shown.upload_event(event);
        };
        let result = hub_upload::observe(watch, work).await;
        meter.finish();
        let mut uploaded = uploaded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        uploaded.elapsed = meter.started.elapsed();
        (result, uploaded)
    }

    /// Who is told how far a download is; finish it when the download is over.
    pub fn download(self) -> Arc<Meter> {
        Arc::new(Meter::new(self.mode, "downloading"))
    }
}

/// What an upload did.
#[derive(Debug, Clone, Default)]
pub struct Uploaded {
    /// How many files were added or replaced.
    pub added: usize,
    /// How many files the repository had already.
    pub unchanged: usize,
    /// How many files were deleted or copied.
    pub others: usize,
    /// How many files were left out.
    pub skipped: usize,
    /// The patterns of files to delete that matched none.
    pub unmatched: Vec<String>,
    /// How many bytes were sent.
    pub sent_bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl Uploaded {
    fn count(&mut self, event: UploadEvent<'_>) {
        match event {
            UploadEvent::Decided { added, unchanged, others } => {
                (self.added, self.unchanged, self.others) = (added, unchanged, others);
            }
            UploadEvent::Skipped { .. } => self.skipped += 1,
            UploadEvent::Unmatched { pattern } => self.unmatched.push(pattern.to_owned()),
            UploadEvent::Sent { bytes } => self.sent_bytes += bytes,
            UploadEvent::Withdrawn { bytes } => self.sent_bytes = self.sent_bytes.saturating_sub(bytes),
            _ => {}
        }
    }

    /// What it did, in words.
    pub fn sentence(&self) -> String {
        let files = |count: usize| if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
        let mut parts = Vec::new();
        if self.added > 0 {
            parts.push(format!("{} added or changed", files(self.added)));
        }
        if self.others > 0 {
            parts.push(format!("{} deleted or copied", files(self.others)));
        }
        if self.unchanged > 0 {
            parts.push(format!("{} unchanged", files(self.unchanged)));
        }
        if self.skipped > 0 {
            parts.push(format!("{} skipped", files(self.skipped)));
        }
        let what = parts.join(", ");
        match (self.added + self.others, what.is_empty()) {
            (0, true) => "nothing to commit".to_owned(),
            (0, false) => format!("nothing to commit: {what}"),
            _ => format!(
                "committed {what}; sent {} in {:.1} s",
                size(self.sent_bytes),
                self.elapsed.as_secs_f64()
            ),
        }
    }

    /// What it did, as members of a document.
    pub fn fields(&self) -> Value {
        json!({
            "added_files": self.added, "unchanged_files": self.unchanged, "other_changes": self.others,
            "skipped_files": self.skipped, "sent_bytes": self.sent_bytes, "seconds": self.elapsed.as_secs_f64(),
        })
    }
}

/// What a download transferred.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    /// How many files.
    pub files: u64,
    /// How many bytes, without those that an earlier run had received.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// The numbers of a transfer, and where they are shown.
#[derive(Debug)]
pub struct Meter {
    mode: ProgressMode,
    bar: ProgressBar,
    started: Instant,
    counts: Mutex<Counts>,
}

#[derive(Debug, Clone, Default)]
struct Counts {
    phase: &'static str,
    bytes: u64,
    total_bytes: u64,
    files: u64,
    total_files: u64,
    /// How many bytes were received by this process.
    received: u64,
    printed: Option<Instant>,
}

impl Meter {
    fn new(mode: ProgressMode, phase: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        let template = "{msg} [{bar:30}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}";
        bar.set_style(
            ProgressStyle::with_template(template)
                .expect("the template is well formed")
                .progress_chars("=> "),
        );
        let counts = Mutex::new(Counts { phase, ..Counts::default() });
        Self { mode, bar, started: Instant::now(), counts }
    }

    /// Changes the numbers and shows them.
    fn change(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut counts);
        match self.mode {
            ProgressMode::None => {}
            ProgressMode::Json => {
                if counts.printed.is_none_or(|printed| printed.elapsed() >= JSON_EVERY) {
                    counts.printed = Some(Instant::now());
                    print_json(&counts);
                }
            }
            ProgressMode::Bar => {
                self.bar.set_length(counts.total_bytes);
                self.bar.set_position(counts.bytes);
                self.bar.set_message(message(&counts));
                if self.bar.is_hidden() && self.started.elapsed() >= QUIET {
                    bars().add(self.bar.clone());
                }
            }
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match self.mode {
            ProgressMode::Json => print_json(&counts),
            ProgressMode::Bar if !self.bar.is_hidden() => self.bar.finish_and_clear(),
            ProgressMode::Bar | ProgressMode::None => {}
        }
    }

    /// What a download has transferred.
    pub fn received_in_all(&self) -> Received {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        Received { files: counts.files, bytes: counts.received, elapsed: self.started.elapsed() }
    }

    fn upload_event(&self, event: UploadEvent<'_>) {
        self.change(|counts| match event {
            UploadEvent::Started { files, bytes } => {
                (counts.total_files, counts.total_bytes) = (files as u64, bytes);
                counts.phase = "hashing";
            }
            UploadEvent::Present { bytes, .. } => {
                counts.total_bytes = counts.total_bytes.saturating_sub(bytes);
                counts.files += 1;
            }
            UploadEvent::Sending { .. } => counts.phase = "uploading",
            UploadEvent::Sent { bytes } => counts.bytes += bytes,
            UploadEvent::Withdrawn { bytes } => counts.bytes = counts.bytes.saturating_sub(bytes),
            UploadEvent::Stored { .. } => counts.files += 1,
            UploadEvent::Committing { .. } => counts.phase = "committing",
            _ => {}
        });
    }
}

impl hub_cache::Progress for Meter {
    fn planned(&self, files: u64, bytes: u64) {
        self.change(|counts| (counts.total_files, counts.total_bytes) = (files, bytes));
    }

    fn started(&self, _path: &str, _size_bytes: u64, resumed_bytes: u64) {
        self.change(|counts| counts.bytes += resumed_bytes);
    }

    fn received(&self, _path: &str, bytes: u64) {
        self.change(|counts| {
            counts.bytes += bytes;
            counts.received += bytes;
        });
    }

    fn finished(&self, _path: &str) {
        self.change(|counts| counts.files += 1);
    }
}

fn message(counts: &Counts) -> String {
    if counts.total_files > 1 {
        format!("{} {}/{} files", counts.phase, counts.files, counts.total_files)
    } else {
        counts.phase.to_owned()
    }
}

fn print_json(counts: &Counts) {
    let line = json!({
        "phase": counts.phase, "bytes": counts.bytes, "total_bytes": counts.total_bytes,
        "files": counts.files, "total_files": counts.total_files,
    });
    note(&line.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_summarised() {
        let mut uploaded = Uploaded::default();
        assert_eq!(uploaded.sentence(), "nothing to commit");
        uploaded.count(UploadEvent::Decided { added: 0, unchanged: 3, others: 0 });
        uploaded.count(UploadEvent::Skipped { path: ".env", reason: hub_upload::SkipReason::MayHoldSecrets });
        assert_eq!(uploaded.sentence(), "nothing to commit: 3 files unchanged, 1 file skipped");
        uploaded.count(UploadEvent::Decided { added: 1, unchanged: 3, others: 2 });
        uploaded.count(UploadEvent::Sent { bytes: 2500 });
        uploaded.count(UploadEvent::Withdrawn { bytes: 1000 });
        let expected = "committed 1 file added or changed, 2 files deleted or copied, 3 files unchanged, \
                        1 file skipped; sent 1.5 kB in 0.0 s";
        assert_eq!(uploaded.sentence(), expected);
    }
}
