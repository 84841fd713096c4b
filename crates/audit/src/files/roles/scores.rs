//! Which columns hold scores: one for each class, or one with a list or a single number.

use super::Look;
use super::names::{Name, Surety};
use crate::files::profile::Profile;

/// Where the scores are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::files) enum ScoreColumns {
    #[default]
    None,
    /// One column a class.
    Each {
        places: Vec<usize>,
        /// The class of each column, where the columns are called so.
        names: Option<Vec<String>>,
        logits: bool,
    },
    /// One column: a list, or a single number; then `class` may say whose score it is.
    One {
        place: usize,
        class: Option<String>,
        logits: bool,
    },
}

/// One column a class, with the class's name behind it. Of several families the first is taken.
const PREFIXES: [(&str, bool); 9] = [
    ("probability of ", false),
    ("probability_of_", false),
    ("probability_", false),
    ("prob_", false),
    ("proba_", false),
    ("p_", false),
    ("logit_", true),
    ("logits_", true),
    ("score_", false),
];

/// The same of names that are not always those of scores: they have to be fractions.
const DOUBTFUL_PREFIXES: [(&str, bool); 27] = [
    ("probability.", false),
    ("probabilities.", false),
    ("probs.", false),
    ("probs_", false),
    ("prob.", false),
    ("probability ", false),
    ("prob ", false),
    ("score ", false),
    ("scores_", false),
    ("scores.", false),
    ("confidence_", false),
    ("confidence ", false),
    ("conf_", false),
    ("softmax_", false),
    ("y_proba_", false),
    ("y_prob_", false),
    ("y_score_", false),
    ("y_pred_", false),
    ("predicted_", false),
    ("prediction_", false),
    ("predictions_", false),
    ("pred_", false),
    ("output_", false),
    ("class_", false),
    ("logits.", true),
    ("probabilidad_", false),
    ("wahrscheinlichkeit_", false),
];

/// The same with the class in front, or in brackets.
const SUFFIXES: [(&str, bool); 14] = [
    ("_probability", false),
    (" probability", false),
    ("_prob", false),
    (" prob", false),
    ("_probs", false),
    ("_proba", false),
    ("_score", false),
    (" score", false),
    ("_confidence", false),
    (" confidence", false),
    ("_logit", true),
    ("_logits", true),
    (" (%)", false),
    ("_pct", false),
];

/// One column with the scores of all classes, or of the positive one. Of several the first is taken.
const LISTS: [(&str, bool); 14] = [
    ("probabilities", false),
    ("probs", false),
    ("proba", false),
    ("y_proba", false),
    ("y_prob", false),
    ("logits", true),
    ("scores", false),
    ("y_score", false),
    ("y_scores", false),
    ("probability", false),
    ("prob", false),
    ("score", false),
    ("logit", true),
    ("confidence", false),
];

/// Several columns that are called alike but for a class.
pub(super) fn family(look: Look<'_>, names: &[Name], taken: &[bool]) -> Option<ScoreColumns> {
    let each = |matching: Vec<(usize, String)>, logits| {
        let (places, names) = matching.into_iter().unzip();
        ScoreColumns::Each {
            places,
            names: Some(names),
            logits,
        }
    };
    let is_free = |column: &usize| {
        let is_label = names[*column].truth() == Some(Surety::Said);
        !taken[*column] && !is_label
    };
    let find = |class: &dyn Fn(&str) -> Option<String>| -> Vec<(usize, String)> {
        let free = (0..look.header.len()).filter(is_free);
        free.filter_map(|column| Some((column, class(look.header[column].trim())?)))
            .filter(|(_, class)| !class.is_empty())
            .collect()
    };
    // What else such a column holds is an error of its row.
    for (prefix, logits) in PREFIXES {
        let matching = find(&|name| behind(name, prefix));
        if matching.len() > 1 {
            return Some(each(matching, logits));
        }
    }
    let measured = |mut matching: Vec<(usize, String)>| {
        matching.retain(|(column, _)| look.profile(*column).is_some_and(Profile::is_numeric));
        let is_fraction = |column: usize| look.profile(column).is_some_and(|profile| !profile.is_whole());
        let are_scores = matching.len() > 1 && matching.iter().any(|(column, _)| is_fraction(*column));
        are_scores.then_some(matching)
    };
    for (prefix, logits) in DOUBTFUL_PREFIXES {
        if let Some(matching) = measured(find(&|name| behind(name, prefix))) {
            return Some(each(matching, logits));
        }
    }
    for (suffix, logits) in SUFFIXES {
        if let Some(matching) = measured(find(&|name| before(name, suffix))) {
            return Some(each(matching, logits));
        }
    }
    // `P(sport)`, `prob[0]`.
    let bracketed = |name: &str| {
        let (function, class) = name.split_once(['(', '['])?;
        let is_score =
            ["p", "pr"].contains(&function.to_lowercase().as_str()) || Name::of(function).scores().is_some();
        let class = class.strip_suffix([')', ']'])?;
        is_score.then(|| class.trim_matches(['\'', '"']).to_owned())
    };
    measured(find(&bracketed)).map(|matching| each(matching, false))
}

/// One column of scores.
pub(super) fn list(look: Look<'_>, names: &[Name], taken: &[bool]) -> ScoreColumns {
    let free = || (0..look.header.len()).filter(|column| !taken[*column]);
    let is_score = |column: usize| {
        let allows = |profile: &Profile| {
            // Counts and stars are called scores, too.
            profile.is_list_of_scores() || profile.is_share() || profile.is_numeric() && !profile.is_whole()
        };
        look.profiles.is_empty()
            || look
                .profile(column)
                .is_none_or(|profile| allows(profile) || !profile.is_numeric())
    };
    for (prefix, logits) in PREFIXES {
        // `p_value` and `score_total` are no scores of a class.
        if prefix == "p_" || prefix == "score_" {
            continue;
        }
        let found = free().find_map(|column| Some((column, behind(look.header[column].trim(), prefix)?)));
        if let Some((place, class)) = found.filter(|(column, class)| !class.is_empty() && is_score(*column)) {
            return ScoreColumns::One {
                place,
                class: Some(class),
                logits,
            };
        }
    }
    let one = |place: usize, logits: bool| ScoreColumns::One {
        place,
        class: None,
        logits,
    };
    let listed = LISTS.iter().find_map(|(name, logits)| {
        let place = free().find(|column| names[*column].plain == *name && is_score(*column))?;
        Some(one(place, *logits))
    });
    let scored = |column: &usize| {
        let profile = look.profile(*column);
        names[*column].scores().is_some()
            && profile.is_some_and(|profile| {
                profile.is_list_of_scores() || profile.is_share() && !profile.is_whole()
            })
    };
    let of_lists = |column: &usize| {
        let name = &names[*column];
        let may_be = name.predicted().is_some() || name.plain == "value";
        may_be && look.profile(*column).is_some_and(Profile::is_list_of_scores)
    };
    listed
        .or_else(|| {
            free()
                .find(scored)
                .map(|place| one(place, names[place].scores() == Some(true)))
        })
        .or_else(|| free().find(of_lists).map(|place| one(place, false)))
        .unwrap_or(ScoreColumns::None)
}

fn behind(name: &str, prefix: &str) -> Option<String> {
    let start = name.get(..prefix.len())?;
    start
        .eq_ignore_ascii_case(prefix)
        .then(|| name[prefix.len()..].to_owned())
}

fn before(name: &str, suffix: &str) -> Option<String> {
    let start = name.len().checked_sub(suffix.len())?;
    let end = name.get(start..)?;
    end.eq_ignore_ascii_case(suffix).then(|| name[..start].to_owned())
}

/// What the names do not have in common in front: the classes of `label_a` and `label_b`.
pub(super) fn without_common_prefix(names: &[String]) -> Vec<String> {
    let Some((first, rest)) = names.split_first() else {
        return Vec::new();
    };
    let common = |name: &String| {
        first
            .bytes()
            .zip(name.bytes())
            .take_while(|(one, other)| one == other)
            .count()
    };
    let length = rest.iter().map(common).min().unwrap_or(0);
    let end = first
        .get(..length)
        .and_then(|start| start.rfind(['_', '.', ' ']))
        .map_or(0, |place| place + 1);
    names.iter().map(|name| name[end..].to_owned()).collect()
}
