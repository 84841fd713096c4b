//! The help, the version, the completions, and the binary without its sibling.

use std::process::Command;

use insta::assert_snapshot;
use labelproof_artifact::fs;

use crate::harness::{Project, labelproof};

/// What `--help` prints for a command.
fn help(command: &[&str]) -> String {
    let arguments = [command, &["--help"]].concat();
    let help = Project::empty().run(&arguments).expect_success().stdout;
    help.lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

#[test]
fn the_help_says_what_labelproof_is_and_what_each_command_does() {
    assert_snapshot!(help(&[]), @r#"
        Labelproof is a reproducible pipeline that trains a BERT text classifier on your labelled texts, and
        an audit that finds out why a classifier's metrics look better than its predictions

        Usage: labelproof <COMMAND>

        Commands:
          init         Look at files of labelled texts, tell what they are, and write the pipeline.yaml that
                       reads them
          run          Run the stages of the pipeline that are not up to date
          report       Bring the report up to date, and print its path or open it in the browser
          status       Tell which stages are up to date, and why the others are not
          predict      Classify texts with a trained model
          serve        Answer requests over HTTP with a trained model
          evaluate     Measure a model, also one that another program trained, on labelled rows
          audit        Find out why metrics look good although predictions are bad, from the files of any
                       classifier
          export       Write the network of a trained model as an ONNX graph
          explain      Explain a cause that the audit looks for, or list them all
          compare      Compare two runs: their parameters, their metrics, and the test rows they classify
                       differently
          reproduce    Run the whole pipeline again, and compare what it writes with pipeline.lock
          suggest      Suggest settings, and measure whether they improve the model
          worker       Run a step of a stage on rows that a cluster's engine pipes through
          schema       Print the JSON schema of pipeline.yaml, for editors
          completions  Print a completion script for a shell
          help         Print this message or the help of the given subcommand(s)

        Options:
          -h, --help     Print help
          -V, --version  Print version

        Examples:
          labelproof init reviews.csv                      write a pipeline.yaml for what the file is
          labelproof run                                   run every stage that is not up to date
          labelproof run train --set train.epochs=5        train again with other settings
          labelproof report --open                         open the report in the browser
          labelproof status                                tell which stages are stale, and why
          labelproof predict --bundle artifacts/train/model --input new.csv --text body
          labelproof serve --bundle artifacts/train/model  answer requests over HTTP
          labelproof evaluate --model my-finetuned-bert --test test.csv
          labelproof audit --validation val.csv --test test.csv --train train.csv

        Exit codes: 0 ok, 1 bug, 2 usage or configuration, 3 input data, 4 damaged artifact, 5 stale,
        6 model or device, 7 file system, 8 unsound figures, 9 not reproduced, 10 figures not examined,
        130 stopped
    "#);
}

#[test]
fn the_help_of_run_report_and_status() {
    assert_snapshot!(help(&["run"]), @r#"
        Run the stages of the pipeline that are not up to date

        Usage: labelproof run [OPTIONS] [STAGE]...

        Arguments:
          [STAGE]...  Stages to run, with all the stages they read from; every stage by default

        Options:
              --from <STAGE>      First stage to run; the output of earlier stages is used as it is
              --until <STAGE>     Last stage to run
              --only <STAGE>      The only stage to run; the output of earlier stages is used as it is
              --force             Run the stages even if they are up to date
              --dry-run           Print which stages would run, and why, without running them
              --no-wait           Fail at once if another run uses the same folder of artifacts, instead of
                                  waiting for its end
          -c, --config <FILE>     Configuration of the pipeline [default: pipeline.yaml]
              --set <KEY=VALUE>   Value that overrides the configuration's, such as train.epochs=5; can be
                                  repeated
              --artifacts <DIR>   Folder of the artifacts, or its address in object storage (s3://, gs://,
                                  az://); overrides the configuration
              --device <DEVICE>   Device of the network: auto, cpu, cuda, cuda:1, mps or flex; several, such
                                  as cuda:0,cuda:1, share the work; overrides the configuration
              --workers <NUMBER>  Number of processes that share the work on this machine: each on a GPU of
                                  its own, or on its share of the processors; by default one for each device
          -q, --quiet             Print nothing but errors and results
          -h, --help              Print help

        Examples:
          labelproof run
          labelproof run report
          labelproof run train --force
          labelproof run --dry-run                         what would run, and why
          labelproof run --from evaluate                   evaluate and all later stages
          labelproof run --config pipelines/finetune.yaml --set train.epochs=2 --device cuda:1
          labelproof run --device cuda:0,cuda:1            a process for each device
    "#);
    assert_snapshot!(help(&["report"]), @r#"
        Bring the report up to date, and print its path or open it in the browser

        Usage: labelproof report [OPTIONS]

        Options:
              --open              Open the report in the browser
          -c, --config <FILE>     Configuration of the pipeline [default: pipeline.yaml]
              --set <KEY=VALUE>   Value that overrides the configuration's, such as train.epochs=5; can be
                                  repeated
              --artifacts <DIR>   Folder of the artifacts, or its address in object storage (s3://, gs://,
                                  az://); overrides the configuration
              --device <DEVICE>   Device of the network: auto, cpu, cuda, cuda:1, mps or flex; several, such
                                  as cuda:0,cuda:1, share the work; overrides the configuration
              --workers <NUMBER>  Number of processes that share the work on this machine: each on a GPU of
                                  its own, or on its share of the processors; by default one for each device
          -q, --quiet             Print nothing but errors and results
          -h, --help              Print help
    "#);
    assert_snapshot!(help(&["status"]), @r#"
        Tell which stages are up to date, and why the others are not

        Usage: labelproof status [OPTIONS]

        Options:
          -c, --config <FILE>    Configuration of the pipeline [default: pipeline.yaml]
              --set <KEY=VALUE>  Value that overrides the configuration's, such as train.epochs=5; can be
                                 repeated
              --artifacts <DIR>  Folder of the artifacts, or its address in object storage (s3://, gs://,
                                 az://); overrides the configuration
              --check            Exit with code 5 if a stage is not up to date
              --json             Print JSON
          -h, --help             Print help
    "#);
}

#[test]
fn the_help_of_predict() {
    assert_snapshot!(help(&["predict"]), @r#"
        Classify texts with a trained model

        Usage: labelproof predict [OPTIONS] --bundle <DIR>

        Options:
              --bundle <DIR>           Bundle of the model: the folder `model` that the stage train writes
              --input <FILE>           File or address of the texts to classify; standard input by default
              --format <FORMAT>        Format of the input; by default that of the file name's extension,
                                       and lines for standard input [possible values: lines, csv, tsv,
                                       jsonl, json, parquet, spreadsheet, sqlite]
              --sheet <NAME>           Sheet of a workbook, where several have rows
              --table <NAME>           Table or view of a database, where there are several
              --query <SELECT>         SELECT statement whose rows are read from a database
              --text <COLUMN>          Column of the text; can be repeated, and the columns are joined by
                                       line breaks [default: text]
              --id <COLUMN>            Column of the id
              --encoding <NAME>        Character encoding of the input [default: utf-8]
              --separator <CHARACTER>  Character between the fields of a delimited file; told from the file
                                       by default
              --quote <MARK>           What its fields are quoted with: none, " or '; told from the file by
                                       default
              --escape <WHERE>         Where a backslash escapes in it: none, \ for everywhere, \" for
                                       quotation marks within quoted fields
              --no-header              Its first line names no columns: --text and --id name them by their
                                       numbers from 1
              --output <FILE>          File to write: CSV, or JSON lines if its name ends in .jsonl;
                                       standard output by default
              --calibrated             Give calibrated probabilities: those of the logits divided by the
                                       bundle's temperature, which changes no label
              --abstain <RULE>         Leave unsure predictions to people: precision=0.95, coverage=0.8 or
                                       confidence=0.9 of the kept ones. Adds `abstained`; the label stays
              --conformal <LEVEL>      Name the labels that hold the true one in this share of the rows,
                                       such as 0.9. Adds `set`, in CSV with | between labels
              --per-label              Choose the threshold or the sets for each label by itself
              --int8                   Quantise the encoder's dense layers to int8 where that is faster.
                                       Some labels may change: `labelproof run evaluate --set
                                       evaluate.int8=true` tells how many, and the accuracy
              --device <DEVICE>        Device of the network: auto, cpu, cuda, cuda:1, mps or flex; several,
                                       such as cuda:0,cuda:1, share the work; overrides the configuration
              --workers <NUMBER>       Number of processes that share the work on this machine: each on a
                                       GPU of its own, or on its share of the processors; by default one for
                                       each device
          -h, --help                   Print help

        Examples:
          echo 'the match ended in a draw' | labelproof predict --bundle artifacts/train/model
          labelproof predict --bundle model --input new.csv --text title --text body --output labels.csv
          labelproof predict --bundle model --input new.jsonl.gz --text body --output labels.jsonl
          labelproof predict --bundle model --input new.csv --abstain precision=0.95 --output labels.csv

        The output has a row for each input row: its id (the number of the row unless --id names a column),
        the predicted label and its probability, and the probability of every label. A row whose text cannot
        be read gets an empty label, and the exit code is 3. --abstain and --conformal add columns, and what
        they rest on are calibrated probabilities, which then stand in the output: docs/decisions.md.
    "#);
}

#[test]
fn the_help_of_serve() {
    assert_snapshot!(help(&["serve"]), @r#"
        Answer requests over HTTP with a trained model

        Usage: labelproof serve [OPTIONS] --bundle <DIR>

        Options:
              --bundle <DIR>
                  Bundle of the model: the folder `model` that the stage train writes
              --host <ADDRESS>
                  Address to listen on: 0.0.0.0 for every network of this machine [default: 127.0.0.1]
              --port <PORT>
                  Port to listen on: 0 for a free one, which the log names [default: 3000]
              --max-concurrent-requests <NUMBER>
                  Texts that may wait or be predicted at a time; more are answered with 429 [default: 512]
              --max-client-batch-size <NUMBER>
                  Texts of a request; more are answered with 413 [default: 32]
              --payload-limit <BYTES>
                  Size of a request in bytes; a larger one is answered with 413 [default: 2000000]
              --timeout <SECONDS>
                  Seconds in which a request is answered, or else with 503 [default: 30]
              --calibrated
                  Give calibrated probabilities: those of the logits divided by the bundle's temperature,
                  which changes no label
              --abstain <RULE>
                  Leave unsure predictions to people: precision=0.95, coverage=0.8 or confidence=0.9 of the
                  kept ones. Adds `abstained`; the label stays
              --conformal <LEVEL>
                  Name the labels that hold the true one in this share of the rows, such as 0.9. Adds `set`,
                  in CSV with | between labels
              --per-label
                  Choose the threshold or the sets for each label by itself
              --int8
                  Quantise the encoder's dense layers to int8 where that is faster, as predict does
              --device <DEVICE>
                  Device of the network: auto, cpu, cuda, cuda:1, mps or flex [default: auto]
          -h, --help
                  Print help

        Examples:
          labelproof serve --bundle artifacts/train/model
          labelproof serve --bundle model --host 0.0.0.0 --port 8080 --abstain precision=0.95
          curl localhost:3000/predict -H 'content-type: application/json' -d '{"inputs": "a text"}'

        The routes are those of text-embeddings-inference, so that its clients work: POST /predict, GET
        /health, /info and /metrics. POST /classify answers with what predict writes; GET /docs describes it
        all. Logs are JSON lines on standard error. Ctrl-C or SIGTERM stops the server when what was asked
        is answered. It neither encrypts nor asks who is there: put a proxy before it that does. Limits and
        status codes: docs/serving.md.
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one text")]
fn the_help_of_audit() {
    assert_snapshot!(help(&["audit"]), @r#"
        Find out why metrics look good although predictions are bad, from the files of any classifier

        Give every file you have: each one makes more checks possible. A check that cannot run says which
        file it lacks.

        Usage: labelproof audit [OPTIONS]

        Options:
              --validation <FILE>
                  Validation rows, by which the model was selected, with true and predicted labels

              --test <FILE>
                  Test rows, which neither training nor selection saw, with true and predicted labels

              --train <FILE>
                  Training rows, with their labels

              --predictions <FILE>
                  Predictions of the test rows, if they are in a file of their own: joined by id, or by
                  place

              --validation-predictions <FILE>
                  Predictions of the validation rows, likewise

              --log <FILE|KEY=VALUE,...>
                  Log of the training, or its metrics as key=value,key=value; several are read as one, and -
                  is standard input

              --confusion <FILE>
                  Confusion matrix of the test rows

              --tokenizer <FILE>
                  The model's tokenizer.json, or a folder with a tokenizer

              --bundle <DIR>
                  The model: the folder `model` that the stage train writes, or that of an
                  AutoModelForSequenceClassification; it predicts the rows that have texts and no
                  predictions

              --id <COLUMN>
                  Column of the id

              --text <COLUMN>
                  Column of the text

              --label <COLUMN>
                  Column of the true label

              --predicted <COLUMN>
                  Column of the predicted label

              --group <COLUMN>
                  Column of the group of a row, such as its author, thread or source

              --no-header
                  Take the first row of every file of rows as a row; columns are then named by their numbers

              --classes <N>
                  Number of classes, where the log does not say

              --validation-rows <N>
                  Rows that the validation figures of the log are of

              --test-rows <N>
                  Rows that the test figures of the log are of

              --train-rows <N>
                  Rows that were trained on

              --batch-size <N>
                  Rows a batch

              --json
                  Print JSON

              --html <FILE>
                  Also write the findings as a page

              --device <DEVICE>
                  Device on which the bundle runs: auto, cpu, cuda, cuda:1, mps or flex

                  [default: auto]

              --check
                  Exit with code 8 if the verdict is unsound, and with 10 if it is not examined

          -q, --quiet
                  Print nothing but errors and the result

          -h, --help
                  Print help (see a summary with '-h')

        Examples:
          labelproof audit --validation val_predictions.csv --test test_predictions.csv --train train.csv
          labelproof audit --test test.npz --log trainer_state.json --html audit.html
          labelproof audit --test rows.parquet --label gold --predicted yhat --confusion matrix.csv --check
          labelproof audit --log console.txt --classes 10 --validation-rows 2000
          labelproof audit --bundle my-finetuned-bert --test test.csv
          labelproof audit --log loss=1.24,accuracy=0.80,val_loss=1.21,val_accuracy=0.83,classes=5 \
                           --confusion matrix.csv

        Rows (--validation, --test, --train, --predictions):
          .csv .tsv .txt      separator, encoding, header and decimal commas are found out; .gz too
          .jsonl .json        objects, arrays or values, on lines or in an array; what pandas, MLflow
                              and the pipelines of Hugging Face write; .gz too
          .parquet            scores as columns or as lists
          .npz                y_true or label_ids; predictions (labels or scores); logits; ids
          .npy                predictions (labels or scores), without true labels

        Columns, unless an option names them; also in other languages, and what was decided is said:
          id                  id, row_id, index, idx, key, uid, or the nameless first column
          text                text, sentence, document, content, body, review, tweet, message, input
          true label          label, target, y_true, gold, truth, actual, class, category, ground_truth
          predicted label     predicted, prediction, pred, y_pred, y_hat, predicted_label, output
          scores              probability_NAME, prob_NAME, p_NAME, logit_NAME, score_NAME for each class, or
                              columns called like the classes, or one list: probabilities, probs, y_prob,
                              scores, logits
          group               group

        Log (--log):
          text                what was printed by Keras, a Trainer or a loop of your own, by a notebook,
                              model cards, eval_results.txt; with anything around it; - is standard input
          .json .jsonl        a Keras history, trainer_state.json, all_results.json, an object for each
                              epoch; of MLflow, Weights & Biases, Ludwig or spaCy; a notebook
          .csv .tsv           a row for each epoch, step or evaluation: Keras, Lightning, fastai, skorch,
                              flair, simpletransformers; exports of Weights & Biases and TensorBoard
          a folder            of TensorBoard's event files, an MLflow run, or a Trainer's output
          key=value,...       loss, accuracy, precision, recall, f1, auc for the training rows, with val_,
                              eval_ or validation_ for the validation rows, with test_ for the test rows;
                              and validation_rows, train_rows, test_rows, batch_size, classes, learning_rate
        The content says which it is. Given several times, logs of one training are read as one.

        Confusion matrix (--confusion):
          a printed table     as NumPy, pandas, R or Weka print it, or Markdown; with totals or without
          .csv .json .npy     counts, shares of the --test rows, or a line for each pair of classes
          a report            scikit-learn's classification_report as text, JSON or CSV; --log takes it too
        Rows are the true classes, unless words at the axes say otherwise.
    "#);
}

#[test]
fn the_help_of_compare_reproduce_and_suggest() {
    assert_snapshot!(help(&["compare"]), @r#"
        Compare two runs: their parameters, their metrics, and the test rows they classify differently

        Usage: labelproof compare [OPTIONS] <A> <B>

        Arguments:
          <A>  Folder of artifacts of the first run, or its address
          <B>  Folder of artifacts of the second run, or its address

        Options:
              --json  Print JSON, with every row that only one of the runs classifies correctly
          -h, --help  Print help

        Examples:
          labelproof run --artifacts artifacts/longer --set train.epochs=80
          labelproof compare artifacts artifacts/longer
    "#);
    assert_snapshot!(help(&["reproduce"]), @r#"
        Run the whole pipeline again, and compare what it writes with pipeline.lock

        Usage: labelproof reproduce [OPTIONS]

        Options:
          -c, --config <FILE>    Configuration of the pipeline [default: pipeline.yaml]
              --set <KEY=VALUE>  Value that overrides the configuration's, such as train.epochs=5; can be
                                 repeated
              --artifacts <DIR>  Folder of the artifacts, or its address in object storage (s3://, gs://,
                                 az://); overrides the configuration
              --lock <FILE>      Lock to compare with [default: pipeline.lock]
              --write            Write the lock instead of comparing with it
              --json             Print JSON
          -q, --quiet            Print nothing but errors and the result
          -h, --help             Print help

        Ingest, preprocess and split must write the same bytes on every machine. The later stages must do so
        on the platform of the lock (operating system, processor and its instruction sets, number of
        threads, device); on other platforms their metrics may differ by 0.02.
    "#);
    assert_snapshot!(help(&["suggest"]), @r#"
        Suggest settings, and measure whether they improve the model

        Usage: labelproof suggest <COMMAND>

        Commands:
          stop-words  Suggest stop words: frequent words of the training rows that every label uses alike,
                      as YAML to paste
          help        Print this message or the help of the given subcommand(s)

        Options:
          -h, --help  Print help
    "#);
    assert_snapshot!(help(&["suggest", "stop-words"]), @r#"
        Suggest stop words: frequent words of the training rows that every label uses alike, as YAML to
        paste

        Usage: labelproof suggest stop-words [OPTIONS]

        Options:
          -c, --config <FILE>    Configuration of the pipeline [default: pipeline.yaml]
              --set <KEY=VALUE>  Value that overrides the configuration's, such as train.epochs=5; can be
                                 repeated
              --artifacts <DIR>  Folder of the artifacts, or its address in object storage (s3://, gs://,
                                 az://); overrides the configuration
          -q, --quiet            Print nothing but errors and the result
          -h, --help             Print help

        Brings the pipeline up to date until the stage evaluate, runs it again without the words in the
        folder `ablation` below the artifacts, and compares both models on the validation rows. Test rows
        are
        not used.
    "#);
}

#[test]
fn the_version_and_the_completions_are_printed_and_an_unknown_stage_is_refused() {
    let project = Project::empty();
    let version = project.run(&["--version"]).expect_success().stdout;
    assert_eq!(
        version.trim_end(),
        format!("labelproof {}", env!("CARGO_PKG_VERSION"))
    );
    assert!(
        project
            .run(&["completions", "bash"])
            .expect_success()
            .stdout
            .contains("_labelproof")
    );
    assert_eq!(project.run(&["run", "trian"]).code, 2);
}

#[test]
fn a_command_without_its_other_half_says_what_is_missing() {
    let project = Project::empty();
    let alone = project.path("labelproof");
    fs::copy(labelproof(), &alone).unwrap();
    let version = Command::new(&alone).arg("--version").output().unwrap();
    assert_eq!(version.status.code(), Some(0));
    let run = project.shell("./labelproof predict --bundle model < /dev/null");
    assert_snapshot!(run.expect_message(), @r#"
        exit code 7
        error: cannot start `[DIR]/labelproof-torch`
          caused by: No such file or directory (os error 2)

        hint: this command runs a network, which `labelproof-torch` does: build both binaries (`cargo build --bin labelproof --bin labelproof-torch`), and keep them in one folder
    "#);
}
