"""Writes the inputs of check.sh into the current folder: the encoders `minilm` and `base`, the texts with their
split, and many texts to predict. usage: inputs.py ENCODER_DIR ROWS   (0 for all rows)"""
import pathlib
import shutil
import sys

import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel

encoder, rows = pathlib.Path(sys.argv[1]), int(sys.argv[2])
device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
print(f"torch {torch.__version__}, GPU: {device}")
shutil.copytree(encoder, "minilm")
halves = load_file("minilm/model.safetensors")
floats = {name: half.float() if half.is_floating_point() else half for name, half in halves.items()}
save_file(floats, "minilm/model.safetensors", {"format": "pt"})
torch.manual_seed(10)
config = BertConfig(hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072)
BertModel(config, add_pooling_layer=False).save_pretrained("base", safe_serialization=True)
for name in ["tokenizer.json", "tokenizer_config.json", "vocab.txt"]:
    shutil.copy(encoder / name, "base")
files = sorted(pathlib.Path("bbc-news").glob("*/*.txt"))
texts = pd.DataFrame({
    "id": [f"{file.parent.name}/{file.stem}" for file in files],
    "text": [file.read_text("utf-8", errors="replace") for file in files],
    "label": [file.parent.name for file in files],
})
if rows:
    texts = texts.groupby("label").head(-(-rows // texts.label.nunique()))
# Of each label the first of ten rows is a test row and the second a validation row.
places = texts.groupby("label").cumcount() % 10
texts["split"] = ["test" if place == 0 else "val" if place == 1 else "train" for place in places]
texts = texts.sample(frac=1, random_state=10).reset_index(drop=True)
texts.to_csv("texts.csv", index=False)
# Several copies with other ids, so that a GPU has something to do.
copies = 1 if rows else 4
many = pd.concat([texts.assign(id=texts.id + f"/{copy}") for copy in range(copies)])
many[["id", "text"]].to_csv("many.csv", index=False)
