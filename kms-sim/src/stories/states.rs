//! Disabled, pending, gone: what each state forbids, and the way back.

use expect_test::expect;

use super::check;

#[test]
fn a_disabled_key_serves_nobody_until_it_is_enabled() {
    check("create-key; encrypt x; disable-key; decrypt $last", expect!["DisabledException 400: KEY is disabled."]);
    check(
        "create-key; disable-key; generate-data-key KeySpec=AES_256",
        expect!["DisabledException 400: KEY is disabled."],
    );
    check("create-key; encrypt x; disable-key; enable-key; decrypt $last", expect!["x"]);
    check(
        "create-key; disable-key; describe-key .KeyMetadata.KeyState .KeyMetadata.Enabled",
        expect!["Disabled false"],
    );
}

#[test]
fn a_pending_key_can_be_taken_back_and_is_then_disabled() {
    let pending = expect!["KMSInvalidStateException 400: KEY is pending deletion."];
    check("create-key; encrypt x; schedule-key-deletion; decrypt $last", pending);
    check(
        "create-key; schedule-key-deletion; enable-key",
        expect!["KMSInvalidStateException 400: KEY is pending deletion."],
    );
    check(
        "create-key; schedule-key-deletion; create-alias alias/a",
        expect!["KMSInvalidStateException 400: KEY is pending deletion."],
    );
    check(
        "create-key; schedule-key-deletion PendingWindowInDays=7 .KeyState .PendingWindowInDays .DeletionDate",
        expect!["PendingDeletion 7 1769072400.0"],
    );
    check(
        "create-key; schedule-key-deletion; cancel-key-deletion; describe-key .KeyMetadata.KeyState .KeyMetadata.DeletionDate",
        expect!["Disabled absent"],
    );
    check("create-key; cancel-key-deletion", expect!["KMSInvalidStateException 400: KEY is not pending deletion."]);
    check(
        "create-key; schedule-key-deletion PendingWindowInDays=6",
        expect![
            "ValidationException 400: 1 validation error detected: Value '6' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value greater than or equal to 7"
        ],
    );
}

#[test]
fn after_the_date_the_key_its_aliases_and_its_ciphertexts_are_gone() {
    let end = "create-key; encrypt x; create-alias alias/a; schedule-key-deletion PendingWindowInDays=7; days 7";
    check(&format!("{end}; describe-key"), expect!["NotFoundException 400: Key 'KEY' does not exist"]);
    check(
        &format!("{end}; describe-key alias/a"),
        expect!["NotFoundException 400: Alias arn:aws:kms:us-east-1:111122223333:alias/a is not found."],
    );
    check(
        &format!("{end}; decrypt $last"),
        expect![
            "AccessDeniedException 400: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
        ],
    );
    check(&format!("{end}; list-keys .Keys"), expect!["[]"]);
    check(&format!("{end}; tick; restart; list-keys .Keys"), expect!["[]"]);
}

#[test]
fn keys_are_named_in_four_ways_and_missed_in_as_many() {
    check("describe-key nonsense", expect!["NotFoundException 400: Invalid keyId 'nonsense'"]);
    check(
        "describe-key 1234abcd-12ab-34cd-56ef-1234567890ab",
        expect![
            "NotFoundException 400: Key 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab' does not exist"
        ],
    );
    check(
        "describe-key arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        expect!["NotFoundException 400: Invalid arn eu-west-1"],
    );
    check("describe-key arn:aws:s3:::bucket", expect!["InvalidArnException 400: Invalid arn arn:aws:s3:::bucket"]);
    check(
        "create-key; create-alias alias/a; disable-key alias/a",
        expect!["InvalidArnException 400: Key Aliases are not supported for this operation."],
    );
    check("create-key; create-alias alias/a; encrypt x KeyId=alias/a .KeyId", expect!["KEY"]);
    check(
        "create-key; in eu-west-1; describe-key .KeyMetadata",
        expect!["NotFoundException 400: Key 'arn:aws:kms:eu-west-1:111122223333:key/KEY' does not exist"],
    );
}

#[test]
fn other_kinds_of_keys_are_refused_in_so_many_words() {
    check(
        "create-key KeySpec=RSA_2048 KeyUsage=ENCRYPT_DECRYPT",
        expect!["UnsupportedOperationException 400: This simulator does not serve KeySpec RSA_2048 yet."],
    );
    check(
        "create-key KeySpec=RSA_2048",
        expect![
            "ValidationException 400: You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
        ],
    );
    check(
        "create-key KeyUsage=SIGN_VERIFY",
        expect!["ValidationException 400: KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT"],
    );
}

#[test]
fn tags_and_description_are_kept() {
    check(
        r#"create-key Description=demo Tags=[{"TagKey":"a","TagValue":"1"}]; tag-resource Tags=[{"TagKey":"b","TagValue":"2"}]; untag-resource TagKeys=["a"]; restart; list-resource-tags .Tags"#,
        expect![[r#"[{"TagKey":"b","TagValue":"2"}]"#]],
    );
    check(
        "create-key Description=demo; update-key-description Description=other; describe-key .KeyMetadata.Description",
        expect!["other"],
    );
}

#[test]
fn nobody_shares_keys_here() {
    check(r#"create-key; list-keys ResourceOwners=["OTHER_ACCOUNTS_VIA_RAM"] .Keys .Truncated"#, expect!["[] false"]);
    check(
        r#"create-key; list-keys ResourceOwners=["SELF","OTHER_ACCOUNTS_VIA_RAM"] .Keys.0.KeyId .Keys.1"#,
        expect!["KEY absent"],
    );
    check(
        r#"list-keys ResourceOwners=["NOBODY"]"#,
        expect![
            "ValidationException 400: 1 validation error detected: Value '[NOBODY]' at 'resourceOwners' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [SELF, OTHER_ACCOUNTS_VIA_RAM]]"
        ],
    );
}
