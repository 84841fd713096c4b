//! What the name of a column says, in the words that people and libraries use, in several languages.
//!
//! A name is split into words: `predLabel`, `Predicted label` and `label_pred` say the same.

/// A name without what people vary: case, accents, and what joins the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// Lower case, with `_` between the words.
    pub(super) plain: String,
    words: Vec<String>,
}

/// What a word of a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Predicted,
    True,
    Label,
    /// The answer of a model, which may be its prediction.
    Output,
    /// Something measured of the prediction.
    Score,
    /// Something that is neither label nor prediction.
    Other,
    Text,
    /// Says nothing more.
    Filler,
}

/// How surely a name speaks for a role; the first is the surest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Surety {
    /// It is the name of the role.
    Said,
    /// It is the usual name of something that has the role unless another column claims it.
    Usual,
    /// It is a longer name of the same.
    Longer,
    /// It has a word for the role among others. The cells have to agree.
    Hinted,
    /// It may be. The cells have to agree.
    Possible,
}

const PREDICTED: &str = "\
    pred preds predict predicts predicted prediction predictions predictedlabel predictedclass predlabel
    predclass ypred yhat hat argmax inferred guess guessed estimated classified prediccion predicciones
    predicho predicha pronostico predicao predicoes predito predita previsto prevista previsao predizione
    predizioni predetto predetta previsione predit predite predits prevu prevue prevision vorhersage
    vorhersagen vorhergesagt vorhergesagte vorhergesagtes vorhergesagter prognose prognostiziert
    voorspelling voorspeld voorspelde prognos predikterad forudsagt forutsagt ennuste predikce predykcja
    przewidywana przewidywanie tahmin tahmini";
const TRUE: &str = "\
    true truth truths actual actuals gold golden groundtruth gt expected ytrue truelabel trueclass
    goldlabel actuallabel wahr wahre wahres wahrer wahrheit tatsachlich tatsachliche tatsachliches
    tatsachlicher tatsaechlich verdadero verdadera verdad verdadeiro verdadeira vrai vraie verite reel
    reelle vero vera verita werkelijk werkelijke waar gercek observed annotated annotation annotations manual prawdziwa skutecna";
/// Words that are only true beside a word for a label.
const TRUE_BESIDE_LABEL: &str = "\
    correct real reference ref human right reale ist soll";
const LABEL: &str = "\
    label labels lbl class classes category categories target targets y etiqueta etiquetas etiquette
    etiquettes etichetta etichette etikett etikette etiket etykieta klasse klassen klass klasa clase
    clases classe classi sinif kategorie kategorien kategori kategoria categorie categoria categorias
    rotulo rotulos objetivo cible cat tag zielklasse zielvariable";
/// Names of what is often classified.
const TOPICS: &str = "\
    sentiment sentiments sentimiento sentimento stimmung intent intention topic topics thema tema emotion
    emotions emotie emocion polarity polaridad polarite stars rating stance spam toxic toxicity language
    genre section department tags";
const OUTPUT: &str = "\
    output outputs response responses result results resultado resultat ergebnis risultato model modelo
    modele modell modello system sys hyp hypothesis answer completion generated generation classifier
    bert roberta distilbert gpt llm svm";
const SCORE: &str = "\
    prob probs proba probas probability probabilities score scores confidence confidences conf logit
    logits softmax certainty entropy margin loss losses wahrscheinlichkeit wahrscheinlichkeiten konfidenz
    probabilidad probabilidades confianza probabilidade probabilidades confianca probabilite probabilites
    confiance probabilita confidenza kans waarschijnlijkheid sannolikhet olasilik";
const OTHER: &str = "\
    correct is match matches error errors wrong hit weight weights count counts num n time timestamp date
    length len rank split fold source url lang author user previous prev old annotator annotators
    agreement mask embedding richtig falsch correcto correcta";
const TEXT: &str = "\
    text texts sentence sentences document documents content contents body review reviews tweet tweets
    message messages input inputs comment comments utterance query question headline abstract passage
    description transcript email sms prompt statement article post sequence texto textos texte textes
    testo testi tekst texten metin satz satze dokument inhalt nachricht kommentar frase frases oracion
    comentario comentarios mensaje mensagem contenido conteudo phrase phrases commentaire avis contenu
    messaggio recensione contenuto zin bericht";
const FILLER: &str = "\
    ground the id ids idx index name names value values int str string code number text final raw clean
    cleaned full original processed preprocessed column variable data encoded enc of de du la
    el le les von";
const ID: &str = "\
    row doc document sample example item record text sentence tweet review comment message instance pair
    data case question post article passage query test guid";

/// Parts of names in writings without spaces, and of words that are bent.
const PARTS: [(&str, Word); 36] = [
    ("预测", Word::Predicted),
    ("預測", Word::Predicted),
    ("予測", Word::Predicted),
    ("예측", Word::Predicted),
    ("предсказ", Word::Predicted),
    ("прогноз", Word::Predicted),
    ("πρόβλεψη", Word::Predicted),
    ("توقع", Word::Predicted),
    ("真实", Word::True),
    ("真實", Word::True),
    ("真值", Word::True),
    ("实际", Word::True),
    ("正解", Word::True),
    ("正确", Word::True),
    ("実際", Word::True),
    ("정답", Word::True),
    ("실제", Word::True),
    ("истин", Word::True),
    ("фактич", Word::True),
    ("реальн", Word::True),
    ("概率", Word::Score),
    ("置信", Word::Score),
    ("確率", Word::Score),
    ("확률", Word::Score),
    ("вероятн", Word::Score),
    ("标签", Word::Label),
    ("標籤", Word::Label),
    ("类别", Word::Label),
    ("分类", Word::Label),
    ("ラベル", Word::Label),
    ("라벨", Word::Label),
    ("метк", Word::Label),
    ("класс", Word::Label),
    ("категор", Word::Label),
    ("文本", Word::Text),
    ("текст", Word::Text),
];

impl Name {
    pub(super) fn of(name: &str) -> Self {
        let words = words(name);
        Self {
            plain: words.join("_"),
            words,
        }
    }

    /// What each word stands for; none where it is not known.
    fn known(&self) -> Vec<Option<Word>> {
        let has_label = self.words.iter().any(|word| is_in(LABEL, word));
        self.words.iter().map(|word| meaning(word, has_label)).collect()
    }

    /// How surely these are true labels.
    pub(super) fn truth(&self) -> Option<Surety> {
        let known = self.known();
        let has = |wanted| known.contains(&Some(wanted));
        if has(Word::Predicted) || has(Word::Score) {
            return None;
        }
        let only = |allowed: &[Word]| {
            let is_allowed = |word: &Option<Word>| word.is_some_and(|word| allowed.contains(&word));
            known.iter().all(is_allowed)
        };
        let is_alone = self.words.len() == 1;
        if has(Word::True) && only(&[Word::True, Word::Label, Word::Filler, Word::Text]) {
            return Some(Surety::Said);
        }
        if has(Word::Other) {
            return None;
        }
        if has(Word::Label) && (is_alone || ["label_id", "label_ids"].contains(&self.plain.as_str())) {
            return Some(Surety::Usual);
        }
        if has(Word::Label) && only(&[Word::Label, Word::Filler]) {
            return Some(Surety::Longer);
        }
        if has(Word::True) {
            return Some(Surety::Hinted);
        }
        let is_topic = self.words.iter().any(|word| is_in(TOPICS, word));
        let may_be = (has(Word::Label) && !has(Word::Text) || is_topic) && !has(Word::Output);
        may_be.then_some(Surety::Possible)
    }

    /// How surely these are predicted labels.
    pub(super) fn predicted(&self) -> Option<Surety> {
        let known = self.known();
        let has = |wanted| known.contains(&Some(wanted));
        if has(Word::Score) || has(Word::True) || has(Word::Other) {
            return None;
        }
        let only = |allowed: &[Word]| {
            let is_allowed = |word: &Option<Word>| word.is_some_and(|word| allowed.contains(&word));
            known.iter().all(is_allowed)
        };
        if has(Word::Predicted) {
            let is_said = only(&[Word::Predicted, Word::Label, Word::Filler]);
            return Some(if is_said { Surety::Said } else { Surety::Hinted });
        }
        let is_output = has(Word::Output) && only(&[Word::Output, Word::Label, Word::Filler]);
        is_output.then_some(Surety::Possible)
    }

    /// How surely these are texts.
    pub(super) fn text(&self) -> Option<Surety> {
        let known = self.known();
        let texts = self
            .words
            .iter()
            .filter(|word| is_in(TEXT, word) || part(word) == Some(Word::Text))
            .count();
        let others = [Word::Predicted, Word::True, Word::Label, Word::Score, Word::Other];
        if texts == 0 || known.iter().flatten().any(|word| others.contains(word)) || self.row_id().is_some() {
            return None;
        }
        let fillers = self
            .words
            .iter()
            .filter(|word| is_in(FILLER, word) && !is_in(TEXT, word))
            .count();
        Some(if self.words.len() == 1 {
            Surety::Said
        } else if texts + fillers == self.words.len() {
            Surety::Longer
        } else {
            Surety::Hinted
        })
    }

    /// How surely these are ids of the rows.
    pub(super) fn row_id(&self) -> Option<Surety> {
        const SAID: &[&str] = &["id", "ids", "row_id", "index", "idx", "key", "uid"];
        const LONGER: &str = "\
    guid uuid qid pairid rowid docid no nr номер 编号";
        if SAID.contains(&self.plain.as_str()) {
            return Some(Surety::Said);
        }
        let is_id = match self.words.as_slice() {
            [only] => is_in(LONGER, only),
            [what, id] => ["id", "ids", "index", "idx"].contains(&id.as_str()) && is_in(ID, what),
            _ => false,
        };
        is_id.then_some(Surety::Longer)
    }

    /// Whether these are scores, and then whether logits.
    pub(super) fn scores(&self) -> Option<bool> {
        let is_score = |word: &String| meaning(word, false) == Some(Word::Score);
        let measures = ["entropy", "margin", "loss", "losses"];
        let is_measure = self.words.iter().any(|word| measures.contains(&word.as_str()));
        let has_truth = self.known().contains(&Some(Word::True));
        (self.words.iter().any(is_score) && !is_measure && !has_truth)
            .then(|| self.words.iter().any(|word| word.starts_with("logit")))
    }

    /// Whether this is surely the name of a column, and no value in it.
    pub(super) fn is_known(&self) -> bool {
        let usual = [self.truth(), self.predicted(), self.text(), self.row_id()];
        let is_sure = |surety: &Option<Surety>| surety.is_some_and(|surety| surety <= Surety::Longer);
        usual.iter().any(is_sure) || self.words.len() <= 3 && self.scores().is_some()
    }

    /// Whether the name says that the column is something else than a label or a prediction.
    pub(super) fn is_something_else(&self) -> bool {
        let known = self.known();
        let else_words = [Word::Other, Word::Score, Word::Text];
        known.iter().flatten().any(|word| else_words.contains(word))
    }
}

/// Whether a word is one of a list with spaces between them.
fn is_in(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|listed| listed == word)
}

fn part(word: &str) -> Option<Word> {
    PARTS
        .iter()
        .find(|(part, _)| word.contains(part))
        .map(|(_, meaning)| *meaning)
}

fn meaning(word: &str, has_label: bool) -> Option<Word> {
    let lists = [
        (PREDICTED, Word::Predicted),
        (TRUE, Word::True),
        (LABEL, Word::Label),
        (SCORE, Word::Score),
        (OUTPUT, Word::Output),
        (FILLER, Word::Filler),
        (OTHER, Word::Other),
        (TEXT, Word::Text),
    ];
    if has_label && is_in(TRUE_BESIDE_LABEL, word) {
        return Some(Word::True);
    }
    let listed = lists
        .iter()
        .find(|(list, _)| is_in(list, word))
        .map(|(_, meaning)| *meaning);
    let number = || {
        word.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(Word::Filler)
    };
    listed.or_else(|| several_parts(word)).or_else(number)
}

/// Of a name without spaces, what rules: 预测标签 is the predicted label, and 预测概率 its probability.
fn several_parts(word: &str) -> Option<Word> {
    let found = |wanted| {
        PARTS
            .iter()
            .any(|(part, meaning)| *meaning == wanted && word.contains(part))
    };
    [Word::Score, Word::Predicted, Word::True, Word::Label, Word::Text]
        .into_iter()
        .find(|meaning| found(*meaning))
}

/// The words of a name, in lower case and without accents.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_lower = false;
    for character in name.trim().chars() {
        if !character.is_alphanumeric() && !is_accent(character) {
            words.push(String::new());
            is_lower = false;
            continue;
        }
        if character.is_uppercase() && is_lower {
            words.push(String::new());
        }
        is_lower = character.is_lowercase();
        if let Some(word) = words.last_mut() {
            fold(character, word);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_accent(character: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&character)
}

/// Adds a letter as it is looked up.
fn fold(character: char, word: &mut String) {
    for lower in character.to_lowercase().filter(|lower| !is_accent(*lower)) {
        match lower {
            'à'..='å' | 'ą' => word.push('a'),
            'ç' | 'č' | 'ć' => word.push('c'),
            'è'..='ë' | 'ę' | 'ě' => word.push('e'),
            'ì'..='ï' | 'ı' => word.push('i'),
            'ñ' | 'ň' | 'ń' => word.push('n'),
            'ò'..='ö' | 'ø' => word.push('o'),
            'ù'..='ü' | 'ů' => word.push('u'),
            'ß' => word.push_str("ss"),
            'ş' | 'š' | 'ś' => word.push('s'),
            'ž' | 'ż' | 'ź' => word.push('z'),
            other => word.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_true_labels() {
        let check = |surety, names: &[&str]| {
            for name in names {
                let name = Name::of(name);
                assert_eq!((name.truth(), name.predicted()), (surety, None), "{name:?}");
            }
        };
        check(
            Some(Surety::Said),
            &[
                "Actual",
                "ground_truth",
                "groundTruth",
                "gold",
                "gt",
                "expected",
                "y_true",
                "trueLabel",
                "label_true",
                "True Label",
                "actual_class",
                "correct_label",
                "wahres Label",
                "étiquette_réelle",
                "真实标签",
                "истинная_метка",
                "Verdadero",
            ],
        );
        check(
            Some(Surety::Usual),
            &[
                "label",
                "y",
                "target",
                "class",
                "category",
                "etiqueta",
                "Étiquette",
                "Klasse",
                "标签",
                "label_id",
            ],
        );
        check(
            Some(Surety::Longer),
            &["class_name", "category_id", "label_text", "target_names"],
        );
        check(Some(Surety::Possible), &["sentiment", "news_category", "intent"]);
    }

    #[test]
    fn names_of_predicted_labels() {
        let check = |surety, names: &[&str]| {
            for name in names {
                let name = Name::of(name);
                assert_eq!((name.predicted(), name.truth()), (surety, None), "{name:?}");
            }
        };
        check(
            Some(Surety::Said),
            &[
                "pred",
                "prediction",
                "Predicted",
                "yhat",
                "y_hat",
                "y_pred",
                "predLabel",
                "predicted_class",
                "prediction_label",
                "label_pred",
                "prediccion",
                "Predicción",
                "Vorhersage",
                "prédit",
                "previsão",
                "预测标签",
                "予測",
                "pred_0",
                "class_predicted",
                "PredictedLabel",
            ],
        );
        check(
            Some(Surety::Possible),
            &["outputs", "model_output", "response", "result"],
        );
        check(Some(Surety::Hinted), &["pred_xlnet"]);
    }

    #[test]
    fn scores_and_flags_are_no_labels() {
        for name in [
            "pred_prob",
            "prediction_score",
            "confidence",
            "predicted_probability",
            "is_correct",
            "correct",
            "预测概率",
            "loss",
            "label_count",
            "pred_time",
        ] {
            let name = Name::of(name);
            assert_eq!((name.truth(), name.predicted()), (None, None), "{name:?}");
        }
        assert_eq!(Name::of("pred_prob").scores(), Some(false));
        assert_eq!(Name::of("logits").scores(), Some(true));
        assert_eq!(Name::of("loss").scores(), None);
    }

    #[test]
    fn names_of_texts_and_ids() {
        for name in [
            "text", "Texto", "Sätze", "sentence", "inputs", "review", "文本", "comment",
        ] {
            assert_eq!(Name::of(name).text(), Some(Surety::Said), "{name}");
        }
        assert_eq!(Name::of("clean_text").text(), Some(Surety::Longer));
        for name in ["text_label", "label_text", "text_id", "author"] {
            assert_eq!(Name::of(name).text(), None, "{name}");
        }
        assert_eq!(Name::of("id").row_id(), Some(Surety::Said));
        assert_eq!(Name::of("doc_id").row_id(), Some(Surety::Longer));
        for name in ["label_id", "user_id", "class_id", "author_id"] {
            assert_eq!(Name::of(name).row_id(), None, "{name}");
        }
    }
}
