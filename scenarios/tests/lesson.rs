//! A lesson from end to end, against a stand-in for the server that knows one story and a stand-in for the aws-cli.

#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use scenarios::{Options, Outcome, run};
use serde_json::json;

/// Answers every request of the runner; a step's calls appear in the trail once `aws` ran.
fn stand_in(marker: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            answer(stream, &marker);
        }
    });
    endpoint
}

fn answer(stream: TcpStream, marker: &Path) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_ascii_lowercase());
        }
        let length =
            head.iter().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let text = reply(&head, &String::from_utf8(body).unwrap(), marker);
        let out = reader.get_mut();
        write!(out, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()).unwrap();
    }
}

fn reply(head: &[String], body: &str, marker: &Path) -> String {
    let line = &head[0];
    let target = head.iter().find_map(|line| line.strip_prefix("x-amz-target: "));
    match target {
        Some("trentservice.listkeys") => return json!({"Keys": [{"KeyId": "k-1"}]}).to_string(),
        Some(_) => return json!({"Grants": []}).to_string(),
        None => {}
    }
    if line.contains("/_sim/events") {
        return events(line.contains("since=0 "), marker.exists()).to_string();
    }
    if line.contains("/_sim/keys") {
        return json!({"subjects": {"kms/k-1": {"hsm": {"form": "plaintext", "copies": 1}}}}).to_string();
    }
    if body.contains("Action=CreateAccessKey") {
        return "<R><AccessKeyId>AKIATEST</AccessKeyId><SecretAccessKey>s</SecretAccessKey></R>".into();
    }
    "{}".into()
}

/// One call, CreateKey by the user `admin`, at ordinal 0.
fn events(from_start: bool, happened: bool) -> serde_json::Value {
    if !(from_start && happened) {
        return json!({"next": u64::from(happened), "events": []});
    }
    let caller = json!({"principal": {"User": {"account": "111122223333", "id": "AIDA", "path": "/", "name": "admin"}}, "access_key_id": "AKIATEST", "session": null});
    let context = json!({"caller": caller, "region": "us-east-1", "request_id": "r", "source_ip": "127.0.0.1", "user_agent": "a", "host": "h", "secure": false, "via": null});
    let call = json!({
        "kind": "api", "ordinal": 0, "eventId": "e", "time": "2026-01-15T09:00:00Z", "source": "kms.amazonaws.com",
        "name": "CreateKey", "context": context, "readOnly": false, "management": true,
        "requestParameters": {"keySpec": "SYMMETRIC_DEFAULT"}, "responseElements": null, "additionalEventData": null,
        "resources": [], "error": null, "sharedEventId": null, "decision": null,
    });
    json!({"next": 1, "events": [call]})
}

const LESSON: &str = r#"
scenario: key
title: A key is born
world:
  principals:
    admin: {allow: "*"}
steps:
  - id: create
    title: Create it
    as: admin
    run: aws kms create-key
    capture: {KEY: KeyMetadata.KeyId}
    expect:
      result: {KeyMetadata.KeyState: Enabled}
      trail: [{event: CreateKey, by: admin, request.keySpec: {like: SYMM*}}]
      keys: {kms/$KEY: {hsm: plaintext, elsewhere: absent}}
      grants: {count: 0}
      why: {decision: allowed}
  - id: use
    title: Its name is a variable now
    run: echo "$KEY $AWS_ACCESS_KEY_ID"
    expect: {stdout: "k-1 AKIATEST", trail: []}
cleanup:
  - test "$AWS_ACCESS_KEY_ID" = 111122223333
"#;

/// Runs a lesson with the stand-ins, and gives its outcome and what was told.
async fn play(yaml: &str, options: Options) -> (Outcome, String) {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("aws-ran");
    let printed = r#"{"KeyMetadata": {"KeyId": "k-1", "KeyState": "Enabled"}}"#;
    script(&folder.path().join("aws"), &format!("touch {}; echo '{printed}'", marker.display()));
    let file = folder.path().join("key.scenario.yaml");
    std::fs::write(&file, yaml).unwrap();
    let target = Some(stand_in(marker));
    let options = Options { server_exe: folder.path().join("sse-sim"), target, ..options };
    script(&options.server_exe, "exit 1");
    let mut told = Vec::new();
    let outcome = run(&[file], &options, &mut told).await.unwrap();
    (outcome, String::from_utf8(told).unwrap())
}

fn script(path: &Path, text: &str) {
    std::fs::write(path, format!("#!/bin/bash\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_lesson_that_goes_well_is_told_as_a_story() {
    let (outcome, told) = play(LESSON, Options { narrate: true, ..Options::default() }).await;
    assert_eq!(outcome, Outcome::Passed, "{told}");
    for part in
        ["A key is born", "$ aws kms create-key", "KEY = k-1", "admin ──▶ kms  CreateKey", "● PLAINTEXT", "not checked"]
    {
        assert!(told.contains(part), "{part:?} is missing in:\n{told}");
    }
}

#[tokio::test]
async fn a_false_expectation_fails_the_lesson_and_shows_what_was_seen() {
    let (outcome, told) = play(&LESSON.replace("stdout: \"k-1 AKIATEST\"", "stdout: other"), Options::default()).await;
    assert_eq!(outcome, Outcome::Failed);
    assert!(told.contains("use: stdout: what is printed is other; saw k-1 AKIATEST"), "{told}");
}

#[tokio::test]
async fn steps_after_a_broken_command_do_not_run_but_clean_up_does() {
    let yaml = LESSON.replace("run: aws kms create-key", "run: 'false'").replace("test \"$AWS", "exit 7; test \"$AWS");
    let (outcome, told) = play(&yaml, Options { json: true, ..Options::default() }).await;
    assert_eq!(outcome, Outcome::Failed);
    let line: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(line["checks"]["stepsSkipped"], 1);
    assert_eq!(line["steps"].as_array().unwrap().len(), 1);
    assert_eq!(line["leftBehind"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_is_no_scenario_is_refused_before_anything_runs() {
    let (outcome, told) =
        play(&LESSON.replace("capture:", "captrue:"), Options { narrate: true, ..Options::default() }).await;
    assert_eq!(outcome, Outcome::Usage);
    assert!(told.contains("captrue") && told.contains("key.scenario.yaml:12"), "{told}");
}

#[tokio::test]
async fn nobody_at_the_target_is_unreachable_and_an_exe_without_fuse_is_a_missing_capability() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.scenario.yaml");
    std::fs::write(&file, LESSON).unwrap();
    script(&folder.path().join("aws"), "exit 1");
    script(&folder.path().join("sse-sim"), "echo no fuse here >&2; exit 3");
    let exe = folder.path().join("sse-sim");
    let mut told = Vec::new();
    let nobody = Options { server_exe: exe.clone(), target: Some("http://127.0.0.1:1".into()), ..Options::default() };
    assert_eq!(run(std::slice::from_ref(&file), &nobody, &mut told).await.unwrap(), Outcome::Unreachable);
    let private = Options { server_exe: exe, ..Options::default() };
    assert_eq!(run(&[file], &private, &mut told).await.unwrap(), Outcome::Missing);
    assert!(String::from_utf8(told).unwrap().contains("no fuse here"));
}
