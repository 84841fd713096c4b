//! Charts as inline SVG: they scale with the page, print, and take their colours from its style sheet.
//!
//! Each chart is a struct with everything placed, beside a template that only writes it down. A chart names
//! itself (`role="img"`, title and description) for those who do not see it, and never tells things apart by
//! colour alone.

pub(crate) mod file;
pub(crate) mod heat_map;
pub(crate) mod histogram;
pub(crate) mod lettering;
pub(crate) mod line_chart;
pub(crate) mod reliability;
mod scale;
pub(crate) mod scatter;
pub(crate) mod waterfall;
pub(crate) mod word_cloud;

pub(crate) use file::Figure;
pub(crate) use heat_map::HeatMap;
pub(crate) use histogram::Histogram;
pub(crate) use line_chart::{LineChart, Series};
pub(crate) use reliability::ReliabilityDiagram;
use scale::{Pixels, Scale, Tick};
pub(crate) use waterfall::Waterfall;
