//! Related multi-Region keys: what they share, what is each region's own, who leads, and who goes first.

use expect_test::expect;

use super::check;
use super::stage::Stage;

const PAIR: &str = "create-key MultiRegion=true; replicate-key ReplicaRegion=eu-west-1";

fn pair(rest: &str) -> String {
    format!("{PAIR}; {rest}")
}

#[test]
fn an_id_tells_that_a_key_is_one_of_several() {
    let mut stage = Stage::new();
    stage.play("create-key MultiRegion=true");
    let id = stage.named("key").to_owned();
    let (prefix, hex) = id.split_at(4);
    assert_eq!((prefix, hex.len()), ("mrk-", 32));
    assert!(hex.bytes().all(|b| b.is_ascii_hexdigit()));
    check(
        "create-key MultiRegion=true .KeyMetadata.MultiRegion .KeyMetadata.MultiRegionConfiguration",
        expect![[
            r#"true {"MultiRegionKeyType":"PRIMARY","PrimaryKey":{"Arn":"KEY","Region":"us-east-1"},"ReplicaKeys":[]}"#
        ]],
    );
    check("create-key .KeyMetadata.MultiRegion .KeyMetadata.MultiRegionConfiguration", expect!["false absent"]);
}

#[test]
fn a_replica_is_born_creating_and_found_ready() {
    check(
        "create-key MultiRegion=true Description=lead; replicate-key ReplicaRegion=eu-west-1 .ReplicaKeyMetadata.KeyState .ReplicaKeyMetadata.Description .ReplicaTags .ReplicaKeyMetadata.Arn",
        expect!["Creating  [] arn:aws:kms:eu-west-1:111122223333:key/KEY"],
    );
    check(
        &pair("in eu-west-1; describe-key .KeyMetadata.KeyState .KeyMetadata.MultiRegionConfiguration"),
        expect![[
            r#"Enabled {"MultiRegionKeyType":"REPLICA","PrimaryKey":{"Arn":"KEY","Region":"us-east-1"},"ReplicaKeys":[{"Arn":"arn:aws:kms:eu-west-1:111122223333:key/KEY","Region":"eu-west-1"}]}"#
        ]],
    );
}

#[test]
fn what_one_region_encrypts_the_other_opens_by_its_own_key() {
    let told = pair("encrypt x a:b; in eu-west-1");
    check(&format!("{told}; decrypt $last a:b"), expect!["x"]);
    check(
        &format!("{told}; decrypt $last a:b KeyId=$key .KeyId"),
        expect!["arn:aws:kms:eu-west-1:111122223333:key/KEY"],
    );
    check(
        &format!("{told}; decrypt $last a:b KeyId=arn:aws:kms:us-east-1:111122223333:key/$key"),
        expect![
            "IncorrectKeyException 400: The key ID in the request does not identify a CMK that can perform this operation."
        ],
    );
    check(&format!("{told}; disable-key; in us-east-1; decrypt $last a:b"), expect!["x"]);
    check(
        "create-key; encrypt x; in eu-west-1; decrypt $last",
        expect![
            "AccessDeniedException 400: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
        ],
    );
}

#[test]
fn policy_tags_alias_and_state_are_each_region_s_own() {
    check(
        r#"create-key MultiRegion=true Description=lead Tags=[{"TagKey":"a","TagValue":"1"}]; create-alias alias/a; replicate-key ReplicaRegion=eu-west-1 Tags=[{"TagKey":"b","TagValue":"2"}]; in eu-west-1; list-resource-tags .Tags"#,
        expect![[r#"[{"TagKey":"b","TagValue":"2"}]"#]],
    );
    check(
        &pair("create-alias alias/a; in eu-west-1; describe-key alias/a"),
        expect!["NotFoundException 400: Alias arn:aws:kms:eu-west-1:111122223333:alias/a is not found."],
    );
    check(&pair("disable-key; in eu-west-1; describe-key .KeyMetadata.KeyState"), expect!["Enabled"]);
}

#[test]
fn only_a_primary_key_is_replicated_and_once_per_region() {
    check(
        "create-key; replicate-key ReplicaRegion=eu-west-1",
        expect!["UnsupportedOperationException 400: KEY is not a multi-region primary key."],
    );
    check(
        &pair("in eu-west-1; replicate-key ReplicaRegion=eu-west-2"),
        expect![
            "UnsupportedOperationException 400: arn:aws:kms:eu-west-1:111122223333:key/KEY is not a multi-region primary key."
        ],
    );
    check(
        &pair("replicate-key ReplicaRegion=eu-west-1"),
        expect![
            "AlreadyExistsException 400: A key with the ARN arn:aws:kms:eu-west-1:111122223333:key/KEY already exists"
        ],
    );
    check(
        "create-key MultiRegion=true; disable-key; replicate-key ReplicaRegion=eu-west-1",
        expect!["DisabledException 400: KEY is disabled."],
    );
    check(
        "create-key MultiRegion=true; replicate-key ReplicaRegion=nowhere",
        expect![[
            r#"ValidationException 400: 1 validation error detected: Value 'nowhere' at 'replicaRegion' failed to satisfy constraint: Member must satisfy regular expression pattern: ^([a-z]+-){2,3}\d+$"#
        ]],
    );
}

#[test]
fn rotation_is_shared_and_decided_upon_at_the_primary() {
    let material = ".KeyMetadata.CurrentKeyMaterialId";
    let mut stage = Stage::new();
    stage.play(&pair("encrypt old; enable-key-rotation"));
    let before = stage.play(&format!("describe-key {material}"));
    assert_eq!(
        stage.play("in eu-west-1; get-key-rotation-status .KeyRotationEnabled .RotationPeriodInDays"),
        "true 365"
    );
    stage.play("days 366");
    let there = stage.play(&format!("describe-key {material}"));
    assert_eq!(stage.play("decrypt $last"), "old");
    stage.play("encrypt new");
    assert_eq!(stage.play("in us-east-1; decrypt $last"), "new");
    assert_eq!(stage.play(&format!("describe-key {material}")), there);
    assert_ne!(there, before);
    let names: Vec<String> = stage.service_events().into_iter().map(|event| event.name).collect();
    assert_eq!(names, ["SynchronizeMultiRegionKey", "RotateKey", "SynchronizeMultiRegionKey"]);
    for verb in ["enable-key-rotation", "disable-key-rotation", "rotate-key-on-demand"] {
        let refused = stage.play(&format!("in eu-west-1; {verb}"));
        assert!(refused.ends_with("is not a multi-region primary key."), "{verb}: {refused}");
    }
}

#[test]
fn another_region_can_lead() {
    let told = pair("update-primary-region PrimaryRegion=eu-west-1");
    check(
        &format!("{told}; describe-key .KeyMetadata.KeyState .KeyMetadata.MultiRegionConfiguration.MultiRegionKeyType"),
        expect!["Enabled REPLICA"],
    );
    check(&format!("{told}; in eu-west-1; rotate-key-on-demand; encrypt x; in us-east-1; decrypt $last"), expect!["x"]);
    check(
        &format!("{told}; rotate-key-on-demand"),
        expect!["UnsupportedOperationException 400: KEY is not a multi-region primary key."],
    );
    check(
        &format!(
            "{told}; restart; in eu-west-1; describe-key .KeyMetadata.MultiRegionConfiguration.MultiRegionKeyType"
        ),
        expect!["PRIMARY"],
    );
    check(
        &pair("update-primary-region PrimaryRegion=eu-west-2"),
        expect!["NotFoundException 400: Key 'arn:aws:kms:eu-west-2:111122223333:key/KEY' does not exist"],
    );
}

#[test]
fn each_region_keeps_a_record_of_what_happened_there() {
    let mut stage = Stage::new();
    stage.play(&pair("update-primary-region PrimaryRegion=eu-west-1"));
    let told: Vec<String> = stage.calls().iter().map(|call| format!("{} {}", call.context.region, call.name)).collect();
    assert_eq!(
        told,
        [
            "us-east-1 CreateKey",
            "eu-west-1 CreateKey",
            "us-east-1 ReplicateKey",
            "eu-west-1 UpdatePrimaryRegion",
            "us-east-1 UpdatePrimaryRegion",
        ]
    );
}

#[test]
fn a_primary_key_goes_last() {
    check(
        &pair("schedule-key-deletion PendingWindowInDays=7 .KeyState .DeletionDate .PendingWindowInDays"),
        expect!["PendingReplicaDeletion absent 7"],
    );
    let waiting = pair("encrypt x; schedule-key-deletion PendingWindowInDays=7");
    check(
        &format!("{waiting}; decrypt $last"),
        expect!["KMSInvalidStateException 400: KEY is pending replica deletion."],
    );
    check(
        &format!("{waiting}; describe-key .KeyMetadata.PendingDeletionWindowInDays .KeyMetadata.DeletionDate"),
        expect!["7 absent"],
    );
    check(&format!("{waiting}; cancel-key-deletion; describe-key .KeyMetadata.KeyState"), expect!["Disabled"]);
    let both = format!("{waiting}; in eu-west-1; schedule-key-deletion PendingWindowInDays=10; in us-east-1");
    check(&format!("{both}; days 9; describe-key .KeyMetadata.KeyState"), expect!["PendingReplicaDeletion"]);
    check(
        &format!("{both}; days 11; restart; describe-key .KeyMetadata.KeyState .KeyMetadata.DeletionDate"),
        expect!["PendingDeletion 1769936400.0"],
    );
    check(&format!("{both}; days 18; describe-key"), expect!["NotFoundException 400: Key 'KEY' does not exist"]);
}

#[test]
fn the_last_replica_gone_the_material_is_still_in_the_hsm() {
    let mut stage = Stage::new();
    stage.play(&pair(
        "encrypt x; in eu-west-1; schedule-key-deletion PendingWindowInDays=7; days 8; tick; in us-east-1",
    ));
    assert_eq!(stage.play("decrypt $last"), "x");
    assert_eq!(stage.play("describe-key .KeyMetadata.MultiRegionConfiguration.ReplicaKeys"), "[]");
}

#[test]
fn replicating_needs_a_permission_on_each_side() {
    check(
        "create-key MultiRegion=true; as carol; replicate-key ReplicaRegion=eu-west-1",
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/carol is not authorized to perform: kms:ReplicateKey on resource: KEY because no identity-based policy allows the kms:ReplicateKey action"
        ],
    );
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"kms:ReplicateKey","Resource":"*","Condition":{"StringEquals":{"kms:ReplicaRegion":"eu-west-1","kms:MultiRegionKeyType":"PRIMARY","kms:KeyOrigin":"AWS_KMS"}}}]}"#;
    let create = format!("create-key MultiRegion=true Policy={}; as bob", serde_json::to_string(policy).unwrap());
    check(
        &format!("{create}; replicate-key ReplicaRegion=eu-west-1"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: kms:CreateKey on resource: * because no identity-based policy allows the kms:CreateKey action"
        ],
    );
    check(
        &format!("{create}; replicate-key ReplicaRegion=eu-west-2"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: kms:ReplicateKey on resource: KEY because no identity-based policy allows the kms:ReplicateKey action"
        ],
    );
}
