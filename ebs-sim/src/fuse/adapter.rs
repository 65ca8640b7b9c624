//! The kernel's requests, each answered on the thread that received it: no queue, no hop, no await.
//!
//! A device file behaves like a block device: it grows with its volume only, truncation on opening is ignored, writing past the
//! end is "no space", `fsync` means that it is on disk. Nothing else in the tree can be made, changed or removed here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use aws_core::time::Timestamp;
use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, InitFlags,
    KernelConfig, LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyLseek,
    ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::tree::{Ino, Node, Tree};
use crate::device::aligned::AlignedBuf;
use crate::device::block_device::{BlockTarget, ByteOffset, IoFault, Seek};
use crate::device::live::LiveDevice;

/// The largest request that the kernel sends: 256 pages, its own default limit.
const MAX_REQUEST_BYTES: u32 = 1 << 20;
/// What `statfs` calls a block; a loop device takes it as its granularity of discard.
const BLOCK_BYTES: u32 = 4096;
/// Names and sizes change only with attach, detach and growth, and then the kernel is told.
const LASTING: Duration = Duration::from_secs(3600);
/// Requests that may be under way in the background, and from when on writers are slowed down.
const BACKGROUND: u16 = 64;
const CONGESTED: u16 = 48;

thread_local! {
    /// Where a read is assembled. Allocated when the thread's first read comes, and kept.
    static REPLY: RefCell<AlignedBuf> = RefCell::new(AlignedBuf::zeroed(MAX_REQUEST_BYTES as usize));
}

/// The file system.
#[derive(Debug)]
pub struct DeviceFs {
    tree: Arc<Tree>,
    handles: RwLock<HashMap<u64, Arc<LiveDevice>>>,
    last_handle: AtomicU64,
    owner: (u32, u32),
}

impl DeviceFs {
    /// Serves `tree`; files belong to whoever runs this process.
    pub fn new(tree: Arc<Tree>) -> Self {
        let owner = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        Self { tree, handles: RwLock::default(), last_handle: AtomicU64::new(0), owner }
    }

    fn attr(&self, ino: Ino, node: &Node) -> FileAttr {
        let (kind, perm, size, since) = match node {
            Node::Folder => (FileType::Directory, 0o700, 0, SystemTime::UNIX_EPOCH),
            Node::Device(device) => (FileType::RegularFile, 0o600, device.size_bytes(), moment(device.since)),
        };
        FileAttr {
            ino: INodeNo(ino),
            size,
            blocks: size / 512,
            atime: since,
            mtime: since,
            ctime: since,
            crtime: since,
            kind,
            perm,
            nlink: if kind == FileType::Directory { 2 } else { 1 },
            uid: self.owner.0,
            gid: self.owner.1,
            rdev: 0,
            blksize: BLOCK_BYTES,
            flags: 0,
        }
    }

    fn by_handle(&self, handle: FileHandle) -> Result<Arc<LiveDevice>, Errno> {
        let handles = self.handles.read().unwrap_or_else(PoisonError::into_inner);
        handles.get(&handle.0).cloned().ok_or(Errno::EBADF)
    }

    fn open_device(&self, ino: Ino) -> Result<FileHandle, Errno> {
        match self.tree.node(ino) {
            Some(Node::Device(device)) => {
                device.open().map_err(|_| Errno::ENXIO)?;
                let handle = self.last_handle.fetch_add(1, Ordering::Relaxed) + 1;
                self.handles.write().unwrap_or_else(PoisonError::into_inner).insert(handle, device);
                Ok(FileHandle(handle))
            }
            Some(Node::Folder) => Err(Errno::EISDIR),
            None => Err(Errno::ENOENT),
        }
    }

    fn write_within(&self, handle: FileHandle, at: u64, data: &[u8]) -> Result<u32, Errno> {
        let device = self.by_handle(handle)?;
        let room = device.size_bytes().saturating_sub(at).min(data.len() as u64) as usize;
        if room == 0 && !data.is_empty() {
            return Err(errno(IoFault::PastEnd));
        }
        device.write_at(ByteOffset(at), &data[..room]).map_err(errno)?;
        Ok(room as u32)
    }

    fn punch(&self, handle: FileHandle, at: u64, len: u64, mode: i32) -> Result<(), Errno> {
        // ZERO_RANGE and PUNCH_HOLE promise the same: zeros. Preallocation and collapsing make no sense on a disk.
        const ZEROING: i32 = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_ZERO_RANGE;
        if mode & ZEROING == 0 || mode & !(ZEROING | libc::FALLOC_FL_KEEP_SIZE) != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let device = self.by_handle(handle)?;
        let room = device.size_bytes().saturating_sub(at).min(len);
        device.discard(ByteOffset(at), room).map_err(errno)
    }

    fn seek(&self, handle: FileHandle, at: i64, whence: i32) -> Result<i64, Errno> {
        let what = match whence {
            libc::SEEK_DATA => Seek::Data,
            libc::SEEK_HOLE => Seek::Hole,
            _ => return Err(Errno::EINVAL),
        };
        let device = self.by_handle(handle)?;
        let start = u64::try_from(at).ok().filter(|at| *at < device.size_bytes()).ok_or(Errno::ENXIO)?;
        match (device.seek(ByteOffset(start), what).map_err(errno)?, what) {
            (Some(found), _) => Ok(found.0 as i64),
            // The end of a file counts as a hole.
            (None, Seek::Hole) => Ok(device.size_bytes() as i64),
            (None, Seek::Data) => Err(Errno::ENXIO),
        }
    }
}

fn moment(at: Timestamp) -> SystemTime {
    SystemTime::try_from(at).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The one table from faults to numbers: [`IoFault::errno`].
fn errno(fault: IoFault) -> Errno {
    Errno::from_i32(fault.errno())
}

fn answer(reply: ReplyEmpty, result: Result<(), Errno>) {
    match result {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(errno),
    }
}

impl Filesystem for DeviceFs {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        for wish in [
            InitFlags::FUSE_ASYNC_DIO,
            InitFlags::FUSE_DIRECT_IO_ALLOW_MMAP,
            // Opening with O_TRUNC then arrives as an open, which a block device may ignore, not as a truncation.
            InitFlags::FUSE_ATOMIC_O_TRUNC,
            InitFlags::FUSE_PARALLEL_DIROPS,
        ] {
            // A kernel that lacks one of these is slower, not wrong.
            let _ = config.add_capabilities(wish);
        }
        let _ = config.set_max_write(MAX_REQUEST_BYTES);
        let _ = config.set_max_background(BACKGROUND);
        let _ = config.set_congestion_threshold(CONGESTED);
        Ok(())
    }

    fn lookup(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.tree.lookup(parent.0, name) {
            Some((ino, node)) => reply.entry(&LASTING, &self.attr(ino, &node), Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        match self.tree.node(ino.0) {
            Some(node) => reply.attr(&LASTING, &self.attr(ino.0, &node)),
            None => reply.error(Errno::ENOENT),
        }
    }

    /// Times may be set, without effect; size, mode and owner are what they are.
    fn setattr(
        &self,
        _req: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let Some(node) = self.tree.node(ino.0) else { return reply.error(Errno::ENOENT) };
        let attr = self.attr(ino.0, &node);
        if mode.is_some() || uid.is_some() || gid.is_some() {
            return reply.error(Errno::EPERM);
        }
        if size.is_some_and(|size| size != attr.size) {
            return reply.error(Errno::EINVAL);
        }
        reply.attr(&LASTING, &attr);
    }

    fn open(&self, _req: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        // No page cache over the device (plaintext stays out of it), and writers beside each other.
        let flags = FopenFlags::FOPEN_DIRECT_IO | FopenFlags::FOPEN_PARALLEL_DIRECT_WRITES | FopenFlags::FOPEN_NOFLUSH;
        match self.open_device(ino.0) {
            Ok(handle) => reply.opened(handle, flags),
            Err(errno) => reply.error(errno),
        }
    }

    fn release(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        let closed = self.handles.write().unwrap_or_else(PoisonError::into_inner).remove(&fh.0);
        reply.ok();
        if let Some(device) = closed {
            device.release();
        }
    }

    fn read(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let device = match self.by_handle(fh) {
            Ok(device) => device,
            Err(errno) => return reply.error(errno),
        };
        let wanted = u64::from(size.min(MAX_REQUEST_BYTES));
        let len = device.size_bytes().saturating_sub(offset).min(wanted) as usize;
        REPLY.with_borrow_mut(|buffer| {
            let into = &mut buffer.as_mut_slice()[..len];
            match device.read_at(ByteOffset(offset), into) {
                Ok(()) => reply.data(into),
                Err(fault) => reply.error(errno(fault)),
            }
        });
    }

    fn write(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.write_within(fh, offset, data) {
            Ok(len) => reply.written(len),
            Err(errno) => reply.error(errno),
        }
    }

    /// `close` promises nothing about durability; `fsync` does.
    fn flush(&self, _req: &Request, _ino: INodeNo, _fh: FileHandle, _owner: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _req: &Request, _ino: INodeNo, fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        answer(reply, self.by_handle(fh).and_then(|device| device.flush().map_err(errno)));
    }

    fn fallocate(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        answer(reply, self.punch(fh, offset, length, mode));
    }

    fn lseek(&self, _req: &Request, _ino: INodeNo, fh: FileHandle, offset: i64, whence: i32, reply: ReplyLseek) {
        match self.seek(fh, offset, whence) {
            Ok(found) => reply.offset(found),
            Err(errno) => reply.error(errno),
        }
    }

    fn readdir(&self, _req: &Request, ino: INodeNo, _fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let Some(entries) = self.tree.entries(ino.0) else { return reply.error(Errno::ENOENT) };
        for (next, entry) in (1u64..).zip(entries).skip(offset as usize) {
            let kind = if entry.folder { FileType::Directory } else { FileType::RegularFile };
            if reply.add(INodeNo(entry.ino), next, kind, &entry.name) {
                break;
            }
        }
        reply.ok();
    }

    fn fsyncdir(&self, _req: &Request, _ino: INodeNo, _fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    fn statfs(&self, _req: &Request, _ino: INodeNo, reply: ReplyStatfs) {
        reply.statfs(0, 0, 0, 0, 0, BLOCK_BYTES, 255, BLOCK_BYTES);
    }
}
