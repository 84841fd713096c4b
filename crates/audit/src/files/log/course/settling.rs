//! What is settled once all entries of a log are known: which figures are percentages, of which rows those are that
//! do not say so, and which evaluations are there twice.

use std::collections::BTreeSet;

use labelproof_artifact::Split;
use labelproof_artifact::wording::quoted;

use super::super::super::error::LogProblem;
use super::super::keys::Figure;
use super::entry::{Entry, Logged, is_same_evaluation, repeats_validation};
use super::{Course, Manner, ROUNDING, complement, named_beside, of_percent, split_name, whole};

impl Course {
    /// Takes scores for accuracies where they are printed as scikit-learn's are: of the training rows and of
    /// others, all of them shares, and no loss or other accuracy beside them. Other scores are losses, or an
    /// F1, and nothing says which.
    pub(super) fn settle_scores(&mut self) {
        let logged = || self.entries.iter().flat_map(|entry| &entry.figures);
        let scores = || logged().filter(|logged| logged.figure == Figure::Score);
        let of_train = scores().any(|logged| logged.split == Some(Split::Train));
        let of_others = scores().any(|logged| logged.split != Some(Split::Train));
        let are_shares = scores().all(|logged| (0.0..=1.0).contains(&logged.value));
        let are_alone = logged().all(|logged| !matches!(logged.figure, Figure::Accuracy | Figure::Loss));
        let are_accuracies = of_train && of_others && are_shares && are_alone;
        let is_score = |(_, figure): &(Option<Split>, Figure)| *figure == Figure::Score;
        let slots: Vec<(Option<Split>, Figure)> = self.names.keys().copied().filter(is_score).collect();
        for (split, figure) in slots {
            let Some(name) = self.names.remove(&(split, figure)) else {
                continue;
            };
            if are_accuracies {
                self.names.insert((split, Figure::Accuracy), name);
            } else {
                self.leave(&format!("{name} (an accuracy, a loss or an F1)"));
            }
        }
        for entry in &mut self.entries {
            if are_accuracies {
                for logged in entry
                    .figures
                    .iter_mut()
                    .filter(|logged| logged.figure == Figure::Score)
                {
                    logged.figure = Figure::Accuracy;
                }
            } else {
                entry.figures.retain(|logged| logged.figure != Figure::Score);
            }
        }
    }

    /// Makes accuracies of the shares of wrong rows.
    pub(super) fn turn_errors_over(&mut self) {
        let logged = self.entries.iter_mut().flat_map(|entry| &mut entry.figures);
        for logged in logged.filter(|logged| logged.is_error) {
            (logged.value, logged.is_error) = (complement(logged.value), false);
        }
    }

    /// Turns percentages into shares. A name is of percentages if one of its values is above 2 and none above
    /// 100.
    pub(super) fn settle_shares(&mut self) -> Result<(), LogProblem> {
        let names = std::mem::take(&mut self.names);
        let is_share = |figure: Figure| !matches!(figure, Figure::Loss | Figure::Mcc);
        for (&(split, figure), name) in names.iter().filter(|((_, figure), _)| is_share(*figure)) {
            let is_meant =
                |logged: &&mut Logged| (logged.split, logged.figure) == (split, figure) && !logged.is_share;
            let mut values: Vec<&mut Logged> = self
                .entries
                .iter_mut()
                .flat_map(|entry| &mut entry.figures)
                .filter(is_meant)
                .collect();
            let finite = || {
                values
                    .iter()
                    .map(|logged| logged.value)
                    .filter(|value| value.is_finite())
            };
            let (least, most) = (finite().fold(0.0, f64::min), finite().fold(0.0, f64::max));
            if least >= -ROUNDING && most <= 1.0 + ROUNDING {
                continue;
            }
            if least >= 0.0 && most > 2.0 && most <= 100.0 + ROUNDING {
                for logged in &mut values {
                    logged.value = of_percent(logged.value);
                }
                self.say(format!("`{name}` is in per cent, and was divided by 100"));
                continue;
            }
            if self.manner == Manner::Strict {
                return Err(LogProblem::NoShare {
                    key: name.clone(),
                    value: if least < -ROUNDING { least } else { most },
                });
            }
            for entry in &mut self.entries {
                entry
                    .figures
                    .retain(|logged| (logged.split, logged.figure) != (split, figure) || logged.is_share);
            }
            self.leave(&format!("{name} (no share)"));
        }
        self.names = names;
        Ok(())
    }

    /// Says of which rows the figures are that name no split. Where losses are named for both, and no figure is
    /// that is bare, the bare ones are of the validation rows: so do fastai and the tables of a Trainer.
    pub(super) fn settle_splits(&mut self) {
        let named = |split: Split, figure| self.names.contains_key(&(Some(split), figure));
        let bare: Vec<(Figure, String)> = self
            .names
            .iter()
            .filter(|((split, _), _)| split.is_none())
            .map(|((_, figure), name)| (*figure, name.clone()))
            .collect();
        let has_bare_loss = bare.iter().any(|(figure, _)| *figure == Figure::Loss);
        let is_table = named(Split::Train, Figure::Loss)
            && named(Split::Validation, Figure::Loss)
            && !has_bare_loss
            && !bare
                .iter()
                .any(|(figure, _)| named(Split::Train, *figure) || named(Split::Validation, *figure));
        let split = match self.unnamed {
            Some(split) => split,
            None if is_table && !bare.is_empty() => {
                let names: Vec<String> = bare.iter().map(|(_, name)| name.clone()).collect();
                self.say(format!(
                    "{} without the name of a split was taken to be of the validation rows, as the losses of both \
                     are named",
                    quoted(&names, 6)
                ));
                Split::Validation
            }
            None => Split::Train,
        };
        for entry in &mut self.entries {
            let Entry { figures, .. } = entry;
            for place in 0..figures.len() {
                let logged = figures[place];
                if logged.split.is_none() {
                    let wanted = (Some(split), logged.figure, logged.of_batch);
                    let is_taken = figures
                        .iter()
                        .any(|other| (other.split, other.figure, other.of_batch) == wanted);
                    // Beside `train_loss`, a bare `loss` is something else.
                    figures[place].split = (!is_taken).then_some(split);
                }
            }
            figures.retain(|logged| logged.split.is_some());
        }
        for (figure, name) in bare {
            if named_beside(&self.names, split, figure) {
                self.leave(&name);
            }
        }
    }

    /// Accuracy, precision, recall, F1 and rows of `tp`, `tn`, `fp` and `fn`.
    pub(super) fn add_counted(&mut self) {
        let mut counts = BTreeSet::new();
        let share = |part: f64, all: f64| if all > 0.0 { part / all } else { 0.0 };
        for entry in &mut self.entries {
            for (split, cells) in std::mem::take(&mut entry.cells) {
                let [Some(tp), Some(tn), Some(fp), Some(fn_)] = cells else {
                    continue;
                };
                let rows = tp + tn + fp + fn_;
                if rows < 1.0 {
                    continue;
                }
                let of = split.unwrap_or(Split::Validation);
                counts.extend(whole(rows).map(|rows| (of, rows)));
                let counted = [
                    (Figure::Accuracy, (tp + tn) / rows),
                    (Figure::Precision, share(tp, tp + fp)),
                    (Figure::Recall, share(tp, tp + fn_)),
                    (Figure::F1, share(2.0 * tp, 2.0 * tp + fp + fn_)),
                ];
                let given: Vec<Figure> = entry.of(of).map(|logged| logged.figure).collect();
                entry.figures.extend(
                    counted
                        .into_iter()
                        .filter(|(figure, _)| !given.contains(figure))
                        .map(|(figure, value)| Logged {
                            figure,
                            split: Some(of),
                            of_batch: false,
                            value,
                            is_share: true,
                            is_error: false,
                        }),
                );
            }
        }
        for (split, rows) in counts {
            self.count_rows(split, rows);
            self.say(format!(
                "the {} figures and rows are those of `tp`, `tn`, `fp` and `fn`",
                split_name(split)
            ));
        }
    }

    /// A second evaluation at the end of a training, at the same step as the last one, is of the weights that
    /// were kept: it says which epoch's they are.
    pub(super) fn drop_second_evaluations(&mut self) {
        // Such an evaluation may be printed more than once.
        const MOST: usize = 4;
        for _ in 0..MOST {
            let mut validated = self
                .entries
                .iter()
                .enumerate()
                .rev()
                .filter(|(_, entry)| entry.has_validation());
            let (Some((place, entry)), Some((last, before))) = (validated.next(), validated.next()) else {
                return;
            };
            let moment = |entry: &Entry| (entry.step, entry.epoch.map(f64::to_bits));
            let is_second = moment(entry) == moment(before)
                && moment(entry) != (None, None)
                && entry.of(Split::Train).next().is_none();
            let mut others = self.entries[..=last].iter();
            let first = others
                .position(|other| is_same_evaluation(other, entry))
                .filter(|_| is_second);
            let Some(first) = first else { return };
            if first != last {
                self.entries[first].is_kept = true;
            }
            self.entries.remove(place);
        }
    }

    /// An evaluation that names no rows and gives what a validation gave is that validation.
    pub(super) fn drop_repeated_evaluations(&mut self) {
        let repeats: Vec<bool> = self
            .entries
            .iter()
            .map(|entry| {
                entry.is_unnamed && self.entries.iter().any(|other| repeats_validation(entry, other))
            })
            .collect();
        let mut repeats = repeats.into_iter();
        self.entries.retain(|_| !repeats.next().unwrap_or(false));
    }
}
