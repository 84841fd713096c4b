//! The colours of the confusion matrix: one hue from pale to strong, in both themes, readable at every step.
//!
//! One hue varies in lightness alone, which every kind of colour vision sees.

use std::fmt::Write;

/// A row share above each of these is at least at the next step; the steps are narrow where mistakes are.
const BOUNDS: [f64; 9] = [0.01, 0.02, 0.05, 0.10, 0.20, 0.35, 0.50, 0.75, 0.90];

/// Fill and text on a light page, from pale to strong.
const LIGHT: [(&str, &str); 10] = [
    ("#eef4fb", "#1b1f24"),
    ("#dfebf7", "#1b1f24"),
    ("#cbdff2", "#1b1f24"),
    ("#b0cfea", "#1b1f24"),
    ("#8fbae0", "#1b1f24"),
    ("#6ba3d4", "#10151b"),
    ("#2d72b8", "#ffffff"),
    ("#1f5fa6", "#ffffff"),
    ("#154b8c", "#ffffff"),
    ("#0b3972", "#ffffff"),
];

/// Fill and text on a dark page, from faint to bright.
const DARK: [(&str, &str); 10] = [
    ("#1b2635", "#e6e9ee"),
    ("#1c2d44", "#e6e9ee"),
    ("#1d3757", "#e6e9ee"),
    ("#1e426c", "#e6e9ee"),
    ("#215186", "#f2f5f9"),
    ("#27609e", "#ffffff"),
    ("#5b9bd8", "#0b0f14"),
    ("#7db4e6", "#0b0f14"),
    ("#9cc9f1", "#0b0f14"),
    ("#bcdcf9", "#0b0f14"),
];

/// The step of a row share, from 0; none for no rows at all.
pub(crate) fn step(share: f64) -> Option<usize> {
    (share > 0.0).then(|| BOUNDS.iter().take_while(|&&bound| share > bound).count())
}

/// Fill and text of a step on a light page.
pub(crate) fn light(step: usize) -> (&'static str, &'static str) {
    LIGHT[step.min(LIGHT.len() - 1)]
}

/// The steps from pale to strong, in words.
pub(crate) fn legend() -> Vec<(usize, String)> {
    let upper = BOUNDS
        .iter()
        .map(|bound| format!("≤\u{a0}{:.0}\u{a0}%", 100.0 * bound));
    let above = format!(">\u{a0}{:.0}\u{a0}%", 100.0 * BOUNDS[BOUNDS.len() - 1]);
    upper.chain([above]).enumerate().collect()
}

/// The rules of a style sheet for one theme.
fn rules(colours: &[(&str, &str)]) -> String {
    let mut css = String::new();
    for (step, (fill, text)) in colours.iter().enumerate() {
        writeln!(css, ".heat-{step}{{background:{fill};color:{text}}}").expect("a String takes everything");
    }
    css
}

/// The rules for light pages and for paper.
pub(crate) fn light_rules() -> String {
    rules(&LIGHT)
}

/// The rules for dark pages.
pub(crate) fn dark_rules() -> String {
    rules(&DARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2 defines it.
    fn luminance(colour: &str) -> f64 {
        let channel = |place: usize| {
            let value = f64::from(u8::from_str_radix(&colour[place..place + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    #[test]
    fn text_is_readable_on_every_step() {
        for (fill, text) in LIGHT.iter().chain(&DARK) {
            let (one, other) = (luminance(fill), luminance(text));
            let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
            // 4.5 is what WCAG 2.2 asks of text (level AA).
            assert!(contrast >= 4.5, "{text} on {fill}: {contrast:.2}");
        }
    }

    #[test]
    fn steps_go_one_way() {
        let lightness = |colours: &[(&str, &str)]| -> Vec<f64> {
            colours.iter().map(|(fill, _)| luminance(fill)).collect()
        };
        assert!(lightness(&LIGHT).is_sorted_by(|one, next| one > next));
        assert!(lightness(&DARK).is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn shares_find_their_step() {
        assert_eq!(step(0.0), None);
        assert_eq!(step(0.004), Some(0));
        assert_eq!(step(0.01), Some(0));
        assert_eq!(step(0.011), Some(1));
        assert_eq!(step(1.0), Some(9));
        assert_eq!(legend().len(), LIGHT.len());
    }
}
