//! Logs as people have them: what each is read as.

use labelproof_artifact::Split;

use super::super::error::{Error, LogProblem};
use super::{ReadLog, Seems, of_argument, of_bytes};
use crate::evidence::log::{Basis, Cadence, Epoch, Figures, NotFinite};

fn read(text: &str) -> ReadLog {
    read_as("log.txt", text)
}

#[track_caller]
fn read_as(name: &str, text: &str) -> ReadLog {
    match of_bytes(text.as_bytes(), name, Split::Test) {
        Ok(read) => read,
        Err(error) => panic!("{error}: {text}"),
    }
}

/// Loss and accuracy, of which 0 stands for none.
fn pair(figures: &Figures) -> (f64, f64) {
    (
        figures.loss.unwrap_or_default(),
        figures.accuracy.unwrap_or_default(),
    )
}

/// Loss and accuracy of the training, validation and test rows of each epoch.
fn table(read: &ReadLog) -> Vec<[(f64, f64); 3]> {
    let row = |epoch: &Epoch| [pair(&epoch.train), pair(&epoch.validation), pair(&epoch.test)];
    read.log.epochs.iter().map(row).collect()
}

const NONE: (f64, f64) = (0.0, 0.0);

#[track_caller]
fn check(name: &str, text: &str, expected: &[[(f64, f64); 3]]) -> ReadLog {
    let read = read_as(name, text);
    assert_eq!(table(&read), expected, "{name}: {text}\n{:?}", read.reading);
    read
}

#[test]
fn console_output_of_keras_is_read_in_all_its_ages() {
    let two = [
        [(1.6, 0.52), (1.25, 0.6), NONE],
        [(1.1, 0.66), (1.12, 0.65), NONE],
    ];
    let read = check(
        "train.log",
        "Using TensorFlow backend.\nTrain on 11314 samples, validate on 7532 samples\nEpoch 1/10\n - 572s - loss: 1.6000 - acc: \
         0.5200 - val_loss: 1.2500 - val_acc: 0.6000\nEpoch 2/10\n - 572s - loss: 1.1000 - acc: 0.6600 - val_loss: 1.1200 - \
         val_acc: 0.6500\n",
        &two,
    );
    assert_eq!(
        (read.log.train_rows, read.log.validation_rows),
        (Some(11314), Some(7532))
    );
    assert_eq!(
        (read.log.name(1), read.log.cadence),
        ("epoch 2".to_owned(), Cadence::Epochs)
    );
    check(
        "log",
        "Epoch 1/2\n1875/1875 ━━━━━━━━━━━━━━━━━━━━ 3s 2ms/step - accuracy: 0.5200 - loss: 1.6000 - val_accuracy: 0.6000 - \
         val_loss: 1.2500\nEpoch 2/2\n1875/1875 ━━━━━━━━━━━━━━━━━━━━ 3s 2ms/step - accuracy: 0.6600 - loss: 1.1000 - val_accuracy: \
         0.6500 - val_loss: 1.1200\n",
        &two,
    );
    // Colours and backspaces, as a file has them; the second epoch was broken off.
    let read = check(
        "log",
        "Epoch 1/2\r\n\u{1b}[1m 32/800\u{1b}[0m [>.............................] - ETA: 1:20 - loss: 2.9 - acc: 0.05\u{8}\u{8}\u{8}\
         \u{8}\u{1b}[1m 64/800\u{1b}[0m [=>............................] - ETA: 1:10 - loss: 2.5 - acc: 0.10\u{8}\u{8}\u{8}\r\
         800/800 [==============================] - 3s 55us/sample - loss: 1.6 - acc: 0.52 - val_loss: 1.25 - val_acc: 0.6\r\n\
         Epoch 2/2\r\n 32/800 [>.............................] - ETA: 1:20 - loss: 1.9 - acc: 0.55\r\n^CTraceback (most recent \
         call last):\r\n  File \"train.py\", line 31, in <module>\r\nKeyboardInterrupt\r\n",
        &[[(1.6, 0.52), (1.25, 0.6), NONE], [(1.9, 0.55), NONE, NONE]],
    );
    assert!(
        read.reading.read.iter().any(|said| said.contains("not finished")),
        "{:?}",
        read.reading
    );
    // Callbacks that talk in between, and restore the best epoch.
    let read = check(
        "log",
        "Epoch 1/9\n\nEpoch 1: val_loss improved from inf to 1.25000, saving model to m.keras\n25/25 - 1s - 53ms/step - accuracy: \
         0.5200 - loss: 1.6000 - val_accuracy: 0.6000 - val_loss: 1.2500 - learning_rate: 0.0100\nEpoch 2/9\n\nEpoch 2: val_loss \
         did not improve from 1.25000\n25/25 - 0s - 3ms/step - accuracy: 0.6600 - loss: 1.1000 - val_accuracy: 0.6500 - val_loss: \
         1.1200 - learning_rate: 0.0010\nEpoch 2: early stopping\nRestoring model weights from the end of the best epoch: 1.\n",
        &two,
    );
    assert_eq!(
        (read.log.kept, read.log.epochs[1].learning_rate),
        (Some(0), Some(0.001))
    );
}

#[test]
fn a_loss_that_is_no_number_is_a_fact() {
    let read = read(
        "Epoch 1/2\n1875/1875 ━━━━━━━━━━ 3s 2ms/step - accuracy: 0.81 - loss: 0.51 - val_accuracy: 0.83 - val_loss: 0.45\nEpoch 2/2\n\
         1875/1875 ━━━━━━━━━━ 3s 2ms/step - accuracy: 0.1000 - loss: nan - val_accuracy: 0.1000 - val_loss: inf\n",
    );
    let [first, second] = read.log.epochs.as_slice() else {
        panic!("two epochs")
    };
    assert_eq!((first.train.loss_not_finite, second.train.loss), (None, None));
    assert_eq!(second.train.loss_not_finite, Some(NotFinite::NotANumber));
    assert_eq!(second.validation.loss_not_finite, Some(NotFinite::Infinite));
    // Stuck at a tenth says nothing of how many rows there are.
    assert_eq!(read.log.estimates.validation, None);
    let json = read_as(
        "h.json",
        r#"{"loss": [0.5, NaN], "val_loss": [0.6, -Infinity], "note": ["NaN \" NaN", ""]}"#,
    );
    assert_eq!(
        json.log.epochs[1].train.loss_not_finite,
        Some(NotFinite::NotANumber)
    );
    assert_eq!(
        json.log.epochs[1].validation.loss_not_finite,
        Some(NotFinite::Infinite)
    );
    let python = read_as("h.txt", "{'loss': [0.5, nan], 'val_loss': [0.6, inf]}");
    assert_eq!(
        python.log.epochs[1].train.loss_not_finite,
        Some(NotFinite::NotANumber)
    );
}

#[test]
fn an_evaluation_after_the_training_is_of_the_test_rows_or_says_that_it_is_the_validation() {
    let fitted = "Epoch 1/1\n25/25 ━━━━━━━━━━ 0s 1ms/step - accuracy: 0.5337 - loss: 0.7484 - val_accuracy: 0.6150 - val_loss: 0.7140\n";
    let bar = |accuracy: &str, loss: &str| {
        format!("{fitted}7/7 ━━━━━━━━━━ 0s 1ms/step - accuracy: {accuracy} - loss: {loss}\n")
    };
    let epoch = [(0.7484, 0.5337), (0.714, 0.615), NONE];
    check("log", &bar("0.6150", "0.7140"), &[epoch]);
    let other = check(
        "log",
        &bar("0.5550", "0.8140"),
        &[[epoch[0], epoch[1], (0.814, 0.555)]],
    );
    assert!(other.reading.read.iter().any(|said| said.contains("test rows")));
    check(
        "log",
        &(bar("0.5550", "0.8140") + "Test loss: 0.8139704416275024\nTest accuracy: 0.5549999952316284\n"),
        &[[
            epoch[0],
            epoch[1],
            (0.813_970_441_627_502_4, 0.554_999_995_231_628_4),
        ]],
    );
    check(
        "log",
        &format!("{fitted}Test loss: 0.9\nTest accuracy: 0.5\n"),
        &[[epoch[0], epoch[1], (0.9, 0.5)]],
    );
    // The history that is printed at the end has all digits.
    check(
        "log",
        &format!(
            "{fitted}{{'accuracy': [0.53371], 'loss': [0.74836], 'val_accuracy': [0.615], 'val_loss': [0.71401]}}\n"
        ),
        &[[(0.74836, 0.53371), (0.71401, 0.615), NONE]],
    );
}

const TRAINER: &str = "***** Running training *****
  Num examples = 8,544
  Num Epochs = 2
  Total train batch size (w. parallel, distributed & accumulation) = 16
 33%|███▎      | 500/1602 [00:43<01:33, 11.75it/s]
{'loss': 0.5231, 'grad_norm': 4.21, 'learning_rate': 3.4e-05, 'epoch': 0.94}
***** Running Evaluation *****
  Num examples = 872
  Batch size = 32
{'eval_loss': 0.4123, 'eval_accuracy': 0.8211009174311926, 'eval_runtime': 1.2345, 'eval_samples_per_second': 706.359, 'epoch': 1.0}
{'loss': 0.3231, 'grad_norm': 4.21, 'learning_rate': 1.4e-05, 'epoch': 1.87}
{'eval_loss': 0.5123, 'eval_accuracy': 0.8302752293577982, 'eval_runtime': 1.2345, 'eval_samples_per_second': 706.359, 'epoch': 2.0}
{'train_runtime': 93.4, 'train_samples_per_second': 182.95, 'train_steps_per_second': 11.43, 'train_loss': 0.4321, 'epoch': 2.0}
***** eval metrics *****
  epoch                   =        2.0
  eval_accuracy           =     0.8211
  eval_loss               =     0.4123
  eval_runtime            = 0:00:01.23
  eval_samples            =        872
  eval_samples_per_second =    706.359
";

#[test]
fn what_a_trainer_prints_is_read_with_its_rows_and_the_epoch_that_was_kept() {
    let epochs = [
        [(0.5231, 0.0), (0.4123, 0.821_100_917_431_192_6), NONE],
        [(0.3231, 0.0), (0.5123, 0.830_275_229_357_798_2), NONE],
    ];
    let read = check("log", TRAINER, &epochs);
    assert_eq!(
        (read.log.train_rows, read.log.validation_rows),
        (Some(8544), Some(872))
    );
    assert_eq!((read.log.kept, read.log.batch_size), (Some(0), None));
    assert_eq!(read.log.validation_hits(), Some((716, 872)));
    // The dictionaries alone tell the rows by their pace.
    let lines: Vec<&str> = TRAINER.lines().filter(|line| line.starts_with('{')).collect();
    let read = check("log", &lines.join("\n"), &epochs);
    assert_eq!(read.log.validation_rows, Some(872));
    let train = read.log.estimates.train.unwrap();
    assert_eq!(
        (train.basis, train.rows.abs_diff(8544) < 20),
        (Basis::Throughput, true)
    );
    // Newer ones print text.
    check(
        "log",
        "{'loss': '0.5231', 'learning_rate': '3.4e-05', 'epoch': '1'}\n{'eval_loss': '0.4123', 'eval_accuracy': '0.82', 'epoch': '1'}\n",
        &[[(0.5231, 0.0), (0.4123, 0.82), NONE]],
    );
}

#[test]
fn tables_of_notebooks_and_cards_are_read() {
    let epochs = [
        [NONE, (0.4123, 0.8211), NONE],
        [(0.5231, 0.0), (0.5123, 0.8303), NONE],
    ];
    for text in [
        "Epoch\tTraining Loss\tValidation Loss\tAccuracy\n1\tNo log\t0.412300\t0.821100\n2\t0.523100\t0.512300\t0.830300\n",
        "[1602/1602 05:11, Epoch 2/2]\nEpoch Training Loss Validation Loss Accuracy\n1 No log 0.412300 0.821100\n2 0.523100 0.512300 \
         0.830300\n\nTrainOutput(global_step=100, training_loss=0.33, metrics={'train_runtime': 12.0})\n",
        "## Results\n\n| Epoch | Step | Training Loss | Validation Loss | Accuracy |\n|:---:|:---:|:---:|:---:|:---:|\n| 1.0 | 250 | No log | \
         0.4123 | 0.8211 |\n| 2.0 | 500 | 0.5231 | 0.5123 | 0.8303 |\n\n### Versions\n",
        "epoch     train_loss  valid_loss  accuracy  time    \n0         -  0.4123  0.8211  00:12   \n1         0.5231  0.5123  0.8303  00:12   \n",
        "epoch,train_loss,valid_loss,accuracy,time\n0,,0.4123,0.8211,00:12\n1,0.5231,0.5123,0.8303,00:12\n",
    ] {
        let read = check("log", text, &epochs);
        assert!(
            read.reading
                .read
                .iter()
                .any(|said| said.to_lowercase().contains("accuracy` without")),
            "{:?}",
            read.reading
        );
    }
    check(
        "skorch",
        "  epoch    train_loss    valid_acc    valid_loss     dur\n-------  ------------  -----------  ------------  ------\n      1        \
         \u{1b}[36m0.6932\u{1b}[0m       \u{1b}[32m0.5200\u{1b}[0m        \u{1b}[35m0.6900\u{1b}[0m  0.0512\n      2        0.6832       0.5300\
         \u{20}       0.6800  0.0512\n",
        &[
            [(0.6932, 0.0), (0.69, 0.52), NONE],
            [(0.6832, 0.0), (0.68, 0.53), NONE],
        ],
    );
    check(
        "README.md",
        "It achieves the following results on the evaluation set:\n- Loss: 0.2155\n- Accuracy: 0.924\n",
        &[[NONE, (0.2155, 0.924), NONE]],
    );
}

#[test]
fn loops_that_people_write_are_read() {
    check(
        "log",
        "Epoch 3 | train loss 0.53, val acc 83.2%\nEpoch 4 | train loss 0.43, val acc 84.1%\n",
        &[
            [(0.53, 0.0), (0.0, 0.832), NONE],
            [(0.43, 0.0), (0.0, 0.841), NONE],
        ],
    );
    check(
        "log",
        "[Epoch 1/2] Loss: 0.7 Acc: 0.6\n[Epoch 2/2] Loss: 0.5 Acc: 0.8\n",
        &[[(0.7, 0.6), NONE, NONE], [(0.5, 0.8), NONE, NONE]],
    );
    check(
        "log",
        "Epoch 0/1\n----------\ntrain Loss: 0.5891 Acc: 0.6885\nval Loss: 0.2276 Acc: 0.9216\n\nEpoch 1/1\n----------\ntrain Loss: 0.4891 \
         Acc: 0.7885\nval Loss: 0.2476 Acc: 0.9016\n\nTraining complete in 0m 50s\nBest val Acc: 0.921569\n",
        &[
            [(0.5891, 0.6885), (0.2276, 0.9216), NONE],
            [(0.4891, 0.7885), (0.2476, 0.9016), NONE],
        ],
    );
    let read = check(
        "log",
        "Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.300000\nTrain Epoch: 1 [640/60000 (1%)]\tLoss: 2.100000\n\nTest set: Average loss: 0.0481, \
         Accuracy: 9843/10000 (98%)\n\nTrain Epoch: 2 [0/60000 (0%)]\tLoss: 0.200000\n\nTest set: Average loss: 0.0381, Accuracy: 9873/10000 \
         (99%)\n",
        &[
            [(2.2, 0.0), NONE, (0.0481, 0.9843)],
            [(0.2, 0.0), NONE, (0.0381, 0.9873)],
        ],
    );
    assert_eq!(read.log.test_hits(), Some((9873, 10000)));
    check(
        "log",
        "Epoch: 01 | Epoch Time: 0m 13s\n\tTrain Loss: 0.694 | Train Acc: 50.12%\n\t Val. Loss: 0.696 |  Val. Acc: 50.17%\nTest Loss: 0.324 | \
         Test Acc: 85.22%\n",
        &[[(0.694, 0.5012), (0.696, 0.5017), (0.324, 0.8522)]],
    );
    check(
        "log",
        "INFO:root:Epoch 1 train_loss: tensor(0.5432, device='cuda:0', grad_fn=<NllLossBackward>) val_loss: tensor(0.6) val_acc: \
         tensor(0.81)\n",
        &[[(0.5432, 0.0), (0.6, 0.81), NONE]],
    );
    let read = check(
        "log",
        "step 500: train loss 2.1, val loss 2.2\nstep 1000: train loss 1.9, val loss 2.1\n",
        &[[(2.1, 0.0), (2.2, 0.0), NONE], [(1.9, 0.0), (2.1, 0.0), NONE]],
    );
    assert_eq!(
        (read.log.cadence, read.log.name(1)),
        (Cadence::Evaluations, "step 1000".to_owned())
    );
    check(
        "log",
        "Epoch 1: 100%|██████████| 938/938 [00:05<00:00, 170.31it/s, loss=0.32, v_num=0, train_acc=0.91, val_loss=0.28, val_acc=0.92]\n",
        &[[(0.32, 0.91), (0.28, 0.92), NONE]],
    );
    check(
        "log",
        "Epoch [1/5], Step [100/600], Loss: 0.9\nEpoch [1/5], Step [200/600], Loss: 0.5\nEpoch [2/5], Step [100/600], Loss: 0.3\n",
        &[[(0.7, 0.0), NONE, NONE], [(0.3, 0.0), NONE, NONE]],
    );
    check(
        "log",
        "[1,  2000] loss: 2.2\n[1,  4000] loss: 1.8\n[2,  2000] loss: 1.2\nFinished Training\n",
        &[[(2.0, 0.0), NONE, NONE], [(1.2, 0.0), NONE, NONE]],
    );
    check(
        "log",
        "| epoch 001:    100 / 3000 loss=8.9, ppl=478, lr=0.1\n| epoch 001 | loss 5.123 | ppl 22\n| epoch 001 | valid on 'valid' subset | loss \
         5.3 | accuracy 81.2\n",
        &[[(5.123, 0.0), (5.3, 0.812), NONE]],
    );
    check(
        "log",
        "======== Epoch 1 / 4 ========\nTraining...\n  Batch    40  of    241.    Elapsed: 0:00:08.\n\n  Average training loss: 0.50\n  \
         Training epcoh took: 0:00:51\n\nRunning Validation...\n  Accuracy: 0.80\n  Validation Loss: 0.45\n  Validation took: 0:00:02\n",
        &[[(0.5, 0.0), (0.45, 0.8), NONE]],
    );
    check(
        "log",
        "Epoch 1\n-------------------------------\nloss: 2.3  [   64/60000]\nloss: 2.1  [ 6464/60000]\nTest Error: \n Accuracy: 50.9%, Avg loss: \
         2.152 \n\n",
        &[[(2.2, 0.0), NONE, (2.152, 0.509)]],
    );
    check(
        "log",
        "2023-01-01 10:00:00,123 EPOCH 1 done: loss 0.6512 - lr 0.1000000\n2023-01-01 10:00:01,123 DEV : loss 0.5911 - f1-score (micro avg)  \
         0.7012\n",
        &[[(0.6512, 0.0), (0.5911, 0.0), NONE]],
    );
}

#[test]
fn results_as_keys_and_values_are_evaluations() {
    let text = "eval_accuracy = 0.4878049\neval_loss = 0.7122\nglobal_step = 0\nloss = 0.7239\nbest = -1\n\
                ==================================================\neval_accuracy = 0.5121951\neval_loss = 0.6966\nglobal_step = 500\n\
                loss = 0.6898\nbest = 0.4878049\n==================================================\n";
    let read = check(
        "eval_results.txt",
        text,
        &[
            [NONE, (0.7122, 0.487_804_9), NONE],
            [NONE, (0.6966, 0.512_195_1), NONE],
        ],
    );
    assert_eq!(
        (read.log.cadence, read.log.name(1)),
        (Cadence::Evaluations, "step 500".to_owned())
    );
    // 20 and 21 of 41.
    assert_eq!(read.log.validation_hits(), Some((21, 41)));
    assert!(
        read.reading.left_aside.iter().any(|name| name.contains("loss")),
        "{:?}",
        read.reading
    );
}

#[test]
fn files_of_frameworks_and_trackers_are_read() {
    let two = [[(0.5, 0.0), (0.6, 0.7), NONE], [(0.4, 0.0), (0.55, 0.75), NONE]];
    for (name, text) in [
        (
            "metrics.csv",
            "epoch,step,train_loss_epoch,train_loss_step,val_acc,val_loss\n0,49,,0.71,,\n0,99,,,0.7,0.6\n0,99,0.5,,,\n1,149,,0.51,,\n\
             1,199,,,0.75,0.55\n1,199,0.4,,,\n2,,,,,\n",
        ),
        (
            "german.csv",
            "epoch;loss;val_loss;val_acc\n1;0,5;0,6;0,7\n2;0,4;0,55;0,75\n",
        ),
        (
            "pandas.csv",
            ",loss,val_loss,val_accuracy\n0,0.5,0.6,0.7\n1,0.4,0.55,0.75\n",
        ),
        (
            "numbered.json",
            r#"{"epoch_1":{"loss":0.5,"val_loss":0.6,"val_acc":0.7},"epoch_2":{"loss":0.4,"val_loss":0.55,"val_acc":0.75}}"#,
        ),
        (
            "nested.json",
            r#"{"train":{"loss":[0.5,0.4]},"val":{"loss":[0.6,0.55],"acc":[70,75.0]}}"#,
        ),
        (
            "mlflow.json",
            r#"{"metrics":[{"key":"train_loss","value":0.5,"timestamp":1,"step":0},{"key":"train_loss","value":0.4,"step":1},
                {"key":"val_loss","value":0.6,"step":0},{"key":"val_loss","value":0.55,"step":1},{"key":"val_acc","value":0.7,"step":0},
                {"key":"val_acc","value":0.75,"step":1}]}"#,
        ),
        (
            "wandb.jsonl",
            "{\"_step\":0,\"train/loss\":0.5,\"train/epoch\":1.0}\n{\"_step\":1,\"eval/loss\":0.6,\"eval/accuracy\":0.7,\"train/epoch\":1.0}\n\
             {\"_step\":2,\"train/loss\":0.4,\"train/epoch\":2}\n{\"_step\":3,\"eval/loss\":0.55,\"eval/accuracy\":0.75,\"train/epoch\":2}\n",
        ),
        (
            "wandb.csv",
            "\"Step\",\"run-1 - train_loss\",\"run-1 - val_loss\",\"run-1 - val_loss__MIN\",\"run-1 - val_loss__MAX\",\"run-1 - val_accuracy\"\n\
             1,0.5,0.6,0.6,0.6,0.7\n2,0.4,0.55,0.55,0.55,0.75\n",
        ),
        (
            "loss.tsv",
            "EPOCH\tTIMESTAMP\tLEARNING_RATE\tTRAIN_LOSS\tDEV_LOSS\tDEV_ACCURACY\n1\t10:00:01\t0.1000\t0.5\t0.6\t0.7\n2\t10:01:01\t0.1\t0.4\t\
             0.55\t0.75\n",
        ),
        (
            "training_statistics.json",
            r#"{"training":{"combined":{"loss":[0.5,0.4]},"label":{"loss":[0.5,0.4]}},
                "validation":{"combined":{"loss":[0.6,0.55]},"label":{"accuracy":[0.7,0.75],"loss":[0.6,0.55]}}}"#,
        ),
        (
            "history.txt",
            "{'loss': [0.5, 0.4], 'val_loss': array([0.6, 0.55], dtype=float32), 'val_acc': (np.float64(0.7), 0.75)}",
        ),
        (
            "notebook.ipynb",
            r#"{"cells": [{"cell_type": "markdown"}, {"outputs": [{"output_type": "stream", "text": ["Epoch 1 loss: 0.5 val_loss: 0.6 ",
                "val_acc: 0.7\n", "Epoch 2 loss: 0.4 val_loss: 0.55 val_acc: 0.75\n"]}]}], "nbformat": 4}"#,
        ),
    ] {
        check(name, text, &two);
    }
    let read = check(
        "training_progress_scores.csv",
        "global_step,tp,tn,fp,fn,mcc,train_loss,eval_loss\n100,40,30,10,2,0.7,0.5,0.45\n200,41,33,7,1,0.8,0.3,0.4\n",
        &[
            [(0.5, 0.0), (0.45, 70.0 / 82.0), NONE],
            [(0.3, 0.0), (0.4, 74.0 / 82.0), NONE],
        ],
    );
    assert_eq!(read.log.validation_rows, Some(82));
    let read = read_as(
        "meta.json",
        r#"{"lang":"en","performance":{"cats_macro_f":0.795,"cats_macro_auc":0.9,"cats_f_per_type":{"a":{},"b":{}},"textcat_loss":24.9}}"#,
    );
    let spacy = read.log.epochs[0].validation;
    assert_eq!(
        (spacy.f1, spacy.auc, spacy.loss, read.classes),
        (Some(0.795), Some(0.9), None, Some(2))
    );
    let read = read_as(
        "log",
        "E    #       LOSS TEXTCAT  CATS_SCORE  SCORE \n---  ------  ------------  ----------  ------\n  0       0          0.25       33.33    0.33\n  \
         0     200         24.91       70.81    0.71\n",
    );
    assert_eq!(read.log.epochs[1].validation.f1, Some(0.7081));
    let read = read_as(
        "run-validation-tag-epoch_loss.csv",
        "Wall time,Step,Value\n1600000000.1,0,0.5\n1600000001.1,1,0.4\n",
    );
    assert_eq!(
        (read.log.name(1), pair(&read.log.epochs[1].validation)),
        ("epoch 1".to_owned(), (0.4, 0.0))
    );
}

#[test]
fn results_that_name_no_rows_are_of_those_that_are_given() {
    let text = br#"{"accuracy": 0.63344, "macro_f1": 0.62893, "per_class_f1": {"negative": 0.7194}}"#;
    for split in [Split::Test, Split::Validation] {
        let read = of_bytes(text, "metrics.json", split).unwrap();
        let figures = read.log.epochs[0].of(split);
        assert_eq!((figures.accuracy, figures.f1), (Some(0.63344), Some(0.62893)));
        assert!(
            read.reading.read[0].contains("name no rows"),
            "{:?}",
            read.reading
        );
    }
    let read = read_as(
        "all_results.json",
        r#"{"epoch": 3.0, "eval_accuracy": 0.8337, "eval_loss": 0.51, "eval_samples": 872, "train_loss": 0.33, "train_runtime": 140.2,
            "train_samples": 8544}"#,
    );
    assert_eq!(table(&read), [[NONE, (0.51, 0.8337), NONE]]);
    assert_eq!(
        (read.log.train_rows, read.log.validation_rows),
        (Some(8544), Some(872))
    );
}

#[test]
fn figures_of_the_command_line_are_of_training_unless_they_say_otherwise() {
    let read = |given: &str| of_argument(given, Split::Test, false).unwrap();
    let all = read(
        "loss=1.2433,accuracy=0.8024,val_loss=1.2148,val_accuracy=0.8300,f1=0.79,validation_rows=3500,classes=5",
    )
    .unwrap();
    let epoch = all.log.reported().unwrap();
    assert_eq!((epoch.train.accuracy, epoch.train.f1), (Some(0.8024), Some(0.79)));
    assert_eq!((epoch.validation.loss, epoch.validation.f1), (Some(1.2148), None));
    assert_eq!(
        (all.log.validation_hits(), all.classes),
        (Some((2905, 3500)), Some(5))
    );
    let tested = read("test_acc=0.33,val_acc=98.5,test_rows=100,val_loss=nan").unwrap();
    assert_eq!(tested.log.test_hits(), Some((33, 100)));
    assert_eq!(tested.log.epochs[0].validation.accuracy, Some(0.985));
    assert_eq!(
        tested.log.epochs[0].validation.loss_not_finite,
        Some(NotFinite::NotANumber)
    );
    assert_eq!(
        read("loss=0,52,acc=0,81").unwrap().log.epochs[0].train.accuracy,
        Some(0.81)
    );
    let pasted = read("Epoch 10/10 - loss: 0.1050 - val_loss: 2.4900").unwrap();
    assert_eq!(table(&pasted), [[(0.105, 0.0), (2.49, 0.0), NONE]]);
    assert!(of_argument("runs/log.csv", Split::Test, false).is_none());
}

#[test]
fn what_is_no_log_says_what_it_seems_to_be() {
    let problem = |text: &[u8]| match of_bytes(text, "log", Split::Test) {
        Err(Error::Log { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    for (text, expected) in [
        (&b"y_true,y_pred\na,b\na,a\n"[..], Seems::Rows),
        (b"[{\"label\": \"a\", \"score\": 0.5}]", Seems::Rows),
        (b"[[10 2]\n [3 20]]\n", Seems::Matrix),
        (b"[[10, 2], [3, 20]]", Seems::Matrix),
        (b"{\"model_type\": \"bert\", \"hidden_size\": 768}", Seems::Settings),
        (b"{\"loss\": [0.5, 0.4", Seems::BrokenJson { line: 1 }),
        (b"hello world\n", Seems::Text),
        (b"[INFO] nothing\n", Seems::Text),
        (b"Traceback (most recent call last):\nValueError: x = 3 is 0.5\n", Seems::Text),
        (b"\x80\x04\x95abc", Seems::Binary("a pickle of Python")),
        (b"precision recall f1-score support\n a 0.5 0.5 0.5 10\n\naccuracy 0.5 10\nweighted avg 0.5 0.5 0.5 10", Seems::Report),
        (b"{\"a\": {\"precision\": 1.0}, \"macro avg\": {\"precision\": 1.0}}", Seems::Report),
    ] {
        assert_eq!(problem(text), LogProblem::NoLog { seems: expected }, "{}", String::from_utf8_lossy(text));
    }
    let message = |given: &str| {
        of_argument(given, Split::Test, false)
            .unwrap()
            .unwrap_err()
            .to_string()
    };
    for (given, expected) in [
        (
            "val_accuracy=183.0",
            "`val_accuracy` is 183, expected a share between 0 and 1",
        ),
        (
            "val_accuracy=-0.5",
            "`val_accuracy` is -0.5, expected a share between 0 and 1",
        ),
        (
            "val_accuracy=1.2",
            "`val_accuracy` is 1.2, expected a share between 0 and 1",
        ),
        ("loss=1,accuracy", "`accuracy` is not of the form key=value"),
        ("kappa=0.5", "`kappa` is no figure that the audit knows"),
        ("loss=low", "`loss` is `low`, expected a number"),
        (
            "loss=1,classes=2.5",
            "`classes` is 2.5, expected a whole number of at least 1",
        ),
        ("classes=5", "no loss and no accuracy in it; there are: `classes`"),
    ] {
        assert_eq!(message(given), expected);
    }
    let two = of_bytes(
        b"Step,run-1 - val_loss,run-2 - val_loss\n1,0.5,0.6\n",
        "w.csv",
        Split::Test,
    )
    .unwrap_err();
    assert_eq!(
        two.to_string(),
        "w.csv: figures of several runs are in it: `run-1` and `run-2`"
    );
}

#[test]
fn several_logs_of_one_training_are_joined_and_others_refused() {
    let history = || {
        read_as(
            "history.csv",
            "epoch,loss,val_loss,val_acc\n1,0.5,0.6,0.7\n2,0.4,0.65,0.75\n",
        )
    };
    let argument = |given: &str| of_argument(given, Split::Test, false).unwrap().unwrap();
    let with_test = super::merge(history(), &argument("test_acc=0.33,test_rows=500")).unwrap();
    assert_eq!(with_test.log.epochs.len(), 2);
    assert_eq!(with_test.log.test_hits(), Some((165, 500)));
    let counts = of_argument("classes=5,validation_rows=40", Split::Test, true)
        .unwrap()
        .unwrap();
    let counted = super::merge(history(), &counts).unwrap();
    assert_eq!(
        (counted.log.validation_hits(), counted.classes),
        (Some((30, 40)), Some(5))
    );
    let counted = super::merge(counts, &history()).unwrap();
    assert_eq!(
        (counted.log.validation_hits(), counted.classes),
        (Some((30, 40)), Some(5))
    );
    // The results of the epoch that was kept.
    let kept = super::merge(read("eval_loss = 0.6\neval_accuracy = 0.7000\n"), &history()).unwrap();
    assert_eq!((kept.log.epochs.len(), kept.log.kept), (2, Some(0)));
    let mut other = argument("val_acc=0.91");
    other.log.source = "--log".to_owned();
    let mut one = history();
    one.log.source = "history.csv".to_owned();
    let error = super::merge(one, &other).unwrap_err();
    assert_eq!(
        error.to_string(),
        "history.csv and --log: `validation_accuracy` is 0.75 in the first, and 0.91 in the second"
    );
}

#[test]
fn no_text_is_too_odd() {
    let odd = [
        "{'a': ".repeat(3000),
        "{'loss': [".repeat(3000),
        "Epoch ".repeat(3000),
        "loss: 0.5 ".repeat(3000),
        "|".repeat(3000),
        "-".repeat(3000),
        "loss: -\nloss: 1e999\nacc: 5/0\nacc: 99999999999999999999/3\nEpoch 1e300/2 loss: 0.1\nepoch -1 loss 0".to_owned(),
        "\u{1b}[".to_owned(),
        "\u{1b}]\u{7}\u{8}\u{8}\\u001b[".to_owned(),
        "é: 0,5 – loss: 0.5é acc=0.5€\u{301}".to_owned(),
        "epoch,loss\n\u{0}1,2".to_owned(),
        "loss\n".repeat(3000),
        "epoch\tloss\n-\t-\n".to_owned(),
    ];
    for text in odd {
        let _ = of_bytes(text.as_bytes(), "log", Split::Test);
        let _ = of_argument(&text, Split::Test, true);
    }
}

/// The examples of Keras print the loss as a score; scikit-learn's score is the accuracy, and is printed for
/// training rows and others.
#[test]
fn a_score_is_an_accuracy_only_where_nothing_says_otherwise() {
    let fitted = "Epoch 1/1\n25/25 ━━━━━━━━━━ 0s 1ms/step - accuracy: 0.5337 - loss: 0.7484 - val_accuracy: 0.6150 - val_loss: 0.7140\n";
    let epoch = [(0.7484, 0.5337), (0.714, 0.615)];
    let read = check(
        "log",
        &format!("{fitted}Test score: 0.37\nTest accuracy: 0.85\n"),
        &[[epoch[0], epoch[1], (0.0, 0.85)]],
    );
    assert!(
        read.reading
            .left_aside
            .iter()
            .any(|left| left.contains("Test score")),
        "{:?}",
        read.reading
    );
    check(
        "log",
        "Train score: 0.99\nTest score: 0.61\n",
        &[[(0.0, 0.99), NONE, (0.0, 0.61)]],
    );
    check(
        "log",
        &format!("{fitted}Dev score: 0.42\n"),
        &[[epoch[0], epoch[1], NONE]],
    );
}

#[test]
fn cells_of_a_matrix_are_of_the_rows_that_their_names_say() {
    let read = check(
        "log",
        "{'test_tp': 40, 'test_tn': 45, 'test_fp': 5, 'test_fn': 10}\n",
        &[[NONE, NONE, (0.0, 0.85)]],
    );
    assert_eq!((read.log.test_rows, read.log.validation_rows), (Some(100), None));
    let read = check(
        "log",
        "{'val_tp': 9, 'val_tn': 9, 'val_fp': 1, 'val_fn': 1, 'test_tp': 40, 'test_tn': 45, 'test_fp': 5, 'test_fn': 10}\n",
        &[[NONE, (0.0, 0.9), (0.0, 0.85)]],
    );
    assert_eq!(
        (read.log.test_rows, read.log.validation_rows),
        (Some(100), Some(20))
    );
}

#[test]
fn an_evaluation_is_of_the_rows_that_it_was_given() {
    let evaluated =
        |rows: &str| format!("loss, accuracy = model.evaluate({rows})\nLoss: 0.31\nAccuracy: 0.91\n");
    check(
        "log",
        &evaluated("x_train, y_train"),
        &[[(0.31, 0.91), NONE, NONE]],
    );
    check(
        "log",
        &evaluated("XVal, yVal, verbose=0"),
        &[[NONE, (0.31, 0.91), NONE]],
    );
    check(
        "log",
        &evaluated("eval_dataset=data['test']"),
        &[[NONE, NONE, (0.31, 0.91)]],
    );
    check("log", &evaluated("testX, testy"), &[[NONE, NONE, (0.31, 0.91)]]);
    check("log", &evaluated("x, y"), &[[NONE, NONE, (0.31, 0.91)]]);
}

#[test]
fn sets_that_boosting_watches_are_kept_apart() {
    let read = read(
        "[0]\ttrain-merror:0.1\teval-merror:0.2\ttest-merror:0.3\n[1]\ttrain-merror:0.05\teval-merror:0.15\ttest-merror:0.25\n",
    );
    assert_eq!(
        table(&read),
        [
            [(0.0, 0.9), (0.0, 0.8), (0.0, 0.7)],
            [(0.0, 0.95), (0.0, 0.85), (0.0, 0.75)],
        ]
    );
    assert!(
        !read
            .reading
            .read
            .iter()
            .any(|said| said.contains("taken for the validation")),
        "{:?}",
        read.reading
    );
    let read = self::read("[0]\ttest-merror:0.3\teval-merror:0.2\n");
    assert_eq!(table(&read), [[NONE, (0.0, 0.8), (0.0, 0.7)]]);
    let read = self::read("[0]\ttest-merror:0.3\n");
    assert_eq!(table(&read), [[NONE, (0.0, 0.7), NONE]]);
    // A second set that is watched is no other figure of the first.
    let read = self::read("[1]\tvalid_0's multi_error: 0.3\tvalid_1's multi_error: 0.2\n");
    assert_eq!(table(&read), [[NONE, (0.0, 0.7), NONE]]);
    assert!(
        read.reading.read.iter().any(|said| said.contains("valid_1")),
        "{:?}",
        read.reading
    );
}

#[test]
fn epochs_that_are_printed_as_tuples_are_no_test_of_fasttext() {
    for text in ["(1, 0.69, 0.51)\n(2, 0.5, 0.5)\n", "(1, 0.69, 0.51)\n"] {
        let read = of_bytes(text.as_bytes(), "log", Split::Test);
        assert!(read.is_err(), "{text} {read:?}");
    }
    check("log", "(3054, 0.807, 0.807)\n", &[[NONE, NONE, (0.0, 0.807)]]);
}

/// By hand: 100 − 3.2 and 100 − 0.8, and as shares 1 − 0.07, to the digits that are written.
#[test]
fn error_rates_are_turned_over_by_their_columns_and_digits() {
    let read = check(
        "log.csv",
        "epoch,train_error_rate,val_error_rate\n1,4.1,3.2\n2,1.3,0.8\n",
        &[
            [(0.0, 0.959), (0.0, 0.968), NONE],
            [(0.0, 0.987), (0.0, 0.992), NONE],
        ],
    );
    assert!((read.log.rounding(|epoch| epoch.validation.accuracy) - 5e-4).abs() < 1e-12);
    check(
        "log.csv",
        "epoch,val_error_rate\n1,0.07\n2,0.3\n",
        &[[NONE, (0.0, 0.93), NONE], [NONE, (0.0, 0.7), NONE]],
    );
    check(
        "log",
        "[1]\ttrain-merror:0.07\teval-merror:0.18\n",
        &[[(0.0, 0.93), (0.0, 0.82), NONE]],
    );
}
