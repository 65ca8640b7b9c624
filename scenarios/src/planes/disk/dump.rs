//! Bytes shown to the class, as `hexdump -C` prints them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::script::expect::Show;

use super::{Dump, Resting};

/// Cuts out the bytes to be shown.
pub(super) fn dump(
    subject: &str,
    show: &Show,
    resting: &Resting,
    first_used: u64,
    work: &Path,
) -> Result<Dump, String> {
    let placed = show.find_file.as_ref().map(|name| place_of(name, work)).transpose()?;
    let offset = placed.unwrap_or(first_used);
    let bytes = match resting.files.first() {
        Some(path) => {
            read_at(path, offset, show.bytes).map_err(|error| format!("cannot read {}: {error}", path.display()))?
        }
        None => resting.inline_bytes()?.unwrap_or_default().into_iter().take(show.bytes).collect(),
    };
    let title = match &show.find_file {
        Some(name) => format!("{subject}, where {name} lies"),
        None => format!("{subject}, its first bytes in use"),
    };
    Ok(Dump { title, lines: hexdump(&bytes, offset) })
}

fn read_at(path: &Path, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::with_capacity(length);
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The offset on its disk of a file below `work`, by `filefrag` of e2fsprogs.
fn place_of(name: &str, work: &Path) -> Result<u64, String> {
    let file = find(name, work).ok_or_else(|| format!("no file {name} below {}", work.display()))?;
    let output = Command::new("filefrag").arg("-v").arg(&file).env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin").output();
    let output = output.map_err(|error| format!("cannot run filefrag ({error}): install e2fsprogs"))?;
    first_physical_byte(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| format!("filefrag does not say where {name} lies"))
}

fn find(name: &str, folder: &Path) -> Option<PathBuf> {
    let entries: Vec<_> = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).collect();
    let here = entries.iter().find(|entry| entry.file_name() == name).map(std::fs::DirEntry::path);
    let is_folder = |entry: &&std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    here.or_else(|| entries.iter().filter(is_folder).find_map(|entry| find(name, &entry.path())))
}

/// Reads `(1 block of 4096 bytes)` and the physical block of extent 0.
fn first_physical_byte(filefrag: &str) -> Option<u64> {
    let lines: Vec<&str> = filefrag.lines().collect();
    let sized = lines.iter().find_map(|line| line.split_once("block of ").or_else(|| line.split_once("blocks of ")));
    let block: u64 = sized?.1.split_whitespace().next()?.parse().ok()?;
    let extent = lines.iter().find(|line| line.trim_start().starts_with("0:"))?;
    let physical: u64 = extent.split(':').nth(2)?.split("..").next()?.trim().parse().ok()?;
    Some(physical * block)
}

fn hexdump(bytes: &[u8], offset: u64) -> Vec<String> {
    let line = |(index, row): (usize, &[u8])| {
        let hex: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String =
            row.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' }).collect();
        format!("{:08x}  {:<47}  |{text}|", offset + index as u64 * 16, hex.join(" "))
    };
    bytes.chunks(16).enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_file_is_read_from_filefrag() {
        let text = "Filesystem type is: ef53\nFile size of mnt/payroll.txt is 19 (1 block of 4096 bytes)\n \
                    ext:     logical_offset:        physical_offset: length:   expected: flags:\n   \
                    0:        0..       0:      33792..     33792:      1:             last,eof\n";
        assert_eq!(first_physical_byte(text), Some(33792 * 4096));
        assert_eq!(first_physical_byte("no such file"), None);
    }

    #[test]
    fn a_row_of_sixteen_bytes_prints_as_hexdump_does() {
        let expected = "00000010  54 4f 50 20 00 ff                                |TOP ..|";
        assert_eq!(hexdump(b"TOP \x00\xff", 16), [expected]);
    }
}
