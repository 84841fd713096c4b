//! The figures as files of their own: for papers and slides, on white, with the fonts inside.

use std::sync::OnceLock;

use super::lettering;

/// The page's colours and the charts' rules, which both the page and the files are drawn by.
const PAGE_RULES: &str = include_str!("../../templates/style.css");
const CHART_RULES: &str = include_str!("../../templates/figures/chart.css");

/// A figure of the page.
pub(crate) struct Figure {
    /// The name of its file, without ending.
    pub(crate) name: String,
    /// The figure as it stands on the page.
    pub(crate) inline: String,
}

impl Figure {
    /// A figure under this name.
    pub(crate) fn new(name: impl Into<String>, chart: &impl ToString) -> Self {
        Self {
            name: name.into(),
            inline: chart.to_string(),
        }
    }

    /// The figure as a document: its size in pixels, its colours and its fonts are in it.
    pub(crate) fn document(&self) -> String {
        let inline = self.inline.trim();
        let (head, content) = inline.split_once('>').unwrap_or((inline, ""));
        let view = head
            .split_once("viewBox=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map_or("0 0 0 0", |(view, _)| view);
        let mut sizes = view.split(' ').skip(2);
        let (width, height) = (sizes.next().unwrap_or("0"), sizes.next().unwrap_or("0"));
        format!(
            "{head} xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" \
             height=\"{height}\">\n<style>\n{}\n{}</style>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{content}\n",
            self.font(),
            rules(),
        )
    }

    /// The font that the figure is written in: a word cloud's is the one that its words were measured in.
    fn font(&self) -> String {
        if self.inline.contains("chart cloud") {
            return lettering::font_face();
        }
        lettering::text_font_face()
    }
}

/// The charts' rules with the colours of the light theme in them: not every program that reads SVG knows
/// variables.
fn rules() -> &'static str {
    static RULES: OnceLock<String> = OnceLock::new();
    RULES.get_or_init(|| {
        let mut rules = CHART_RULES.replace(
            "system-ui, -apple-system, \"Segoe UI\", Roboto, \"Liberation Sans\", sans-serif",
            &format!("\"{}\", sans-serif", lettering::TEXT_FAMILY),
        );
        let light = PAGE_RULES.split_once('}').map_or("", |(light, _)| light);
        for declaration in light.split(['{', ';']) {
            if let Some((name, colour)) = declaration.trim().split_once(": ")
                && name.starts_with("--")
            {
                rules = rules.replace(&format!("var({name})"), colour);
            }
        }
        rules
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hold_colours_and_no_variables() {
        assert!(!rules().contains("var("), "{}", rules());
        assert!(!rules().contains("system-ui"));
        assert!(rules().contains("color: #0b62b0"));
    }

    #[test]
    fn a_document_has_a_size_and_its_font() {
        let figure = Figure {
            name: "curve".to_owned(),
            inline: "<svg class=\"chart\" viewBox=\"0 0 420 262\"><text>a</text></svg>".to_owned(),
        };
        let document = figure.document();
        assert!(document.starts_with("<svg class=\"chart\" viewBox=\"0 0 420 262\" xmlns="));
        assert!(document.contains("width=\"420\" height=\"262\">"));
        assert!(document.contains("@font-face{font-family:\"Labelproof Text\""));
        assert!(document.trim_end().ends_with("<text>a</text></svg>"));
    }
}
