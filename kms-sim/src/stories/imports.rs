//! Material from outside: wrapped, imported, expired, deleted, brought back, and rotated.

use aws_core::fault::ApiFault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use envelope::asymmetric::PublicKey;
use envelope::entropy::SeededEntropy;
use envelope::key_wrap::{self, WrappingAlgorithm};
use envelope::secret::Secret;
use expect_test::expect;
use serde_json::{Map, Value, json};

use super::check;
use super::stage::Stage;

const FOR_EVER: &[(&str, &str)] = &[("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE")];

/// What GetParametersForImport gave.
struct Parameters {
    token: Value,
    public_key: PublicKey,
    how: WrappingAlgorithm,
}

fn parameters(stage: &Stage, how: &str) -> Parameters {
    let request = json!({"KeyId": stage.named("key"), "WrappingAlgorithm": how, "WrappingKeySpec": "RSA_2048"});
    let answer = stage.call("get-parameters-for-import", &request).unwrap();
    let spki = STANDARD.decode(answer["PublicKey"].as_str().unwrap()).unwrap();
    let public_key = PublicKey::trusted("RSA_2048".parse().unwrap(), spki);
    Parameters { token: answer["ImportToken"].clone(), public_key, how: how.parse().unwrap() }
}

impl Parameters {
    /// Imports material of 32 equal bytes.
    fn import(&self, stage: &Stage, byte: u8, more: &[(&str, &str)]) -> Result<String, ApiFault> {
        self.import_bytes(stage, &[byte; 32], more)
    }

    fn import_bytes(&self, stage: &Stage, material: &[u8], more: &[(&str, &str)]) -> Result<String, ApiFault> {
        let entropy = SeededEntropy::new(5);
        let wrapped = key_wrap::wrap(&self.public_key, self.how, &Secret::copied(material), &entropy).unwrap();
        let mut request = Map::new();
        request.insert("KeyId".into(), stage.named("key").into());
        request.insert("ImportToken".into(), self.token.clone());
        request.insert("EncryptedKeyMaterial".into(), STANDARD.encode(wrapped).into());
        for (name, text) in more {
            request.insert((*name).into(), serde_json::from_str(text).unwrap_or_else(|_| (*text).into()));
        }
        let answer = stage.call("import-key-material", &Value::Object(request))?;
        Ok(answer["KeyMaterialId"].as_str().unwrap().to_owned())
    }
}

fn stage_with(story: &str) -> (Stage, Parameters) {
    let mut stage = Stage::new();
    stage.play(story);
    let parameters = parameters(&stage, "RSAES_OAEP_SHA_256");
    (stage, parameters)
}

fn refused(outcome: Result<String, ApiFault>) -> String {
    let fault = outcome.unwrap_err();
    format!("{}: {}", fault.code, fault.message.unwrap_or_default())
}

const HMAC_OF_M: &str = "VzlqWe2zXLeSbkUooP5z8dN2TA1jbA67RcWPvyHuBtk=";
const STATE: &str = "describe-key .KeyMetadata.KeyState";

#[test]
fn a_key_without_material_waits_for_it() {
    check(
        "create-key Origin=EXTERNAL .KeyMetadata.KeyState .KeyMetadata.Origin .KeyMetadata.CurrentKeyMaterialId .KeyMetadata.ExpirationModel",
        expect!["PendingImport EXTERNAL absent absent"],
    );
    check("create-key Origin=EXTERNAL; encrypt x", expect!["KMSInvalidStateException 400: KEY is pending import."]);
    check("create-key Origin=EXTERNAL; disable-key", expect!["KMSInvalidStateException 400: KEY is pending import."]);
    check("create-key Origin=EXTERNAL; create-alias alias/a; tag-resource Tags=[]", expect!["ok"]);
    check("create-key Origin=EXTERNAL; enable-key-rotation", expect!["UnsupportedOperationException 400"]);
    check("create-key Origin=EXTERNAL; delete-imported-key-material .KeyMaterialId", expect!["absent"]);
}

#[test]
fn the_same_bytes_have_the_same_name_and_open_old_blobs_again() {
    let (mut stage, parameters) = stage_with("create-key Origin=EXTERNAL");
    let id = parameters.import(&stage, 1, FOR_EVER).unwrap();
    assert_eq!(stage.play(STATE), "Enabled");
    assert_eq!(
        stage.play("describe-key .KeyMetadata.ExpirationModel .KeyMetadata.ValidTo"),
        "KEY_MATERIAL_DOES_NOT_EXPIRE absent"
    );
    stage.play("encrypt secret");
    assert_eq!(stage.play("delete-imported-key-material .KeyMaterialId"), id);
    assert_eq!(stage.play("restart; decrypt $last"), "KMSInvalidStateException 400: KEY is pending import.");
    assert_eq!(
        refused(parameters.import(&stage, 2, FOR_EVER)),
        format!("IncorrectKeyMaterialException: Imported key material does not have the expected identifier ({id}).")
    );
    assert_eq!(parameters.import(&stage, 1, FOR_EVER).unwrap(), id, "token and key serve again");
    assert_eq!(stage.play("restart; decrypt $last"), "secret");
}

#[test]
fn each_way_of_wrapping_that_fits_a_symmetric_key_works_and_the_others_are_refused() {
    for how in ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"] {
        let mut stage = Stage::new();
        stage.play("create-key Origin=EXTERNAL");
        parameters(&stage, how).import(&stage, 9, FOR_EVER).unwrap();
        assert_eq!(stage.play("encrypt x; decrypt $last"), "x", "{how}");
    }
    for (how, spec) in [("RSA_AES_KEY_WRAP_SHA_256", "RSA_2048"), ("RSAES_PKCS1_V1_5", "RSA_4096"), ("SM2PKE", "SM2")] {
        let story = format!(
            "create-key Origin=EXTERNAL; get-parameters-for-import WrappingAlgorithm={how} WrappingKeySpec={spec}"
        );
        let answer = Stage::new().play(&story);
        assert_eq!(
            answer,
            format!(
                "ValidationException 400: Wrapping algorithm {how} and wrapping key spec {spec} cannot be used to import a SYMMETRIC_DEFAULT key."
            )
        );
    }
    check(
        "create-key; get-parameters-for-import WrappingAlgorithm=RSAES_OAEP_SHA_256 WrappingKeySpec=RSA_2048",
        expect!["UnsupportedOperationException 400: KEY origin is AWS_KMS which is not valid for this operation."],
    );
}

#[test]
fn a_token_belongs_to_one_key_one_wrapping_key_and_one_day() {
    let (mut stage, first) = stage_with("create-key Origin=EXTERNAL");
    let second = parameters(&stage, "RSAES_OAEP_SHA_256");
    let mixed = Parameters { token: second.token.clone(), ..parameters(&stage, "RSAES_OAEP_SHA_256") };
    assert_eq!(refused(mixed.import(&stage, 1, FOR_EVER)), "InvalidCiphertextException: ");
    let forged = Parameters { token: STANDARD.encode([7; 900]).into(), ..parameters(&stage, "RSAES_OAEP_SHA_256") };
    assert!(refused(forged.import(&stage, 1, FOR_EVER)).starts_with("InvalidImportTokenException"));
    stage.play("create-key Origin=EXTERNAL");
    assert!(refused(first.import(&stage, 1, FOR_EVER)).starts_with("InvalidImportTokenException"));
    let here = parameters(&stage, "RSAES_OAEP_SHA_256");
    assert!(refused(here.import_bytes(&stage, &[1; 31], FOR_EVER)).starts_with("IncorrectKeyMaterialException"));
    stage.play("days 1");
    assert!(refused(here.import(&stage, 1, FOR_EVER)).starts_with("ExpiredImportTokenException"));
}

#[test]
fn whether_and_when_material_expires_must_be_said_consistently() {
    let (stage, parameters) = stage_with("create-key Origin=EXTERNAL");
    let says = |more: &[(&str, &str)]| refused(parameters.import(&stage, 1, more));
    assert_eq!(
        says(&[]),
        "ValidationException: A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"
    );
    assert_eq!(
        says(&[("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE"), ("ValidTo", "1800000000")]),
        "ValidationException: A validTo date cannot be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE"
    );
    assert_eq!(says(&[("ValidTo", "1768467600")]), "ValidationException: ValidTo must be in the future");
    for far in ["1800003601", "1e300"] {
        assert_eq!(says(&[("ValidTo", far)]), "ValidationException: ValidTo must be less than 365 days in the future");
    }
    assert!(parameters.import(&stage, 1, &[("ValidTo", "1800003600")]).is_ok());
}

#[test]
fn material_expires_on_the_simulated_clock_and_can_come_back() {
    let (mut stage, parameters) = stage_with("create-key Origin=EXTERNAL");
    // Ten days from the story's beginning.
    let id = parameters.import(&stage, 1, &[("ValidTo", "1769331600")]).unwrap();
    assert_eq!(
        stage.play("describe-key .KeyMetadata.ExpirationModel .KeyMetadata.ValidTo"),
        "KEY_MATERIAL_EXPIRES 1769331600.0"
    );
    stage.play("encrypt secret; days 9; tick; days 1");
    assert_eq!(stage.play("decrypt $last"), "KMSInvalidStateException 400: KEY is pending import.");
    let events = stage.service_events();
    assert_eq!((events.len(), &*events[0].name), (1, "DeleteExpiredKeyMaterial"));
    assert_eq!(events[0].details["keyMaterialId"], *id);
    assert_eq!(events[0].time.to_string(), "2026-01-25T09:00:00Z");
    let again = super::imports::parameters(&stage, "RSAES_OAEP_SHA_256");
    again.import(&stage, 1, FOR_EVER).unwrap();
    assert_eq!(stage.play("days 400; decrypt $last"), "secret");
}

#[test]
fn new_material_waits_until_it_is_rotated_to() {
    let (mut stage, parameters) = stage_with("create-key Origin=EXTERNAL");
    let first = parameters.import(&stage, 1, FOR_EVER).unwrap();
    stage.play("encrypt old");
    assert_eq!(
        stage.play("rotate-key-on-demand"),
        "KMSInvalidStateException 400: No available key material pending rotation for the key: KEY."
    );
    let new = &[FOR_EVER[0], ("ImportType", "NEW_KEY_MATERIAL"), ("KeyMaterialDescription", "spring")];
    let second = parameters.import(&stage, 2, new).unwrap();
    assert_ne!(second, first);
    let refusal = refused(parameters.import(&stage, 3, new));
    assert!(refusal.starts_with("KMSInvalidStateException: New key material (id: "), "{refusal}");
    assert!(
        refusal.ends_with(&format!("because another key material (id: {second}) is pending rotation.")),
        "{refusal}"
    );
    let refusal = refused(parameters.import(&stage, 1, new));
    assert!(refusal.starts_with("IncorrectKeyMaterialException: New key material"), "{refusal}");
    let list = "list-key-rotations IncludeKeyMaterial=ALL_KEY_MATERIAL .Rotations.0.KeyMaterialState .Rotations.1.KeyMaterialState .Rotations.1.KeyMaterialDescription .Rotations.1.RotationType .Rotations.1.ImportState";
    assert_eq!(stage.play(list), "CURRENT PENDING_ROTATION spring absent IMPORTED");
    assert_eq!(stage.play("encrypt x; decrypt $last .KeyMaterialId"), first);
    stage.play("rotate-key-on-demand; encrypt new");
    assert_eq!(stage.play("decrypt $last .KeyMaterialId"), second);
    assert_eq!(stage.play(list), "NON_CURRENT CURRENT spring ON_DEMAND IMPORTED");
    assert_eq!(stage.service_events()[0].details["keyOrigin"], "EXTERNAL");
    assert_eq!(stage.play("list-key-rotations .Rotations.0.KeyMaterialId .Rotations.1"), format!("{second} absent"));
}

#[test]
fn all_material_must_be_there_or_the_key_is_not() {
    let (mut stage, parameters) = stage_with("create-key Origin=EXTERNAL");
    let new = &[FOR_EVER[0], ("ImportType", "NEW_KEY_MATERIAL")];
    let first = parameters.import(&stage, 1, FOR_EVER).unwrap();
    stage.play("encrypt old");
    let second = parameters.import(&stage, 2, new).unwrap();
    // What waits for rotation is not part of the key yet.
    assert_eq!(stage.play(&format!("delete-imported-key-material KeyMaterialId={second}; {STATE}")), "Enabled");
    assert_eq!(stage.play("list-key-rotations IncludeKeyMaterial=ALL_KEY_MATERIAL .Rotations.1"), "absent");
    parameters.import(&stage, 2, new).unwrap();
    stage.play("rotate-key-on-demand; describe-key");
    assert_eq!(stage.play(&format!("delete-imported-key-material KeyMaterialId={first}; {STATE}")), "PendingImport");
    assert_eq!(stage.play("encrypt x"), "KMSInvalidStateException 400: KEY is pending import.");
    let named = |id: &str| parameters.import(&stage, 1, &[FOR_EVER[0], ("KeyMaterialId", id)]);
    assert!(refused(named(&second)).ends_with(&format!("expected identifier ({second}).")));
    assert_eq!(named(&first), Ok(first.clone()));
    assert_eq!(stage.play("decrypt $last"), "old");
    let unknown = "0".repeat(64);
    assert!(
        stage.play(&format!("delete-imported-key-material KeyMaterialId={unknown}")).starts_with("NotFoundException")
    );
}

#[test]
fn a_key_taken_back_from_deletion_without_its_material_waits_for_it() {
    let (mut stage, parameters) = stage_with("create-key Origin=EXTERNAL");
    parameters.import(&stage, 1, FOR_EVER).unwrap();
    let told = "schedule-key-deletion; delete-imported-key-material; describe-key .KeyMetadata.KeyState";
    assert_eq!(stage.play(told), "PendingDeletion");
    assert!(refused(parameters.import(&stage, 1, FOR_EVER)).ends_with("is pending deletion."));
    assert_eq!(stage.play(&format!("cancel-key-deletion; {STATE}")), "PendingImport");
    parameters.import(&stage, 1, FOR_EVER).unwrap();
    assert_eq!(stage.play(&format!("disable-key; {STATE}")), "Disabled");
    parameters.import(&stage, 1, FOR_EVER).unwrap();
    assert_eq!(stage.play(STATE), "Disabled", "an import does not enable what somebody disabled");
}

#[test]
fn each_region_imports_for_itself_and_none_rotates_before_all_have() {
    let (mut stage, here) = stage_with("create-key Origin=EXTERNAL MultiRegion=true");
    here.import(&stage, 1, FOR_EVER).unwrap();
    stage.play("encrypt old; replicate-key ReplicaRegion=eu-west-1; in eu-west-1");
    assert_eq!(stage.play(STATE), "PendingImport");
    let there = parameters(&stage, "RSAES_OAEP_SHA_256");
    let new = &[FOR_EVER[0], ("ImportType", "NEW_KEY_MATERIAL")];
    assert!(refused(there.import(&stage, 2, new)).ends_with("is not a multi-region primary key."));
    there.import(&stage, 1, FOR_EVER).unwrap();
    assert_eq!(stage.play("decrypt $last"), "old");
    stage.play("in us-east-1");
    here.import(&stage, 2, new).unwrap();
    let state = "list-key-rotations IncludeKeyMaterial=ALL_KEY_MATERIAL .Rotations.1.KeyMaterialState";
    assert_eq!(stage.play(state), "PENDING_MULTI_REGION_IMPORT_AND_ROTATION");
    assert!(stage.play("rotate-key-on-demand").starts_with("KMSInvalidStateException 400: No available key material"));
    stage.play("in eu-west-1");
    there.import(&stage, 2, FOR_EVER).unwrap();
    assert_eq!(stage.play(&format!("in us-east-1; {state}")), "PENDING_ROTATION");
    stage.play("rotate-key-on-demand; encrypt new; in eu-west-1");
    assert_eq!(stage.play("restart; decrypt $last"), "new");
    stage.play("delete-imported-key-material; in us-east-1");
    assert_eq!(stage.play("decrypt $last"), "new", "what one region deletes the other keeps");
    assert!(stage.play("in eu-west-1; decrypt $last").ends_with("is pending import."));
}

#[test]
fn the_ledger_sees_imported_material_come_and_go() {
    let (mut stage, parameters) = stage_with("create-key Origin=EXTERNAL");
    let places = |stage: &Stage| {
        let mut ledger = aws_core::ledger::Ledger::default();
        stage.sink.events().iter().for_each(|event| ledger.apply(event));
        ledger.subjects().get(&format!("kms/{}", stage.named("key"))).map_or(0, |places| places.len())
    };
    assert_eq!(places(&stage), 0);
    parameters.import(&stage, 1, FOR_EVER).unwrap();
    assert_eq!(places(&stage), 2, "in the HSM, and wrapped in the store");
    stage.play("delete-imported-key-material");
    assert_eq!(places(&stage), 0);
}

#[test]
fn the_trail_shows_terms_and_names_and_neither_token_nor_material() {
    let (stage, parameters) = stage_with("create-key Origin=EXTERNAL");
    parameters.import(&stage, 1, &[("ValidTo", "1769331600"), ("KeyMaterialDescription", "winter")]).unwrap();
    let calls = stage.calls();
    let (asked, imported) = (&calls[1], &calls[2]);
    assert!(asked.read_only && asked.response_elements.is_none());
    let shown = imported.request_parameters.as_ref().unwrap();
    assert_eq!(shown["validTo"], "Jan 25, 2026, 9:00:00 AM");
    assert_eq!(shown["keyMaterialDescription"], "winter");
    assert!(shown.get("importToken").is_none() && shown.get("encryptedKeyMaterial").is_none());
    assert_eq!(imported.response_elements.as_ref().unwrap()["keyMaterialId"].as_str().unwrap().len(), 64);
}

#[test]
fn macs_and_key_pairs_can_be_brought_along_too() {
    use envelope::asymmetric::{KeyPair, KeyPairSpec};
    let mut stage = Stage::new();
    stage.play("create-key Origin=EXTERNAL KeySpec=HMAC_256 KeyUsage=GENERATE_VERIFY_MAC");
    let given = parameters(&stage, "RSAES_OAEP_SHA_256");
    assert!(refused(given.import_bytes(&stage, &[1; 31], FOR_EVER)).starts_with("IncorrectKeyMaterialException"));
    given.import_bytes(&stage, &[1; 32], FOR_EVER).unwrap();
    let mac = json!({"KeyId": stage.named("key"), "Message": STANDARD.encode("m"), "MacAlgorithm": "HMAC_SHA_256"});
    let made = stage.call("generate-mac", &mac).unwrap();
    // HMAC-SHA-256 of "m" under thirty-two bytes 01, by Python's hmac module.
    assert_eq!(made["Mac"], HMAC_OF_M);

    stage.play("create-key Origin=EXTERNAL KeySpec=ECC_NIST_P256 KeyUsage=SIGN_VERIFY");
    let pair = KeyPair::generate(KeyPairSpec::EccNistP256, &SeededEntropy::new(1)).unwrap();
    let given = parameters(&stage, "RSA_AES_KEY_WRAP_SHA_256");
    given.import_bytes(&stage, pair.private_key().expose(), FOR_EVER).unwrap();
    let public = stage.call("get-public-key", &json!({"KeyId": stage.named("key")})).unwrap();
    assert_eq!(public["PublicKey"], STANDARD.encode(pair.public_key().spki()));
    let other = KeyPair::generate(KeyPairSpec::EccNistP256, &SeededEntropy::new(2)).unwrap();
    let outcome = given.import_bytes(&stage, other.private_key().expose(), FOR_EVER);
    assert!(refused(outcome).starts_with("IncorrectKeyMaterialException"), "a key pair is one for life");
    let new = &[FOR_EVER[0], ("ImportType", "EXISTING_KEY_MATERIAL")];
    assert!(refused(given.import_bytes(&stage, pair.private_key().expose(), new)).starts_with("ValidationException"));
    check(
        "create-key Origin=EXTERNAL KeySpec=RSA_2048 KeyUsage=SIGN_VERIFY; get-parameters-for-import WrappingAlgorithm=RSAES_OAEP_SHA_256 WrappingKeySpec=RSA_4096",
        expect![
            "ValidationException 400: Wrapping algorithm RSAES_OAEP_SHA_256 and wrapping key spec RSA_4096 cannot be used to import a RSA_2048 key."
        ],
    );
}

#[test]
fn the_terms_of_an_import_can_decide() {
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"kms:GetParametersForImport","Resource":"*","Condition":{"StringNotEquals":{"kms:WrappingAlgorithm":"RSAES_OAEP_SHA_256"}}},{"Effect":"Deny","Principal":"*","Action":"kms:ImportKeyMaterial","Resource":"*","Condition":{"StringNotEquals":{"kms:ExpirationModel":"KEY_MATERIAL_EXPIRES"}}},{"Effect":"Deny","Principal":"*","Action":"kms:ImportKeyMaterial","Resource":"*","Condition":{"DateGreaterThan":{"kms:ValidTo":"2026-02-01T00:00:00Z"}}}]}"#;
    let policy = serde_json::to_string(policy).unwrap();
    let (stage, given) = stage_with(&format!("create-key Origin=EXTERNAL Policy={policy}; as alice"));
    let import = |more: &[(&str, &str)]| given.import(&stage, 1, more);
    assert!(refused(import(FOR_EVER)).ends_with("with an explicit deny in a resource-based policy"));
    assert!(
        refused(import(&[("ValidTo", "1775000000")])).ends_with("with an explicit deny in a resource-based policy")
    );
    assert!(import(&[("ValidTo", "1769331600")]).is_ok());
    let other =
        json!({"KeyId": stage.named("key"), "WrappingAlgorithm": "RSAES_OAEP_SHA_1", "WrappingKeySpec": "RSA_2048"});
    let fault = stage.call("get-parameters-for-import", &other).unwrap_err();
    assert_eq!(fault.code, "AccessDeniedException");
}
