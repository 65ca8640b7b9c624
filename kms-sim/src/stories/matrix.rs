//! Every state against every operation that one can have a say in, on one page.

use std::fmt::Write;

use expect_test::expect;

use super::stage::Stage;

const STATES: &[(&str, &str)] = &[
    ("Enabled", "create-key MultiRegion=true"),
    ("Disabled", "create-key MultiRegion=true; disable-key"),
    ("PendingDeletion", "create-key MultiRegion=true; schedule-key-deletion"),
    ("PendingImport", "create-key MultiRegion=true Origin=EXTERNAL"),
    (
        "PendingReplicaDeletion",
        "create-key MultiRegion=true; replicate-key ReplicaRegion=eu-west-1; schedule-key-deletion",
    ),
];

const OPERATIONS: &[&str] = &[
    "encrypt x KeyId=$key",
    "generate-data-key KeySpec=AES_256",
    r#"create-grant GranteePrincipal=arn:aws:iam::111122223333:user/bob Operations=["Decrypt"]"#,
    "describe-key",
    "get-key-policy",
    "get-key-rotation-status",
    "get-key-last-usage",
    "list-grants",
    "list-resource-tags",
    "enable-key",
    "disable-key",
    "enable-key-rotation",
    "disable-key-rotation",
    "rotate-key-on-demand",
    "schedule-key-deletion",
    "cancel-key-deletion",
    "create-alias alias/a",
    r#"tag-resource Tags=[{"TagKey":"a","TagValue":"b"}]"#,
    "update-key-description Description=words",
    "get-parameters-for-import WrappingAlgorithm=RSAES_OAEP_SHA_256 WrappingKeySpec=RSA_2048",
    "delete-imported-key-material",
    "replicate-key ReplicaRegion=eu-west-2",
    "update-primary-region PrimaryRegion=eu-west-1",
];

#[test]
fn every_state_against_every_operation() {
    let mut page = format!("{:<29}", "");
    STATES.iter().for_each(|(state, _)| write!(page, " {state:<20}").unwrap());
    page.truncate(page.trim_end().len());
    page.push('\n');
    for operation in OPERATIONS {
        let verb = operation.split(' ').next().unwrap();
        write!(page, "{verb:<29}").unwrap();
        for (_, story) in STATES {
            let answer = Stage::new().play(&format!("{story}; {operation}"));
            write!(page, " {:<20}", short(&answer)).unwrap();
        }
        page.truncate(page.trim_end().len());
        page.push('\n');
    }
    expect![[r#"
                                      Enabled              Disabled             PendingDeletion      PendingImport        PendingReplicaDeletion
        encrypt                       ok                   Disabled             KMSInvalidState      KMSInvalidState      KMSInvalidState
        generate-data-key             ok                   Disabled             KMSInvalidState      KMSInvalidState      KMSInvalidState
        create-grant                  ok                   Disabled             KMSInvalidState      KMSInvalidState      KMSInvalidState
        describe-key                  ok                   ok                   ok                   ok                   ok
        get-key-policy                ok                   ok                   ok                   ok                   ok
        get-key-rotation-status       ok                   ok                   ok                   ok                   ok
        get-key-last-usage            ok                   ok                   ok                   ok                   ok
        list-grants                   ok                   ok                   ok                   ok                   ok
        list-resource-tags            ok                   ok                   ok                   ok                   ok
        enable-key                    ok                   ok                   KMSInvalidState      KMSInvalidState      KMSInvalidState
        disable-key                   ok                   ok                   KMSInvalidState      KMSInvalidState      KMSInvalidState
        enable-key-rotation           ok                   Disabled             KMSInvalidState      UnsupportedOperation KMSInvalidState
        disable-key-rotation          ok                   Disabled             KMSInvalidState      KMSInvalidState      KMSInvalidState
        rotate-key-on-demand          ok                   Disabled             KMSInvalidState      KMSInvalidState      KMSInvalidState
        schedule-key-deletion         ok                   ok                   KMSInvalidState      ok                   KMSInvalidState
        cancel-key-deletion           KMSInvalidState      KMSInvalidState      ok                   KMSInvalidState      ok
        create-alias                  ok                   ok                   KMSInvalidState      ok                   KMSInvalidState
        tag-resource                  ok                   ok                   KMSInvalidState      ok                   KMSInvalidState
        update-key-description        ok                   ok                   KMSInvalidState      ok                   KMSInvalidState
        get-parameters-for-import     UnsupportedOperation UnsupportedOperation UnsupportedOperation ok                   UnsupportedOperation
        delete-imported-key-material  UnsupportedOperation UnsupportedOperation UnsupportedOperation ok                   UnsupportedOperation
        replicate-key                 ok                   Disabled             KMSInvalidState      ok                   KMSInvalidState
        update-primary-region         NotFound             Disabled             KMSInvalidState      NotFound             KMSInvalidState
    "#]].assert_eq(&page);
}

/// `KMSInvalidStateException 400: …` as `KMSInvalidState`.
fn short(answer: &str) -> &str {
    answer.split_once("Exception 400").map_or("ok", |(name, _)| name)
}
