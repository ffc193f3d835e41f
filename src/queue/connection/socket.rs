//! Opens the socket under a link: resolves the name anew, tries the addresses side by side, sets the options that make a
//! dead link known within seconds, and wraps it in TLS where asked to.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::config::{Endpoint, Tls};
use super::{tls, trouble};

/// An idle link is probed after this long, then each second; three lost probes break it. The kernel's default is hours.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// Sent bytes that the other side has not acknowledged for this long break the link. The kernel's default is a quarter
/// of an hour.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
/// An address that has not answered for this long gets company from the next of the same name.
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// What a link needs of a socket.
pub trait Socket: AsyncRead + AsyncWrite + Send + Unpin {
    /// How many bytes the kernel has taken so far, in TLS those of its records.
    fn taken(&self) -> u64;

    /// When the first of the certificates ends that the other side showed, in seconds since 1970.
    fn certificates_end(&self) -> Option<u64> {
        None
    }
}

/// A socket of the kernel.
struct Counted<S> {
    socket: S,
    taken: u64,
}

pub async fn open(endpoint: &Endpoint, tls: Option<&Tls>) -> io::Result<Box<dyn Socket>> {
    #[cfg(test)]
    if let Some(dialled) = simulated::dial(endpoint, tls.is_some()) {
        return dialled.await;
    }
    let host = match endpoint {
        Endpoint::Tcp(host, _) => host.as_str(),
        Endpoint::Unix(_) => "localhost",
    };
    let secured = tls.map(|tls| (tls, tls.server_name.as_deref().unwrap_or(host)));
    match endpoint {
        Endpoint::Tcp(host, port) => secure(tcp(host, *port).await?, secured).await,
        #[cfg(unix)]
        Endpoint::Unix(path) => secure(tokio::net::UnixStream::connect(path).await?, secured).await,
        #[cfg(not(unix))]
        Endpoint::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

async fn secure<S>(socket: S, tls: Option<(&Tls, &str)>) -> io::Result<Box<dyn Socket>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let socket = Counted { socket, taken: 0 };
    match tls {
        Some((tls, name)) => Ok(Box::new(tls::connect(tls, name, socket).await?)),
        None => Ok(Box::new(socket)),
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses = lookup_host((host, port)).await.map_err(|error| trouble::no_address(&error))?;
    let stream = first(addresses.collect()).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    let probes = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(Duration::from_secs(1));
    #[cfg(unix)]
    let probes = probes.with_retries(3);
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(stream)
}

/// The first address to answer. One that refuses makes room for the next at once, one that is silent after a moment.
async fn first(mut addresses: VecDeque<SocketAddr>) -> io::Result<TcpStream> {
    let mut attempts = JoinSet::new();
    let mut failure = trouble::say("ENOTFOUND", "the name has no address");
    loop {
        match addresses.pop_front() {
            Some(address) => {
                attempts.spawn(TcpStream::connect(address));
            }
            None if attempts.is_empty() => return Err(failure),
            None => {}
        }
        tokio::select! {
            Some(attempt) = attempts.join_next() => match attempt {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failure = error,
                Err(error) => failure = io::Error::other(error),
            },
            () = sleep(NEXT_ADDRESS), if !addresses.is_empty() => {}
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for Counted<S> {
    fn taken(&self) -> u64 {
        self.taken
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> Counted<S> {
    fn count(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = written {
            self.taken += count as u64;
        }
        written
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, pieces);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// Sockets to servers that are only modelled, on a thread that has such.
#[cfg(test)]
pub mod simulated {
    use std::cell::RefCell;

    use super::*;

    pub type Dialled = Pin<Box<dyn Future<Output = io::Result<Box<dyn Socket>>> + Send>>;
    /// Opens the way to a server, with TLS or without.
    pub type Dial = Box<dyn Fn(&Endpoint, bool) -> Dialled>;

    thread_local! {
        pub static NETWORK: RefCell<Option<Dial>> = const { RefCell::new(None) };
    }

    pub(super) fn dial(endpoint: &Endpoint, secure: bool) -> Option<Dialled> {
        NETWORK.with_borrow(|network| network.as_ref().map(|dial| dial(endpoint, secure)))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn an_address_that_refuses_or_is_silent_does_not_keep_the_next_from_being_tried() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let open = listener.local_addr().unwrap();
        let refusing = {
            let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            closed.local_addr().unwrap()
        };
        // A listener whose queue is full drops what comes: as silent as a black hole.
        let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        full.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        full.listen(0).unwrap();
        let silent = full.local_addr().unwrap().as_socket().unwrap();
        let _fill: Vec<_> = (0..4)
            .map(|_| std::net::TcpStream::connect_timeout(&silent, Duration::from_millis(50)))
            .collect();
        let stream = block_on(first(VecDeque::from([refusing, silent, open]))).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        assert!(block_on(first(VecDeque::from([refusing]))).is_err());
        assert!(block_on(first(VecDeque::new())).is_err());
    }
}
