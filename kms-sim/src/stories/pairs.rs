//! Keys that are not symmetric encryption keys: what they do, what they refuse, and what is told of it.

use expect_test::expect;
use serde_json::json;

use super::check;
use super::stage::{Stage, base64, context};
use crate::operation::{decode, perform_detached};

const SIGNER: &str = "create-key KeySpec=ECC_NIST_P256 KeyUsage=SIGN_VERIFY";
const SIGN: &str = "sign Message=eA== SigningAlgorithm=ECDSA_SHA_256";
const MAC_KEY: &str = "create-key KeySpec=HMAC_256 KeyUsage=GENERATE_VERIFY_MAC";
const MAC: &str = "generate-mac Message=eA== MacAlgorithm=HMAC_SHA_256";

#[test]
fn a_signature_is_good_for_its_message_alone() {
    let mut stage = Stage::new();
    stage.play(SIGNER);
    let signed = |message: &[u8]| json!({"KeyId": stage.named("key"), "SigningAlgorithm": "ECDSA_SHA_256", "Message": base64(message)});
    let signature = stage.call("sign", &signed(b"x")).unwrap()["Signature"].clone();
    let verify = |message: &[u8]| {
        let mut request = signed(message);
        request["Signature"] = signature.clone();
        stage.call("verify", &request).map(|answer| answer["SignatureValid"] == json!(true)).map_err(|fault| fault.code)
    };
    assert_eq!(verify(b"x"), Ok(true));
    assert_eq!(verify(b"y"), Err("KMSInvalidSignatureException".into()));
}

#[test]
fn usage_comes_before_state_and_state_before_algorithm() {
    let then = |steps: &str| format!("{SIGNER}; disable-key; {steps}");
    check(
        &then("encrypt x"),
        expect!["InvalidKeyUsageException 400: KEY key usage is SIGN_VERIFY which is not valid for Encrypt."],
    );
    check(
        &then("sign Message=eA== SigningAlgorithm=RSASSA_PSS_SHA_256"),
        expect!["DisabledException 400: KEY is disabled."],
    );
    check(
        &then("enable-key; sign Message=eA== SigningAlgorithm=RSASSA_PSS_SHA_256"),
        expect![
            "InvalidKeyUsageException 400: Algorithm RSASSA_PSS_SHA_256 is incompatible with key spec ECC_NIST_P256."
        ],
    );
    check(
        &then("enable-key; sign Message=eA== MessageType=DIGEST SigningAlgorithm=ECDSA_SHA_256 DryRun=true"),
        expect!["ValidationException 400: Digest is invalid length for algorithm ECDSA_SHA_256."],
    );
    check(
        &then(&format!("enable-key; {SIGN} DryRun=true")),
        expect!["DryRunOperationException 400: The request would have succeeded, but the DryRun option is set."],
    );
}

#[test]
fn a_disabled_key_still_shows_its_public_half_and_one_about_to_end_does_not() {
    check(
        &format!("{SIGNER}; disable-key; get-public-key .KeyUsage .SigningAlgorithms"),
        expect![r#"SIGN_VERIFY ["ECDSA_SHA_256"]"#],
    );
    check(
        &format!("{SIGNER}; schedule-key-deletion; get-public-key"),
        expect!["KMSInvalidStateException 400: KEY is pending deletion."],
    );
    check("create-key; get-public-key", expect!["UnsupportedOperationException 400"]);
}

#[test]
fn a_grant_allows_what_its_key_can_do() {
    let grant = |operations: &str| {
        format!("create-grant GranteePrincipal=arn:aws:iam::111122223333:user/bob Operations={operations}")
    };
    check(&format!("{SIGNER}; {}; as bob; {SIGN} .SigningAlgorithm", grant(r#"["Sign"]"#)), expect!["ECDSA_SHA_256"]);
    check(
        &format!("{SIGNER}; {}", grant(r#"["Sign","GenerateMac"]"#)),
        expect![
            "ValidationException 400: Operations [GenerateMac] are not supported when creating a grant for an asymmetric KMS key with key usage SIGN_VERIFY. Valid operations are [Sign, Verify, GetPublicKey, CreateGrant, RetireGrant, DescribeKey]"
        ],
    );
    check(
        &format!("create-key KeySpec=ML_KEM_512 KeyUsage=ENCAPSULATE_DECAPSULATE; {}", grant(r#"["Sign"]"#)),
        expect![
            "ValidationException 400: Operations [Sign] are not supported when creating a grant for an asymmetric KMS key with key usage ENCAPSULATE_DECAPSULATE. Valid operations are [GetPublicKey, CreateGrant, RetireGrant, DescribeKey, Encapsulate, Decapsulate]"
        ],
    );
}

#[test]
fn only_symmetric_encryption_keys_rotate() {
    for verb in ["enable-key-rotation", "rotate-key-on-demand", "list-key-rotations"] {
        check(&format!("{MAC_KEY}; {verb}"), expect!["UnsupportedOperationException 400"]);
    }
    check(&format!("{MAC_KEY}; disable-key-rotation; get-key-rotation-status .KeyRotationEnabled"), expect!["false"]);
}

#[test]
fn without_an_hsm_no_key_does_anything() {
    let wiped = "tamper 1; tamper 2; tamper 3";
    for then in [SIGN, "verify Message=eA== Signature=eA== SigningAlgorithm=ECDSA_SHA_256"] {
        check(
            &format!("{SIGNER}; {wiped}; {then}"),
            expect![
                "KeyUnavailableException 500: The request was rejected because the specified KMS key was not available. You can retry the request."
            ],
        );
    }
    check(&format!("{SIGNER}; {wiped}; bring-backup; {SIGN} .SigningAlgorithm"), expect!["ECDSA_SHA_256"]);
}

#[test]
fn an_alias_stays_with_its_kind_of_key() {
    check(
        &format!("create-key; create-alias alias/a; {MAC_KEY}; update-alias alias/a"),
        expect![
            "ValidationException 400: Alias arn:aws:kms:us-east-1:111122223333:alias/a cannot be changed: the current and the new KMS key must be of the same type and the same key usage."
        ],
    );
}

#[test]
fn a_mac_key_makes_the_same_macs_after_a_restart_and_in_another_region() {
    let mut stage = Stage::new();
    let mac = stage.play(&format!("{MAC_KEY} MultiRegion=true; {MAC} .Mac"));
    assert_eq!(stage.play(&format!("restart; {MAC} .Mac")), mac);
    assert_eq!(stage.play("replicate-key ReplicaRegion=eu-west-1 .ReplicaKeyMetadata.KeySpec"), "HMAC_256");
    assert_eq!(stage.play(&format!("in eu-west-1; {MAC} .Mac")), mac);
}

#[test]
fn the_trail_shows_which_algorithm_and_no_generation_of_material() {
    let mut stage = Stage::new();
    stage.play(&format!("{SIGNER}; {SIGN}; create-key; generate-data-key-pair KeyPairSpec=ECC_NIST_P256 a:b"));
    let calls = stage.calls();
    let (born, signed, paired) = (&calls[0], &calls[1], &calls[3]);
    let asked = born.request_parameters.as_ref().unwrap();
    assert_eq!([&asked["keySpec"], &asked["customerMasterKeySpec"]], ["ECC_NIST_P256"; 2]);
    assert_eq!(
        signed.request_parameters,
        Some(json!({"keyId": stage.named("was-key"), "messageType": "RAW", "signingAlgorithm": "ECDSA_SHA_256"}))
    );
    assert_eq!((&signed.response_elements, &signed.additional_event_data, signed.read_only), (&None, &None, true));
    assert_eq!(paired.request_parameters.as_ref().unwrap()["keyPairSpec"], "ECC_NIST_P256");
    assert!(paired.additional_event_data.is_some(), "a blob was sealed, by one generation");
}

#[test]
fn a_long_key_in_the_making_keeps_nobody_waiting() {
    let stage = Stage::new();
    let (kms, root) = (stage.kms.clone(), context("root"));
    stage.block_on(async {
        let body = br#"{"KeySpec":"RSA_4096","KeyUsage":"SIGN_VERIFY"}"#;
        let request = decode::<crate::authorize::action::CreateKey>(body);
        let making = tokio::spawn(perform_detached(kms, root, request));
        // On this one thread, whatever the making blocked would be done before the last of these.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert!(!making.is_finished());
        assert!(making.await.unwrap().is_ok());
    });
}
