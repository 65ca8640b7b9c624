//! One pass over the bytes at rest: texts looked for, entropy, the first sector in use.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::Resting;

const SECTOR_BYTES: usize = 512;
pub(super) const READ_BYTES: usize = 1 << 20;

/// What one pass over the bytes finds out.
pub(super) struct Scan {
    pub(super) found: Vec<bool>,
    histogram: [u64; 256],
    pub(super) used_bytes: u64,
    /// Offset in the first file (or the row) of the first sector in use.
    pub(super) first_used: u64,
}

impl Scan {
    fn new(needles: usize) -> Self {
        Self { found: vec![false; needles], histogram: [0; 256], used_bytes: 0, first_used: 0 }
    }

    /// Shannon entropy of the sectors in use, in bits per byte.
    pub(super) fn entropy(&self) -> f64 {
        let total = self.used_bytes.max(1) as f64;
        let shares = self.histogram.iter().filter(|count| **count > 0).map(|count| *count as f64 / total);
        shares.map(|share| -share * share.log2()).sum()
    }

    fn count(&mut self, bytes: &[u8], offset: u64) {
        for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
            if sector.iter().all(|byte| *byte == 0) {
                continue;
            }
            if self.used_bytes == 0 {
                self.first_used = offset + (index * SECTOR_BYTES) as u64;
            }
            self.used_bytes += sector.len() as u64;
            sector.iter().for_each(|byte| self.histogram[usize::from(*byte)] += 1);
        }
    }
}

/// Looks at every byte that is not in a hole.
pub(super) fn scan(resting: &Resting, needles: &[&[u8]]) -> Result<Scan, String> {
    let mut scan = Scan::new(needles.len());
    for path in &resting.files {
        let trouble = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
        let mut file = File::open(path).map_err(trouble)?;
        let mut from = 0;
        while let Some((start, end)) = extent(&mut file, from).map_err(trouble)? {
            scan_span(&mut file, start, end, needles, &mut scan).map_err(trouble)?;
            from = end;
        }
    }
    if let Some(inline) = resting.inline_bytes()? {
        look(&inline, needles, &mut scan.found);
        scan.count(&inline, 0);
    }
    Ok(scan)
}

/// The next stretch of a file that is not a hole. Where a file system cannot tell, the whole file is one stretch.
fn extent(file: &mut File, from: u64) -> std::io::Result<Option<(u64, u64)>> {
    let length = file.metadata()?.len();
    if from >= length {
        return Ok(None);
    }
    let start = match rustix::fs::seek(&*file, rustix::fs::SeekFrom::Data(from)) {
        Ok(start) => start,
        Err(rustix::io::Errno::NXIO) => return Ok(None),
        Err(_) => return Ok(Some((from, length))),
    };
    let end = rustix::fs::seek(&*file, rustix::fs::SeekFrom::Hole(start)).unwrap_or(length);
    Ok(Some((start, end)))
}

fn scan_span(file: &mut File, start: u64, end: u64, needles: &[&[u8]], scan: &mut Scan) -> std::io::Result<()> {
    let overlap = needles.iter().map(|needle| needle.len().saturating_sub(1)).max().unwrap_or(0);
    file.seek(SeekFrom::Start(start))?;
    let mut reader = file.take(end - start);
    let (mut window, mut carried, mut offset) = (Vec::with_capacity(READ_BYTES + overlap), 0, start);
    loop {
        let read = reader.by_ref().take(READ_BYTES as u64).read_to_end(&mut window)?;
        if read == 0 {
            return Ok(());
        }
        look(&window, needles, &mut scan.found);
        scan.count(&window[carried..], offset);
        offset += read as u64;
        // A text may lie across two reads: the tail of this one is looked at again with the next.
        carried = overlap.min(window.len());
        window.drain(..window.len() - carried);
    }
}

fn look(haystack: &[u8], needles: &[&[u8]], found: &mut [bool]) {
    for (needle, found) in needles.iter().zip(found) {
        *found = *found || holds(haystack, needle);
    }
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return true };
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|byte| byte == first) {
        if haystack[from + at..].starts_with(needle) {
            return true;
        }
        from += at + 1;
    }
    false
}
