//! The letters of the word clouds: their sizes, and the font itself for the page.
//!
//! The font travels with the page, so that words are as wide wherever it is read as they were when they were
//! placed. Letters that it does not have are given the room of a square, and the browser is told to fit the
//! word in.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ttf_parser::Face;

/// Noto Sans Bold, Latin, Greek and Cyrillic, without kerning, so that a word is as wide as its letters.
const FONT: &[u8] = include_bytes!("../../fonts/NotoSans-Bold.subset.ttf");

/// Noto Sans Regular, the same letters: for figures that leave the page, where no font is known to be.
const TEXT_FONT: &[u8] = include_bytes!("../../fonts/NotoSans-Regular.subset.ttf");

/// The names of the fonts in style sheets.
pub(crate) const FAMILY: &str = "Labelproof Words";
pub(crate) const TEXT_FAMILY: &str = "Labelproof Text";

/// The outline of a word at a size of 1: from where it begins on its base line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Extent {
    /// The width up to the end of the last letter.
    pub(crate) width: f64,
    /// The highest point above the base line.
    pub(crate) above: f64,
    /// The lowest point below it, not negative.
    pub(crate) below: f64,
    /// Whether the font has every letter.
    pub(crate) covered: bool,
}

fn face() -> &'static Face<'static> {
    static FACE: OnceLock<Face<'static>> = OnceLock::new();
    FACE.get_or_init(|| Face::parse(FONT, 0).expect("the font is part of the program, and a test reads it"))
}

/// The extent of a word in the font.
pub(crate) fn extent(word: &str) -> Extent {
    let face = face();
    let unit = f64::from(face.units_per_em());
    let mut extent = Extent {
        width: 0.0,
        above: 0.0,
        below: 0.0,
        covered: true,
    };
    for letter in word.chars() {
        let Some(glyph) = face.glyph_index(letter) else {
            extent.width += 1.0;
            extent.above = extent.above.max(0.9);
            extent.below = extent.below.max(0.25);
            extent.covered = false;
            continue;
        };
        extent.width += f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) / unit;
        if let Some(bounds) = face.glyph_bounding_box(glyph) {
            extent.above = extent.above.max(f64::from(bounds.y_max) / unit);
            extent.below = extent.below.max(-f64::from(bounds.y_min) / unit);
        }
    }
    extent
}

/// The rule of a style sheet that brings the font of the word clouds along.
pub(crate) fn font_face() -> String {
    rule(FAMILY, 700, FONT)
}

/// The rule of a style sheet that brings the font of all other text along.
pub(crate) fn text_font_face() -> String {
    rule(TEXT_FAMILY, 400, TEXT_FONT)
}

fn rule(family: &str, weight: u32, font: &[u8]) -> String {
    format!(
        "@font-face{{font-family:\"{family}\";font-weight:{weight};src:url(data:font/ttf;base64,{}) \
         format(\"truetype\")}}",
        STANDARD.encode(font)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Advances and bounds as fontTools 4 prints them for this file.
    #[test]
    fn sizes_are_those_of_the_font() {
        let check = |word: &str, width: f64, above: f64, below: f64| {
            let found = extent(word);
            assert!((found.width - width).abs() < 1e-9, "{word}: {found:?}");
            assert!((found.above - above).abs() < 1e-9, "{word}: {found:?}");
            assert!((found.below - below).abs() < 1e-9, "{word}: {found:?}");
            assert!(found.covered);
        };
        check("game", 2.81, 0.557, 0.24);
        check("Größe", 3.099, 0.765, 0.01);
        assert!(!extent("東京").covered);
    }
}
