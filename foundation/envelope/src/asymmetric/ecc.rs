//! Curves in Weierstrass form: NIST's P-256, P-384 and P-521, and secp256k1. ECDSA (FIPS 186-5) and ECDH (SP 800-56A).
//!
//! The private scalar comes from the caller's entropy, so that `--seed` replays a pair; the nonce of a signature is
//! aws-lc's own, which no caller should be able to choose.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, ParsedPublicKey, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, PublicKeyX509Der};
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, KeyPair as _,
};
use zeroize::Zeroizing;

use crate::asymmetric::algorithm::{Hash, Message};
use crate::asymmetric::error::AsymmetricError;
use crate::asymmetric::rsa::digest_of;
use crate::asymmetric::spec::KeyPairSpec;
use crate::entropy::Entropy;
use crate::secret::Secret;

/// One curve in the library's words.
struct Curve {
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static EcdsaVerificationAlgorithm,
    /// AWS signs with the hash of the curve's own strength only.
    hash: Hash,
    scalar_bytes: usize,
    /// The bits of the scalar's first byte that the curve's order can reach.
    first_byte: u8,
}

impl Curve {
    fn of(spec: KeyPairSpec) -> Result<Self, AsymmetricError> {
        let (signing, verification, hash, scalar_bytes, first_byte) = match spec {
            KeyPairSpec::EccNistP256 => {
                (&ECDSA_P256_SHA256_ASN1_SIGNING, &signature::ECDSA_P256_SHA256_ASN1, Hash::Sha256, 32, 0xff)
            }
            KeyPairSpec::EccNistP384 => {
                (&ECDSA_P384_SHA384_ASN1_SIGNING, &signature::ECDSA_P384_SHA384_ASN1, Hash::Sha384, 48, 0xff)
            }
            KeyPairSpec::EccNistP521 => {
                (&ECDSA_P521_SHA512_ASN1_SIGNING, &signature::ECDSA_P521_SHA512_ASN1, Hash::Sha512, 66, 0x01)
            }
            KeyPairSpec::EccSecgP256k1 => {
                (&ECDSA_P256K1_SHA256_ASN1_SIGNING, &signature::ECDSA_P256K1_SHA256_ASN1, Hash::Sha256, 32, 0xff)
            }
            _ => return Err(AsymmetricError::Incompatible),
        };
        Ok(Self { signing, verification, hash, scalar_bytes, first_byte })
    }

    /// A scalar below the curve's order, by drawing until one is (FIPS 186-5 A.2.2). Half of the draws fit at worst.
    fn draw(&self, entropy: &dyn Entropy) -> Result<EcdsaKeyPair, AsymmetricError> {
        const DRAWS: usize = 256;
        let mut scalar = Zeroizing::new(vec![0; self.scalar_bytes]);
        for _ in 0..DRAWS {
            entropy.fill(&mut scalar);
            scalar[0] &= self.first_byte;
            // The library refuses zero and what is not below the order.
            if let Ok(key) = EcdsaKeyPair::from_private_key_der(self.signing, &bare_private_key(&scalar)) {
                return Ok(key);
            }
        }
        Err(AsymmetricError::Library)
    }

    fn private(&self, der: &[u8]) -> Result<EcdsaKeyPair, AsymmetricError> {
        EcdsaKeyPair::from_pkcs8(self.signing, der).map_err(|_| AsymmetricError::PrivateKey)
    }
}

/// `ECPrivateKey` of RFC 5915 with neither parameters nor public key: the library derives them.
fn bare_private_key(scalar: &[u8]) -> Zeroizing<Vec<u8>> {
    let len = scalar.len() as u8;
    Zeroizing::new([&[0x30, len + 5, 0x02, 0x01, 0x01, 0x04, len][..], scalar].concat())
}

pub(super) fn generate(spec: KeyPairSpec, entropy: &dyn Entropy) -> Result<Secret, AsymmetricError> {
    let curve = Curve::of(spec)?;
    pkcs8(&curve, &curve.draw(entropy)?)
}

/// PKCS#8 in the house's form, and the public key that belongs to it.
pub(super) fn import(spec: KeyPairSpec, der: &[u8]) -> Result<(Secret, Vec<u8>), AsymmetricError> {
    let curve = Curve::of(spec)?;
    let key = curve.private(der)?;
    let spki: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| AsymmetricError::Library)?;
    Ok((pkcs8(&curve, &key)?, spki.as_ref().to_vec()))
}

pub(super) fn sign(spec: KeyPairSpec, der: &Secret, message: Message<'_>) -> Result<Vec<u8>, AsymmetricError> {
    let curve = Curve::of(spec)?;
    let digest = digest_of(curve.hash, message)?;
    let signature = curve.private(der.expose())?.sign_digest(&digest).map_err(|_| AsymmetricError::Library)?;
    Ok(signature.as_ref().to_vec())
}

pub(super) fn verify(
    spec: KeyPairSpec,
    spki: &[u8],
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), AsymmetricError> {
    let curve = Curve::of(spec)?;
    let key = signature::UnparsedPublicKey::new(curve.verification, spki);
    let key = key.parse().map_err(|_| AsymmetricError::PublicKey)?;
    key.verify_digest_sig(&digest_of(curve.hash, message)?, signature).map_err(|_| AsymmetricError::Signature)
}

/// The x-coordinate of the shared point, as long as the curve's field: 32, 48 or 66 bytes.
pub(super) fn agree(spec: KeyPairSpec, der: &Secret, peer_spki: &[u8]) -> Result<Secret, AsymmetricError> {
    let algorithm = match spec {
        KeyPairSpec::EccNistP256 => &ECDH_P256,
        KeyPairSpec::EccNistP384 => &ECDH_P384,
        KeyPairSpec::EccNistP521 => &ECDH_P521,
        _ => return Err(AsymmetricError::Incompatible),
    };
    let own = PrivateKey::from_private_key_der(algorithm, der.expose()).map_err(|_| AsymmetricError::PrivateKey)?;
    let peer = ParsedPublicKey::try_from(UnparsedPublicKey::new(algorithm, peer_spki));
    let peer = peer.map_err(|_| AsymmetricError::PublicKey)?;
    agreement::agree(&own, peer, AsymmetricError::PublicKey, |shared| Ok(Secret::copied(shared)))
}

/// PKCS#8 with the public key inside, as openssl writes it; the library leaves it out where the key came without.
fn pkcs8(curve: &Curve, key: &EcdsaKeyPair) -> Result<Secret, AsymmetricError> {
    let scalar: EcPrivateKeyBin<'_> = key.private_key().as_be_bytes().map_err(|_| AsymmetricError::Library)?;
    let point = key.public_key().as_ref();
    let whole = EcdsaKeyPair::from_private_key_and_public_key(curve.signing, scalar.as_ref(), point);
    let der = whole.map_err(|_| AsymmetricError::Library)?.to_pkcs8v1().map_err(|_| AsymmetricError::Library)?;
    Ok(Secret::copied(der.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(spec: KeyPairSpec, scalar: &str) -> (Secret, Vec<u8>) {
        let curve = Curve::of(spec).unwrap();
        let bare = bare_private_key(&hex::decode(scalar).unwrap());
        let key = EcdsaKeyPair::from_private_key_der(curve.signing, &bare).unwrap();
        import(spec, pkcs8(&curve, &key).unwrap().expose()).unwrap()
    }

    /// A signature in DER from its two numbers.
    fn der(r: &str, s: &str) -> Vec<u8> {
        let number = |text: &str| {
            let bytes = hex::decode(text).unwrap();
            let short: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
            let sign = if short[0] < 0x80 { vec![] } else { vec![0] };
            [&[0x02, (sign.len() + short.len()) as u8], &sign[..], &short].concat()
        };
        let body = [number(r), number(s)].concat();
        let head = if body.len() < 0x80 { vec![0x30, body.len() as u8] } else { vec![0x30, 0x81, body.len() as u8] };
        [head, body].concat()
    }

    /// RFC 6979 A.2.5 to A.2.7, message "sample" under the curve's hash; for secp256k1, which the RFC lacks, the widely
    /// used vector of the scalar 1 and "Satoshi Nakamoto".
    #[test]
    fn ecdsa_agrees_with_known_vectors() {
        for (spec, scalar, message, r, s) in [
            (
                KeyPairSpec::EccNistP256,
                "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
                "sample",
                "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
                "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
            ),
            (
                KeyPairSpec::EccNistP384,
                "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
                "sample",
                "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46",
                "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8",
            ),
            (
                KeyPairSpec::EccNistP521,
                "00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB89EC0C08B0E996B83538",
                "sample",
                "00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152B534931D7D4E8455CC91F9B15BF05EC36E377FA",
                "00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1DCCC43997F1EE0E44DA4A67A",
            ),
            (
                KeyPairSpec::EccSecgP256k1,
                "0000000000000000000000000000000000000000000000000000000000000001",
                "Satoshi Nakamoto",
                "934B1EA10A4B3C1757E2B0C017D0B6143CE3C9A7E6A4A49860D7A6AB210EE3D8",
                "2442CE9D2B916064108014783E923EC36B49743E2FFA1C4496F01A512AAFD9E5",
            ),
        ] {
            let (_, spki) = key(spec, scalar);
            let verdict = |message: &str| verify(spec, &spki, Message::Raw(message.as_bytes()), &der(r, s));
            assert_eq!(verdict(message), Ok(()), "{spec}");
            assert_eq!(verdict("test"), Err(AsymmetricError::Signature), "{spec}");
        }
    }

    /// CAVP "ECC CDH Primitive", P-256, count 0.
    #[test]
    fn ecdh_agrees_with_nist() {
        let spec = KeyPairSpec::EccNistP256;
        let (own, _) = key(spec, "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534");
        let peer = [
            "3059301306072a8648ce3d020106082a8648ce3d030107034200",
            "04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287",
            "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
        ];
        let shared = agree(spec, &own, &hex::decode(peer.concat()).unwrap()).unwrap();
        assert_eq!(hex::encode(shared.expose()), "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b");
    }

    /// The one draw that no entropy of a test would give: scalars of zero and of the order are drawn again.
    #[test]
    fn a_scalar_out_of_range_is_drawn_again() {
        struct Poor(std::sync::Mutex<Vec<u8>>);
        impl Entropy for Poor {
            fn fill(&self, out: &mut [u8]) {
                out.fill(self.0.lock().unwrap().remove(0));
            }
        }
        let spec = KeyPairSpec::EccNistP256;
        let drawn = generate(spec, &Poor(vec![0x00, 0xff, 0x01].into())).unwrap();
        let (expected, _) = key(spec, &"01".repeat(32));
        assert_eq!(drawn.expose(), expected.expose());
    }
}
