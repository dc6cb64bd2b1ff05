//! What every form writes on: bytes, and the sections that are open.

use crate::av::probe::{Section, SectionInfo};
use std::io::Write;

/// FFmpeg's SECTION_MAX_NB_LEVELS.
pub(crate) const LEVELS: usize = 10;

struct Level {
    section: Section,
    /// Fields and sections written in it so far.
    items: usize,
    /// What forms write before the keys in it.
    prefix: Vec<u8>,
}

pub struct Page {
    pub out: Vec<u8>,
    levels: Vec<Level>,
    depth: usize,
    /// Of the section of packets and frames.
    packets: usize,
    frames: usize,
}

impl Default for Page {
    fn default() -> Self {
        let level = |_| Level { section: Section::Root, items: 0, prefix: Vec::new() };
        Page { out: Vec::new(), levels: (0..LEVELS).map(level).collect(), depth: 0, packets: 0, frames: 0 }
    }
}

impl Page {
    pub fn enter(&mut self, section: Section) {
        debug_assert!(self.depth < LEVELS);
        if section == Section::PacketsAndFrames {
            (self.packets, self.frames) = (0, 0);
        }
        self.depth += 1;
        let level = self.top_mut();
        level.section = section;
        level.items = 0;
        level.prefix.clear();
    }

    /// The top section is complete: the one that it stands in counts it.
    pub fn count_section(&mut self) {
        if self.parent_section() == Some(Section::PacketsAndFrames) {
            *(if self.section().section == Section::Packet { &mut self.packets } else { &mut self.frames }) += 1;
        }
        if self.depth > 1 {
            self.levels[self.depth - 2].items += 1;
        }
    }

    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    fn top(&self) -> &Level {
        &self.levels[self.depth - 1]
    }

    fn top_mut(&mut self) -> &mut Level {
        &mut self.levels[self.depth - 1]
    }

    fn below(&self) -> Option<&Level> {
        self.depth.checked_sub(2).map(|below| &self.levels[below])
    }

    /// 0 for the root.
    pub fn level(&self) -> usize {
        self.depth - 1
    }

    pub fn section(&self) -> &'static SectionInfo {
        self.top().section.info()
    }

    pub fn parent(&self) -> Option<&'static SectionInfo> {
        self.parent_section().map(Section::info)
    }

    pub fn parent_section(&self) -> Option<Section> {
        self.below().map(|level| level.section)
    }

    /// Fields and sections in the top section so far.
    pub fn items(&self) -> usize {
        self.top().items
    }

    pub fn count_item(&mut self) {
        self.top_mut().items += 1;
    }

    /// Counts on where the section below stands.
    pub fn inherit_items(&mut self) {
        self.top_mut().items = self.parent_items();
    }

    pub fn parent_items(&self) -> usize {
        self.below().map_or(0, |level| level.items)
    }

    /// Which element of its array the top section is: of packets and frames each kind counts for itself.
    pub fn element_number(&self) -> usize {
        match self.parent_section() {
            Some(Section::PacketsAndFrames) if self.top().section == Section::Packet => self.packets,
            Some(Section::PacketsAndFrames) => self.frames,
            _ => self.parent_items(),
        }
    }

    /// The prefix of the section below, and more; `add` appends it.
    pub fn extend_prefix(&mut self, add: impl FnOnce(&mut Vec<u8>)) {
        let (below, top) = self.levels.split_at_mut(self.depth - 1);
        let prefix = &mut top[0].prefix;
        if let Some(below) = below.last() {
            prefix.extend_from_slice(&below.prefix);
        }
        add(prefix);
    }

    pub fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub fn put_prefix(&mut self) {
        self.out.extend_from_slice(&self.levels[self.depth - 1].prefix);
    }

    pub fn put_integer(&mut self, value: i64) {
        let _ = write!(self.out, "{value}"); // a Vec takes everything
    }

    /// The indentation of json and xml: one blank at the least, as printf's "%*c" gives.
    pub fn indent(&mut self, level: usize) {
        self.out.resize(self.out.len() + (level * 4).max(1), b' ');
    }
}
