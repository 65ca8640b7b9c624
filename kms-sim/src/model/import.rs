//! Imported key material: what an import may bring, and where it goes.
//!
//! ```text
//! the first of all     ──▶ current at once
//! new                  ──▶ pending, until a rotation on demand makes it current
//! a name that is known ──▶ back into its place: current, earlier or pending
//! ```
//!
//! The name of imported material follows from the key's id and its bytes, so that only the same bytes bear it.

use kms_api::error::KmsError;

use super::backing_key::{BackingKey, MaterialId};
use super::key::{Key, KeyOrigin};
use super::key_state::Happening;
use super::purpose::KeySpec;

/// Whether an import brings what the key has not seen yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportType {
    /// NEW_KEY_MATERIAL
    New,
    /// EXISTING_KEY_MATERIAL
    Existing,
}

impl ImportType {
    /// Reads AWS's word.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "NEW_KEY_MATERIAL" => Some(Self::New),
            "EXISTING_KEY_MATERIAL" => Some(Self::Existing),
            _ => None,
        }
    }
}

impl Key {
    /// Only keys whose material is imported can be imported to.
    pub fn check_imported(&self) -> Result<(), KmsError> {
        match self.origin {
            KeyOrigin::External => Ok(()),
            origin => Err(KmsError::UnsupportedOperation(Some(format!(
                "{} origin is {} which is not valid for this operation.",
                self.arn,
                origin.name()
            )))),
        }
    }

    /// Material that came is complete again, perhaps: then the key can be used.
    fn material_came(&mut self) {
        if self.is_complete() {
            self.state = self.state.on(Happening::MaterialComplete).unwrap_or(self.state);
        }
    }
}

/// Puts material where it belongs. What the caller says about it must be true.
pub fn accept(
    key: &mut Key,
    material: BackingKey,
    kind: Option<ImportType>,
    named: Option<&str>,
) -> Result<(), KmsError> {
    let first = key.all_materials().next().is_none();
    if key.purpose.spec != KeySpec::SymmetricDefault {
        return accept_only(key, material, kind.is_some() || named.is_some());
    }
    match kind.unwrap_or(if first { ImportType::New } else { ImportType::Existing }) {
        ImportType::New if named.is_some() => Err(KmsError::Validation(
            "A KeyMaterialId cannot be specified when the ImportType is NEW_KEY_MATERIAL".into(),
        )),
        ImportType::New => accept_new(key, material),
        ImportType::Existing => accept_existing(key, material, named),
    }
}

/// Keys that do not rotate have one material for life.
fn accept_only(key: &mut Key, material: BackingKey, said_more: bool) -> Result<(), KmsError> {
    if said_more || material.description.is_some() {
        return Err(KmsError::Validation(
            "ImportType, KeyMaterialId and KeyMaterialDescription can be specified for symmetric encryption keys only."
                .into(),
        ));
    }
    match key.materials.is_empty() {
        true => accept_new(key, material),
        false => accept_existing(key, material, None),
    }
}

fn accept_new(key: &mut Key, material: BackingKey) -> Result<(), KmsError> {
    if key.is_replica() {
        key.check_primary()?;
    }
    let (id, arn) = (material.id, &key.arn);
    if key.material(id).is_some() {
        return Err(KmsError::IncorrectKeyMaterial(format!(
            "New key material (id: {id}) cannot be imported into KMS key {arn}, because it is already associated with it."
        )));
    }
    match &key.pending {
        Some(other) if other.id != id => {
            let other = other.id;
            return Err(KmsError::KmsInvalidState(format!(
                "New key material (id: {id}) cannot be imported into KMS key {arn}, because another key material (id: \
                 {other}) is pending rotation."
            )));
        }
        Some(_) | None => {}
    }
    match key.materials.is_empty() {
        true => key.materials.push(material),
        false => key.pending = Some(material),
    }
    key.material_came();
    Ok(())
}

fn accept_existing(key: &mut Key, material: BackingKey, named: Option<&str>) -> Result<(), KmsError> {
    let id = material.id;
    let expected = named.map(str::to_owned).or_else(|| expected(key).map(|id| id.to_string())).unwrap_or_default();
    let place = key.materials.iter_mut().chain(&mut key.pending).find(|known| known.id == id);
    let Some(place) = place.filter(|_| named.is_none_or(|named| named == id.to_string())) else {
        return Err(KmsError::IncorrectKeyMaterial(format!(
            "Imported key material does not have the expected identifier ({expected})."
        )));
    };
    place.description = material.description.or(place.description.take());
    (place.wrapped, place.valid_to) = (material.wrapped, material.valid_to);
    key.material_came();
    Ok(())
}

/// What would be most useful: the newest material that is away, else the current one.
fn expected(key: &Key) -> Option<MaterialId> {
    let away = key.materials.iter().rev().find(|material| !material.is_present());
    away.or(key.materials.last()).map(|material| material.id)
}
