//! What the names of files and folders say of the rows in them: the split, where some are called `train` and
//! others `test`, and for the format `folder` the label.
//!
//! Names say a split only together: something has to be called train, something else validation or test, and
//! everything one of them. What a name means is in [`words`].

mod words;

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::Split;

use crate::error::Error;
use crate::params::{Format, Params, Splits};
use crate::sources::Found;
use words::{Word, word};

/// What a file's place says of its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The label of a file of the format `folder`; none where it lies in no label's folder.
    pub(crate) label: Option<String>,
    /// The split, where the layout gives one.
    pub(crate) split: Option<Split>,
}

/// What the names of all sources say.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// One for each source.
    pub(crate) places: Vec<Place>,
    /// The names of files or folders that mean each split; empty where the layout gives none.
    pub(crate) names: BTreeMap<Split, BTreeSet<String>>,
    /// Whether names say validation and test and none says train, so that none is believed.
    pub(crate) lacks_train: bool,
}

impl Layout {
    /// The split that the layout gives the rows of the source of this number.
    pub(crate) fn split_of(&self, source: u32) -> Option<Split> {
        let place = usize::try_from(source).ok()?;
        self.places.get(place)?.split
    }
}

/// Reads the layout of the sources.
pub(crate) fn read(params: &Params, sources: &[Found]) -> Result<Layout, Error> {
    let paths: Vec<Vec<&str>> = sources
        .iter()
        .map(|found| found.file.name.split('/').collect())
        .collect();
    let is_folder = params.format == Format::Folder;
    let has_column = params
        .columns
        .as_ref()
        .is_some_and(|columns| columns.split.is_some());
    let mut layout = Layout::default();
    let mut naming = Naming::none(sources.len());
    if params.splits == Splits::Layout && !has_column {
        match choose(&paths, is_folder) {
            Choice::Naming(chosen) => naming = chosen,
            Choice::Partly(naming) => return Err(unclear(&naming, sources)),
            Choice::WithoutTrain => layout.lacks_train = true,
            Choice::Nothing => {}
        }
    }
    let splits = naming.splits();
    for ((path, level), split) in paths.iter().zip(&naming.levels).zip(&splits) {
        if let (Some(level), Some(split)) = (level, split) {
            let names = layout.names.entry(*split).or_default();
            names.insert(path[*level].to_owned());
        }
    }
    let labels = if is_folder {
        labels(&paths, &naming, sources)
    } else {
        vec![None; sources.len()]
    };
    layout.places = labels
        .into_iter()
        .zip(splits)
        .map(|(label, split)| Place { label, split })
        .collect();
    Ok(layout)
}

/// Which part of each path names a split, and what it says.
#[derive(Debug, Clone)]
struct Naming {
    levels: Vec<Option<usize>>,
    words: Vec<Option<Word>>,
    /// Whether a file without a name of a split lies above all of them, as a readme does.
    is_above: Vec<bool>,
}

impl Naming {
    fn none(sources: usize) -> Self {
        Self {
            levels: vec![None; sources],
            words: vec![None; sources],
            is_above: vec![false; sources],
        }
    }

    /// Each path's level as a function finds it.
    fn of(paths: &[Vec<&str>], known: &Known<'_>, level: impl Fn(&[&str]) -> Option<usize>) -> Self {
        let levels: Vec<Option<usize>> = paths.iter().map(|path| level(path)).collect();
        let words: Vec<Option<Word>> = paths
            .iter()
            .zip(&levels)
            .map(|(path, level)| known.word(path[(*level)?]))
            .collect();
        let lowest = levels.iter().flatten().min().copied().unwrap_or(0);
        Self {
            is_above: paths.iter().map(|path| path.len() <= lowest + 1).collect(),
            levels: levels
                .iter()
                .zip(&words)
                .map(|(level, word)| level.filter(|_| word.is_some()))
                .collect(),
            words,
        }
    }

    fn splits(&self) -> Vec<Option<Split>> {
        let has = |wanted: Word| self.words.contains(&Some(wanted));
        // Who has both dev and eval tests on eval.
        let is_test = has(Word::Validation) && !has(Word::Test);
        let split = |word: &Word| match word {
            Word::Train => Split::Train,
            Word::Evaluation if is_test => Split::Test,
            Word::Validation | Word::Evaluation => Split::Validation,
            Word::Test => Split::Test,
        };
        self.words.iter().map(|word| word.as_ref().map(split)).collect()
    }

    fn says_train(&self) -> bool {
        self.words.contains(&Some(Word::Train))
    }

    fn says_two(&self) -> bool {
        self.splits().into_iter().flatten().collect::<BTreeSet<_>>().len() > 1
    }

    /// Whether each file is in a split, those aside that can be no row's source.
    fn is_whole(&self, is_folder: bool) -> bool {
        let is_in = |(word, is_above): (&Option<Word>, &bool)| word.is_some() || is_folder && *is_above;
        self.words.iter().zip(&self.is_above).all(is_in)
    }
}

/// What the names of folders and files say: a folder of a million texts has one name.
struct Known<'a>(BTreeMap<&'a str, Option<Word>>);

impl<'a> Known<'a> {
    fn of(paths: &[Vec<&'a str>], is_folder: bool) -> Self {
        let mut words = BTreeMap::new();
        for path in paths {
            for name in &path[..path.len() - usize::from(is_folder)] {
                words.entry(*name).or_insert_with(|| word(name));
            }
        }
        Self(words)
    }

    fn word(&self, name: &str) -> Option<Word> {
        self.0.get(name).copied().flatten()
    }
}

enum Choice {
    Naming(Naming),
    /// Some files are in a split, and some are in none.
    Partly(Naming),
    WithoutTrain,
    Nothing,
}

/// The part of the paths that names splits: the files themselves, folders of one depth, or the nearest folder
/// of each. Files of the format `folder` are texts, whose names say nothing.
fn choose(paths: &[Vec<&str>], is_folder: bool) -> Choice {
    let common = common_folders(paths);
    let deepest = paths.iter().map(|path| path.len() - 1).max().unwrap_or(0);
    let known = Known::of(paths, is_folder);
    let mut namings = Vec::new();
    if !is_folder {
        namings.push(Naming::of(paths, &known, |path| Some(path.len() - 1)));
    }
    for level in common..deepest {
        namings.push(Naming::of(paths, &known, |path| {
            (level + 1 < path.len()).then_some(level)
        }));
    }
    namings.push(Naming::of(paths, &known, |path| {
        let last = path.len() - usize::from(is_folder);
        (common..last)
            .rev()
            .find(|level| known.word(path[*level]).is_some())
    }));
    let speaking: Vec<&Naming> = namings.iter().filter(|naming| naming.says_two()).collect();
    let of_train = || speaking.iter().filter(|naming| naming.says_train());
    if let Some(naming) = of_train().find(|naming| naming.is_whole(is_folder)) {
        return Choice::Naming((*naming).clone());
    }
    match (of_train().next(), speaking.first()) {
        (Some(naming), _) => Choice::Partly((*naming).clone()),
        (None, Some(_)) => Choice::WithoutTrain,
        (None, None) => Choice::Nothing,
    }
}

/// The number of folders that all paths begin with, which tell none from another.
fn common_folders(paths: &[Vec<&str>]) -> usize {
    let Some(first) = paths.first() else { return 0 };
    (0..first.len() - 1)
        .take_while(|level| {
            paths
                .iter()
                .all(|path| level + 1 < path.len() && path[*level] == first[*level])
        })
        .count()
}

fn unclear(naming: &Naming, sources: &[Found]) -> Error {
    let names = |wanted: bool| {
        sources
            .iter()
            .zip(&naming.words)
            .filter(|(_, word)| word.is_some() == wanted)
            .map(|(found, _)| found.file.name.clone())
            .collect()
    };
    Error::SplitUnclear {
        within: names(true),
        without: names(false),
    }
}

/// The label of each file of the format `folder`: the first folder inside of what `ingest.paths` names that
/// is not the split's, or one below where that is the same for all. Where there is none inside, the paths
/// themselves are folders of labels.
fn labels(paths: &[Vec<&str>], naming: &Naming, sources: &[Found]) -> Vec<Option<String>> {
    let inside: Vec<Vec<&str>> = sources
        .iter()
        .zip(paths)
        .zip(&naming.levels)
        .map(|((found, path), level)| {
            let parts: Vec<&str> = found.inside.split('/').collect();
            let start = path.len().checked_sub(parts.len());
            let split = level
                .zip(start)
                .and_then(|(level, start)| level.checked_sub(start));
            folders_without(&parts, split)
        })
        .collect();
    let folders = if inside.iter().all(Vec::is_empty) {
        let all: Vec<Vec<&str>> = paths
            .iter()
            .zip(&naming.levels)
            .map(|(path, level)| folders_without(path, *level))
            .collect();
        // One folder for all is no label.
        let level = varying(&all);
        let values: BTreeSet<_> = all.iter().filter_map(|folders| folders.get(level)).collect();
        if values.len() < 2 {
            return vec![None; paths.len()];
        }
        all
    } else {
        inside
    };
    let level = varying(&folders);
    folders
        .iter()
        .map(|folders| folders.get(level).map(|label| (*label).to_owned()))
        .collect()
}

/// The folders of a path, without the one that names the split.
fn folders_without<'a>(path: &[&'a str], split: Option<usize>) -> Vec<&'a str> {
    path[..path.len() - 1]
        .iter()
        .enumerate()
        .filter(|(level, _)| Some(*level) != split)
        .map(|(_, folder)| *folder)
        .collect()
}

/// The first level at which folders differ; the first of all if none does.
fn varying(folders: &[Vec<&str>]) -> usize {
    let values = |level: usize| {
        let names = folders.iter().filter_map(|folders| folders.get(level));
        names.collect::<BTreeSet<_>>()
    };
    let deepest = folders.iter().map(Vec::len).max().unwrap_or(0);
    (0..deepest)
        .take_while(|level| *level == 0 || values(level - 1).len() == 1)
        .find(|level| values(*level).len() > 1)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
