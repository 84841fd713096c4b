"""Faults of the way from a text to the encoder (C30 to C37).

What shows them is a test accuracy below the validation accuracy: they count where they cost five points, which is what
chance leaves apart in files of a few hundred rows.
"""

from faults.registry import fault
from faults.tools import mixed, test_read_as

SHOWS = 0.05


@fault("C30", effect=SHOWS)
def vocabulary_in_other_order(run, rng):
    """The test was tokenised with a vocabulary whose pieces have other numbers."""
    return test_read_as(run, "shuffled_vocabulary")


@fault("C30", effect=SHOWS)
def tokenizer_keeps_case(run, rng):
    """The test was tokenised without lower-casing: a word with a capital is unknown to the vocabulary."""
    return test_read_as(run, "keep_case")


@fault("C31")
def cleaned_before_the_test_was_added(run, rng):
    """Train and validation texts were cleaned of case, punctuation and stop words, the test texts were not."""
    train, validation = (run.read(part.rows, "cleaned") for part in (run.train, run.validation))
    return run.results(run.fit(train, validation), train=train, validation=validation)


@fault("C31")
def train_alone_cleaned(run, rng):
    """Only the train texts were cleaned."""
    train = run.read(run.train.rows, "cleaned")
    return run.results(run.fit(train), train=train)


@fault("C32", effect=SHOWS)
def test_cut_at_12_tokens(run, rng):
    """The prediction script has another maximal length."""
    return test_read_as(run, "short")


@fault("C33", effect=SHOWS)
def ids_and_mask_swapped(run, rng):
    """Ids and mask changed places: the encoder sees the length of a text and nothing else."""
    return test_read_as(run, "swapped_inputs")


@fault("C33", effect=SHOWS)
def mask_missing(run, rng):
    """Test texts were padded to 128 tokens and read without a mask."""
    return test_read_as(run, "no_mask")


@fault("C34", effect=SHOWS)
def max_pooling_over_pads(run, rng):
    """The maximum goes over pads too; validation was padded to the longest of a batch, the test to 128 tokens."""
    return test_read_as(run, "pool_pads", pooling="maximum")


@fault("C37", effect=SHOWS)
def id_column_as_text(run, rng):
    """The text column of the test file is the id column."""
    return test_read_as(run, "id")


@fault("C37", effect=SHOWS)
def missing_texts_became_nan(run, rng):
    """A join lost the texts of six test rows in ten; the encoder read the word nan."""
    return run.results(test=mixed(run, run.test, "nan", 0.6, rng))


@fault("C37")
def test_texts_are_web_pages(run, rng):
    """The test texts still have their mark-up."""
    return test_read_as(run, "web_page")


@fault("C37")
def test_texts_misread(run, rng):
    """The test texts are UTF-8 read as windows-1252."""
    return test_read_as(run, "misread")
