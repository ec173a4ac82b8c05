//! HTTP by hand, bytes out and bytes in, so that a request can be as wrong as it likes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// Far beyond what any reply takes: a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection to the server and what was read of it ahead of time.
pub(crate) struct Connection {
    stream: TcpStream,
    ahead: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, ahead: Vec::new() }
    }

    /// Sends what the server takes: it may answer and close before it has read everything.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        if let Err(error) = self.stream.write_all(bytes) {
            let closed = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
            assert!(closed.contains(&error.kind()), "{error}");
        }
    }

    /// Says that nothing more is sent.
    pub(crate) fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).ok();
    }

    pub(crate) fn ask(&mut self, request: &[u8]) -> Reply {
        self.send(request);
        self.reply().expect("the server closed the connection without a reply")
    }

    /// The next reply, `None` where the server has closed the connection.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        self.next_reply(true)
    }

    /// The reply to a HEAD, which has no body whatever its headers say.
    pub(crate) fn reply_to_head(&mut self) -> Option<Reply> {
        self.next_reply(false)
    }

    /// Whether the server has closed the connection and sent nothing more; waits for either.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.ahead.is_empty() && !self.read_more()
    }

    fn next_reply(&mut self, has_body: bool) -> Option<Reply> {
        let head = self.up_to(b"\r\n\r\n")?;
        let head = String::from_utf8(head).expect("a reply's headers are text");
        let mut lines = head.lines();
        let status_line = lines.next().unwrap();
        let status = status_line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
        let status = status.and_then(|code| code.parse().ok()).expect(status_line);
        let header = |line: &str| {
            let (name, value) = line.split_once(':').expect(line);
            (name.to_lowercase(), value.trim().to_owned())
        };
        let headers = lines.filter(|line| !line.is_empty()).map(header).collect();
        let mut reply = Reply { status, headers, body: Vec::new() };
        let bodiless = !has_body || matches!(status, 100..=199 | 204 | 304);
        reply.body = if bodiless {
            Vec::new()
        } else if let Some(length) = reply.header("content-length") {
            let length = length.parse().unwrap();
            self.take(length).expect("a reply as long as its content-length")
        } else if reply.header("transfer-encoding") == Some("chunked") {
            self.chunks()
        } else {
            while self.read_more() {}
            std::mem::take(&mut self.ahead)
        };
        Some(reply)
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let size = self.up_to(b"\r\n").expect("a chunk");
            let size = std::str::from_utf8(&size).unwrap().trim();
            let size = usize::from_str_radix(size, 16).unwrap();
            let chunk = self.take(size + 2).expect("a whole chunk");
            body.extend(&chunk[..size]);
            if size == 0 {
                return body;
            }
        }
    }

    fn up_to(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.ahead.windows(end.len()).position(|window| window == end) {
                return self.take(at + end.len());
            }
            if !self.read_more() {
                return None;
            }
        }
    }

    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.ahead.len() < length {
            if !self.read_more() {
                return None;
            }
        }
        let rest = self.ahead.split_off(length);
        Some(std::mem::replace(&mut self.ahead, rest))
    }

    /// Reads what is there, `false` at the end of the stream.
    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 65536];
        match self.stream.read(&mut buffer) {
            Ok(n) => {
                self.ahead.extend(&buffer[..n]);
                n > 0
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("no reply: {error}"),
        }
    }
}

impl Reply {
    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// The server's own words, from a body that is what every client can read.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        let json = self.json();
        let message = json["error"].as_str().expect("an error in words").to_owned();
        assert!(!message.is_empty() && json.as_object().unwrap().len() == 1, "{json}");
        assert!(!message.chars().any(char::is_control), "{message:?}");
        message
    }

    /// The JSON and the float32 tensors of a reply in the binary form.
    #[track_caller]
    pub(crate) fn tensors(&self) -> (serde_json::Value, Vec<Vec<f32>>) {
        assert_eq!(self.status, 200, "{}", self.text());
        let length = self.header("inference-header-content-length").expect("a header length");
        let (header, mut rest) = self.body.split_at(length.parse().unwrap());
        let header: serde_json::Value = serde_json::from_slice(header).unwrap();
        let tensor = |output: &serde_json::Value| {
            assert!(output.get("data").is_none(), "{output}");
            let size = output["parameters"]["binary_data_size"].as_u64().unwrap() as usize;
            let (tensor, left) = rest.split_at(size);
            rest = left;
            tensor.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
        };
        let tensors = header["outputs"].as_array().unwrap().iter().map(tensor).collect();
        assert!(rest.is_empty(), "{} bytes left over", rest.len());
        (header, tensors)
    }
}
