//! XML answers, built as a tree and written without whitespace, as AWS writes them.
//!
//! ```text
//! Element::new("volume").leaf("volumeId", id).maybe("kmsKeyId", key).list("tagSet", "item", tags)
//! <volume><volumeId>vol-…</volumeId><tagSet><item>…</item></tagSet></volume>
//! ```
//!
//! Deliberately absent: reading. No protocol of this crate takes XML in; S3's bodies are read by s3s.

use std::borrow::Cow;
use std::fmt::Write;

/// An element with attributes, text and children. A text stands before the children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    name: Cow<'static, str>,
    attributes: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// An empty element.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Sets the text.
    pub fn text(mut self, text: impl ToString) -> Self {
        self.text = text.to_string();
        self
    }

    /// One more attribute.
    pub fn attribute(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    /// One more child.
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// Several more children.
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// A child that holds only text: `<name>text</name>`.
    pub fn leaf(self, name: impl Into<Cow<'static, str>>, text: impl ToString) -> Self {
        self.child(Self::new(name).text(text))
    }

    /// A child that holds only text, or none: members without a value are absent, not empty.
    pub fn maybe<T: ToString>(self, name: impl Into<Cow<'static, str>>, text: Option<T>) -> Self {
        match text {
            Some(text) => self.leaf(name, text),
            None => self,
        }
    }

    /// A wrapped list: `<name><item>…</item><item>…</item></name>`. Each entry keeps its content and is renamed to `item`.
    pub fn list(self, name: &'static str, item: &'static str, entries: impl IntoIterator<Item = Self>) -> Self {
        let renamed = entries.into_iter().map(|entry| Self { name: item.into(), ..entry });
        self.child(Self::new(name).children(renamed))
    }

    /// Whether neither text nor children have been given.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.children.is_empty()
    }

    /// The element as text, without XML declaration.
    pub fn render(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// What stands between the tags: the form in which a Query service hands over its result.
    pub fn inner(&self) -> String {
        let mut out = String::new();
        self.write_inner(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        let _ = write!(out, "<{}", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"{}\"", escape(value));
        }
        if self.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        self.write_inner(out);
        let _ = write!(out, "</{}>", self.name);
    }

    fn write_inner(&self, out: &mut String) {
        out.push_str(&escape(&self.text));
        for child in &self.children {
            child.write(out);
        }
    }
}

/// Text made safe between tags and in attributes. Control characters, which XML cannot carry raw, become references.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| entity(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match entity(c) {
            Some(safe) => out.push_str(&safe),
            None => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn entity(c: char) -> Option<Cow<'static, str>> {
    match c {
        '&' => Some("&amp;".into()),
        '<' => Some("&lt;".into()),
        '>' => Some("&gt;".into()),
        '"' => Some("&quot;".into()),
        '\n' | '\t' => None,
        c if c.is_ascii_control() => Some(format!("&#x{:X};", u32::from(c)).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_written_as_ec2_writes_it() {
        let tag = |key: &str, value: &str| Element::new("tag").leaf("key", key).leaf("value", value);
        let volume = Element::new("volume")
            .leaf("size", 1)
            .leaf("encrypted", true)
            .maybe("kmsKeyId", None::<&str>)
            .list("tagSet", "item", [tag("a<b", "\"c\" & d")])
            .list("attachmentSet", "item", []);
        assert_eq!(
            volume.render(),
            "<volume><size>1</size><encrypted>true</encrypted><tagSet><item><key>a&lt;b</key>\
             <value>&quot;c&quot; &amp; d</value></item></tagSet><attachmentSet/></volume>"
        );
    }

    #[test]
    fn what_stands_between_the_tags_can_be_had_alone() {
        let element = Element::new("R").attribute("xmlns", "http://x/\"").leaf("a", "1\r\u{1}").leaf("b", "");
        assert_eq!(element.inner(), "<a>1&#xD;&#x1;</a><b/>");
        assert_eq!(element.render(), "<R xmlns=\"http://x/&quot;\"><a>1&#xD;&#x1;</a><b/></R>");
    }
}
