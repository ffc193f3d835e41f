//! The other end of links, for tests: a port where all are let in, and where each says what it is told to say and no more.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::config::Endpoint;

/// What a server answers whoever comes: to the name, to PING, and to INFO.
pub const WELCOME: &[u8] = b"+OK\r\n+PONG\r\n$-1\r\n";
/// Past what anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Peer {
    pub port: u16,
    links: Receiver<TcpStream>,
}

impl Peer {
    /// Says `welcome` on each link, before anything is asked. Who is told nothing is not let in.
    pub fn start(welcome: &[u8]) -> Peer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (made, links) = channel();
        let welcome = welcome.to_vec();
        std::thread::spawn(move || {
            while let Ok((mut link, _)) = listener.accept() {
                if link.write_all(&welcome).is_err() || made.send(link).is_err() {
                    return;
                }
            }
        });
        Peer { port, links }
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::Tcp("127.0.0.1".into(), self.port)
    }

    /// Lets the next link in, and gives what is asked of it first. Those that ended before they were looked at are passed
    /// over, and none that comes later is let in.
    pub fn call(&self) -> (TcpStream, String) {
        loop {
            let mut link = self.link();
            if link.write_all(WELCOME).is_ok()
                && let Some(answer) = read_call(&mut link)
            {
                return (link, answer);
            }
        }
    }

    /// The next link that was made to it.
    pub fn link(&self) -> TcpStream {
        let link = self.links.recv_timeout(PATIENCE).expect("a link");
        link.set_read_timeout(Some(PATIENCE)).unwrap();
        link
    }

    /// Whether there is another link.
    pub fn has_link(&self) -> bool {
        self.links.try_recv().is_ok()
    }
}

/// Reads the call for a batch, and gives the reply to it that says that all of its jobs were added. Nothing when the link
/// ends before.
pub fn read_call(link: &mut TcpStream) -> Option<String> {
    let mut sent = String::new();
    let mut chunk = [0; 4096];
    loop {
        let count = link.read(&mut chunk).ok().filter(|count| *count > 0)?;
        sent.push_str(&String::from_utf8_lossy(&chunk[..count]));
        // The number of the batch comes after the options of its jobs, and which of them make room.
        let number = sent.split_once("\"jobId\":\"\r\n").and_then(|(_, rest)| rest.split("\r\n").nth(3));
        if let Some(number) = number.filter(|_| sent.ends_with("\r\n")) {
            return Some(format!("*1\r\n:{number}\r\n"));
        }
    }
}

/// Reads until the other side ends the link.
pub fn read_to_end(link: &mut TcpStream) {
    let mut chunk = [0; 4096];
    while link.read(&mut chunk).is_ok_and(|count| count > 0) {}
    let _ = link.shutdown(Shutdown::Both);
}
