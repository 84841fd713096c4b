//! A web server on this machine for tests: answers as a closure says, with conditions and ranges if asked to,
//! and hangs up in the middle if told to.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A server, which answers until the process of the test ends.
#[derive(Debug)]
pub struct Web {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers with names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(key, _)| key == name);
        header.map(|(_, value)| value.as_str())
    }
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The status; 0 hangs up without a word.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The bytes of the body after which the server hangs up.
    pub cut: Option<usize>,
    /// Whether the body comes in chunks, without a length in front.
    pub chunked: bool,
}

impl Answer {
    /// An answer of a status, with a body of text.
    pub fn of(status: u16, body: &str) -> Self {
        Self {
            status,
            body: body.as_bytes().to_vec(),
            ..Self::default()
        }
    }

    /// The answer of a server that knows conditions and ranges to a request for a file with an entity tag.
    pub fn file(request: &Request, bytes: &[u8], tag: &str) -> Self {
        let tag = format!("\"{tag}\"");
        let with = |status, headers: Vec<(&'static str, String)>, body: &[u8]| Self {
            status,
            headers: [vec![("ETag", tag.clone())], headers].concat(),
            body: body.to_vec(),
            ..Self::default()
        };
        if request.header("if-none-match") == Some(&tag) {
            return with(304, vec![], b"");
        }
        if request.header("if-match").is_some_and(|wanted| wanted != tag) {
            return with(412, vec![], b"");
        }
        let Some(range) = request.header("range") else {
            return with(200, vec![], bytes);
        };
        let range = range.strip_prefix("bytes=").unwrap_or_default();
        let (start, end) = range.split_once('-').unwrap_or_default();
        let start: usize = start.parse().unwrap_or(0);
        let end = end
            .parse()
            .map_or(bytes.len(), |end: usize| bytes.len().min(end + 1));
        if start >= end {
            return with(416, vec![], b"");
        }
        let place = format!("bytes {start}-{}/{}", end - 1, bytes.len());
        with(206, vec![("Content-Range", place)], &bytes[start..end])
    }

    /// Writes the answer; to a request for the headers alone (`HEAD`) without its body.
    fn write(&self, stream: &mut TcpStream, request: &Request) -> std::io::Result<()> {
        if self.status == 0 {
            return Ok(());
        }
        let mut head = format!("HTTP/1.1 {} -\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = match (self.chunked, self.status) {
            (true, _) => write!(head, "Transfer-Encoding: chunked\r\n\r\n"),
            (false, 304) => write!(head, "\r\n"),
            (false, _) => write!(head, "Content-Length: {}\r\n\r\n", self.body.len()),
        };
        stream.write_all(head.as_bytes())?;
        if request.method == "HEAD" {
            return Ok(());
        }
        let body = &self.body[..self.cut.unwrap_or(self.body.len()).min(self.body.len())];
        if !self.chunked {
            return stream.write_all(body);
        }
        for chunk in body.chunks(1000) {
            write!(stream, "{:x}\r\n", chunk.len())?;
            stream.write_all(chunk)?;
            stream.write_all(b"\r\n")?;
        }
        if self.cut.is_none() {
            stream.write_all(b"0\r\n\r\n")?;
        }
        Ok(())
    }
}

impl Web {
    /// Starts a server on a port that is free.
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, noted) = (Arc::new(answer), Arc::clone(&requests));
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (answer, noted) = (Arc::clone(&answer), Arc::clone(&noted));
                thread::spawn(move || {
                    let Some(request) = read(&mut stream) else { return };
                    noted
                        .lock()
                        .expect("no test panics with it")
                        .push(request.clone());
                    // A client that went away has its reasons.
                    let _ = answer(&request).write(&mut stream, &request);
                });
            }
        });
        Self { url, requests }
    }

    /// The requests since the last call.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.requests.lock().expect("no test panics with it"))
    }
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(Read::by_ref(stream)).lines().map_while(Result::ok);
    let first = lines.next()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_lowercase(), value.trim().to_owned()))
        })
        .collect();
    Some(Request {
        method,
        path,
        headers,
    })
}
