//! Which split the name of a file or folder says.

/// A word for a split, as data sets use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Train,
    Validation,
    /// `eval`, which some validate on and others test on.
    Evaluation,
    Test,
}

/// The split that a name says: the only one that any of its words means. `train_test_split.csv` says none.
pub(super) fn word(name: &str) -> Option<Word> {
    let mut said = words(name).into_iter().filter_map(|word| meaning(&word));
    let first = said.next()?;
    said.all(|other| other == first).then_some(first)
}

fn meaning(word: &str) -> Option<Word> {
    let bare = ["set", "data", "ing", "split", "s"]
        .iter()
        .find_map(|ending| word.strip_suffix(ending))
        .unwrap_or(word);
    match bare {
        "train" | "trn" | "trainval" => Some(Word::Train),
        "validation" | "validate" | "valid" | "val" | "dev" | "devel" | "development" => {
            Some(Word::Validation)
        }
        "eval" | "evaluation" => Some(Word::Evaluation),
        "test" | "tst" | "testdev" | "devtest" | "holdout" | "heldout" => Some(Word::Test),
        _ => None,
    }
}

/// The words of a name in lower case: what stands between other characters than letters, and `Data` of
/// `trainData`. Endings of files are words, too, and mean nothing.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for character in name.chars() {
        let begins = character.is_uppercase() && was_lower;
        if (begins || !character.is_alphabetic()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphabetic() {
            word.extend(character.to_lowercase());
        }
        was_lower = character.is_lowercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_data_sets_have_them_say_their_split() {
        for name in [
            "train.csv",
            "TRAIN.CSV",
            "train-00000-of-00002.parquet",
            "train_v2.csv",
            "agnews.train.csv",
            "training.1600000.processed.noemoticon.csv",
            "Training_Set.tsv",
            "trainData.csv",
            "trainset.json",
            "20news-bydate-train",
            "0000_train1.jsonl.gz",
        ] {
            assert_eq!(word(name), Some(Word::Train), "{name}");
        }
        for name in [
            "valid.csv",
            "val.tsv",
            "dev.csv",
            "validation_matched",
            "devel.txt",
            "Validation",
        ] {
            assert_eq!(word(name), Some(Word::Validation), "{name}");
        }
        for name in [
            "test.csv",
            "testing",
            "test-00000-of-00001.parquet",
            "devtest",
            "my_tests",
            "held.heldout",
        ] {
            assert_eq!(word(name), Some(Word::Test), "{name}");
        }
        assert_eq!(word("eval.csv"), Some(Word::Evaluation));
    }

    #[test]
    fn other_names_say_none() {
        for name in [
            "trains.csv.bak.test",
            "train_test_split.csv",
            "contest.csv",
            "latest.csv",
            "devices.csv",
            "value.csv",
            "evaluated.csv",
            "strain.csv",
            "data.csv",
            "part-0001.csv",
            "testament.txt",
        ] {
            assert_eq!(word(name), None, "{name}");
        }
    }
}
