"""A network that Keras has trained: its History and its predictions."""

from __future__ import annotations

import numpy
import pytest

import labelproof

keras = pytest.importorskip("keras")


def trained():
    draw = numpy.random.default_rng(1)
    classes = draw.integers(0, 3, 600)
    inputs = numpy.eye(3)[classes] + draw.normal(scale=0.3, size=(600, 3))
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3, activation="softmax")]
    )
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        inputs[:300], classes[:300], epochs=8, verbose=0, validation_data=(inputs[300:450], classes[300:450])
    )
    return model, history, inputs, classes


def test_the_history_is_held_against_the_predictions():
    model, history, inputs, classes = trained()
    validation = (classes[300:450], model.predict(inputs[300:450], verbose=0))
    test = (classes[450:], model.predict(inputs[450:], verbose=0))
    result = labelproof.audit(test=test, validation=validation, log=history)
    assert result.verdict == "sound", str(result)
    assert "8 epochs" in str(result)

    # The predictions of other rows than the ones whose labels stand beside them.
    shuffled = numpy.random.default_rng(2).permutation(test[1])
    result = labelproof.audit(test=(test[0], shuffled), validation=validation, log=history)
    assert result.verdict == "unsound"
    assert result.findings[0].id == "C11"
