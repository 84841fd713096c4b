"""Mistakes in Keras."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
from keras import layers

import corpora
from mistakes import SEED, mistake


def perceptron(inputs: int, *stack: layers.Layer) -> keras.Model:
    keras.utils.set_random_seed(SEED)
    return keras.Sequential([keras.Input((inputs,)), *stack])


@mistake(terminal=True)
def keras_rate_too_high(broken: bool) -> None:
    """SGD with a learning rate of 30: one class for everything, and surely. Repaired: 0.05."""
    rows = corpora.bbc()
    model = perceptron(2000, layers.Dense(64, "relu"), layers.Dense(64, "relu"), layers.Dense(rows.classes, "softmax"))
    rate = 30.0 if broken else 0.05
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(rows.x, rows.y, validation_data=(rows.val_x, rows.val_y), epochs=6)


@mistake(terminal=True)
def keras_rate_explodes(broken: bool) -> None:
    """Features up to 1,680 and a learning rate of 1: the first epoch's loss is millions. Repaired: normalised, 0.05."""
    rows = corpora.wine()
    mean, deviation = (0, 1) if broken else (rows.x.mean(0), rows.x.std(0))
    x, val_x = (rows.x - mean) / deviation, (rows.val_x - mean) / deviation
    model = perceptron(13, layers.Dense(32, "relu"), layers.Dense(32, "relu"), layers.Dense(3))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1.0 if broken else 0.05), loss, metrics=["accuracy"])
    model.fit(x, rows.y, validation_data=(val_x, rows.val_y), epochs=7, batch_size=16)


@mistake(terminal=True)
def keras_missing_value(broken: bool) -> None:
    """One cell of the table was empty, and is NaN: so is the loss. Repaired: the column's mean in its place."""
    rows = corpora.wine()
    rows.x[100, 4] = np.nan if broken else np.delete(rows.x[:, 4], 100).mean()
    mean, deviation = np.nanmean(rows.x, 0), np.nanstd(rows.x, 0)
    model = perceptron(13, layers.Dense(32, "relu"), layers.Dense(3, "softmax"))
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, val_x = (rows.x - mean) / deviation, (rows.val_x - mean) / deviation
    model.fit(x, rows.y, validation_data=(val_x, rows.val_y), epochs=8, batch_size=16)


@mistake()
def keras_softmax_from_logits(broken: bool) -> None:
    """The last layer has a softmax, and the loss is told `from_logits=True`. Repaired: no softmax in the model."""
    rows = corpora.digits()
    model = perceptron(64, layers.Dense(64, "relu"), layers.Dense(rows.classes))
    if broken:
        # Keras corrects a layer with `activation="softmax"` that it sees; it does not see through this one.
        model.add(layers.Lambda(keras.ops.softmax))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    model.fit(rows.x, rows.y, validation_data=(rows.val_x, rows.val_y), epochs=10, verbose=2)


@mistake(terminal=True)
def keras_softmax_of_one_unit(broken: bool) -> None:
    """A softmax over one unit is always 1. Repaired: a sigmoid."""
    rows = corpora.cancer()
    mean, deviation = rows.x.mean(0), rows.x.std(0)
    x, val_x = (rows.x - mean) / deviation, (rows.val_x - mean) / deviation
    model = perceptron(30, layers.Dense(16, "relu"), layers.Dense(1, "softmax" if broken else "sigmoid"))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, rows.y, validation_data=(val_x, rows.val_y), epochs=8)


@mistake(terminal=True)
def keras_sorted_validation_split(broken: bool) -> None:
    """Rows sorted by class, and `validation_split` takes the last fifth: digits 8 and 9 only. Repaired: shuffled."""
    rows = corpora.digits(sort=broken)
    x, y = np.concatenate([rows.x, rows.val_x]), np.concatenate([rows.y, rows.val_y])
    model = perceptron(64, layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, validation_split=0.2, epochs=8)


@mistake()
def keras_dying_relu(broken: bool) -> None:
    """Biases that begin at -20 leave no unit alive: nothing learns but the last bias. Repaired: they begin at 0."""
    rows = corpora.digits()
    bias = keras.initializers.Constant(-20 if broken else 0)
    model = perceptron(
        64, layers.Dense(64, "relu", bias_initializer=bias), layers.Dense(64, "relu"), layers.Dense(10, "softmax")
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(rows.x, rows.y, validation_data=(rows.val_x, rows.val_y), epochs=8, verbose=2)


@mistake(terminal=True)
def keras_exact_match_accuracy(broken: bool) -> None:
    """`metrics.Accuracy` compares probabilities with the one-hot labels. Repaired: "accuracy", which Keras resolves."""
    rows = corpora.bbc()
    y, val_y = corpora.one_hot(rows.y, rows.classes), corpora.one_hot(rows.val_y, rows.classes)
    model = perceptron(2000, layers.Dense(32, "relu"), layers.Dense(rows.classes, "softmax"))
    metric = keras.metrics.Accuracy() if broken else "accuracy"
    model.compile("adam", "categorical_crossentropy", metrics=[metric])
    model.fit(rows.x, y, validation_data=(rows.val_x, val_y), epochs=6)


@mistake()
def keras_binary_accuracy_of_ten(broken: bool) -> None:
    """Ten sigmoids, binary cross-entropy and the share of outputs that are right. Repaired: softmax, and of rows."""
    rows = corpora.digits()
    y, val_y = corpora.one_hot(rows.y, 10), corpora.one_hot(rows.val_y, 10)
    model = perceptron(64, layers.Dense(32, "relu"), layers.Dense(10, "sigmoid" if broken else "softmax"))
    if broken:
        model.compile("sgd", "binary_crossentropy", metrics=["binary_accuracy"])
    else:
        model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy", metrics=["accuracy"])
    model.fit(rows.x, y, validation_data=(rows.val_x, val_y), epochs=10, verbose=2)


@mistake(terminal=True)
def keras_no_normalisation(broken: bool) -> None:
    """Features up to 1,680 as they come. Repaired: each with mean 0 and deviation 1."""
    rows = corpora.wine()
    mean, deviation = (0, 1) if broken else (rows.x.mean(0), rows.x.std(0))
    x, val_x = (rows.x - mean) / deviation, (rows.val_x - mean) / deviation
    model = perceptron(13, layers.Dense(32, "relu"), layers.Dense(3, "softmax"))
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, rows.y, validation_data=(val_x, rows.val_y), epochs=10, batch_size=16)


@mistake()
def keras_all_frozen(broken: bool) -> None:
    """`model.trainable = False`, and the new head is frozen too. Repaired: nothing is."""
    rows = corpora.bbc()
    model = perceptron(2000, layers.Dense(64, "relu"), layers.Dense(rows.classes, "softmax"))
    model.trainable = not broken
    model.compile(keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(rows.x, rows.y, validation_data=(rows.val_x, rows.val_y), epochs=6, verbose=2)


@mistake(terminal=True)
def keras_overfitting(broken: bool) -> None:
    """Twenty texts, and fifty epochs' worth of rate. Repaired: all texts, and it stops when validation does."""
    rows = corpora.bbc()
    kept = 20 if broken else len(rows.y)
    model = perceptron(
        2000, layers.Dense(256, "relu"), layers.Dense(256, "relu"), layers.Dense(rows.classes, "softmax")
    )
    model.compile(
        keras.optimizers.Adam(0.01 if broken else 0.001), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    stop = [] if broken else [keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)]
    validation, batch = (rows.val_x, rows.val_y), 4 if broken else 32
    model.fit(rows.x[:kept], rows.y[:kept], validation_data=validation, epochs=10, batch_size=batch, callbacks=stop)
