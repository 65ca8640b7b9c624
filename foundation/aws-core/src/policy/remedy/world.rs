//! The voices of one call, owned, so that a change can be tried on them. Documents are shared until one is changed.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::identity::{IdentityPolicies, NamedPolicy};
use crate::policy::condition::Facts;
use crate::policy::document::{Condition, PolicyDocument, Statement};
use crate::policy::evaluate::{GrantVoice, Question, ResourceVoice, Voices, evaluate};
use crate::policy::explain::Layer;
use crate::policy::remedy::change::{Change, Edit, Place};

/// The names under which KMS shows the encryption context to conditions.
pub(super) const CONTEXT_PREFIX: &str = "kms:EncryptionContext:";
const CONTEXT_KEYS: &str = "kms:EncryptionContextKeys";

/// What the evaluator would hear.
#[derive(Clone)]
pub(super) struct World {
    identity: IdentityPolicies,
    resource: Option<NamedPolicy>,
    grants: Vec<GrantVoice>,
    facts: Facts,
}

impl World {
    pub(super) fn new(question: &Question<'_>, voices: &Voices<'_>) -> Self {
        Self {
            identity: voices.identity.clone(),
            resource: voices.resource.and_then(|voice| voice.policy.cloned()),
            grants: voices.grants.to_vec(),
            facts: question.facts.clone(),
        }
    }

    /// Whether the call is allowed here.
    pub(super) fn allows(&self, question: &Question<'_>, voices: &Voices<'_>) -> bool {
        let resource = voices.resource.map(|voice| ResourceVoice { policy: self.resource.as_ref(), ..voice });
        let question = Question { facts: &self.facts, ..*question };
        evaluate(&question, &Voices { identity: &self.identity, resource, grants: &self.grants }).allowed()
    }

    /// The policies of a layer, in the order in which the evaluator hears them.
    fn policies(&self, layer: Layer) -> &[NamedPolicy] {
        match layer {
            Layer::IdentityPolicy => &self.identity.identity,
            Layer::PermissionsBoundary => self.identity.boundary.as_slice(),
            Layer::SessionPolicy => &self.identity.session,
            Layer::ResourcePolicy => self.resource.as_slice(),
            Layer::AccountRoot | Layer::Grant => &[],
        }
    }

    fn policies_mut(&mut self, layer: Layer) -> &mut [NamedPolicy] {
        match layer {
            Layer::IdentityPolicy => &mut self.identity.identity,
            Layer::PermissionsBoundary => self.identity.boundary.as_mut_slice(),
            Layer::SessionPolicy => &mut self.identity.session,
            Layer::ResourcePolicy => self.resource.as_mut_slice(),
            Layer::AccountRoot | Layer::Grant => &mut [],
        }
    }

    /// Every statement with its place, in the order of [`Explanation::considered`](crate::policy::explain::Explanation).
    pub(super) fn statements(&self) -> impl Iterator<Item = (Place, &NamedPolicy, &Statement)> {
        let layers = [Layer::IdentityPolicy, Layer::PermissionsBoundary, Layer::SessionPolicy, Layer::ResourcePolicy];
        let policies = layers.into_iter().flat_map(|layer| {
            self.policies(layer).iter().enumerate().map(move |(policy, named)| (layer, policy, named))
        });
        policies.flat_map(|(layer, policy, named)| {
            let places = move |statement| Place { layer, policy, statement };
            let statements = named.document.statements.iter().enumerate();
            statements.map(move |(index, statement)| (places(index), named, statement))
        })
    }

    /// Whether the caller has a boundary, or a session policy.
    pub(super) fn has(&self, layer: Layer) -> bool {
        !self.policies(layer).is_empty()
    }

    pub(super) fn with_all(&self, edits: &[Edit]) -> Self {
        edits.iter().fold(self.clone(), |world, edit| world.with(edit))
    }

    pub(super) fn with(&self, edit: &Edit) -> Self {
        let mut world = self.clone();
        match &edit.change {
            Change::AddStatement { addition } => world.add(edit.place.layer, addition),
            Change::CreateGrant { direct, .. } => world.grants.push(GrantVoice {
                id: "a new grant".into(),
                fits: Ok(()),
                cross_account: true,
                direct: *direct,
            }),
            Change::SendContext { context } => world.send(context),
            change => world.edit(edit.place, change),
        }
        world
    }

    fn add(&mut self, layer: Layer, statement: &Value) {
        let document = PolicyDocument::from_value(&json!({ "Version": "2012-10-17", "Statement": [statement] }));
        let document = document.expect("candidates are well-formed statements");
        let new = NamedPolicy { name: "a new policy".into(), document: Arc::new(document) };
        match layer {
            Layer::IdentityPolicy => self.identity.identity.push(new),
            Layer::SessionPolicy => self.identity.session.push(new),
            Layer::PermissionsBoundary => extend(&mut self.identity.boundary, new),
            Layer::ResourcePolicy => extend(&mut self.resource, new),
            Layer::AccountRoot | Layer::Grant => {}
        }
    }

    fn send(&mut self, context: &[(String, String)]) {
        let mut names = self.facts.get(CONTEXT_KEYS).unwrap_or_default().to_vec();
        for (name, value) in context {
            self.facts.set(&format!("{CONTEXT_PREFIX}{name}"), value);
            names.push(name.clone());
        }
        self.facts.set_all(CONTEXT_KEYS, names);
    }

    fn edit(&mut self, place: Place, change: &Change) {
        let Some(policy) = self.policies_mut(place.layer).get_mut(place.policy) else { return };
        if let Some(statement) = Arc::make_mut(&mut policy.document).statements.get_mut(place.statement) {
            rewrite(statement, change);
        }
    }
}

/// A policy of which there is one at most: the statement joins it.
fn extend(policy: &mut Option<NamedPolicy>, new: NamedPolicy) {
    match policy {
        Some(policy) => {
            let statements = new.document.statements.iter().cloned();
            Arc::make_mut(&mut policy.document).statements.extend(statements);
        }
        None => *policy = Some(new),
    }
}

fn rewrite(statement: &mut Statement, change: &Change) {
    match change {
        Change::NamePrincipal { principal, service } => {
            let clause = statement.principal.get_or_insert_default();
            if *service { &mut clause.service } else { &mut clause.aws }.push(principal.clone());
        }
        Change::WidenCondition { operator, key, values } => {
            let own = statement.conditions.iter_mut().find(|own| own.operator == *operator && own.key == *key);
            own.into_iter().for_each(|own| own.values.extend(values.iter().cloned()));
        }
        Change::DropCondition { operator, key } => {
            statement.conditions.retain(|own| own.operator != *operator || own.key != *key);
        }
        Change::SpareCaller { operator, key, value } => statement.conditions.push(Condition {
            operator: operator.clone(),
            key: key.clone(),
            values: vec![value.clone()],
        }),
        // Without an Action it is without effect; it stays where it is, so that the places of others stay right.
        Change::RemoveStatement => statement.action = None,
        Change::AddStatement { .. } | Change::CreateGrant { .. } | Change::SendContext { .. } => {}
    }
}
