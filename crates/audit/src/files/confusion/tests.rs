//! Matrices in the layouts that people have; every one of these is the same matrix.

use super::*;

/// Names of rows, and of columns.
type Names<'a> = (Option<&'a [&'a str]>, Option<&'a [&'a str]>);

fn labels_of(labels: &[&str]) -> Vec<String> {
    labels.iter().map(ToString::to_string).collect()
}

fn matrix_of(text: &str, labels: &[&str]) -> Result<Matrix, ConfusionProblem> {
    match parse(text, &labels_of(labels), None)? {
        Given::Matrix(matrix) => Ok(*matrix),
        other => panic!("{text}: {other:?}"),
    }
}

#[track_caller]
fn check_csv(text: &str, labels: &[&str], expected: Result<Names<'_>, &str>) {
    match expected {
        Ok((names, columns)) => {
            let matrix = matrix_of(text, labels).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!(matrix.counts, [[5, 1], [2, 7]], "{text}");
            assert_eq!(matrix.labels, names.map(labels_of), "{text}");
            assert_eq!(matrix.columns, columns.map(labels_of), "{text}");
        }
        Err(message) => assert_eq!(matrix_of(text, labels).unwrap_err().to_string(), message),
    }
}

#[test]
fn a_matrix_is_read_with_its_names_or_without() {
    check_csv("5,1\n2,7\n", &[], Ok((None, None)));
    check_csv("5 1\n2 7\n", &["a", "b"], Ok((None, None)));
    check_csv(",a,b\na,5,1\nb,2,7\n", &[], Ok((Some(&["a", "b"]), None)));
    check_csv(
        "true\\pred,b,a\nb,5,1\na,2,7\n",
        &["A", "b"],
        Ok((Some(&["b", "A"]), None)),
    );
    check_csv(
        ",b,a\na,5,1\nb,2,7\n",
        &["a", "b"],
        Ok((Some(&["a", "b"]), Some(&["b", "a"]))),
    );
    check_csv("a,b\n5,1\n2,7\n", &[], Ok((Some(&["a", "b"]), None)));
    check_csv("a,5,1\nb,2,7\n", &[], Ok((Some(&["a", "b"]), None)));
    check_csv(",0,1\n0,5.0,1.0\n1,2.0,7.0\n", &[], Ok((Some(&["0", "1"]), None)));
    check_csv("0,5,1\n1,2,7\n", &[], Ok((Some(&["0", "1"]), None)));
    check_csv(
        ",a,b,All\na,5,1,6\nb,2,7,9\nAll,7,8,15\n",
        &[],
        Ok((Some(&["a", "b"]), None)),
    );
}

/// The matrix without names.
const NUMBERS: &[&str] = &[
    "confusion_matrix:\n- - 5\n  - 1\n- - 2\n  - 7\naccuracy: 0.8\n",
    "5,1,\n2,7,\n",
    "[[5 1]\n [2 7]]",
    "Confusion matrix:\n[[5. 1.]\n [2. 7.]]\nDone in 3 s\n",
    "array([[5, 1],\n       [2, 7]])",
    "tensor([[5, 1],\n        [2, 7]], device='cuda:0')",
    "tf.Tensor(\n[[5 1]\n [2 7]], shape=(2, 2), dtype=int32)",
    "<tf.Tensor: shape=(2, 2), dtype=int32, numpy=\narray([[5, 1],\n       [2, 7]], dtype=int32)>",
    "[[5, 1], [2, 7]]",
    "[5, 1]\n[2, 7]\n",
    "   5.00000,   1.00000\n   2.00000,   7.00000\n",
    "5,0000;1,0000\n2,0000;7,0000\n",
    "5\t1\n2\t7\n",
    "\ncm =\n\n     5     1\n     2     7\n\n",
    "2×2 Matrix{Int64}:\n 5  1\n 2  7",
    "5.000000000000000000e+00 1.000000000000000000e+00\n2.000000000000000000e+00 7.000000000000000000e+00\n",
    "[[9 9]\n [9 9]]\nepoch 2\n[[5 1]\n [2 7]]\n",
    "{\"accuracy\": 0.8, \"test\": {\"confusion_matrix\": [[5, 1], [2, 7]]}}",
];

/// Numbers alone, in the brackets of NumPy, PyTorch, TensorFlow, Python, JSON.
#[test]
fn what_libraries_print_of_a_matrix_is_read() {
    for text in NUMBERS {
        check_csv(text, &[], Ok((None, None)));
    }
}

/// The matrix of the classes `a` and `b`.
const TABLES: &[&str] = &[
    "n=15   Predicted a   Predicted b\nActual a     5         1         6\nActual b     2         7         9\n             7         8\n",
    ",a,b,\na,5,1,6\nb,2,7,9\n,7,8,15\n",
    "<table><tr><th>Predicted</th><th>a</th><th>b</th></tr>\n<tr><th>Actual</th><th></th><th></th></tr><tr><th>a</th><td>5</td><td>1</td></tr>\n<tr><th>b</th><td>2</td><td>7</td></tr></table>",
    " actual | predicted | count \n--------+-----------+-------\n a      | a         |     5\n a      | b         |     1\n b      | a         |     2\n b      | b         |     7\n(4 rows)\n",
    "Confusion Matrix,,\n,Predicted,\nActual,a,b\na,5,1\nb,2,7\n",
    "expected_label,a,b\na,5,1\nb,2,7\n",
    "Predicted\ta\tb\nActual\t\t\na\t5\t1\nb\t2\t7\n",
    "{\"schema_type\": \"confusion_matrix\", \"data\": {\"class_labels\": [\"a\", \"b\"], \"matrix\": [[5, 1], [2, 7]]}}",
    "Predicted  a  b\nActual         \na          5  1\nb          2  7",
    "Predicted  a  b  All\nActual              \na          5  1    6\nb          2  7    9\nAll        7  8   15",
    "Actual     a  b\nPredicted      \na          5  2\nb          1  7",
    "Actual,a,b,All\na,5,1,6\nb,2,7,9\nAll,7,8,15\n",
    "Predicted,a,b\na,5,2\nb,1,7\n",
    "   a  b\na  5  1\nb  2  7",
    ",,Predicted,Predicted\n,,a,b\nActual,a,5,1\nActual,b,2,7\n",
    ",,Predicted,\n,,a,b\nActual,a,5,1\n,b,2,7\n",
    "         Predicted   \n                 a  b\nActual a         5  1\n       b         2  7",
    "\tpred_a\tpred_b\ntrue_a\t5\t1\ntrue_b\t2\t7\n",
    ",Predicted: a,Predicted: b\nActual: a,5,1\nActual: b,2,7\n",
    "| Actual | a | b |\n|:---|---:|---:|\n| a | 5 | 1 |\n| **b** | 2 | 7 |\n",
    "+----+-----+-----+\n|    |   a |   b |\n+====+=====+=====+\n| a  |   5 |   1 |\n+----+-----+-----+\n| b  |   2 |   7 |\n+----+-----+-----+\n",
    "\\begin{tabular}{lrr}\n\\toprule\nPredicted & a & b \\\\\nActual &  &  \\\\\n\\midrule\na & 5 & 1 \\\\\nb & 2 & 7 \\\\\n\\bottomrule\n\\end{tabular}\n",
    "--- Confusion Matrix ---\nPredicted ->   a   b  Total   Recall\n---------\na              5   1      6  0.83333\nb              2   7      9  0.77778\n---------\nTotal          7   8     15\nPrecision  0.714   0.875\n",
    "          Reference\nPrediction a b\n         a 5 2\n         b 1 7\n                                          \n               Accuracy : 0.8             \n                 95% CI : (0.5191, 0.9567)\n",
    "   \n    a b\n  a 5 1\n  b 2 7\n",
    "Confusion matrix:\n  a b class.error\na 5 1   0.1666667\nb 2 7   0.2222222\n",
    "=== Confusion Matrix ===\n\n a b   <-- classified as\n 5 1 | a = a\n 2 7 | b = b\n",
    "Confusion Matrix (Act/Pred) for max f1 @ threshold = 0.3:\n       a    b    Error    Rate\n-----  ---  ---  -------  --------------\na      5    1    0.167    (1.0/6.0)\nb      2    7    0.222    (2.0/9.0)\nTotal  7    8    0.2      (3.0/15.0)\n",
    "Predict a  b\nActual\na       5  1\n\nb       2  7\n",
    "\ttrue a\ttrue b\tclass precision\npred. a\t5\t2\t71.43%\npred. b\t1\t7\t87.50%\nclass recall\t83.33%\t77.78%\n",
    "           |         pred\n      true |         a          b |     Total\n-----------+----------------------+----------\n         a |         5          1 |         6 \n         b |         2          7 |         9 \n-----------+----------------------+----------\n     Total |         7          8 |        15 \n",
    "{\"a\": {\"a\": 5, \"b\": 1}, \"b\": {\"a\": 2, \"b\": 7}}",
    "{'a': {'a': 5, 'b': 1}, 'b': {'a': 2, 'b': 7}}",
    "{\"a\":{\"a\":5,\"b\":2},\"b\":{\"a\":1,\"b\":7}}",
    "{\"columns\":[\"a\",\"b\"],\"index\":[\"a\",\"b\"],\"data\":[[5,1],[2,7]]}",
    "{\"labels\": [\"a\", \"b\"], \"matrix\": [[5, 1], [2, 7]]}",
    "{\"data\":[{\"type\":\"heatmap\",\"z\":[[5,2],[1,7]],\"x\":[\"a\",\"b\"],\"y\":[\"a\",\"b\"]}],\"layout\":{\"xaxis\":{\"title\":{\"text\":\"Actual\"}}}}",
    "Counter({('a', 'a'): 5, ('b', 'b'): 7, ('b', 'a'): 2, ('a', 'b'): 1})",
    "Actual,Predicted,nPredictions\na,a,5\na,b,1\nb,a,2\nb,b,7\n",
    "{\"columns\": [\"Actual\", \"Predicted\", \"nPredictions\"], \"data\": [[\"a\", \"a\", 5], [\"a\", \"b\", 1], [\"b\", \"a\", 2], [\"b\", \"b\", 7]]}",
    "  Prediction Reference Freq\n1          a         a    5\n2          b         a    1\n3          a         b    2\n4          b         b    7\n",
    "['a', 'b']\n[[5 1]\n [2 7]]\n",
];

/// With names; rows are true classes in all of them, or said to be the predicted ones.
#[test]
fn tables_with_names_and_margins_are_read() {
    for text in TABLES {
        check_csv(text, &[], Ok((Some(&["a", "b"]), None)));
    }
}

#[test]
fn names_may_be_numbers_or_have_blanks() {
    for (text, names) in [
        ("col_0  0  1\nrow_0      \n0      5  1\n1      2  7", ["0", "1"]),
        (
            "pred   0  1  All\ntrue             \n0      5  1    6\n1      2  7    9\nAll    7  8   15",
            ["0", "1"],
        ),
        (
            "[[5 1]\n [2 7]]\n              precision    recall  f1-score   support\n\n           0       0.71      0.83      0.77         6\n           1       0.88      0.78      0.82         9\n",
            ["0", "1"],
        ),
        ("   0  1\n0  5  1\n1  2  7", ["0", "1"]),
        (
            "Predicted label  not spam  spam mail\nTrue label                           \nnot spam                5          1\nspam mail               2          7",
            ["not spam", "spam mail"],
        ),
        (
            "           not spam  spam mail\nnot spam          5          1\nspam mail         2          7",
            ["not spam", "spam mail"],
        ),
    ] {
        check_csv(text, &[], Ok((Some(&names), None)));
    }
}

#[test]
fn four_counts_are_a_matrix_of_two_classes() {
    for text in [
        "TP=7 FP=1 FN=2 TN=5",
        "True Positives: 7\nFalse Positives: 1\nTrue Negatives: 5\nFalse Negatives: 2\n",
        "tn, fp, fn, tp = (5, 1, 2, 7)",
        "{\"tp\": 7, \"fp\": 1, \"fn\": 2, \"tn\": 5}",
        "{\"eval\": {\"true_positives\": 7.0, \"false_positives\": 1.0, \"false_negatives\": 2.0, \"true_negatives\": 5.0}}",
    ] {
        check_csv(text, &[], Ok((Some(&["negative", "positive"]), None)));
        check_csv(text, &["ham", "spam"], Ok((None, None)));
    }
}

/// As scikit-learn counts labels of which some end with a space, or are in capitals.
#[test]
fn spellings_of_one_class_are_added_up() {
    let mut table = Table::of_cells(
        ["0 0 0 0", "3 2 0 1", "0 0 0 0", "2 0 3 4"]
            .map(|line| line.split(' ').map(str::to_owned).collect())
            .to_vec(),
    );
    table.rows = Some(labels_of(&["a", "a ", "B", "b"]));
    table.columns.clone_from(&table.rows);
    let matrix = matrix(&mut table, &labels_of(&["a", "b"]), None)
        .unwrap()
        .unwrap();
    assert_eq!(matrix.spellings, ["B", "a", "a ", "b"]);
    assert_eq!(matrix.counts, [[5, 1], [2, 7]]);
    assert_eq!(matrix.labels, Some(labels_of(&["a", "b"])));
    let of_csv = matrix_of(",a,a ,b\na,0,0,0\na ,3,0,2\nb,1,0,4\n", &["a", "b"]).unwrap();
    assert_eq!(of_csv.spellings, ["a", "a "]);
    assert_eq!(of_csv.counts, [[3, 2], [1, 4]]);
    // A blank after a separator pads, and is of no name.
    let padded = matrix_of(" , a, b\na , 3, 2\nb , 1, 4\n", &["a", "b"]).unwrap();
    assert_eq!(padded.spellings, Vec::<String>::new());
    assert_eq!(padded.counts, [[3, 2], [1, 4]]);
}

#[test]
fn classes_that_no_row_has_are_added() {
    let matrix = matrix_of(",a,c\na,5,1\nc,2,7\n", &["a", "B", "C"]).unwrap();
    assert_eq!(matrix.counts, [[5, 1, 0], [2, 7, 0], [0, 0, 0]]);
    assert_eq!(matrix.labels.unwrap(), ["a", "C", "B"]);
    assert_eq!(matrix.columns, None);
    // A class that is never predicted has no column in a crosstab.
    let matrix = matrix_of("Predicted  a\nActual      \na          5\nb          7", &[]);
    assert!(matrix.is_err());
    let matrix = matrix_of(",a,b\na,5,-\nb,2,7\n", &[]).unwrap();
    assert_eq!(matrix.counts, [[5, 0], [2, 7]]);
    let matrix = matrix_of(",a,b\na,5,1\nb,2,7\nc,1,3\n", &[]).unwrap();
    assert_eq!(matrix.counts, [[5, 1, 0], [2, 7, 0], [1, 3, 0]]);
    assert!(
        matrix
            .reading
            .read
            .iter()
            .any(|said| said == "`c` has no column, which is filled with zeros.")
    );
}

#[test]
fn names_of_another_kind_are_places() {
    let matrix = matrix_of(",0,1\n0,5,1\n1,2,7\n", &["ham", "spam"]).unwrap();
    assert_eq!(
        (matrix.counts, matrix.labels),
        (vec![vec![5, 1], vec![2, 7]], None)
    );
}

/// The axes of objects in objects are nowhere said: the test rows show them.
#[test]
fn an_order_that_nobody_knows_is_that_of_the_test_rows() {
    let text = "{\"a\": {\"a\": 5, \"b\": 1}, \"b\": {\"a\": 2, \"b\": 7}}";
    let counted = [vec![5, 2], vec![1, 7]];
    let Given::Matrix(matrix) = parse(text, &labels_of(&["a", "b"]), Some(&counted)).unwrap() else {
        panic!("{text}")
    };
    assert_eq!(matrix.counts, counted);
}

#[test]
fn what_is_no_matrix_says_why() {
    check_csv(
        "5,1\n2,7\n3,4\n",
        &[],
        Err("the matrix has 3 rows, and row 1 has 2 columns"),
    );
    check_csv("0.8,0.5\n0.1,0.9\n", &[], Err("row 1: `0.8` is no count"));
    check_csv("5,1\n2,-7\n", &[], Err("row 2: `-7` is no count"));
    check_csv(",a,b\na,1,x\nb,0,1\n", &[], Err("row 1: `x` is no count"));
    check_csv(
        ",a,c\na,5,1\nc,2,7\n",
        &["a", "b"],
        Err("the matrix names `a`, `c`, and the labels are `a`, `b`"),
    );
    check_csv(
        "5,1\n2,7\n",
        &["a"],
        Err("the matrix has 2 classes, and the labels are 1: `a`"),
    );
    check_csv(
        "[[1 0 ... 0 0]\n [0 1 ... 0 0]\n ...\n [0 0 ... 0 1]]",
        &[],
        Err("the matrix was shortened with `...` when it was printed"),
    );
    check_csv(
        "[[[1 2]\n  [3 4]]\n\n [[5 6]\n  [7 8]]]",
        &[],
        Err("2 matrices, and the audit reads one"),
    );
    check_csv(
        ",a,b,All\na,5,1,7\nb,2,7,9\nAll,7,8,15\n",
        &[],
        Err("`All` is not the sum of the others: in line 1 it is 7, and they add up to 6"),
    );
    check_csv(
        "y_true,y_pred\na,b\na,a\nb,b\n",
        &[],
        Err("a row for each text, with its true and its predicted class, and no matrix of counts"),
    );
    check_csv(
        "[('a', 'b', 3), ('b', 'a', 5)]",
        &[],
        Err("no confusion matrix in it"),
    );
    check_csv("Nothing to see here.\n", &[], Err("no confusion matrix in it"));
}

#[test]
fn a_report_is_told_from_a_matrix() {
    let report = "              precision    recall  f1-score   support\n\n           a       0.71      0.83      0.77         6\n           b       0.88      0.78      0.82         9\n\n    accuracy                           0.80        15\n   macro avg       0.79      0.81      0.80        15\nweighted avg       0.81      0.80      0.80        15\n";
    assert!(matches!(parse(report, &[], None), Ok(Given::Report(_))));
}

/// What is cut off, left out or mistyped is read or refused, and never a panic.
#[test]
fn damaged_matrices_do_no_harm() {
    let labels = labels_of(&["a", "b"]);
    let counted = [vec![5, 1], vec![2, 7]];
    for text in NUMBERS.iter().chain(TABLES) {
        for (place, character) in text.char_indices().step_by(4) {
            let (before, after) = (&text[..place], &text[place + character.len_utf8()..]);
            for damaged in [
                before.to_owned(),
                format!("{before}{after}"),
                format!("{before}9{after}"),
                format!("{before}\n{after}"),
                format!("{before}-{after}"),
                format!("{before}{after}{before}"),
            ] {
                drop(parse(&damaged, &[], None));
                drop(parse(&damaged, &labels, Some(&counted)));
            }
        }
    }
}
