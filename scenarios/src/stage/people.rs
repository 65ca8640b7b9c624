//! The people of a lesson's account: real IAM users, made through the real IAM API, and one instance if asked for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::library::Shelf;
use crate::script::{OneOrMany, Principal, World};

use super::StageError;
use super::http::Http;

/// The name of the policy that a lesson gives its users.
const POLICY_NAME: &str = "lesson";
/// Any image will do: an instance is a host folder.
const IMAGE: &str = "ami-0123456789abcdef0";

/// An access key and its secret.
#[derive(Clone)]
pub struct Credentials {
    /// `AKIA…`, or the account for its root.
    pub access_key: String,
    /// Goes into the environment of commands, and nowhere else.
    pub secret: String,
}

/// Who can be at the keyboard.
pub struct People(BTreeMap<String, Credentials>);

impl People {
    /// The credentials of a principal; unknown names are the account's root.
    pub fn credentials(&self, name: &str, account: &str) -> Credentials {
        let root = || Credentials { access_key: account.to_owned(), secret: "root".into() };
        self.0.get(name).cloned().unwrap_or_else(root)
    }
}

/// Sets the clock, makes the users and the instance. `shelf` is where policies are looked for.
pub async fn enter(http: &Http, world: &World, shelf: &Shelf) -> Result<People, StageError> {
    if let Some(clock) = &world.clock {
        http.tell("/_sim/clock", &json!({"set": clock})).await?;
    }
    let mut people = BTreeMap::new();
    for (name, principal) in &world.principals {
        let policy = policy_of(principal, shelf)?;
        people.insert(name.clone(), make_user(http, name, &policy).await?);
    }
    if let Some(instance) = &world.instance {
        run_instance(http, instance).await?;
    }
    Ok(People(people))
}

/// Takes the users and the instance away again: for a server that lives on.
pub async fn leave(http: &Http, world: &World, people: &People) {
    for name in world.principals.keys() {
        let key = people.credentials(name, http.account()).access_key;
        let farewell: [&[(&str, &str)]; 3] = [
            &[("Action", "DeleteAccessKey"), ("UserName", name), ("AccessKeyId", &key)],
            &[("Action", "DeleteUserPolicy"), ("UserName", name), ("PolicyName", POLICY_NAME)],
            &[("Action", "DeleteUser"), ("UserName", name)],
        ];
        // Whoever existed before the lesson has other keys and stays.
        for form in farewell {
            let _ = http.query("iam", form).await;
        }
    }
    if let Some(instance) = &world.instance {
        let _ = http.query("ec2", &[("Action", "TerminateInstances"), ("InstanceId.1", instance)]).await;
    }
}

fn policy_of(principal: &Principal, shelf: &Shelf) -> Result<String, StageError> {
    match (&principal.allow, &principal.policy) {
        (Some(allow), None) => Ok(allow_policy(allow).to_string()),
        (None, Some(file)) => {
            shelf.read(file).map_err(|error| StageError::Script(format!("cannot read policy {file}: {error}")))
        }
        _ => Err(StageError::Script("a principal needs exactly one of allow and policy".into())),
    }
}

fn allow_policy(allow: &OneOrMany) -> Value {
    let actions = match allow {
        OneOrMany::One(action) => vec![action.clone()],
        OneOrMany::Many(actions) => actions.clone(),
    };
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
}

async fn make_user(http: &Http, name: &str, policy: &str) -> Result<Credentials, StageError> {
    let created = http.query("iam", &[("Action", "CreateUser"), ("UserName", name)]).await;
    if let Err(error) = created
        && !error.to_string().contains("EntityAlreadyExists")
    {
        return Err(error);
    }
    let form =
        [("Action", "PutUserPolicy"), ("UserName", name), ("PolicyName", POLICY_NAME), ("PolicyDocument", policy)];
    http.query("iam", &form).await?;
    let answer = http.query("iam", &[("Action", "CreateAccessKey"), ("UserName", name)]).await?;
    let (access_key, secret) = (between(&answer, "AccessKeyId"), between(&answer, "SecretAccessKey"));
    match (access_key, secret) {
        (Some(access_key), Some(secret)) => Ok(Credentials { access_key, secret }),
        _ => Err(StageError::Unreachable("CreateAccessKey answered without a key".into())),
    }
}

async fn run_instance(http: &Http, instance: &str) -> Result<(), StageError> {
    let zone = format!("{}a", http.region());
    let form = [
        ("Action", "RunInstances"),
        ("ImageId", IMAGE),
        ("InstanceType", "t3.micro"),
        ("MinCount", "1"),
        ("MaxCount", "1"),
        ("Placement.AvailabilityZone", &zone),
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "_custom_id_"),
        ("TagSpecification.1.Tag.1.Value", instance),
    ];
    http.query("ec2", &form).await.map(drop)
}

/// The text of the first element of that name. Keys and secrets hold no character that XML escapes.
fn between(xml: &str, name: &str) -> Option<String> {
    let from = xml.split_once(&format!("<{name}>"))?.1;
    from.split_once(&format!("</{name}>")).map(|(text, _)| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_read_out_of_the_answer() {
        let xml =
            "<R><AccessKey><AccessKeyId>AKIA1</AccessKeyId><SecretAccessKey>a/b+c</SecretAccessKey></AccessKey></R>";
        assert_eq!(between(xml, "AccessKeyId").as_deref(), Some("AKIA1"));
        assert_eq!(between(xml, "SecretAccessKey").as_deref(), Some("a/b+c"));
        assert_eq!(between(xml, "Missing"), None);
    }

    #[test]
    fn a_principal_with_both_or_neither_is_refused() {
        let neither = Principal { allow: None, policy: None };
        assert!(policy_of(&neither, &Shelf::Library).is_err());
        let both = Principal { allow: Some(OneOrMany::One("*".into())), policy: Some("p.json".into()) };
        assert!(policy_of(&both, &Shelf::Library).is_err());
    }
}
