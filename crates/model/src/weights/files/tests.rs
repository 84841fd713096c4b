//! Weights in every form, as torch and transformers wrote them, and files that are none.

use super::*;
use crate::Pretrained;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/weights")
}

/// A folder with copies of files; each pair is a file of the fixtures and its name in the folder.
fn folder_of(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in files {
        fs::copy(&fixtures().join(from), &folder.path().join(to)).unwrap();
    }
    folder
}

/// A folder with the tiny encoder, and with its weights in some files.
fn tiny(weights: &[(&str, &str)]) -> tempfile::TempDir {
    let others = [
        ("tiny/config.json", "config.json"),
        ("tiny/vocab.txt", "vocab.txt"),
    ];
    folder_of(&[&others, weights].concat())
}

/// The tensors of a safetensors file: names, dtypes, shapes, bytes.
type Tensors = Vec<(String, Dtype, Vec<usize>, Vec<u8>)>;

/// Reads all of a safetensors file.
fn content(path: &Path) -> Tensors {
    let bytes = fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let all = tensors.tensors().into_iter();
    let mut all: Vec<_> = all
        .map(|(name, view)| (name, view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

/// Reads all tensors of a folder's weights.
fn read_all(folder: &Path) -> Result<Tensors, Error> {
    let files = WeightFiles::open(folder)?;
    let tensors = files.tensors()?.into_iter();
    let read = |(name, stored): (String, Stored<'_>)| match stored.read() {
        Ok(bytes) => Ok((name, stored.dtype(), stored.shape().to_vec(), bytes.into_owned())),
        Err(error) => Err(Error::TorchFile {
            path: files.path.clone(),
            problem: error.to_string(),
        }),
    };
    tensors.map(read).collect()
}

/// What is read of a single file of `torch.save`.
fn tensors_of(file: &str) -> Result<Tensors, Error> {
    read_all(folder_of(&[(file, "pytorch_model.bin")]).path())
}

const WHOLE: (&str, &str) = ("tiny/model.safetensors", "model.safetensors");

const FORMS: [&[(&str, &str)]; 4] = [
    &[("tiny/pytorch_model.bin", "pytorch_model.bin")],
    &[("tiny/legacy.bin", "pytorch_model.bin")],
    &[
        (
            "tiny/model.safetensors.index.json",
            "model.safetensors.index.json",
        ),
        (
            "tiny/model-00001-of-00002.safetensors",
            "model-00001-of-00002.safetensors",
        ),
        (
            "tiny/model-00002-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
        ),
    ],
    &[
        (
            "tiny/pytorch_model.bin.index.json",
            "pytorch_model.bin.index.json",
        ),
        (
            "tiny/pytorch_model-00001-of-00002.bin",
            "pytorch_model-00001-of-00002.bin",
        ),
        (
            "tiny/pytorch_model-00002-of-00002.bin",
            "pytorch_model-00002-of-00002.bin",
        ),
    ],
];

#[test]
fn an_encoder_has_the_same_weights_in_every_form() {
    let device = Device::flex();
    let written = |weights: &[(&str, &str)]| {
        let folder = tiny(weights);
        let pretrained = Pretrained::load(folder.path(), &device).unwrap();
        let path = folder.path().join("written.safetensors");
        pretrained.encoder.named_tensors().write(&path).unwrap();
        content(&path)
    };
    let expected = written(&[WHOLE]);
    // 3 tables and a norm, and in the layer 6 dense layers and 2 norms.
    assert_eq!(expected.len(), 3 + 2 + 6 * 2 + 2 * 2);
    for form in FORMS {
        assert_eq!(written(form), expected, "{form:?}");
    }
}

#[test]
fn tensors_of_every_kind_are_those_that_torch_gives_to_safetensors() {
    let expected = content(&fixtures().join("kinds.safetensors"));
    assert_eq!(expected.len(), 14);
    for file in ["kinds.bin", "kinds_legacy.bin", "kinds_protocol_4.bin"] {
        assert_eq!(tensors_of(file).unwrap(), expected, "{file}");
    }
}

#[test]
fn floats_of_every_width_become_float32() {
    let device = Device::flex();
    let folder = folder_of(&[("kinds.bin", "pytorch_model.bin")]);
    let files = WeightFiles::open(folder.path()).unwrap();
    let reference = fs::read(&fixtures().join("kinds.safetensors")).unwrap();
    let mut expected = TensorSource::new(Path::new("kinds"), &reference, &device).unwrap();
    let mut found = files.source(&device).unwrap();
    for (name, shape) in [
        ("float16", [3, 2]),
        ("bfloat16", [3, 2]),
        ("float64", [3, 2]),
        ("transposed", [6, 4]),
    ] {
        let values = |source: &mut TensorSource<'_>| {
            source
                .take(name, shape)
                .into_data()
                .iter::<f32>()
                .collect::<Vec<_>>()
        };
        let (found, expected) = (values(&mut found), values(&mut expected));
        assert!(expected.iter().any(|value| *value != 0.0));
        assert_eq!(found, expected, "{name}");
    }
    let _ = found.take("int64", [5]);
    let error = found.finish().unwrap_err().to_string();
    assert!(
        error.contains("1 of another shape: int64 of type I64, expected a float"),
        "{error}"
    );
}

#[test]
fn pickles_that_name_more_than_tensors_are_refused_and_not_run() {
    let refusal = |file: &str| tensors_of(file).unwrap_err().to_string();
    for file in [
        "calls.bin",
        "calls_legacy.bin",
        "calls_protocol_4.bin",
        "calls_first.bin",
    ] {
        let error = refusal(file);
        let expected = "holds more than tensors: its pickle names `posix.system`, which Python would run; nothing \
                        of it was run";
        assert!(error.ends_with(expected), "{file}: {error}");
    }
    assert!(refusal("module.bin").contains("its pickle names `torch.nn.modules.linear.Linear`"));
    assert!(!Path::new("labelproof-was-here").exists());
}

#[test]
fn damaged_files_are_errors_that_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pytorch_model.bin");
    let problem = |bytes: &[u8]| {
        fs::write_atomic(&path, bytes).unwrap();
        read_all(folder.path()).err().map(|error| error.to_string())
    };
    let expected = format!("`{}` is no usable file of `torch.save`: ", path.display());
    for file in ["kinds.bin", "kinds_legacy.bin"] {
        let whole = fs::read(&fixtures().join(file)).unwrap();
        assert_eq!(problem(&whole), None);
        for length in (0..whole.len()).step_by(37).chain([whole.len() - 1]) {
            let found = problem(&whole[..length]).expect("a part of a file is not taken for the whole");
            assert!(found.starts_with(&expected), "{file} cut to {length}: {found}");
        }
        // Any byte changed: an error or not, but no panic, and nothing that is larger than the file.
        for place in (0..whole.len()).step_by(3) {
            let mut changed = whole.clone();
            changed[place] ^= 0x55;
            let _ = problem(&changed);
        }
    }
}

#[test]
fn a_tensor_in_two_shards_is_an_error() {
    let folder = tiny(FORMS[3]);
    let index = folder.path().join("pytorch_model.bin.index.json");
    let (first, second) = (
        "pytorch_model-00001-of-00002.bin",
        "pytorch_model-00002-of-00002.bin",
    );
    fs::copy(&folder.path().join(first), &folder.path().join(second)).unwrap();
    let error = Pretrained::load(folder.path(), &Device::flex())
        .unwrap_err()
        .to_string();
    let expected = format!("`{}` is no usable index of weights: `", index.display());
    assert!(
        error.starts_with(&expected) && error.ends_with("is in two of its files"),
        "{error}"
    );
}
