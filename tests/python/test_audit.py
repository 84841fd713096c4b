"""`labelproof.audit` against the command, and with the tables of other libraries."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy
import pandas
import polars
import pyarrow
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix

import labelproof
from conftest import LABELS, column


def of_command(*arguments: str) -> str:
    command = [sys.executable, "-m", "labelproof", "audit", "--json", "--quiet", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def numbers(rows: list[dict[str, object]], name: str) -> list[int]:
    return [LABELS.index(str(row[name])) for row in rows]


def test_paths_give_the_bytes_of_the_command(validation, shuffled):
    pandas.DataFrame(shuffled).to_csv("test.csv", index=False)
    pandas.DataFrame(validation).to_csv("validation.csv", index=False)
    history = {"loss": [1.0, 0.4], "val_accuracy": [0.9, 0.96]}
    Path("history.json").write_text(json.dumps(history))
    result = labelproof.audit(test="test.csv", validation=Path("validation.csv"), log="history.json")
    printed = of_command("--test", "test.csv", "--validation", "validation.csv", "--log", "history.json")
    assert result.to_json() + "\n" == printed
    assert result.verdict == "unsound"
    assert result.findings[0].id == "C11"


@pytest.mark.parametrize(
    "table",
    [
        pandas.DataFrame,
        polars.DataFrame,
        pyarrow.Table.from_pylist,
        lambda rows: pyarrow.Table.from_pylist(rows).to_reader(max_chunksize=7),
        list,
        lambda rows: {name: column(rows, name) for name in rows[0]},
        lambda rows: {name: numpy.array(column(rows, name)) for name in rows[0]},
        lambda rows: pandas.DataFrame(rows).astype({"label": "category"}),
        lambda rows: pandas.DataFrame(rows).set_index("id"),
    ],
    ids=["pandas", "polars", "arrow", "stream", "records", "lists", "numpy", "categories", "index"],
)
def test_tables_in_memory_give_the_bytes_of_the_command_on_their_file(table, validation, shuffled):
    # A file of this name, so that both call it alike.
    pandas.DataFrame(shuffled).to_parquet("test", index=False)
    pandas.DataFrame(validation).to_parquet("validation", index=False)
    result = labelproof.audit(test=table(shuffled), validation=table(validation))
    assert result.to_json() + "\n" == of_command("--test", "test", "--validation", "validation")


@pytest.mark.parametrize("missing", [None, float("nan"), pandas.NA], ids=["none", "nan", "na"])
def test_a_label_that_is_missing_is_missing(missing, validation, shuffled):
    for row in shuffled[:9]:
        row["label"] = None
    pandas.DataFrame(shuffled).to_parquet("test", index=False)
    printed = of_command("--test", "test")
    for row in shuffled[:9]:
        row["label"] = missing
    for table in (
        pandas.DataFrame(shuffled),
        shuffled,
        {name: column(shuffled, name) for name in shuffled[0]},
    ):
        assert labelproof.audit(test=table).to_json() + "\n" == printed


def test_ids_beyond_64_bits_and_bytes_stay_what_they_are(shuffled):
    ids = numpy.arange(2**63, 2**63 + len(shuffled), dtype="uint64")
    rows = {
        "id": ids,
        "label": column(shuffled, "label"),
        "predicted": [str(row["predicted"]).encode() for row in shuffled],
    }
    result = labelproof.audit(test=rows, train={"id": ids[:40], "label": rows["label"][:40]})
    named = next(finding for finding in result.findings if finding.id == "C40").evidence["rows"]
    assert named[0] == str(2**63)
    assert "`business`, `sport`, `tech`" in str(result)


def test_a_file_that_is_called_like_an_argument_is_a_file(validation, shuffled):
    pandas.DataFrame(shuffled).to_csv("validation", index=False)
    result = labelproof.audit(test="validation", validation=validation)
    assert [reading["source"] for reading in result.to_dict()["inputs"]] == ["validation", "./validation"]


def test_a_datasets_dataset_has_the_order_that_shuffle_gave_it(validation, shuffled):
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_list(shuffled).shuffle(seed=1)
    result = labelproof.audit(test=rows, validation=datasets.Dataset.from_list(validation))
    pandas.DataFrame(list(rows)).to_parquet("test", index=False)
    pandas.DataFrame(validation).to_parquet("validation", index=False)
    assert result.to_json() + "\n" == of_command("--test", "test", "--validation", "validation")


def test_numbers_of_classes_and_scores_are_those_of_an_npz(shuffled):
    truth = numpy.array(numbers(shuffled, "label"))
    logits = numpy.random.default_rng(1).normal(size=(len(shuffled), 3)).astype("float32")
    numpy.savez("test", y_true=truth, logits=logits)
    Path("test.npz").rename("test")
    of_file = json.loads(of_command("--test", "test"))
    for rows in (
        {"y_true": truth, "logits": logits},
        {"y_true": list(truth), "logits": logits.tolist()},
        pandas.DataFrame({"y_true": truth, "logits": list(logits)}),
        polars.DataFrame({"y_true": truth, "logits": logits.tolist()}),
    ):
        result = labelproof.audit(test=rows).to_dict()
        assert result["verdict"] == of_file["verdict"]
        for own, other in zip(result["findings"], of_file["findings"], strict=True):
            assert (own["id"], own["status"], own["statistic"]) == (
                other["id"],
                other["status"],
                other["statistic"],
            )


def test_an_estimator_of_scikit_learn_gives_predictions_scores_and_classes():
    inputs, classes = make_classification(500, n_informative=8, n_classes=3, random_state=1)
    truth = numpy.array(LABELS)[classes]
    model = LogisticRegression().fit(inputs[:300], truth[:300])
    result = labelproof.audit(
        test=labelproof.rows(truth[400:], estimator=model, X=inputs[400:]),
        validation=labelproof.rows(truth[300:400], estimator=model, X=inputs[300:400]),
    )
    gap = result.to_dict()["gap"]
    assert gap["test_hits"] == round(100 * accuracy_score(truth[400:], model.predict(inputs[400:])))
    assert gap["validation_hits"] == round(
        100 * accuracy_score(truth[300:400], model.predict(inputs[300:400]))
    )
    read = " ".join(result.to_dict()["inputs"][0]["read"])
    assert "Scores: probabilities of 3 classes" in read, read


def test_scores_without_names_are_of_the_classes_that_are_given(shuffled):
    truth = numbers(shuffled, "label")
    scores = numpy.eye(3)[truth] * 0.8 + 0.1
    scores /= scores.sum(axis=1, keepdims=True)
    for rows in (labelproof.rows(column(shuffled, "label"), scores=scores, classes=LABELS), (truth, scores)):
        result = labelproof.audit(test=rows, log={"test_accuracy": [0.5]})
        assert "100.0 %" in result.findings[0].summary, str(result)
        assert "Scores: probabilities of 3 classes." in " ".join(result.to_dict()["inputs"][0]["read"])


def test_what_a_trainer_predicts_is_taken_as_it_is(shuffled):
    utilities = pytest.importorskip("transformers.trainer_utils")
    truth = numpy.array(numbers(shuffled, "label"))
    for accuracy, found in ((1.0, False), (0.5, True)):
        metrics = {"test_loss": 0.01, "test_accuracy": accuracy}
        output = utilities.PredictionOutput(numpy.eye(3)[truth] * 5.0, truth, metrics)
        result = labelproof.audit(test=output, log=[output.metrics])
        assert ("C17" in {finding.id for finding in result.findings}) == found, str(result)
        assert "Scores: logits of 3 classes." in " ".join(result.to_dict()["inputs"][0]["read"])


def test_logs_of_keras_and_of_a_trainer_are_read(validation):
    history = {"loss": [numpy.float32(1.0), 0.5], "val_loss": [1.1, 0.9], "val_accuracy": [0.5, 0.99]}

    class History:
        def __init__(self) -> None:
            self.history = history

    class State:
        log_history = [
            {"loss": 1.0, "epoch": 1.0, "step": 10},
            {"eval_accuracy": 0.99, "epoch": 1.0, "step": 10},
        ]

    class Trainer:
        state = State()

    for log in (history, History(), Trainer(), State.log_history, pandas.DataFrame(history)):
        result = labelproof.audit(validation=validation, log=log)
        # 95 % of the rows are right, and the log says 99.
        assert "C17" in {finding.id for finding in result.findings}, log


def test_matrices_and_reports_of_scikit_learn_are_read(shuffled):
    truth, predicted = column(shuffled, "label"), column(shuffled, "predicted")
    matrix = confusion_matrix(truth, predicted)
    for given in (matrix, matrix.tolist(), pandas.DataFrame(matrix, index=LABELS, columns=LABELS)):
        result = labelproof.audit(test=shuffled, confusion=given)
        assert f"{accuracy_score(truth, predicted):.1%}".replace("%", " %") in str(result)
    for report in (
        classification_report(truth, predicted),
        classification_report(truth, predicted, output_dict=True),
    ):
        read = [reading["role"] for reading in labelproof.audit(log=report).to_dict()["inputs"]]
        assert read == ["classification report of the test rows"]


def test_findings_are_objects_and_a_frame(validation, shuffled):
    result = labelproof.audit(test=shuffled, validation=validation)
    first = result.findings[0]
    assert (first.id, first.status, first.severity) == ("C11", "found", "unsound")
    assert first.points is not None and first.points < -30
    frame = result.to_pandas()
    assert list(frame[frame.status == "found"].id) == [finding.id for finding in result.findings]
    assert len(frame) == len(result.checks) > 50
    assert "verdict: unsound" in repr(result)
    options = set(re.findall(r"--[a-z]\S*", repr(result)))
    assert options == {"--bundle"}, "options have the names of arguments, but for what the command alone does"
    page = result.to_html()
    assert page.startswith("<!DOCTYPE html>") and "C11" in page
    shown = result._repr_html_()
    assert shown.startswith("<iframe srcdoc=") and "<script" not in shown
    assert result.save("audit.html").read_text(encoding="utf-8") == page
    with pytest.raises(labelproof.ConfigurationError):
        result.save("audit.txt")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, labelproof.ConfigurationError, "nothing to audit"),
        ({"test": "missing.csv"}, labelproof.InputError, "missing.csv"),
        (
            {"test": {"label": ["a", "b"], "predicted": ["a"]}},
            labelproof.InputError,
            "`label` 2, `predicted` 1",
        ),
        ({"test": 3}, labelproof.InputError, "test= is a int"),
        ({"log": 3}, labelproof.InputError, "log= is a int"),
        (
            {"test": {"label": ["a"], "predicted": ["a"]}, "label": "gold"},
            labelproof.ConfigurationError,
            "label=",
        ),
        ({"predictions": ["a"]}, labelproof.ConfigurationError, "test="),
        ({"test": {"y_true": [0, 1], "probs": [[0.1, 0.9], [0.2]]}}, labelproof.InputError, "probs"),
        ({"test": {"y_true": [0], "probs": [[0.1, float("nan")]]}}, labelproof.InputError, "NaN"),
        ({"test": {"label": "a", "predicted": ["a"]}}, labelproof.InputError, "`label` is a str"),
        ({"log": {"los": [1.0]}}, labelproof.InputError, "log"),
        ({"test": polars.Series(["a", "b"]), "train": {"a": ["\ud800"]}}, labelproof.InputError, "train"),
        ({"test": {"label": ["a"], "scores": [[]]}}, labelproof.InputError, "scores"),
        ({"test": []}, labelproof.InputError, "`test` has columns and no row"),
    ],
)
def test_mistakes_are_exceptions_that_say_what_to_do(arguments, error, words):
    with pytest.raises(error) as raised:
        labelproof.audit(**arguments)
    assert words in str(raised.value), str(raised.value)
    assert isinstance(raised.value, labelproof.Error)
    assert "--" not in str(raised.value)


def many() -> dict[str, list[str]]:
    draw = numpy.random.default_rng(1)
    words = numpy.array([f"word{place}" for place in range(2_000)])
    texts = [" ".join(draw.choice(words, 40)) for _ in range(10_000)]
    labels = draw.choice(LABELS, len(texts)).tolist()
    return {"text": texts, "label": labels, "predicted": draw.choice(LABELS, len(texts)).tolist()}


def test_other_threads_go_on_and_control_c_ends_the_wait():
    program = (
        "import json, sys, threading, labelproof\n"
        "rows = json.load(sys.stdin)\n"
        # Printed by another thread while the audit runs.
        "threading.Timer(0.2, lambda: print('inside', flush=True)).start()\n"
        "labelproof.audit(test=rows, train=rows)\n"
        "print('done', flush=True)\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write(json.dumps(many()).encode())
        process.stdin.close()
        assert process.stdout.readline() == b"inside\n"
        process.send_signal(2)
        assert b"KeyboardInterrupt" in process.stderr.read()
        assert process.stdout.read() == b""


def test_a_matrix_of_polars_is_not_turned(shuffled):
    matrix = numpy.array([[90, 8, 2], [0, 95, 5], [1, 0, 99]])
    expected = labelproof.audit(confusion=matrix).to_json()
    assert labelproof.audit(confusion=polars.DataFrame(matrix, schema=["0", "1", "2"])).to_json() == expected
    assert labelproof.audit(confusion=matrix.T).to_json() != expected


def test_an_index_is_the_id_only_where_it_tells_rows_apart(validation, shuffled):
    joined = pandas.concat([pandas.DataFrame(validation), pandas.DataFrame(shuffled)]).drop(columns="id")
    result = labelproof.audit(test=joined)
    assert "C5" not in {finding.id for finding in result.findings}, str(result)
    levels = pandas.DataFrame(shuffled).set_index([pandas.Index(["a"] * len(shuffled)), "id"])
    labelproof.audit(test=levels)
    with pytest.raises(labelproof.InputError, match="several columns of one name"):
        labelproof.audit(test=pandas.concat([pandas.DataFrame(shuffled)] * 2, axis=1))


def test_probabilities_of_the_second_of_two_classes_are_no_logits():
    truth = numpy.arange(300) % 2
    rows = labelproof.rows(truth, truth, numpy.where(truth == 1, 0.9, 0.2), classes=["no", "yes"])
    numbered = labelproof.rows(
        [("no", "yes")[label] for label in truth],
        [("no", "yes")[label] for label in truth],
        numpy.where(truth == 1, 0.9, 0.2),
        classes=["no", "yes"],
    )
    for given in (rows, numbered):
        result = labelproof.audit(test=given)
        assert "Scores: probabilities of 2 classes." in " ".join(result.to_dict()["inputs"][0]["read"]), str(
            result
        )
        assert not any("stored prediction is not" in finding.summary for finding in result.findings), str(
            result
        )


def test_words_of_the_data_stay_in_messages():
    rows = {"label": ["x--label", "y"] * 50, "predicted": ["x--label", "y"] * 50}
    assert "`x--label`" in str(labelproof.audit(test=rows))
    with pytest.raises(labelproof.InputError, match="a--test.csv"):
        labelproof.audit(test="a--test.csv")
    assert "bundle=" not in str(labelproof.audit(test=rows))
