//! Credentials and region as aws-cli reads them from the environment.

use aws_credential_types::Credentials;

/// The region of a caller who names none.
const DEFAULT_REGION: &str = "us-east-1";

/// What the environment says; `None` without an access key and its secret.
pub fn from_environment() -> Option<(Credentials, String)> {
    let key = variable("AWS_ACCESS_KEY_ID")?;
    let secret = variable("AWS_SECRET_ACCESS_KEY")?;
    Some((Credentials::new(key, secret, variable("AWS_SESSION_TOKEN"), None, "environment"), region()))
}

/// The root of the default account: a key that IAM never issued and an open server does not check.
pub fn of_default_root() -> (Credentials, String) {
    (Credentials::new("000000000000", "sse-sim", None, None, "default"), region())
}

fn region() -> String {
    variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).unwrap_or_else(|| DEFAULT_REGION.into())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
