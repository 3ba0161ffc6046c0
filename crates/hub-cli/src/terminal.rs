//! The standard streams: writing to them never panics and never tears a progress bar.
use indicatif::MultiProgress;
use std::io::{self, Write as _};
use std::path::Path;
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The progress bars on the standard error.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);
/// Whether there may be a bar to step around.
static HAS_BARS: AtomicBool = AtomicBool::new(false);
/// Whether names are written as they are.
static RAW: AtomicBool = AtomicBool::new(false);

/// Returns the progress bars, to add one.
pub fn bars() -> &'static MultiProgress {
    HAS_BARS.store(true, Ordering::Relaxed);
    &BARS
}

/// Writes names as they are from now on, control characters included.
pub fn set_raw() {
    RAW.store(true, Ordering::Relaxed);
}

/// Writes one line to the standard error, above the progress bars.
///
/// A failure is ignored: there is nowhere left to report it.
pub fn note(text: &str) {
    let write = || {
        let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
    };
    if HAS_BARS.load(Ordering::Relaxed) {
        BARS.suspend(write);
    } else {
        write();
    }
}

/// Writes the beginning of a line that the user completes.
pub fn prompt(text: &str) {
    let mut stderr = io::stderr();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// Writes text to the standard output.
///
/// # Errors
/// The output cannot be written to. A reader that has seen enough, as `head` does, ends the process quietly.
pub fn print(text: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => process::exit(0),
        result => result,
    }
}

/// The bytes of a path, for programs that read it.
pub fn path_bytes(path: &Path) -> Vec<u8> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        path.as_os_str().as_bytes().to_vec()
    }
    #[cfg(not(unix))]
    path.to_string_lossy().into_owned().into_bytes()
}

/// The text with control characters, line separators and direction marks shown as escapes, so that no name from the
/// network steers the terminal. With `--raw` it stays as it is.
pub fn escape(text: &str) -> String {
    if RAW.load(Ordering::Relaxed) { text.to_owned() } else { escaped(text) }
}

fn escaped(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(escaped("a\x1b[31m\u{202e}\r"), "a\\u{1b}[31m\\u{202e}\\u{d}");
        assert_eq!(
            escaped("\u{9b}31m\u{7f}\u{61c}\u{2028}\u{2066}"),
            "\\u{9b}31m\\u{7f}\\u{61c}\\u{2028}\\u{2066}"
        );
        assert_eq!(escaped("modèle 模型 👩‍💻"), "modèle 模型 👩‍💻");
    }
}
