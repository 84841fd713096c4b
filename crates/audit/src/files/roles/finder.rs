//! The search for roles: what names say for sure, what they hint at, and what the first rows add.

use labelproof_artifact::wording::one_line;

use super::names::{Name, Surety};
use super::{Columns, Look, Purpose, Role, Roles, ScoreColumns, scores};
use crate::files::error::{Error, listed};
use crate::files::profile::Profile;

/// More columns than this are no scores.
const MOST_CANDIDATES: usize = 2_000;
/// How far a row's probabilities may be from adding up to 1.
const SUM_TOLERANCE: f64 = 0.02;

/// Looks for roles one after the other, the surest first.
pub(super) struct Finder<'l> {
    look: Look<'l>,
    columns: &'l Columns,
    names: Vec<Name>,
    taken: Vec<bool>,
    roles: Roles,
}

impl<'l> Finder<'l> {
    pub(super) fn new(look: Look<'l>, columns: &'l Columns) -> Self {
        Self {
            look,
            columns,
            names: look.header.iter().map(|name| Name::of(name)).collect(),
            taken: vec![false; look.header.len()],
            roles: Roles::default(),
        }
    }
    pub(super) fn find(mut self) -> Result<Roles, Error> {
        self.take_named();
        self.take_score_families();
        self.take_own_output();
        self.take_pipeline_output();
        if self.look.is_named {
            self.take_one_hot();
            for role in Role::ALL {
                self.take_by_name(role)?;
            }
            self.swap_predictions();
            self.take_nameless_id();
            self.take_score_lists();
            self.drop_fractions();
            self.take_counted_scores();
            self.take_by_values(Role::Predicted, Role::Truth);
            self.take_by_values(Role::Truth, Role::Predicted);
            self.drop_several_labels();
        } else {
            self.take_nameless()?;
        }
        self.take_text();
        if !matches!(self.roles.scores, ScoreColumns::Each { .. }) {
            let free: Vec<usize> = self.free().collect();
            if free.len() <= MOST_CANDIDATES {
                self.roles.candidates = free;
            }
        }
        Ok(self.roles)
    }

    fn free(&self) -> impl Iterator<Item = usize> {
        (0..self.taken.len()).filter(|column| !self.taken[*column])
    }

    fn take(&mut self, role: Role, column: usize) {
        *self.roles.slot(role) = Some(column);
        self.taken[column] = true;
    }

    fn quoted(&self, column: usize) -> String {
        format!("`{}`", self.look.header[column])
    }

    fn take_named(&mut self) {
        for role in Role::ALL {
            if let Some(wanted) = role.named(self.columns)
                && let Some(found) = named_column(self.look.header, wanted)
            {
                self.take(role, found);
                self.roles.named.push(role);
            }
        }
    }

    /// What `labelproof predict` writes: there `label` is the prediction.
    fn take_own_output(&mut self) {
        let has = |wanted: &str| self.names.iter().any(|name| name.plain == wanted);
        let is_own = self
            .look
            .header
            .iter()
            .any(|name| name.starts_with("probability of "))
            && has("probability")
            && !self
                .names
                .iter()
                .any(|name| name.predicted() == Some(Surety::Said));
        let label = self.free().find(|column| self.names[*column].plain == "label");
        if let (true, None, Some(label)) = (is_own, self.roles.predicted, label) {
            self.take(Role::Predicted, label);
        }
    }

    /// What a pipeline of Hugging Face gives: the predicted label, and the score of it, which is never below
    /// that of guessing.
    fn take_pipeline_output(&mut self) {
        let find = |wanted: &str| self.free().find(|column| self.names[*column].plain == wanted);
        let (Some(label), Some(score)) = (find("label"), find("score")) else {
            return;
        };
        let others = |name: &Name| name.predicted() <= Some(Surety::Hinted) && name.predicted().is_some();
        let is_said = |name: &Name| others(name) || name.truth() == Some(Surety::Said);
        let (Some(labels), Some(scores)) = (self.look.profile(label), self.look.profile(score)) else {
            return;
        };
        let is_open = self.roles.predicted.is_none() && self.roles.truth.is_none();
        let is_highest = scores.is_share()
            && !scores.is_whole()
            && labels.is_label()
            && scores.least() >= 1.0 / labels.values.len().max(2) as f64;
        let is_alone = self
            .free()
            .filter(|column| ![label, score].contains(column))
            .all(|column| self.names[column].row_id().is_some());
        let is_sure = is_alone || scores.filled >= 20 && labels.is_of_words();
        if is_open && is_highest && is_sure && !self.names.iter().any(is_said) {
            self.take(Role::Predicted, label);
            if self.look.purpose == Purpose::Rows {
                self.roles.decisions.push(
                    "`label` is taken for the predicted label, because `score` is never below that of \
                     guessing, as in what a pipeline of Hugging Face gives"
                        .to_owned(),
                );
                self.roles
                    .doubts
                    .push("if it is the true one, say so: --label label".to_owned());
            }
        }
    }

    fn take_by_name(&mut self, role: Role) -> Result<(), Error> {
        let is_one_hot = role == Role::Truth && (self.roles.one_hot.is_some() || self.roles.is_multi_label);
        if self.roles.slot(role).is_some() || is_one_hot {
            return Ok(());
        }
        let sure: Vec<(usize, Surety)> = self
            .free()
            .filter_map(|column| Some((column, role.surety(&self.names[column])?)))
            .filter(|(column, surety)| {
                let needs_cells = *surety >= Surety::Hinted || role == Role::Text && *surety > Surety::Said;
                !needs_cells
                    || self
                        .look
                        .profile(*column)
                        .is_some_and(|profile| role.fits(profile))
            })
            .filter(|(column, _)| !self.is_object(*column))
            .filter(|(column, _)| role != Role::Text || !self.is_nested_list(*column))
            .collect();
        let Some(surest) = sure.iter().map(|(_, surety)| *surety).min() else {
            return Ok(());
        };
        let alike: Vec<usize> = sure
            .into_iter()
            .filter(|(_, surety)| *surety == surest)
            .map(|(column, _)| column)
            .collect();
        let [first, rest @ ..] = alike.as_slice() else {
            return Ok(());
        };
        let column = match rest {
            [] => *first,
            [second, ..] => match self.decide(role, &alike) {
                Some(column) => column,
                None if surest >= Surety::Longer => {
                    let names: Vec<String> = alike.iter().map(|column| self.quoted(*column)).collect();
                    self.roles.doubts.push(format!(
                        "{} could be {}: name one with {}",
                        names.join(" and "),
                        role.meaning(),
                        role.flag()
                    ));
                    return Ok(());
                }
                None => {
                    return Err(Error::TwoColumns {
                        place: self.look.place.to_owned(),
                        role,
                        first: self.look.header[*first].clone(),
                        second: self.look.header[*second].clone(),
                    });
                }
            },
        };
        if surest >= Surety::Hinted {
            let sentence = format!("{} is taken for {}", self.quoted(column), role.meaning());
            self.roles.decisions.push(sentence);
        }
        self.take(role, column);
        Ok(())
    }

    /// Whether the column holds objects whose entries are columns themselves.
    fn is_object(&self, column: usize) -> bool {
        self.look
            .profile(column)
            .is_some_and(|profile| profile.maps > 0 && profile.maps == profile.filled)
    }

    /// Whether the column holds lists that are no texts, such as the tokens that `AllenNLP` writes.
    fn is_nested_list(&self, column: usize) -> bool {
        self.look.profile(column).is_some_and(Profile::is_nested_list)
    }

    /// Of columns that are called alike, the one that the cells speak for.
    fn decide(&mut self, role: Role, alike: &[usize]) -> Option<usize> {
        let only = |fits: &dyn Fn(&Profile) -> bool| {
            let mut fitting = alike
                .iter()
                .copied()
                .filter(|column| self.look.profile(*column).is_some_and(fits));
            fitting.next().filter(|_| fitting.next().is_none())
        };
        let column = match role {
            Role::Id | Role::Group => None,
            Role::Text => alike
                .iter()
                .copied()
                .filter(|column| self.look.profile(*column).is_some())
                .max_by_key(|column| {
                    (
                        self.look.profile(*column).map_or(0, Profile::characters),
                        usize::MAX - column,
                    )
                }),
            Role::Truth | Role::Predicted => {
                let other = self.other_labels(role);
                only(&Profile::is_label).or_else(|| {
                    let other = other?;
                    only(&|profile| profile.is_label() && profile.share_within(other) > 0.9)
                })
            }
        }?;
        let others: Vec<String> = alike
            .iter()
            .filter(|other| **other != column)
            .map(|other| self.quoted(*other))
            .collect();
        self.roles.decisions.push(format!(
            "{} is taken for {}, and not {}",
            self.quoted(column),
            role.meaning(),
            others.join(" or ")
        ));
        Some(column)
    }

    /// The labels that those of a role are compared with, where they have been found.
    fn other_labels(&self, role: Role) -> Option<&Profile> {
        let other = if role == Role::Truth {
            self.roles.predicted.or_else(|| {
                let mut said = self
                    .free()
                    .filter(|column| self.names[*column].predicted() == Some(Surety::Said));
                said.next().filter(|_| said.next().is_none())
            })
        } else {
            self.roles.truth
        };
        self.look.profile(other?)
    }

    /// In a file of predictions a `label` is the predicted one, unless another column is.
    fn swap_predictions(&mut self) {
        let is_given = self.roles.named.contains(&Role::Truth);
        if self.look.purpose == Purpose::Predictions
            && !is_given
            && let (Some(label), None) = (self.roles.truth, self.roles.predicted)
        {
            self.roles.truth = None;
            self.roles.predicted = Some(label);
        }
    }

    fn take_nameless_id(&mut self) {
        let is_nameless = self.look.header.first().is_some_and(|name| {
            let name = name.trim().to_lowercase();
            name.is_empty() || name == "unnamed: 0"
        });
        if self.roles.id.is_none() && is_nameless && !self.taken[0] {
            self.take(Role::Id, 0);
            self.roles.id_is_nameless = true;
        }
    }

    /// Columns that are called alike but for a class. They are found before the labels, because scores are
    /// called `pred_0` and `pred_1`, too.
    fn take_score_families(&mut self) {
        let family = scores::family(self.look, &self.names, &self.taken);
        if let Some(ScoreColumns::Each { places, .. }) = &family {
            for place in places {
                self.taken[*place] = true;
            }
        }
        self.roles.scores = family.unwrap_or(ScoreColumns::None);
    }

    /// One column with the scores of all classes, or of one; a prediction may hold them, too.
    fn take_score_lists(&mut self) {
        if let Some(column) = self.roles.predicted
            && let Some(profile) = self.look.profile(column)
            && !self.roles.named.contains(&Role::Predicted)
            && (profile.is_list_of_scores() || profile.is_continuous() && profile.is_share())
        {
            let is_label_too = profile.is_scored();
            if !is_label_too {
                self.roles.predicted = None;
                let what = if profile.is_numeric() {
                    "numbers between 0 and 1"
                } else {
                    "lists of numbers"
                };
                let sentence = format!("{} holds {what}, and is taken for scores", self.quoted(column));
                self.roles.decisions.push(sentence);
            }
            if self.roles.scores == ScoreColumns::None {
                self.roles.scores = ScoreColumns::One {
                    place: column,
                    class: None,
                    logits: false,
                };
            }
            return;
        }
        if self.roles.scores == ScoreColumns::None {
            let found = scores::list(self.look, &self.names, &self.taken);
            if let ScoreColumns::One { place, .. } = found {
                self.taken[place] = true;
            }
            self.roles.scores = found;
        }
    }

    /// True labels as a column of zeros and ones for each class: `label_a`, `label_b`, or with no name in
    /// common.
    fn take_one_hot(&mut self) {
        let is_usual = |name: &Name| name.truth().is_some_and(|surety| surety <= Surety::Usual);
        let is_known = self.roles.truth.is_some() || self.names.iter().any(is_usual);
        if is_known || self.look.purpose == Purpose::Predictions {
            return;
        }
        let is_binary = |column: &usize| {
            let profile = self.look.profile(*column);
            profile.is_some_and(|profile| profile.is_share() && profile.is_whole())
                && !self.names[*column].is_something_else()
                && self.names[*column].predicted().is_none()
                && self.names[*column].row_id().is_none()
        };
        let columns: Vec<usize> = self.free().filter(is_binary).collect();
        if columns.len() < 3 {
            return;
        }
        let names: Vec<String> = columns
            .iter()
            .map(|column| self.look.header[*column].clone())
            .collect();
        let listed = listed(&names);
        let rows = self.look.profiles[columns[0]].numbers.len();
        let ones = |row: usize| {
            columns
                .iter()
                .filter(|column| self.look.profiles[**column].numbers[row] > 0.5)
                .count()
        };
        let most = (0..rows).map(ones).max().unwrap_or(0);
        if (0..rows).all(|row| ones(row) == 1) {
            self.roles.decisions.push(format!(
                "{listed} are taken for the true labels: each row has a single 1"
            ));
            for column in &columns {
                self.taken[*column] = true;
            }
            self.roles.one_hot = Some((columns, scores::without_common_prefix(&names)));
        } else if most > 1 {
            self.roles.is_multi_label = true;
            self.roles.doubts.push(format!(
                "{listed} hold several ones a row, so these rows have several labels, and the checks compare one: to \
                 audit one of them, name it with --label, and its prediction with --predicted"
            ));
        }
    }

    /// Numbers with fractions of which hardly one is there twice are no labels.
    fn drop_fractions(&mut self) {
        for role in [Role::Truth, Role::Predicted] {
            let is_named = self.roles.named.contains(&role);
            if let Some(column) = *self.roles.slot(role)
                && !is_named
                && self.look.profile(column).is_some_and(Profile::is_continuous)
            {
                *self.roles.slot(role) = None;
                self.roles.doubts.push(format!(
                    "{} holds fractions, hardly one of them twice, which are no labels: name the column of {} with {}",
                    self.quoted(column),
                    role.meaning(),
                    role.flag()
                ));
            }
        }
    }

    /// The columns of an array that pandas names by numbers, if they add up to 1.
    fn take_counted_scores(&mut self) {
        let is_counted = |column: &usize| {
            self.look.header[*column]
                .bytes()
                .all(|byte| byte.is_ascii_digit())
        };
        if self.roles.scores == ScoreColumns::None {
            let columns: Vec<usize> = self.free().filter(is_counted).collect();
            self.roles.scores = self.adding_up(&columns);
        }
    }

    /// Several labels a row, which no check compares.
    fn drop_several_labels(&mut self) {
        let mut found = Vec::new();
        for role in [Role::Truth, Role::Predicted] {
            let is_named = self.roles.named.contains(&role);
            let Some(column) = *self.roles.slot(role) else {
                continue;
            };
            let several = self
                .look
                .profile(column)
                .and_then(|profile| profile.several_labels(is_named));
            if let Some(example) = several {
                *self.roles.slot(role) = None;
                found.push((self.quoted(column), one_line(&example)));
            }
        }
        let Some((_, example)) = found.first() else { return };
        let columns: Vec<String> = found.iter().map(|(column, _)| column.clone()).collect();
        let verb = if columns.len() == 1 { "has" } else { "have" };
        self.roles.is_multi_label = true;
        self.roles.doubts.push(format!(
            "{} {verb} several labels a row, as in `{example}`, and the checks compare one: only texts and ids \
             can be examined then; to audit the labels, give a file for each of them, with yes or no in every row",
            columns.join(" and "),
        ));
    }

    /// A column that has the values of the other labels, if it is the only one.
    fn take_by_values(&mut self, role: Role, known: Role) {
        let is_wanted = match (role, self.look.purpose) {
            (Role::Predicted, Purpose::Truth) | (Role::Truth, Purpose::Predictions) => false,
            _ => {
                let is_asked = self.roles.doubts.iter().any(|doubt| doubt.contains(role.flag()));
                self.roles.slot(role).is_none() && role.named(self.columns).is_none() && !is_asked
            }
        };
        let has_scores = matches!(self.roles.scores, ScoreColumns::Each { .. });
        let Some(labels) = (*self.roles.slot(known)).filter(|_| is_wanted && self.roles.one_hot.is_none())
        else {
            return;
        };
        if role == Role::Predicted && has_scores {
            return;
        }
        let Some(values) = self.look.profile(labels).filter(|labels| labels.is_label()) else {
            return;
        };
        let other = |column: &usize| {
            let profile = self.look.profile(*column);
            !self.names[*column].is_something_else()
                && profile.is_some_and(|profile| {
                    let is_alike = profile.share_within(values) > 0.95;
                    profile.is_label() && is_alike && profile.values.len() > 1 && values.values.len() > 1
                })
        };
        let found: Vec<usize> = self.free().filter(other).collect();
        let is_of_words = values.is_of_words();
        match found.as_slice() {
            [] => {}
            [column] if is_of_words => {
                let sentence = format!(
                    "{} is taken for {}, because it has the values of {}",
                    self.quoted(*column),
                    role.meaning(),
                    self.quoted(labels)
                );
                self.roles.decisions.push(sentence);
                self.take(role, *column);
            }
            several => {
                let names: Vec<String> = several.iter().map(|column| self.quoted(*column)).collect();
                let verb = if several.len() == 1 { "has" } else { "have" };
                self.roles.doubts.push(format!(
                    "{} {verb} the values of {}: if that is {}, name it with {}",
                    names.join(" and "),
                    self.quoted(labels),
                    role.meaning(),
                    role.flag()
                ));
            }
        }
    }

    /// What columns without names are, by what they hold.
    fn take_nameless(&mut self) -> Result<(), Error> {
        if self.roles.scores == ScoreColumns::None {
            let columns: Vec<usize> = self.free().collect();
            self.roles.scores = self.adding_up(&columns);
        }
        let free: Vec<usize> = self.free().collect();
        let id = free.iter().copied().find(|column| {
            let profile = self.look.profile(*column);
            free.len() > 1 && profile.is_some_and(Profile::is_number_of_row)
        });
        if let (None, Some(id)) = (self.roles.id, id) {
            self.take(Role::Id, id);
            self.roles
                .decisions
                .push(format!("{} is taken for the id", self.quoted(id)));
        }
        self.take_text();
        let scored: Vec<usize> = self
            .free()
            .filter(|column| self.look.profile(*column).is_some_and(Profile::is_list_of_scores))
            .collect();
        if let ([column], ScoreColumns::None) = (scored.as_slice(), &self.roles.scores) {
            self.roles.scores = ScoreColumns::One {
                place: *column,
                class: None,
                logits: false,
            };
            self.taken[*column] = true;
        }
        let labels = self.nameless_labels();
        let is_open = |role: Role| match role {
            Role::Truth => self.roles.truth.is_none(),
            _ => self.roles.predicted.is_none(),
        };
        let is_of_scores = self.roles.scores != ScoreColumns::None;
        match (labels.as_slice(), self.look.purpose) {
            ([column], Purpose::Predictions) if is_open(Role::Predicted) => {
                let column = *column;
                self.take(Role::Predicted, column);
                self.roles.decisions.push(format!(
                    "{} is taken for the predicted label",
                    self.quoted(column)
                ));
            }
            ([column], Purpose::Rows | Purpose::Truth) if is_open(Role::Truth) => {
                let column = *column;
                self.take(Role::Truth, column);
                self.roles
                    .decisions
                    .push(format!("{} is taken for the true label", self.quoted(column)));
                if !is_of_scores && is_open_predicted(&self.roles) && self.look.purpose == Purpose::Rows {
                    self.roles.doubts.push(format!(
                        "if {} are predictions, give them with --predictions",
                        self.quoted(column)
                    ));
                }
            }
            ([column], Purpose::Rows) if is_open(Role::Predicted) => {
                let column = *column;
                self.take(Role::Predicted, column);
                self.roles.decisions.push(format!(
                    "{} is taken for the predicted label",
                    self.quoted(column)
                ));
            }
            ([first, second, ..], Purpose::Rows) if is_open(Role::Truth) || is_open(Role::Predicted) => {
                return Err(Error::NamelessLabels {
                    place: self.look.place.to_owned(),
                    first: first + 1,
                    second: second + 1,
                });
            }
            ([first, second, ..], purpose) => {
                let role = if purpose == Purpose::Predictions {
                    Role::Predicted
                } else {
                    Role::Truth
                };
                if is_open(role) {
                    return Err(Error::TwoColumns {
                        place: self.look.place.to_owned(),
                        role,
                        first: self.look.header[*first].clone(),
                        second: self.look.header[*second].clone(),
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The columns that may be labels, without those that say nothing.
    fn nameless_labels(&self) -> Vec<usize> {
        let mut labels: Vec<usize> = self
            .free()
            .filter(|column| self.look.profile(*column).is_some_and(Profile::is_label))
            .collect();
        // A column with one value, such as the source and the mark of GLUE's CoLA, says nothing beside one with several.
        let has_several = |column: &usize| {
            let profile = self.look.profile(*column);
            profile.is_some_and(|profile| profile.values.len() > 1)
        };
        // Where its value is one of theirs, it is the answer of a model that always says the same; and
        // predictions are what is looked for in their own file.
        let is_answer = |column: &usize| {
            let value = self
                .look
                .profile(*column)
                .and_then(|profile| profile.values.keys().next());
            labels.iter().filter(|other| *other != column).any(|other| {
                let profile = self.look.profile(*other);
                value
                    .zip(profile)
                    .is_some_and(|(value, profile)| profile.values.contains_key(value))
            })
        };
        let kept: Vec<usize> = labels
            .iter()
            .copied()
            .filter(|column| has_several(column) || is_answer(column))
            .collect();
        if self.look.purpose != Purpose::Predictions && kept.iter().any(has_several) {
            labels = kept;
        }
        labels
    }

    /// Columns of numbers between 0 and 1 that add up to 1 in every row.
    fn adding_up(&mut self, columns: &[usize]) -> ScoreColumns {
        let shares: Vec<usize> = columns
            .iter()
            .copied()
            .filter(|column| self.look.profile(*column).is_some_and(Profile::is_share))
            .collect();
        // Labels of 0 and 1 beside them are no shares.
        let fractions: Vec<usize> = shares
            .iter()
            .copied()
            .filter(|column| {
                self.look
                    .profile(*column)
                    .is_some_and(|profile| !profile.is_whole())
            })
            .collect();
        for places in [shares, fractions] {
            let rows = places
                .first()
                .map_or(0, |column| self.look.profiles[*column].numbers.len());
            let sum = |row: usize| {
                places
                    .iter()
                    .map(|column| self.look.profiles[*column].numbers[row])
                    .sum::<f64>()
            };
            if places.len() > 1 && (0..rows).all(|row| (sum(row) - 1.0).abs() < SUM_TOLERANCE) {
                let whole = places
                    .iter()
                    .filter(|column| self.look.profiles[**column].is_whole())
                    .count();
                if whole == places.len() {
                    continue;
                }
                for place in &places {
                    self.taken[*place] = true;
                }
                self.roles.decisions.push(format!(
                    "the {} columns that add up to 1 are taken for the probabilities of the classes in their order",
                    places.len()
                ));
                return ScoreColumns::Each {
                    places,
                    names: None,
                    logits: false,
                };
            }
        }
        ScoreColumns::None
    }

    /// The only column of texts, where no name says which it is.
    fn take_text(&mut self) {
        if self.roles.text.is_some() {
            return;
        }
        let is_text = |column: &usize| self.look.profile(*column).is_some_and(Profile::is_text);
        let texts: Vec<usize> = self.free().filter(is_text).collect();
        if let [text] = texts.as_slice() {
            self.roles
                .decisions
                .push(format!("{} is taken for the text", self.quoted(*text)));
            self.take(Role::Text, *text);
        }
    }
}

fn is_open_predicted(roles: &Roles) -> bool {
    roles.predicted.is_none()
}

/// The column of exactly this name, or else of this name in another case, or of this number where columns have
/// no names.
fn named_column(header: &[String], wanted: &str) -> Option<usize> {
    let exact = header.iter().position(|name| name == wanted);
    exact
        .or_else(|| {
            let wanted = wanted.to_lowercase();
            header.iter().position(|name| name.to_lowercase() == wanted)
        })
        .or_else(|| {
            let numbered = format!("column {wanted}");
            header.iter().position(|name| *name == numbered)
        })
}
