//! A server that is no Memcached.

use std::net::{TcpListener, TcpStream};
use std::thread;

/// The address of a server that does this with each connection.
pub(crate) fn impostor(answer: fn(TcpStream)) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || answer(stream));
        }
    });
    address.to_string()
}
