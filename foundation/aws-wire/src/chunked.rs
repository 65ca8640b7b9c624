//! aws-chunked: S3's framing of a body that is signed, or checked, while it streams.
//!
//! ```text
//! STREAMING-AWS4-HMAC-SHA256-PAYLOAD            hex;chunk-signature=… CRLF bytes CRLF … 0;chunk-signature=… CRLF CRLF
//! STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER    … 0;chunk-signature=… CRLF name:value CRLF x-amz-trailer-signature:… CRLF CRLF
//! STREAMING-UNSIGNED-PAYLOAD-TRAILER            hex CRLF bytes CRLF … 0 CRLF name:value CRLF CRLF
//!
//! chunk     AWS4-HMAC-SHA256-PAYLOAD \n date \n scope \n previous signature \n SHA-256("") \n SHA-256(bytes)
//! trailer   AWS4-HMAC-SHA256-TRAILER \n date \n scope \n previous signature \n SHA-256("name:value\n"…)
//! ```
//!
//! A pure decoder: bytes in, slices of the same bytes out, never a whole chunk in memory. A chunk's bytes are passed on
//! while they are hashed; its signature is judged at its end, before anything of the next chunk is.

use aws_core::fault::ApiFault;
use aws_sigv4::sign::v4::calculate_signature;
use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::auth::refusal;

/// Longest chunk head, and longest trailer line.
const LINE_BYTES: usize = 4096;
/// All trailer lines together.
const TRAILER_BYTES: usize = 16 * 1024;
/// Signed chunks may be shorter only at the end.
const SHORTEST_SIGNED_CHUNK: u64 = 8192;
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// Which of the three framings a body uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Signed chunks.
    Signed,
    /// Signed chunks and signed trailers.
    SignedTrailer,
    /// Bare chunks and trailers.
    UnsignedTrailer,
}

impl Framing {
    /// The framing that `x-amz-content-sha256` names.
    pub fn named(payload_hash: &str) -> Option<Self> {
        match payload_hash {
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Some(Self::Signed),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Some(Self::SignedTrailer),
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Some(Self::UnsignedTrailer),
            _ => None,
        }
    }

    /// Whether trailers follow the last chunk.
    pub fn has_trailer(self) -> bool {
        self != Self::Signed
    }

    /// Whether chunks are signed.
    pub fn is_signed(self) -> bool {
        self != Self::UnsignedTrailer
    }
}

/// The chain of chunk signatures: each is made over the one before it.
#[derive(Clone)]
pub struct Chain {
    key: Vec<u8>,
    date: String,
    scope: String,
    previous: String,
}

impl Chain {
    /// Begins with the signature of the request's head, the seed.
    pub fn new(key: Vec<u8>, date: String, scope: String, seed: String) -> Self {
        Self { key, date, scope, previous: seed }
    }

    fn chunk(&mut self, signature: &str, sha256: &[u8]) -> Result<(), ApiFault> {
        let empty = Sha256::digest(b"");
        self.link("PAYLOAD", &format!("{}\n{}", hex::encode(empty), hex::encode(sha256)), signature)
    }

    fn trailer(&mut self, signature: &str, lines: &[u8]) -> Result<(), ApiFault> {
        self.link("TRAILER", &hex::encode(Sha256::digest(lines)), signature)
    }

    fn link(&mut self, kind: &str, hashes: &str, signature: &str) -> Result<(), ApiFault> {
        let Self { date, scope, previous, .. } = &*self;
        let text = format!("AWS4-HMAC-SHA256-{kind}\n{date}\n{scope}\n{previous}\n{hashes}");
        let expected = calculate_signature(&self.key, text.as_bytes());
        let stands = bool::from(expected.as_bytes().ct_eq(signature.as_bytes()));
        self.previous = expected;
        if stands { Ok(()) } else { Err(refusal::wrong_chunk()) }
    }
}

enum State {
    /// Before or within a chunk's head line.
    Head,
    /// Within a chunk's bytes.
    Data { left: u64, signature: String },
    /// Before the CRLF that ends a chunk.
    DataEnd,
    /// Before or within a trailer line.
    Trailers,
    /// After the last CRLF.
    Done,
}

/// The decoder.
pub struct Decoder {
    framing: Framing,
    chain: Option<Chain>,
    /// Bytes of the decoded length that have not come yet.
    owed: u64,
    state: State,
    line: Vec<u8>,
    hash: Sha256,
    short_chunk_seen: bool,
    /// The trailers as they enter their signature.
    trailer_lines: Vec<u8>,
    trailer_signature: String,
    trailers: HeaderMap,
    expected_trailers: Vec<HeaderName>,
}

impl Decoder {
    /// Decodes `decoded_length` bytes. Without a chain signatures are skipped, not judged. `expected_trailers` are those that
    /// the head announced in `x-amz-trailer`.
    pub fn new(
        framing: Framing,
        chain: Option<Chain>,
        decoded_length: u64,
        expected_trailers: Vec<HeaderName>,
    ) -> Self {
        Self {
            framing,
            chain: chain.filter(|_| framing.is_signed()),
            owed: decoded_length,
            state: State::Head,
            line: Vec::new(),
            hash: Sha256::new(),
            short_chunk_seen: false,
            trailer_lines: Vec::new(),
            trailer_signature: String::new(),
            trailers: HeaderMap::new(),
            expected_trailers,
        }
    }

    /// Takes from `input` up to the next piece of payload; `None` when the input is used up.
    pub fn next(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, ApiFault> {
        while !input.is_empty() {
            if let State::Data { left, .. } = &mut self.state {
                let piece = input.split_to(input.len().min(usize::try_from(*left).unwrap_or(usize::MAX)));
                *left -= piece.len() as u64;
                self.owed -= piece.len() as u64;
                return self.passed(piece).map(Some);
            }
            let Some(line) = self.take_line(input)? else { return Ok(None) };
            self.line_read(&line)?;
        }
        Ok(None)
    }

    /// At the end of the input: everything that was announced must have come. Gives the trailers.
    pub fn finish(&mut self) -> Result<HeaderMap, ApiFault> {
        if matches!(self.state, State::Trailers) && self.line.is_empty() {
            self.trailers_end()?;
        }
        match self.state {
            State::Done => Ok(std::mem::take(&mut self.trailers)),
            _ => Err(incomplete()),
        }
    }

    /// Bytes of payload still to come.
    pub fn owed(&self) -> u64 {
        self.owed
    }

    /// A piece of payload goes on its way; behind the last one of a chunk its signature is judged.
    fn passed(&mut self, piece: Bytes) -> Result<Bytes, ApiFault> {
        if self.chain.is_some() {
            self.hash.update(&piece);
        }
        if let State::Data { left: 0, signature } = &mut self.state {
            let signature = std::mem::take(signature);
            self.judge_chunk(&signature)?;
            self.state = State::DataEnd;
        }
        Ok(piece)
    }

    fn judge_chunk(&mut self, signature: &str) -> Result<(), ApiFault> {
        let hash = self.hash.finalize_reset();
        self.chain.as_mut().map_or(Ok(()), |chain| chain.chunk(signature, &hash))
    }

    /// A line without its CRLF, once it is complete.
    fn take_line(&mut self, input: &mut Bytes) -> Result<Option<Vec<u8>>, ApiFault> {
        let end = input.iter().position(|b| *b == b'\n');
        let taken = end.map_or(input.len(), |end| end + 1);
        self.line.extend_from_slice(&input[..taken]);
        input.advance(taken);
        if self.line.len() > LINE_BYTES {
            return Err(malformed("a line is too long"));
        }
        Ok(end.map(|_| std::mem::take(&mut self.line).trim_ascii().to_vec()))
    }

    fn line_read(&mut self, line: &[u8]) -> Result<(), ApiFault> {
        match self.state {
            State::Head => self.head(line),
            State::DataEnd if line.is_empty() => {
                self.state = State::Head;
                Ok(())
            }
            State::DataEnd => Err(malformed("a chunk is longer than it said")),
            State::Trailers if line.is_empty() => self.trailers_end(),
            State::Trailers => self.trailer(line),
            State::Data { .. } | State::Done => Err(malformed("something follows the end")),
        }
    }

    fn head(&mut self, line: &[u8]) -> Result<(), ApiFault> {
        let text = std::str::from_utf8(line).map_err(|_| malformed("a chunk's head is no text"))?;
        let (size, extension) = text.split_once(';').unwrap_or((text, ""));
        let digits = (1..=16).contains(&size.len()) && size.bytes().all(|b| b.is_ascii_hexdigit());
        let size =
            u64::from_str_radix(size, 16).ok().filter(|_| digits).ok_or_else(|| malformed("a chunk has no size"))?;
        let signature = extension.strip_prefix("chunk-signature=").unwrap_or_default().to_owned();
        if size > self.owed {
            return Err(malformed("there is more than x-amz-decoded-content-length says"));
        }
        if size == 0 {
            return self.last_chunk(&signature);
        }
        self.long_enough(size)?;
        self.state = State::Data { left: size, signature };
        Ok(())
    }

    fn last_chunk(&mut self, signature: &str) -> Result<(), ApiFault> {
        self.judge_chunk(signature)?;
        self.state = State::Trailers;
        if self.owed > 0 { Err(incomplete()) } else { Ok(()) }
    }

    fn long_enough(&mut self, size: u64) -> Result<(), ApiFault> {
        let refused = self.short_chunk_seen && self.chain.is_some();
        self.short_chunk_seen = size < SHORTEST_SIGNED_CHUNK;
        if !refused {
            return Ok(());
        }
        let message = "Only the last chunk is allowed to have a size less than 8192 bytes";
        Err(ApiFault::client("InvalidChunkSizeError", message).with_status(403))
    }

    fn trailer(&mut self, line: &[u8]) -> Result<(), ApiFault> {
        let colon =
            line.iter().position(|b| *b == b':').filter(|_| self.framing.has_trailer()).ok_or_else(bad_trailer)?;
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(TRAILER_SIGNATURE.as_bytes()) {
            self.trailer_signature = String::from_utf8_lossy(value).into_owned();
            return Ok(());
        }
        self.trailer_lines.extend([name.to_ascii_lowercase().as_slice(), b":", value, b"\n"].concat());
        let name = HeaderName::from_bytes(name).map_err(|_| bad_trailer())?;
        self.trailers.append(name, HeaderValue::from_bytes(value).map_err(|_| bad_trailer())?);
        if self.trailer_lines.len() > TRAILER_BYTES { Err(bad_trailer()) } else { Ok(()) }
    }

    fn trailers_end(&mut self) -> Result<(), ApiFault> {
        if let Some(chain) = self.chain.as_mut().filter(|_| self.framing == Framing::SignedTrailer) {
            chain.trailer(&self.trailer_signature, &self.trailer_lines)?;
        }
        self.state = State::Done;
        let all = self.expected_trailers.iter().all(|name| self.trailers.contains_key(name));
        if all { Ok(()) } else { Err(bad_trailer()) }
    }
}

fn malformed(what: &str) -> ApiFault {
    ApiFault::client("InvalidRequest", format!("The aws-chunked body is malformed: {what}."))
}

fn bad_trailer() -> ApiFault {
    let message =
        "The request contained trailing data that was not well-formed or did not conform to our published schema.";
    ApiFault::client("MalformedTrailerError", message)
}

/// The fault for a body that ends too early.
pub fn incomplete() -> ApiFault {
    ApiFault::client("IncompleteBody", "The request body terminated unexpectedly")
}

#[cfg(test)]
mod tests {
    use aws_sigv4::sign::v4::generate_signing_key;
    use proptest::prelude::*;

    use super::*;

    /// The example of Amazon's "Signature Calculations: Transferring Payload in Multiple Chunks".
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const SEED: &str = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    const CHUNKS: [&str; 3] = [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ];

    fn chain() -> Chain {
        let day = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_369_353_600);
        let key = generate_signing_key(SECRET, day, "us-east-1", "s3");
        let scope = "20130524/us-east-1/s3/aws4_request".into();
        Chain::new(key.as_ref().to_vec(), "20130524T000000Z".into(), scope, SEED.into())
    }

    fn example() -> Vec<u8> {
        let mut body = format!("10000;chunk-signature={}\r\n", CHUNKS[0]).into_bytes();
        body.extend([b'a'; 65536]);
        body.extend(format!("\r\n400;chunk-signature={}\r\n", CHUNKS[1]).into_bytes());
        body.extend([b'a'; 1024]);
        body.extend(format!("\r\n0;chunk-signature={}\r\n\r\n", CHUNKS[2]).into_bytes());
        body
    }

    /// Feeds `body` in frames of `frame` bytes.
    fn decode(mut decoder: Decoder, body: &[u8], frame: usize) -> Result<(Vec<u8>, HeaderMap), ApiFault> {
        let mut out = Vec::new();
        for piece in body.chunks(frame.max(1)) {
            let mut input = Bytes::copy_from_slice(piece);
            while let Some(payload) = decoder.next(&mut input)? {
                out.extend_from_slice(&payload);
            }
        }
        decoder.finish().map(|trailers| (out, trailers))
    }

    #[test]
    fn amazons_example_decodes_whatever_the_frames() {
        for frame in [1, 7, 1000, 1 << 20] {
            let decoder = Decoder::new(Framing::Signed, Some(chain()), 66_560, Vec::new());
            assert_eq!(decode(decoder, &example(), frame).unwrap().0, vec![b'a'; 66_560]);
        }
    }

    /// The example of "Signature Calculations: Including Trailing Headers".
    fn trailer_example(checksum: &str) -> Vec<u8> {
        let signatures = [
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        ];
        let mut body = format!("10000;chunk-signature={}\r\n", signatures[0]).into_bytes();
        body.extend([b'a'; 65536]);
        body.extend(format!("\r\n400;chunk-signature={}\r\n", signatures[1]).into_bytes());
        body.extend([b'a'; 1024]);
        body.extend(format!("\r\n0;chunk-signature={}\r\nx-amz-checksum-crc32c:{checksum}\r\n", signatures[2]).bytes());
        body.extend(
            b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
        );
        body
    }

    #[test]
    fn amazons_signed_trailer_is_verified() {
        let crc = HeaderName::from_static("x-amz-checksum-crc32c");
        let seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
        let decoder = || {
            let chain = Chain { previous: seed.into(), ..chain() };
            Decoder::new(Framing::SignedTrailer, Some(chain), 66_560, vec![crc.clone()])
        };
        let (payload, trailers) = decode(decoder(), &trailer_example("sOO8/Q=="), 777).unwrap();
        assert_eq!((payload.len(), &trailers[&crc]), (66_560, &HeaderValue::from_static("sOO8/Q==")));
        assert_eq!(decode(decoder(), &trailer_example("sOO8/A=="), 777).unwrap_err().code, "SignatureDoesNotMatch");
    }

    #[test]
    fn a_changed_byte_stops_the_stream_at_the_end_of_its_chunk() {
        let mut body = example();
        body[30_000] = b'b';
        let decoder = Decoder::new(Framing::Signed, Some(chain()), 66_560, Vec::new());
        assert_eq!(decode(decoder, &body, 4096).unwrap_err().code, "SignatureDoesNotMatch");
        let unjudged = Decoder::new(Framing::Signed, None, 66_560, Vec::new());
        assert_eq!(decode(unjudged, &body, 4096).unwrap().0.len(), 66_560);
    }

    #[test]
    fn a_body_cut_short_is_incomplete() {
        let body = example();
        for end in [0, 20, 40_000, body.len() - 200, body.len() - 90] {
            let decoder = Decoder::new(Framing::Signed, Some(chain()), 66_560, Vec::new());
            assert_eq!(decode(decoder, &body[..end], 4096).unwrap_err().code, "IncompleteBody", "{end}");
        }
    }

    #[test]
    fn trailers_come_out_and_announced_ones_must_come() {
        let body = b"4\r\nwiki\r\n0\r\nx-amz-checksum-crc32:abc=\r\n\r\n";
        let crc = HeaderName::from_static("x-amz-checksum-crc32");
        let decoder = Decoder::new(Framing::UnsignedTrailer, None, 4, vec![crc.clone()]);
        let (payload, trailers) = decode(decoder, body, 3).unwrap();
        assert_eq!((payload.as_slice(), &trailers[&crc]), (b"wiki".as_slice(), &HeaderValue::from_static("abc=")));
        let decoder = Decoder::new(Framing::UnsignedTrailer, None, 4, vec![crc]);
        assert_eq!(decode(decoder, b"4\r\nwiki\r\n0\r\n\r\n", 9).unwrap_err().code, "MalformedTrailerError");
    }

    #[test]
    fn framing_that_lies_is_refused() {
        let refused = |body: &[u8]| {
            decode(Decoder::new(Framing::UnsignedTrailer, None, 4, Vec::new()), body, 5).unwrap_err().code.into_owned()
        };
        assert_eq!(refused(b"5\r\nwikis\r\n0\r\n\r\n"), "InvalidRequest");
        assert_eq!(refused(b"4\r\nwikiX\r\n0\r\n\r\n"), "InvalidRequest");
        assert_eq!(refused(b"2\r\nwi\r\n0\r\n\r\n"), "IncompleteBody");
        assert_eq!(refused(b"4\r\nwiki\r\n0\r\n\r\nmore\r\n"), "InvalidRequest");
        assert_eq!(refused(b"ffffffffffffffffff\r\n"), "InvalidRequest");
        assert_eq!(refused(&[b'1'; 5000]), "InvalidRequest");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..400), frame in 1..64usize) {
            for framing in [Framing::Signed, Framing::SignedTrailer, Framing::UnsignedTrailer] {
                let _ = decode(Decoder::new(framing, Some(chain()), 100, Vec::new()), &body, frame);
            }
        }

        #[test]
        fn nearly_right_framing_never_panics(
            parts in prop::collection::vec("(0|1|2|a|ff|\r\n|;chunk-signature=|x:y|:|xxxxxxxxxx|\n|\r)", 0..40),
            frame in 1..16usize,
        ) {
            let body = parts.concat();
            let _ = decode(Decoder::new(Framing::UnsignedTrailer, None, 30, Vec::new()), body.as_bytes(), frame);
        }
    }
}
