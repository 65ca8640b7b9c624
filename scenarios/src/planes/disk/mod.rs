//! The bytes at rest: the server says which files, the runner reads them itself.
//!
//! Only the sectors in use count: a volume's file is mostly holes, and a hole says nothing.

mod dump;
mod scan;

use std::path::{Path, PathBuf};

use base64::Engine;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::script::expect::DiskExpect;
use crate::script::variables::Variables;
use crate::stage::StageError;
use crate::stage::http::Http;

use super::Check;

/// Some bytes at rest, to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dump {
    /// What they are.
    pub title: String,
    /// Lines as `hexdump -C` prints them.
    pub lines: Vec<String>,
}

/// The files (and the row) in which a subject's bytes lie.
#[derive(Debug, Default, Deserialize)]
struct Resting {
    #[serde(default)]
    files: Vec<PathBuf>,
    #[serde(default)]
    inline: Option<String>,
}

impl Resting {
    fn inline_bytes(&self) -> Result<Option<Vec<u8>>, String> {
        let engine = base64::engine::general_purpose::STANDARD;
        let decode = |text: &String| engine.decode(text).map_err(|error| format!("inline bytes: {error}"));
        self.inline.as_ref().map(decode).transpose()
    }
}

/// Judges the bytes of one subject, and cuts out those to be shown. `work` is where mounted files are looked for.
pub async fn check(
    subject: &str,
    expect: &DiskExpect,
    http: &Http,
    work: &Path,
    variables: &Variables,
) -> (Vec<Check>, Option<Dump>) {
    let looked = look(subject, expect, http, work, variables).await;
    looked.unwrap_or_else(|why| (vec![Check::broken("disk", subject, why)], None))
}

async fn look(
    subject: &str,
    expect: &DiskExpect,
    http: &Http,
    work: &Path,
    variables: &Variables,
) -> Result<(Vec<Check>, Option<Dump>), String> {
    let subject = variables.fill(subject).map_err(|name| format!("nobody captured ${name}"))?;
    let resting = resting(http, &subject).await.map_err(|error| error.to_string())?;
    judge(&subject, expect, &resting, work, variables)
}

async fn resting(http: &Http, subject: &str) -> Result<Resting, StageError> {
    let escaped = percent_encoding::utf8_percent_encode(subject, percent_encoding::NON_ALPHANUMERIC);
    let path = format!("/_sim/disk?subject={escaped}");
    let value = http.control(&path).await?;
    serde_json::from_value(value)
        .map_err(|error| StageError::Unreachable(format!("{path} is not as expected: {error}")))
}

fn judge(
    subject: &str,
    expect: &DiskExpect,
    resting: &Resting,
    work: &Path,
    variables: &Variables,
) -> Result<(Vec<Check>, Option<Dump>), String> {
    let wanted = texts(expect, variables)?;
    let needles: Vec<&[u8]> = wanted.iter().map(|(text, _)| text.as_bytes()).collect();
    let scan = scan::scan(resting, &needles)?;
    let stored = scan.used_bytes > 0;
    let mut checks = vec![Check::decided("disk", format!("{subject} has bytes at rest"), stored, "nothing is stored")];
    for ((text, present), found) in wanted.iter().zip(&scan.found) {
        checks.push(text_check(subject, text, *present, *found));
    }
    if let Some(matcher) = &expect.entropy {
        let bits = Value::from((scan.entropy() * 1000.0).round() / 1000.0);
        checks.push(Check::of("disk", &format!("{subject} entropy in bits per byte"), matcher, Some(&bits), variables));
    }
    let dump =
        expect.show.as_ref().map(|show| dump::dump(subject, show, resting, scan.first_used, work)).transpose()?;
    Ok((checks, dump))
}

/// The texts to look for, and whether each must be there.
fn texts(expect: &DiskExpect, variables: &Variables) -> Result<Vec<(String, bool)>, String> {
    let wanted = [(&expect.contains, true), (&expect.not_contains, false)];
    let given = wanted.into_iter().filter_map(|(text, present)| text.as_ref().map(|text| (text, present)));
    let fill = |(text, present): (&String, bool)| variables.fill(text).map(|text| (text, present));
    given.map(fill).collect::<Result<_, _>>().map_err(|name| format!("nobody captured ${name}"))
}

fn text_check(subject: &str, text: &str, present: bool, found: bool) -> Check {
    let (verb, otherwise) = if present {
        ("contains", "it is nowhere on the disk")
    } else {
        ("does not contain", "it can be read on the disk")
    };
    Check::decided("disk", format!("{subject} {verb} {text:?}"), found == present, otherwise)
}

#[cfg(test)]
mod tests {
    use super::scan::READ_BYTES;
    use super::*;
    use std::io::{Seek, SeekFrom, Write};

    fn sparse_file(pieces: &[(u64, &[u8])]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for (offset, bytes) in pieces {
            file.seek(SeekFrom::Start(*offset)).unwrap();
            file.write_all(bytes).unwrap();
        }
        file.as_file().set_len(64 << 20).unwrap();
        file
    }

    fn judged(yaml: &str, file: &tempfile::NamedTempFile) -> (Vec<Check>, Option<Dump>) {
        let expect: DiskExpect = serde_saphyr::from_str(yaml).unwrap();
        let resting = Resting { files: vec![file.path().into()], inline: None };
        judge("volume/v", &expect, &resting, Path::new("."), &Variables::default()).unwrap()
    }

    #[test]
    fn a_text_across_two_reads_is_found_and_holes_do_not_count() {
        let file = sparse_file(&[(8 << 20, &[b'.'; READ_BYTES - 3]), ((8 << 20) + READ_BYTES as u64 - 3, b"SECRET")]);
        let (checks, _) = judged("{contains: SECRET, entropy: {lt: 0.1}}", &file);
        assert!(checks.iter().all(|check| !check.failed()), "{checks:?}");
        let (checks, _) = judged("{not_contains: SECRET}", &file);
        assert!(checks[1].failed());
    }

    #[test]
    fn random_bytes_have_close_to_eight_bits_and_an_empty_volume_is_noticed() {
        let mut state = 7_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(1 << 16)
        .collect();
        let (checks, dump) = judged("{entropy: {gt: 7.9}, show: {bytes: 32}}", &sparse_file(&[(1 << 20, &noise)]));
        assert!(checks.iter().all(|check| !check.failed()), "{checks:?}");
        assert!(dump.unwrap().lines[1].starts_with("00100010  "));
        assert!(judged("{}", &sparse_file(&[])).0[0].failed());
    }
}
