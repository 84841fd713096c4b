//! What the name of a column says about its role.
//!
//! Names are compared without case and without what is no letter or digit, so that `Review_Text` and
//! `reviewText` are one name.

/// How sure a name is about a role, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Surety {
    /// The name is one of those that the field uses for nothing else.
    Said,
    /// The name often means this.
    Usual,
    /// The last word of the name means this.
    Hinted,
}

/// Names of the label in several languages, the surest first.
const LABELS: &[&[&str]] = &[
    &[
        "label",
        "labels",
        "goldlabel",
        "truelabel",
        "ytrue",
        "target",
        "classlabel",
        "labelname",
        "labeltext",
        "metka",
        "метка",
        "标签",
        "ラベル",
        "etiqueta",
        "etichetta",
        "étiquette",
        "etiquette",
    ],
    &[
        "class",
        "category",
        "categories",
        "sentiment",
        "polarity",
        "intent",
        "emotion",
        "topic",
        "tag",
        "tags",
        "genre",
        "spam",
        "toxic",
        "toxicity",
        "hate",
        "gold",
        "truth",
        "categoryname",
        "classname",
        "answer",
        "annotation",
        "y",
        "v1",
        "klasse",
        "kategorie",
        "clase",
        "categoria",
        "categoría",
        "catégorie",
        "classe",
        "sentimiento",
        "sentimento",
        "rotulo",
        "rótulo",
        "klass",
        "kategoria",
        "класс",
        "категория",
        "тональность",
        "类别",
        "分类",
        "情感",
        "カテゴリ",
        "カテゴリー",
        "choice",
        "choices",
        "accept",
        "labelcoarse",
        "coarselabel",
        "stars",
        "rating",
        "overall",
        "score",
        "type",
        "section",
        "department",
    ],
];
/// The last words of longer names of a label.
const LABEL_ENDS: &[&str] = &[
    "label",
    "labels",
    "class",
    "category",
    "sentiment",
    "topic",
    "intent",
    "target",
    "emotion",
    "polarity",
];

/// Names of the text in several languages, the surest first.
const TEXTS: &[&[&str]] = &[
    &[
        "text",
        "texts",
        "sentence",
        "sentences",
        "review",
        "reviewtext",
        "content",
        "body",
        "message",
        "tweet",
        "tweettext",
        "comment",
        "commenttext",
        "utterance",
        "document",
        "article",
        "posttext",
        "inputtext",
        "texto",
        "texte",
        "testo",
        "tekst",
        "teks",
        "inhalt",
        "nachricht",
        "kommentar",
        "contenido",
        "contenu",
        "contenuto",
        "conteudo",
        "conteúdo",
        "comentario",
        "comentário",
        "commentaire",
        "commento",
        "mensaje",
        "mensagem",
        "текст",
        "сообщение",
        "отзыв",
        "文本",
        "内容",
        "评论",
        "本文",
        "テキスト",
    ],
    &[
        "description",
        "query",
        "question",
        "questiontext",
        "news",
        "post",
        "input",
        "prompt",
        "statement",
        "feedback",
        "passage",
        "abstract",
        "summary",
        "lyrics",
        "selftext",
        "doc",
        "msg",
        "phrase",
        "satz",
        "beschreibung",
        "bewertung",
        "reseña",
        "opinion",
        "opinión",
        "recensione",
        "avis",
        "descripcion",
        "descripción",
        "v2",
        "plot",
        "transcript",
        "title",
        "headline",
        "subject",
        "data",
        "sms",
        "email",
    ],
];
/// The last words of longer names of a text.
const TEXT_ENDS: &[&str] = &[
    "text",
    "review",
    "content",
    "body",
    "message",
    "comment",
    "sentence",
    "description",
    "tweet",
    "texto",
];

/// What stands above a text and says a part of it.
const TITLES: &[&str] = &[
    "title",
    "headline",
    "subject",
    "heading",
    "titel",
    "titulo",
    "título",
    "titre",
    "titolo",
    "заголовок",
    "标题",
    "タイトル",
    "reviewtitle",
];
/// The texts that have such a title above them.
const BODIES: &[&str] = &[
    "text",
    "body",
    "content",
    "description",
    "selftext",
    "article",
    "review",
    "reviewtext",
    "abstract",
    "message",
    "summary",
    "inhalt",
    "texto",
    "texte",
    "testo",
    "contenido",
    "contenu",
    "текст",
    "内容",
    "plot",
];

/// Names of a unique id.
const IDS: &[&str] = &[
    "id",
    "ids",
    "uid",
    "uuid",
    "guid",
    "docid",
    "documentid",
    "rowid",
    "tweetid",
    "reviewid",
    "postid",
    "commentid",
    "textid",
    "sampleid",
    "exampleid",
    "messageid",
    "qid",
    "idx",
    "key",
];
/// Names of the split.
const SPLITS: &[&str] = &[
    "split",
    "set",
    "subset",
    "partition",
    "part",
    "fold",
    "usage",
    "dataset",
];
/// Names of what rows have in common that belong together.
const GROUPS: &[&str] = &[
    "author",
    "authorid",
    "user",
    "userid",
    "username",
    "speaker",
    "thread",
    "threadid",
    "conversation",
    "conversationid",
    "dialogueid",
    "dialogid",
    "patientid",
    "customerid",
    "productid",
    "asin",
    "sessionid",
];

/// A name as it is compared.
fn folded(name: &str) -> String {
    let characters = name.chars().filter(|character| character.is_alphanumeric());
    characters.flat_map(char::to_lowercase).collect()
}

fn surety(name: &str, names: &[&[&str]], ends: &[&str]) -> Option<Surety> {
    let folded = folded(last_key(name));
    let sureties = [Surety::Said, Surety::Usual];
    for (names, surety) in names.iter().zip(sureties) {
        if names.contains(&folded.as_str()) {
            return Some(surety);
        }
    }
    ends.iter()
        .any(|end| folded.ends_with(end))
        .then_some(Surety::Hinted)
}

/// The last key of a nested one: `text` of `data.text`.
fn last_key(name: &str) -> &str {
    name.rsplit('.')
        .find(|key| key.parse::<usize>().is_err())
        .unwrap_or(name)
}

/// How sure a name is that the column holds the label.
pub(super) fn label(name: &str) -> Option<Surety> {
    surety(name, LABELS, LABEL_ENDS)
}

/// How sure a name is that the column holds the text.
pub(super) fn text(name: &str) -> Option<Surety> {
    surety(name, TEXTS, TEXT_ENDS)
}

/// Whether the name is that of a title, and `body` that of what stands below one.
pub(super) fn is_title_of(name: &str, body: &str) -> bool {
    is_one_of(TITLES, name) && is_one_of(BODIES, body)
}

/// Whether the name is that of a unique id.
pub(super) fn is_id(name: &str) -> bool {
    is_one_of(IDS, name)
}

/// Whether the name is that of the split.
pub(super) fn is_split(name: &str) -> bool {
    is_one_of(SPLITS, name)
}

/// Whether the name is that of what keeps rows together.
pub(super) fn is_group(name: &str) -> bool {
    is_one_of(GROUPS, name)
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.contains(&folded(last_key(name)).as_str())
}

/// Whether a cell of the first row is the name of a column, for all that names alone can say.
pub(super) fn is_name(cell: &str) -> bool {
    let is_known = [TITLES, IDS, SPLITS, GROUPS]
        .into_iter()
        .any(|names| is_one_of(names, cell));
    is_known
        || label(cell).is_some_and(|surety| surety <= Surety::Usual)
        || text(cell).is_some_and(|surety| surety <= Surety::Usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_role_however_it_is_written() {
        for name in [
            "label",
            "LABEL",
            "true_label",
            "airline_sentiment",
            "Category",
            "Категория",
            "标签",
        ] {
            assert!(label(name).is_some(), "{name}");
        }
        for name in [
            "Review_Text",
            "reviewText",
            "v2",
            "data.text",
            "meta.0.body",
            "Текст",
            "SentenceText",
        ] {
            assert!(text(name).is_some(), "{name}");
        }
        assert_eq!(label("text"), None);
        assert_eq!(text("label"), None);
        assert!(label("label") < label("stars"));
        assert!(is_title_of("Title", "Description"));
        assert!(!is_title_of("Description", "Title"));
        assert!(!is_title_of("Title", "author"));
        assert!(is_id("Tweet ID") && !is_id("identity"));
    }
}
