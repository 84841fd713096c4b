//! What each given file was understood to be, which the answer begins with.
//!
//! Whoever reads a file fills its reading; what it reports as a message that begins with the name of the file
//! becomes a sentence of it as well.

pub use labelproof_artifact::findings::Reading;
