//! Stories told through the doors: `caller: Action Parameter=value …` on each line, and what came of it below.
#![allow(clippy::too_many_lines, reason = "an answer is read whole")]

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_core::call::CallContext;
use aws_core::event::{ApiCall, Event, MemorySink};
use aws_core::fault::ApiFault;
use aws_core::id::{AccountId, Region};
use aws_core::identity::Identities;
use aws_core::principal::{Caller, Principal};
use aws_core::time::{Clock, ManualClock, SignedDuration};
use aws_wire::query::Params;
use aws_wire::service::QueryService;
use envelope::entropy::SeededEntropy;
use envelope::secret::Secret;
use expect_test::{Expect, expect};
use kms_api::world::World;
use store::Store;

use crate::{Directory, IamService, StsService};

const ACCOUNT: &str = "111122223333";

struct House {
    clock: Arc<ManualClock>,
    sink: Arc<MemorySink>,
    directory: Arc<Directory>,
    iam: IamService,
    sts: StsService,
    /// Who is called what in the story.
    callers: BTreeMap<String, Caller>,
    /// What `$name` stands for.
    texts: BTreeMap<String, String>,
}

fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

fn statement(effect: &str, action: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Action":"{action}","Resource":"*"}}]}}"#)
}

fn trusting(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}]}}"#
    )
}

impl House {
    fn new() -> Self {
        Self::on(Store::in_memory())
    }

    fn on(store: Store) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-15T09:00:00Z".parse().unwrap()));
        let (entropy, sink) = (Arc::new(SeededEntropy::new(1)), Arc::new(MemorySink::default()));
        let kek = Secret::copied(&[7; 32]);
        let directory = Directory::open(store, clock.clone(), entropy.clone(), kek).unwrap();
        let world = World { identities: directory.clone(), sink: sink.clone(), clock: clock.clone(), entropy };
        let iam = IamService::new(directory.clone(), world.clone());
        let sts = StsService::new(directory.clone(), world);
        let root = Caller::new(Principal::Root { account: account() }, "unknown");
        let callers = BTreeMap::from([("root".into(), root)]);
        let texts = [
            ("admin", statement("Allow", "*")),
            ("allow-kms", statement("Allow", "kms:*")),
            ("allow-iam-reads", statement("Allow", "iam:Get*")),
            ("allow-assume", statement("Allow", "sts:AssumeRole")),
            ("deny-all", statement("Deny", "*")),
            ("trust-account", trusting(&format!("arn:aws:iam::{ACCOUNT}:root"))),
            ("trust-ada", trusting(&format!("arn:aws:iam::{ACCOUNT}:user/ada"))),
        ];
        let texts = texts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
        Self { clock, sink, directory, iam, sts, callers, texts }
    }

    fn context(&self, who: &str) -> CallContext {
        let root = Principal::Root { account: account() };
        let mut context = CallContext::local(root, Region::default_region(), "request");
        context.caller = self.callers[who].clone();
        context
    }

    async fn ask(&self, who: &str, action: &str, pairs: &str) -> Result<String, ApiFault> {
        let texts = |value: &str| match value.strip_prefix('$') {
            Some(name) => self.texts[name].clone(),
            None => value.to_owned(),
        };
        let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), texts(value)));
        let params: Params = pairs.split_whitespace().filter_map(pair).collect();
        let sts = matches!(action, "AssumeRole" | "GetCallerIdentity" | "GetSessionToken");
        let door: &dyn QueryService = if sts { &self.sts } else { &self.iam };
        door.call(&self.context(who), action, &params).await
    }

    /// Runs one line. `ada = root: CreateAccessKey …` lets the key that comes out be called `ada` from then on.
    async fn line(&mut self, line: &str) -> String {
        let (head, rest) = line.split_once(": ").unwrap();
        let (named, who) = head.split_once(" = ").map_or((None, head), |(named, who)| (Some(named), who));
        let (action, pairs) = rest.split_once(' ').unwrap_or((rest, ""));
        match self.ask(who, action, pairs).await {
            Err(fault) => format!("{} {} {}", fault.status, fault.code, fault.message.unwrap_or_default()),
            Ok(answer) => {
                if let Some(named) = named {
                    let credential = self.directory.credential(&between(&answer, "AccessKeyId")).unwrap();
                    self.callers.insert(named.into(), credential.caller);
                }
                "ok".into()
            }
        }
    }

    /// A story with its outcomes, which stand behind arrows: the story is read from there and told again.
    async fn story(&mut self, story: Expect) {
        let mut told = String::new();
        let lines = story.data().lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with("->")) {
            let outcome = self.line(line).await;
            told += &format!("{line}\n  -> {outcome}\n");
        }
        story.assert_eq(&told);
    }

    fn calls(&self) -> Vec<ApiCall> {
        let api = |event| match event {
            Event::Api(call) => Some(*call),
            _ => None,
        };
        self.sink.events().into_iter().filter_map(api).collect()
    }
}

/// The text of the first element of this name.
fn between(xml: &str, name: &str) -> String {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
    rest.split_once(&format!("</{name}>")).unwrap().0.to_owned()
}

#[tokio::test]
async fn a_user_is_made_used_and_unmade() {
    let mut house = House::new();
    house
        .story(expect![[r#"
                root: CreateUser UserName=ada Path=/team/
                  -> ok
                root: CreateUser UserName=ADA
                  -> 409 EntityAlreadyExists User with name ADA already exists.
                ada = root: CreateAccessKey UserName=ada
                  -> ok
                root: CreateAccessKey UserName=ada
                  -> ok
                root: CreateAccessKey UserName=ada
                  -> 409 LimitExceeded Cannot exceed quota for AccessKeysPerUser: 2
                root: PutUserPolicy UserName=ada PolicyName=reads PolicyDocument=$allow-iam-reads
                  -> ok
                root: AttachUserPolicy UserName=ada PolicyArn=arn:aws:iam::aws:policy/AmazonS3FullAccess
                  -> ok
                root: AttachUserPolicy UserName=ada PolicyArn=arn:aws:iam::aws:policy/NoSuchAccess
                  -> 404 NoSuchEntity Policy arn:aws:iam::aws:policy/NoSuchAccess does not exist or is not attachable.
                ada: GetUser
                  -> ok
                ada: GetUser UserName=bob
                  -> 404 NoSuchEntity The user with name bob cannot be found.
                ada: DeleteUser UserName=ada
                  -> 403 AccessDenied User: arn:aws:iam::111122223333:user/team/ada is not authorized to perform: iam:DeleteUser on resource: user ada because no identity-based policy allows the iam:DeleteUser action
                ada: ListUsers
                  -> 403 AccessDenied User: arn:aws:iam::111122223333:user/team/ada is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::111122223333:user/ because no identity-based policy allows the iam:ListUsers action
                ada: CreateRole RoleName=r AssumeRolePolicyDocument=$trust-account
                  -> 403 AccessDenied User: arn:aws:iam::111122223333:user/team/ada is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/r because no identity-based policy allows the iam:CreateRole action
                root: DeleteUser UserName=ada
                  -> 409 DeleteConflict Cannot delete entity, must detach all policies first.
                root: DetachUserPolicy UserName=ada PolicyArn=arn:aws:iam::aws:policy/AmazonS3FullAccess
                  -> ok
                root: DeleteUser UserName=ada
                  -> 409 DeleteConflict Cannot delete entity, must delete policies first.
                root: DeleteUserPolicy UserName=ada PolicyName=reads
                  -> ok
                root: DeleteUserPolicy UserName=ada PolicyName=reads
                  -> 404 NoSuchEntity The user policy with name reads cannot be found.
                root: DeleteUser UserName=ada
                  -> 409 DeleteConflict Cannot delete entity, must delete access keys first.
                root: DeleteAccessKey UserName=ada AccessKeyId=AKIAUNKNOWN
                  -> 404 NoSuchEntity The Access Key with id AKIAUNKNOWN cannot be found.
                root: FlyToTheMoon
                  -> 400 InvalidAction Could not find operation FlyToTheMoon for version 2010-05-08
            "#]],
        )
        .await;
}

#[tokio::test]
async fn answers_carry_what_clients_read() {
    let house = House::new();
    for (action, pairs, expected) in [
        (
            "CreateUser",
            "UserName=ada Tags.member.1.Key=team Tags.member.1.Value=blue",
            expect![
                "<User><Path>/</Path><UserName>ada</UserName><UserId>AIDAX4WG3QNFP2STW5OWV</UserId><Arn>arn:aws:iam::111122223333:user/ada</Arn><CreateDate>2026-01-15T09:00:00Z</CreateDate><Tags><member><Key>team</Key><Value>blue</Value></member></Tags></User>"
            ],
        ),
        (
            "CreateRole",
            "RoleName=reader AssumeRolePolicyDocument=$trust-account Description=reads",
            expect![
                "<Role><Path>/</Path><RoleName>reader</RoleName><RoleId>AROA6T2CNHMKBXVO6DBFU</RoleId><Arn>arn:aws:iam::111122223333:role/reader</Arn><CreateDate>2026-01-15T09:00:00Z</CreateDate><AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22arn%3Aaws%3Aiam%3A%3A111122223333%3Aroot%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D</AssumeRolePolicyDocument><Description>reads</Description><MaxSessionDuration>3600</MaxSessionDuration></Role>"
            ],
        ),
        (
            "CreatePolicy",
            "PolicyName=use-keys PolicyDocument=$allow-kms",
            expect![
                "<Policy><PolicyName>use-keys</PolicyName><PolicyId>ANPAPA5NIOPCDGLPLZYS5</PolicyId><Arn>arn:aws:iam::111122223333:policy/use-keys</Arn><Path>/</Path><DefaultVersionId>v1</DefaultVersionId><AttachmentCount>0</AttachmentCount><PermissionsBoundaryUsageCount>0</PermissionsBoundaryUsageCount><IsAttachable>true</IsAttachable><CreateDate>2026-01-15T09:00:00Z</CreateDate><UpdateDate>2026-01-15T09:00:00Z</UpdateDate></Policy>"
            ],
        ),
        (
            "ListUsers",
            "MaxItems=1",
            expect![
                "<Users><member><Path>/</Path><UserName>ada</UserName><UserId>AIDAX4WG3QNFP2STW5OWV</UserId><Arn>arn:aws:iam::111122223333:user/ada</Arn><CreateDate>2026-01-15T09:00:00Z</CreateDate></member></Users><IsTruncated>false</IsTruncated>"
            ],
        ),
        ("PutUserPolicy", "UserName=ada PolicyName=keys PolicyDocument=$allow-kms", expect![[""]]),
        (
            "GetUserPolicy",
            "UserName=ada PolicyName=keys",
            expect![
                "<UserName>ada</UserName><PolicyName>keys</PolicyName><PolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22kms%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D</PolicyDocument>"
            ],
        ),
        (
            "ListUserPolicies",
            "UserName=ada",
            expect!["<PolicyNames><member>keys</member></PolicyNames><IsTruncated>false</IsTruncated>"],
        ),
        ("AttachRolePolicy", "RoleName=reader PolicyArn=arn:aws:iam::111122223333:policy/use-keys", expect![[""]]),
        (
            "ListAttachedRolePolicies",
            "RoleName=reader",
            expect![
                "<AttachedPolicies><member><PolicyName>use-keys</PolicyName><PolicyArn>arn:aws:iam::111122223333:policy/use-keys</PolicyArn></member></AttachedPolicies><IsTruncated>false</IsTruncated>"
            ],
        ),
        (
            "GetPolicyVersion",
            "PolicyArn=arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess VersionId=v1",
            expect![
                "<PolicyVersion><Document>%7B%0A%20%20%22Version%22%3A%20%222012-10-17%22%2C%0A%20%20%22Statement%22%3A%20%5B%0A%20%20%20%20%7B%0A%20%20%20%20%20%20%22Effect%22%3A%20%22Allow%22%2C%0A%20%20%20%20%20%20%22Action%22%3A%20%5B%0A%20%20%20%20%20%20%20%20%22s3%3AGet%2A%22%2C%0A%20%20%20%20%20%20%20%20%22s3%3AList%2A%22%2C%0A%20%20%20%20%20%20%20%20%22s3%3ADescribe%2A%22%2C%0A%20%20%20%20%20%20%20%20%22s3-object-lambda%3AGet%2A%22%2C%0A%20%20%20%20%20%20%20%20%22s3-object-lambda%3AList%2A%22%0A%20%20%20%20%20%20%5D%2C%0A%20%20%20%20%20%20%22Resource%22%3A%20%22%2A%22%0A%20%20%20%20%7D%0A%20%20%5D%0A%7D%0A</Document><VersionId>v1</VersionId><IsDefaultVersion>true</IsDefaultVersion><CreateDate>2015-02-06T18:40:59Z</CreateDate></PolicyVersion>"
            ],
        ),
        (
            "GetUser",
            "",
            expect![
                "<User><UserId>111122223333</UserId><Arn>arn:aws:iam::111122223333:root</Arn><CreateDate>2026-01-15T09:00:00Z</CreateDate></User>"
            ],
        ),
        (
            "GetCallerIdentity",
            "",
            expect![
                "<UserId>111122223333</UserId><Account>111122223333</Account><Arn>arn:aws:iam::111122223333:root</Arn>"
            ],
        ),
    ] {
        expected.assert_eq(&house.ask("root", action, pairs).await.unwrap());
    }
}

#[tokio::test]
async fn policies_reach_a_user_by_every_road() {
    let mut house = House::new();
    house
        .story(expect![[r#"
            root: CreateUser UserName=ada
              -> ok
            root: CreateGroup GroupName=readers
              -> ok
            ada = root: CreateAccessKey UserName=ada
              -> ok
            ada: GetUser
              -> 403 AccessDenied User: arn:aws:iam::111122223333:user/ada is not authorized to perform: iam:GetUser on resource: user ada because no identity-based policy allows the iam:GetUser action
            root: PutGroupPolicy GroupName=readers PolicyName=reads PolicyDocument=$allow-iam-reads
              -> ok
            root: AddUserToGroup GroupName=readers UserName=ada
              -> ok
            ada: GetUser
              -> ok
            root: CreatePolicy PolicyName=bound PolicyDocument=$allow-kms
              -> ok
            root: PutUserPermissionsBoundary UserName=ada PermissionsBoundary=arn:aws:iam::111122223333:policy/bound
              -> ok
            ada: GetUser
              -> 403 AccessDenied User: arn:aws:iam::111122223333:user/ada is not authorized to perform: iam:GetUser on resource: user ada because no permissions boundary allows the iam:GetUser action
            root: DeletePolicy PolicyArn=arn:aws:iam::111122223333:policy/bound
              -> 409 DeleteConflict Cannot delete a policy attached to entities.
            root: CreatePolicyVersion PolicyArn=arn:aws:iam::111122223333:policy/bound PolicyDocument=$admin SetAsDefault=true
              -> ok
            ada: GetUser
              -> ok
            root: PutUserPolicy UserName=ada PolicyName=nothing PolicyDocument=$deny-all
              -> ok
            ada: GetUser
              -> 403 AccessDenied User: arn:aws:iam::111122223333:user/ada is not authorized to perform: iam:GetUser on resource: user ada with an explicit deny in an identity-based policy
            ada: GetCallerIdentity
              -> ok
            root: DeleteUserPermissionsBoundary UserName=ada
              -> ok
            root: DeletePolicy PolicyArn=arn:aws:iam::111122223333:policy/bound
              -> 409 DeleteConflict This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.
            root: DeletePolicyVersion PolicyArn=arn:aws:iam::111122223333:policy/bound VersionId=v1
              -> ok
            root: DeletePolicy PolicyArn=arn:aws:iam::111122223333:policy/bound
              -> ok
            root: DeleteGroup GroupName=readers
              -> 409 DeleteConflict Cannot delete entity, must remove users from group first.
            root: RemoveUserFromGroup GroupName=readers UserName=ada
              -> ok
            root: DeleteGroupPolicy GroupName=readers PolicyName=reads
              -> ok
            root: DeleteGroup GroupName=readers
              -> ok
        "#]],
        )
        .await;
}

#[tokio::test]
async fn a_role_is_taken_on_by_whom_it_trusts_and_who_may() {
    let mut house = House::new();
    house
        .story(expect![[r#"
                root: CreateUser UserName=ada
                  -> ok
                ada = root: CreateAccessKey UserName=ada
                  -> ok
                root: CreateRole RoleName=own AssumeRolePolicyDocument=$trust-ada
                  -> ok
                root: CreateRole RoleName=shared AssumeRolePolicyDocument=$trust-account
                  -> ok
                root: AssumeRole RoleArn=arn:aws:iam::111122223333:role/own RoleSessionName=s1
                  -> 403 AccessDenied Roles may not be assumed by root accounts.
                ada: AssumeRole RoleArn=arn:aws:iam::111122223333:role/nowhere RoleSessionName=s1
                  -> 403 AccessDenied User: arn:aws:iam::111122223333:user/ada is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/nowhere
                ada: AssumeRole RoleArn=arn:aws:iam::111122223333:role/shared RoleSessionName=s1
                  -> 403 AccessDenied User: arn:aws:iam::111122223333:user/ada is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/shared because no identity-based policy allows the sts:AssumeRole action
                root: PutUserPolicy UserName=ada PolicyName=assume PolicyDocument=$allow-assume
                  -> ok
                ada: AssumeRole RoleArn=arn:aws:iam::111122223333:role/shared RoleSessionName=s1
                  -> ok
                tuesday = ada: AssumeRole RoleArn=arn:aws:iam::111122223333:role/own RoleSessionName=tuesday
                  -> ok
                tuesday: GetRole RoleName=own
                  -> 403 AccessDenied User: arn:aws:sts::111122223333:assumed-role/own/tuesday is not authorized to perform: iam:GetRole on resource: role own because no identity-based policy allows the iam:GetRole action
                root: PutRolePolicy RoleName=own PolicyName=all PolicyDocument=$admin
                  -> ok
                tuesday: GetRole RoleName=own
                  -> ok
                tuesday: GetUser
                  -> 400 ValidationError Must specify userName when calling with non-User credentials
                narrow = ada: AssumeRole RoleArn=arn:aws:iam::111122223333:role/own RoleSessionName=narrow Policy=$allow-kms
                  -> ok
                narrow: GetRole RoleName=own
                  -> 403 AccessDenied User: arn:aws:sts::111122223333:assumed-role/own/narrow is not authorized to perform: iam:GetRole on resource: role own because no session policy allows the iam:GetRole action
                root: UpdateAssumeRolePolicy RoleName=own PolicyDocument=$trust-account
                  -> ok
                tuesday: AssumeRole RoleArn=arn:aws:iam::111122223333:role/own RoleSessionName=again DurationSeconds=7200
                  -> 400 ValidationError The requested DurationSeconds exceeds the MaxSessionDuration set for this role.
                root: UpdateRole RoleName=own MaxSessionDuration=7200
                  -> ok
                tuesday: AssumeRole RoleArn=arn:aws:iam::111122223333:role/own RoleSessionName=again DurationSeconds=7200
                  -> 400 ValidationError The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.
                ada: AssumeRole RoleArn=arn:aws:iam::111122223333:role/own RoleSessionName=x
                  -> 400 ValidationError 1 validation error detected: Value 'x' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2
                ada: AssumeRole RoleArn=arn:aws:iam::111122223333:role/own RoleSessionName=a/b
                  -> 400 ValidationError 1 validation error detected: Value 'a/b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*
                root: CreateRole RoleName=ghostly AssumeRolePolicyDocument=$allow-kms
                  -> 400 MalformedPolicyDocument Has prohibited field Resource
                root: DeleteRolePolicy RoleName=own PolicyName=all
                  -> ok
                root: DeleteRole RoleName=own
                  -> ok
                tuesday: GetCallerIdentity
                  -> ok
                tuesday: GetRole RoleName=shared
                  -> 403 AccessDenied User: arn:aws:sts::111122223333:assumed-role/own/tuesday is not authorized to perform: iam:GetRole on resource: role shared because no identity-based policy allows the iam:GetRole action
            "#]],
        )
        .await;
}

#[tokio::test]
async fn a_stranger_needs_both_accounts() {
    let mut house = House::new();
    let stranger = Principal::User {
        account: AccountId::parse("444455556666").unwrap(),
        id: "AIDASTRANGER".into(),
        path: "/".into(),
        name: "eve".into(),
    };
    house.callers.insert("eve".into(), Caller::new(stranger, "AKIAEVE"));
    house.texts.insert("trust-eve".into(), trusting("arn:aws:iam::444455556666:user/eve"));
    house
        .story(expect![[r#"
                root: CreateRole RoleName=guest AssumeRolePolicyDocument=$trust-eve
                  -> ok
                eve: AssumeRole RoleArn=arn:aws:iam::111122223333:role/guest RoleSessionName=visit
                  -> 403 AccessDenied User: arn:aws:iam::444455556666:user/eve is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/guest because no identity-based policy allows the sts:AssumeRole action
            "#]],
        )
        .await;
}

#[tokio::test]
async fn a_session_token_of_oneself_opens_no_iam() {
    let mut house = House::new();
    house
        .story(expect![[r#"
                root: CreateUser UserName=ada
                  -> ok
                root: PutUserPolicy UserName=ada PolicyName=all PolicyDocument=$admin
                  -> ok
                ada = root: CreateAccessKey UserName=ada
                  -> ok
                session = ada: GetSessionToken
                  -> ok
                session: GetCallerIdentity
                  -> ok
                session: GetUser
                  -> 403 InvalidClientTokenId The security token included in the request is invalid
                session: GetSessionToken
                  -> 403 AccessDenied Cannot call GetSessionToken with session credentials
                ada: GetSessionToken DurationSeconds=60
                  -> 400 ValidationError 1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900
            "#]],
        )
        .await;
    let session = &house.callers["session"];
    let credential = house.directory.credential(&session.access_key_id).unwrap();
    assert_eq!(credential.expires_at.unwrap(), house.clock.now() + SignedDuration::from_hours(12));
    assert_eq!(credential.session_token.unwrap().len(), 344);
    assert_eq!(house.directory.policies(session).identity.len(), 1);
}

#[tokio::test]
async fn a_voided_key_is_known_and_refused_never_forgotten() {
    let mut house = House::new();
    let answer = house.ask("root", "CreateUser", "UserName=ada").await;
    assert!(answer.is_ok());
    let answer = house.ask("root", "CreateAccessKey", "UserName=ada").await.unwrap();
    let (id, secret) = (between(&answer, "AccessKeyId"), between(&answer, "SecretAccessKey"));
    let state = |house: &House| house.directory.credential(&id).map(|key| (key.active, key.secret));
    assert_eq!(state(&house), Some((true, secret.clone())));
    house.texts.insert("id".into(), id.clone());
    house.line("root: UpdateAccessKey UserName=ada AccessKeyId=$id Status=Inactive").await;
    assert_eq!(state(&house), Some((false, secret)));
    house.line("root: DeleteAccessKey UserName=ada AccessKeyId=$id").await;
    assert_eq!(state(&house), Some((false, String::new())));
    assert_eq!(
        house.line("root: DeleteAccessKey UserName=ada AccessKeyId=$id").await,
        format!("404 NoSuchEntity The Access Key with id {id} cannot be found.")
    );
    assert!(house.directory.credential("AKIANEVERISSUED").is_none());
}

#[tokio::test]
async fn the_directory_survives_a_restart_and_another_key_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = || Store::open(&folder.path().join("tables.redb")).unwrap();
    let mut house = House::on(file());
    house.line("root: CreateUser UserName=ada").await;
    house.line("root: PutUserPolicy UserName=ada PolicyName=all PolicyDocument=$admin").await;
    house.line("ada = root: CreateAccessKey UserName=ada").await;
    let ada = house.callers["ada"].clone();
    let before = house.directory.credential(&ada.access_key_id).unwrap();
    drop(house);
    let house = House::on(file());
    let after = house.directory.credential(&ada.access_key_id).unwrap();
    assert_eq!((after.caller, after.secret), (before.caller, before.secret));
    assert_eq!(house.directory.policies(&ada).identity[0].name, "inline policy all of user ada");
    let (clock, entropy) = (house.clock.clone(), Arc::new(SeededEntropy::new(2)));
    drop(house);
    let other = Directory::open(file(), clock, entropy, Secret::copied(&[8; 32])).unwrap();
    assert!(!other.credential(&ada.access_key_id).unwrap().active);
}

#[tokio::test]
async fn who_exists_is_answered_for_every_spelling() {
    let mut house = House::new();
    house.line("root: CreateUser UserName=ada Path=/team/").await;
    house.line("root: CreateRole RoleName=reader AssumeRolePolicyDocument=$trust-account").await;
    let exists = |arn: &str| house.directory.principal_exists(&arn.parse().unwrap());
    for arn in [
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:user/team/ada",
        "arn:aws:iam::111122223333:role/reader",
        "arn:aws:sts::111122223333:assumed-role/reader/any",
        "arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-0",
        "arn:aws:iam::444455556666:user/somebody-elsewhere",
    ] {
        assert!(exists(arn), "{arn}");
    }
    for arn in [
        "arn:aws:iam::111122223333:user/ada",
        "arn:aws:iam::111122223333:user/team/bob",
        "arn:aws:iam::111122223333:role/ada",
        "arn:aws:sts::111122223333:assumed-role/writer/any",
        "arn:aws:iam::000000000000:user/ghost",
        "arn:aws:iam::111122223333:policy/x",
        "arn:aws:s3:::bucket",
    ] {
        assert!(!exists(arn), "{arn}");
    }
    let id = house.directory.unique_id(&"arn:aws:iam::111122223333:user/team/ada".parse().unwrap()).unwrap();
    assert!(id.starts_with("AIDA"));
}

#[tokio::test]
async fn the_trail_hears_of_every_call_once_and_of_no_secret() {
    let mut house = House::new();
    house.line("root: CreateUser UserName=ada").await;
    house.line("ada = root: CreateAccessKey UserName=ada").await;
    house.line("root: CreateRole RoleName=own AssumeRolePolicyDocument=$trust-ada").await;
    house.line("ada: AssumeRole RoleArn=arn:aws:iam::111122223333:role/own RoleSessionName=s1").await;
    house.line("ada: GetUser UserName=bob").await;
    let mut told = String::new();
    for call in house.calls() {
        let error = call.error.map(|error| error.code).unwrap_or_default();
        let read = if call.read_only { "read" } else { "write" };
        told += &format!("{} {} {read} {error}\n", call.source, call.name);
        for (name, value) in [("  asked", call.request_parameters), ("  told", call.response_elements)] {
            told += &value.map(|value| format!("{name} {value}\n")).unwrap_or_default();
        }
        told += &call.resources.iter().map(|r| format!("  touched {} {}\n", r.kind, r.arn)).collect::<String>();
    }
    for secret in ["ada"].map(|who| house.directory.credential(&house.callers[who].access_key_id).unwrap().secret) {
        assert!(!told.contains(&secret));
    }
    expect![[r#"
        iam.amazonaws.com CreateUser write 
          asked {"userName":"ada"}
          told {"user":{"path":"/","userName":"ada","userId":"AIDAX4WG3QNFP2STW5OWV","arn":"arn:aws:iam::111122223333:user/ada","createDate":"Jan 15, 2026 9:00:00 AM"}}
        iam.amazonaws.com CreateAccessKey write 
          asked {"userName":"ada"}
          told {"accessKey":{"userName":"ada","accessKeyId":"AKIA6T2CNHMKBXVO6DBF","status":"Active","createDate":"Jan 15, 2026 9:00:00 AM"}}
        iam.amazonaws.com CreateRole write 
          asked {"roleName":"own","assumeRolePolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:user/ada\"},\"Action\":\"sts:AssumeRole\"}]}"}
          told {"role":{"path":"/","roleName":"own","roleId":"AROA6S5P7XAUZ6QZ6ZRQU","arn":"arn:aws:iam::111122223333:role/own","createDate":"Jan 15, 2026 9:00:00 AM","assumeRolePolicyDocument":"%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22arn%3Aaws%3Aiam%3A%3A111122223333%3Auser%2Fada%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D","maxSessionDuration":3600}}
        sts.amazonaws.com AssumeRole read 
          asked {"roleArn":"arn:aws:iam::111122223333:role/own","roleSessionName":"s1"}
          told {"credentials":{"accessKeyId":"ASIAFCZJVIM2C4WTEPQ3","expiration":"Jan 15, 2026 10:00:00 AM"},"assumedRoleUser":{"assumedRoleId":"AROA6S5P7XAUZ6QZ6ZRQU:s1","arn":"arn:aws:sts::111122223333:assumed-role/own/s1"}}
          touched AWS::IAM::Role arn:aws:iam::111122223333:role/own
        iam.amazonaws.com GetUser read AccessDenied
          asked {"userName":"bob"}
    "#]].assert_eq(&told);
}

#[tokio::test]
async fn a_first_key_of_the_root_user_can_be_admitted() {
    let house = House::new();
    let secret = Secret::copied(b"chosen outside");
    house.directory.admit_root(account(), "AKIAROOT", &secret).unwrap();
    let credential = house.directory.credential("AKIAROOT").unwrap();
    assert!(credential.active && credential.caller.principal.is_root());
    assert_eq!(credential.secret, "chosen outside");
}
