//! Output that does not wait for its reader.
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

/// How much is handed over at once.
const CHUNK_BYTES: usize = 64 << 10;
/// How many chunks wait for the reader at most.
const CHUNKS: usize = 4;

/// A buffered writer whose target is written to by a thread, so that a large result is made while what reads it takes
/// its time.
///
/// As long as there is little, no thread is started. What is left is written when it is dropped, so that a listing that
/// fails has shown the items before the failure; errors are told by `flush` only.
pub struct Outlet<W: Write + Send + 'static> {
    buffer: Vec<u8>,
    target: Target<W>,
}

enum Target<W> {
    Here(W),
    There(Writer<W>),
    /// Writing failed, which was said then.
    Gone,
}

/// The thread that writes.
struct Writer<W> {
    chunks: SyncSender<Vec<u8>>,
    /// What was written, to be filled again: fresh memory costs more than what is in the cache already.
    written: Receiver<Vec<u8>>,
    thread: JoinHandle<io::Result<W>>,
}

impl<W: Write + Send + 'static> Writer<W> {
    /// Starts the thread; gives the target back if the system has no thread to give.
    fn start(target: W) -> Result<Self, W> {
        let (chunks, waiting) = sync_channel::<Vec<u8>>(CHUNKS);
        let (done, written) = channel();
        // The target follows once the thread runs: a closure that is never run would take it along.
        let (hand_over, handed_over) = channel::<W>();
        let write = move || {
            let mut target = handed_over.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            for mut chunk in waiting {
                target.write_all(&chunk)?;
                chunk.clear();
                // Nobody is there any more when this was the last one.
                let _ = done.send(chunk);
            }
            Ok(target)
        };
        match thread::Builder::new().spawn(write) {
            Ok(thread) => {
                hand_over.send(target).map(|()| Self { chunks, written, thread }).map_err(|error| error.0)
            }
            Err(_) => Err(target),
        }
    }
}

impl<W: Write + Send + 'static> Outlet<W> {
    /// Nothing written yet.
    pub fn new(target: W) -> Self {
        Self { buffer: Vec::with_capacity(CHUNK_BYTES), target: Target::Here(target) }
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let writer = match std::mem::replace(&mut self.target, Target::Gone) {
            Target::Here(target) => match Writer::start(target) {
                Ok(writer) => writer,
                Err(mut target) => {
                    let written = target.write_all(&self.buffer);
                    self.buffer.clear();
                    self.target = Target::Here(target);
                    return written;
                }
            },
            Target::There(writer) => writer,
            Target::Gone => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        let empty = writer.written.try_recv().unwrap_or_else(|_| Vec::with_capacity(CHUNK_BYTES));
        // The thread ends before its time only with an error, which `finish` tells.
        let sent = writer.chunks.send(std::mem::replace(&mut self.buffer, empty)).is_ok();
        self.target = Target::There(writer);
        if sent { Ok(()) } else { self.finish().map(drop) }
    }

    /// Waits for the thread to write what it has.
    fn finish(&mut self) -> io::Result<&mut W> {
        if let Target::There(_) = self.target
            && let Target::There(writer) = std::mem::replace(&mut self.target, Target::Gone)
        {
            drop(writer.chunks);
            let target = writer.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            self.target = Target::Here(target);
        }
        match &mut self.target {
            Target::Here(target) => Ok(target),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl<W: Write + Send + 'static> Write for Outlet<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > CHUNK_BYTES && !self.buffer.is_empty() {
            self.hand_over()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.buffer);
        let target = self.finish()?;
        target.write_all(&rest)?;
        target.flush()
    }
}

impl<W: Write + Send + 'static> Drop for Outlet<W> {
    fn drop(&mut self) {
        // A failure was told where it happened, and there is nobody to tell another one.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A reader that takes so many bytes.
    #[derive(Clone)]
    struct Pipe(Arc<Mutex<Vec<u8>>>, usize);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut read = self.0.lock().unwrap();
            if read.len() + bytes.len() > self.1 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            read.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_written_arrives_in_order() {
        for lines in [0, 3, 100_000] {
            let pipe = Pipe(Arc::default(), usize::MAX);
            let mut out = Outlet::new(pipe.clone());
            let mut expected = Vec::new();
            for line in 0..lines {
                writeln!(out, "line {line}").unwrap();
                writeln!(expected, "line {line}").unwrap();
            }
            out.flush().unwrap();
            assert!(*pipe.0.lock().unwrap() == expected, "{lines}");
        }
    }

    #[test]
    fn what_was_written_before_a_failure_arrives() {
        for lines in [3, 100_000] {
            let pipe = Pipe(Arc::default(), usize::MAX);
            let mut out = Outlet::new(pipe.clone());
            (0..lines).for_each(|_| out.write_all(b"line\n").unwrap());
            drop(out);
            assert_eq!(pipe.0.lock().unwrap().len(), 5 * lines);
        }
    }

    #[test]
    fn a_reader_that_goes_away_is_an_error() {
        for taken in [0, 200_000] {
            let mut out = Outlet::new(Pipe(Arc::default(), taken));
            let written =
                (0..1000).try_for_each(|_| out.write_all(&[b'x'; 10_000])).and_then(|()| out.flush());
            assert_eq!(written.unwrap_err().kind(), io::ErrorKind::BrokenPipe, "{taken}");
        }
    }
}
