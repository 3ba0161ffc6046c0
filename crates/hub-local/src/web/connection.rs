//! Accepting connections, and breaking them on request.
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use std::{
    io::{self, ErrorKind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

// 0 is an open connection.
const FINISH_AFTER_FLUSH: u8 = 1;
const RESET_AFTER_FLUSH: u8 = 2;
const RESET_NOW: u8 = 3;

/// Lets a handler end the connection that it answers on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Control(Arc<AtomicU8>);

impl Control {
    /// Ends the connection in an orderly way (FIN) once all that was written so far has left.
    pub(crate) fn finish(&self) {
        self.0.store(FINISH_AFTER_FLUSH, Ordering::Relaxed);
    }

    /// Resets the connection (RST) once all that was written so far has been handed to the kernel.
    pub(crate) fn reset(&self) {
        self.0.store(RESET_AFTER_FLUSH, Ordering::Relaxed);
    }

    /// Resets the connection before another byte is written.
    pub(crate) fn reset_now(&self) {
        self.0.store(RESET_NOW, Ordering::Relaxed);
    }

    fn state(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Serves connections until dropped; `router` makes the service of one connection.
///
/// All connections end with the task that is returned.
pub(crate) fn serve(
    listener: TcpListener,
    router: impl Fn(Control) -> Router + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let control = Control::default();
                        let service = TowerToHyperService::new(router(control.clone()));
                        connections.spawn(answer(stream, control, service));
                    }
                    // Out of file descriptors, or the peer has gone already: others may fare better soon.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    })
}

async fn answer(stream: TcpStream, control: Control, service: TowerToHyperService<Router>) {
    // Small answers must not wait for the acknowledgement of the previous one.
    let _ = stream.set_nodelay(true);
    let link = Link { stream, control };
    // An error here is a peer that left or a connection broken on purpose.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(link), service).await;
}

/// A TCP stream that obeys its [`Control`].
struct Link {
    stream: TcpStream,
    control: Control,
}

impl Drop for Link {
    fn drop(&mut self) {
        if matches!(self.control.state(), RESET_AFTER_FLUSH | RESET_NOW) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl Link {
    fn refuse_if(&self, state: u8) -> io::Result<()> {
        if self.control.state() == state {
            return Err(io::Error::new(ErrorKind::ConnectionReset, "reset on purpose"));
        }
        Ok(())
    }
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.refuse_if(RESET_NOW)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.refuse_if(RESET_NOW)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // The HTTP layer flushes only when its own buffers are empty, so this is the moment to cut.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.refuse_if(RESET_AFTER_FLUSH)?;
        self.refuse_if(RESET_NOW)?;
        self.refuse_if(FINISH_AFTER_FLUSH)?;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
