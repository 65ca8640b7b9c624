//! A key policy: the text as it was given, and its parsed form, made once per version.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_core::arn::Arn;
use aws_core::id::{AccountId, Region};
use aws_core::identity::{Identities, NamedPolicy};
use aws_core::policy::document::{PolicyDocument, Statement};
use kms_api::error::KmsError;
use serde_json::{Value, json};

use super::managed::ManagedService;

/// Longest key policy, in bytes.
pub const POLICY_BYTES: usize = 32_768;

/// A key policy that parses.
#[derive(Clone, Debug)]
pub struct KeyPolicy {
    /// As given; GetKeyPolicy returns it unchanged.
    pub text: Arc<str>,
    /// As the evaluator reads it: users and roles by their unique ids, so that a namesake who comes later has no rights.
    pub parsed: NamedPolicy,
    /// The users and roles that it names by ARN, with their unique ids at the time it was set.
    pub principals: BTreeMap<String, String>,
}

impl KeyPolicy {
    /// Reads a policy text.
    pub fn parse(text: &str) -> Result<Self, KmsError> {
        if text.len() > POLICY_BYTES {
            return Err(KmsError::LimitExceeded(format!("Key policies cannot be longer than {POLICY_BYTES} bytes.")));
        }
        let document = PolicyDocument::parse(text).map_err(|why| KmsError::MalformedPolicyDocument(why.to_string()))?;
        let parsed = NamedPolicy { name: "key policy".into(), document: Arc::new(document) };
        Ok(Self { text: text.into(), parsed, principals: BTreeMap::new() })
    }

    /// The same policy, meaning these very users and roles.
    pub fn meaning(self, principals: BTreeMap<String, String>) -> Self {
        let mut document = PolicyDocument::clone(&self.parsed.document);
        let clauses = document.statements.iter_mut().filter_map(|statement| statement.principal.as_mut());
        for name in clauses.flat_map(|clause| clause.aws.iter_mut()) {
            if let Some(id) = principals.get(name) {
                id.clone_into(name);
            }
        }
        let parsed = NamedPolicy { document: Arc::new(document), ..self.parsed };
        Self { parsed, principals, ..self }
    }

    /// Finds out whom the ARNs in the policy name today.
    pub fn whom(&self, identities: &dyn Identities) -> BTreeMap<String, String> {
        let clauses = self.parsed.document.statements.iter().filter_map(|statement| statement.principal.as_ref());
        let named = clauses.flat_map(|clause| &clause.aws);
        named.filter_map(|name| Some((name.clone(), unique_id(name, identities)?))).collect()
    }

    /// The text as GetKeyPolicy shows it: as it was given, but for users and roles that were deleted since, of whom
    /// only the unique id is left.
    pub fn shown(&self, identities: &dyn Identities) -> Arc<str> {
        let mut gone = self.principals.iter().filter(|(arn, id)| unique_id(arn, identities).as_ref() != Some(*id));
        let Some(first) = gone.next() else { return self.text.clone() };
        let gone: BTreeMap<&String, &String> = [first].into_iter().chain(gone).collect();
        let Ok(mut policy) = serde_json::from_str::<Value>(&self.text) else { return self.text.clone() };
        match policy.get_mut("Statement") {
            Some(Value::Array(statements)) => statements.iter_mut().for_each(|one| rename(one, &gone)),
            Some(one) => rename(one, &gone),
            None => {}
        }
        serde_json::to_string_pretty(&policy).map_or(self.text.clone(), Into::into)
    }

    /// What CreateKey gives when no policy is named: the account, and through it IAM, decides.
    pub fn default_for(account: &AccountId) -> Self {
        let value = json!({
            "Version": "2012-10-17",
            "Id": "key-default-1",
            "Statement": [{
                "Sid": "Enable IAM User Permissions",
                "Effect": "Allow",
                "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
                "Action": "kms:*",
                "Resource": "*"
            }]
        });
        Self::own(&value)
    }

    /// The policy of an AWS managed key.
    pub fn managed(service: ManagedService, account: &AccountId, region: &Region) -> Self {
        Self::own(&service.policy(account, region))
    }

    fn own(value: &serde_json::Value) -> Self {
        let text = serde_json::to_string_pretty(value).expect("a JSON value prints");
        Self::parse(&text).expect("our own policies parse")
    }

    /// Refuses a policy that names a principal who does not exist.
    pub fn check_principals(&self, identities: &dyn Identities) -> Result<(), KmsError> {
        if self.parsed.document.statements.iter().all(|statement| principals_exist(statement, identities)) {
            return Ok(());
        }
        Err(KmsError::MalformedPolicyDocument(
            "Policy contains a statement with one or more invalid principals.".into(),
        ))
    }
}

fn unique_id(name: &str, identities: &dyn Identities) -> Option<String> {
    identities.unique_id(&name.parse().ok()?)
}

/// Puts unique ids for the ARNs under `Principal` and `NotPrincipal`, and nowhere else in the statement.
fn rename(statement: &mut Value, gone: &BTreeMap<&String, &String>) {
    for element in ["Principal", "NotPrincipal"] {
        let Some(names) = statement.get_mut(element).and_then(|principal| principal.get_mut("AWS")) else { continue };
        let one_or_many = match names {
            Value::Array(many) => many.as_mut_slice(),
            one => std::slice::from_mut(one),
        };
        for name in one_or_many {
            if let Some(id) = name.as_str().and_then(|text| gone.get(&text.to_owned())) {
                *name = json!(id);
            }
        }
    }
}

fn principals_exist(statement: &Statement, identities: &dyn Identities) -> bool {
    let Some(clause) = &statement.principal else { return false };
    clause.aws.iter().all(|name| aws_principal_exists(name, identities))
        && clause.service.iter().all(|name| name.contains('.') && name.ends_with(".amazonaws.com"))
}

fn aws_principal_exists(name: &str, identities: &dyn Identities) -> bool {
    if AccountId::parse(name).is_some() {
        return true;
    }
    if let Ok(arn) = name.parse::<Arn>() {
        return matches!(arn.service.as_str(), "iam" | "sts") && identities.principal_exists(&arn);
    }
    // AWS stores the unique id of a principal that was deleted since; a policy read back must be acceptable again.
    is_unique_id(name)
}

fn is_unique_id(name: &str) -> bool {
    let known_kind = name.starts_with("AIDA") || name.starts_with("AROA");
    known_kind && name.len() >= 16 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_core::identity::NoIdentities;

    fn verdict(principal: &str) -> Result<(), KmsError> {
        let text =
            format!(r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"kms:*","Resource":"*"}}}}"#);
        KeyPolicy::parse(&text)?.check_principals(&NoIdentities)
    }

    #[test]
    fn principals_must_exist() {
        for good in [
            r#""*""#,
            r#"{"AWS":"*"}"#,
            r#"{"AWS":"111122223333"}"#,
            r#"{"AWS":"arn:aws:iam::111122223333:root"}"#,
            r#"{"AWS":"AIDAABCDEFGHIJKLMNOPQ"}"#,
            r#"{"Service":"logs.us-east-1.amazonaws.com"}"#,
        ] {
            assert_eq!(verdict(good), Ok(()), "{good}");
        }
        for bad in [r#"{"AWS":"arn:aws:iam::111122223333:user/nobody"}"#, r#"{"AWS":"bob"}"#, r#"{"Service":"ec2"}"#] {
            assert!(matches!(verdict(bad), Err(KmsError::MalformedPolicyDocument(_))), "{bad}");
        }
    }

    /// An IAM with one user, who may have left.
    struct OneUser(Option<&'static str>);

    impl Identities for OneUser {
        fn credential(&self, _access_key_id: &str) -> Option<aws_core::identity::Credential> {
            None
        }

        fn policies(&self, _caller: &aws_core::principal::Caller) -> aws_core::identity::IdentityPolicies {
            aws_core::identity::IdentityPolicies::default()
        }

        fn principal_exists(&self, _arn: &Arn) -> bool {
            self.0.is_some()
        }

        fn unique_id(&self, arn: &Arn) -> Option<String> {
            self.0.filter(|_| arn.resource == "user/kim").map(Into::into)
        }
    }

    #[test]
    fn a_policy_means_the_person_and_shows_the_id_of_one_who_left() {
        let kim = "arn:aws:iam::111122223333:user/kim";
        let text = format!(
            r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{kim}","111122223333"]}},"Action":"kms:*","Resource":"*","Condition":{{"ArnEquals":{{"aws:PrincipalArn":"{kim}"}}}}}}]}}"#
        );
        let here = OneUser(Some("AIDAKIMKIMKIMKIMKIM"));
        let policy = KeyPolicy::parse(&text).unwrap();
        let whom = policy.whom(&here);
        let policy = policy.meaning(whom);
        let clause = policy.parsed.document.statements[0].principal.as_ref().unwrap();
        assert_eq!(clause.aws, ["AIDAKIMKIMKIMKIMKIM", "111122223333"]);
        assert_eq!(&*policy.shown(&here), text);
        for later in [OneUser(None), OneUser(Some("AIDANAMESAKENAMESAKE"))] {
            let shown: Value = serde_json::from_str(&policy.shown(&later)).unwrap();
            assert_eq!(shown["Statement"][0]["Principal"]["AWS"], json!(["AIDAKIMKIMKIMKIMKIM", "111122223333"]));
            assert_eq!(shown["Statement"][0]["Condition"]["ArnEquals"]["aws:PrincipalArn"], kim);
        }
    }

    #[test]
    fn our_own_policies_parse_and_name_who_they_should() {
        let account = AccountId::default_account();
        assert_eq!(KeyPolicy::default_for(&account).check_principals(&NoIdentities), Ok(()));
        let managed = KeyPolicy::managed(ManagedService::S3, &account, &Region::default_region());
        assert_eq!(managed.check_principals(&NoIdentities), Ok(()));
        assert_eq!(managed.parsed.document.statements.len(), 2);
    }

    #[test]
    fn a_policy_has_a_longest_length() {
        assert!(matches!(KeyPolicy::parse(&" ".repeat(POLICY_BYTES + 1)), Err(KmsError::LimitExceeded(_))));
        assert!(matches!(KeyPolicy::parse("{"), Err(KmsError::MalformedPolicyDocument(_))));
    }
}
