//! Custom key stores over a CloudHSM cluster: connected, disconnected, starved, emptied, deleted.

use expect_test::expect;
use serde_json::json;

use super::check;
use super::stage::Stage;
use crate::keepers::{ClusterChange, HsmRefusal};

const CREATE: &str = "create-custom-key-store CustomKeyStoreName=safe CloudHsmClusterId=cluster-abcdefghijk TrustAnchorCertificate=anchor KeyStorePassword=opensesame";
const KEY: &str = "connect-custom-key-store; create-key Origin=AWS_CLOUDHSM CustomKeyStoreId=$store";

#[test]
fn a_key_lives_in_the_cluster_and_shows_where() {
    check(
        &format!(
            "{CREATE}; {KEY} .KeyMetadata.Origin .KeyMetadata.CloudHsmClusterId .KeyMetadata.KeyState .KeyMetadata.CurrentKeyMaterialId"
        ),
        expect!["AWS_CLOUDHSM cluster-abcdefghijk Enabled absent"],
    );
    check(&format!("{CREATE}; {KEY}; encrypt x; restart; decrypt $last"), expect!["x"]);
    check(&format!("{CREATE}; {KEY}; encrypt x; tamper 1; tamper 2; tamper 3; decrypt $last"), expect!["x"]);
}

#[test]
fn connecting_is_done_by_the_next_look() {
    check(&format!("{CREATE}; describe-custom-key-stores .CustomKeyStores.0.ConnectionState"), expect!["DISCONNECTED"]);
    check(
        &format!("{CREATE}; connect-custom-key-store; describe-custom-key-stores .CustomKeyStores.0.ConnectionState"),
        expect!["CONNECTED"],
    );
    check(
        &format!("{CREATE}; create-key Origin=AWS_CLOUDHSM CustomKeyStoreId=$store"),
        expect![
            "CustomKeyStoreInvalidStateException 400: The custom key store is not connected to its CloudHSM cluster."
        ],
    );
    check(
        &format!("{CREATE}; disconnect-custom-key-store"),
        expect!["CustomKeyStoreInvalidStateException 400: The custom key store is already disconnected."],
    );
}

#[test]
fn disconnected_its_keys_are_unavailable_and_keep_their_own_state_beneath() {
    let cut = format!("{CREATE}; {KEY}; encrypt x; disconnect-custom-key-store");
    check(&format!("{cut}; decrypt $last"), expect!["KMSInvalidStateException 400: KEY is unavailable."]);
    check(
        &format!("{cut}; restart; describe-key .KeyMetadata.KeyState .KeyMetadata.Enabled"),
        expect!["Unavailable false"],
    );
    check(&format!("{cut}; connect-custom-key-store; decrypt $last"), expect!["x"]);
    check(
        &format!("{cut}; disable-key; connect-custom-key-store; describe-key .KeyMetadata.KeyState"),
        expect!["Disabled"],
    );
    check(&format!("{cut}; schedule-key-deletion; describe-key .KeyMetadata.KeyState"), expect!["PendingDeletion"]);
    check(
        &format!("{cut}; create-grant GranteePrincipal=arn:aws:iam::111122223333:user/bob Operations=[\"Decrypt\"]"),
        expect!["ok"],
    );
}

#[test]
fn a_store_goes_only_when_it_is_empty_and_disconnected() {
    check(
        &format!("{CREATE}; {KEY}; disconnect-custom-key-store; delete-custom-key-store"),
        expect![
            "CustomKeyStoreHasCMKsException 400: The custom key store contains KMS keys. Delete them, and try the request again."
        ],
    );
    check(
        &format!("{CREATE}; connect-custom-key-store; delete-custom-key-store"),
        expect![
            "CustomKeyStoreInvalidStateException 400: The custom key store must be disconnected before it can be deleted."
        ],
    );
    check(
        &format!(
            "{CREATE}; {KEY}; schedule-key-deletion PendingWindowInDays=7; disconnect-custom-key-store; days 7; delete-custom-key-store; describe-custom-key-stores .CustomKeyStores"
        ),
        expect!["[]"],
    );
    check(
        "describe-custom-key-stores CustomKeyStoreId=cks-none",
        expect!["CustomKeyStoreNotFoundException 400: Custom key store cks-none is not found."],
    );
}

#[test]
fn names_clusters_and_certificates_are_held_against_each_other() {
    check(
        &format!("{CREATE}; {CREATE}"),
        expect!["CustomKeyStoreNameInUseException 400: A custom key store named safe exists."],
    );
    let other = CREATE.replace("=safe", "=other");
    check(
        &format!("{CREATE}; {other}"),
        expect![
            "CloudHsmClusterInUseException 400: The cluster cluster-abcdefghijk is already associated with a custom key store."
        ],
    );
    let forged = other.replace("=anchor", "=forged");
    check(
        &format!("{CREATE}; delete-custom-key-store; {forged}"),
        expect!["IncorrectTrustAnchorException 400: The trust anchor certificate is not that of the CloudHSM cluster."],
    );
}

#[test]
fn such_keys_are_symmetric_of_one_region_and_do_not_rotate() {
    let connected = format!("{CREATE}; connect-custom-key-store");
    let refused = "UnsupportedOperationException 400: Only symmetric encryption keys of a single Region can be created in a custom key store.";
    for kind in ["MultiRegion=true", "KeySpec=HMAC_256 KeyUsage=GENERATE_VERIFY_MAC"] {
        let story = format!("{connected}; create-key Origin=AWS_CLOUDHSM CustomKeyStoreId=$store {kind}");
        assert_eq!(Stage::new().play(&story), refused);
    }
    check(&format!("{CREATE}; {KEY}; enable-key-rotation"), expect!["UnsupportedOperationException 400"]);
    check(&format!("{CREATE}; {KEY}; rotate-key-on-demand"), expect!["UnsupportedOperationException 400"]);
    check(
        &format!("{CREATE}; {KEY}; generate-data-key-pair KeyPairSpec=ECC_NIST_P256"),
        expect!["UnsupportedOperationException 400"],
    );
    check(
        "create-key Origin=AWS_CLOUDHSM",
        expect!["ValidationException 400: CustomKeyStoreId is required when the Origin is AWS_CLOUDHSM."],
    );
}

#[test]
fn randomness_comes_from_a_connected_cluster_too() {
    let random = "generate-random NumberOfBytes=8 CustomKeyStoreId=$store";
    check(&format!("{CREATE}; connect-custom-key-store; {random}"), expect!["(bytes)"]);
    check(
        &format!("{CREATE}; {random}"),
        expect![
            "CustomKeyStoreInvalidStateException 400: The custom key store is not connected to its CloudHSM cluster."
        ],
    );
}

#[test]
fn a_starved_cluster_serves_nobody_until_it_is_fed() {
    let mut stage = Stage::new();
    stage.play(&format!("{CREATE}; {KEY}; encrypt x"));
    let cluster = "111122223333/us-east-1/cluster-abcdefghijk";
    let hsms = |stage: &Stage, hsms: u32| {
        let change = ClusterChange { hsms: Some(hsms), kmsuser_password: None };
        stage.block_on(stage.kms.hsm_cluster(cluster, change)).unwrap();
    };
    hsms(&stage, 0);
    expect!["KMSInvalidStateException 400: The CloudHSM cluster of the custom key store has no active HSM."]
        .assert_eq(&stage.play("decrypt $last"));
    let failed = "disconnect-custom-key-store; connect-custom-key-store; describe-custom-key-stores .CustomKeyStores.0.ConnectionState .CustomKeyStores.0.ConnectionErrorCode";
    expect!["FAILED INSUFFICIENT_CLOUDHSM_HSMS"].assert_eq(&stage.play(failed));
    hsms(&stage, 1);
    expect!["x"].assert_eq(&stage.play("disconnect-custom-key-store; connect-custom-key-store; decrypt $last"));
    expect!["CloudHsmClusterInvalidConfigurationException 400: The CloudHSM cluster must have at least two active HSMs, each in a different Availability Zone."]
        .assert_eq(&stage.play("create-key Origin=AWS_CLOUDHSM CustomKeyStoreId=$store"));
    let nowhere = stage.block_on(stage.kms.hsm_cluster("elsewhere", ClusterChange::default()));
    assert!(matches!(nowhere, Err(HsmRefusal::NoSuchCluster(_))));
}

#[test]
fn kms_must_know_the_password_of_its_user() {
    let mut stage = Stage::new();
    stage.play(CREATE);
    let cluster = "111122223333/us-east-1/cluster-abcdefghijk";
    let change = ClusterChange { hsms: None, kmsuser_password: Some("changed1".into()) };
    stage.block_on(stage.kms.hsm_cluster(cluster, change)).unwrap();
    let state = "connect-custom-key-store; describe-custom-key-stores .CustomKeyStores.0.ConnectionState .CustomKeyStores.0.ConnectionErrorCode";
    expect!["FAILED INVALID_CREDENTIALS"].assert_eq(&stage.play(state));
    expect!["CONNECTED absent"].assert_eq(
        &stage
            .play(&format!("disconnect-custom-key-store; update-custom-key-store KeyStorePassword=changed1; {state}")),
    );
    let told = stage.calls().iter().map(|call| json!(call.request_parameters).to_string()).collect::<String>();
    assert!(!told.contains("changed1") && !told.contains("opensesame"), "{told}");
}
