//! The ciphertext blob of a symmetric KMS key, byte for byte as AWS lays it out.
//!
//! ```text
//!  0   01 02 {02|03} 00 78    02 = Encrypt and ReEncrypt, 03 = GenerateDataKey*
//!  5   key material id        32 bytes: which backing key, so that Decrypt needs no KeyId
//! 37   01
//! 38   nonce                  16 bytes: from it and the backing key comes the message key (`derive`)
//! 54   u32be DER length
//! 58   CMS ContentInfo        encryptedData { data, aes256-GCM { iv 12, tag length 16 }, [0] ciphertext ‖ tag }
//! ```
//!
//! The ciphertext covers an inner header of 11 bytes and then the caller's plaintext. AWS's inner bytes are
//! unknown; ours are `version 01 ‖ origin ‖ nine zeros`. The known zeros make it harder to build one ciphertext
//! that opens under two keys, which GCM alone would allow.
//!
//! AAD = the blob up to the ciphertext ‖ the canonical encryption context. So every byte is authenticated, and the
//! parser accepts no encoding but the one that [`CiphertextBlob::encode`] writes.
//!
//! Deliberately absent: asymmetric ciphertexts, which are bare RSA blocks without any header.

use crate::context::EncryptionContext;
use crate::derive::message_key;
use crate::entropy::Entropy;
use crate::gcm::{self, OpenError, TAG_BYTES};
use crate::secret::Secret;

/// Which operation made a blob; its third byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Encrypt or ReEncrypt.
    Encrypt = 2,
    /// GenerateDataKey and its siblings.
    DataKey = 3,
}

/// The bytes are not a blob of a symmetric KMS key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a ciphertext blob of a symmetric KMS key")]
pub struct NotABlob;

/// A blob, taken apart but not opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CiphertextBlob {
    /// Which operation made it.
    pub origin: Origin,
    /// Which backing key opens it.
    pub material_id: [u8; 32],
    nonce: [u8; 16],
    iv: [u8; 12],
    /// Ciphertext ‖ tag, inner header included.
    sealed: Vec<u8>,
}

const INNER_BYTES: usize = 11;
const INNER_VERSION: u8 = 1;
const SHORTEST_SEALED: usize = INNER_BYTES + TAG_BYTES;

/// Encrypts under a backing key; the result is the blob that goes over the wire.
pub fn seal_blob(
    backing: &Secret,
    material_id: [u8; 32],
    origin: Origin,
    context: &EncryptionContext,
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Vec<u8> {
    let (nonce, iv) = (entropy.array(), entropy.array());
    let sealed_len = SHORTEST_SEALED + plaintext.len();
    let front = Front { origin, material_id, nonce, iv }.encode(sealed_len);
    let key = message_key(backing, &nonce);
    let inner = Secret::filled(INNER_BYTES + plaintext.len(), |inner| {
        inner[..INNER_BYTES].copy_from_slice(&inner_header(origin));
        inner[INNER_BYTES..].copy_from_slice(plaintext);
    });
    let sealed = gcm::seal(exact(&key), &iv, &aad(&front, context), inner.expose());
    [front, sealed].concat()
}

impl CiphertextBlob {
    /// Takes a blob apart. Accepts exactly one encoding of each blob, and nothing before or after it.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotABlob> {
        let mut rest = Reader(bytes);
        rest.expect(&[1, 2])?;
        let origin = Origin::from_byte(rest.array::<1>()?[0])?;
        rest.expect(&[0, 0x78])?;
        let material_id = rest.array()?;
        rest.expect(&[1])?;
        let nonce = rest.array()?;
        let der_len = u32::from_be_bytes(rest.array()?);
        if usize::try_from(der_len) != Ok(rest.0.len()) {
            return Err(NotABlob);
        }
        let (iv, sealed) = der::parse(rest.0)?;
        if sealed.len() < SHORTEST_SEALED {
            return Err(NotABlob);
        }
        Ok(Self { origin, material_id, nonce, iv, sealed: sealed.to_vec() })
    }

    /// The bytes that were parsed.
    pub fn encode(&self) -> Vec<u8> {
        [self.front(), self.sealed.clone()].concat()
    }

    /// Opens the blob under its backing key and the context it was made with.
    pub fn open(&self, backing: &Secret, context: &EncryptionContext) -> Result<Secret, OpenError> {
        let key = message_key(backing, &self.nonce);
        let inner = gcm::open(exact(&key), &self.iv, &aad(&self.front(), context), &self.sealed)?;
        let (header, plaintext) = inner.expose().split_first_chunk().ok_or(OpenError)?;
        if *header != inner_header(self.origin) {
            return Err(OpenError);
        }
        Ok(Secret::copied(plaintext))
    }

    /// Length of the plaintext within, in bytes.
    pub fn plaintext_len(&self) -> usize {
        self.sealed.len() - SHORTEST_SEALED
    }

    fn front(&self) -> Vec<u8> {
        let Self { origin, material_id, nonce, iv, .. } = *self;
        Front { origin, material_id, nonce, iv }.encode(self.sealed.len())
    }
}

impl Origin {
    fn from_byte(byte: u8) -> Result<Self, NotABlob> {
        match byte {
            2 => Ok(Self::Encrypt),
            3 => Ok(Self::DataKey),
            _ => Err(NotABlob),
        }
    }
}

/// All that precedes the ciphertext.
struct Front {
    origin: Origin,
    material_id: [u8; 32],
    nonce: [u8; 16],
    iv: [u8; 12],
}

impl Front {
    fn encode(&self, sealed_len: usize) -> Vec<u8> {
        let der_front = der::front(&self.iv, sealed_len);
        let der_len = u32::try_from(der_front.len() + sealed_len).expect("KMS plaintexts end at 4096 bytes");
        let prefix = [1, 2, self.origin as u8, 0, 0x78];
        [&prefix[..], &self.material_id, &[1], &self.nonce, &der_len.to_be_bytes(), &der_front].concat()
    }
}

fn aad(front: &[u8], context: &EncryptionContext) -> Vec<u8> {
    [front, &context.canonical()].concat()
}

fn inner_header(origin: Origin) -> [u8; INNER_BYTES] {
    let mut header = [0; INNER_BYTES];
    (header[0], header[1]) = (INNER_VERSION, origin as u8);
    header
}

fn exact(key: &Secret) -> &[u8; 32] {
    key.array().expect("the derivation gives 32 bytes")
}

/// What is left of the input.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], NotABlob> {
        let (head, rest) = self.0.split_first_chunk().ok_or(NotABlob)?;
        self.0 = rest;
        Ok(*head)
    }

    fn expect(&mut self, bytes: &[u8]) -> Result<(), NotABlob> {
        self.0 = self.0.strip_prefix(bytes).ok_or(NotABlob)?;
        Ok(())
    }
}

/// The one DER shape that occurs here; so a template does, and no DER library is needed.
mod der {
    use super::{NotABlob, Reader};

    const SEQUENCE: u8 = 0x30;
    /// `[0]` constructed: the explicit wrapper of the content.
    const CONTENT: u8 = 0xa0;
    /// `[0]` primitive: the implicit OCTET STRING of the ciphertext.
    const CIPHERTEXT: u8 = 0x80;
    /// OID 1.2.840.113549.1.7.6, encryptedData.
    const ENCRYPTED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06";
    /// OID 1.2.840.113549.1.7.1, data.
    const DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
    /// SEQUENCE { OID 2.16.840.1.101.3.4.1.46 aes256-GCM, SEQUENCE { OCTET STRING of 12 bytes …
    const AES256_GCM: &[u8] = b"\x30\x1e\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2e\x30\x11\x04\x0c";
    /// … INTEGER 16 } }
    const TAG_LENGTH: &[u8] = b"\x02\x01\x10";
    const VERSION_0: &[u8] = b"\x02\x01\x00";

    /// Everything up to the ciphertext, for a ciphertext of `sealed_len` bytes.
    pub(super) fn front(iv: &[u8; 12], sealed_len: usize) -> Vec<u8> {
        let algorithm = [DATA, AES256_GCM, iv, TAG_LENGTH, &head(CIPHERTEXT, sealed_len)].concat();
        let info = nest(SEQUENCE, &algorithm, sealed_len);
        let data = nest(SEQUENCE, &[VERSION_0, &info].concat(), sealed_len);
        let content = nest(CONTENT, &data, sealed_len);
        nest(SEQUENCE, &[ENCRYPTED_DATA, &content].concat(), sealed_len)
    }

    /// The iv and the ciphertext; accepts exactly what [`front`] and a ciphertext make.
    pub(super) fn parse(der: &[u8]) -> Result<([u8; 12], &[u8]), NotABlob> {
        let mut rest = Reader(der);
        enter(&mut rest, SEQUENCE)?;
        rest.expect(ENCRYPTED_DATA)?;
        enter(&mut rest, CONTENT)?;
        enter(&mut rest, SEQUENCE)?;
        rest.expect(VERSION_0)?;
        enter(&mut rest, SEQUENCE)?;
        rest.expect(DATA)?;
        rest.expect(AES256_GCM)?;
        let iv = rest.array()?;
        rest.expect(TAG_LENGTH)?;
        enter(&mut rest, CIPHERTEXT)?;
        Ok((iv, rest.0))
    }

    /// Steps into an element. Every element that is entered is the last of its parent, so its content must reach
    /// to the end of the input; comparing with the one right encoding refuses DER's many wrong ones.
    fn enter(rest: &mut Reader<'_>, tag: u8) -> Result<(), NotABlob> {
        let width = match rest.0.get(1) {
            Some(long @ 0x80..) => usize::from(long & 0x7f),
            Some(_) | None => 0,
        };
        let (front, content) = rest.0.split_at_checked(2 + width).ok_or(NotABlob)?;
        rest.0 = content;
        if front == head(tag, content.len()) { Ok(()) } else { Err(NotABlob) }
    }

    /// Tag and length of an element whose content is `body` and `beyond` bytes more.
    fn nest(tag: u8, body: &[u8], beyond: usize) -> Vec<u8> {
        [&head(tag, body.len() + beyond), body].concat()
    }

    fn head(tag: u8, len: usize) -> Vec<u8> {
        if let Ok(short @ 0..=0x7f) = u8::try_from(len) {
            return vec![tag, short];
        }
        let bytes = len.to_be_bytes();
        let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
        [&[tag, 0x80 | bytes.len() as u8], bytes].concat()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entropy::SeededEntropy;

    const MATERIAL: [u8; 32] = [0x5a; 32];

    fn backing() -> Secret {
        Secret::copied(&[7; 32])
    }

    fn context() -> EncryptionContext {
        EncryptionContext::from([("aws:ebs:id", "vol-1")])
    }

    fn sealed(plaintext: &[u8]) -> Vec<u8> {
        seal_blob(&backing(), MATERIAL, Origin::DataKey, &context(), plaintext, &SeededEntropy::new(1))
    }

    fn opened(blob: &[u8]) -> Option<Secret> {
        CiphertextBlob::parse(blob).ok()?.open(&backing(), &context()).ok()
    }

    #[test]
    fn lengths_are_those_of_aws() {
        for (plaintext, blob) in [(1, 153), (16, 168), (23, 175), (27, 179), (32, 184), (64, 220), (4096, 4258)] {
            assert_eq!(sealed(&vec![1; plaintext]).len(), blob, "{plaintext} bytes");
        }
    }

    #[test]
    fn a_blob_begins_as_aws_blobs_do_and_names_its_key_material() {
        use base64::Engine;
        let text = |origin| {
            let blob = seal_blob(&backing(), MATERIAL, origin, &context(), b"x", &SeededEntropy::new(1));
            assert_eq!(CiphertextBlob::parse(&blob).unwrap().material_id, MATERIAL);
            base64::engine::general_purpose::STANDARD.encode(blob)
        };
        assert!(text(Origin::Encrypt).starts_with("AQICAHh"));
        assert!(text(Origin::DataKey).starts_with("AQIDAHh"));
    }

    /// The vectors were made by another program (vectors/make.py).
    #[test]
    fn blobs_are_reproduced_byte_for_byte() {
        struct Fixed;
        impl Entropy for Fixed {
            /// The nonce is 40…4f, the iv is 50…5b.
            fn fill(&self, out: &mut [u8]) {
                let start = if out.len() == 16 { 0x40 } else { 0x50 };
                out.iter_mut().zip(start..).for_each(|(byte, value)| *byte = value);
            }
        }
        for line in include_str!("../vectors/blob.txt").lines().filter(|line| !line.starts_with('#')) {
            let [third, pairs, len, expected] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let context = pairs.split_once('=').map(|pair| EncryptionContext::from([pair])).unwrap_or_default();
            let plaintext: Vec<u8> = (0..len.parse().unwrap()).collect();
            let backing = Secret::new((0..32).collect());
            let material_id = std::array::from_fn(|index| 0xa0 + index as u8);
            let origin = Origin::from_byte(third.parse().unwrap()).unwrap();
            let blob = seal_blob(&backing, material_id, origin, &context, &plaintext, &Fixed);
            assert_eq!(hex::encode(&blob), expected);
            let opened = CiphertextBlob::parse(&blob).unwrap().open(&backing, &context).unwrap();
            assert_eq!(opened.expose(), plaintext);
        }
    }

    /// OpenSSL knows nothing of us; it must find the CMS structure in the blob.
    #[test]
    fn openssl_reads_the_der_part() {
        use std::io::Write;
        use std::process::{Command, Stdio};
        let mut command = Command::new("openssl");
        command.args(["asn1parse", "-inform", "DER"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        // A machine without openssl has nothing to ask; the byte-for-byte vectors above hold all the same.
        let Ok(mut openssl) = command.spawn() else { return };
        openssl.stdin.take().unwrap().write_all(&sealed(&[1; 4096])[58..]).unwrap();
        let output = openssl.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success());
        for part in ["pkcs7-encryptedData", "pkcs7-data", "aes-256-gcm", "OCTET STRING", "INTEGER           :10"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn another_key_or_context_does_not_open_a_blob() {
        let blob = CiphertextBlob::parse(&sealed(b"secret")).unwrap();
        assert_eq!(blob.open(&backing(), &context()).unwrap().expose(), b"secret");
        assert!(blob.open(&Secret::copied(&[8; 32]), &context()).is_err());
        assert!(blob.open(&backing(), &EncryptionContext::default()).is_err());
        assert!(blob.open(&backing(), &EncryptionContext::from([("aws:ebs:id", "vol-2")])).is_err());
    }

    /// Also over the lengths at which DER's length fields change their width.
    #[test]
    fn every_bit_counts() {
        for len in [0, 1, 32, 64, 130, 300] {
            let blob = sealed(&vec![3; len]);
            assert!(opened(&blob).is_some());
            for bit in 0..8 * blob.len() {
                let mut changed = blob.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(opened(&changed).is_none(), "bit {bit} of {} bytes", blob.len());
            }
        }
    }

    #[test]
    fn a_blob_is_neither_shorter_nor_longer() {
        let blob = sealed(&[3; 64]);
        for len in 0..blob.len() {
            assert!(CiphertextBlob::parse(&blob[..len]).is_err(), "{len} bytes");
        }
        assert!(CiphertextBlob::parse(&[&blob[..], &[0]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn what_was_sealed_is_parsed_encoded_and_opened(plaintext in proptest::collection::vec(any::<u8>(), 0..5000)) {
            let blob = sealed(&plaintext);
            let parsed = CiphertextBlob::parse(&blob).unwrap();
            prop_assert_eq!(parsed.plaintext_len(), plaintext.len());
            prop_assert_eq!(parsed.encode(), blob);
            let opened = parsed.open(&backing(), &context()).unwrap();
            prop_assert_eq!(opened.expose(), plaintext);
        }

        #[test]
        fn arbitrary_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(CiphertextBlob::parse(&bytes).is_err());
        }

        /// Changes in the middle of a good blob: deeper than random bytes reach.
        #[test]
        fn damaged_blobs_are_refused_without_panic(
            at in 0..220usize,
            damage in proptest::collection::vec(any::<u8>(), 1..8),
        ) {
            let mut blob = sealed(&[3; 64]);
            let before = blob.clone();
            let end = blob.len().min(at + damage.len());
            blob[at..end].copy_from_slice(&damage[..end - at]);
            prop_assert_eq!(opened(&blob).is_some(), blob == before);
        }
    }
}
