//! Cleans, tokenises and compares text, in the same way at training and at prediction time.
//!
//! Responsible for everything between a raw text and token ids ([`cleaning`], [`tokenizer`]), for the one
//! definition of a word ([`terms`]), for the language of a text ([`language`]), for saying which texts are
//! copies of each other ([`duplicates`]), for texts that were decoded with the wrong encoding ([`mojibake`]),
//! and for what the name of a label says on its own ([`labels`]). Every function is a pure function of its
//! arguments: the result depends neither on the number of threads nor on the machine.
//!
//! Not responsible for reading tables, for configuration files, or for what is done with duplicates.

mod error;
mod html;
mod key;
mod minhash;
mod preparation;
mod shingles;

pub mod cleaning;
pub mod duplicates;
pub mod labels;
pub mod language;
pub mod mojibake;
pub mod terms;
pub mod tokenizer;
pub mod windows;
mod word_cache;

pub use error::Error;
pub use key::normalized_key;
pub use preparation::Preparation;
