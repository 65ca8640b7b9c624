//! DeleteTags: those named; with a value only if the tag has it; all when none is named. A tag that is not there is
//! no error.

use aws_wire::xml::Element;
use serde_json::json;

use super::create_tags::{change, logged_request, present, resources, touch};
use crate::call::Call;
use crate::error::EbsError;
use crate::model::tags::Tags;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    call.note_request(logged_request(call));
    let resources = resources(call)?;
    let touched = resources.iter().map(|id| touch(sim, call, id)).collect::<Result<Vec<_>, _>>()?;
    call.authorize(sim, &touched)?;

    for id in &resources {
        present(sim, call, id)?;
    }
    for id in &resources {
        let doomed = doomed(call);
        change(sim, id, move |tags| forget(tags, &doomed)).await?;
    }
    call.respond(json!({ "_return": true }));
    Ok(Element::new("DeleteTagsResponse").leaf("return", true))
}

type Doomed = Vec<(String, Option<String>)>;

fn doomed(call: &Call<'_>) -> Doomed {
    let tags = call.form.members("Tag");
    tags.iter().map(|tag| (tag.get("Key").unwrap_or_default().into(), tag.get("Value").map(Into::into))).collect()
}

fn forget(tags: &mut Tags, doomed: &Doomed) {
    let named =
        |key: &String, value: &String| doomed.iter().any(|(k, v)| k == key && v.as_ref().is_none_or(|v| v == value));
    tags.retain(|key, value| !doomed.is_empty() && !named(key, value));
}
