//! The language as JSON Schema, for editors. The committed file is `scenarios/schema/scenario.v1.json`.

/// The schema, as it is committed.
pub fn text() -> String {
    let schema = schemars::schema_for!(super::Scenario);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_schema_is_current() {
        expect_test::expect_file!["../../schema/scenario.v1.json"].assert_eq(&super::text());
    }
}
