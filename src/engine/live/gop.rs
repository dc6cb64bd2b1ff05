//! The last group of pictures, for who joins: a player shows nothing before a key frame.

use super::feed::Item;

/// From the last key frame of the leading stream on, in the order in which packets came.
#[derive(Default)]
pub struct Gop {
    items: Vec<Item>,
    bytes: u64,
    most_bytes: u64,
}

impl Gop {
    /// Keeps up to so many bytes; 0 is nothing.
    pub fn keep(&mut self, bytes: u64) {
        self.most_bytes = self.most_bytes.max(bytes);
    }

    pub fn is_wanted(&self) -> bool {
        self.most_bytes > 0
    }

    /// `begins`: it is a key frame of the leading stream.
    pub fn add(&mut self, item: &Item, begins: bool) {
        if begins {
            self.clear();
        } else if self.items.is_empty() {
            return;
        }
        self.bytes += item.bytes();
        if self.bytes > self.most_bytes {
            // A part of a group is of no use: who joins waits for the next one.
            self.clear();
            return;
        }
        self.items.push(item.clone());
    }

    pub fn clear(&mut self) {
        self.items.clear();
        self.bytes = 0;
    }

    pub fn items(&self) -> &[Item] {
        &self.items
    }
}
