//! The stage: a KMS in memory, a clock that stands, seeded randomness, and a small cast.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_core::arn::Arn;
use aws_core::call::{CallContext, Via};
use aws_core::event::{ApiCall, Event, MemorySink, ServiceEvent};
use aws_core::id::{AccountId, Region};
use aws_core::identity::{Credential, Identities, IdentityPolicies, NamedPolicy};
use aws_core::policy::document::PolicyDocument;
use aws_core::principal::{Caller, Principal};
use aws_core::time::{ManualClock, SignedDuration};
use aws_wire::service::JsonService;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use envelope::entropy::SeededEntropy;
use envelope::secret::Secret;
use kms_api::world::World;
use serde_json::{Map, Value, json};

use crate::KmsSim;

pub(super) const ACCOUNT: &str = "111122223333";
pub(super) const STRANGE_ACCOUNT: &str = "444455556666";

/// The cast. `alice` may do everything IAM can allow; `bob` has no policy; `carol` may create keys and describe them.
pub(super) struct Cast {
    policies: BTreeMap<&'static str, &'static str>,
}

impl Default for Cast {
    fn default() -> Self {
        let all = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
        let some = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kms:CreateKey","kms:DescribeKey"],"Resource":"*"}}"#;
        Self { policies: BTreeMap::from([("alice", all), ("carol", some), ("dev", all), ("sam", all)]) }
    }
}

impl Identities for Cast {
    fn credential(&self, _access_key_id: &str) -> Option<Credential> {
        None
    }

    fn policies(&self, caller: &Caller) -> IdentityPolicies {
        let name = match &caller.principal {
            Principal::User { name, .. } | Principal::AssumedRole { role: name, .. } => name.as_str(),
            Principal::Root { .. } | Principal::Service { .. } => return IdentityPolicies::default(),
        };
        let document = self.policies.get(name).map(|text| Arc::new(PolicyDocument::parse(text).unwrap()));
        let identity = document.map(|document| NamedPolicy { name: format!("policy of {name}"), document });
        IdentityPolicies { identity: identity.into_iter().collect(), ..IdentityPolicies::default() }
    }

    fn principal_exists(&self, arn: &Arn) -> bool {
        let known = ["root", "user/alice", "user/bob", "user/carol", "role/dev", "assumed-role/dev/ann"];
        arn.account != ACCOUNT || known.contains(&arn.resource.as_str())
    }

    fn unique_id(&self, _arn: &Arn) -> Option<String> {
        None
    }
}

pub(super) struct Stage {
    runtime: tokio::runtime::Runtime,
    pub(super) kms: Arc<KmsSim>,
    pub(super) world: World,
    pub(super) sink: Arc<MemorySink>,
    store: ::store::Store,
    clock: Arc<ManualClock>,
    ctx: CallContext,
    named: BTreeMap<String, String>,
}

impl Stage {
    pub(super) fn new() -> Self {
        let sink = Arc::new(MemorySink::default());
        let clock = Arc::new(ManualClock::at("2026-01-15T09:00:00Z".parse().unwrap()));
        let world = World {
            identities: Arc::new(Cast::default()),
            sink: sink.clone(),
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(7)),
        };
        let store = ::store::Store::in_memory();
        let kms = KmsSim::open(store.clone(), world.clone(), root_key()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ctx = context("root");
        Self { runtime, kms, world, sink, store, clock, ctx, named: BTreeMap::new() }
    }

    /// Plays a story and tells what its last step answered.
    pub(super) fn play(&mut self, story: &str) -> String {
        story.split(';').map(|step| self.step(step.trim())).last().unwrap_or_default()
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    pub(super) fn ctx(&self) -> &CallContext {
        &self.ctx
    }

    pub(super) fn named(&self, name: &str) -> &str {
        &self.named[name]
    }

    fn step(&mut self, step: &str) -> String {
        let mut words = step.split_whitespace();
        let (verb, rest): (&str, Vec<&str>) = (words.next().unwrap(), words.collect());
        match verb {
            "as" => self.ctx = context(rest[0]),
            "in" => self.ctx.region = Region::parse(rest[0]).unwrap(),
            "through" => self.ctx.via = Some(through(rest[0])),
            "behalf" => {
                let scope = Some(rest[0].to_owned());
                self.ctx.via = Some(Via { in_scope_of_instance: scope, ..through("ec2") });
            }
            "days" => self.clock.advance(SignedDuration::from_hours(24 * rest[0].parse::<i64>().unwrap())),
            "minutes" => self.clock.advance(SignedDuration::from_mins(rest[0].parse().unwrap())),
            "tick" => self.block_on(self.kms.tick()),
            "tamper" => drop(self.block_on(self.kms.hsm_tamper(rest[0].parse().unwrap())).unwrap()),
            "bring-backup" => drop(self.block_on(self.kms.hsm_restore(root_key())).unwrap()),
            "restart" => self.kms = KmsSim::open(self.store.clone(), self.world.clone(), root_key()).unwrap(),
            _ => return self.operation(verb, &rest),
        }
        String::new()
    }

    fn operation(&mut self, verb: &str, words: &[&str]) -> String {
        let (wanted, words): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with('.'));
        let request = self.request(verb, &words);
        match self.call(verb, &request) {
            Ok(answer) => self.remember_and_tell(&answer, &wanted),
            Err(fault) => self.anonymous(&format!(
                "{} {}{}",
                fault.code,
                fault.status,
                fault.message.map(|m| format!(": {m}")).unwrap_or_default()
            )),
        }
    }

    pub(super) fn call(&self, verb: &str, request: &Value) -> Result<Value, aws_core::fault::ApiFault> {
        let body = serde_json::to_vec(request).unwrap();
        let answer = self.block_on(self.kms.call(&self.ctx, &pascal(verb), &body))?;
        Ok(if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() })
    }

    /// The same from inside a future that the stage is already running.
    pub(super) fn call_blocking(&self, verb: &str, request: &Value) -> Result<Value, aws_core::fault::ApiFault> {
        let (kms, ctx, operation) = (self.kms.clone(), self.ctx.clone(), pascal(verb));
        let body = serde_json::to_vec(request).unwrap();
        let elsewhere = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(kms.call(&ctx, &operation, &body))
        });
        elsewhere.join().unwrap().map(|_| Value::Null)
    }

    fn request(&self, verb: &str, words: &[&str]) -> Value {
        let mut members = Map::new();
        let mut context = Map::new();
        for word in words {
            if let Some((name, value)) = word.split_once('=').filter(|(n, _)| n.starts_with(char::is_uppercase)) {
                members.insert(name.into(), self.value(value));
            } else if word.contains(':') && !word.starts_with("alias/") && !word.starts_with("arn:") {
                let (name, value) = word.split_once(':').unwrap();
                context.insert(name.into(), value.into());
            } else {
                self.subject(verb, word, &mut members);
            }
        }
        if !context.is_empty() {
            members.insert("EncryptionContext".into(), Value::Object(context));
        }
        if wants_key(verb) && !members.contains_key("KeyId") {
            members.insert("KeyId".into(), self.named.get("key").cloned().unwrap_or_default().into());
        }
        members.retain(|_, value| *value != json!("-"));
        Value::Object(members)
    }

    /// The one thing that an operation is about.
    fn subject(&self, verb: &str, word: &str, members: &mut Map<String, Value>) {
        let word = self.text(word);
        match verb {
            "encrypt" => members.insert("Plaintext".into(), STANDARD.encode(word).into()),
            "decrypt" | "re-encrypt" => members.insert("CiphertextBlob".into(), word.into()),
            "create-alias" | "update-alias" => {
                members.entry("TargetKeyId").or_insert_with(|| self.named["key"].clone().into());
                members.insert("AliasName".into(), word.into())
            }
            "delete-alias" => members.insert("AliasName".into(), word.into()),
            _ => members.insert("KeyId".into(), word.into()),
        };
    }

    fn value(&self, text: &str) -> Value {
        let text = self.text(text);
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    fn text(&self, text: &str) -> String {
        let longest_first = self.named.iter().rev();
        longest_first.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
    }

    fn remember_and_tell(&mut self, answer: &Value, wanted: &[&str]) -> String {
        self.remember(answer);
        if !wanted.is_empty() {
            let members = wanted.iter().map(|path| member(answer, path));
            return self.anonymous(&members.collect::<Vec<_>>().join(" "));
        }
        match answer.get("Plaintext").and_then(Value::as_str) {
            Some(plaintext) => String::from_utf8(STANDARD.decode(plaintext).unwrap()).unwrap_or("(bytes)".into()),
            None => "ok".into(),
        }
    }

    fn remember(&mut self, answer: &Value) {
        if let Some(id) = answer.pointer("/KeyMetadata/KeyId").and_then(Value::as_str)
            && let Some(before) = self.named.insert("key".into(), id.into()).filter(|before| before != id)
        {
            self.named.insert("was-key".into(), before);
        }
        for (name, path) in
            [("last", "/CiphertextBlob"), ("grant", "/GrantId"), ("token", "/GrantToken"), ("marker", "/NextMarker")]
        {
            if let Some(text) = answer.pointer(path).and_then(Value::as_str) {
                self.named.insert(name.into(), text.into());
            }
        }
    }

    /// Replaces what differs from seed to seed by what it is.
    fn anonymous(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, word) in [("key", "KEY"), ("was-key", "OTHER"), ("grant", "GRANT")] {
            let Some(id) = self.named.get(name).filter(|id| !id.is_empty()) else { continue };
            text = text.replace(&format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{id}"), word).replace(id, word);
        }
        text
    }

    pub(super) fn calls(&self) -> Vec<ApiCall> {
        let calls = self.sink.events().into_iter().filter_map(|event| match event {
            Event::Api(call) => Some(*call),
            Event::Service(_) | Event::KeyPlaced(_) | Event::KeyDropped(_) => None,
        });
        calls.collect()
    }

    pub(super) fn service_events(&self) -> Vec<ServiceEvent> {
        let events = self.sink.events().into_iter().filter_map(|event| match event {
            Event::Service(event) => Some(*event),
            Event::Api(_) | Event::KeyPlaced(_) | Event::KeyDropped(_) => None,
        });
        events.collect()
    }
}

fn member(answer: &Value, path: &str) -> String {
    match answer.pointer(&path.replace('.', "/")) {
        None => "absent".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn root_key() -> Secret {
    Secret::copied(&[42; 32])
}

fn wants_key(verb: &str) -> bool {
    const WITHOUT: &[&str] = &[
        "create-key",
        "decrypt",
        "re-encrypt",
        "create-alias",
        "update-alias",
        "delete-alias",
        "list-aliases",
        "list-keys",
        "generate-random",
        "retire-grant",
    ];
    !WITHOUT.contains(&verb)
}

fn pascal(kebab: &str) -> String {
    kebab.split('-').map(|word| format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..])).collect()
}

/// A caller by name: `root`, `stranger` (another account's root), `sam` (a user there), `dev/ann` (a session), or a user.
pub(super) fn context(name: &str) -> CallContext {
    let home = AccountId::parse(ACCOUNT).unwrap();
    let away = AccountId::parse(STRANGE_ACCOUNT).unwrap();
    let user = |account, name: &str| Principal::User {
        account,
        id: "AIDAEXAMPLEEXAMPLE".into(),
        path: "/".into(),
        name: name.into(),
    };
    let principal = match name {
        "root" => Principal::Root { account: home },
        "stranger" => Principal::Root { account: away },
        "sam" => user(away, "sam"),
        "ec2" => Principal::Service { account: home, name: "ec2.us-east-1.amazonaws.com".into() },
        _ => match name.split_once('/') {
            None => user(home, name),
            Some((role, session)) => Principal::AssumedRole {
                account: home,
                role_id: "AROAEXAMPLEEXAMPLE".into(),
                path: "/".into(),
                role: role.into(),
                session: session.into(),
            },
        },
    };
    CallContext::local(principal, Region::default_region(), "00000000-0000-4000-8000-000000000001")
}

/// Through EC2 or S3, as the caller's forward access session.
fn through(service: &str) -> Via {
    Via {
        via_service: Some(format!("{service}.us-east-1.amazonaws.com")),
        invoked_by: if service == "ec2" { "ec2-frontend-api.amazonaws.com" } else { "fas.s3.amazonaws.com" }.into(),
        for_aws_resource: service == "ec2",
        in_scope_of_instance: None,
    }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
