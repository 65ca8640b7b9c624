//! Which names exist under the mount point. Inode numbers are never used twice, so that a handle to a detached device
//! can never reach the next one under the same name.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::device::live::LiveDevice;

/// Number of a node. 1 is the root.
pub type Ino = u64;

/// The root's number.
pub const ROOT: Ino = 1;

/// The name of the folder of devices inside an instance's folder.
const DEV: &str = "dev";

/// What a name stands for.
#[derive(Clone, Debug)]
pub enum Node {
    /// The root, an instance's folder, or its `dev`.
    Folder,
    /// A device.
    Device(Arc<LiveDevice>),
}

/// A name that has gone, as the kernel must be told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Number of the folder it was in.
    pub parent: Ino,
    /// The name.
    pub name: OsString,
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub ino: Ino,
    /// Its name.
    pub name: OsString,
    /// Whether it is a folder.
    pub folder: bool,
}

/// The tree.
#[derive(Debug)]
pub struct Tree(RwLock<Nodes>);

#[derive(Debug)]
struct Nodes {
    last: Ino,
    folders: HashMap<Ino, Folder>,
    devices: HashMap<Ino, Arc<LiveDevice>>,
}

#[derive(Debug, Default)]
struct Folder {
    parent: Ino,
    entries: BTreeMap<OsString, Ino>,
}

impl Default for Tree {
    fn default() -> Self {
        let root = Folder { parent: ROOT, entries: BTreeMap::new() };
        Self(RwLock::new(Nodes { last: ROOT, folders: HashMap::from([(ROOT, root)]), devices: HashMap::new() }))
    }
}

impl Tree {
    /// Adds `<instance>/dev/<name>`.
    pub fn plant(&self, instance: &str, name: &str, device: Arc<LiveDevice>) {
        let mut nodes = self.write();
        let dev = nodes.folder(ROOT, instance);
        let dev = nodes.folder(dev, DEV);
        let ino = nodes.number();
        nodes.devices.insert(ino, device);
        nodes.enter(dev, name, ino);
    }

    /// Removes `<instance>/dev/<name>`, and the folders that are empty without it. Deepest first.
    pub fn uproot(&self, instance: &str, name: &str) -> Vec<Gone> {
        let mut nodes = self.write();
        let Some(home) = nodes.child(ROOT, OsStr::new(instance)) else { return Vec::new() };
        let Some(dev) = nodes.child(home, OsStr::new(DEV)) else { return Vec::new() };
        let mut gone = Vec::new();
        for (parent, name) in [(dev, name), (home, DEV), (ROOT, instance)] {
            match nodes.remove_if_empty(parent, OsStr::new(name)) {
                Some(entry) => gone.push(entry),
                None => break,
            }
        }
        gone
    }

    /// The number of `<instance>/dev/<name>`.
    pub fn find(&self, instance: &str, name: &str) -> Option<Ino> {
        let nodes = self.read();
        let dev = nodes.child(nodes.child(ROOT, OsStr::new(instance))?, OsStr::new(DEV))?;
        nodes.child(dev, OsStr::new(name))
    }

    /// The node of that number.
    pub fn node(&self, ino: Ino) -> Option<Node> {
        let nodes = self.read();
        match nodes.devices.get(&ino) {
            Some(device) => Some(Node::Device(device.clone())),
            None => nodes.folders.contains_key(&ino).then_some(Node::Folder),
        }
    }

    /// The node of that name in a folder.
    pub fn lookup(&self, parent: Ino, name: &OsStr) -> Option<(Ino, Node)> {
        let ino = self.read().child(parent, name)?;
        Some((ino, self.node(ino)?))
    }

    /// What a folder lists, itself and its parent first; `None` when there is no such folder.
    pub fn entries(&self, folder: Ino) -> Option<Vec<Entry>> {
        let nodes = self.read();
        let listed = nodes.folders.get(&folder)?;
        let dots = [(folder, "."), (listed.parent, "..")].map(|(ino, name)| (ino, OsString::from(name)));
        let named = listed.entries.iter().map(|(name, ino)| (*ino, name.clone()));
        let entry = |(ino, name)| Entry { ino, name, folder: nodes.folders.contains_key(&ino) };
        Some(dots.into_iter().chain(named).map(entry).collect())
    }

    fn read(&self) -> RwLockReadGuard<'_, Nodes> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Nodes> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Nodes {
    fn number(&mut self) -> Ino {
        self.last += 1;
        self.last
    }

    fn child(&self, parent: Ino, name: &OsStr) -> Option<Ino> {
        self.folders.get(&parent)?.entries.get(name).copied()
    }

    fn enter(&mut self, parent: Ino, name: &str, ino: Ino) {
        if let Some(folder) = self.folders.get_mut(&parent) {
            folder.entries.insert(name.into(), ino);
        }
    }

    /// The folder of that name, made when it is absent.
    fn folder(&mut self, parent: Ino, name: &str) -> Ino {
        if let Some(ino) = self.child(parent, OsStr::new(name)) {
            return ino;
        }
        let ino = self.number();
        self.folders.insert(ino, Folder { parent, ..Folder::default() });
        self.enter(parent, name, ino);
        ino
    }

    fn remove_if_empty(&mut self, parent: Ino, name: &OsStr) -> Option<Gone> {
        let ino = self.child(parent, name)?;
        if self.folders.get(&ino).is_some_and(|folder| !folder.entries.is_empty()) {
            return None;
        }
        self.folders.remove(&ino);
        self.devices.remove(&ino);
        self.folders.get_mut(&parent)?.entries.remove(name);
        Some(Gone { parent, name: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use aws_core::time::Timestamp;
    use expect_test::expect;

    use super::*;
    use crate::device::memory::MemoryTarget;

    fn device() -> Arc<LiveDevice> {
        Arc::new(LiveDevice::new(Box::new(MemoryTarget::zeroed(512)), Timestamp::UNIX_EPOCH))
    }

    fn drawn(tree: &Tree, ino: Ino, path: &str) -> String {
        let entries = tree.entries(ino).unwrap().into_iter().skip(2);
        entries
            .map(|e| {
                let path = format!("{path}/{}", e.name.display());
                if e.folder { drawn(tree, e.ino, &path) } else { format!("{path} #{}\n", e.ino) }
            })
            .collect()
    }

    #[test]
    fn names_come_with_attach_and_go_with_detach() {
        let tree = Tree::default();
        tree.plant("i-1", "sdf", device());
        tree.plant("i-1", "sdg", device());
        tree.plant("i-2", "xvda", device());
        expect![[r#"
            /i-1/dev/sdf #4
            /i-1/dev/sdg #5
            /i-2/dev/xvda #8
        "#]]
        .assert_eq(&drawn(&tree, ROOT, ""));

        assert_eq!(tree.uproot("i-1", "sdf").len(), 1);
        let names: Vec<_> = tree.uproot("i-1", "sdg").into_iter().map(|gone| gone.name).collect();
        assert_eq!(names, ["sdg", "dev", "i-1"]);
        assert_eq!(tree.uproot("i-1", "sdg"), []);
        expect![[r#"
            /i-2/dev/xvda #8
        "#]]
        .assert_eq(&drawn(&tree, ROOT, ""));
    }

    #[test]
    fn a_number_is_never_given_twice() {
        let tree = Tree::default();
        tree.plant("i-1", "sdf", device());
        let (_, home) = (tree.lookup(ROOT, OsStr::new("i-1")).unwrap().0, tree.entries(3).unwrap()[2].ino);
        tree.uproot("i-1", "sdf");
        assert!(tree.node(home).is_none());
        tree.plant("i-1", "sdf", device());
        assert!(tree.node(home).is_none(), "the old number must not reach the new device");
    }
}
