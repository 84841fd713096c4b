//! What the labels of a file are called: in which form they were read as those of another column, that two
//! columns have no label in common, or that true labels are none.

/// How the labels of a column were read as those of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The column.
    pub column: String,
    /// A label as the file has it.
    pub written: String,
    /// What it was read as.
    pub read: String,
    /// What the two have to do with each other.
    pub how: Join,
}

/// What one label has to do with another that means the same class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Join {
    /// The same name or number in another form: `__label__sport`, `LABEL_3`, `tensor(3)`, `5 stars`, `True`.
    Form,
    /// Another word: `pos` and `positive`, `sci_tech` and `Sci/Tech`.
    Words,
    /// One column counts from 1, the other from 0.
    OffByOne,
    /// Numbers are places among names, in an order that nothing but the alphabet tells.
    Places,
}

/// True and predicted labels of a file that have no label in common, so that no row can be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// The true labels.
    pub truth: Vec<String>,
    /// The predicted ones, which are left aside.
    pub predicted: Vec<String>,
    /// The naming of the predictions that makes most rows right: a true label, and what predictions call it.
    pub pairs: Vec<(String, String)>,
    /// Rows that are right if classes are named so.
    pub matched: u64,
    /// Rows.
    pub rows: u64,
}

/// The order of class names that fits the rows, where numbers are places among them and nobody gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitted {
    /// The names in the order of the numbers.
    pub order: Vec<String>,
    /// Rows right in this order.
    pub hits: u64,
    /// Rows right in the order of the alphabet.
    pub alphabet: u64,
    /// Rows, of all files that tell.
    pub rows: u64,
}

/// True labels that are no labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholders {
    /// Their column.
    pub column: String,
    /// As the file has them; an empty one for empty cells.
    pub labels: Vec<String>,
    /// Rows with them.
    pub rows: usize,
    /// All rows of the file.
    pub of: usize,
    /// How they were told.
    pub sign: Sign,
}

/// How true labels were told to be no labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sign {
    /// By what is written there, and that nothing else calls a class so.
    Written,
    /// All rows have the same label, and predictions are not those of a file of this class.
    OneClass {
        /// The share of the rows that are predicted as this class.
        predicted: f64,
        /// The share that would be to be expected if it were the class of all rows, where another file tells.
        expected: Option<f64>,
    },
}

impl Eq for Sign {}
