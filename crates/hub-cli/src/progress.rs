//! How far a transfer is.
use crate::context::ProgressMode;
use hub_client::Result;
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

    /// Performs an upload and shows how far it is.
    pub async fn upload(self, work: impl Future<Output = Result<Value>>) -> Result<Value> {
        if self.mode == ProgressMode::None {
            return work.await;
        }
        let meter = Arc::new(Meter::new(self.mode, "uploading"));
        let shown = meter.clone();
        let result = hub_upload::observe(move |event: UploadEvent<'_>| meter.upload_event(event), work).await;
        shown.finish();
        result
    }

    /// Who is told how far a download is; finish it when the download is over.
    pub fn download(self) -> Arc<Meter> {
        Arc::new(Meter::new(self.mode, "downloading"))
    }
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
                    self.bar.set_draw_target(ProgressDrawTarget::stderr());
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
        self.change(|counts| counts.bytes += bytes);
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
    eprintln!("{line}");
}
