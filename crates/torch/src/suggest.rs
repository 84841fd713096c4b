//! `labelproof suggest stop-words`: the words that every label uses alike, and whether the model improves
//! without them.

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::{ArtifactError, Artifacts, Prediction, Reporter, Split, StageId, TableReader};
use labelproof_audit::artifacts::{read_dataset, read_evidence};
use labelproof_audit::measures::ablation::ablate;
use labelproof_audit::measures::baseline::Baseline;
use labelproof_audit::measures::domain_words::domain_words;
use labelproof_metrics::comparison::{Better, McNemar, mcnemar};
use labelproof_text::cleaning::{Language, Step, StopWords};

use labelproof_cli::commands::suggest::{SuggestArgs, Suggestion};
use labelproof_driver::{Conduct, Config, ExitCode, Failure, Printer, Selection, Verbosity, printer};

use crate::stages;

/// The folder of the run without the words, below the artifacts.
const ABLATION: &str = "ablation";

pub(crate) fn run(args: &SuggestArgs) -> Result<ExitCode, Failure> {
    let Suggestion::StopWords(args) = &args.what;
    let config = args.config.load(None)?;
    let printer = Printer::new(Verbosity::choose(args.quiet));
    let selection = Selection::with_upstream(&[StageId::Evaluate]);
    stages::run(&config, &selection, Conduct::default(), &printer)?;
    let evidence = read_dataset(&config.artifacts)
        .and_then(|dataset| read_evidence(&config.artifacts, dataset, None, config.pipeline.audit.seed))
        .map_err(|error| Failure::of_stage(StageId::Audit, error))?;
    let Ok((texts, labels)) = evidence.labelled_texts(Split::Train) else {
        printer::data("# there are no training rows");
        return Ok(ExitCode::Success);
    };
    let words: Vec<String> = domain_words(texts, labels, &evidence.dataset.labels)
        .into_iter()
        .map(|word| word.word)
        .collect();
    if words.is_empty() {
        printer::data(&format!(
            "# no word is frequent in the {} training texts and used by all labels alike: nothing to suggest",
            texts.len()
        ));
        return Ok(ExitCode::Success);
    }
    let cheap = Baseline::train(&evidence)
        .and_then(|baseline| ablate(&evidence, &baseline, &words))
        .ok()
        .map(|(with, without)| {
            let test = mcnemar(&with, &without).expect("both lists have an entry for each validation row");
            (test, with.len())
        });
    printer.message(&format!(
        "training without {} words: {}",
        words.len(),
        words.join(", ")
    ));
    let without = without(&config, &words);
    stages::run(&without, &selection, Conduct::default(), &printer)?;
    let network = compare(&config.artifacts, &without.artifacts)?;
    printer::data(&render(&words, texts.len(), cheap, network, &without));
    Ok(ExitCode::Success)
}

/// The same pipeline with the words as stop words, and with a folder of artifacts of its own.
fn without(config: &Config, words: &[String]) -> Config {
    let mut changed = config.within(ABLATION);
    changed.pipeline.preprocess.clean.push(Step::StopWords(StopWords {
        language: Language::None,
        add: words.to_vec(),
        keep: Vec::new(),
    }));
    changed
}

/// Whether a run classifies each validation row correctly, by id.
fn validation_hits(artifacts: &Path) -> Result<BTreeMap<String, bool>, ArtifactError> {
    let mut hits = BTreeMap::new();
    for rows in TableReader::<Prediction>::open(Artifacts::all(artifacts))? {
        let rows = rows?.into_iter().filter(|row| row.split == Split::Validation);
        hits.extend(rows.map(|row| (row.id, row.label == row.predicted)));
    }
    Ok(hits)
}

/// McNemar's test of the network with the words (first) and without them (second), on the rows of both, and
/// the number of these rows.
fn compare(with: &Path, without: &Path) -> Result<(McNemar, usize), ArtifactError> {
    let (with, without) = (validation_hits(with)?, validation_hits(without)?);
    let pairs: Vec<(bool, bool)> = with
        .iter()
        .filter_map(|(id, hit)| Some((*hit, *without.get(id)?)))
        .collect();
    let (first, second): (Vec<bool>, Vec<bool>) = pairs.iter().copied().unzip();
    let test = mcnemar(&first, &second).expect("both lists have an entry for each pair");
    Ok((test, pairs.len()))
}

fn render(
    words: &[String],
    texts: usize,
    cheap: Option<(McNemar, usize)>,
    network: (McNemar, usize),
    without: &Config,
) -> String {
    let line = |name: &str, (test, rows): (McNemar, usize)| {
        format!(
            "# {name}: of {rows} validation rows {} are right only with the words, {} only without them \
             (p = {:.3})\n",
            test.only_first, test.only_second, test.p_value
        )
    };
    let helps = |(test, _): (McNemar, usize)| test.better() == Better::Second;
    let harms = |(test, _): (McNemar, usize)| test.better() == Better::First;
    let mut text = format!(
        "# {} words that every label uses alike, from {texts} training texts\n",
        words.len()
    );
    if let Some(cheap) = cheap {
        text.push_str(&line("TF-IDF + logistic regression", cheap));
    }
    text.push_str(&line("this model", network));
    text.push_str(if helps(network) {
        "# recommended: the model is better without them\n"
    } else if harms(network) || cheap.is_some_and(harms) {
        "# not recommended: leaving them out makes it worse\n"
    } else {
        "# not recommended: leaving them out makes no difference that chance does not explain\n"
    });
    text.push_str("preprocess:\n  clean:\n");
    let steps =
        serde_yaml::to_string(&without.pipeline.preprocess.clean).expect("cleaning steps are plain data");
    for step in steps.lines() {
        text.push_str(&format!("    {step}\n"));
    }
    text.trim_end().to_owned()
}
