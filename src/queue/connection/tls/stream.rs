//! TLS over a socket. What goes wrong is said in our words, also later: with TLS 1.3 a server refuses our certificate only
//! after the handshake.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::config::Tls;
use super::super::socket::Socket;
use super::super::trouble;
use super::describe::{Failure, in_our_words};
use super::x509::Certificate;

/// Shakes hands over `socket` with the server that is called `name`.
pub async fn connect<S>(tls: &Tls, name: &str, socket: S) -> io::Result<Stream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(name.to_owned()).map_err(|_| {
        let sentence = "a certificate cannot be of this host, which is neither a name nor an address: set tls.servername";
        trouble::say("ERR_INVALID_ARG_VALUE", sentence)
    })?;
    match TlsConnector::from(tls.client.clone()).connect(name, socket).await {
        Ok(stream) => Ok(Stream(stream)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let Failure { code, sentence } = Failure::closed();
            Err(trouble::say(code, sentence))
        }
        Err(error) => Err(in_our_words(error)),
    }
}

pub struct Stream<S>(TlsStream<S>);

impl<S: Socket> Socket for Stream<S> {
    fn taken(&self) -> u64 {
        self.0.get_ref().0.taken()
    }

    fn certificates_end(&self) -> Option<u64> {
        let shown = self.0.get_ref().1.peer_certificates()?;
        shown.iter().filter_map(|der| Certificate::read(der)).map(|certificate| certificate.not_after()).min()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer).map_err(in_our_words)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes).map_err(in_our_words)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context).map_err(in_our_words)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context).map_err(in_our_words)
    }
}
