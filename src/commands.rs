//! Small commands that ask a running server: `env`, `health`, `hsm`, `keys`, `why`.

use std::io::Write;
use std::process::ExitCode;

use serde_json::Value;

use crate::exit::{UNREACHABLE, coded};
use crate::flags::{Endpoint, HsmVerb, ReadFlags, WhyFlags};

/// `eval "$(sse-sim env)"`
pub fn env(endpoint: &Endpoint) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "export AWS_ENDPOINT_URL={}", endpoint.endpoint)?;
    writeln!(out, "export AWS_ACCESS_KEY_ID=000000000000")?;
    writeln!(out, "export AWS_SECRET_ACCESS_KEY=sse-sim")?;
    writeln!(out, "export AWS_DEFAULT_REGION=us-east-1")?;
    writeln!(out, "export AWS_EC2_METADATA_DISABLED=true")?;
    writeln!(out, "export AWS_PAGER=")?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the health page.
pub async fn health(endpoint: &Endpoint) -> anyhow::Result<ExitCode> {
    let page = get(endpoint, "/_sim/health").await?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&page)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Looks at the HSMs, tampers with one, or restores them; then prints how they are, one line each.
pub async fn hsm(verb: &HsmVerb) -> anyhow::Result<ExitCode> {
    let (page, flags) = match verb {
        HsmVerb::Status(read) => (get(&read.endpoint, "/_sim/hsm").await?, read),
        HsmVerb::Tamper { number, read } => (post(&read.endpoint, &format!("/_sim/hsm/{number}/tamper")).await?, read),
        HsmVerb::Restore(read) => (post(&read.endpoint, "/_sim/hsm/restore").await?, read),
    };
    let mut out = std::io::stdout().lock();
    if flags.json {
        writeln!(out, "{page}")?;
        return Ok(ExitCode::SUCCESS);
    }
    for hsm in page["hsms"].as_array().into_iter().flatten() {
        let since = hsm["wipedSince"].as_str().map(|since| format!(" since {since}")).unwrap_or_default();
        writeln!(out, "hsm {}  {}{since}", hsm["number"], text(&hsm["state"]))?;
    }
    for cluster in page["clusters"].as_array().into_iter().flatten() {
        writeln!(out, "cluster {}  {} HSMs", text(&cluster["cluster"]), cluster["hsms"])?;
    }
    let service = if page["available"] == true { "keys are available" } else { "keys are unavailable until a restore" };
    writeln!(out, "{service}")?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the ledger: one line per key and place.
pub async fn keys(flags: &ReadFlags) -> anyhow::Result<ExitCode> {
    let ledger = get(&flags.endpoint, "/_sim/keys").await?;
    let mut out = std::io::stdout().lock();
    if flags.json {
        writeln!(out, "{ledger}")?;
        return Ok(ExitCode::SUCCESS);
    }
    for (subject, places) in ledger["subjects"].as_object().into_iter().flatten() {
        for (place, standing) in places.as_object().into_iter().flatten() {
            writeln!(out, "{subject:<44} {place:<18} {}", form(&standing["form"]))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn form(form: &Value) -> String {
    match form["wrapped"]["by"].as_str() {
        Some(by) => format!("wrapped by {by}"),
        None => "PLAINTEXT".into(),
    }
}

/// Prints the decision behind a call: the verdict, then every voice that was heard.
pub async fn why(flags: &WhyFlags) -> anyhow::Result<ExitCode> {
    let page = get(&flags.read.endpoint, &format!("/_sim/why/{}", flags.event_id)).await?;
    let mut out = std::io::stdout().lock();
    if flags.read.json {
        writeln!(out, "{page}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let decision = &page["decision"];
    writeln!(out, "{} asked for {}", text(&decision["principal"]), text(&decision["action"]))?;
    writeln!(out, "on {}", text(&decision["resource"]))?;
    writeln!(out, "→ {} ({})", text(&decision["verdict"]["verdict"]), text(&decision["verdict"]["layer"]))?;
    for voice in decision["considered"].as_array().into_iter().flatten() {
        let contribution = &voice["contribution"];
        let because = contribution["because"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
        let (layer, source) = (text(&voice["layer"]), text(&voice["source"]));
        let (statement, said) = (text(&voice["statement"]), text(&contribution["said"]));
        writeln!(out, "  {layer:<20} {source} {statement} {said}{because}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// Reads a page of the control plane.
pub(crate) async fn get(endpoint: &Endpoint, path: &str) -> anyhow::Result<Value> {
    ask(endpoint, reqwest::Method::GET, path).await
}

/// Has the control plane do something that needs no further words.
async fn post(endpoint: &Endpoint, path: &str) -> anyhow::Result<Value> {
    ask(endpoint, reqwest::Method::POST, path).await
}

async fn ask(endpoint: &Endpoint, method: reqwest::Method, path: &str) -> anyhow::Result<Value> {
    let base = endpoint.endpoint.trim_end_matches('/');
    let sent = reqwest::Client::new().request(method, format!("{base}{path}")).send().await;
    let answer = sent.map_err(|error| {
        let cause = if error.is_connect() { "nothing answers there" } else { "the answer broke off" };
        coded(
            UNREACHABLE,
            format!(
                "{base} is unreachable: {cause}.\nStart a server with `sse-sim up`, or name one with --endpoint URL."
            ),
        )
    })?;
    let refused = !answer.status().is_success();
    let page: Value = serde_json::from_slice(&answer.bytes().await?)?;
    match page["error"].as_str().filter(|_| refused) {
        Some(error) => anyhow::bail!("{error}"),
        None => Ok(page),
    }
}
