//! Stories of key pairs: what one half makes the other undoes, and nothing else does; what openssl makes of it is
//! told in `tests/openssl.rs`.

use super::*;
use crate::entropy::SeededEntropy;
use proptest::prelude::*;

mod openssl;

/// All specs but the RSA ones above 2048 bits, which take seconds to make.
fn quick_specs() -> impl Iterator<Item = KeyPairSpec> {
    KeyPairSpec::all().filter(|spec| !matches!(spec, KeyPairSpec::Rsa3072 | KeyPairSpec::Rsa4096))
}

fn pair(spec: KeyPairSpec) -> KeyPair {
    KeyPair::generate(spec, &SeededEntropy::new(7)).unwrap()
}

/// A message of the kind that the algorithm takes: 64 bytes, so that they can pass for a digest of SHA-512.
fn fitting(algorithm: SigningAlgorithm, text: &[u8; 64]) -> Message<'_> {
    match algorithm {
        SigningAlgorithm::Ed25519PhSha512 => Message::Digest(text),
        _ => Message::Raw(text),
    }
}

#[test]
fn every_pair_signs_with_each_of_its_algorithms_and_nothing_else_verifies() {
    let entropy = SeededEntropy::new(8);
    for spec in quick_specs() {
        let (pair, stranger) = (pair(spec), KeyPair::generate(spec, &SeededEntropy::new(9)).unwrap());
        for algorithm in spec.signing_algorithms() {
            let (said, unsaid) = (fitting(algorithm, &[0xda; 64]), fitting(algorithm, &[0xd0; 64]));
            let signature = pair.sign(algorithm, said, &entropy).unwrap();
            let verify =
                |key: &KeyPair, message, signature: &[u8]| key.public_key().verify(algorithm, message, signature);
            assert_eq!(verify(&pair, said, &signature), Ok(()), "{spec} {algorithm}");
            assert_eq!(verify(&pair, unsaid, &signature), Err(AsymmetricError::Signature), "{spec} {algorithm}");
            assert_eq!(verify(&stranger, said, &signature), Err(AsymmetricError::Signature), "{spec} {algorithm}");
            let mut bent = signature.clone();
            *bent.last_mut().unwrap() ^= 1;
            for wrong in [&bent[..], &signature[1..], b""] {
                assert_eq!(verify(&pair, said, wrong), Err(AsymmetricError::Signature), "{spec} {algorithm}");
            }
        }
    }
}

#[test]
fn a_signature_of_the_digest_is_one_of_the_message() {
    let entropy = SeededEntropy::new(8);
    for spec in quick_specs().filter(|spec| matches!(spec.family(), Family::Rsa | Family::Ecc)) {
        let pair = pair(spec);
        for algorithm in spec.signing_algorithms() {
            let (SigningAlgorithm::RsaPss(hash) | SigningAlgorithm::RsaPkcs1(hash) | SigningAlgorithm::Ecdsa(hash)) =
                algorithm
            else {
                panic!("{algorithm}")
            };
            let digest = hash.digest(b"a contract");
            let of_digest = pair.sign(algorithm, Message::Digest(&digest), &entropy).unwrap();
            let of_text = pair.sign(algorithm, Message::Raw(b"a contract"), &entropy).unwrap();
            assert_eq!(pair.public_key().verify(algorithm, Message::Raw(b"a contract"), &of_digest), Ok(()));
            assert_eq!(pair.public_key().verify(algorithm, Message::Digest(&digest), &of_text), Ok(()));
        }
    }
}

#[test]
fn an_algorithm_of_another_family_is_refused_before_anything_is_computed() {
    let entropy = SeededEntropy::new(8);
    for spec in quick_specs() {
        let pair = pair(spec);
        for algorithm in SigningAlgorithm::all().filter(|algorithm| !algorithm.fits(spec)) {
            let message = fitting(algorithm, &[1; 64]);
            assert_eq!(pair.sign(algorithm, message, &entropy), Err(AsymmetricError::Incompatible));
            assert_eq!(pair.public_key().verify(algorithm, message, b"x"), Err(AsymmetricError::Incompatible));
        }
        if spec.family() != Family::Rsa {
            let how = EncryptionAlgorithm::RsaesOaepSha256;
            assert_eq!(pair.public_key().encrypt(how, b"x"), Err(AsymmetricError::Incompatible));
            assert_eq!(pair.decrypt(how, b"x").unwrap_err(), AsymmetricError::Incompatible);
        }
        if spec.family() != Family::MlKem {
            assert_eq!(pair.public_key().encapsulate(&entropy).unwrap_err(), AsymmetricError::Incompatible);
            assert_eq!(pair.decapsulate(&[0; 768]).unwrap_err(), AsymmetricError::Incompatible);
        }
        if !spec.agrees() {
            assert_eq!(pair.agree(pair.public_key().spki()).unwrap_err(), AsymmetricError::Incompatible);
        }
    }
}

#[test]
fn a_seed_replays_every_pair_but_rsa() {
    for spec in quick_specs() {
        let again = pair(spec).private_key().expose() == pair(spec).private_key().expose();
        assert_eq!(again, spec.family() != Family::Rsa, "{spec}");
    }
}

#[test]
fn a_private_key_comes_back_from_its_pkcs8_with_the_same_public_key() {
    for spec in quick_specs() {
        let pair = pair(spec);
        let again = KeyPair::from_pkcs8(spec, pair.private_key().expose()).unwrap();
        assert_eq!(again.public_key(), pair.public_key());
        assert_eq!(again.private_key().expose(), pair.private_key().expose());
        for other in quick_specs().filter(|other| *other != spec) {
            let refused = KeyPair::from_pkcs8(other, pair.private_key().expose()).unwrap_err();
            assert_eq!(refused, AsymmetricError::PrivateKey, "{spec} is not {other}");
        }
        let der = pair.private_key().expose();
        assert!(KeyPair::from_pkcs8(spec, &der[..der.len() - 1]).is_err(), "{spec}");
    }
}

#[test]
fn debug_shows_no_private_byte() {
    let pair = pair(KeyPairSpec::EccNistEdwards25519);
    assert_eq!(
        format!("{pair:?}"),
        "KeyPair { private: Secret(48 bytes withheld), public: PublicKey(ECC_NIST_EDWARDS25519, 44 bytes) }"
    );
}

#[test]
fn rsa_opens_what_was_encrypted_to_it_up_to_the_longest_plaintext() {
    let pair = pair(KeyPairSpec::Rsa2048);
    for how in EncryptionAlgorithm::all() {
        let longest = how.longest_plaintext(pair.spec()).unwrap();
        for len in [0, 1, longest] {
            let ciphertext = pair.public_key().encrypt(how, &vec![0x5a; len]).unwrap();
            assert_eq!(ciphertext.len(), 256);
            assert_eq!(pair.decrypt(how, &ciphertext).unwrap().expose(), vec![0x5a; len]);
            let other = EncryptionAlgorithm::all().find(|other| *other != how).unwrap();
            assert_eq!(pair.decrypt(other, &ciphertext).unwrap_err(), AsymmetricError::Ciphertext);
        }
        let refused = pair.public_key().encrypt(how, &vec![0; longest + 1]).unwrap_err();
        assert_eq!(refused, AsymmetricError::TooLong { longest });
        for wrong in [&[][..], &[0; 255], &[0; 256], &[0xff; 256], &[0; 257]] {
            assert_eq!(pair.decrypt(how, wrong).unwrap_err(), AsymmetricError::Ciphertext);
        }
    }
}

#[test]
fn both_sides_of_a_key_agreement_hold_the_same_secret() {
    for (spec, len) in [(KeyPairSpec::EccNistP256, 32), (KeyPairSpec::EccNistP384, 48), (KeyPairSpec::EccNistP521, 66)]
    {
        let (ada, ben) = (pair(spec), KeyPair::generate(spec, &SeededEntropy::new(9)).unwrap());
        let shared = ada.agree(ben.public_key().spki()).unwrap();
        assert_eq!(shared.expose(), ben.agree(ada.public_key().spki()).unwrap().expose());
        assert_eq!(shared.len(), len);
        let mut off_the_curve = ben.public_key().spki().to_vec();
        *off_the_curve.last_mut().unwrap() ^= 1;
        let foreign = pair(KeyPairSpec::EccSecgP256k1);
        for wrong in [&off_the_curve[..], foreign.public_key().spki(), b"not a key", b""] {
            assert_eq!(ada.agree(wrong).unwrap_err(), AsymmetricError::PublicKey);
        }
    }
}

#[test]
fn a_secret_is_encapsulated_for_one_holder_and_rejected_implicitly_by_others() {
    let entropy = SeededEntropy::new(8);
    for (spec, len) in [(KeyPairSpec::MlKem512, 768), (KeyPairSpec::MlKem768, 1088), (KeyPairSpec::MlKem1024, 1568)] {
        let (holder, stranger) = (pair(spec), KeyPair::generate(spec, &SeededEntropy::new(9)).unwrap());
        let Encapsulated { shared_secret, ciphertext } = holder.public_key().encapsulate(&entropy).unwrap();
        assert_eq!((shared_secret.len(), ciphertext.len()), (32, len));
        assert_eq!(holder.decapsulate(&ciphertext).unwrap().expose(), shared_secret.expose());
        assert_ne!(stranger.decapsulate(&ciphertext).unwrap().expose(), shared_secret.expose());
        let mut bent = ciphertext.clone();
        bent[0] ^= 1;
        let rejected = holder.decapsulate(&bent).unwrap();
        assert_ne!(rejected.expose(), shared_secret.expose());
        assert_eq!(rejected.expose(), holder.decapsulate(&bent).unwrap().expose(), "and always the same");
        assert_eq!(holder.decapsulate(&ciphertext[1..]).unwrap_err(), AsymmetricError::Ciphertext);
    }
}

/// RFC 8032 §7.1, tests 1 to 3.
#[test]
fn ed25519_agrees_with_the_rfc() {
    let spec = KeyPairSpec::EccNistEdwards25519;
    let key = |seed: &str| {
        let der = [hex::decode("302e020100300506032b657004220420").unwrap(), hex::decode(seed).unwrap()].concat();
        KeyPair::from_pkcs8(spec, &der).unwrap()
    };
    for (seed, message, signature) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ] {
        let message = hex::decode(message).unwrap();
        let signed = key(seed).sign(SigningAlgorithm::Ed25519Sha512, Message::Raw(&message), &SeededEntropy::new(0));
        assert_eq!(hex::encode(signed.unwrap()), signature);
    }
}

/// RFC 9881 appendix C and RFC 9935 appendix C: the example keys of seed 00 01 02 …, and SHA-256 of their public keys.
#[test]
fn ml_keys_are_written_as_in_the_rfcs() {
    let seed: Vec<u8> = (0..64).collect();
    for (spec, head, public) in [
        (
            KeyPairSpec::MlDsa44,
            "3034020100300b060960864801650304031104228020",
            "837832708c5236d951581f1fddf2b79991b3424a0486d16da1ddad0fd69701be",
        ),
        (
            KeyPairSpec::MlDsa65,
            "3034020100300b060960864801650304031204228020",
            "b8b62131bfbe84433efb2273d7f5b87f7a22854a2cfd366fc2aead86d837c52d",
        ),
        (
            KeyPairSpec::MlDsa87,
            "3034020100300b060960864801650304031304228020",
            "07e57c4f14dbad1267f621ec3777b4e2e6c4fbc4c22fbb87510ff8e0b3c6a642",
        ),
        (
            KeyPairSpec::MlKem512,
            "3054020100300b060960864801650304040104428040",
            "0e3c8b89b54202d2545f7aba2e2aaa3cffa7b6191919ad738fab35b4f313cf71",
        ),
        (
            KeyPairSpec::MlKem768,
            "3054020100300b060960864801650304040204428040",
            "c23e23dd3d485a9256cda09358a4a286e00b373db10761eadf99f710649ca31c",
        ),
        (
            KeyPairSpec::MlKem1024,
            "3054020100300b060960864801650304040304428040",
            "d2b7480ae006a14b37c1e8a8e45ea39022e32a9b1a7b90d594c84d869c6ac420",
        ),
    ] {
        let seed_bytes = if spec.family() == Family::MlDsa { 32 } else { 64 };
        let der = [&hex::decode(head).unwrap()[..], &seed[..seed_bytes]].concat();
        let pair = KeyPair::from_pkcs8(spec, &der).unwrap();
        assert_eq!(pair.private_key().expose(), der);
        assert_eq!(hex::encode(Hash::Sha256.digest(pair.public_key().spki())), public, "{spec}");
    }
}

/// Signing from µ that was computed outside is signing the message; two libraries agree on key, µ and signature.
#[test]
fn ml_dsa_agrees_with_aws_lc_and_takes_an_external_mu() {
    use aws_lc_rs::signature::{
        KeyPair as _, ML_DSA_44, ML_DSA_44_SIGNING, ML_DSA_65, ML_DSA_65_SIGNING, ML_DSA_87, ML_DSA_87_SIGNING,
        PqdsaKeyPair, UnparsedPublicKey,
    };
    let how = SigningAlgorithm::MlDsaShake256;
    for (spec, signing, verification, len) in [
        (KeyPairSpec::MlDsa44, &ML_DSA_44_SIGNING, &ML_DSA_44, 2420),
        (KeyPairSpec::MlDsa65, &ML_DSA_65_SIGNING, &ML_DSA_65, 3309),
        (KeyPairSpec::MlDsa87, &ML_DSA_87_SIGNING, &ML_DSA_87, 4627),
    ] {
        let pair = pair(spec);
        let theirs = PqdsaKeyPair::from_pkcs8(signing, pair.private_key().expose()).unwrap();
        let raw = theirs.public_key().as_ref();
        assert!(pair.public_key().spki().ends_with(raw));
        assert_eq!(theirs.to_pkcs8v1().unwrap().as_ref(), pair.private_key().expose(), "both write the seed form");

        let ours = pair.sign(how, Message::Raw(b"post-quantum"), &SeededEntropy::new(1)).unwrap();
        let other = pair.sign(how, Message::Raw(b"post-quantum"), &SeededEntropy::new(2)).unwrap();
        assert_eq!(ours.len(), len);
        assert_ne!(ours, other, "signing is hedged");
        UnparsedPublicKey::new(verification, raw).verify(b"post-quantum", &ours).unwrap();
        let mut their_signature = vec![0; len];
        theirs.sign(b"post-quantum", &mut their_signature).unwrap();
        assert_eq!(pair.public_key().verify(how, Message::Raw(b"post-quantum"), &their_signature), Ok(()));

        let mu = external_mu(raw, b"post-quantum");
        let from_mu = pair.sign(how, Message::ExternalMu(&mu), &SeededEntropy::new(3)).unwrap();
        assert_eq!(pair.public_key().verify(how, Message::Raw(b"post-quantum"), &from_mu), Ok(()));
        assert_eq!(pair.public_key().verify(how, Message::ExternalMu(&mu), &ours), Ok(()));
    }
}

/// µ as FIPS 204 defines it, computed by another hand: aws-lc's SHAKE would need C, so through openssl.
fn external_mu(public: &[u8], message: &[u8]) -> Vec<u8> {
    let tr = shake256(public, 64);
    shake256(&[&tr[..], &[0, 0], message].concat(), 64)
}

fn shake256(input: &[u8], len: usize) -> Vec<u8> {
    let xof = len.to_string();
    openssl::openssl(&["dgst", "-shake256", "-xoflen", &xof, "-binary"], input)
}

#[test]
fn ml_kem_agrees_with_aws_lc() {
    use aws_lc_rs::kem::{EncapsulationKey, ML_KEM_512, ML_KEM_768, ML_KEM_1024};
    for (spec, algorithm, len) in [
        (KeyPairSpec::MlKem512, &ML_KEM_512, 800),
        (KeyPairSpec::MlKem768, &ML_KEM_768, 1184),
        (KeyPairSpec::MlKem1024, &ML_KEM_1024, 1568),
    ] {
        let pair = pair(spec);
        let spki = pair.public_key().spki();
        let theirs = EncapsulationKey::new(algorithm, &spki[spki.len() - len..]).unwrap();
        let (ciphertext, shared) = theirs.encapsulate().unwrap();
        assert_eq!(pair.decapsulate(ciphertext.as_ref()).unwrap().expose(), shared.as_ref());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for spec in KeyPairSpec::all() {
            prop_assert!(KeyPair::from_pkcs8(spec, &bytes).is_err());
            let public = PublicKey::trusted(spec, bytes.clone());
            for algorithm in spec.signing_algorithms() {
                prop_assert!(public.verify(algorithm, fitting(algorithm, &[1; 64]), &bytes).is_err());
            }
            prop_assert!(public.encrypt(EncryptionAlgorithm::RsaesOaepSha1, b"x").is_err());
            prop_assert!(public.encapsulate(&SeededEntropy::new(1)).is_err());
        }
    }

    #[test]
    fn a_signature_with_any_bit_bent_does_not_verify(bit in any::<proptest::sample::Index>(), which in 0..3_usize) {
        let spec = [KeyPairSpec::EccNistP256, KeyPairSpec::EccNistEdwards25519, KeyPairSpec::MlDsa44][which];
        let pair = pair(spec);
        let algorithm = spec.signing_algorithms().next().unwrap();
        let mut signature = pair.sign(algorithm, Message::Raw(b"m"), &SeededEntropy::new(1)).unwrap();
        let bit = bit.index(8 * signature.len());
        signature[bit / 8] ^= 1 << (bit % 8);
        let verdict = pair.public_key().verify(algorithm, Message::Raw(b"m"), &signature);
        prop_assert_eq!(verdict, Err(AsymmetricError::Signature));
    }

    #[test]
    fn under_a_bent_public_key_no_signature_verifies(at in any::<proptest::sample::Index>(), with in 1..=255_u8) {
        for spec in [KeyPairSpec::EccNistP384, KeyPairSpec::EccNistEdwards25519, KeyPairSpec::MlDsa65] {
            let (pair, algorithm) = (pair(spec), spec.signing_algorithms().next().unwrap());
            let signature = pair.sign(algorithm, Message::Raw(b"m"), &SeededEntropy::new(1)).unwrap();
            let mut spki = pair.public_key().spki().to_vec();
            let at = at.index(spki.len());
            spki[at] ^= with;
            let verdict = PublicKey::trusted(spec, spki).verify(algorithm, Message::Raw(b"m"), &signature);
            prop_assert!(matches!(verdict, Err(AsymmetricError::PublicKey | AsymmetricError::Signature)), "{:?}", verdict);
        }
    }

    #[test]
    fn a_bent_private_key_is_refused_or_is_a_key_in_the_one_form(at in any::<proptest::sample::Index>()) {
        for spec in [KeyPairSpec::EccNistP521, KeyPairSpec::EccSecgP256k1, KeyPairSpec::MlKem512] {
            let mut der = pair(spec).private_key().expose().to_vec();
            let at = at.index(der.len());
            der[at] ^= 0x01;
            if let Ok(other) = KeyPair::from_pkcs8(spec, &der) {
                let again = KeyPair::from_pkcs8(spec, other.private_key().expose()).unwrap();
                prop_assert_eq!(again.private_key().expose(), other.private_key().expose());
                prop_assert_eq!(again.public_key(), other.public_key());
            }
        }
    }
}
