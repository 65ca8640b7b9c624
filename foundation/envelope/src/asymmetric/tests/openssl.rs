//! Another hand: openssl reads our keys, verifies our signatures and encrypts to us, and the other way round.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::*;

/// The text of all stories: 64 bytes, so that it can pass for a digest of SHA-512.
const TEXT: &[u8] = &[0xda; 64];

/// Runs openssl with `input` on its standard input; its standard output.
pub(super) fn openssl(args: &[&str], input: &[u8]) -> Vec<u8> {
    let output = run(args, input);
    assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn run(args: &[&str], input: &[u8]) -> Output {
    let piped =
        Command::new("openssl").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = piped.expect("the openssl command is there");
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// A folder with a pair's keys, a text and whatever a story puts there.
struct Desk(TempDir);

impl Desk {
    fn with(pair: &KeyPair) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.put("private.der", pair.private_key().expose());
        desk.put("public.der", pair.public_key().spki());
        desk.put("text", TEXT);
        desk
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.at(name)
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.0.path()).join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().into()
    }

    /// Runs a line of words; `@name` stands for a file here.
    fn run(&self, line: &str) -> Output {
        let words: Vec<String> = line
            .split_whitespace()
            .map(|word| word.strip_prefix('@').map_or(word.into(), |name| self.at(name)))
            .collect();
        run(&words.iter().map(String::as_str).collect::<Vec<_>>(), b"")
    }

    fn ok(&self, line: &str) -> Vec<u8> {
        let output = self.run(line);
        assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

/// The specs that openssl 3.0 knows: all but the ML ones.
fn classic() -> impl Iterator<Item = KeyPairSpec> {
    quick_specs().filter(|spec| !matches!(spec.family(), Family::MlDsa | Family::MlKem))
}

/// The words that choose an algorithm of `openssl dgst`.
fn digest_words(algorithm: SigningAlgorithm) -> String {
    let (hash, padding) = match algorithm {
        SigningAlgorithm::RsaPss(hash) => (hash, "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"),
        SigningAlgorithm::RsaPkcs1(hash) | SigningAlgorithm::Ecdsa(hash) => (hash, ""),
        _ => panic!("{algorithm} is not one of openssl dgst"),
    };
    format!("-sha{} {padding}", 8 * hash.len_bytes())
}

#[test]
fn it_reads_our_keys_and_derives_the_same_public_key() {
    for spec in classic() {
        let pair = pair(spec);
        let desk = Desk::with(&pair);
        let derived = desk.ok("pkey -inform DER -in @private.der -pubout -outform DER");
        assert_eq!(derived, pair.public_key().spki(), "{spec}");
        let text = String::from_utf8(desk.ok("pkey -pubin -inform DER -in @public.der -noout -text")).unwrap();
        assert!(text.contains("Public-Key") || text.contains("ED25519"), "{text}");
    }
}

#[test]
fn it_verifies_our_signatures_and_we_verify_its() {
    for spec in classic().filter(|spec| spec.family() != Family::Edwards) {
        let pair = pair(spec);
        let desk = Desk::with(&pair);
        for algorithm in spec.signing_algorithms() {
            let words = digest_words(algorithm);
            let ours = pair.sign(algorithm, Message::Raw(TEXT), &SeededEntropy::new(1)).unwrap();
            desk.put("signature", &ours);
            desk.ok(&format!("dgst {words} -keyform DER -verify @public.der -signature @signature @text"));
            let theirs = desk.ok(&format!("dgst {words} -keyform DER -sign @private.der @text"));
            assert_eq!(pair.public_key().verify(algorithm, Message::Raw(TEXT), &theirs), Ok(()), "{algorithm}");
            desk.put("other", b"another text");
            let wrong =
                desk.run(&format!("dgst {words} -keyform DER -verify @public.der -signature @signature @other"));
            assert!(!wrong.status.success(), "{algorithm}");
        }
    }
}

#[test]
fn it_signs_and_verifies_ed25519_as_we_do() {
    let pair = pair(KeyPairSpec::EccNistEdwards25519);
    let desk = Desk::with(&pair);
    let ours = pair.sign(SigningAlgorithm::Ed25519Sha512, Message::Raw(TEXT), &SeededEntropy::new(1)).unwrap();
    desk.put("signature", &ours);
    desk.ok("pkeyutl -verify -rawin -pubin -keyform DER -inkey @public.der -in @text -sigfile @signature");
    let theirs = desk.ok("pkeyutl -sign -rawin -keyform DER -inkey @private.der -in @text");
    assert_eq!(ours, theirs, "Ed25519 is deterministic");
}

#[test]
fn it_encrypts_to_our_rsa_keys_and_opens_what_we_encrypt() {
    let pair = pair(KeyPairSpec::Rsa2048);
    let desk = Desk::with(&pair);
    for (how, hash) in [(EncryptionAlgorithm::RsaesOaepSha1, "sha1"), (EncryptionAlgorithm::RsaesOaepSha256, "sha256")]
    {
        let oaep = format!(
            "-keyform DER -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:{hash} -pkeyopt rsa_mgf1_md:{hash}"
        );
        let theirs = desk.ok(&format!("pkeyutl -encrypt -pubin -inkey @public.der -in @text {oaep}"));
        assert_eq!(pair.decrypt(how, &theirs).unwrap().expose(), TEXT);
        desk.put("ours", &pair.public_key().encrypt(how, TEXT).unwrap());
        assert_eq!(desk.ok(&format!("pkeyutl -decrypt -inkey @private.der -in @ours {oaep}")), TEXT);
    }
}

#[test]
fn it_agrees_on_the_same_secret() {
    for spec in classic().filter(|spec| spec.agrees()) {
        let (pair, peer) = (pair(spec), KeyPair::generate(spec, &SeededEntropy::new(9)).unwrap());
        let desk = Desk::with(&pair);
        desk.put("peer.der", peer.public_key().spki());
        let theirs = desk.ok("pkeyutl -derive -keyform DER -inkey @private.der -peerform DER -peerkey @peer.der");
        assert_eq!(peer.agree(pair.public_key().spki()).unwrap().expose(), theirs);
    }
}

#[test]
fn keys_that_it_made_are_imported_and_sign() {
    for (spec, words) in [
        (KeyPairSpec::Rsa2048, "RSA -pkeyopt rsa_keygen_bits:2048"),
        (KeyPairSpec::Rsa3072, "RSA -pkeyopt rsa_keygen_bits:3072"),
        (KeyPairSpec::Rsa4096, "RSA -pkeyopt rsa_keygen_bits:4096"),
        (KeyPairSpec::EccNistP256, "EC -pkeyopt ec_paramgen_curve:P-256"),
        (KeyPairSpec::EccNistP384, "EC -pkeyopt ec_paramgen_curve:P-384"),
        (KeyPairSpec::EccNistP521, "EC -pkeyopt ec_paramgen_curve:P-521"),
        (KeyPairSpec::EccSecgP256k1, "EC -pkeyopt ec_paramgen_curve:secp256k1"),
        (KeyPairSpec::EccNistEdwards25519, "ED25519"),
    ] {
        let der = openssl(&format!("genpkey -outform DER -algorithm {words}").split(' ').collect::<Vec<_>>(), b"");
        let pkcs8 = openssl(&["pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER"], &der);
        let pair = KeyPair::from_pkcs8(spec, &pkcs8).unwrap();
        let public = openssl(&["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], &der);
        assert_eq!(pair.public_key().spki(), public, "{spec}");
        let how = spec.signing_algorithms().next().unwrap();
        let signature = pair.sign(how, Message::Raw(TEXT), &SeededEntropy::new(1)).unwrap();
        assert_eq!(pair.public_key().verify(how, Message::Raw(TEXT), &signature), Ok(()));
    }
}

#[test]
fn keys_of_sizes_that_aws_does_not_have_are_refused() {
    for (spec, words) in [
        (KeyPairSpec::Rsa2048, "RSA -pkeyopt rsa_keygen_bits:1024"),
        (KeyPairSpec::Rsa2048, "RSA -pkeyopt rsa_keygen_bits:2056"),
        (KeyPairSpec::EccNistP256, "EC -pkeyopt ec_paramgen_curve:P-224"),
        (KeyPairSpec::EccNistP256, "X25519"),
    ] {
        let der = openssl(&format!("genpkey -outform DER -algorithm {words}").split(' ').collect::<Vec<_>>(), b"");
        let pkcs8 = openssl(&["pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER"], &der);
        assert_eq!(KeyPair::from_pkcs8(spec, &pkcs8).unwrap_err(), AsymmetricError::PrivateKey, "{words}");
    }
}
